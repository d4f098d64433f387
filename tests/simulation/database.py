"""A database for several daemons: shared memory storage, with all that goes wrong between a daemon and a server.

Rules:

- a statement happens at one instant; before and after it time may pass, its session may end, its daemon may be killed;
- a commit happens whole at one instant, or not at all; its caller may be told so, told the opposite or told nothing;
- while a daemon is dead nothing that its code does gets here.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from bureaucrat.errors import StorageUnavailable
from bureaucrat.ports import EventRow, InstanceRow, Loaded, OutboxRow, RememberedRow, Storage, Writes
from bureaucrat.storage.memory import MemoryStorage
from bureaucrat.storage.memory_shared import SharedBatch, SharedMemory, SharedStorage

from .processes import START

if TYPE_CHECKING:
    from .daemon import Daemon
    from .world import World


_BEFORE = ("call fails before", "session lost", "database restart")
_AFTER = ("call fails after", "call hangs")


class Database(SharedMemory):
    """The server: what is stored, who has locked what, and whether it is there."""

    def __init__(self, world: World) -> None:
        super().__init__(lambda: START + world.now)
        self.world = world
        self.is_down = False
        self.violations: list[str] = []  #: what was wrong at a moment, and may be right at the end
        self.changes: Counter[str] = Counter()  #: how often each instance was written

    def restart(self) -> None:
        """It goes down with every session, and comes back."""
        if self.is_down:
            return
        self.is_down = True
        for member in self.members:
            self.lose(member)
        self.world.later(0.2 + 2 * self.world.random.random(), self._up)

    def _up(self) -> None:
        self.is_down = False

    def left_mail(self, by: MemoryStorage | None) -> None:
        """Others are told a little later; a notice may be lost, as with the session that listens."""
        for one in self.members:
            if one is not by and one.on_mail is not None and self.world.random.random() < 0.8:
                assert isinstance(one, SimulatedStorage)
                context = one.daemon.actor.context
                self.world.loop.call_later(self.world.latency(), one.on_mail, context=context)

    def note(self, writes: Writes, who: str) -> None:
        """One commit has happened."""
        for row in (*writes.instances, *writes.states):
            self.changes[row.id] += 1
            self.world.trace(f"{who} {row.id[:12]} v{row.version}")
        for row in writes.instances:
            holders = () if row.claim is None else self.tables.instances.find("claim", *row.claim)
            if len(holders) > 1:
                self.violations.append(f"I1 the key of {row.id} is unique, and {len(holders)} instances have it")
        self.world.trace(
            f"{who} mail {len(writes.mail)}-{len(writes.mail_gone)} outbox {len(writes.outbox)}-"
            f"{len(writes.outbox_gone)} events {len(writes.events)} history {len(writes.history)}"
        )


class SimulatedBatch(SharedBatch):
    """One transaction of one daemon."""

    _storage: SimulatedStorage

    def lose(self) -> None:
        if not self._is_lost:
            super().lose()

    async def lock(self, instances: Sequence[str]) -> dict[str, InstanceRow]:
        return await self._storage.ask("lock", lambda: SharedBatch.lock(self, instances))

    async def take_mail(self, numbers: Sequence[int]) -> dict[int, bool]:
        return await self._storage.ask("take_mail", lambda: SharedBatch.take_mail(self, numbers))

    async def take_events(self, numbers: Sequence[int]) -> dict[int, EventRow]:
        return await self._storage.ask("take_events", lambda: SharedBatch.take_events(self, numbers))

    async def claim(self, name: str) -> None:
        await self._storage.ask("claim", lambda: SharedBatch.claim(self, name))

    async def unsent(self, instances: Sequence[str]) -> dict[tuple[str, int], int]:
        return await self._storage.ask("unsent", lambda: SharedBatch.unsent(self, instances))

    async def take_leave(self, names: Sequence[str], most: int | None, limit: int) -> list[OutboxRow]:
        return await self._storage.ask("take_leave", lambda: SharedBatch.take_leave(self, names, most, limit))

    async def load(self, wanted: Iterable[tuple[str, Sequence[str] | None]]) -> Loaded:
        asked = list(wanted)
        return await self._storage.ask("load", lambda: SharedBatch.load(self, asked))

    async def remembered(self, instance: str, limit: int) -> list[RememberedRow]:
        return await self._storage.ask("remembered", lambda: SharedBatch.remembered(self, instance, limit))

    async def commit(self, writes: Writes) -> None:
        storage, trouble = self._storage, self._storage.world.trouble
        await storage.before("commit")
        if trouble.strikes("commit unknown, did not happen"):
            self.lose()
            raise StorageUnavailable("the connection was lost at commit", unknown=True)
        await super().commit(writes)
        storage.database.note(writes, storage.daemon.name)
        if trouble.strikes("commit unknown, happened"):
            await storage.delay()
            raise StorageUnavailable("the connection was lost at commit", unknown=True)
        try:
            await storage.after("commit")
        except StorageUnavailable as error:
            raise StorageUnavailable(str(error), unknown=True) from error


class _Ordered(dict[Any, None]):
    """A set whose order is that of its members' coming."""

    def add(self, one: Any) -> None:
        self[one] = None

    def discard(self, one: Any) -> None:
        self.pop(one, None)


