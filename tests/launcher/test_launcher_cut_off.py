"""A launcher whose connections are cut, or whose confirms get lost, in the middle of its work."""

from __future__ import annotations

import asyncio

import pytest
from fake_daemon import PATIENCE, FakeDaemon, next_launch
from proxy import ACK, Proxy
from rabbit import Rabbit

from bureaucrat.launcher import Launcher, Unconfirmed

BARE = '<process name="order"><action participant="charge"/></process>'


async def test_a_confirm_that_is_lost_leaves_open_whether_it_was_sent(
    rabbit: Rabbit, vhost: str, daemon: FakeDaemon
) -> None:
    """The message did arrive. To launch again with the same id is safe: it is the same instance."""
    async with Proxy(rabbit.port) as proxy:
        with Launcher({"url": proxy.url(vhost)}, timeout=1.0) as launcher:
            proxy.lost.add(ACK)
            with pytest.raises(Unconfirmed) as caught:
                await asyncio.to_thread(launcher.launch, BARE, id="order-1")
            proxy.lost.clear()
            again = await asyncio.to_thread(launcher.launch, BARE, id="order-1")

    assert caught.value.may_have_been_sent
    assert proxy.dropped == 1
    assert again == "order-1"
    assert [next_launch(daemon).id for _ in range(2)] == ["order-1", "order-1"]


async def test_connections_may_be_cut_at_any_moment(rabbit: Rabbit, vhost: str, daemon: FakeDaemon) -> None:
    """Threads that launch and wait notice nothing: whatever was launched arrives, and every result comes."""
    arrived: set[str] = set()

    async with Proxy(rabbit.port) as proxy:
        with Launcher({"url": proxy.url(vhost)}, timeout=PATIENCE, ask_again=0.2) as launcher:

            def launch(number: int) -> list[str]:
                return [launcher.launch(BARE, {"n": number}) for _ in range(60)]

            launching = [asyncio.create_task(asyncio.to_thread(launch, number)) for number in range(3)]
            waiting = asyncio.create_task(asyncio.to_thread(launcher.result, "x", 60))
            for _ in range(15):
                for _ in range(8):
                    arrived.add((await asyncio.to_thread(next_launch, daemon)).id or "")
                proxy.cut()
            ids = {id for one in launching for id in await one}
            assert not waiting.done()
            daemon.set("completed", "x")
            assert (await waiting).instance == "x"

    while len(arrived) < len(ids):
        arrived.add((await asyncio.to_thread(next_launch, daemon)).id or "")
    assert len(ids) == 180
    assert arrived == ids
    assert proxy.connections > 10, "the cuts were felt"


async def test_a_broker_that_has_gone_silent_is_told_apart_from_one_that_never_spoke(
    rabbit: Rabbit, vhost: str, daemon: FakeDaemon
) -> None:
    """On an open connection the message may be under way; where none came about, nothing was sent."""
    async with Proxy(rabbit.port) as proxy:
        with Launcher({"url": proxy.url(vhost)}, timeout=1.0) as launcher:
            await asyncio.to_thread(launcher.launch, BARE, id="a")
            proxy.silence()
            with pytest.raises(Unconfirmed) as first:
                await asyncio.to_thread(launcher.launch, BARE, id="b")
            with pytest.raises(Unconfirmed) as second:
                await asyncio.to_thread(launcher.launch, BARE, id="c")

    assert (first.value.may_have_been_sent, second.value.may_have_been_sent) == (True, False)
