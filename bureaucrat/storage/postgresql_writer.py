"""What a batch writes, in as few statements as there can be.

Rules:

- what is written goes with its table's other rows into one statement, and statements of different tables go to the
  server as one (data-modifying ``WITH``): a *round*. A round trip costs more than most of what is written in it;
- within a round nobody sees what another statement of it has changed. A row that is taken out and put in by one round
  is there afterwards, whichever comes first (PostgreSQL manual, 7.8.4): so both may be in one; what changes rows that
  must be there has a round of its own;
- rows of one key go into rounds one after the other;
- keys that several daemons may write at once go in order, or they lock each other out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any

from ..errors import AlreadySeen, NotUnique, StaleVersion
from ..ports import InstanceRow, Writes
from .postgresql_rows import columns_of
from .statements import statements

_NUMBER = re.compile(r"\$(\d+)")

Fetch = Callable[..., Any]


class _How(Enum):
    OUT = auto()  #: takes rows out, or changes rows that no other statement of the batch touches
    IN = auto()  #: puts rows in
    ALONE = auto()  #: changes rows that must be as the statements before have left them


@dataclass(frozen=True, slots=True)
class _Part:
    """How one part of a batch is written."""

    name: str
    table: str
    statement: str
    how: _How
    key: tuple[str, ...] = ()  #: of rows that must not be twice in a statement; of tuples an empty name for each place
    is_shared: bool = False  #: whether several daemons may write the same keys at once


def _out(name: str, table: str, statement: str) -> _Part:
    return _Part(name, table, statement, _How.OUT)


def _into(name: str, table: str, statement: str, *key: str, shared: bool = False) -> _Part:
    return _Part(name, table, statement, _How.IN, key, shared)


def _alone(name: str, table: str, statement: str, *key: str) -> _Part:
    return _Part(name, table, statement, _How.ALONE, key)


#: in order: gone, then there
_PARTS = (
    _out("scopes_gone", "values", "delete_scopes"),
    _out("branches_gone", "values", "delete_values"),
    _out("branches_gone", "waits", "delete_branch_waits"),
    _out("branches_gone", "branches", "delete_branches"),
    _out("waits_gone", "waits", "delete_waits"),
    _out("forgotten", "remembered", "forget_instances"),
    _out("remembered_gone", "remembered", "delete_remembered"),
    _out("mail_gone", "mailbox", "delete_mail"),
    _out("outbox_gone", "outbox", "delete_outbox"),
    _out("attempts_gone", "outbox", "delete_attempts"),
    _alone("outbox_let_go", "outbox", "let_outbox_go"),
    _out("dead_gone", "dead_letters", "delete_dead"),
    _alone("waits_seen", "waits", "see_waits"),
    _out("pauses_gone", "pauses", "delete_pauses"),
    _into("branches", "branches", "write_branches", "instance", "id"),
    _into("values", "values", "write_values", "instance", "branch", "scope", "name"),
    _into("waits", "waits", "write_waits", "instance", "branch", "activity"),
    _into("remembered", "remembered", "write_remembered", "instance", "number"),
    _into("events", "events", "write_events", "number"),
    _into("event_keys", "event_keys", "write_event_keys"),
    _into("consumed", "consumed", "write_consumed"),
    _into("mail", "mailbox", "write_mail", "number"),
    _into("outbox", "outbox", "write_outbox", "number"),
    _alone("dead", "dead_letters", "write_dead"),  # found by another key than those that are gone
    _into("history", "history", "write_history", "instance", "number"),
    _into("incidents", "incidents", "write_incidents", "instance", "number"),
    _alone("incidents_closed", "incidents", "close_incidents", "", ""),
    _into("definitions", "definitions", "write_definitions", "hash", shared=True),
    _into("audit", "audit", "write_audit"),
    _into("destinations", "destinations", "write_destinations", "name", shared=True),
    _into("pauses", "pauses", "write_pauses", "participant", shared=True),
    _alone("retired", "versions", "retire_versions", "", ""),
    _into("event_starts", "event_starts", "write_event_starts", shared=True),
    _into("settings", "settings", "write_settings", "", shared=True),
)


@dataclass(slots=True)
class _Statement:
    """One statement of one table, and what its count of rows means."""

    sql: str
    columns: list[Sequence[Any]]
    rows: Sequence[Any] = ()
    stale: Callable[[Sequence[Any]], Exception] | None = None  #: why fewer rows than these were written


@dataclass(slots=True)
class Plan:
    """The rounds in which one batch is written."""

    rounds: list[list[_Statement]] = field(default_factory=list)
    _last: dict[str, tuple[int, _How]] = field(default_factory=dict)

    def add(self, table: str, how: _How, statement: _Statement) -> None:
        """Put a statement into the first round that may have it."""
        number, before = self._last.get(table, (0, _How.OUT))
        if before is not _How.OUT or (how is _How.ALONE and table in self._last):
            number += 1
        self._last[table] = number, how
        while len(self.rounds) <= number:
            self.rounds.append([])
        self.rounds[number].append(statement)


def plan_of(writes: Writes) -> Plan:
    """How a batch is written."""
    plan = Plan()
    _plan_checked(plan, writes)
    bases = [(row.instance, row.branch, row.scope) for row in writes.values if not row.name]
    if bases:
        plan.add("values", _How.OUT, _Statement(_sql("delete_scopes"), columns_of(bases)))
    for part in _PARTS:
        rows = getattr(writes, part.name)
        for layer in _layers(part, rows) if rows else ():
            plan.add(part.table, part.how, _Statement(_sql(part.statement), columns_of(layer)))
    return plan


def _plan_checked(plan: Plan, writes: Writes) -> None:
    """What may turn out to be stale: each tells by the count of rows that it has written."""
    new = [row for row in writes.instances if row.version == 1]
    has_claims = any(row.claim for row in new)
    checked: tuple[tuple[str, _How, str, Sequence[Any], Callable[[Sequence[Any]], Exception]], ...] = (
        ("inbox", _How.IN, "write_inbox", sorted(writes.inbox), _seen),
        ("instances", _How.OUT, "update_states", writes.states, _changed),
        ("instances", _How.OUT, "update_instances", [row for row in writes.instances if row.version != 1], _changed),
        ("instances", _How.ALONE if has_claims else _How.IN, "insert_instances", new, _changed),
        ("events", _How.ALONE, "move_cursors", writes.cursors, _offered),
        ("versions", _How.IN, "write_versions", writes.versions, _registered),
        ("schedules", _How.OUT, "insert_schedules", [row for row in writes.schedules if row.changes == 1], _moved),
        ("schedules", _How.OUT, "update_schedules", [row for row in writes.schedules if row.changes != 1], _moved),
    )
    for table, how, name, rows, stale in checked:
        if rows:
            plan.add(table, how, _Statement(_sql(name), columns_of(rows), rows, stale))


def is_guarded(writes: Writes) -> bool:
    """Whether the batch can be stale."""
    return bool(writes.states or writes.instances or writes.cursors or writes.versions or writes.schedules)


async def write_all(fetch: Fetch, writes: Writes) -> None:
    """Write one batch.

    :param fetch: runs a statement in the transaction; given its text and its parameters.
    :raises AlreadySeen, NotUnique, StaleVersion: as the port says; the transaction must be rolled back.
    """
    unwritten: list[_Statement] = []
    for statements_of_round in plan_of(writes).rounds:
        sql, parameters, checked = _together(statements_of_round)
        (counts,) = await fetch(sql, *parameters) or ((),)
        unwritten += [one for one, count in zip(checked, counts, strict=True) if count != len(one.rows)]
    if any(one.stale is _changed for one in unwritten) or _has_rivals(writes.instances):
        await _check_unique(fetch, [one for one in unwritten if one.stale is not None], writes.instances)
    if unwritten:
        first = min(unwritten, key=lambda one: _PRECEDENCE.index(one.stale))
        assert first.stale is not None
        raise first.stale(first.rows)


def _together(parts: Sequence[_Statement]) -> tuple[str, list[Any], list[_Statement]]:
    """One statement that does what these do: its text, its parameters, and whose counts of rows it returns."""
    texts = tuple((part.sql, len(part.columns), part.stale is not None) for part in parts)
    parameters = [column for part in parts for column in part.columns]
    return _text(texts), parameters, [part for part in parts if part.stale is not None]


@cache
def _text(parts: tuple[tuple[str, int, bool], ...]) -> str:
    if len(parts) == 1 and not parts[0][2]:
        return parts[0][0]
    done, counts, before = [], [], 0
    for place, (sql, size, is_counted) in enumerate(parts):
        shifted = _NUMBER.sub(lambda found, before=before: f"${int(found[1]) + before}", sql)  # type: ignore[misc]
        done.append(f"w{place} AS ({shifted}{' RETURNING 1' if is_counted else ''})")
        if is_counted:
            counts.append(f"(SELECT count(*) FROM w{place})")
        before += size
    return f"WITH {', '.join(done)} SELECT {', '.join(counts)}"


def _sql(name: str) -> str:
    return statements("postgresql", "writes.sql")[name]


def _layers(part: _Part, rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The rows, in lists in which no key is twice."""
    if not part.key and not part.is_shared:
        yield rows
        return
    if part.is_shared and len(rows) > 1:
        rows = sorted(rows, key=_key_of(part.key) if part.key else None)
    if not part.key or len(rows) == 1:
        yield rows
        return
    key = _key_of(part.key)
    layers: list[list[Any]] = []
    seen: dict[Any, int] = {}
    for row in rows:
        depth = seen[key(row)] = seen.get(key(row), -1) + 1
        if depth == len(layers):
            layers.append([])
        layers[depth].append(row)
    yield from layers


