"""The engine: takes what comes in, batch by batch, and carries out what was decided.

Rules:

- an instance is in one batch at a time; what comes for it meanwhile waits for that batch's commit;
- nothing is settled, dispatched or told to anybody before the commit that decided it;
- whatever is in memory only (timers, marks, offers of events) can be found again in storage: what is lost there, the
  sweep brings back; inputs stay on the queue until they are committed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import count
from typing import Any

from ..clock import Clock
from ..core.effects import Dispatch
from ..core.messages import Answer, Message, Retry, Set, Skip, Stuck, TimerFired
from ..core.table import Definition
from ..core.values import complaint
from ..errors import AlreadySeen, Refused, StaleVersion, Stopped, StorageUnavailable
from ..ports import Answered, Storage, Transport, Writes
from .batch import Batches, Prepared
from .codec import encode
from .definitions import Definitions, Reader
from .delivery import Birth, Delivery
from .events import Events
from .mailbox import Mailbox
from .recovery import Recovery
from .settings import Settings
from .starts import own, start_of
from .timers import Agenda
from .writes import Collector, Progress

log = logging.getLogger(__name__)

_FLIGHTS = 4  #: batches that may be on their way to the disk at once
_SWEEPS_A_TIDY = 60
_TURNS_AN_OFFER = 4  #: of the loop; so that events do not wait behind a queue that never empties


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
        self._mailbox = Mailbox(storage, self.definitions, self.put, self.settings.limits)
        self._recovery = Recovery(
            storage,
            clock,
            self.settings,
            agenda=self._agenda,
            mailbox=self._mailbox,
            events=self._events,
            put=self.put,
        )
        self._queue: deque[Delivery] = deque()
        self._busy: dict[str, deque[Delivery]] = {}  #: instances in a batch, and what waits for them
        self._flights: set[asyncio.Task[bool]] = set()
        self._wake = asyncio.Event()
        self._turns = 0
        self._stopping = False
        self._has_stopped = False

    # -- what goes in

    def put(self, delivery: Delivery) -> None:
        """Take a message in; it is applied in a batch to come."""
        if self._has_stopped:
            delivery.answer(Stopped("the engine has stopped"))
            return
        waiting = self._busy.get(delivery.instance)
        (self._queue if waiting is None else waiting).append(delivery)
        self._wake.set()

    def answered(self, answer: Answered) -> None:
        """Take a participant's answer in."""
        problem = complaint(answer.fields)
        fields = answer.fields if problem is None else {"status": "error", "error": f"the answer is no JSON: {problem}"}
        message = Answer(answer.branch, answer.activity, answer.attempt, fields)
        self.put(Delivery(answer.instance, message, settle=answer.settle))

    async def tell(self, instance: str, message: Message) -> str:
        """Have a message applied, and wait for its commit.

        :returns: the instance's status afterwards.
        :raises UnknownInstance: there is none of this id.
        :raises Refused: it cannot be done now; says why.
        :raises Stopped: the engine was stopped before.
        """
        if isinstance(message, Set | Retry | Skip):
            problem = complaint(message.fields)
            if problem is not None:
                raise Refused(f"the fields are no JSON: {problem}")
            message = replace(message, fields=own(message.fields))
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
        now = self.clock.now()
        collector.event(id or str(self.numbers()), name, encode(body), now)
        if id is not None:
            collector.writes.inbox.append((id, now))
        try:
            async with self.storage.batch() as batch:
                await batch.commit(collector.writes)
        except AlreadySeen:
            return False
        self._events.stored(collector.after.events, [])
        self._wake.set()
        return True

    # -- running

    async def start(self) -> None:
        """Find what an earlier run left behind, and begin to take answers."""
        await self._transport.start(self.answered)
        if not self._transport.is_durable:
            await self._recovery.recover_attempts()
        await self.sweep()

    async def run(self) -> None:
        """Work until :meth:`stop`; call :meth:`start` first. A defect of ours ends it, with whatever was raised."""
        try:
            async with asyncio.TaskGroup() as group:
                sweeper = group.create_task(self._sweep_regularly())
                while not self._stopping:
                    await self._turn(group)
                await self._land()
                if deliveries := self._take():  # the answers that came last
                    await self._fly(deliveries, self._batches.collector())
                sweeper.cancel()
        finally:
            self._refuse_the_rest()

    def _refuse_the_rest(self) -> None:
        """What was not begun is answered; what must survive is in storage, and the next start finds it."""
        self._has_stopped = True
        for waiting in (self._queue, *self._busy.values()):
            for delivery in waiting:
                delivery.answer(Stopped("the engine has stopped"))
            waiting.clear()

    def stop(self) -> None:
        """Let what is under way finish, then return from :meth:`run`."""
        self._stopping = True
        self._wake.set()

    async def _turn(self, group: asyncio.TaskGroup) -> None:
        self._wake.clear()
        self._turns += 1
        self._fire()
        if not await self._tend_mailbox():
            return
        if len(self._flights) >= _FLIGHTS:
            await asyncio.wait(self._flights, return_when=asyncio.FIRST_COMPLETED)
        is_turn_of_events = self._turns % _TURNS_AN_OFFER == 0 and not self._events.is_idle
        if not is_turn_of_events and (deliveries := self._take()):
            flight = group.create_task(self._fly(deliveries, self._batches.collector()))
            self._flights.add(flight)
            flight.add_done_callback(self._flights.discard)
            await asyncio.sleep(0)
        elif not self._events.is_idle:
            await self._land()
            await self._offer()
        else:
            await self._idle()

    async def _tend_mailbox(self) -> bool:
        """Fetch what may be released, set aside what cannot be read; False if storage is away."""
        try:
            await self._mailbox.fetch(self.settings.share)
            if self._mailbox.unreadable:
                writes = Writes()
                for row, reason in self._mailbox.unreadable:
                    self._batches.set_aside(row.instance, row.message, reason, writes)
                    writes.mail_gone.append(row.number)
                async with self.storage.batch() as batch:
                    await batch.commit(writes)
                self._mailbox.unreadable.clear()
        except StorageUnavailable as error:
            await self._storage_is_away(error)
            return False
        return True

    async def _storage_is_away(self, error: StorageUnavailable) -> None:
        log.warning("storage is not available", extra={"reason": str(error)})
        self._recovery.is_unsure = self._recovery.is_unsure or error.unknown
        await asyncio.sleep(self.settings.sweep)

    async def _idle(self) -> None:
        next_due = self._agenda.next()
        timeout = None if next_due is None else max(next_due - self.clock.now(), 0.0)
        try:
            await asyncio.wait_for(self._wake.wait(), timeout)
        except TimeoutError:
            return

    async def drain(self) -> None:
        """Work until nothing is left to do now. For simulations, and before stopping."""
        while self._queue or self._flights or not self._mailbox.is_idle or not self._events.is_idle:
            await self._tend_mailbox()
            if deliveries := self._take():
                await self._fly(deliveries, self._batches.collector())
            elif self._flights:
                await self._land()
            elif not self._events.is_idle:
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

    async def _fly(self, deliveries: list[Delivery], collector: Collector, *, again: bool = True) -> bool:
        """One batch from its steps to what follows its commit. The instances must be marked busy.

        :param again: whether the deliveries are kept for another try if storage fails.
        """
        instances = dict.fromkeys(delivery.instance for delivery in deliveries)
        postponed: Iterable[Delivery] = deliveries if again else ()
        try:
            async with self.storage.batch() as batch:
                prepared = await self._batches.prepare(batch, deliveries, collector)
                if not prepared.collector.writes.is_empty:
                    await batch.commit(prepared.collector.writes)
            postponed = prepared.postponed
            self._committed(prepared)
            return True
        except (StaleVersion, StorageUnavailable) as error:
            for instance in instances:
                self._batches.forget(instance)
            if isinstance(error, StorageUnavailable):
                await self._storage_is_away(error)
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

    def _committed(self, prepared: Prepared) -> None:
        after = prepared.collector.after
        self._batches.committed(prepared)
        self.definitions.committed(prepared.collector.writes)
        self._mailbox.done(prepared.done)
        self._mailbox.release(after.releasable)
        self._events.stored(after.events, after.waits)
        for at, instance, branch in after.due:
            self._agenda.note(at, instance, branch, self.clock.now() + self.settings.horizon)
        for row in after.mail:
            self._mailbox.post(row)
        for (instance, _), dispatch in after.dispatches.items():
            self._dispatch(instance, dispatch)
        self._wake.set()  # a timer may be due before what it sleeps until, a wait may be answered by a kept event
        self._tell(prepared)

    def _dispatch(self, instance: str, dispatch: Dispatch) -> None:
        if self._transport.serves(dispatch.participant):
            self._transport.send(dispatch, instance)
        else:
            reason = f"nobody serves the participant {dispatch.participant!r}"
            stuck = Stuck(dispatch.branch, dispatch.activity, "unroutable", reason, dispatch.attempt)
            self.put(Delivery(instance, stuck))

    def _tell(self, prepared: Prepared) -> None:
        after = prepared.collector.after
        if self._observe is not None and after.progress:
            self._observe(after.progress)
        for delivery in prepared.done:
            if delivery.settle is not None:
                delivery.settle()
        for delivery, result in after.replies:
            delivery.answer(result)

    async def _offer(self) -> None:
        """Make the next offers of events. No other batch is under way."""
        collector = self._batches.collector()
        try:
            offers = await self._events.next_chunk(collector)
        except StorageUnavailable as error:
            self._events.clear()
            await self._storage_is_away(error)
            return
        for offer in offers:
            self._busy.setdefault(offer.instance, deque())
        if await self._fly(offers, collector, again=False):
            self._events.committed(collector)
        else:
            self._events.clear()

    # -- timers and the sweep

    def _fire(self) -> None:
        for at, instance, branch in self._agenda.due(self.clock.now(), self.settings.batch):
            self.put(Delivery(instance, TimerFired(branch, at)))

    async def sweep(self) -> None:
        """Find in storage what is to be done and is not in memory."""
        await self._recovery.sweep()
        self._wake.set()

    async def tidy(self) -> int:
        """Delete what was kept long enough; returns the rows deleted."""
        return await self._recovery.tidy()

    async def _sweep_regularly(self) -> None:
        for turn in count():
            await asyncio.sleep(self.settings.sweep)
            try:
                await self.sweep()
                if turn % _SWEEPS_A_TIDY == 0:
                    await self.tidy()
            except StorageUnavailable as error:
                log.warning("the sweep found storage unavailable", extra={"reason": str(error)})
