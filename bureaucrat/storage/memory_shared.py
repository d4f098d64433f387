"""One storage in memory for several engines of one process, as a database server is for several daemons.

Purpose: tests and simulations of several engines. Each has a :class:`SharedStorage` of its own, over the tables of one
:class:`SharedMemory`.

Rules: a batch holds the rows that it has locked until it ends, and others wait for them; it sees what was committed
last, as at PostgreSQL's level "read committed". A member whose session was lost has lost its locks and its batches: it
is told so when it uses them. Nothing waits here but a batch for a row that another one holds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import count

from ..errors import StorageUnavailable
from ..ports import EventRow, InstanceRow, Loaded, MailRow, Membership, OutboxRow, RememberedRow, Writes
from .memory import MemoryStorage
from .memory_batch import MemoryBatch
from .memory_tables import Tables


class SharedMemory:
    """The tables, the locks and the members.

    :param now: its clock, epoch seconds; None: it has none of its own.
    :param lock_timeout: seconds that a batch waits for a row which another one holds; None: as long as it takes.
    """

    def __init__(self, now: Callable[[], float] | None = None, lock_timeout: float | None = 2.0) -> None:
        self.now = now
        self.lock_timeout = lock_timeout
        self.tables = Tables()
        self.living: set[int] = set()  #: member numbers
        self.waits = 0  #: how often a batch has waited for a row
        self.members: list[SharedStorage] = []  #: those that are open
        self._numbers = count(1)
        self._held: dict[Hashable, SharedBatch] = {}
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    def storage(self) -> SharedStorage:
        """What one engine is given."""
        return SharedStorage(self)

    def join(self) -> int:
        """A new member's number."""
        number = next(self._numbers)
        self.living.add(number)
        return number

    def lose(self, storage: SharedStorage) -> None:
        """The session of a member ends without a word: it dies, or was frozen for too long."""
        self.living.discard(storage.number)
        for batch in tuple(storage.batches):
            batch.lose()

    def left_mail(self, by: MemoryStorage) -> None:
        """Tell all the others of mail."""
        for one in self.members:
            if one is not by and one.on_mail is not None:
                one.on_mail()

    # -- locks

    def holder(self, key: Hashable) -> SharedBatch | None:
        """Who holds a row."""
        return self._held.get(key)

    async def hold(self, key: Hashable, batch: SharedBatch) -> None:
        """Hold a row for a batch, once nobody else does.

        :raises StorageUnavailable: somebody else has held it for too long.
        """
        while self._held.get(key, batch) is not batch:
            self.waits += 1
            free = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(key, deque()).append(free)
            try:
                async with asyncio.timeout(self.lock_timeout):
                    await free
            except TimeoutError as error:
                raise StorageUnavailable(f"another daemon holds {key} for more than {self.lock_timeout} s") from error
        self._held[key] = batch

    def let_go(self, keys: Iterable[Hashable]) -> None:
        """Nobody holds these any longer; all that wait try again, in order."""
        for key in keys:
            self._held.pop(key, None)
            for free in self._waiting.pop(key, ()):
                if not free.done():
                    free.set_result(None)


class SharedStorage(MemoryStorage):
    """One member's way to them."""

    is_shared = True

    def __init__(self, memory: SharedMemory) -> None:
        super().__init__(memory.tables)
        self.memory = memory
        self.number = -1  #: its member number
        self.batches: set[SharedBatch] = set()  #: those under way

    async def open(self) -> None:
        self.number = self.memory.join()
        self.memory.members.append(self)

    async def close(self) -> None:
        self.memory.lose(self)
        self.memory.members.remove(self)

    def batch(self) -> SharedBatch:
        return SharedBatch(self)

    async def membership(self) -> Membership:
        if self.number not in self.memory.living:
            self.number = self.memory.join()
        return Membership(self.number, frozenset(self.memory.living))

    async def time(self) -> float | None:
        return None if self.memory.now is None else self.memory.now()

    async def post(self, mail: MailRow) -> None:
        await super().post(mail)
        self.memory.left_mail(self)


class SharedBatch(MemoryBatch):
    """A transaction that holds what it has locked."""

    def __init__(self, storage: SharedStorage) -> None:
        super().__init__(storage.memory.tables)
        self._storage = storage
        self._memory = storage.memory
        self._holds: dict[Hashable, None] = {}
        self._is_lost = False

    async def __aenter__(self) -> SharedBatch:
        self._storage.batches.add(self)
        return self

    async def __aexit__(self, *error: object) -> None:
        self._storage.batches.discard(self)
        self._let_go()

    def lose(self) -> None:
        """The session is gone, with all that it held."""
        self._is_lost = True
        self._let_go()

    async def lock(self, instances: Sequence[str]) -> dict[str, InstanceRow]:
        for id in sorted(set(instances)):
            if (id,) in self._tables.instances:
                await self._hold("instance", id)
        self._check()
        return await super().lock(instances)

    async def take_mail(self, numbers: Sequence[int]) -> dict[int, bool]:
        self._check()
        free = [number for number in numbers if self._memory.holder(("mail", number)) in (None, self)]
        found = await super().take_mail(free)
        for number in found:
            await self._hold("mail", number)
        return found

    async def take_events(self, numbers: Sequence[int]) -> dict[int, EventRow]:
        for number in sorted(set(numbers)):
            await self._hold("event", number)
        self._check()
        return await super().take_events(numbers)

    async def claim(self, name: str) -> None:
        await self._hold("name", name)

    async def unsent(self, instances: Sequence[str]) -> dict[tuple[str, int], int]:
        self._check()
        return await super().unsent(instances)

    async def take_leave(self, names: Sequence[str], most: int | None, limit: int) -> list[OutboxRow]:
        await self._hold("participant", min(names))
        self._check()
        return await super().take_leave(names, most, limit)

    async def load(self, wanted: Iterable[tuple[str, Sequence[str] | None]]) -> Loaded:
        self._check()
        return await super().load(wanted)

    async def remembered(self, instance: str, limit: int) -> list[RememberedRow]:
        self._check()
        return await super().remembered(instance, limit)

    async def commit(self, writes: Writes) -> None:
        changed = {row.id for row in writes.instances} | {row.id for row in writes.states}
        for id in sorted(changed):
            await self._hold("instance", id)
        for number in writes.mail_gone:
            await self._hold("mail", number)
        for number in sorted(number for number, *_ in writes.cursors):
            await self._hold("event", number)
        self._check()
        await super().commit(writes)
        self._let_go()

    async def _hold(self, *key: Hashable) -> None:
        self._check()
        await self._memory.hold(key, self)
        self._holds[key] = None
        self._check()

    def _check(self) -> None:
        if self._is_lost:
            raise StorageUnavailable("the session of this member was lost")

    def _let_go(self) -> None:
        self._memory.let_go(self._holds)
        self._holds.clear()