@cache
def _key_of(key: tuple[str, ...]) -> Callable[[Any], Any]:
    return attrgetter(*key) if key[0] else itemgetter(*range(len(key)))


def _has_rivals(rows: Iterable[InstanceRow]) -> bool:
    """Whether new instances of one batch have one key."""
    claims = [row.claim for row in rows if row.version == 1 and row.claim is not None]
    return len(set(claims)) < len(claims)


async def _check_unique(fetch: Fetch, unwritten: Sequence[_Statement], rows: Sequence[InstanceRow]) -> None:
    """Say who has the keys of new instances; of whatever else is wrong the caller tells."""
    if any(one.stale is _seen or one.rows[0].version != 1 for one in unwritten if one.stale in (_seen, _changed)):
        return  # that comes first
    new = [row for row in rows if row.version == 1 and row.claim is not None]
    if not new:
        return
    claims = [row.claim for row in new if row.claim is not None]
    found = await fetch(
        statements("postgresql", "reads.sql")["holders"],
        [process for process, _ in claims],
        [key for _, key in claims],
        [row.id for row in new],
    )
    holding = {(process, key): id for process, key, id in found}
    taken: dict[tuple[str, str], str] = {}
    holders: dict[str, str] = {}
    for row, claim in zip(new, claims, strict=True):
        if claim in holding or claim in taken:
            holders[row.id] = holding.get(claim) or taken[claim]
        elif row.ended is None:
            taken[claim] = row.id
    if holders:
        raise NotUnique(holders)


