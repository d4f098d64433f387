"""Mechanisms of ours, taken out one by one: each whose absence can be noticed must be missed.

Rules: else "no violation" proves nothing. A mutant is a patch of the part, here and not in the program; while it is in
force schedules run as ever. One half of a pair that guards twice need not be noticed; then it says why, and the pair is
a mutant, too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from bureaucrat.core.activities.action import Action
from bureaucrat.engine import intake
from bureaucrat.engine.batch import Batches
from bureaucrat.engine.engine import Engine
from bureaucrat.engine.events import Events
from bureaucrat.engine.outbox import Outbox
from bureaucrat.engine.writes import Collector
from bureaucrat.storage import memory_batch, memory_writes

Patch = tuple[object, str, Any]


@dataclass(frozen=True)
class Mutant:
    """What is taken out."""

    name: str
    patches: Callable[[], list[Patch]]
    why_not: str = ""  #: why nothing notices; empty: something must

    @contextlib.contextmanager
    def in_force(self) -> Iterator[None]:
        """While this lasts the part is missing."""
        patches = self.patches()
        before = [getattr(owner, name) for owner, name, _ in patches]
        for owner, name, value in patches:
            setattr(owner, name, value)
        try:
            yield
        finally:
            for (owner, name, _), value in zip(patches, before, strict=True):
                setattr(owner, name, value)


def _nothing(*args: Any, **more: Any) -> None:
    return None


async def _nothing_later(*args: Any, **more: Any) -> int:
    return 0


# -- the guard of an instance


def _no_guard() -> list[Patch]:
    return [(memory_writes, "_check_versions", _nothing), (memory_writes, "_check_states", _nothing)]


def _old_copies() -> list[Patch]:
    """A copy in memory counts, whatever is stored."""

    async def lock(self: Any, instances: Any) -> Any:
        found = await self._storage.ask("lock", lambda: memory_batch.MemoryBatch.lock(self, instances))
        for id, row in found.items():
            cached = self._storage.daemon.engine._batches.pinned.get(id)
            if cached is not None:
                row.version = cached.version
        return found

    fetch = Batches._prepare

    async def prepare(self: Any, batch: Any, prepared: Any) -> None:
        self.pinned = {delivery.instance: self._cache.get(delivery.instance) for delivery in prepared.deliveries}
        await fetch(self, batch, prepared)

    from .database import SimulatedBatch

    return [(Batches, "_prepare", prepare), (SimulatedBatch, "lock", lock)]


# -- what is taken once


def _no_tokens() -> list[Patch]:
    """An answer is for whatever attempt waits where it belongs."""
    answered = Action.on_answer

    def on_answer(self: Any, run: Any, at: Any, answer: Any) -> None:
        if at.frame.attempts and at.frame.fault is None:
            answer.attempt = at.frame.attempts[-1].number
        answered(self, run, at, answer)

    return [(Action, "on_answer", on_answer)]


def _no_inbox() -> list[Patch]:
    check = memory_writes._check

    def unchecked(tables: Any, writes: Any) -> None:
        kept, writes.inbox = writes.inbox, []
        try:
            check(tables, writes)
        finally:
            writes.inbox = kept

    return [(memory_writes, "_check", unchecked)]


def _fresh_ids() -> list[Patch]:
    numbers = count(1)
    return [(intake, "instance_id_of", lambda id: f"{id}.{next(numbers)}")]


def _no_consumed() -> list[Patch]:
    effect = Collector._effect

    def without(self: Any, of: Any, one: Any, now: float) -> None:
        if type(one).__name__ != "Consumed":
            effect(self, of, one, now)

    return [(Collector, "_effect", without)]


def _mail_again() -> list[Patch]:
    """Mail is applied whenever it comes, whether its row is there or not."""

    async def present(self: Any, batch: Any, prepared: Any) -> Any:
        found = []
        for delivery in prepared.deliveries:
            if delivery not in prepared.postponed:
                found += self._given_up(delivery, prepared)
        return found

    return [(Batches, "_present", present)]


def _not_unique() -> list[Patch]:
    return [(memory_writes, "_check_unique", _nothing)]


def _dead_again() -> list[Patch]:
    put_in = memory_writes._put_in

    def put(tables: Any, writes: Any) -> None:
        dead, writes.dead = writes.dead, []
        put_in(tables, writes)
        writes.dead = dead
        for row in dead:
            tables.dead_letters.add(row)

    return [(memory_writes, "_put_in", put)]


# -- write, commit, then look


def _no_look_back() -> list[Patch]:
    """A wait is not compared with the events that were there before."""
    stored = Events.stored
    return [(Events, "stored", lambda self, events, waits: stored(self, events, []))]


def _ack_first() -> list[Patch]:
    received = intake.Intake.received

    def settled(self: Any, incoming: Any) -> None:
        incoming.settle()
        received(self, incoming)

    return [(intake.Intake, "received", settled)]


def _publish_first() -> list[Patch]:
    """What a batch decides is published while it is decided."""
    attempt = Outbox.attempt

    def at_once(self: Any, *args: Any) -> Any:
        row = attempt(self, *args)
        if getattr(row, "destination", None) is not None:
            self._publish(row)
        return row

    return [(Outbox, "attempt", at_once)]


def _delete_first() -> list[Patch]:
    """A row of the outbox is deleted once it is on its way."""
    publish = Outbox._publish

    def published(self: Any, row: Any) -> None:
        publish(self, row)
        if row.number in self._waiting:
            self._confirmed.append(row.number)

    return [(Outbox, "_publish", published)]


# -- what is found again


def _unknown_is_failed() -> list[Patch]:
    return [(Engine, "_unstored", _nothing)]


def _no_rows_of_the_dead() -> list[Patch]:
    return [(Outbox, "load", _nothing_later)]


def _without(name: str) -> Callable[[], list[Patch]]:
    """The sweep does not find what this question gives."""

    async def nothing(self: Any, *args: Any, **more: Any) -> list[Any]:
        return []

    def patches() -> list[Patch]:
        from .database import SimulatedStorage

        return [(SimulatedStorage, name, nothing)]

    return patches


MUTANTS = (
    Mutant("version guard and fresh copies", lambda: _no_guard() + _old_copies()),
    Mutant("version guard", _no_guard, "the row is locked and compared before any judgement"),
    Mutant("fresh copies", _old_copies, "the guard at the commit refuses what an old copy gave"),
    Mutant("token of an attempt", _no_tokens),
    Mutant("inbox of events", _no_inbox),
    Mutant("ids of launches", _fresh_ids),
    Mutant("marks of consumed events", _no_consumed),
    Mutant("mail is taken once", _mail_again),
    Mutant("unique business keys", _not_unique),
    Mutant("a dead letter is kept once", _dead_again),
    Mutant("look for kept events", _no_look_back),
    Mutant("acknowledge after the commit", _ack_first),
    Mutant("publish after the commit", _publish_first),
    Mutant("delete after the confirm", _delete_first),
    Mutant("unknown commits are looked after", _unknown_is_failed),
    Mutant("rows of the dead are published", _no_rows_of_the_dead),
    Mutant("the sweep finds mail", _without("mail")),
    Mutant("the sweep finds events", _without("pending_events")),
    Mutant("the sweep finds fresh waits", _without("fresh_waits")),
    Mutant("the sweep finds what is kept back", _without("releasable")),
)