class SimulatedStorage(SharedStorage):
    """One daemon's way to the database."""

    def __init__(self, database: Database, daemon: Daemon) -> None:
        super().__init__(database)
        self.is_shared = database.world.is_shared
        self.batches = _Ordered()  # type: ignore[assignment]
        self.database = database
        self.daemon = daemon
        self.world = database.world
        self._losses = 0

    async def open(self) -> None:
        await self.before("open")
        await super().open()

    def end(self) -> None:
        """Its daemon is no more, and the server has noticed."""
        self.database.lose(self)
        if self in self.database.members:
            self.database.members.remove(self)

    def lose(self) -> None:
        """Its session ends."""
        self._losses += 1
        self.database.lose(self)

    def batch(self) -> SimulatedBatch:
        return SimulatedBatch(self)

    async def before(self, what: str) -> None:
        """What comes between a call and its statement."""
        world = self.world
        world.calls += 1
        await self.daemon.effect()
        if world.random.random() < 0.3:
            await self.delay()
        if self.database.is_down:
            raise StorageUnavailable("the database is down")
        fault = world.trouble.of(_BEFORE)
        if not fault:
            return
        if fault == "session lost":
            self.lose()
        elif fault == "database restart":
            self.database.restart()
        raise StorageUnavailable(f"{what}: {fault}")

    async def after(self, what: str) -> None:
        """What comes between a statement and its result."""
        world, losses = self.world, self._losses
        await self.daemon.effect()
        if world.random.random() < 0.2:
            await self.delay()
        fault = world.trouble.of(_AFTER)
        if fault == "call hangs":
            await world.loop.sleep(world.random.uniform(0.5, 9.0))
        if fault:
            raise StorageUnavailable(f"{what}: {fault}")
        if losses != self._losses or self.database.is_down:
            raise StorageUnavailable("the session was lost")

    def delay(self) -> asyncio.Future[None]:
        return self.world.loop.sleep(self.world.latency())

    async def ask(self, what: str, statement: Callable[[], Awaitable[Any]]) -> Any:
        await self.before(what)
        found = await statement()
        await self.after(what)
        return found


def _asked(name: str) -> Callable[..., Awaitable[Any]]:
    method = getattr(SharedStorage, name)

    async def ask(self: SimulatedStorage, *args: Any, **more: Any) -> Any:
        await self.before(name)
        found = await method(self, *args, **more)
        await self.after(name)
        return found

    return ask


_OWN = {"batch", "open", "close"}
for _name in vars(Storage):
    if not _name.startswith("_") and _name not in _OWN and callable(getattr(SharedStorage, _name, None)):
        setattr(SimulatedStorage, _name, _asked(_name))
