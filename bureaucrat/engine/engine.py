"""The engine: takes what comes in, and carries out what was decided.

Rules:

- the batches are the business of :mod:`.pipeline`; here is what runs around them: events, timers, the mailbox, the
  sweep, and with a broker the intake and the outbox;
- whatever is in memory only (timers, marks, offers of events) can be found again in storage: what is lost there, the
  sweep brings back; inputs stay on the queue until they are committed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from ..clock import Clock
from ..core.messages import Answer, Message, Retry, Set, Skip
from ..core.table import Definition
from ..core.values import complaint
from ..errors import AlreadySeen, Refused, StorageUnavailable
from ..ports import Answered, Courier, Storage, Transport, Writes
from .alarms import Alarms
from .alone import Alone, Part
from .batch import Batches, Prepared
from .definitions import Definitions, Reader
from .delivery import Birth, Delivery, Letter, settle
from .direct import Direct
from .event_starts import EventStarts
from .events import Events
from .exchange import Exchange
from .figures import Figures
from .handover import Handover
from .mailbox import Mailbox
from .mailroom import Mailroom
from .members import Members
from .pipeline import Pipeline
from .recovery import Recovery
from .registry import Registry
from .schedules import Schedules
from .settings import Settings
from .shell import Shell
from .starts import business_key_of, own, start_of
from .sweeper import Sweeper
from .writes import Collector, Progress

log = logging.getLogger(__name__)

_TURNS_AN_OFFER = 4  #: of the loop; so that events do not wait behind a queue that never empties


class Engine:
    """Runs instances on a storage, and on a transport of this process or on a broker."""

    def __init__(
        self,
        storage: Storage,
        transport: Transport | None = None,
        *,
        read: Reader,
        clock: Clock,
        numbers: Callable[[], int],
        settings: Settings | None = None,
        observe: Callable[[list[Progress]], None] | None = None,
        courier: Courier | None = None,
        figures: Figures | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.definitions = Definitions(storage, read, clock)
        self.registry = Registry(storage, self.definitions, clock)
        self.storage = storage
        self.clock = clock
        self.numbers = numbers
        self.figures = figures or Figures()
        self._transport = transport
        self._observe = observe
        self._members = Members(storage, clock, numbers)
        self._shell = self._means()
        self._alarms = Alarms(self._shell)
        self._agenda = self._alarms.agenda
        self._events = Events(storage, self.settings, EventStarts(self._shell).of)
        self.schedules = Schedules(self._shell)
        self._mailbox = Mailbox(storage, self.definitions, self.registry, self.put, self.settings.limits, clock)
        self._recovery = Recovery(self._shell, self._alarms, self._mailbox, self._events, self.schedules)
        self._exchange = None if courier is None else Exchange(courier, self._shell, self._recovery.recover_attempts)
        self._handover = self._way_out()
        self._batches = Batches(self._shell, self._handover, observe is not None)
        self._pipeline = Pipeline(
            storage, self._batches, self._handover, self.settings, self._committed, self._storage_is_away
        )
        parts: list[Part] = [self.schedules, self._events]
        parts += [] if self._exchange is None else [self._exchange.outbox.leaves]
        self._alone = Alone(self._pipeline, self._collector, *parts)
        around = self._handover, self._exchange, self._show, self._pipeline.wake.set
        self._sweeper = Sweeper(self._shell, self._recovery, *around)
        self.registry.stored = self._triggers
        row = None if self._exchange is None else self._exchange.outbox.row
        self._mailroom = Mailroom(self._shell, self._mailbox, self._recovery, row)
        self._turns = 0
        self._stopping = False

    def _means(self) -> Shell:
        return Shell(
            self.storage,
            self.definitions,
            self.registry,
            self.clock,
            self.numbers,
            self.settings,
            self.figures,
            self._members,
            put=self.put,
            collector=self._collector,
            bury=self._bury,
            stored=self._stored,
            unstored=self._unstored,
        )

    def _way_out(self) -> Handover:
        if self._exchange is not None:
            self.definitions.learned = self._exchange.learn
            return self._exchange.outbox
        assert self._transport is not None, "an engine needs a transport or a broker"
        return Direct(self._transport, self._shell)

    # -- what goes in

    def put(self, delivery: Delivery) -> None:
        """Take a message in; it is applied in a batch to come."""
        self._pipeline.put(delivery)

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
        :raises Refused: required properties are missing, the fields are no JSON, or its unique key is taken.
        """
        start = start_of(definition, fields, self.settings.limits)
        key = business_key or business_key_of(definition, start.fields, self.clock.now())
        return await self._wait(Delivery(instance, start, Birth(definition, key)))

    async def _wait(self, delivery: Delivery) -> str:
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        delivery.reply = partial(settle, future)
        self.put(delivery)
        return await future

    async def event(self, name: str, body: dict[str, Any], id: str | None = None) -> bool:
        """Accept an event: stored when this returns, offered soon after.

        :param id: its message id; a second event with it is dropped.
        :returns: whether it was new.
        """
        collector = self._batches.collector()
        now = self.clock.now()
        collector.event(id or str(self.numbers()), name, body, now)
        if id is not None:
            collector.writes.inbox.append((id, now))
        try:
            await self._shell.commit(collector)
        except AlreadySeen:
            return False
        return True

    # -- what the parts around it use (see Shell)

    def _collector(self) -> Collector:
        return self._batches.collector()

    def _bury(self, letter: Letter, reason: str, collector: Collector) -> None:
        self._batches.set_aside(letter, reason, collector.writes)

    def _stored(self, collector: Collector) -> None:
        self._count(collector.writes)
        self._triggers(collector.writes)
        self._events.stored(collector.after.events, [])
        for row in collector.after.mail:
            self._mailbox.post(row)
        self._handover.committed(collector.writes, {})
        self._pipeline.wake.set()

    def _triggers(self, writes: Writes) -> None:
        self.schedules.note(writes.schedules)
        self._pipeline.wake.set()

    def _unstored(self, error: StorageUnavailable) -> None:
        self._recovery.unsure += error.unknown

    # -- running

    async def start(self) -> None:
        """Find what an earlier run left behind, and begin to take answers."""
        await self._members.begin()
        self.storage.on_mail = self._mail_came
        await self._sweeper.recount()
        if self._exchange is not None:
            await self._exchange.start()
        elif self._transport is not None:
            await self._transport.start(self.answered)
            await self._recovery.recover_attempts()
        await self.sweep()

    def _mail_came(self) -> None:
        self._mailbox.has_news = True
        self._pipeline.wake.set()

    async def run(self) -> None:
        """Work until :meth:`stop`; call :meth:`start` first. A defect of ours ends it, with whatever was raised.

        Both ways the broker gets back what was not settled; only who cancels this leaves the connections to themselves.
        """
        try:
            await self._work()
        except Exception:  # whatever the defect is, the broker gets its messages back before it is raised
            await self._leave()
            raise
        else:
            await self._leave()
        finally:
            self._pipeline.close()

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as group:
            work = [self._sweeper.run(), self._handover.work()]
            work += [] if self._exchange is None else self._exchange.work()
            helpers = [group.create_task(one) for one in work]
            while not self._stopping:
                await self._turn(group)
            await self._pipeline.land()
            if deliveries := self._pipeline.take():  # the answers that came last
                await self._pipeline.fly(deliveries, self._batches.collector())
            for helper in helpers:
                helper.cancel()

    async def _leave(self) -> None:
        if self._exchange is not None:
            await self._exchange.stop()

    def stop(self) -> None:
        """Let what is under way finish, then return from :meth:`run`."""
        if self._exchange is not None:
            self._exchange.pause()
        self._stopping = True
        self._pipeline.wake.set()

    async def _turn(self, group: asyncio.TaskGroup) -> None:
        self._pipeline.wake.clear()
        self._turns += 1
        if not await self._look_up():
            return
        await self._pipeline.room()
        is_its_turn = self._turns % _TURNS_AN_OFFER == 0 and not self._alone.is_idle
        if not is_its_turn and await self._pipeline.begin(group):
            return
        if not self._alone.is_idle:
            await self._pipeline.land()
            await self._alone.work()
        else:
            await self._idle()

    async def _look_up(self) -> bool:
        """Do what comes before a batch; False if storage is away."""
        try:
            await self._members.be_sure()
            await self._alarms.fire()
            await self._mailroom.tend()
        except StorageUnavailable as error:
            await self._storage_is_away(error)
            return False
        return True

    async def _storage_is_away(self, error: StorageUnavailable) -> None:
        log.warning("storage is not available", extra={"reason": str(error)})
        self._unstored(error)
        await asyncio.sleep(self.settings.sweep)

    async def _idle(self) -> None:
        leaves = None if self._exchange is None else self._exchange.outbox.leaves.next_at()
        ahead = (self._alarms.next(), self.schedules.next(), leaves)
        next_due = min((at for at in ahead if at is not None), default=None)
        timeout = None if next_due is None else max(next_due - self.clock.now(), 0.0)
        try:
            async with asyncio.timeout(timeout):  # wait_for may swallow a cancellation (Python 3.11)
                await self._pipeline.wake.wait()
        except TimeoutError:
            return

    async def drain(self) -> None:
        """Work until nothing is left to do now. For simulations, and before stopping."""
        while not (self._pipeline.is_idle and self._mailroom.is_idle and self._alone.is_idle):
            try:
                await self._mailroom.tend()
            except StorageUnavailable as error:
                await self._storage_is_away(error)
            if deliveries := self._pipeline.take():
                await self._pipeline.fly(deliveries, self._batches.collector())
            elif self._pipeline.is_flying:
                await self._pipeline.land()
            elif not self._alone.is_idle:
                await self._alone.work()

    def _committed(self, prepared: Prepared) -> None:
        after = prepared.collector.after
        self._batches.committed(prepared)
        self.definitions.committed(prepared.collector.writes)
        self._mailbox.done(prepared.done)
        self._mailbox.release(after.releasable)
        self._events.stored(after.events, after.waits)
        self.schedules.ended(prepared.collector.writes.instances)
        for at, instance, branch in after.due:
            self._alarms.note(at, instance, branch)
        for row in after.mail:
            self._mailbox.post(row)
        self._handover.ended(after.voids)
        self._handover.committed(prepared.collector.writes, after.dispatches)
        self._pipeline.wake.set()  # a timer may be due before what it sleeps until, a kept event may answer a wait
        self._tell(prepared)

    def _tell(self, prepared: Prepared) -> None:
        after = prepared.collector.after
        self.figures.batches += 1
        self.figures.transitions += after.transitions
        self.figures.attempts += len(after.dispatches)
        self._count(prepared.collector.writes)
        self.figures.incidents -= after.relocated
        if self._observe is not None and after.progress:
            self._observe(after.progress)
        for delivery in prepared.done:
            self.figures.answers += isinstance(delivery.message, Answer)
            if delivery.settle is not None:
                delivery.settle()
        for delivery, result in after.replies:
            delivery.answer(result)

    def _count(self, writes: Writes) -> None:
        """Count what is durable now."""
        self.figures.dead_letters += len(writes.dead)
        self.figures.incidents += len(writes.incidents) - len(writes.incidents_closed)

    # -- the sweep

    async def sweep(self) -> None:
        """Find in storage what is to be done and is not in memory."""
        await self._sweeper.sweep()

    async def tidy(self) -> int:
        """Delete what was kept long enough; returns the rows deleted."""
        return await self._recovery.tidy()

    def _show(self) -> None:
        self.figures.waiting, self.figures.cached = self._pipeline.waiting, self._batches.cached
