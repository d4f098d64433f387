"""An engine on memory adapters, and storages that fail when a test wants it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bureaucrat.clock import ManualClock
from bureaucrat.definition.reader import read
from bureaucrat.engine.engine import Engine
from bureaucrat.engine.numbers import counted
from bureaucrat.engine.settings import Settings
from bureaucrat.engine.writes import Progress
from bureaucrat.errors import StorageUnavailable
from bureaucrat.functions import Functions
from bureaucrat.ports import Writes
from bureaucrat.storage.memory import MemoryBatch, MemoryStorage
from bureaucrat.transports.memory import MemoryTransport


class FaultyBatch(MemoryBatch):
    """A batch whose commit may be told to fail, before or after it did its work."""

    storage: FaultyStorage

    async def commit(self, writes: Writes) -> None:
        self.storage.commits.append(writes)
        failure = self.storage.failures.pop(0) if self.storage.failures else None
        if failure is None or failure[0] == "after":
            await super().commit(writes)
        if failure is not None:
            raise failure[1]


class FaultyStorage(MemoryStorage):
    """Memory, with a list of failures for the commits to come; None is a commit that goes well."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[tuple[str, Exception] | None] = []
        self.commits: list[Writes] = []
        self.unreadable: set[str] = set()  #: reads that fail, once each

    def __getattribute__(self, name: str) -> Any:
        unreadable = object.__getattribute__(self, "__dict__").get("unreadable", ())
        if name in unreadable:
            unreadable.remove(name)
            raise StorageUnavailable(f"{name} failed")
        return object.__getattribute__(self, name)

    def batch(self) -> FaultyBatch:
        batch = FaultyBatch(self._tables)
        batch.storage = self
        return batch


@dataclass
class World:
    """An engine and what a test sees of it."""

    storage: FaultyStorage
    clock: ManualClock
    functions: dict[str, Callable[..., Any]] = field(default_factory=dict)
    settings: Settings = field(default_factory=lambda: Settings(history="full", sweep=0.0))
    progress: list[Progress] = field(default_factory=list)
    numbers: Callable[[], int] = field(default_factory=counted)
    read: Callable[[str], Any] = read
    engine: Engine | None = None
    transport: MemoryTransport | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> Engine:
        """A new engine on the same storage, as after a restart."""
        self.transport = MemoryTransport(Functions.of(self.functions))
        self.engine = Engine(
            self.storage,
            self.transport,
            read=lambda text: self.read(text),
            clock=self.clock,
            numbers=self.numbers,
            settings=self.settings,
            observe=self._observe,
        )
        await self.engine.start()
        return self.engine

    def _observe(self, progress: list[Progress]) -> None:
        self.progress += progress
        self.changed.set()

    async def until(self, what: str, times: int = 1) -> None:
        """Wait until something was observed so many times."""
        async with asyncio.timeout(10):
            while len(self.told(what)) < times:
                self.changed.clear()
                await self.changed.wait()

    def told(self, *words: str) -> list[str]:
        """What was observed, of these words."""
        return [entry.what for entry in self.progress if entry.what in words]
