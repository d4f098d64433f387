"""One batch: load the instances that its messages are for, let the core decide, commit it all at once.

Rules:

- no input is judged except on a copy whose version is known to be the stored one;
- whatever goes wrong with a copy, the copy is dropped, loaded again, and the messages are applied again: steps are
  deterministic, so repeating them is harmless until the commit;
- a message on which a step raises is tried alone, three times in all, then it is a dead letter and its instance an
  incident of kind *engine*; its neighbours in the batch are not touched by it.
"""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..clock import Clock
from ..core.effects import Effect
from ..core.instance import Changes, Copy, Instance, NeedBranches
from ..core.messages import Input, Start, Stuck, TimerFired
from ..core.step import step
from ..core.table import Definition
from ..errors import UnknownInstance
from ..ports import Batch, DeadRow, InstanceRow, Storage, Writes
from .codec import add_loaded, decode_instance, encode_message
from .definitions import Definitions
from .delivery import Delivery
from .settings import Settings
from .writes import Afterwards, Collector

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Cached:
    """A copy that is the same as what is stored."""

    copy: Copy
    version: int
    definition: Definition


@dataclass(slots=True)
class Prepared:
    """A batch whose steps are done and whose commit is to come."""

    deliveries: list[Delivery]
    writes: Writes
    after: Afterwards
    copies: dict[str, Cached] = field(default_factory=dict)
    postponed: list[Delivery] = field(default_factory=list)


