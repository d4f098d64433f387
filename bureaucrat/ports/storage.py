"""What the engine asks of storage."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from .examined import Belongings, Stray, Vitals
from .membership import Membership
from .rows import (
    AttemptRow,
    AuditRow,
    Cause,
    DeadRow,
    DefinitionRow,
    DestinationRow,
    Due,
    EventRow,
    HistoryRow,
    IncidentRow,
    InstanceRow,
    Loaded,
    MailRow,
    OutboxRow,
    PauseRow,
    RememberedRow,
    ScheduleRow,
    VersionRow,
    WaitRow,
    Writes,
)


class Batch(Protocol):
    """One transaction: lock, load, commit. Leaving its context without a commit changes nothing."""

    async def __aenter__(self) -> Batch: ...
    async def __aexit__(self, *error: object) -> None: ...

    async def lock(self, instances: Sequence[str]) -> dict[str, InstanceRow]:
        """Lock the guard rows in id order and return those that exist, as they are now."""

    async def take_mail(self, numbers: Sequence[int]) -> dict[int, bool]:
        """Lock mailbox rows and return, of those that are there and nobody else has locked, whether each is held.

        A row is applied once, by whoever deletes it: one that is not returned was applied already, or is being applied
        by another daemon.
        """

    async def take_events(self, numbers: Sequence[int]) -> dict[int, EventRow]:
        """Lock events in order of their numbers, and return those that are kept, as they are now."""

    async def claim(self, name: str) -> None:
        """Hold a name until the end of this transaction; whoever else wants it waits. Before rows are locked."""

    async def unsent(self, instances: Sequence[str]) -> dict[tuple[str, int], int]:
        """The attempts of these instances that stand in anybody's outbox, by instance and number: the numbers of their
        rows."""

    async def take_leave(self, names: Sequence[str], most: int | None, limit: int) -> list[OutboxRow]:
        """Lock a participant until the end of this transaction, and return of its rows that wait for leave those that
        may have it: the first by priority (highest first; none is 0), then by number.

        So many that with them no more than `most` of its attempts are in flight (that branches wait for and that wait
        for no leave), `limit` at most; none while it is paused. Who has the lock has seen every leave before.

        :param names: the participant in every way that it is written.
        :param most: None: as many as there are.
        """

    async def load(self, wanted: Iterable[tuple[str, Sequence[str] | None]]) -> Loaded:
        """Load branches with all their values: of each instance those of these ids, or with None every one."""

    async def load_below(self, instance: str, branch: str) -> Loaded:
        """Load every branch whose id begins with `branch` (which is not loaded itself unless it is an id)."""

    async def remembered(self, instance: str, limit: int) -> list[RememberedRow]:
        """The newest compensations that an instance remembers, newest first."""

    async def commit(self, writes: Writes) -> None:
        """Make it all durable at once.

        :raises StaleVersion: a guard row is not at the version before the one written, an event's cursor is not the
            old one, a schedule is not at the change before, or a new version of a process is there already; nothing
            was written.
        :raises AlreadySeen: an id for the inbox stands there; nothing was written.
        :raises NotUnique: a new instance whose key is unique has the process and business key of an unfinished such
            one, be it stored (and not ended by this batch) or an earlier new one; nothing was written.
        :raises StorageUnavailable: nothing was written, or it is not known whether it was (`unknown`).
        """


@dataclass(frozen=True, slots=True)
class InstanceQuery:
    """Which instances a person asks for. Unset parts do not restrict."""

    prefix: str = ""  #: of the id
    process: str | None = None
    definition: str | None = None  #: its hash
    status: str | None = None
    outcome: str | None = None
    business_key: str | None = None
    with_incidents: bool = False
    unfinished: bool = False
    started_after: float | None = None
    limit: int = 100
    before: str | None = None  #: page: ids below this one (newest first)


class Storage(Protocol):
    """Everything that is kept."""

    is_shared: bool  #: whether others may change rows: then a cached copy counts only after :meth:`Batch.lock`
    on_mail: Callable[[], None] | None  #: called on the event loop's thread when another process has left mail

    async def open(self) -> None:
        """Connect, migrate, take what lock there is.

        :raises StorageUnavailable: with the place of the setting and the remedy.
        """

    async def close(self) -> None: ...

    def batch(self) -> Batch: ...

    async def membership(self) -> Membership:
        """Who is alive, asked for once a sweep. A member whose session was lost is given another number here, and the
        old one counts as dead; so does one that has not asked for so long (10 s) that it must be taken to be frozen.
        What was somebody's number is not given again soon (a minute).

        What is not shared has one member.
        """

    async def time(self) -> float | None:
        """The storage's own clock in epoch seconds, the same for all its members; None: it has none."""

    # what the sweep looks for; each may return what another daemon takes first
    async def due(self, before: float, limit: int, after: Due | None = None) -> list[Due]:
        """Branches with a timer at or before `before`, by (at, instance, branch), from beyond `after` on."""

    async def mail(self, limit: int, but: Collection[int] = ()) -> list[MailRow]:
        """Mail that is not held, oldest first, without what the makers `but` have numbered."""

    async def held_mail(self, instance: str, limit: int) -> list[MailRow]:
        """Mail of one instance that is kept back, oldest first."""

    async def releasable(self, limit: int) -> list[str]:
        """Instances that may apply what they kept back."""

    async def fresh_waits(self, limit: int) -> list[WaitRow]:
        """Waits for which kept events were not looked through yet, in order of their keys."""

    async def latest(self) -> float | None:
        """The latest instant in any history, in epoch seconds; None: there is none."""

    async def pending_events(self, limit: int, but: Collection[int] = ()) -> list[EventRow]:
        """Events not yet offered to all waits, oldest first, without what the makers `but` have numbered."""

    async def attempts(self, limit: int, after: AttemptRow | None = None) -> list[AttemptRow]:
        """What branches wait for, by participant, instance and branch, from beyond `after` on."""

    async def asked(self) -> list[str]:
        """The participants whose answers branches wait for, in order."""

    async def attempt_counts(self, participants: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Of each: how many attempts branches wait for, and how many in the outbox wait for leave."""

    async def kept(self) -> list[str]:
        """The participants for which rows of the outbox wait for leave, in order."""

    async def outbox(self, limit: int, after: int = 0, but: Collection[int] = ()) -> list[OutboxRow]:
        """What is to be published, by number, from beyond `after` on, without what the makers `but` have numbered."""

    async def outbox_rows(self, numbers: Sequence[int]) -> list[OutboxRow]:
        """Those of these that are to be published, by number."""

    async def outbox_of(self, instance: str) -> dict[int, str]:
        """The numbers of the attempts of one instance that are still to be published, each with whose leave it waits
        for (or nothing), in order."""

    # events
    async def paths(self, event: str) -> list[str]:
        """The different `path`s that waits for this event compare."""

    async def waits(self, event: str, keys: Sequence[tuple[str, str]], after: str, limit: int) -> list[WaitRow]:
        """Waits for an event by (path, value), of instances above `after`, in order of instance; `limit` instances."""

    async def kept_events(
        self, wait: WaitRow, limit: int, after: tuple[float, int] = (0.0, 0), digest: int | None = None
    ) -> list[EventRow]:
        """Events of the wait's name accepted later than its `since` that have not woken its instance, by (accepted,
        number), from beyond `after` on; with a digest those that have it among their keys, or 0. Path and value are
        for the caller to compare."""

    async def woken(self, event: int, instances: Sequence[str]) -> set[str]:
        """Which of these instances the event (its number) has woken already."""

    async def event(self, id: str) -> EventRow | None:
        """The kept event with this message id; the newest of several."""

    async def woken_by(self, event: int, limit: int = 100) -> list[tuple[str, str, int]]:
        """(instance, branch, activity) of the waits that an event (its number) has woken, in that order."""

    async def awaited(self) -> list[str]:
        """The names of all events that something waits for, in order."""

    # definitions and what people look at
    async def definition(self, hash: str) -> DefinitionRow | None: ...

    async def definitions_in_use(self) -> list[str]:
        """The hashes of all definitions that unfinished instances run, in order."""

    async def versions(self, name: str | None = None) -> list[VersionRow]:
        """All versions, of one process or of all that are registered, by name and version."""

    async def registered(self, name: str, version: int | None = None) -> VersionRow | None:
        """One version of a process, retired or not; without a number the highest that is not retired."""

    async def schedules(self, process: str | None = None) -> list[ScheduleRow]:
        """All schedules, of one process or of all, by process and number; those that no version has, too."""

    async def due_schedules(self, before: float, limit: int) -> list[ScheduleRow]:
        """Schedules that are not paused, with a tick at or before `before`, earliest first."""

    async def waiting_schedules(self, limit: int) -> list[ScheduleRow]:
        """Schedules that want to start something besides their next tick (:attr:`ScheduleRow.waits`), in order."""

    async def starters(self, event: str | None = None) -> list[str]:
        """The processes that start, in any of their versions, on an event (None: on any), in order."""

    async def running(self) -> dict[str, int]:
        """How many unfinished instances run each definition, by hash."""

    async def instance(self, id: str) -> InstanceRow | None: ...
    async def instances(self, query: InstanceQuery) -> list[InstanceRow]: ...

    async def number_of(self, query: InstanceQuery) -> int:
        """How many instances a query would find without its `limit`."""

    async def branches(self, instance: str) -> Loaded: ...
    async def waits_of(self, instance: str) -> list[WaitRow]: ...
    async def remembered(self, instance: str, limit: int = 100) -> list[RememberedRow]:
        """The newest compensations that an instance remembers, newest first."""

    async def history(self, instance: str, after: int = 0, limit: int = 1000) -> list[HistoryRow]: ...

    async def incidents(self, instance: str | None = None, *, closed: bool = False) -> list[IncidentRow]:
        """Open incidents, with `closed` those that were closed too, in the order they were opened."""

    async def causes(self) -> list[Cause]:
        """Open incidents by cause: the most frequent first, then the one that happened last."""

    async def incidents_of(self, cause: Cause, limit: int) -> list[IncidentRow]:
        """The open incidents of one cause, in the order they were opened."""

    async def dead_letters(self, limit: int = 100, message_id: str | None = None) -> list[DeadRow]:
        """Messages that no instance took, newest first; with `message_id` those of that id."""

    async def dead_letter(self, number: int) -> DeadRow | None: ...

    async def audit(self, number: int) -> AuditRow | None:
        """What came of one command; None as long as nobody has carried it out."""

    async def audits(self, instance: str | None = None, limit: int = 100) -> list[AuditRow]:
        """Commands of people, newest first."""

    async def destinations(self) -> list[DestinationRow]:
        """What was last known of the queues that attempts are sent to, by name."""

    async def pauses(self) -> list[PauseRow]:
        """The participants that are paused, by name."""

    async def statuses(self) -> dict[str, int]:
        """How many instances there are of each status."""

    async def counts(self) -> dict[str, int]:
        """Rows in each table, by the table's name."""

    # what an examination asks
    async def belongings(self, instances: Sequence[str]) -> Belongings:
        """All that is kept of these instances, as one moment sees it: no transaction is seen in part. Each list in the
        order of its rows' keys."""

    async def strays(self, limit: int) -> list[Stray]:
        """Rows whose owner is not there, each owner once a table, in order of the tables' names; `limit` of each."""

    async def examine(self) -> Vitals:
        """Look at the database itself. It may take as long as to read all of it."""

    async def setting(self, name: str, default: str) -> str:
        """Read a setting kept in the database; the first caller's `default` is stored."""

    async def prune(self, *, history: float, instances: float, events: float, inbox: float, dead: float) -> int:
        """Delete what is older than these instants (epoch seconds), a bounded part each time; returns rows deleted."""

    async def post(self, mail: MailRow) -> None:
        """Leave a message for a daemon; the one thing another process than the daemon may write.

        :raises StorageUnavailable: nothing was written; also if the number is taken, for nothing is overwritten.
        """
