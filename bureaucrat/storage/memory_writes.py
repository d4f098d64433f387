"""What a batch, and forgetting, does to the tables in memory."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate, takewhile
from typing import Any

from ..errors import AlreadySeen, NotUnique, StaleVersion
from ..ports import DefinitionRow, InstanceRow, StateRow, ValueRow, Writes
from .memory_tables import Consumed, EventKey, EventStart, Setting, Table, Tables, Taken

_LIMIT = 1000  #: rows of a table that go at a time


def write_all(tables: Tables, writes: Writes) -> None:
    """Write one batch, whole or not at all.

    :raises AlreadySeen: an id for the inbox stands there.
    :raises NotUnique: an unfinished instance has the business key of a new one for itself.
    :raises StaleVersion: an instance or a schedule is not as it was before, an event's cursor is not the old one, or a
        version of a process is there already.
    """
    _check(tables, writes)
    _take_out(tables, writes)
    _put_in(tables, writes)


def _check(tables: Tables, writes: Writes) -> None:
    new: set[str] = set()
    for id, _ in writes.inbox:
        if id in new or (id,) in tables.inbox:
            raise AlreadySeen(f"message {id} was accepted before")
        new.add(id)
    new_rows = [row for row in writes.instances if row.version == 1]
    _check_versions(tables, [row for row in writes.instances if row.version != 1])
    _check_states(tables, writes.states)
    _check_unique(tables, writes, new_rows)
    _check_versions(tables, new_rows)
    for number, old, _ in writes.cursors:
        event = tables.events.get(number)
        if event is None or event.cursor != old:
            raise StaleVersion(f"event {number} was offered or forgotten elsewhere")
    for version in writes.versions:
        if (version.name, version.version) in tables.versions:
            raise StaleVersion(f"{version.name}@{version.version} was registered elsewhere")
    for schedule in writes.schedules:
        before = tables.schedules.get(schedule.process, schedule.number)
        if schedule.changes != (1 if before is None else before.changes + 1):
            raise StaleVersion(f"schedule {schedule.number} of {schedule.process} was changed elsewhere")


def _check_versions(tables: Tables, rows: list[InstanceRow]) -> None:
    for row in rows:
        stored = tables.instances.get(row.id)
        if row.version != (1 if stored is None else stored.version + 1):
            raise StaleVersion(f"instance {row.id} was changed elsewhere")


def _check_states(tables: Tables, rows: list[StateRow]) -> None:
    for row in rows:
        stored = tables.instances.get(row.id)
        if stored is None or row.version != stored.version + 1:
            raise StaleVersion(f"instance {row.id} was changed elsewhere")


def _check_unique(tables: Tables, writes: Writes, rows: list[InstanceRow]) -> None:
    """Whether nobody has the keys of new instances; what this batch ends has them no longer."""
    ended = {row.id for row in writes.instances if row.ended is not None}
    taken: dict[tuple[str, str], str] = {}
    holders: dict[str, str] = {}
    for row in rows:
        if row.claim is None:
            continue
        found = [one.id for one in tables.instances.find("claim", *row.claim) if one.id not in ended | {row.id}]
        if found or row.claim in taken:
            holders[row.id] = found[0] if found else taken[row.claim]
        elif row.ended is None:
            taken[row.claim] = row.id
    if holders:
        raise NotUnique(holders)


def _take_out(tables: Tables, writes: Writes) -> None:
    for scope in writes.scopes_gone:
        tables.values.clear("key", *scope)
    for branch in writes.branches_gone:
        tables.values.clear("key", *branch)
        tables.waits.clear("key", *branch)
        tables.branches.remove(branch)
    for wait in writes.waits_gone:
        tables.waits.remove(wait)
    for whole in writes.forgotten:
        tables.remembered.clear("key", *whole)
    for entry in writes.remembered_gone:
        tables.remembered.remove(entry)
    for number in writes.mail_gone:
        tables.mailbox.remove((number,))
    for number in writes.outbox_gone:
        tables.outbox.remove((number,))
    for attempt in writes.attempts_gone:
        tables.outbox.clear("attempt", *attempt)
    for number in writes.outbox_let_go:
        tables.outbox.change((number,), participant="")
    for number in writes.dead_gone:
        tables.dead_letters.remove((number,))
    for participant in writes.pauses_gone:
        tables.pauses.remove(participant)
    for *wait_seen, activation in writes.waits_seen:
        row = tables.waits.get(*wait_seen)
        if row is not None and row.activation == activation:
            tables.waits.put(replace(row, fresh=False))
    for number, _, cursor in writes.cursors:
        tables.events.change((number,), cursor=cursor)


def _put_in(tables: Tables, writes: Writes) -> None:
    tables.instances.put_all(writes.instances)
    for state in writes.states:
        tables.instances.change((state.id,), version=state.version, state=state.state, held=state.held)
    tables.branches.put_all(writes.branches)
    tables.waits.put_all(writes.waits)
    tables.remembered.put_all(writes.remembered)
    tables.events.put_all(writes.events)
    tables.mailbox.put_all(writes.mail)
    tables.outbox.put_all(writes.outbox)
    tables.history.put_all(writes.history)
    tables.incidents.put_all(writes.incidents)
    tables.destinations.put_all(writes.destinations)
    tables.pauses.put_all(writes.pauses)
    tables.settings.put_all([Setting(*setting) for setting in writes.settings])
    tables.versions.put_all(writes.versions)
    tables.schedules.put_all(writes.schedules)
    for start in writes.event_starts:
        tables.event_starts.add(EventStart(*start))
    for name, number, is_retired in writes.retired:
        tables.versions.change((name, number), retired=is_retired)
    _put_values(tables, writes.values)
    for audit in writes.audit:
        tables.audit.add(audit)
    for key in writes.event_keys:
        tables.event_keys.add(EventKey(*key))
    for consumed in writes.consumed:
        tables.consumed.add(Consumed(*consumed))
    for taken in writes.inbox:
        tables.inbox.add(Taken(*taken))
    for dead in writes.dead:
        if not tables.dead_letters.find("message", dead.source, dead.message_id, dead.digest, limit=1):
            tables.dead_letters.add(dead)
    for instance, incident, at, how in writes.incidents_closed:
        tables.incidents.change((instance, incident), closed=at, how=how)
    for definition in writes.definitions:
        _put_definition(tables, definition)


def _put_values(tables: Tables, rows: list[ValueRow]) -> None:
    """A base comes in place of its whole scope; the other values of that scope on top of it."""
    for row in rows:
        if not row.name:
            tables.values.clear("key", row.instance, row.branch, row.scope)
    tables.values.put_all(rows)


def _put_definition(tables: Tables, row: DefinitionRow) -> None:
    tables.definitions.add(row)
    if row.version is not None:
        tables.definitions.change((row.hash,), version=row.version)


def prune(tables: Tables, history: float, instances: float, events: float, inbox: float, dead: float) -> int:
    """Delete what is older than these instants, a bounded part each time; returns rows deleted."""
    count = _prune_instances(tables, instances)
    for entry in tables.history.find("at", limit=_LIMIT):
        if entry.at < history:
            tables.history.remove((entry.instance, entry.number))
            count += 1
    for taken in tables.inbox.find("at", limit=_LIMIT):
        if taken.at < inbox:
            tables.inbox.remove((taken.id,))
            count += 1
    for letter in tables.dead_letters.find("at", limit=_LIMIT):
        if letter.at < dead:
            tables.dead_letters.remove((letter.number,))
            count += 1
    return count + _prune_events(tables, events)


def _prune_instances(tables: Tables, before: float) -> int:
    """Ended instances with all that belongs to them. The guard row goes last."""
    belongings: list[Table[Any]] = [tables.branches, tables.values, tables.waits, tables.consumed]
    belongings += [tables.remembered, tables.incidents, tables.history]
    budgets = [_LIMIT] * (len(belongings) + 1)
    count = 0
    for row in tables.instances.find("ended", limit=_LIMIT):
        if row.ended is None or row.ended >= before:
            break
        for index, table in enumerate(belongings):
            budgets[index] -= table.clear("key", row.id, limit=budgets[index])
        budgets[-1] -= tables.mailbox.clear("held", row.id, limit=budgets[-1])
        left = any(table.find("key", row.id, limit=1) for table in belongings)
        if not left and not tables.mailbox.find("held", row.id, limit=1):
            tables.instances.remove((row.id,))
            count += 1
    return count + _LIMIT * len(budgets) - sum(budgets)


def _prune_events(tables: Tables, before: float) -> int:
    """Events that were offered to all, each with whom it has woken; together no more than the limit, one at least."""
    old = [row.number for row in tables.events.find("old", limit=_LIMIT) if row.accepted < before]
    sums = accumulate(len(tables.consumed.find("event", number)) for number in old)
    fitting = [number for number, _ in takewhile(lambda pair: pair[1] <= _LIMIT, zip(old, sums, strict=True))]
    count = 0
    for number in fitting or old[:1]:
        count += 1 + tables.consumed.clear("event", number) + tables.event_keys.clear("event", number)
        tables.events.remove((number,))
    return count
