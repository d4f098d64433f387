"""One batch: load the instances that its messages are for, let the core decide, commit it all at once.

Rules:

- no input is judged except on a copy whose version is known to be the stored one;
- whatever goes wrong with a copy, the copy is dropped, loaded again, and the messages are applied again: steps are
  deterministic, so repeating them is harmless until the commit;
- a message on which a step raises is tried alone, three times in all, then it is a dead letter and its instance an
  incident of kind *engine*; its neighbours in the batch are not touched by it.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import takewhile

from ..core.effects import Effect
from ..core.faults import NOT_UNIQUE, Fault
from ..core.instance import Changes, Copy, Instance, NeedBranches, NeedRemembered
from ..core.messages import Ended, Input, Migrate, Start, Stuck, TimerFired
from ..core.step import step
from ..core.table import Definition
from ..errors import NotUnique, Refused, StaleVersion, StorageUnavailable, UnknownInstance
from ..ports import Batch, InstanceRow, Writes
from .codec import decode_instance, listed
from .dead_letters import DeadLetters
from .delivery import Delivery, Letter
from .elsewhere import Asking, Elsewhere
from .handover import Handover
from .loading import More, load
from .migrations import look_out
from .shell import Shell
from .writes import Collector, unrecorded

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Cached:
    """A copy that is the same as what is stored."""

    copy: Copy
    version: int
    definition: Definition
    listed: tuple[object, ...] | None = None  #: what storage finds it by; None: it is not stored yet


@dataclass(slots=True)
class Prepared:
    """A batch whose steps are done and whose commit is to come."""

    deliveries: list[Delivery]
    collector: Collector
    copies: list[Cached] = field(default_factory=list)
    postponed: list[Delivery] = field(default_factory=list)
    suspects: list[Delivery] = field(default_factory=list)  #: what is at work; blamed if something raises
    elsewhere: Elsewhere = field(default_factory=Elsewhere)

    @property
    def done(self) -> list[Delivery]:
        """What is over once the batch is committed."""
        return [delivery for delivery in self.deliveries if delivery not in self.postponed]


#: a delivery, what its step gave (None: nothing happened), the first and last number it has in the history, its time
_Result = tuple[Delivery, list[Effect] | None, int, int, float]


class Batches:
    """Prepares batches and keeps the cache of copies."""

    def __init__(self, shell: Shell, handover: Handover, is_observed: bool) -> None:
        self.figures = shell.figures
        self._handover = handover
        self._is_observed = is_observed
        self._unrecorded = frozenset() if is_observed else unrecorded(shell.settings.history)
        self._storage = shell.storage
        self._definitions = shell.definitions
        self._clock = shell.clock
        self._numbers = shell.numbers
        self._settings = shell.settings
        self._members = shell.members
        self._asking = Asking(shell.storage, shell.members, handover)
        self._dead = DeadLetters(shell.numbers, shell.clock, handover)
        self._cache: OrderedDict[str, Cached] = OrderedDict()

    @property
    def cached(self) -> int:
        """How many instances are in memory."""
        return len(self._cache)

    def collector(self) -> Collector:
        """An empty collection; what is put into it is committed with the batch it is given to."""
        return Collector(self._numbers, self._clock, self._settings.history, self._handover, self._is_observed)

    async def prepare(self, batch: Batch, deliveries: list[Delivery], seed: Collector) -> Prepared:
        """Do the steps of a batch; nothing is written yet.

        :param seed: what is committed with the batch besides what its steps give.
        """
        aside: list[Delivery] = []
        while True:
            prepared = Prepared(deliveries, seed.copy(), postponed=list(aside))
            try:
                await self._prepare(batch, prepared)
            except (StorageUnavailable, StaleVersion):
                raise
            except Exception as error:  # a defect of ours must not stop the others: see the rules above
                log.exception("a step raised", extra={"instance": prepared.suspects[0].instance})
                aside += self._suspected(prepared.suspects, error)
            else:
                return prepared

    def _suspected(self, suspects: list[Delivery], error: Exception) -> list[Delivery]:
        """Count a failure against these; those that have tries left are put off."""
        blamed = [delivery.cause or delivery for delivery in suspects]
        for delivery in blamed:
            delivery.failures += 1
            delivery.failure = f"{type(error).__name__}: {error}"
        return [delivery for delivery in blamed if delivery.failures < self._settings.attempts_at_poison]

    async def _prepare(self, batch: Batch, prepared: Prepared) -> None:
        if self._members.is_shared:
            groups, pinned, rows = await self._locked(batch, prepared)
        else:
            groups = _by_instance(await self._present(batch, prepared))
            pinned = {instance: self._cache.pop(instance, None) for instance in groups}
            unknown = [instance for instance in groups if pinned[instance] is None]
            rows = await batch.lock(unknown) if unknown else {}
        for instance, group in groups.items():
            prepared.suspects = group
            cached, row = pinned[instance], rows.get(instance)
            if cached is None and row is None:
                group = self._before_birth(group, prepared.collector)
            if group:
                await self._apply(batch, prepared, group, row, cached)
        prepared.collector.finished()

    async def _locked(
        self, batch: Batch, prepared: Prepared
    ) -> tuple[dict[str, list[Delivery]], dict[str, Cached | None], dict[str, InstanceRow]]:
        """The deliveries, the copies and the guard rows of the instances, which nobody else changes from now on.

        They are locked before the mail, so that of what an instance kept back nobody takes what is later first.
        """
        at_work = [one for one in prepared.deliveries if one not in prepared.postponed]
        rows = await batch.lock(list(dict.fromkeys(one.instance for one in at_work)))
        present, prepared.elsewhere = await self._asking.look(batch, await self._present(batch, prepared))
        groups = _by_instance(present)
        pinned: dict[str, Cached | None] = {}
        for instance in groups:
            cached, row = self._cache.pop(instance, None), rows.get(instance)
            is_current = cached is not None and row is not None and cached.version == row.version
            pinned[instance] = cached if is_current else None
        return groups, pinned, rows

    def _before_birth(self, group: list[Delivery], collector: Collector) -> list[Delivery]:
        """What begins with the start of an instance that does not exist; what came before it is for nobody."""
        early = list(takewhile(lambda delivery: delivery.birth is None, group))
        self._unknown(early, collector)
        return group[len(early) :]

    async def _present(self, batch: Batch, prepared: Prepared) -> list[Delivery]:
        """The deliveries to apply: not those put off, nor mail whose row is gone because it was applied already."""
        numbers = [delivery.mail for delivery in prepared.deliveries if delivery.mail is not None]
        there = await batch.take_mail(numbers) if numbers else {}
        present = []
        for delivery in prepared.deliveries:
            is_gone = delivery.mail is not None and there.get(delivery.mail) is not delivery.released
            self.figures.passed_over += is_gone
            if not is_gone and delivery not in prepared.postponed:
                if isinstance(delivery.message, Migrate):
                    prepared.suspects = [delivery]
                    found = await look_out(delivery, delivery.message, self._storage, self._definitions)
                    delivery.outlook = found
                present += self._given_up(delivery, prepared)
        return present

    def _given_up(self, delivery: Delivery, prepared: Prepared) -> list[Delivery]:
        """The delivery; or, if it used up its tries, an incident in its place, and itself a dead letter."""
        if delivery.refusal:
            self._refuse(delivery, prepared.collector)
            return []
        if delivery.failures < self._settings.attempts_at_poison:
            return [delivery]
        reason = f"{type(delivery.message).__name__} could not be applied: {delivery.failure}"
        writes = prepared.collector.writes
        self._dead.bury(delivery, reason, writes)
        prepared.collector.reply(delivery, Refused(reason))
        if delivery.mail is not None:
            writes.mail_gone.append(delivery.mail)
        has_failed = delivery.failures > self._settings.attempts_at_poison  # the incident could not be made either
        if isinstance(delivery.message, Stuck | Start) or delivery.is_unloadable or has_failed:
            return []
        branch = getattr(delivery.message, "branch", "")
        stuck = Stuck(branch, getattr(delivery.message, "activity", -1), "engine", reason)
        return [Delivery(delivery.instance, stuck, cause=delivery)]

    def refused(self, deliveries: Iterable[Delivery], conflict: NotUnique) -> None:
        """Note which starts storage does not let happen: in the batch to come they are told no (L83)."""
        for delivery in deliveries:
            holder = conflict.holders.get(delivery.instance)
            if delivery.birth is not None and holder is not None:
                name, key = delivery.birth.definition.name, delivery.birth.business_key
                delivery.refusal = f"{name} {key} is unfinished already, and its key is unique: instance {holder}"

    def _refuse(self, delivery: Delivery, collector: Collector) -> None:
        """Tell whoever wanted an instance started that it is not: its caller, or the dead letters."""
        caller = None if delivery.birth is None else delivery.birth.caller
        if caller is not None:
            fault = Fault(NOT_UNIQUE, delivery.refusal, delivery.instance)
            ended = Ended(caller.branch, caller.activity, caller.activation, {}, fault)
            collector.post(caller.instance, ended, self._clock.now())
        elif delivery.letter is not None:
            self._dead.bury(delivery, delivery.refusal, collector.writes)
        if delivery.mail is not None:
            collector.writes.mail_gone.append(delivery.mail)
        collector.reply(delivery, Refused(delivery.refusal))

    async def _apply(
        self, batch: Batch, prepared: Prepared, group: list[Delivery], row: InstanceRow | None, cached: Cached | None
    ) -> None:
        """All messages of one instance, repeated on a fresh copy if more of it is needed."""
        more = More()
        while True:
            cached = cached or await self._fresh(prepared, group, row)
            try:
                await load(batch, cached.copy, group, more, self._settings.load_whole)
                results = self._steps(cached, prepared, group)
                break
            except (NeedBranches, NeedRemembered) as need:
                more.note(need)
                row = row or (await batch.lock([cached.copy.instance.id])).get(cached.copy.instance.id)
                cached = None
        self._collect(cached, prepared, results)

    async def _fresh(self, prepared: Prepared, group: list[Delivery], row: InstanceRow | None) -> Cached:
        """A copy from storage, or of a new instance."""
        if row is None:
            return self._born(group, prepared.collector)
        for delivery in group:
            delivery.is_unloadable = True
        definition = await self._definitions.get(row.definition)
        instance = decode_instance(row)
        return Cached(Copy(instance), row.version, definition, listed(instance))

    def _steps(self, cached: Cached, prepared: Prepared, group: list[Delivery]) -> list[_Result]:
        results: list[_Result] = []
        for delivery in (one for given in group for one in self._asking.around(cached.copy, given, prepared.elsewhere)):
            prepared.suspects = [delivery]
            (delivery.cause or delivery).is_unloadable = False
            now = self._clock.now()
            if _is_stale(cached.copy, delivery):
                self.figures.timers_stale += isinstance(delivery.message, TimerFired)
                results.append((delivery, None, 0, 0, now))
                continue
            first = cached.copy.instance.recorded + 1
            effects = step(
                cached.definition,
                cached.copy,
                delivery.message,
                now,
                limits=self._settings.limits,
                released=delivery.released,
                unrecorded=self._unrecorded,
                target=None if delivery.outlook is None else delivery.outlook.target,
            )
            if delivery.outlook is not None and cached.copy.instance.definition != cached.definition.hash:
                cached.definition = delivery.outlook.target
                self._definitions.store(cached.definition, prepared.collector.writes)
            results.append((delivery, effects, first, cached.copy.instance.recorded, now))
        return results

    def _collect(self, cached: Cached, prepared: Prepared, results: list[_Result]) -> None:
        for delivery, effects, first, last, now in results:
            prepared.suspects = [delivery]
            prepared.collector.after.transitions += last - first
            prepared.collector.applied(cached.copy, delivery, effects or [], first, now)
        if all(effects is None for _, effects, *_ in results):
            self._keep(cached)
            return
        cached.version += 1
        prepared.copies.append(cached)
        known, cached.listed = cached.listed, listed(cached.copy.instance)
        prepared.collector.changed(cached.copy, cached.version, cached.definition, is_listed=cached.listed == known)

    def _born(self, group: list[Delivery], collector: Collector) -> Cached:
        birth = group[0].birth
        assert birth is not None, "what came before the start was taken out"
        definition, now = birth.definition, self._clock.now()
        self._definitions.store(definition, collector.writes)
        instance = Instance(
            group[0].instance,
            definition.name,
            definition.hash,
            min(now, now if birth.asked is None else birth.asked),
            caller=birth.caller,
            depth=birth.depth,
            business_key=birth.business_key,
            unique=definition.unique,
            tick=birth.tick,
        )
        if birth.event is not None:
            collector.writes.consumed.append((birth.event, instance.id, "", 0))
        return Cached(Copy(instance), 0, definition)

    def _unknown(self, group: list[Delivery], collector: Collector) -> None:
        for delivery in group:
            if self._asking.is_early(delivery, self._clock.now()):
                continue
            unknown = UnknownInstance(f"there is no instance {delivery.instance}")
            collector.reply(delivery, unknown)
            if delivery.mail is not None:
                collector.writes.mail_gone.append(delivery.mail)
            if isinstance(delivery.message, Input) or delivery.letter is not None:
                self._dead.bury(delivery, str(unknown), collector.writes)

    def committed(self, prepared: Prepared) -> None:
        """The copies of a batch are what is stored now."""
        for cached in prepared.copies:
            cached.copy.changes = Changes()
            self._keep(cached)

    def _keep(self, cached: Cached) -> None:
        if not cached.copy.instance.has_ended:
            self._cache[cached.copy.instance.id] = cached
        while len(self._cache) > self._settings.cached:
            self._cache.popitem(last=False)

    def set_aside(self, letter: Letter, reason: str, writes: Writes) -> None:
        """Write a dead letter, with the reason."""
        self._dead.set_aside(letter, reason, writes)

    def forget(self, instance: str) -> None:
        """Drop the copy of an instance; the next message loads it."""
        self._cache.pop(instance, None)


def _by_instance(deliveries: Iterable[Delivery]) -> dict[str, list[Delivery]]:
    groups: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        groups.setdefault(delivery.instance, []).append(delivery)
    return groups


def _is_stale(copy: Copy, delivery: Delivery) -> bool:
    """A second start, and a timer that was rearmed or ended since it was noted, are nothing that happened."""
    match delivery.message:
        case Start():
            return copy.instance.recorded > 0
        case TimerFired() if not delivery.released:
            branch = copy.branches.get(delivery.message.branch)
            return branch is None or branch.due is None or branch.due > delivery.message.at
    return False
