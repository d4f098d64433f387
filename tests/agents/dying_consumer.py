"""A program that takes one message of a queue, says so, and never ends: ``dying_consumer.py BACKEND DSN QUEUE``."""

import asyncio
import sys
from importlib import import_module

from bureaucrat.agents import MicroAgent, Queue, consumer
from bureaucrat.agents.tools import redis

redis._ALIVE = 1.0  # so that it is missed soon
module, _, kind = sys.argv[1].rpartition(".")
QUEUE = Queue(sys.argv[3])


class Dying(MicroAgent):
    @consumer(QUEUE)
    async def take(self, n: int, **_: object) -> None:
        sys.stdout.write(f"{n}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


async def main() -> None:
    await Dying(broker=getattr(import_module(module), kind)(sys.argv[2])).start()
    await asyncio.Event().wait()


asyncio.run(main())
