"""A daemon for tests: the real frame around a service that does what the first argument says."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from bureaucrat.commands.failure import Failure
from bureaucrat.config import Config, load
from bureaucrat.daemon import service
from bureaucrat.daemon.announcer import Announcer
from bureaucrat.daemon.health import Status
from bureaucrat.errors import BrokerUnavailable, StorageUnavailable


async def idle(config: Config, announcer: Announcer) -> None:
    announcer.figures.accepted(config.bureaucrat.message_queue)
    announcer.publish(Status(True, True, details={"pid": os.getpid()}))
    announcer.ready("idle")
    announcer.say("nothing to do")
    await announcer.stop.wait()


async def deaf(config: Config, announcer: Announcer) -> None:
    announcer.ready("deaf")
    await asyncio.Event().wait()


async def broken(config: Config, announcer: Announcer) -> None:
    raise RuntimeError("a defect\nof ours")


async def refused(config: Config, announcer: Announcer) -> None:
    raise StorageUnavailable("the database is locked")


async def short(config: Config, announcer: Announcer) -> None:
    announcer.ready("short")


def reach(config: Config) -> None:
    if config.amqp.vhost == "away":
        raise BrokerUnavailable("no RabbitMQ at amqp://away")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("service")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--pid-file", type=Path)
    parser.add_argument("--foreground", action="store_true")
    given = parser.parse_args()
    try:
        return service.run(
            load(given.config, os.environ),
            foreground=given.foreground,
            pid_file=given.pid_file,
            environ=os.environ,
            serve=globals()[given.service],
            reach=reach,
        )
    except Failure as failure:
        print(*failure.lines, sep="\n", file=sys.stderr)
        return failure.code


if __name__ == "__main__":
    sys.exit(main())
