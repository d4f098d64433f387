"""Warnings about names: who writes them, who reads them, and where they are gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from bureaucrat.core.activities import Action, All, ParallelForeach
from bureaucrat.core.activity import Activity, Property
from bureaucrat.core.expressions.assembly import LITERALS

from .facts import Facts, Finding, Write, called, may_write_anything


def branches_write_the_same(facts: Facts) -> Iterator[Finding]:
    """Two branches of an ``all`` write one name: the later one wins (L14)."""
    for name, writes in _by_name(facts).items():
        first: dict[tuple[int, int], Write] = {}  # by the all, and the scope
        told: set[tuple[int, int]] = set()
        for write in writes:
            if facts.is_compensation(write.activity):
                continue
            for around in facts.around(write.activity):
                if not isinstance(around, All) or around.index < write.scope:
                    continue
                place = around.index, write.scope
                other = first.setdefault(place, write)
                if place not in told and not (write.adds and other.adds) and _apart(facts, around, write, other):
                    told.add(place)
                    yield _twice(facts, name, write, other, around)


def _apart(facts: Facts, around: Activity, one: Write, other: Write) -> bool:
    """Whether two writes stand in different branches."""
    return facts.branch_in(one.activity, around.index) != facts.branch_in(other.activity, around.index)


def _twice(facts: Facts, name: str, write: Write, other: Write, around: Activity) -> Finding:
    here, there = facts.activities[write.activity], facts.activities[other.activity]
    reason = f"two branches of the {called(around)} write `{name}`, this and the {called(there)}; the later one wins"
    return Finding(here.line, here.column, "BX501", f"{reason}: write two names, or declare it inside each branch")


def items_write_the_same(facts: Facts) -> Iterator[Finding]:
    """The items of a parallel foreach write one name that is declared around it (L14, L41)."""
    for write in facts.writes:
        if write.adds or not write.is_declared or facts.is_compensation(write.activity):
            continue
        loops = (one for one in facts.around(write.activity) if isinstance(one, ParallelForeach) and one.most != 1)
        loop = next((one for one in loops if one.index > write.scope), None)
        if loop is not None:
            here = facts.activities[write.activity]
            reason = f"every item of the {called(loop)} writes `{write.name}`, and the last one wins"
            remedy = "collect it, or declare it in the foreach"
            yield Finding(here.line, here.column, "BX502", f"{reason}: {remedy}")


def property_is_never_read(facts: Facts) -> Iterator[Finding]:
    """A declared property that nothing reads; of the process itself, that nothing writes either: it is a result."""
    key = facts.definition.business_key
    of_key = key.expression.names if key is not None and key.expression is not None else frozenset()
    written = {write.name for write in facts.writes}
    is_open = any(may_write_anything(activity) for activity in facts.activities)
    for activity in facts.activities:
        for one in activity.scope or ():
            if facts.is_read_in(one.name, facts.inside(activity.index)):
                continue
            if activity.index or not (one.required or is_open or one.name in written or one.name in of_key):
                yield _unread(activity, one)


def _unread(activity: Activity, one: Property) -> Finding:
    where = "nothing reads or writes it" if activity.index == 0 else "nothing in its scope reads it"
    return Finding(one.line, one.column, "BX503", f"the property `{one.name}` is declared and {where}: remove it")


def name_is_gone(facts: Facts) -> Iterator[Finding]:
    """A name that is read behind a foreach which alone writes it: it has stayed with the item (L10)."""
    for name, writes in _by_name(facts).items():
        if any(write.is_declared or write.scope == 0 for write in writes):
            continue
        told: set[int] = set()
        for reader in facts.readers(name):
            if facts.is_declared_for(name, reader) or any(reader in facts.inside(write.scope) for write in writes):
                continue
            before = [write for write in writes if write.activity < reader]
            if before and before[-1].scope not in told:
                told.add(before[-1].scope)
                yield _gone(facts, name, before[-1], facts.activities[reader])


def _gone(facts: Facts, name: str, write: Write, reader: Activity) -> Finding:
    loop = called(facts.activities[write.scope])
    reason = f"`{name}` is written inside the {loop}, stays with the item, and is gone here"
    return Finding(reader.line, reader.column, "BX519", f"{reason}: declare it in a <context> outside, or collect it")


def name_is_a_literal_elsewhere(facts: Facts) -> Iterator[Finding]:
    """A name that other languages read as a literal, and that nobody declares or writes: it is a missing property."""
    written = {write.name for write in facts.writes}
    for activity in facts.activities:
        for name in sorted(facts.names[activity.index].read):
            meant = LITERALS.get(name.lower())
            if meant and name not in written and not facts.is_declared_for(name, activity.index):
                reason = f"`{name}` is read here as a property, and there is none of this name"
                yield Finding(activity.line, activity.column, "BX520", f"{reason}: write {meant}")


def item_sends_everything(facts: Facts) -> Iterator[Finding]:
    """An action of a parallel foreach without ``<input>``, where there is more to send than the item (L43)."""
    for activity in facts.activities:
        if not isinstance(activity, Action) or activity.given is not None:
            continue
        loop = next((one for one in facts.around(activity.index) if isinstance(one, ParallelForeach)), None)
        if loop is None:
            continue
        names = _sent_besides(facts, loop)
        if names:
            few = ", ".join(f"`{name}`" for name in names[:3]) + (", …" if len(names) > 3 else "")
            reason = f"every item of the {called(loop)} sends all fields, {few} among them"
            remedy = "name in an <input> what the participant needs"
            yield Finding(activity.line, activity.column, "BX514", f"{reason}: {remedy}")


def _sent_besides(facts: Facts, loop: ParallelForeach) -> list[str]:
    """What is visible around a loop and goes out with every item."""
    seen = {name for around in facts.around(loop.index) for name in around.declares}
    seen |= loop.select.names
    return sorted(seen - {loop.withheld, loop.collect, *loop.declares})


def _by_name(facts: Facts) -> dict[str, list[Write]]:
    found: dict[str, list[Write]] = defaultdict(list)
    for write in facts.writes:
        found[write.name].append(write)
    return found
