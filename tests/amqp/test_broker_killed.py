"""RabbitMQ itself is killed, frozen, wiped."""

from __future__ import annotations

import asyncio

from desk import Desk
from rabbit import Rabbit

#: A quorum queue younger than this when the broker is killed may be lost with what it confirmed.
OLD_ENOUGH = 3.0


async def test_a_killed_broker_loses_nothing(mortal_rabbit: Rabbit) -> None:
    """What was confirmed and what was not arrives, as soon as it is back; the mark of a queue stays with it."""
    async with Desk(mortal_rabbit.url) as desk:
        desk.consume("q")
        await desk.until(lambda: desk.created)
        marked = [await desk.broker.is_anew("q", "mark")]
        await asyncio.sleep(OLD_ENOUGH)
        for number in range(2000):
            desk.publish("q", str(number))
        await desk.until(lambda: len(desk.confirmed) > 500)

        mortal_rabbit.kill()
        await desk.until(lambda: not desk.broker.state.is_consuming and not desk.broker.state.is_publishing)
        desk.publish("q", "meanwhile")
        mortal_rabbit.begin()
        await desk.until(lambda: len(desk.confirmed) == 2001 and len(set(desk.texts)) == 2001)
        marked.append(await desk.broker.is_anew("q", "mark"))

    assert desk.created == ["q"]
    assert marked == [True, False]


async def test_a_broker_that_forgot_everything_has_it_declared_again(mortal_rabbit: Rabbit) -> None:
    """Whoever knows what it may have held is told the names of its queues."""
    async with Desk(mortal_rabbit.url) as desk:
        desk.consume("q")
        desk.broker.declare("worker_a")
        await desk.until(lambda: len(desk.created) == 2)

        mortal_rabbit.wipe()
        await desk.until(lambda: not desk.broker.state.is_consuming)
        mortal_rabbit.begin()
        await desk.until(lambda: len(desk.created) == 4)
        desk.publish("worker_a", "a")
        desk.publish("q", "b")
        await desk.until(lambda: desk.received and len(desk.confirmed) == 2)

    assert sorted(desk.created) == ["q", "q", "worker_a", "worker_a"]
