"""F-005, F-008: the order of each key, and nothing lost, while workers are killed and added."""

from __future__ import annotations

from collections.abc import AsyncIterable
from pathlib import Path

import pytest
from keyed_worker import declared
from rabbit import Rabbit
from stream_chaos import Chaos, complaints, repeated

from bureaucrat import streams as faust


async def test_each_key_keeps_its_order_while_workers_are_killed(vhost_url: str, tmp_path: Path) -> None:
    """``make streams`` does so with 100,000 events."""
    chaos = Chaos(vhost_url, tmp_path / "handled", keys=40, turns=50, kills=3)

    handled = await chaos.run()

    assert complaints(handled, 40, 50) == []
    assert len(handled) - repeated(handled) == 2000
    assert repeated(handled) <= 3 * 6 * 100, "no more than was here of each partition when a worker was killed"


async def test_agents_go_on_after_a_lost_connection(rabbit: Rabbit, vhost: str, vhost_url: str) -> None:
    """What was cast meanwhile is handled, and who asks is answered."""
    app, topic = declared(vhost_url)

    @app.agent(topic, name="echo")
    async def echo(stream: faust.StreamT[int]) -> AsyncIterable[int]:
        async for value in stream:
            yield value

    async with app:
        assert await echo.ask(1, key="k") == 1
        rabbit.close_connections(vhost)
        assert await echo.join(range(20)) == list(range(20))


@pytest.mark.parametrize(
    ("handled", "told"),
    [
        ([("k0", 0, "a"), ("k0", 1, "a"), ("k0", 1, "b"), ("k0", 2, "b")], []),
        ([("k0", 0, "a"), ("k0", 2, "b"), ("k0", 1, "a")], ["k0: 2 comes after 0"]),
        ([("k0", 0, "a"), ("k0", 0, "a"), ("k0", 1, "a"), ("k0", 2, "a")], ["k0: one worker has 0 after 0"]),
        ([("k0", 0, "a"), ("k0", 1, "a")], ["k0: the last is 1 of 3"]),
        ([], ["1 keys are missing"]),
    ],
)
def test_what_is_out_of_order_is_found(handled: list[tuple[str, int, str]], told: list[str]) -> None:
    """The check itself."""
    assert complaints(handled, 1, 3) == told
