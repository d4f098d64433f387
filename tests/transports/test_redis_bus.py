"""The agents' bus on Redis, as the daemon reads and feeds it."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from redis.asyncio import Redis
from redis_server import RedisServer

from bureaucrat.config import SignalSettings
from bureaucrat.errors import BrokerUnavailable, ConfigurationError
from bureaucrat.transports import redis_bus
from bureaucrat.transports.redis_bus import RedisBus

Heard = list[tuple[str, bytes]]


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.005)


class World:
    """Buses of several daemons on one Redis, and a client of it."""

    def __init__(self, url: str) -> None:
        self.settings = SignalSettings(url, f"P{uuid.uuid4().hex[:8]}")
        self.client = Redis.from_url(url)
        self.heard: dict[str, Heard] = {}
        self.buses: dict[str, RedisBus] = {}

    async def begin(self, name: str, *events: str) -> RedisBus:
        bus = self.buses[name] = RedisBus(self.settings)
        self.heard[name] = []
        bus.learn(events)
        await bus.start(lambda event, body: self.heard[name].append((event, body)))
        return bus

    async def send(self, event: str, body: str, sender: str = "agent") -> int:
        """Publish; how many have heard it."""
        return int(await self.client.publish(f"{self.settings.prefix}:{event}:{sender}", body))

    async def until_sent(self, event: str, body: str = '{"n": 1}', sender: str = "agent") -> None:
        """Publish until somebody hears it."""
        async with asyncio.timeout(30):
            while not await self.send(event, body, sender):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.005)

    async def until_heard(self, name: str, event: str, body: str) -> None:
        """Publish until this daemon hears it: what is sent while the reader changes is lost."""
        count = len(self.heard[name])
        async with asyncio.timeout(30):
            while len(self.heard[name]) == count:
                await self.send(event, body)
                await asyncio.sleep(0.005)

    async def close(self) -> None:
        for bus in self.buses.values():
            await bus.stop()
        await self.client.aclose()


@pytest.fixture
async def world(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    for name, seconds in (("_HELD", 1.0), ("_RENEWED", 0.1), ("_PAUSE", 0.05)):
        monkeypatch.setattr(redis_bus, name, seconds)
    made = World(redis_server.url())
    yield made
    await made.close()


async def test_a_signal_is_heard_with_its_sender_and_no_other_is(world: World) -> None:
    await world.begin("one", "paid")

    await world.until_sent("paid", '{"order_id": 17, "sender": "x"}', "shop#request")
    assert await world.send("unknown", "{}") == 0
    await until(lambda: world.heard["one"])

    assert world.heard["one"] == [("paid", b'{"sender":"x","order_id":17}')]


async def test_a_name_that_is_learned_later_is_heard_too(world: World) -> None:
    bus = await world.begin("one", "paid")
    await world.until_sent("paid")

    bus.learn(["shipped", "paid"])
    await world.until_sent("shipped")

    await until(lambda: len(world.heard["one"]) == 2)
    assert [event for event, _ in world.heard["one"]] == ["paid", "shipped"]


async def test_one_daemon_reads_and_another_goes_on_when_it_stops(world: World) -> None:
    first = await world.begin("first", "paid")
    await world.until_sent("paid")
    await world.begin("second", "paid")
    assert await world.send("paid", '{"n": 2}') == 1
    await until(lambda: len(world.heard["first"]) == 2)

    await first.stop()
    await world.until_heard("second", "paid", '{"n": 3}')

    assert world.heard["second"][0] == ("paid", b'{"sender":"agent","n":3}')
    assert [body for _, body in world.heard["first"]] == [b'{"sender":"agent","n":1}', b'{"sender":"agent","n":2}']


async def test_a_daemon_that_has_lost_the_lock_reads_no_more(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """It was frozen for longer than the lock lasts."""
    await world.begin("frozen", "paid")
    await world.until_sent("paid")

    await world.client.set(f"{world.settings.prefix}:bureaucrat.reader", "another", px=600)

    await until(lambda: "another daemon reads signals now" in caplog.text)
    await world.until_heard("frozen", "paid", '{"n": 2}')
    assert world.heard["frozen"][-1] == ("paid", b'{"sender":"agent","n":2}')


async def test_what_is_no_json_is_passed_over(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.begin("one", "paid")
    await world.until_sent("paid")

    for text in ("nonsense", "[1]"):
        await world.send("paid", text)
    await world.send("paid", '{"n": 2}')

    await until(lambda: len(world.heard["one"]) == 2)
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "a signal is no JSON, and passed over"
    ] * 2


async def test_signals_of_processes_are_sent_and_not_heard_again(world: World) -> None:
    bus = await world.begin("one", "paid")
    await world.until_sent("paid")
    async with world.client.pubsub() as listening:
        await listening.psubscribe(f"{world.settings.prefix}:*")
        await listening.get_message(timeout=10)

        bus.send("paid", b'{"n":2}')
        found = await listening.get_message(timeout=10)
    await world.send("paid", '{"n": 3}')

    assert found is not None
    assert (found["channel"], found["data"]) == (f"{world.settings.prefix}:paid:bureaucrat".encode(), b'{"n":2}')
    await until(lambda: len(world.heard["one"]) == 2)
    assert world.heard["one"][1] == ("paid", b'{"sender":"agent","n":3}')


async def test_signals_beyond_what_is_kept_are_dropped(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    bus = RedisBus(SignalSettings(redis_server.url()))

    for _ in range(1_001):
        bus.send("paid", b"{}")

    assert [record.getMessage() for record in caplog.records] == ["a signal is dropped: Redis takes none"]


async def test_a_redis_that_is_away_is_waited_for(world: World, caplog: pytest.LogCaptureFixture) -> None:
    server = RedisServer()
    world.settings = SignalSettings(server.url(), "P")
    bus = await world.begin("one", "paid")
    bus.send("paid", b"{}")
    await until(lambda: "Redis is away; signals are lost" in caplog.text)

    server.start()
    try:
        for _ in range(2):
            world.client = Redis.from_url(server.url())
            await world.until_heard("one", "paid", '{"n": 1}')
            server.kill()
            await world.client.aclose()
            server.start()
    finally:
        await bus.stop()
        server.remove()


async def test_whether_it_answers_is_said_before_the_daemon_starts(redis_server: RedisServer) -> None:
    await RedisBus(SignalSettings(redis_server.url())).reach()

    with pytest.raises(BrokerUnavailable, match=r"no use of Redis at redis://:\*\*\*@127\.0\.0\.1:1: .*Connect"):
        await RedisBus(SignalSettings("redis://:secret@127.0.0.1:1")).reach()


def test_a_client_that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)

    with pytest.raises(ConfigurationError, match=r"pip install 'bureaucrat-engine\[redis\]'"):
        RedisBus(SignalSettings("redis://localhost"))
