"""What must hold of every stored instance, and what must not matter to a step."""

from __future__ import annotations

import math
from collections.abc import Coroutine
from copy import deepcopy
from typing import Any, TypeVar

from bureaucrat.core.effects import Effect
from bureaucrat.core.instance import Branch, Changes, Copy, Frame, Instance, NeedBranches, NeedRemembered
from bureaucrat.core.limits import Limits
from bureaucrat.core.messages import Continue, Ended, Message
from bureaucrat.core.states import FINAL, State, Status
from bureaucrat.core.step import step
from bureaucrat.core.table import Definition
from bureaucrat.core.values import canonical
from bureaucrat.definition.reader import read
from bureaucrat.engine.codec import (
    add_loaded,
    decode_instance,
    decode_message,
    encode_branch,
    encode_instance,
    value_rows,
)
from bureaucrat.engine.delivery import Delivery
from bureaucrat.engine.loading import More, load
from bureaucrat.ports import HistoryRow, IncidentRow, InstanceQuery, InstanceRow, Loaded, MailRow
from bureaucrat.testing import Simulation

LIMITS = Limits(turns=3)
_EVERY = 1_000_000

T = TypeVar("T")


# -- what is stored


def stored(question: Coroutine[Any, Any, T]) -> T:
    """What memory storage answers; it never waits."""
    try:
        question.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    raise AssertionError("memory storage waited")


def instances(simulation: Simulation) -> list[InstanceRow]:
    """All there are, in order of their ids."""
    rows = stored(simulation.storage.instances(InstanceQuery(limit=_EVERY)))
    return sorted(rows, key=lambda row: row.id)


def definition(simulation: Simulation, instance: str) -> Definition:
    """The definition that an instance runs: a called one has another."""
    hash = simulation.record(instance).definition
    if hash == simulation.definition.hash:
        return simulation.definition
    row = stored(simulation.storage.definition(hash))
    assert row is not None
    return read(row.source)


def incidents(simulation: Simulation, instance: str) -> list[IncidentRow]:
    """Open ones of an instance, oldest first."""
    return stored(simulation.storage.incidents(instance))


def mail(simulation: Simulation, instance: str) -> list[MailRow]:
    """What is kept back for an instance, or on its way to it."""
    coming = [row for row in stored(simulation.storage.mail(_EVERY)) if row.instance == instance]
    return [*stored(simulation.storage.held_mail(instance, _EVERY)), *coming]


def next_due(simulation: Simulation) -> float | None:
    """When the next timer of all is due."""
    found = stored(simulation.storage.due(math.inf, 1))
    return found[0].at if found else None


def dump(simulation: Simulation) -> list[Any]:
    """Everything that is stored, of every instance."""
    storage = simulation.storage
    rows: list[Any] = [stored(storage.counts()), stored(storage.dead_letters())]
    for row in instances(simulation):
        id = row.id
        rows += [row, stored(storage.branches(id)), stored(storage.waits_of(id)), mail(simulation, id)]
        rows += [stored(storage.history(id, 0, _EVERY)), stored(storage.incidents(id, closed=True))]
    return rows


def children_of(copy: Copy, branch: Branch, frame: Frame) -> list[Branch]:
    return [one for one in copy.branches.values() if one.parent == branch.id and one.owner == frame.activity]


# -- (a) legal states, consistent books


def states_are_legal(simulation: Simulation, instance: str) -> None:
    """Frames lie on each other as the definition says, none of them is over, and the status is what it should be."""
    copy, known = simulation.copy(instance), definition(simulation, instance)
    for branch in copy.branches.values():
        assert branch.frames or (branch.id == "" and copy.instance.has_ended), f"branch {branch.id!r} is empty"
        if branch.parent is not None:
            assert copy.branches[branch.parent].frame_of(branch.owner) is not None
        for below, frame in zip(branch.frames, branch.frames[1:], strict=False):
            assert known.activities[frame.activity].parent == below.activity
            assert below.state in (State.ACTIVE, State.HANDLING, State.INCIDENT), below
        for frame in branch.frames:
            assert frame.state not in FINAL
            assert (frame.state is State.INCIDENT) == bool(frame.incident), frame
            assert not (frame.state is State.HANDLING and frame.fault is None), frame
        active = {frame.activity for frame in branch.frames} | {0}  # the process's own scope outlives it
        assert {scope if scope >= 0 else ~scope for scope in branch.scopes} <= active
    if not copy.instance.has_ended:
        expected = Status.FAULTED if copy.instance.blocking else Status.RUNNING
        assert copy.instance.status is (Status.SUSPENDED if copy.instance.suspended else expected)


