"""The way of a message into storage: the queue, the batches under way, and what follows their commit.

Rules:

- an instance is in one batch at a time; what comes for it meanwhile waits for that batch's commit;
- nothing is settled, dispatched or told to anybody before the commit that decided it;
- what storage refuses is kept and tried again; without what it names as the reason.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from ..core.messages import Migrate
from ..errors import NotUnique, StaleVersion, Stopped, StorageUnavailable
from ..ports import Batch, Storage
from .batch import Batches, Prepared
from .delivery import Delivery
from .handover import Handover
from .settings import Settings
from .writes import Collector

#: gives the deliveries of a batch, within its transaction
Chunk = Callable[[Batch], Awaitable[list[Delivery]]]

_FLIGHTS = 4  #: batches that may be on their way to the disk at once


class Pipeline:
    """Takes deliveries and commits them, batch by batch.

    :param committed: told of each batch after its commit.
    :param away: awaited when storage could not be used, before the next try.
    """

    def __init__(
        self,
        storage: Storage,
        batches: Batches,
        handover: Handover,
        settings: Settings,
        committed: Callable[[Prepared], None],
        away: Callable[[StorageUnavailable], Awaitable[None]],
    ) -> None:
        self._storage = storage
        self._batches = batches
        self._handover = handover
        self._settings = settings
        self._committed = committed
        self._away = away
        self._queue: deque[Delivery] = deque()
        self._busy: dict[str, deque[Delivery]] = {}  #: instances in a batch, and what waits for them
        self._flights: set[asyncio.Task[bool]] = set()
        self._is_closed = False
        self.wake = asyncio.Event()  #: set when there may be something to do

    def put(self, delivery: Delivery) -> None:
        """Take a message in; it is applied in a batch to come."""
        if self._is_closed:
            delivery.answer(Stopped("the engine has stopped"))
            return
        waiting = self._busy.get(delivery.instance)
        (self._queue if waiting is None else waiting).append(delivery)
        self.wake.set()

    def close(self) -> None:
        """Answer what was not begun; what must survive is in storage or with the broker, for the next start."""
        self._is_closed = True
        for waiting in (self._queue, *self._busy.values()):
            for delivery in waiting:
                delivery.answer(Stopped("the engine has stopped"))
            waiting.clear()

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not self._queue and not self._flights

    @property
    def is_flying(self) -> bool:
        return bool(self._flights)

    @property
    def waiting(self) -> int:
        """Messages that no batch has taken yet."""
        return len(self._queue) + sum(map(len, self._busy.values()))

    async def room(self) -> None:
        """Wait until another batch may be begun."""
        if len(self._flights) >= _FLIGHTS:
            await asyncio.wait(self._flights, return_when=asyncio.FIRST_COMPLETED)

    async def begin(self, group: asyncio.TaskGroup) -> bool:
        """Begin the next batch beside those under way; False if there is nothing for it."""
        deliveries = self.take()
        if not deliveries:
            return False
        flight = group.create_task(self.fly(deliveries, self._batches.collector()))
        self._flights.add(flight)
        flight.add_done_callback(self._flights.discard)
        await asyncio.sleep(0)
        return True

    async def land(self) -> None:
        """Wait for every commit under way."""
        while self._flights:
            await asyncio.wait(self._flights)

    def take(self) -> list[Delivery]:
        """The next batch: in order of arrival, a bounded share for each instance."""
        taken: list[Delivery] = []
        shares: dict[str, int] = {}
        while self._queue and len(taken) < self._settings.batch:
            delivery = self._queue.popleft()
            instance = delivery.instance
            share = shares.get(instance, 0)
            is_elsewhere = instance not in shares and instance in self._busy
            is_alone = bool(delivery.failures) or isinstance(delivery.message, Migrate)
            if is_elsewhere or share >= self._settings.share or (is_alone and share):
                self._busy[instance].append(delivery)
                if is_alone and not is_elsewhere:
                    shares[instance] = self._settings.share  # what came later is not applied before it
            else:
                shares[instance] = self._settings.share if is_alone else share + 1
                self._busy.setdefault(instance, deque())
                taken.append(delivery)
        return taken

    async def fly_alone(self, chunk: Chunk, collector: Collector) -> bool:
        """One batch of deliveries that are not kept if storage fails; no other is under way.

        :param chunk: gives them, within its transaction.
        """
        return await self.fly([], collector, chunk)

    async def fly(self, deliveries: list[Delivery], collector: Collector, chunk: Chunk | None = None) -> bool:
        """One batch from its steps to what follows its commit. The instances must be marked busy.

        The deliveries are kept for another try if storage fails; those of a chunk are not.
        """
        postponed: Iterable[Delivery] = deliveries
        instances = dict.fromkeys(delivery.instance for delivery in deliveries)
        seeded = self._handover.seed(collector.writes)
        try:
            async with self._storage.batch() as batch:
                if chunk is not None:
                    deliveries = await chunk(batch)
                    instances = self._keep_busy(deliveries)
                prepared = await self._batches.prepare(batch, deliveries, collector)
                if not prepared.collector.writes.is_empty:
                    await batch.commit(prepared.collector.writes)
            seeded, postponed = [], prepared.postponed
            self._committed(prepared)
            return True
        except (NotUnique, StaleVersion, StorageUnavailable) as error:
            for instance in instances:
                self._batches.forget(instance)
            if isinstance(error, StaleVersion):
                self._batches.figures.redone += len(deliveries)
            if isinstance(error, NotUnique):
                self._batches.refused(deliveries, error)
            if isinstance(error, StorageUnavailable):
                await self._away(error)
            return False
        finally:
            self._handover.failed(seeded)
            self._release(instances, postponed)

    def _keep_busy(self, deliveries: Iterable[Delivery]) -> dict[str, None]:
        """Mark the instances of deliveries busy; returns them."""
        instances = dict.fromkeys(delivery.instance for delivery in deliveries)
        for instance in instances:
            self._busy.setdefault(instance, deque())
        return instances

    def _release(self, instances: Iterable[str], postponed: Iterable[Delivery]) -> None:
        """The instances are free again; what waited for them goes on, what was put off first."""
        waiting: list[Delivery] = list(postponed)
        for instance in instances:
            waiting += self._busy.pop(instance, ())
        self._queue.extendleft(reversed(waiting))
        if waiting:
            self.wake.set()
