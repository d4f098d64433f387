"""A database with instances in it, an engine that works on it, and the command line in this process."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from counting_launcher import Counter

from bureaucrat import cli
from bureaucrat.clock import Clock, ManualClock
from bureaucrat.commands.stored import copy_of
from bureaucrat.commands.window import Surroundings
from bureaucrat.core.messages import TimerFired
from bureaucrat.definition.reader import read
from bureaucrat.engine.delivery import Birth, Delivery
from bureaucrat.engine.engine import Engine
from bureaucrat.engine.numbers import counted
from bureaucrat.engine.settings import Settings
from bureaucrat.engine.starts import start_of
from bureaucrat.functions import Functions
from bureaucrat.ports import Answered, InstanceQuery, InstanceRow, Writes
from bureaucrat.storage.sqlite import SqliteStorage
from bureaucrat.transports.memory import MemoryTransport

#: 2026-11-25 12:00:00 UTC
NOON = 1_795_608_000.0


GOLDEN = Path(__file__).parent / "golden"


def golden(name: str) -> str:
    """A text in the folder ``golden``: what a command should say."""
    return (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


@dataclass
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Office:
    """An engine on a file; times and numbers are the same in each run."""

    path: Path
    read_output: Callable[[], tuple[str, str]]
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))
    functions: dict[str, Callable[..., Any]] = field(default_factory=dict)  #: without any a test answers itself
    unserved: tuple[str, ...] = ()
    settings: Settings = field(default_factory=lambda: Settings(sweep=0.02))

    def __post_init__(self) -> None:
        self.storage = SqliteStorage(self.path)
        self.transport = MemoryTransport(Functions.of(self.functions))
        self.engine: Engine | None = None
        self._running: asyncio.Task[None] | None = None

    async def open(self) -> Engine:
        """Start the engine; nothing happens by itself before :meth:`run`."""
        await self.storage.open()
        self.transport = MemoryTransport(Functions.of(self.functions))
        self.engine = Engine(
            self.storage, self.transport, read=read, clock=self.clock, numbers=counted(), settings=self.settings
        )
        self.transport.serves = lambda participant: participant not in self.unserved  # type: ignore[method-assign]
        if not self.functions:
            self.transport.send = lambda dispatch, instance: None  # type: ignore[method-assign]  # a test answers
        await self.engine.start()
        return self.engine

    async def close(self) -> None:
        if self._running is not None and self.engine is not None:
            self.engine.stop()
            await self._running
        await self.transport.stop()
        await self.storage.close()

    async def start(self, source: str, id: str, key: str | None = None, **fields: Any) -> None:
        """Start an instance, and let it go as far as it can."""
        assert self.engine is not None
        self.clock.advance_to(self.clock.now() + 1.0)
        self.engine.put(_launch(self.engine, source, id, key, fields))
        await self.engine.drain()

    async def answer(self, id: str, after: float = 1.0, **fields: Any) -> None:
        """Answer the attempts that an instance waits for."""
        assert self.engine is not None
        self.clock.advance_to(self.clock.now() + after)
        copy = await copy_of(self.storage, id)
        assert copy is not None
        for branch in copy.branches.values():
            if branch.attempt is not None:
                answer = Answered(id, branch.id, branch.frames[-1].activity, branch.attempt, fields)
                self.engine.answered(answer)
        await self.engine.drain()

    async def tell(self, id: str, message: Any) -> None:
        """Have a command carried out, as the engine does."""
        assert self.engine is not None
        self.engine.put(Delivery(id, message))
        await self.engine.drain()

    async def engine_event(self, name: str, **body: Any) -> None:
        """Have an event accepted and offered."""
        assert self.engine is not None
        await self.engine.event(name, body)
        await self.engine.drain()

    async def fire(self) -> None:
        """Let the timers fire that have run out."""
        assert self.engine is not None
        for due in await self.storage.due(self.clock.now(), 100):
            self.engine.put(Delivery(due.instance, TimerFired(due.branch, due.at)))
        await self.engine.drain()

    async def sweep(self) -> None:
        """Have the engine do what it finds in the database."""
        assert self.engine is not None
        await self.engine.sweep()
        await self.engine.drain()

    async def rows(self) -> list[InstanceRow]:
        """Every instance, newest first."""
        return await self.storage.instances(InstanceQuery())

    def run(self) -> None:
        """Have the engine take what comes, as a daemon does."""
        assert self.engine is not None
        self._running = asyncio.get_running_loop().create_task(self.engine.run())

    async def write(self, **parts: Any) -> None:
        """Write rows as they are."""
        await self.storage.batch().commit(Writes(**parts))

    async def taken(self) -> None:
        """Wait until the running engine has taken every order, and started what was asked for."""
        async with asyncio.timeout(10):
            while await self.storage.mail(1) or await self.storage.waiting_schedules(1):
                pass  # each look takes a moment

    async def later(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance_to(self.clock.now() + seconds)

    async def says(self, *arguments: str) -> Said:
        """What a command says; times are in UTC."""
        return await self.command(*arguments, "--db", self.path.name, "--utc")

    async def command(self, *arguments: str) -> Said:
        """What a command says that is given no more than this."""
        code = await asyncio.to_thread(run_in_this_process, [*arguments], self.clock)
        return Said(code, *self.read_output())


def run_in_this_process(arguments: list[str], clock: Clock) -> int:
    """The program, with another clock, and without a broker."""
    logging.getLogger().handlers.clear()
    return cli.main(arguments, surroundings=Surroundings(clock, lambda config: Counter(config)))


def _launch(engine: Engine, source: str, id: str, key: str | None, fields: dict[str, Any]) -> Delivery:
    definition = engine.definitions.read(source)
    return Delivery(id, start_of(definition, fields, engine.settings.limits), Birth(definition, key))