def counters_are_right(simulation: Simulation, instance: str) -> None:
    """What the guard record counts is what there is."""
    copy = simulation.copy(instance)
    record = copy.instance
    frames = [(branch, frame) for branch in copy.branches.values() for frame in branch.frames]
    assert record.branches == len(copy.branches)
    for branch, frame in frames:
        assert frame.open == len(children_of(copy, branch, frame)), frame
    numbers = sorted(frame.incident for _, frame in frames if frame.incident)
    assert record.incidents == len(numbers)
    assert record.blocking == sum(frame.blocks for _, frame in frames)
    assert [row.number for row in incidents(simulation, instance)] == numbers
    assert record.held == len(stored(simulation.storage.held_mail(instance, _EVERY)))
    scopes = [scope for branch in copy.branches.values() for scope in branch.scopes.values()]
    assert record.size == sum(len(canonical(value).encode()) for scope in scopes for value in scope.values.values())
    assert len({frame.activation for _, frame in frames}) == len(frames)


# -- (d) something wakes it


def something_wakes_it(simulation: Simulation, instance: str) -> None:
    """Whatever is innermost and active waits for something that is there."""
    copy, waits = simulation.copy(instance), stored(simulation.storage.waits_of(instance))
    if copy.instance.has_ended:
        assert [(branch.id, branch.frames, branch.due) for branch in copy.branches.values()] == [("", [], None)]
        assert (mail(simulation, instance), waits, incidents(simulation, instance)) == ([], [], [])
        return
    if copy.instance.is_held:
        blocking = [row for row in incidents(simulation, instance) if row.kind in ("fault", "engine")]
        assert copy.instance.suspended or blocking
    else:
        assert not copy.instance.held, "it keeps inputs back for nobody"
    known = definition(simulation, instance)
    coming = {
        message.activation
        for message in (decode_message(row.message) for row in mail(simulation, instance))
        if isinstance(message, Continue | Ended)
    }
    awaited = {(row.branch, row.activation) for row in waits}
    for branch in copy.branches.values():
        leaf = branch.frames[-1]
        assert (
            leaf.incident
            or any(not known.root_of(one.id).is_reminder for one in children_of(copy, branch, leaf))
            or branch.attempt is not None
            or {"delay", "retry"} & leaf.timers.keys()
            or (branch.id, leaf.activation) in awaited
            or (leaf.state is State.WAITING and leaf.text in unfinished(simulation))
            or leaf.activation in coming
        ), f"nothing wakes {known.activities[leaf.activity].tag} in {branch.id!r}: {leaf}"


def unfinished(simulation: Simulation) -> set[str]:
    return {row.id for row in instances(simulation) if row.ended is None}


def nothing_is_left_over(simulation: Simulation) -> None:
    """After settling, nothing is on its way; a wait belongs to an await that is active."""
    storage = simulation.storage
    assert not stored(storage.mail(_EVERY))
    assert not stored(storage.pending_events(_EVERY))
    assert not stored(storage.fresh_waits(_EVERY))
    assert not stored(storage.releasable(_EVERY))
    for row in instances(simulation):
        copy = simulation.copy(row.id)
        for wait in stored(storage.waits_of(row.id)):
            frame = copy.branches[wait.branch].frame_of(wait.activity)
            assert frame is not None
            assert frame.activation == wait.activation


# -- (b) decoded copies


