"""A program that consumes messages and prints the seconds from the first to the last: ``consuming.py WHO URL QUEUE N``.

WHO is ``agent`` or ``faststream``; both acknowledge each message when its handler has returned, with the same prefetch.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

WHO, URL, QUEUE, COUNT = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
PREFETCH = 100
done = asyncio.Event()
seen, begun, cpu = 0, 0.0, 0.0


def took() -> None:
    """One more."""
    global seen, begun, cpu
    if not seen:
        begun, cpu = time.perf_counter(), time.process_time()
    seen += 1
    if seen == COUNT:
        sys.stdout.write(f"{time.perf_counter() - begun} {time.process_time() - cpu}\n")
        done.set()


async def agent() -> None:
    from bureaucrat.agents import MicroAgent, Queue, consumer
    from bureaucrat.agents.tools.amqp import AMQPBroker

    class Agent(MicroAgent):
        @consumer(Queue(QUEUE), prefetch=PREFETCH)
        async def take(self, **_: Any) -> None:
            took()

    broker = AMQPBroker(URL)
    running = Agent(broker=broker)
    await running.start()
    await done.wait()
    await running.stop()
    await broker.close()


async def faststream() -> None:
    from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitQueue

    broker = RabbitBroker(URL, default_channel=Channel(prefetch_count=PREFETCH), logger=None)
    arguments: Any = {
        "x-delivery-limit": 20,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": f"{QUEUE}.dead",
    }

    @broker.subscriber(RabbitQueue(QUEUE, queue_type=QueueType.QUORUM, durable=True, arguments=arguments))
    async def take(body: dict[str, Any]) -> None:
        took()

    await broker.start()
    await done.wait()
    await broker.stop()


asyncio.run(agent() if WHO == "agent" else faststream())
