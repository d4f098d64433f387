"""The rows that storage keeps, and everything that one batch writes.

Rules: plain data; JSON columns are encoded bytes; times are epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256


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
    is_unique: bool = False  #: as long as it is unfinished, no other such one of its process starts with its key

    @property
    def claim(self) -> tuple[str, str] | None:
        """What no two unfinished instances have: process and business key, if that is to be unique."""
        return (self.process, self.business_key) if self.is_unique and self.business_key is not None else None


@dataclass(slots=True)
class StateRow:
    """What changed of the guard row of an instance that is found by the same as before: most steps write no more."""

    id: str
    version: int
    state: bytes
    held: int = 0


@dataclass(slots=True)
class BranchRow:
    """One branch of an unfinished instance (and the root of an ended one, without frames)."""

    instance: str
    id: str
    due: float | None  #: epoch seconds of its earliest timer
    attempt: int | None  #: number of the attempt it waits for
    state: bytes
    participant: str = ""  #: whom that attempt is for


@dataclass(slots=True, order=True)
class AttemptRow:
    """An attempt that a branch waits for."""

    participant: str  #: empty: it is not known
    instance: str
    branch: str
    attempt: int


@dataclass(slots=True)
class ValueRow:
    """A value, or with an empty name all values that a scope began with, as one JSON object."""

    instance: str
    branch: str
    scope: int
    name: str
    value: bytes


@dataclass(slots=True)
class RememberedRow:
    """One compensation that an unfinished instance remembers; written once, and deleted when it runs or is replaced."""

    instance: str
    number: int  #: counts up in the instance
    branch: str  #: where the activity ran
    activity: int  #: index of the activity that completed, not of its compensation
    activation: int
    at: float  #: when it completed
    size: int  #: bytes of the values
    levels: bytes  #: the encoded :class:`bureaucrat.core.remembered.Level` of each scope around, innermost first


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
    branch: str = ""  #: of an attempt
    participant: str = ""  #: whose leave it waits for, if it may not be published yet


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

    @property
    def is_whole(self) -> bool:
        """Whether the body is all there; of a very large one the beginning is kept."""
        return sha256(self.body).hexdigest() == self.digest


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
    participants: str = ""  #: whose attempts go there, with spaces between, if the queue's name does not tell


@dataclass(frozen=True, slots=True)
class PauseRow:
    """A participant whose attempts wait in the outbox until a person has it go on."""

    participant: str  #: as it is counted: without the prefix of its kind, if it may be written without
    since: float
    who: str
    reason: str = ""


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
    version: int | None = None  #: once it is registered: the version that was made of it last


@dataclass(slots=True)
class VersionRow:
    """One version of a process that is registered by its name."""

    name: str
    version: int
    definition: str  #: hash
    deployed: float
    who: str
    retired: bool = False  #: nothing starts by it any more


@dataclass(slots=True)
class ScheduleRow:
    """One ``<start cron>`` of a registered process, and how far it has come. It is kept when no version has it."""

    process: str
    number: int  #: which of them it is in the process's definition, from 0
    changes: int  #: 1 when inserted; each write adds one
    version: int  #: the newest of the process
    definition: str  #: hash of that
    cron: str
    timezone: str
    overlap: str
    missed: str
    due: float | None  #: its next tick; None: the newest version has no such schedule
    paused: bool = False
    queued: bytes = b"[]"  #: ticks that wait until nothing it started is unfinished, oldest first
    asked: bytes = b"[]"  #: starts that a person asked for, as ticks
    unfinished: bytes = b"[]"  #: ids of instances it started, as far as nobody has seen them ended
    started: float | None = None  #: when it started an instance last
    instance: str | None = None  #: which
    skipped: int = 0  #: ticks for which nothing was started

    @property
    def waits(self) -> bool:
        """Whether something is to be started besides the next tick."""
        return self.due is not None and (self.asked != b"[]" or (self.queued != b"[]" and not self.paused))


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
    is there. A row may be in both halves; then it is there. An instance has one row in it at most, among the instances
    or the states. A base (the value with the empty name) comes in place of its whole scope; other values of that scope
    are put on top of it. No text, JSON apart, holds a NUL character.
    """

    scopes_gone: list[tuple[str, str, int]] = field(default_factory=list)
    branches_gone: list[tuple[str, str]] = field(default_factory=list)
    waits_gone: list[tuple[str, str, int]] = field(default_factory=list)  #: instance, branch, activity
    forgotten: list[tuple[str]] = field(default_factory=list)  #: instances that remember no compensation any longer
    remembered_gone: list[tuple[str, int]] = field(default_factory=list)  #: instance, number
    mail_gone: list[int] = field(default_factory=list)
    outbox_gone: list[int] = field(default_factory=list)
    attempts_gone: list[tuple[str, int]] = field(default_factory=list)  #: of the outbox: instance, number
    outbox_let_go: list[int] = field(default_factory=list)  #: rows that may be published now
    incidents_closed: list[tuple[str, int, float, str]] = field(default_factory=list)  #: instance, number, at, how
    waits_seen: list[tuple[str, str, int, int]] = field(default_factory=list)  #: no longer fresh; activation last
    cursors: list[tuple[int, str | None, str | None]] = field(default_factory=list)  #: event number, old, new cursor
    instances: list[InstanceRow] = field(default_factory=list)
    states: list[StateRow] = field(default_factory=list)
    branches: list[BranchRow] = field(default_factory=list)
    values: list[ValueRow] = field(default_factory=list)
    waits: list[WaitRow] = field(default_factory=list)
    remembered: list[RememberedRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    event_keys: list[tuple[str, int, float, int]] = field(default_factory=list)  #: name, digest, accepted, event
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
    versions: list[VersionRow] = field(default_factory=list)  #: new ones
    retired: list[tuple[str, int, bool]] = field(default_factory=list)  #: name, version, whether it is
    schedules: list[ScheduleRow] = field(default_factory=list)  #: new ones, and ones that were changed
    pauses: list[PauseRow] = field(default_factory=list)  #: each replaces what was known of its participant
    pauses_gone: list[tuple[str]] = field(default_factory=list)  #: participants that go on
    event_starts: list[tuple[str, str]] = field(default_factory=list)  #: event, process: a version of it starts on it
    settings: list[tuple[str, str]] = field(default_factory=list)  #: name, value; each replaces what was kept

    @property
    def is_empty(self) -> bool:
        return not any(getattr(self, name) for name in self.__slots__)
