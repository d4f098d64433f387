"""What the engine asks of storage, of a transport and of participants: protocols with their whole contract.

Rules: one file per technology stands behind each port; rows are plain data, JSON columns are encoded bytes; adapters
translate foreign errors into those of :mod:`bureaucrat.errors` at their edge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .core.effects import Dispatch

# -- rows


@dataclass(slots=True)
class InstanceRow:
    """The guard row. `state` is the encoded :class:`bureaucrat.core.instance.Instance`; the rest is for finding it."""

    id: str
    process: str
    definition: str  #: hash
    version: int  #: 1 when inserted; each write that changes any row of the instance adds one
    status: str
    started: float
    state: bytes
    business_key: str | None = None
    ended: float | None = None
    outcome: str | None = None
    incidents: int = 0  #: open ones
    held: int = 0  #: inputs kept back
    releasable: bool = False  #: inputs kept back wait to be applied now


@dataclass(slots=True)
class BranchRow:
    """One branch of an unfinished instance (and the root of an ended one, without frames)."""

    instance: str
    id: str
    due: float | None  #: epoch seconds of its earliest timer
    attempt: int | None  #: number of the attempt it waits for
    state: bytes


@dataclass(slots=True)
class ValueRow:
    """A value, or with an empty name all values that a scope began with, as one JSON object."""

    instance: str
    branch: str
    scope: int
    name: str
    value: bytes


@dataclass(slots=True)
class WaitRow:
    """One await that waits."""

    instance: str
    branch: str
    activity: int
    activation: int
    event: str
    path: str  #: which part of the event is compared; empty: none
    value: str  #: with what
    since: float  #: events accepted later than this are offered
    fresh: bool = True  #: kept events were not looked through yet


@dataclass(slots=True)
class EventRow:
    """One accepted event, kept for a while."""

    number: int
    id: str  #: message id
    name: str
    body: bytes
    accepted: float
    cursor: str | None = ""  #: the last instance it was offered to; None: offered to all


@dataclass(slots=True)
class MailRow:
    """A message for an instance that did not come through the broker."""

    number: int
    instance: str
    message: bytes
    at: float
    held: bool = False  #: kept back until the instance goes on


@dataclass(slots=True)
class OutboxRow:
    """Something to publish that was decided in the same transaction."""

    number: int
    destination: str  #: a queue; or a routing key, if the properties name an exchange
    body: bytes
    at: float
    instance: str = ""
    attempt: int | None = None
    priority: int | None = None
    properties: bytes = b"{}"  #: an encoded :class:`Properties`


@dataclass(slots=True)
class DeadRow:
    """A message that no instance took."""

    number: int
    at: float
    source: str
    reason: str
    message_id: str
    body: bytes
    digest: str  #: SHA-256 of the body: with source and message id it names the message
    properties: bytes = b"{}"


@dataclass(slots=True)
class AuditRow:
    """One command of a person, and what came of it. Written with what the command changed."""

    number: int  #: the mailbox row it came in; given by whoever asked
    at: float
    who: str
    command: str  #: ``cancel``, ``retry``, …
    instance: str  #: empty: it was for no instance
    detail: bytes  #: the message, as it was asked for
    reason: str
    outcome: str  #: ``done``, ``refused`` or ``failed``
    answer: str  #: the instance's status afterwards, or why not


@dataclass(slots=True)
class DestinationRow:
    """What the broker last showed of a queue that attempts are sent to."""

    name: str
    consumers: int
    ready: int  #: messages that wait in it
    checked: float
    silent_since: float | None = None  #: since when it has had no consumer


@dataclass(slots=True)
class HistoryRow:
    """One entry of an instance's history; of ``input`` and ``released`` (one that was kept back) the message itself."""

    instance: str
    number: int
    at: float
    what: str
    activity: int | None
    address: str
    detail: bytes


@dataclass(slots=True)
class IncidentRow:
    """Something that needs, or needed, a person."""

    instance: str
    number: int
    branch: str
    activity: int
    address: str
    kind: str
    code: str
    message: str
    opened: float
    closed: float | None = None
    how: str | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """Open incidents in which all is the same but the instance and the item."""

    process: str
    definition: str  #: hash
    activity: int
    kind: str
    code: str
    message: str
    number: int  #: how many
    first: float  #: when the first of them was opened
    last: float
    instance: str  #: one of them: the newest instance
    address: str  #: of the incident in it


