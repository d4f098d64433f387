"""A queue that RabbitMQ takes messages for and never confirms: a quorum queue without a leader."""

from __future__ import annotations

import asyncio

import pytest
from desk import Desk
from rabbit import Rabbit

WINDOW = 20


async def test_a_queue_that_confirms_nothing_holds_up_no_other(
    vhost: str, vhost_url: str, rabbit: Rabbit, caplog: pytest.LogCaptureFixture
) -> None:
    """It gets more than the window holds; when it answers again all that was for it arrives, in order."""
    silent = [f"s{number}" for number in range(2 * WINDOW)]
    others = [f"o{number}" for number in range(10)]
    async with Desk(vhost_url, confirm_window=WINDOW, confirm_timeout=1.0) as desk:
        for queue in ("silent", "other"):
            desk.broker.declare(queue)
        await desk.until(lambda: len(desk.created) == 2)
        await asyncio.to_thread(rabbit.evaluate, f"sys:suspend('{vhost}_silent').")

        for text in silent:
            desk.publish("silent", text)
        for text in others:
            desk.publish("other", text)
        await desk.until(lambda: len(desk.confirmed) == len(others))
        confirmed_meanwhile = list(desk.confirmed)
        await asyncio.to_thread(rabbit.evaluate, f"sys:resume('{vhost}_silent').")
        await desk.until(lambda: desk.broker.state.unconfirmed == 0)
        desk.consume("silent")
        await desk.until(lambda: set(desk.texts) >= set(silent))

    assert confirmed_meanwhile == others
    assert sorted(desk.confirmed) == sorted(silent + others)
    assert list(dict.fromkeys(desk.texts)) == silent
    told = [record for record in caplog.records if record.message == "confirms are missing; publishing again"]
    assert getattr(told[0], "routes", "") == "silent"
