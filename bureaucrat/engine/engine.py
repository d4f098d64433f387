"""The engine: takes what comes in, batch by batch, and carries out what was decided.

Rules:

- an instance is in one batch at a time; what comes for it meanwhile waits for that batch's commit;
- nothing is settled, dispatched or told to anybody before the commit that decided it;
- whatever is in memory only (queues, timers, marks) can be found again in storage: a failed commit drops it all, and
  the sweep brings it back.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

from ..clock import Clock
from ..core.effects import Dispatch
from ..core.messages import Answer, Message, Redispatch, Stuck, TimerFired
from ..core.table import Definition
from ..errors import StaleVersion, StorageUnavailable
from ..ports import Answered, Storage, Transport
from .batch import Batches, Prepared
from .codec import encode
from .definitions import Definitions, Reader
from .delivery import Birth, Delivery
from .events import Events
from .mailbox import Mailbox
from .settings import Settings
from .starts import start_of
from .timers import Agenda
from .writes import Collector, Progress

log = logging.getLogger(__name__)

_FLIGHTS = 4  #: batches that may be on their way to the disk at once
_SWEEPS_A_TIDY = 60
_SWEPT = 1_000  #: rows one sweep takes of a kind


class Engine:
    """Runs instances on a storage and a transport."""

    def __init__(
        self,
        storage: Storage,
        transport: Transport,
        *,
        read: Reader,
        clock: Clock,
        numbers: Callable[[], int],
        settings: Settings | None = None,
        observe: Callable[[list[Progress]], None] | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.definitions = Definitions(storage, read, clock)
        self.storage = storage
        self.clock = clock
        self.numbers = numbers
        self._transport = transport
        self._observe = observe
        self._batches = Batches(storage, self.definitions, clock, numbers, self.settings)
        self._events = Events(storage, self.settings)
        self._agenda = Agenda()
        self._queue: deque[Delivery] = deque()
        self._busy: dict[str, deque[Delivery]] = {}  #: instances in a batch, and what waits for them
        self._mailbox = Mailbox(storage, self.definitions, self.put, self.settings.limits)
        self._flights: set[asyncio.Task[bool]] = set()
        self._wake = asyncio.Event()
        self._stopping = False

    # -- what goes in

    def put(self, delivery: Delivery) -> None:
        """Take a message in; it is applied in a batch to come."""
        waiting = self._busy.get(delivery.instance)
        (self._queue if waiting is None else waiting).append(delivery)
        self._wake.set()

    def answered(self, answer: Answered) -> None:
        """Take a participant's answer in."""
        message = Answer(answer.branch, answer.activity, answer.attempt, answer.fields)
        self.put(Delivery(answer.instance, message, settle=answer.settle))

    async def tell(self, instance: str, message: Message) -> str:
        """Have a message applied, and wait for its commit.

        :returns: the instance's status afterwards.
        :raises UnknownInstance: there is none of this id.
        :raises Refused: it cannot be done now; says why.
        """
        return await self._wait(Delivery(instance, message))

    async def launch(
        self, definition: Definition, fields: dict[str, Any], instance: str, business_key: str | None = None
    ) -> str:
        """Start an instance, and wait until it is stored. Doing it twice with one id starts one.

        :returns: its status.
        :raises Refused: required properties are missing, or the fields are no JSON.
        """
        start = start_of(definition, fields, self.settings.limits)
        return await self._wait(Delivery(instance, start, Birth(definition, business_key)))

    async def _wait(self, delivery: Delivery) -> str:
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def reply(result: str | Exception) -> None:
            if future.done():
                return
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)

        delivery.reply = reply
        self.put(delivery)
        return await future

    async def event(self, name: str, body: dict[str, Any], id: str | None = None) -> bool:
        """Accept an event: stored when this returns, offered soon after.

        :param id: its message id; a second event with it is dropped.
        :returns: whether it was new.
        """
        collector = self._batches.collector()
        async with self.storage.batch() as batch:
            if id is not None and await batch.seen([id]):
                return False
            now = self.clock.now()
            collector.event(id or str(self.numbers()), name, encode(body), now)
            if id is not None:
                collector.writes.inbox.append((id, now))
            await batch.commit(collector.writes)
        self._events.stored(collector.after.events, [])
        self._wake.set()
        return True

    # -- running

    async def start(self) -> None:
        """Find what an earlier run left behind, and begin to take answers."""
        await self._transport.start(self.answered)
        if not self._transport.is_durable:
            await self._recover_attempts()
        await self.sweep()

    async def run(self) -> None:
        """Work until :meth:`stop`; call :meth:`start` first. A defect of ours ends it, with whatever was raised."""
        async with asyncio.TaskGroup() as group:
            sweeper = group.create_task(self._sweep_regularly())
            while not self._stopping:
                await self._turn(group)
            await self._land()
            sweeper.cancel()

    def stop(self) -> None:
        """Let what is under way finish, then return from :meth:`run`."""
        self._stopping = True
        self._wake.set()

    async def _turn(self, group: asyncio.TaskGroup) -> None:
        self._wake.clear()
        self._fire()
        await self._mailbox.fetch(self.settings.share)
        if len(self._flights) >= _FLIGHTS:
            await asyncio.wait(self._flights, return_when=asyncio.FIRST_COMPLETED)
        if deliveries := self._take():
            flight = group.create_task(self._fly(deliveries, self._batches.collector()))
            self._flights.add(flight)
            flight.add_done_callback(self._flights.discard)
            await asyncio.sleep(0)
        elif not self._events.is_idle:
            await self._land()
            await self._offer()
        else:
            await self._idle()

    async def _idle(self) -> None:
        next_due = self._agenda.next()
        timeout = None if next_due is None else max(next_due - self.clock.now(), 0.0)
        try:
            await asyncio.wait_for(self._wake.wait(), timeout)
        except TimeoutError:
            return

    async def drain(self) -> None:
        """Work until nothing is left to do now. For simulations, and before stopping."""
        while self._queue or self._flights or self._mailbox.is_releasing or not self._events.is_idle:
            await self._mailbox.fetch(self.settings.share)
            if deliveries := self._take():
                await self._fly(deliveries, self._batches.collector())
            elif self._flights:
                await self._land()
            else:
                await self._offer()

    async def _land(self) -> None:
        """Wait for every commit under way."""
        while self._flights:
            await asyncio.wait(self._flights)

    def _take(self) -> list[Delivery]:
        """The next batch: in order of arrival, a bounded share for each instance."""
        taken: list[Delivery] = []
        shares: dict[str, int] = {}
        while self._queue and len(taken) < self.settings.batch:
            delivery = self._queue.popleft()
            instance = delivery.instance
            share = shares.get(instance, 0)
            is_elsewhere = instance not in shares and instance in self._busy
            if is_elsewhere or share >= self.settings.share or (delivery.failures and share):
                self._busy[instance].append(delivery)
            else:
                shares[instance] = self.settings.share if delivery.failures else share + 1
                self._busy.setdefault(instance, deque())
                taken.append(delivery)
        return taken

    async def _fly(self, deliveries: list[Delivery], collector: Collector) -> bool:
        """One batch from its steps to what follows its commit. The instances must be marked busy."""
        instances = dict.fromkeys(delivery.instance for delivery in deliveries)
        postponed: Iterable[Delivery] = deliveries
        prepared: Prepared | None = None
        try:
            async with self.storage.batch() as batch:
                prepared = await self._batches.prepare(batch, deliveries, collector)
                if not prepared.writes.is_empty:
                    await batch.commit(prepared.writes)
            postponed = prepared.postponed
            self._committed(prepared)
            return True
        except (StaleVersion, StorageUnavailable) as error:
            await self._failed(instances, error)
            return False
        finally:
            self._release(instances, postponed)

    def _release(self, instances: Iterable[str], postponed: Iterable[Delivery]) -> None:
        """The instances are free again; what waited for them goes on, what was put off first."""
        waiting: list[Delivery] = list(postponed)
        for instance in instances:
            waiting += self._busy.pop(instance, ())
        self._queue.extendleft(reversed(waiting))
        if waiting:
            self._wake.set()

    async def _failed(self, instances: Iterable[str], error: Exception) -> None:
        for instance in instances:
            self._batches.forget(instance)
        self._events.clear()
        self._agenda.clear()
        if isinstance(error, StorageUnavailable):
            log.warning("storage is not available", extra={"reason": str(error)})
            await asyncio.sleep(self.settings.sweep)

    def _committed(self, prepared: Prepared) -> None:
        after = prepared.after
        self._batches.committed(prepared)
        self.definitions.committed(prepared.writes)
        self._mailbox.done(d for d in prepared.deliveries if d not in prepared.postponed)
        self._mailbox.release(after.releasable)
        self._events.stored(after.events, after.waits)
        for at, instance, branch in after.due:
            self._agenda.note(at, instance, branch, self.clock.now() + self.settings.horizon)
        for row in after.mail:
            self._mailbox.post(row)
        for instance, dispatch in after.dispatches:
            self._dispatch(instance, dispatch)
        self._wake.set()  # a timer may be due before what it sleeps until, a wait may be answered by a kept event
        self._tell(prepared)

    def _dispatch(self, instance: str, dispatch: Dispatch) -> None:
        if self._transport.serves(dispatch.participant):
            self._transport.send(dispatch, instance)
        else:
            reason = f"nobody serves the participant {dispatch.participant!r}"
            self.put(Delivery(instance, Stuck(dispatch.branch, dispatch.activity, "unroutable", reason)))

    def _tell(self, prepared: Prepared) -> None:
        if self._observe is not None and prepared.after.progress:
            self._observe(prepared.after.progress)
        for delivery in prepared.deliveries:
            if delivery.settle is not None and delivery not in prepared.postponed:
                delivery.settle()
        for delivery, result in prepared.after.replies:
            delivery.answer(result)

    async def _offer(self) -> None:
        """Make the next offers of events. No other batch is under way."""
        collector = self._batches.collector()
        offers = await self._events.next_chunk(collector)
        for offer in offers:
            self._busy.setdefault(offer.instance, deque())
        if await self._fly(offers, collector):
            self._events.committed(collector)

    # -- timers and the sweep

    def _fire(self) -> None:
        for at, instance, branch in self._agenda.due(self.clock.now(), self.settings.batch):
            self.put(Delivery(instance, TimerFired(branch, at)))

    async def sweep(self) -> None:
        """Find in storage what is to be done and is not in memory."""
        now = self.clock.now()
        if now + self.settings.horizon / 2 >= self._agenda.loaded_until:
            until = now + self.settings.horizon
            rows = await self.storage.due(until, _SWEPT)
            for due in rows:
                self._agenda.note(due.at, due.instance, due.branch, until)
            self._agenda.loaded_until = until if len(rows) < _SWEPT else now
        for row in await self.storage.mail(_SWEPT):
            self._mailbox.post(row)
        self._mailbox.release(await self.storage.releasable(_SWEPT))
        self._events.stored(
            await self.storage.pending_events(self.settings.event_chunk),
            await self.storage.fresh_waits(self.settings.event_chunk),
        )
        self._wake.set()

    async def tidy(self) -> int:
        """Delete a bounded part of what was kept long enough; returns the rows deleted."""
        now, settings = self.clock.now(), self.settings
        return await self.storage.prune(
            history=now - settings.history_retention,
            instances=now - settings.instance_retention,
            events=now - settings.event_retention,
            inbox=now - settings.dedup_window,
        )

    async def _sweep_regularly(self) -> None:
        for turn in count():
            await asyncio.sleep(self.settings.sweep)
            try:
                await self.sweep()
                if turn % _SWEEPS_A_TIDY == 0:
                    await self.tidy()
            except StorageUnavailable as error:
                log.warning("the sweep found storage unavailable", extra={"reason": str(error)})

    async def _recover_attempts(self) -> None:
        """Send again whatever waits for an answer: a transport that is not durable has lost it."""
        after = ("", "")
        while rows := await self.storage.attempts(after, _SWEPT):
            for instance, branch, _attempt in rows:
                self.put(Delivery(instance, Redispatch(branch)))
            after = rows[-1][0], rows[-1][1]