@dataclass(slots=True)
class DefinitionRow:
    """A definition that instances run."""

    hash: str
    name: str
    source: str
    stored: float
    version: int | None = None  #: set once it is registered


@dataclass(slots=True)
class Due:
    """A branch with a timer that has run out."""

    instance: str
    branch: str
    at: float


@dataclass(slots=True)
class Loaded:
    """What storage has of some branches."""

    branches: list[BranchRow] = field(default_factory=list)
    values: list[ValueRow] = field(default_factory=list)


@dataclass(slots=True)
class Writes:
    """Everything one batch changes. Committed whole or not at all.

    Applied in this order: what is gone (scopes, branches with their values and waits, waits, mail, outbox), then what
    is there. A row may be in both halves; then it is there. An instance has one row in it at most. A base (the
    value with the empty name) comes in place of its whole scope; other values of that scope are put on top of it. No
    text, JSON apart, holds a NUL character.
    """

    scopes_gone: list[tuple[str, str, int]] = field(default_factory=list)
    branches_gone: list[tuple[str, str]] = field(default_factory=list)
    waits_gone: list[tuple[str, str, int]] = field(default_factory=list)  #: instance, branch, activity
    mail_gone: list[int] = field(default_factory=list)
    outbox_gone: list[int] = field(default_factory=list)
    attempts_gone: list[tuple[str, int]] = field(default_factory=list)  #: of the outbox: instance, number
    incidents_closed: list[tuple[str, int, float, str]] = field(default_factory=list)  #: instance, number, at, how
    waits_seen: list[tuple[str, str, int, int]] = field(default_factory=list)  #: no longer fresh; activation last
    cursors: list[tuple[int, str | None, str | None]] = field(default_factory=list)  #: event number, old, new cursor
    instances: list[InstanceRow] = field(default_factory=list)
    branches: list[BranchRow] = field(default_factory=list)
    values: list[ValueRow] = field(default_factory=list)
    waits: list[WaitRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    consumed: list[tuple[int, str, str, int]] = field(default_factory=list)  #: event, instance, branch, activity
    mail: list[MailRow] = field(default_factory=list)
    outbox: list[OutboxRow] = field(default_factory=list)
    inbox: list[tuple[str, float]] = field(default_factory=list)  #: message id, accepted
    dead: list[DeadRow] = field(default_factory=list)
    history: list[HistoryRow] = field(default_factory=list)
    incidents: list[IncidentRow] = field(default_factory=list)
    definitions: list[DefinitionRow] = field(default_factory=list)
    audit: list[AuditRow] = field(default_factory=list)
    destinations: list[DestinationRow] = field(default_factory=list)  #: each replaces what was known of its queue
    dead_gone: list[int] = field(default_factory=list)  #: dead letters that were replayed or dropped

    @property
    def is_empty(self) -> bool:
        return not any(getattr(self, name) for name in self.__slots__)


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

    async def load(self, wanted: Iterable[tuple[str, Sequence[str] | None]]) -> Loaded:
        """Load branches with all their values: of each instance those of these ids, or with None every one."""

    async def load_below(self, instance: str, branch: str) -> Loaded:
        """Load every branch whose id begins with `branch` (which is not loaded itself unless it is an id)."""

    async def commit(self, writes: Writes) -> None:
        """Make it all durable at once.

        :raises StaleVersion: a guard row is not at the version before the one written, or an event's cursor is not the
            old one; nothing was written.
        :raises AlreadySeen: an id for the inbox stands there; nothing was written.
        :raises StorageUnavailable: nothing was written, or it is not known whether it was (`unknown`).
        """


@dataclass(frozen=True, slots=True)
class InstanceQuery:
    """Which instances a person asks for. Unset parts do not restrict."""

    prefix: str = ""  #: of the id
    process: str | None = None
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

    async def open(self) -> None:
        """Connect, migrate, take what lock there is.

        :raises StorageUnavailable: with the place of the setting and the remedy.
        """

    async def close(self) -> None: ...

    def batch(self) -> Batch: ...

    # what the sweep looks for; each may return what another daemon takes first
    async def due(self, before: float, limit: int, after: Due | None = None) -> list[Due]:
        """Branches with a timer at or before `before`, by (at, instance, branch), from beyond `after` on."""

    async def mail(self, limit: int) -> list[MailRow]:
        """Mail that is not held, oldest first."""

    async def held_mail(self, instance: str, limit: int) -> list[MailRow]:
        """Mail of one instance that is kept back, oldest first."""

    async def releasable(self, limit: int) -> list[str]:
        """Instances that may apply what they kept back."""

    async def fresh_waits(self, limit: int) -> list[WaitRow]:
        """Waits for which kept events were not looked through yet, in order of their keys."""

    async def pending_events(self, limit: int) -> list[EventRow]:
        """Events not yet offered to all waits, oldest first."""

    async def attempts(self, after: tuple[str, str], limit: int) -> list[tuple[str, str, int]]:
        """(instance, branch, attempt) of branches that wait for an answer, in that order, after a given one."""

    async def outbox(self, limit: int, after: int = 0) -> list[OutboxRow]:
        """What is to be published, by number, from beyond `after` on."""

    async def outbox_of(self, instance: str) -> list[int]:
        """The numbers of the attempts of one instance that are still to be published, in order."""

    # events
    async def paths(self, event: str) -> list[str]:
        """The different `path`s that waits for this event compare."""

    async def waits(self, event: str, keys: Sequence[tuple[str, str]], after: str, limit: int) -> list[WaitRow]:
        """Waits for an event by (path, value), of instances above `after`, in order of instance; `limit` instances."""

    async def kept_events(self, wait: WaitRow, limit: int, after: tuple[float, int] = (0.0, 0)) -> list[EventRow]:
        """Events of the wait's name accepted later than its `since` that have not woken its instance, by (accepted,
        number), from beyond `after` on. Only the name and time are compared; the caller compares path and value."""

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

    async def instance(self, id: str) -> InstanceRow | None: ...
    async def instances(self, query: InstanceQuery) -> list[InstanceRow]: ...

    async def number_of(self, query: InstanceQuery) -> int:
        """How many instances a query would find without its `limit`."""

    async def branches(self, instance: str) -> Loaded: ...
    async def waits_of(self, instance: str) -> list[WaitRow]: ...
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

    async def statuses(self) -> dict[str, int]:
        """How many instances there are of each status."""

    async def counts(self) -> dict[str, int]:
        """Rows in each table, by the table's name."""

    async def setting(self, name: str, default: str) -> str:
        """Read a setting kept in the database; the first caller's `default` is stored."""

    async def prune(self, *, history: float, instances: float, events: float, inbox: float) -> int:
        """Delete what is older than these instants (epoch seconds), a bounded part each time; returns rows deleted."""

    async def post(self, mail: MailRow) -> None:
        """Leave a message for a daemon; the one thing another process than the daemon may write.

        :raises StorageUnavailable: nothing was written; also if the number is taken, for nothing is overwritten.
        """


# -- transport


@dataclass(slots=True)
class Properties:
    """How an outbox row is published. Encoded as JSON in :attr:`OutboxRow.properties`."""

    exchange: str = ""
    message_id: str | None = None
    content_type: str | None = None
    content_encoding: str | None = None
    correlation_id: str | None = None
    type: str | None = None
    expiration: str | None = None
    headers: dict[str, Any] = field(default_factory=dict)
    is_mandatory: bool = True  #: whether it must reach a queue; notices and signals need not


@dataclass(slots=True)
class Outgoing:
    """A message as a kind of participant wants it published."""

    destination: str
    body: bytes
    properties: Properties


class Kind(Protocol):
    """One kind of participant behind a broker: what an attempt looks like on the wire."""

    def outgoing(self, dispatch: Dispatch, instance: str, token: str) -> Outgoing:
        """The message that hands an attempt over. The same attempt gives the same message."""


@dataclass(slots=True)
class Answered:
    """A participant's answer, as a transport hands it to the engine."""

    instance: str
    branch: str
    activity: int
    attempt: int | None
    fields: dict[str, Any]
    settle: Callable[[], None] | None = None  #: called once the answer is committed


class Transport(Protocol):
    """Carries attempts to participants, and answers back."""

    is_durable: bool  #: whether a confirmed message survives; if not, attempts are dispatched again at start

    async def start(self, answered: Callable[[Answered], None]) -> None:
        """Begin; from now on answers are handed to `answered`, on the event loop's thread."""

    async def stop(self) -> None:
        """Take no more, let what runs end if it does so soon."""

    def serves(self, participant: str) -> bool:
        """Whether anybody can be asked for this participant; False makes an *unroutable* incident."""

    def send(self, dispatch: Dispatch, instance: str) -> None:
        """Hand an attempt over, after its commit; one that is at work already is not handed over twice.

        Transports that are not durable only.
        """
