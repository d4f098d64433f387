"""Tables in memory: rows by key, and the orders they are looked through in.

Rules: rows go in and come out as copies; each table keeps its orders sorted as rows change, so that nothing is found
by looking at every row. An order is a function of a row that gives a tuple, or None for a row that is not part of it,
as in a partial index.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from itertools import islice
from operator import attrgetter, itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

from ..ports import (
    AuditRow,
    BranchRow,
    DeadRow,
    DefinitionRow,
    DestinationRow,
    EventRow,
    HistoryRow,
    IncidentRow,
    InstanceRow,
    MailRow,
    OutboxRow,
    PauseRow,
    RememberedRow,
    ScheduleRow,
    ValueRow,
    VersionRow,
    WaitRow,
)

Row = TypeVar("Row")
Key = tuple[Any, ...]
Order = Callable[[Row], Key | None]

_FIRST = itemgetter(0)


class Consumed(NamedTuple):
    """An event has woken an await."""

    event: int
    instance: str
    branch: str
    activity: int


class EventKey(NamedTuple):
    """By what an event is found."""

    name: str
    digest: int
    accepted: float
    event: int


class Taken(NamedTuple):
    """A message was taken."""

    id: str
    at: float


class EventStart(NamedTuple):
    """A process starts on an event, in one of its versions."""

    event: str
    process: str


class Setting(NamedTuple):
    """Something the database itself remembers."""

    name: str
    value: str


class Table(Generic[Row]):
    """Rows of one class.

    :param key: gives the tuple that names a row.
    :param orders: the orders it can be looked through in, besides the one by key.
    """

    def __init__(self, kind: type[Row], key: Callable[[Row], Key], **orders: Order[Row]) -> None:
        self._copy = _copier(kind)
        self._key = key
        self._rows: dict[Key, Row] = {}
        self._orders = orders
        self._sorted: dict[str, list[tuple[Key, Key]]] = {name: [] for name in ("key", *orders)}

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: Key) -> bool:
        return key in self._rows

    def get(self, *key: Any) -> Row | None:
        """A copy of one row."""
        row = self._rows.get(key)
        return None if row is None else self._copy(row)

    def put(self, row: Row) -> None:
        """Keep a copy, in place of a row of the same key."""
        key = self._key(row)
        old = self._rows.get(key)
        self._rows[key] = new = self._copy(row)
        self._sort(key, old, new)

    def put_all(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.put(row)

    def add(self, row: Row) -> None:
        """Keep a copy, unless there is a row of the same key."""
        if self._key(row) not in self._rows:
            self.put(row)

    def change(self, key: Key, **to: Any) -> None:
        """Set fields of a row, if there is one."""
        row = self.get(*key)
        if row is not None:
            for name, value in to.items():
                setattr(row, name, value)
            self.put(row)

    def remove(self, key: Key) -> None:
        """Forget a row, if there is one."""
        old = self._rows.pop(key, None)
        if old is not None:
            self._sort(key, old, None)

    def clear(self, order: str, *prefix: Any, limit: int | None = None) -> int:
        """Forget rows whose place in an order begins so; returns how many."""
        keys = [self._key(row) for row in islice(self._walk(order, prefix), limit)]
        for key in keys:
            self.remove(key)
        return len(keys)

    def find(self, order: str, *prefix: Any, since: Key = (), limit: int | None = None) -> list[Row]:
        """Copies of rows in an order: those whose place begins with a prefix and is not below `since`."""
        return list(islice(self.walk(order, *prefix, since=since), limit))

    def walk(self, order: str, *prefix: Any, since: Key = ()) -> Iterator[Row]:
        """The same, one after the other; the table must not change meanwhile."""
        return map(self._copy, self._walk(order, prefix, since))

    def next(self, order: str, since: Key) -> Row | None:
        """A copy of the first row whose place is not below `since`."""
        return next(map(self._copy, self._walk(order, (), since)), None)

    def _walk(self, order: str, prefix: Key, since: Key = ()) -> Iterator[Row]:
        places = self._sorted[order]
        for index in range(bisect_left(places, max(prefix, since), key=_FIRST), len(places)):
            place, key = places[index]
            if place[: len(prefix)] != prefix:
                return
            yield self._rows[key]

    def _sort(self, key: Key, old: Row | None, new: Row | None) -> None:
        if old is None:
            insort(self._sorted["key"], (key, key))
        elif new is None:
            del self._sorted["key"][bisect_left(self._sorted["key"], (key, key))]
        for name, order in self._orders.items():
            before = None if old is None else order(old)
            after = None if new is None else order(new)
            if before == after:
                continue
            places = self._sorted[name]
            if before is not None:
                del places[bisect_left(places, (before, key))]
            if after is not None:
                insort(places, (after, key))


def _copier(kind: type[Row]) -> Callable[[Row], Row]:
    """What copies a row; as :func:`dataclasses.replace` does, in a third of the time."""
    if issubclass(kind, tuple):
        return lambda row: row
    values = attrgetter(*(field.name for field in fields(kind)))  # type: ignore[arg-type]  # a dataclass
    return lambda row: kind(*values(row))


def _instances() -> Table[InstanceRow]:
    return Table(
        InstanceRow,
        lambda row: (row.id,),
        releasable=lambda row: (row.id,) if row.releasable else None,
        ended=lambda row: None if row.ended is None else (row.ended, row.id),
        unfinished=lambda row: (row.definition,) if row.ended is None else None,
        claim=lambda row: (*row.claim, row.id) if row.claim is not None and row.ended is None else None,
    )


def _branches() -> Table[BranchRow]:
    return Table(
        BranchRow,
        lambda row: (row.instance, row.id),
        due=lambda row: None if row.due is None else (row.due, row.instance, row.id),
        attempt=lambda row: None if row.attempt is None else (row.participant, row.instance, row.id),
    )


def _waits() -> Table[WaitRow]:
    return Table(
        WaitRow,
        lambda row: (row.instance, row.branch, row.activity),
        fresh=lambda row: (row.instance, row.branch, row.activity) if row.fresh else None,
        event=lambda row: (row.event, row.path, row.value, row.instance, row.branch, row.activity),
    )


def _events() -> Table[EventRow]:
    return Table(
        EventRow,
        lambda row: (row.number,),
        pending=lambda row: None if row.cursor is None else (row.number,),
        name=lambda row: (row.name, row.accepted, row.number),
        old=lambda row: (row.accepted, row.number) if row.cursor is None else None,
        id=lambda row: (row.id, row.number),
    )


def _event_keys() -> Table[EventKey]:
    return Table(EventKey, tuple, event=lambda row: (row.event,))


def _consumed() -> Table[Consumed]:
    return Table(
        Consumed,
        lambda row: (row.instance, row.event, row.branch, row.activity),
        event=lambda row: (row.event, row.instance, row.branch, row.activity),
    )


def _mailbox() -> Table[MailRow]:
    return Table(
        MailRow,
        lambda row: (row.number,),
        free=lambda row: None if row.held else (row.number,),
        held=lambda row: (row.instance, row.number) if row.held else None,
    )


def _outbox() -> Table[OutboxRow]:
    return Table(
        OutboxRow,
        lambda row: (row.number,),
        attempt=lambda row: None if row.attempt is None else (row.instance, row.attempt),
        participant=lambda row: (row.participant,) if row.participant else None,
    )


def _dead_letters() -> Table[DeadRow]:
    return Table(
        DeadRow,
        lambda row: (row.number,),
        message=lambda row: (row.source, row.message_id, row.digest),
        id=lambda row: (row.message_id, row.number),
        at=lambda row: (row.at,),
    )


def _incidents() -> Table[IncidentRow]:
    return Table(
        IncidentRow,
        lambda row: (row.instance, row.number),
        opened=lambda row: (row.opened, row.instance, row.number),
        open=lambda row: (row.opened, row.instance, row.number) if row.closed is None else None,
    )


def _versions() -> Table[VersionRow]:
    return Table(
        VersionRow,
        lambda row: (row.name, row.version),
        active=lambda row: None if row.retired else (row.name, row.version),
    )


def _schedules() -> Table[ScheduleRow]:
    return Table(
        ScheduleRow,
        lambda row: (row.process, row.number),
        due=lambda row: None if row.due is None or row.paused else (row.due, row.process, row.number),
        waiting=lambda row: (row.process, row.number) if row.waits else None,
    )


class Tables:
    """Every table. The names are those of a database's tables."""

    def __init__(self) -> None:
        self.definitions = Table(DefinitionRow, lambda row: (row.hash,))
        self.instances = _instances()
        self.branches = _branches()
        self.values = Table(ValueRow, lambda row: (row.instance, row.branch, row.scope, row.name))
        self.waits = _waits()
        self.remembered = Table(RememberedRow, lambda row: (row.instance, row.number))
        self.events = _events()
        self.event_keys = _event_keys()
        self.consumed = _consumed()
        self.mailbox = _mailbox()
        self.outbox = _outbox()
        self.inbox = Table(Taken, lambda row: (row.id,), at=lambda row: (row.at,))
        self.dead_letters = _dead_letters()
        self.history = Table(HistoryRow, lambda row: (row.instance, row.number), at=lambda row: (row.at,))
        self.incidents = _incidents()
        self.settings = Table(Setting, lambda row: (row.name,))
        self.audit = Table(AuditRow, lambda row: (row.number,), instance=lambda row: (row.instance, row.number))
        self.destinations = Table(DestinationRow, lambda row: (row.name,))
        self.pauses = Table(PauseRow, lambda row: (row.participant,))
        self.versions = _versions()
        self.schedules = _schedules()
        self.event_starts = Table(EventStart, tuple)

    def counts(self) -> dict[str, int]:
        """Rows in each table."""
        return {name: len(table) for name, table in vars(self).items()}
