"""Storage in memory: for tests and simulations. Nothing survives the process.

Rules: the same meaning as every other storage, held to it by one contract suite; rows go in and come out as copies;
no coroutine here ever waits, so that a simulation can drive them without an event loop.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import astuple
from itertools import chain, islice
from typing import TypeVar

from ..errors import StorageUnavailable
from ..ports import (
    AttemptRow,
    AuditRow,
    Belongings,
    Cause,
    DeadRow,
    DefinitionRow,
    DestinationRow,
    Due,
    EventRow,
    HistoryRow,
    IncidentRow,
    InstanceQuery,
    InstanceRow,
    Loaded,
    MailRow,
    Membership,
    OutboxRow,
    PauseRow,
    RememberedRow,
    ScheduleRow,
    Stray,
    VersionRow,
    Vitals,
    WaitRow,
    maker_of,
)
from . import memory_examination as examination
from .memory_batch import MemoryBatch
from .memory_tables import Row, Setting, Tables
from .memory_writes import prune

Numbered = TypeVar("Numbered", MailRow, EventRow, OutboxRow)

#: process, definition, activity, kind, code, message
Same = tuple[str, str, int, str, str, str]


class MemoryStorage:
    """Keeps everything in sorted tables."""

    is_shared = False

    def __init__(self, tables: Tables | None = None) -> None:
        self._tables = tables or Tables()
        self.on_mail: Callable[[], None] | None = None

    async def open(self) -> None:
        return None

    async def close(self) -> None:
        return None

    def batch(self) -> MemoryBatch:
        return MemoryBatch(self._tables)

    async def membership(self) -> Membership:
        return Membership(0, frozenset({0}))

    async def time(self) -> float | None:
        return None

    # what the sweep looks for

    async def due(self, before: float, limit: int, after: Due | None = None) -> list[Due]:
        since = () if after is None else (after.at, after.instance, _above(after.branch))
        rows = self._tables.branches.find("due", since=since, limit=limit)
        return [Due(row.instance, row.id, row.due) for row in rows if row.due is not None and row.due <= before]

    async def mail(self, limit: int, but: Collection[int] = ()) -> list[MailRow]:
        return _without(but, self._tables.mailbox.walk("free"), limit)

    async def held_mail(self, instance: str, limit: int) -> list[MailRow]:
        return self._tables.mailbox.find("held", instance, limit=limit)

    async def releasable(self, limit: int) -> list[str]:
        return [row.id for row in self._tables.instances.find("releasable", limit=limit)]

    async def fresh_waits(self, limit: int) -> list[WaitRow]:
        return self._tables.waits.find("fresh", limit=limit)

    async def latest(self) -> float | None:
        return max((row.at for row in self._tables.history.walk("at")), default=None)

    async def pending_events(self, limit: int, but: Collection[int] = ()) -> list[EventRow]:
        return _without(but, self._tables.events.walk("pending"), limit)

    async def attempts(self, limit: int, after: AttemptRow | None = None) -> list[AttemptRow]:
        since = () if after is None else (after.participant, after.instance, _above(after.branch))
        rows = self._tables.branches.find("attempt", since=since, limit=limit)
        return [AttemptRow(row.participant, row.instance, row.id, row.attempt or 0) for row in rows]

    async def asked(self) -> list[str]:
        found: list[str] = []
        row = self._tables.branches.next("attempt", ())
        while row is not None:
            found.append(row.participant)
            row = self._tables.branches.next("attempt", (_above(row.participant),))
        return found

    async def attempt_counts(self, participants: Sequence[str]) -> dict[str, tuple[int, int]]:
        branches, outbox = self._tables.branches, self._tables.outbox
        return {
            name: (len(branches.find("attempt", name)), len(outbox.find("participant", name))) for name in participants
        }

    async def kept(self) -> list[str]:
        found: list[str] = []
        row = self._tables.outbox.next("participant", ())
        while row is not None:
            found.append(row.participant)
            row = self._tables.outbox.next("participant", (_above(row.participant),))
        return found

    async def outbox(self, limit: int, after: int = 0, but: Collection[int] = ()) -> list[OutboxRow]:
        return _without(but, self._tables.outbox.walk("key", since=(after + 1,)), limit)

    async def outbox_rows(self, numbers: Sequence[int]) -> list[OutboxRow]:
        found = [self._tables.outbox.get(number) for number in sorted(set(numbers))]
        return [row for row in found if row is not None]

    async def outbox_of(self, instance: str) -> dict[int, str]:
        rows = self._tables.outbox.find("attempt", instance)
        return {row.attempt: row.participant for row in rows if row.attempt is not None}

    # events

    async def paths(self, event: str) -> list[str]:
        found: list[str] = []
        row = self._tables.waits.next("event", (event,))
        while row is not None and row.event == event:
            found.append(row.path)
            row = self._tables.waits.next("event", (event, _above(row.path)))
        return found

    async def waits(self, event: str, keys: Sequence[tuple[str, str]], after: str, limit: int) -> list[WaitRow]:
        pairs = set(keys)
        next = sorted(set(chain.from_iterable(self._waiting((event, *pair), after, limit) for pair in pairs)))[:limit]
        table = self._tables.waits
        found = [row for instance in next for pair in pairs for row in table.find("event", event, *pair, instance)]
        return sorted(found, key=lambda row: (row.instance, row.branch, row.activity))

    def _waiting(self, of: tuple[str, str, str], after: str, limit: int) -> list[str]:
        """The next instances that wait for an event with one path and value."""
        found: list[str] = []
        while len(found) < limit:
            row = self._tables.waits.next("event", (*of, _above(after)))
            if row is None or (row.event, row.path, row.value) != of:
                break
            after = row.instance
            found.append(after)
        return found

    async def kept_events(
        self, wait: WaitRow, limit: int, after: tuple[float, int] = (0.0, 0), digest: int | None = None
    ) -> list[EventRow]:
        tables = self._tables
        place = max((wait.since, math.inf), (after[0], after[1] + 1))
        if digest is None:
            rows = tables.events.find("name", wait.event, since=(wait.event, *place))
        else:
            keys = [
                key
                for one in (digest, 0)
                for key in tables.event_keys.find("key", wait.event, one, since=(wait.event, one, *place))
            ]
            found = [tables.events.get(key.event) for key in sorted(keys, key=lambda key: key[2:])]
            rows = [row for row in found if row is not None]
        return [row for row in rows if not tables.consumed.find("key", wait.instance, row.number, limit=1)][:limit]

    async def woken(self, event: int, instances: Sequence[str]) -> set[str]:
        return {id for id in instances if self._tables.consumed.find("key", id, event, limit=1)}

    async def event(self, id: str) -> EventRow | None:
        return _last(self._tables.events.find("id", id))

    async def woken_by(self, event: int, limit: int = 100) -> list[tuple[str, str, int]]:
        rows = self._tables.consumed.find("event", event, limit=limit)
        return [(row.instance, row.branch, row.activity) for row in rows]

    async def awaited(self) -> list[str]:
        found: list[str] = []
        row = self._tables.waits.next("event", ())
        while row is not None:
            found.append(row.event)
            row = self._tables.waits.next("event", (_above(row.event),))
        return found

    # definitions and what people look at

    async def definition(self, hash: str) -> DefinitionRow | None:
        return self._tables.definitions.get(hash)

    async def definitions_in_use(self) -> list[str]:
        return list(dict.fromkeys(row.definition for row in self._tables.instances.find("unfinished")))

    async def versions(self, name: str | None = None) -> list[VersionRow]:
        return self._tables.versions.find("key", *([] if name is None else [name]))

    async def registered(self, name: str, version: int | None = None) -> VersionRow | None:
        if version is not None:
            return self._tables.versions.get(name, version)
        return _last(self._tables.versions.find("active", name))

    async def schedules(self, process: str | None = None) -> list[ScheduleRow]:
        return self._tables.schedules.find("key", *([] if process is None else [process]))

    async def due_schedules(self, before: float, limit: int) -> list[ScheduleRow]:
        rows = self._tables.schedules.find("due", limit=limit)
        return [row for row in rows if row.due is not None and row.due <= before]

    async def waiting_schedules(self, limit: int) -> list[ScheduleRow]:
        return self._tables.schedules.find("waiting", limit=limit)

    async def starters(self, event: str | None = None) -> list[str]:
        rows = self._tables.event_starts.find("key", *([] if event is None else [event]))
        return sorted({row.process for row in rows})

    async def running(self) -> dict[str, int]:
        return dict(Counter(row.definition for row in self._tables.instances.find("unfinished")))

    async def instance(self, id: str) -> InstanceRow | None:
        return self._tables.instances.get(id)

    async def instances(self, query: InstanceQuery) -> list[InstanceRow]:
        rows = reversed(self._tables.instances.find("key"))
        return [row for row in rows if _answers(query, row)][: query.limit]

    async def number_of(self, query: InstanceQuery) -> int:
        return sum(_answers(query, row) for row in self._tables.instances.find("key"))

    async def branches(self, instance: str) -> Loaded:
        return await self.batch().load([(instance, None)])

    async def waits_of(self, instance: str) -> list[WaitRow]:
        return self._tables.waits.find("key", instance)

    async def remembered(self, instance: str, limit: int = 100) -> list[RememberedRow]:
        return await self.batch().remembered(instance, limit)

    async def history(self, instance: str, after: int = 0, limit: int = 1000) -> list[HistoryRow]:
        return self._tables.history.find("key", instance, since=(instance, after + 1), limit=limit)

    async def incidents(self, instance: str | None = None, *, closed: bool = False) -> list[IncidentRow]:
        rows = self._tables.incidents.find("opened" if closed else "open")
        return [row for row in rows if instance is None or row.instance == instance]

    async def causes(self) -> list[Cause]:
        groups: dict[Same, list[IncidentRow]] = {}
        for row in self._tables.incidents.find("open"):
            same = self._sameness(row)
            if same is not None:
                groups.setdefault(same, []).append(row)
        found = [_cause(same, rows) for same, rows in groups.items()]
        return sorted(found, key=lambda one: (-one.number, -one.last, *astuple(one)[:6]))

    async def incidents_of(self, cause: Cause, limit: int) -> list[IncidentRow]:
        rows = self._tables.incidents.find("open")
        return [row for row in rows if self._sameness(row) == astuple(cause)[:6]][:limit]

    def _sameness(self, row: IncidentRow) -> Same | None:
        """What is the same in all incidents of a cause; None if the incident's instance is not there."""
        instance = self._tables.instances.get(row.instance)
        if instance is None:
            return None
        return instance.process, instance.definition, row.activity, row.kind, row.code, row.message

    async def dead_letters(self, limit: int = 100, message_id: str | None = None) -> list[DeadRow]:
        letters = self._tables.dead_letters
        rows = letters.find("key") if message_id is None else letters.find("id", message_id)
        return rows[::-1][:limit]

    async def dead_letter(self, number: int) -> DeadRow | None:
        return self._tables.dead_letters.get(number)

    async def audit(self, number: int) -> AuditRow | None:
        return self._tables.audit.get(number)

    async def audits(self, instance: str | None = None, limit: int = 100) -> list[AuditRow]:
        audit = self._tables.audit
        rows = audit.find("key") if instance is None else audit.find("instance", instance)
        return rows[::-1][:limit]

    async def destinations(self) -> list[DestinationRow]:
        return self._tables.destinations.find("key")

    async def pauses(self) -> list[PauseRow]:
        return self._tables.pauses.find("key")

    async def statuses(self) -> dict[str, int]:
        return dict(Counter(row.status for row in self._tables.instances.find("key")))

    async def counts(self) -> dict[str, int]:
        return self._tables.counts()

    # what an examination asks

    async def belongings(self, instances: Sequence[str]) -> Belongings:
        return examination.belongings(self._tables, instances)

    async def strays(self, limit: int) -> list[Stray]:
        return examination.strays(self._tables, limit)

    async def examine(self) -> Vitals:
        return examination.examine()

    async def setting(self, name: str, default: str) -> str:
        self._tables.settings.add(Setting(name, default))
        found = self._tables.settings.get(name)
        return default if found is None else found.value

    async def prune(self, *, history: float, instances: float, events: float, inbox: float, dead: float) -> int:
        return prune(self._tables, history, instances, events, inbox, dead)

    async def post(self, mail: MailRow) -> None:
        if (mail.number,) in self._tables.mailbox:
            raise StorageUnavailable(f"mail {mail.number} is there already; nothing is overwritten")
        self._tables.mailbox.put(mail)


