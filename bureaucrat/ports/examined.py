"""What whoever examines a database is given of it.

Rules: plain data; nothing here is written by a batch.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .rows import BranchRow, IncidentRow, InstanceRow, MailRow, OutboxRow, RememberedRow, ValueRow, WaitRow


@dataclass(slots=True)
class Span:
    """What is kept of the history of one instance."""

    instance: str
    first: int  #: the lowest number
    last: int  #: the highest
    rows: int
    begins: str  #: what the entry with the lowest number is: of a full history ``input``


@dataclass(slots=True)
class Belongings:
    """All that is kept of some instances, as one moment sees it; of the history, of events and of orders no more than
    is said here. What belongs to an instance that does not exist is there, too."""

    instances: list[InstanceRow] = field(default_factory=list)
    branches: list[BranchRow] = field(default_factory=list)
    values: list[ValueRow] = field(default_factory=list)
    waits: list[WaitRow] = field(default_factory=list)
    remembered: list[RememberedRow] = field(default_factory=list)
    incidents: list[IncidentRow] = field(default_factory=list)  #: open ones
    mail: list[MailRow] = field(default_factory=list)  #: held or not
    outbox: list[OutboxRow] = field(default_factory=list)  #: attempts only, without their bodies
    spans: list[Span] = field(default_factory=list)


@dataclass(slots=True, order=True)
class Stray:
    """Rows whose owner is not there: of ``branches``, ``values``, ``waits``, ``remembered`` and (open) ``incidents`` an
    instance, of ``consumed`` and ``event_keys`` an event."""

    table: str
    of: str  #: the id of the instance; the number of the event


@dataclass(frozen=True, slots=True)
class Vitals:
    """How a database is, as far as it can be seen from here. Sizes are bytes."""

    technology: str  #: ``SQLite 3.40.1``
    place: str  #: the file; host and name
    schema: int
    problems: list[str]  #: what the database's own check of itself says, the first of it; empty: it is sound
    size: int
    log: int  #: changes that are written beside it, and not yet into it
    room: int | None  #: how much it may grow; None: it is not known
    is_exposed: bool  #: whether others than those it belongs to may read it
    daemons: int | None  #: how many work on it now; None: it cannot be told
