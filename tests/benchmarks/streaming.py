"""A program that casts and asks, and prints the seconds of both: ``streaming.py WHO URL CASTS ASKS``.

WHO is ``agent``, a stream agent on a topic of one partition, or ``faststream``, a subscriber on a quorum queue. Both
are in this program, with whoever publishes and asks. A hundred casts are under way at a time, each confirmed by the
broker; asks come one after another.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Any

WHO, URL, CASTS, ASKS = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
AT_ONCE = 100
BODY = {"order_id": 1017, "customer": "ann@example.org", "amount": 120.5, "text": "x" * 400}


async def measured(cast: Callable[[], Awaitable[Any]], ask: Callable[[], Awaitable[Any]]) -> None:
    """Print how long all casts took to be confirmed, and all asks to be answered."""
    left = CASTS

    async def casting() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await cast()

    await ask()
    began = time.perf_counter()
    await asyncio.gather(*(casting() for _ in range(AT_ONCE)))
    casts = time.perf_counter() - began
    await ask()  # behind all casts
    began = time.perf_counter()
    for _ in range(ASKS):
        await ask()
    sys.stdout.write(f"{casts} {time.perf_counter() - began}\n")


async def agent() -> None:
    from bureaucrat.streams import App

    app = App("bench", broker=URL, topic_partitions=1)

    @app.agent(app.topic("bench", partitions=1))
    async def echo(stream: AsyncIterable[Any]) -> AsyncIterable[Any]:
        async for value in stream:
            yield value["order_id"]

    async with app:
        await measured(lambda: echo.cast(BODY), lambda: echo.ask(BODY, timeout=120))


async def faststream() -> None:
    from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitQueue

    broker = RabbitBroker(URL, default_channel=Channel(prefetch_count=100), logger=None)
    queue = RabbitQueue("bench_faststream", queue_type=QueueType.QUORUM, durable=True)

    @broker.subscriber(queue)
    async def take(body: dict[str, Any]) -> int:
        return int(body["order_id"])

    await broker.start()
    await measured(
        lambda: broker.publish(BODY, queue, persist=True),
        lambda: broker.request(BODY, queue, persist=True, timeout=120),
    )
    await broker.stop()


asyncio.run(agent() if WHO == "agent" else faststream())