def _seen(rows: Sequence[Any]) -> Exception:
    return AlreadySeen(f"a message was accepted before, one of {len(rows)}: {', '.join(id for id, _ in rows[:5])}")


def _changed(rows: Sequence[Any]) -> Exception:
    ids = ", ".join(row.id for row in rows[:5])
    return StaleVersion(f"an instance was changed elsewhere, one of {len(rows)}: {ids}")


def _offered(rows: Sequence[Any]) -> Exception:
    numbers = ", ".join(str(number) for number, _, _ in rows[:5])
    return StaleVersion(f"an event was offered or forgotten elsewhere, one of {len(rows)}: {numbers}")


def _registered(rows: Sequence[Any]) -> Exception:
    names = ", ".join(f"{row.name}@{row.version}" for row in rows[:5])
    return StaleVersion(f"a version was registered elsewhere, one of {len(rows)}: {names}")


def _moved(rows: Sequence[Any]) -> Exception:
    names = ", ".join(f"{row.process} {row.number}" for row in rows[:5])
    return StaleVersion(f"a schedule was changed elsewhere, one of {len(rows)}: {names}")


#: of what is wrong with a batch, what its writer is told
_PRECEDENCE: tuple[Any, ...] = (_seen, _changed, _offered, _registered, _moved)
