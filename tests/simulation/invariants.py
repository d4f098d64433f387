"""What must hold once a schedule is over: the ledgers of everybody around, against what is stored.

Rules: each check gives sentences, one for each violation; none: it holds. The numbers are those of the study's table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bureaucrat.core.instance import Caller, Changes, Copy, Instance
from bureaucrat.core.messages import Answer, Cancel, Offer, Redispatch, Resume, Retry, Suspend, TimerFired
from bureaucrat.core.step import step
from bureaucrat.core.table import Definition
from bureaucrat.engine.codec import add_loaded, decode, decode_instance, decode_message, encode_branch, encode_instance
from bureaucrat.engine.event_starts import started_by
from bureaucrat.ports import HistoryRow, InstanceRow, Loaded

from .processes import read

if TYPE_CHECKING:
    from .world import World


def violations(world: World) -> list[str]:
    """Everything that is wrong with a world that is over."""
    found = [f"I14 {problem}" for problem in world.loop.problems] + world.database.violations
    if world.unfinished:
        found.append(f"I2 after {world.recovery:.0f} s without faults there is left: {world.unfinished}")
    for check in (_starts, _instances, _left_over, _events, _orders, _dead_letters):
        found += check(world)
    return found


def _starts(world: World) -> Iterator[str]:
    """I1: every accepted start has one instance, and every instance was wanted."""
    tables, ledger = world.database.tables, world.ledger
    for id, process in ledger.launches.items():
        if tables.instances.get(id) is None and not (process == "unique" and tables.dead_letters.find("id", id)):
            yield f"I1 the launch {id} was accepted, and there is no instance"
    wanted = set(ledger.launches)
    wanted |= {started_by(id, "ordered") for id, (name, _) in ledger.events.items() if name == "order_placed"}
    for row in tables.instances.find("key"):
        record = decode_instance(row)
        if row.id not in wanted and record.caller is None and record.tick is None:
            yield f"I1 nobody asked for the instance {row.id} of {row.process}"
    for id in sorted(wanted - set(ledger.launches)):
        if tables.instances.get(id) is None:
            yield f"I1 an event that was accepted has started no instance {id}"
    claims = Counter(row.claim for row in tables.instances.find("unfinished") if row.claim is not None)
    for claim, number in claims.items():
        if number > 1:
            yield f"I1 {claim} is there {number} times"


def _instances(world: World) -> Iterator[str]:
    dispatched: dict[str, set[int]] = {}
    for row in world.database.tables.instances.find("key"):
        history = world.database.tables.history.find("key", row.id)
        dispatched[row.id] = set()
        yield from _history(world, row, history, dispatched[row.id])
        yield from _replay(world, row, history)
    for token in world.ledger.calls:
        instance, attempt = token.split(":")[:2]
        if int(attempt) not in dispatched.get(instance, ()):
            yield f"I3 attempt {attempt} of {instance} was handed over, and its history knows nothing of it"


def _history(world: World, row: InstanceRow, history: list[HistoryRow], dispatched: set[int]) -> Iterator[str]:
    """I3 I4 I5 I12: gap-free; each attempt dispatched once and answered once; no timer early."""
    record, known = decode_instance(row), _definition(world, row)
    if [entry.number for entry in history] != list(range(1, record.recorded + 1)):
        yield f"I5 the history of {row.id} has gaps: {[entry.number for entry in history]} of {record.recorded}"
    if row.version != world.database.changes[row.id]:
        yield f"I5 {row.id} was written {world.database.changes[row.id]} times and is at version {row.version}"
    whats = Counter(entry.what for entry in history)
    if whats["launched"] != 1:
        yield f"I1 {row.id} was launched {whats['launched']} times"
    if whats["ended"] != (row.ended is not None):
        yield f"I3 {row.id} has ended {whats['ended']} times"
    called = {int(token.split(":")[1]) for token in world.ledger.calls if token.startswith(f"{row.id}:")}
    answered: Counter[int | None] = Counter()
    woken: Counter[int] = Counter()
    message: object = None
    for entry in history:
        world.seen["it", entry.what] += 1
        if entry.activity is not None:
            world.seen[known.activities[entry.activity].tag, type(message).__name__] += 1
        if entry.what in ("input", "released"):
            message = decode_message(entry.detail)
            world.seen["", type(message).__name__] += 1
            if isinstance(message, TimerFired) and entry.at < message.at and not world.has_jumped:
                yield f"I12 a timer of {row.id} fired {message.at - entry.at} s early"
        elif entry.what == "dispatched":
            number = decode(entry.detail)["number"]
            if number in dispatched and not isinstance(message, Redispatch):
                yield f"I3 attempt {number} of {row.id} was dispatched twice"
            dispatched.add(number)
        elif entry.what == "completed" and isinstance(message, Offer) and entry.activity == message.activity:
            woken[message.event] += 1
        elif entry.what == "answered" and isinstance(message, Answer):
            answered[message.attempt] += 1
            if message.attempt not in called:
                yield f"I4 {row.id} has an answer for attempt {message.attempt} that nobody gave"
    for event, times in woken.items():
        if times > 1:
            yield f"I8 the event {event} has woken {row.id} {times} times"
    for number, times in answered.items():
        if times > 1:
            yield f"I3 attempt {number} of {row.id} was answered {times} times"


def _definition(world: World, row: InstanceRow) -> Definition:
    found = world.database.tables.definitions.get(row.definition)
    assert found is not None, f"there is no definition of {row.id}"
    return read(found.source)


def _replay(world: World, row: InstanceRow, history: list[HistoryRow]) -> Iterator[str]:
    """I5 I6: the inputs of the history, applied again, give what is stored, to the byte."""
    tables = world.database.tables
    record, known = decode_instance(row), _definition(world, row)
    born = Instance(
        record.id,
        record.process,
        record.definition,
        record.started,
        caller=None if record.caller is None else Caller(*(getattr(record.caller, n) for n in Caller.__slots__)),
        depth=record.depth,
        business_key=record.business_key,
        unique=record.unique,
        tick=record.tick,
    )
    copy = Copy(born)
    for entry in history:
        if entry.what in ("input", "released"):
            released = entry.what == "released"
            step(known, copy, decode_message(entry.detail), entry.at, limits=world.settings.limits, released=released)
            copy.changes = Changes()
    stored = Copy(record)
    add_loaded(stored, Loaded(tables.branches.find("key", row.id), tables.values.find("key", row.id)))
    if _picture(copy) != _picture(stored):
        yield f"I5 {row.id} is not what its history gives:\n    {_picture(copy)}\n    {_picture(stored)}"


def _picture(copy: Copy) -> object:
    branches = [encode_branch("", branch) for _, branch in sorted(copy.branches.items())]
    values = [
        (branch.id, number, sorted(scope.values.items(), key=lambda item: item[0]))
        for branch in copy.branches.values()
        for number, scope in sorted(branch.scopes.items())
    ]
    return encode_instance(copy.instance, 1).state, branches, sorted(values, key=lambda value: value[:2])


def _left_over(world: World) -> Iterator[str]:
    """I7 I9: of what has ended nothing is left but its record."""
    tables = world.database.tables
    ended = {row.id for row in tables.instances.find("key") if row.ended is not None}
    for name in ("waits", "branches", "remembered"):
        for row in getattr(tables, name).find("key"):
            if row.instance in ended and (name != "branches" or row.id or row.due is not None or row.attempt):
                yield f"I7 of {row.instance}, which has ended, there is left in {name}: {row}"
    for row in tables.incidents.find("open"):
        if row.instance in ended:
            yield f"I7 an incident of {row.instance}, which has ended, is open"
    for row in (*tables.mailbox.find("key"), *tables.outbox.find("key")):
        yield f"I9 there is left: {row}"


def _events(world: World) -> Iterator[str]:
    """I8: every accepted event is there once, and has woken once whoever waited for it."""
    tables, ledger = world.database.tables, world.ledger
    for id in ledger.events:
        rows = tables.events.find("id", id)
        if len(rows) != 1:
            yield f"I8 the event {id} was accepted, and is there {len(rows)} times"
        for row in rows:
            if row.cursor is not None:
                yield f"I8 the event {id} was not offered to all"
    woken = Counter((row.event, row.instance) for row in tables.consumed.find("key"))
    for (event, instance), times in woken.items():
        if times > 1:
            yield f"I8 the event {event} has woken {instance} {times} times"


def _orders(world: World) -> Iterator[str]:
    """I10: every order was carried out once."""
    tables, asked = world.database.tables, Counter(world.ledger.orders.values())
    for number, (instance, what) in world.ledger.orders.items():
        if tables.audit.get(number) is None:
            yield f"I10 nobody has carried out the order {what} for {instance}"
    for row in tables.instances.find("key"):
        found: Counter[str] = Counter()
        for entry in tables.history.find("key", row.id):
            if entry.what == "input":
                message = decode_message(entry.detail)
                found[type(message).__name__] += isinstance(message, Cancel | Suspend | Resume | Retry)
        for what, times in found.items():
            if times > asked[row.id, what] and not (what == "Cancel" and decode_instance(row).caller is not None):
                yield f"I10 {what} was carried out {times} times on {row.id}, and asked for {asked[row.id, what]} times"


def _dead_letters(world: World) -> Iterator[str]:
    """I10 I13: the dead letters are those that were meant to be."""
    tables, ledger = world.database.tables, world.ledger
    letters = tables.dead_letters.find("key")
    found = Counter(row.message_id for row in letters)
    for id in ledger.bad:
        if found[id] != 1 and id not in world.node.lost:
            yield f"I13 the bad message {id} is {found[id]} times among the dead letters"
    for row in letters:
        is_refused = ledger.launches.get(row.message_id) == "unique" and "its key is unique" in row.reason
        if row.message_id not in ledger.bad and not is_refused:
            yield f"I13 a dead letter that nobody meant: {row.source} {row.message_id} {row.reason} {row.body[:200]!r}"