class Batches:
    """Prepares batches and keeps the cache of copies."""

    def __init__(
        self,
        storage: Storage,
        definitions: Definitions,
        clock: Clock,
        numbers: Callable[[], int],
        settings: Settings,
    ) -> None:
        self._storage = storage
        self._definitions = definitions
        self._clock = clock
        self._numbers = numbers
        self._settings = settings
        self._cache: OrderedDict[str, Cached] = OrderedDict()

    def collector(self) -> Collector:
        """An empty collection; what is put into it is committed with the batch it is given to."""
        return Collector(self._numbers, self._clock, self._settings.history)

    async def prepare(self, batch: Batch, deliveries: list[Delivery], collector: Collector) -> Prepared:
        """Do the steps of a batch; nothing is written yet."""
        prepared = Prepared(deliveries, collector.writes, collector.after)
        groups: dict[str, list[Delivery]] = {}
        for delivery in deliveries:
            groups.setdefault(delivery.instance, []).append(delivery)
        rows = await self._rows(batch, groups)
        for instance, group in groups.items():
            cached = await self._apply(batch, rows.get(instance), group, collector, prepared)
            if cached is not None:
                prepared.copies[instance] = cached
                collector.changed(cached.copy, cached.version)
        collector.finished()
        return prepared

    async def _rows(self, batch: Batch, instances: Iterable[str]) -> dict[str, InstanceRow]:
        if self._storage.is_shared:
            return await batch.lock(list(instances))
        unknown = [instance for instance in instances if instance not in self._cache]
        return await batch.lock(unknown) if unknown else {}

    async def _apply(
        self,
        batch: Batch,
        row: InstanceRow | None,
        group: list[Delivery],
        collector: Collector,
        prepared: Prepared,
    ) -> Cached | None:
        """All messages of one instance, repeated on a fresh copy until they go through."""
        below: list[str] = []
        while True:
            cached = await self._copy(batch, row, group, below, collector)
            if cached is None:
                self._unknown(group, collector)
                return None
            results: list[tuple[Delivery, list[Effect] | None, int, float]] = []
            current = group[0]
            try:
                for current in group:
                    now = self._clock.now()
                    before = cached.copy.instance.recorded
                    if _is_stale(cached.copy, current):
                        results.append((current, None, 0, now))
                        continue
                    effects = self._step(cached, current, now)
                    results.append((current, effects, before + 1, now))
            except NeedBranches as need:
                below.append(need.branch)
            except Exception as error:  # a defect of ours must not stop the others: see the rules above
                log.exception("a step raised", extra={"instance": current.instance})
                group = self._culprit(group, current, error, collector, prepared)
                if not group:
                    self.forget(current.instance)
                    return None
            else:
                for delivery, given, first, now in results:
                    collector.applied(cached.copy, delivery, given or [], first, now)
                if all(given is None for _, given, _, _ in results):
                    cached.version -= 1
                    self._keep(cached)
                    return None
                return cached
            row = row or await self._stored(batch, group[0].instance)
            self.forget(group[0].instance)

    def _step(self, cached: Cached, delivery: Delivery, now: float) -> list[Effect]:
        return step(
            cached.definition,
            cached.copy,
            delivery.message,
            now,
            limits=self._settings.limits,
            released=delivery.released,
        )

    async def _stored(self, batch: Batch, instance: str) -> InstanceRow | None:
        return (await batch.lock([instance])).get(instance)

    async def _copy(
        self,
        batch: Batch,
        row: InstanceRow | None,
        group: list[Delivery],
        below: list[str],
        collector: Collector,
    ) -> Cached | None:
        """The copy to work on, with the branches that the messages are for; its version is the one to write."""
        instance = group[0].instance
        cached = self._cache.pop(instance, None)
        if cached is not None and row is not None and cached.version != row.version:
            cached = None
        if cached is None:
            if row is None:
                return self._born(group, collector)
            definition = await self._definitions.get(row.definition)
            cached = Cached(Copy(decode_instance(row)), row.version, definition)
        await self._load(batch, cached.copy, group, below)
        cached.version += 1
        return cached

    def _born(self, group: list[Delivery], collector: Collector) -> Cached | None:
        birth = group[0].birth
        if birth is None:
            return None
        definition = birth.definition
        self._definitions.store(definition, collector.writes)
        instance = Instance(
            group[0].instance,
            definition.name,
            definition.hash,
            self._clock.now(),
            caller=birth.caller,
            depth=birth.depth,
            business_key=birth.business_key,
        )
        return Cached(Copy(instance), 1, definition)

    async def _load(self, batch: Batch, copy: Copy, group: list[Delivery], below: list[str]) -> None:
        if isinstance(group[0].message, Start) and not copy.instance.branches:
            return
        if len(copy.branches) < copy.instance.branches:
            wanted: list[str] | None = None
            if copy.instance.branches > self._settings.load_whole:
                wanted = [id for d in group for id in _with_ancestors(d) if id not in copy.branches]
            if wanted is None or wanted:
                add_loaded(copy, await batch.load([(copy.instance.id, wanted)]))
        for branch in below:
            add_loaded(copy, await batch.load_below(copy.instance.id, branch))

    def _unknown(self, group: list[Delivery], collector: Collector) -> None:
        for delivery in group:
            unknown = UnknownInstance(f"there is no instance {delivery.instance}")
            collector.after.replies.append((delivery, unknown))
            if delivery.mail is not None:
                collector.writes.mail_gone.append(delivery.mail)
            if isinstance(delivery.message, Input):
                self.bury(delivery, str(unknown), collector.writes)

    def _culprit(
        self, group: list[Delivery], culprit: Delivery, error: Exception, collector: Collector, prepared: Prepared
    ) -> list[Delivery]:
        """The group without the message that raised, or with an incident in its place."""
        culprit.failures += 1
        if culprit.failures < self._settings.attempts_at_poison:
            prepared.postponed.append(culprit)
            return [delivery for delivery in group if delivery is not culprit]
        reason = f"{type(culprit.message).__name__} could not be applied: {type(error).__name__}: {error}"
        self.bury(culprit, reason, collector.writes)
        collector.after.replies.append((culprit, error))
        if culprit.mail is not None:
            collector.writes.mail_gone.append(culprit.mail)
        branch = getattr(culprit.message, "branch", "")
        stuck = Stuck(branch, getattr(culprit.message, "activity", -1), "engine", reason)
        replacement = Delivery(culprit.instance, stuck, settle=culprit.settle)
        return [replacement if delivery is culprit else delivery for delivery in group]

    def bury(self, delivery: Delivery, reason: str, writes: Writes) -> None:
        """Set a message aside, with the reason."""
        body = encode_message(delivery.message)
        digest = hashlib.sha256(body).hexdigest()
        writes.dead.append(DeadRow(self._numbers(), self._clock.now(), "engine", reason, "", body, digest))

    def committed(self, prepared: Prepared) -> None:
        """The copies of a batch are what is stored now."""
        for cached in prepared.copies.values():
            cached.copy.changes = Changes()
            self._keep(cached)

    def _keep(self, cached: Cached) -> None:
        if not cached.copy.instance.has_ended:
            self._cache[cached.copy.instance.id] = cached
        while len(self._cache) > self._settings.cached:
            self._cache.popitem(last=False)

    def forget(self, instance: str) -> None:
        """Drop the copy of an instance; the next message loads it."""
        self._cache.pop(instance, None)


def _is_stale(copy: Copy, delivery: Delivery) -> bool:
    """A second start, and a timer that was rearmed or ended since it was noted, are nothing that happened."""
    match delivery.message:
        case Start():
            return copy.instance.recorded > 0
        case TimerFired() if not delivery.released:
            branch = copy.branches.get(delivery.message.branch)
            return branch is None or branch.due is None or branch.due > delivery.message.at
    return False


def _with_ancestors(delivery: Delivery) -> list[str]:
    """Ids of the branch that a message is for and of all that could be around it; not all of them exist."""
    parts = getattr(delivery.message, "branch", "").split("_")
    return ["_".join(parts[:length]) for length in range(1, len(parts) + 1)]