def decoded_copies_step_alike(simulation: Simulation, instance: str, message: Message, now: float) -> None:
    """Encoding loses nothing: a step on a copy and on what was decoded from it give the same."""
    known, copy = definition(simulation, instance), simulation.copy(instance)
    first = deepcopy(copy)
    second = decoded(copy)
    assert picture(second) == picture(copy)
    assert tried(known, first, message, now) == tried(known, second, message, now)
    assert picture(decoded(first)) == picture(first)


def decoded(copy: Copy) -> Copy:
    """A copy through text and back."""
    fresh = Copy(decode_instance(encode_instance(copy.instance, 1)))
    loaded = Loaded([encode_branch(copy.instance.id, branch) for branch in copy.branches.values()])
    whole = Copy(copy.instance, copy.branches)
    whole.changes.opened = {(branch.id, scope): None for branch in copy.branches.values() for scope in branch.scopes}
    loaded.values = value_rows(whole)
    add_loaded(fresh, loaded)
    return fresh


def picture(copy: Copy) -> dict[str, Any]:
    """All of an instance, as it is stored."""
    return {
        "instance": encode_instance(copy.instance, 1),
        "branches": {id: encode_branch("", branch) for id, branch in sorted(copy.branches.items())},
        "values": {
            (branch.id, number): canonical(scope.values)
            for branch in copy.branches.values()
            for number, scope in branch.scopes.items()
        },
    }


def tried(known: Definition, copy: Copy, message: Message, now: float) -> tuple[list[Effect], dict[str, Any]]:
    """What a step would give: effects and state."""
    effects = step(known, copy, deepcopy(message), now, limits=LIMITS)
    return effects, picture(copy)


# -- (e) parts


def parts_step_like_the_whole(simulation: Simulation, instance: str, message: Message, now: float) -> None:
    """A step on the addressed branch and those around it either asks for more or writes the same."""
    known, whole = definition(simulation, instance), simulation.copy(instance)
    expected = step(known, whole, deepcopy(message), now, limits=LIMITS)
    more = More()
    while True:
        part = Copy(simulation.record(instance))
        stored(load(simulation.storage.batch(), part, [Delivery(instance, message)], more, 0))
        try:
            effects = step(known, part, deepcopy(message), now, limits=LIMITS)
            break
        except (NeedBranches, NeedRemembered) as need:
            more.note(need)  # it raises if the step asks for what it has
    assert effects == expected
    assert written(part) == written(whole)


def written(copy: Copy) -> dict[str, Any]:
    """What a step would have stored."""
    changes = copy.changes
    return {
        "instance": encode_instance(copy.instance, 1),
        "branches": {id: encode_branch("", copy.branches[id]) for id in sorted(changes.touched)},
        "removed": sorted(changes.removed),
        "opened": {key: canonical(copy.branches[key[0]].scopes[key[1]].values) for key in sorted(changes.opened)},
        "closed": {key for key in changes.closed if key[0] not in changes.removed},
        "remembered": {number: copy.remembered[number] for number in changes.remembered},
        "forgotten": (sorted(changes.forgotten), changes.forgot_all),
        "written": {key: canonical(copy.branches[key[0]].scopes[key[1]].values[key[2]]) for key in changes.written},
    }


# -- (c) replay


def history_replays(simulation: Simulation, instance: str, limits: Limits) -> None:
    """The inputs of a full history, applied again, give what is stored, to the byte."""
    rows = stored(simulation.storage.history(instance, 0, _EVERY))
    copy = simulation.copy(instance)
    again = replayed(copy.instance, definition(simulation, instance), rows, limits)
    assert picture(again) == picture(copy)


def replayed(record: Instance, known: Definition, rows: list[HistoryRow], limits: Limits) -> Copy:
    """An instance made from nothing but its history, and what its first row does not tell: who called it."""
    born = Instance(
        record.id,
        record.process,
        record.definition,
        record.started,
        caller=record.caller,
        depth=record.depth,
        business_key=record.business_key,
    )
    copy = Copy(born)
    for row in rows:
        if row.what in ("input", "released"):
            step(known, copy, decode_message(row.detail), row.at, limits=limits, released=row.what == "released")
            copy.changes = Changes()
    return copy