def _above(text: str) -> str:
    """The text that comes next after `text`."""
    return text + "\0"


def _without(makers: Collection[int], rows: Iterator[Numbered], limit: int) -> list[Numbered]:
    """The first rows that none of these makers has numbered."""
    return list(islice((row for row in rows if maker_of(row.number) not in makers), limit))


def _last(rows: Sequence[Row]) -> Row | None:
    return rows[-1] if rows else None


def _cause(same: Same, rows: Sequence[IncidentRow]) -> Cause:
    opened = [row.opened for row in rows]
    newest = max(row.instance for row in rows), max(row.address for row in rows)
    return Cause(*same, len(rows), min(opened), max(opened), *newest)


def _answers(query: InstanceQuery, row: InstanceRow) -> bool:
    return (
        row.id.startswith(query.prefix)
        and (query.process is None or row.process == query.process)
        and (query.definition is None or row.definition == query.definition)
        and (query.status is None or row.status == query.status)
        and (query.outcome is None or row.outcome == query.outcome)
        and (query.business_key is None or row.business_key == query.business_key)
        and (not query.with_incidents or row.incidents > 0)
        and (not query.unfinished or row.ended is None)
        and (query.started_after is None or row.started > query.started_after)
        and (query.before is None or row.id < query.before)
    )
