"""The process of one agent: ``python -m bureaucrat.agents.child``, begun by the supervisor and by nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from importlib import import_module

from .agent import MicroAgent
from .ending import end
from .hooks import ServerInterrupt
from .launcher import init_agent
from .supervisor import ALIVE, BEAT, READY, GroupInterrupt, Order

_log = logging.getLogger("bureaucrat.agents.launcher")


def main(told: int) -> None:
    """Run the agent that standard input names.

    :param told: a descriptor: where the supervisor reads how it goes.
    :raises SystemExit: always; its code is the process's.
    """
    order = Order.read(sys.stdin.buffer.readline())
    sys.path[:] = order.path
    for library in ("aiormq", "pika"):
        logging.getLogger(library).setLevel(logging.CRITICAL)  # what they meet we tell ourselves, once
    for module in order.modules:
        import_module(module)
    if not logging.getLogger().handlers:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    try:
        asyncio.run(_live(order, told))
    except ServerInterrupt as error:
        _log.info("agent %s: its server has ended: %s", order.name, error)
    except Exception:  # whatever an agent raises ends it, and is told
        _log.exception("agent %s has failed", order.name)
        raise SystemExit(1) from None
    raise SystemExit(0)


async def _live(order: Order, told: int) -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    loop.add_reader(sys.stdin.fileno(), over.set)  # it ends when the supervisor does
    agent = init_agent(order.backend, order.cfg)
    beating = asyncio.create_task(_beat(told))
    try:
        await _until_over(agent, told, over)
    finally:
        loop.remove_reader(sys.stdin.fileno())
        await _end(agent)
        await end([beating])


async def _until_over(agent: MicroAgent, told: int, over: asyncio.Event) -> None:
    """Start the agent, and wait until it, its servers, or the supervisor ends it.

    :raises GroupInterrupt: the supervisor has.
    """
    ending = asyncio.create_task(over.wait())
    steps = [asyncio.create_task(agent.start(enable_servers_running=False))]
    try:
        await asyncio.wait([ending, *steps], return_when=asyncio.FIRST_COMPLETED)
        if steps[0].done():
            await steps[0]
            _tell(told, READY)
            if agent.hook.servers:
                steps.append(asyncio.create_task(agent.hook.serve()))
            await asyncio.wait([ending, *steps[1:]], return_when=asyncio.FIRST_COMPLETED)
        for step in steps:
            if step.done():
                await step
        if over.is_set():
            raise GroupInterrupt(0)
    finally:
        await end([ending, *steps])


async def _end(agent: MicroAgent) -> None:
    try:
        await agent.stop()
    finally:
        for server in (agent.broker, agent.bus):
            if server is not None:
                await server.close()


async def _beat(told: int) -> None:
    while True:
        _tell(told, ALIVE)
        await asyncio.sleep(BEAT)


def _tell(told: int, sign: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):  # the supervisor is gone; standard input says so, too
        os.write(told, sign)


if __name__ == "__main__":
    main(int(sys.argv[1]))
