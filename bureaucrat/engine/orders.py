"""What people ask of the engine through the mailbox, and who asked.

Rules: an order is one mailbox row, left by a process that only reads the database. The engine writes the audit row with
the mailbox row's number, in the transaction of what the order changed. All but :class:`Order`, :class:`Looked`,
:class:`Mend` and :class:`Begin` are for no instance: their rows have the instance ``""``. What programs leave
(:class:`Begin`, :class:`Report`) is nobody's command: it has no audit row.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import msgspec

from ..core.messages import Cancel, Migrate, Move, Resume, Retry, Set, Skip, Suspend
from ..ports import AuditRow

#: what a person may ask of one instance
Asked = Cancel | Suspend | Resume | Retry | Skip | Move | Migrate | Set


@dataclass(slots=True)
class Order:
    """Do this to the instance. The reason stands in the message."""

    who: str
    message: Asked


@dataclass(slots=True)
class Looked:
    """Somebody was shown values of the instance. It changes nothing and is kept in the audit log."""

    who: str
    what: str  #: ``fields`` or ``history``
    reason: str = ""


@dataclass(slots=True)
class Replay:
    """Take a dead letter as if it came now; it is gone if it is taken, and stays if it is not."""

    who: str
    letter: int  #: the dead letter's number
    reason: str = ""


@dataclass(slots=True)
class Drop:
    """Forget a dead letter."""

    who: str
    letter: int
    reason: str = ""


@dataclass(slots=True)
class Happened:
    """An event that a person reports. One with an id that was accepted before is not accepted again."""

    who: str
    name: str
    body: dict[str, Any] = field(default_factory=dict)
    id: str = ""  #: empty: the mailbox row's number
    reason: str = ""


@dataclass(slots=True)
class Deploy:
    """Register definitions by the names of their processes: all of them, or none."""

    who: str
    files: dict[str, str]  #: the text of each definition by the name of its file; the audit log keeps its digest
    version: int | None = None  #: None: each takes the next
    reason: str = ""


@dataclass(slots=True)
class Undeploy:
    """Have nothing started any more by a registered version; what runs goes on."""

    who: str
    name: str
    version: int | None = None  #: None: all there are
    reason: str = ""


@dataclass(slots=True)
class Scheduling:
    """Have a schedule start nothing any more, or again, or one instance now."""

    who: str
    what: str  #: ``pause``, ``resume`` or ``run``
    process: str
    number: int | None = None  #: which of its schedules, from 0; None: all it has
    reason: str = ""


@dataclass(slots=True)
class Pausing:
    """Have the attempts for a participant wait in the outbox, or leave again."""

    who: str
    what: str  #: ``pause`` or ``resume``
    participant: str
    reason: str = ""


@dataclass(slots=True)
class Mend:
    """Derive anew what can be derived of a damaged instance."""

    who: str
    resend: bool = False  #: send again what it waits for and that has left, with the same tokens
    reason: str = ""


@dataclass(slots=True)
class Begin:
    """Start the instance of the row's name. A program leaves it in a transaction of its own."""

    process: str  #: a registered name, or ``name@version``
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Report:
    """An event that a program reports in a transaction of its own. One with an id that was accepted before is not
    accepted again."""

    name: str
    body: dict[str, Any] = field(default_factory=dict)
    id: str = ""  #: empty: the mailbox row's number


#: what is for no instance, changes none, or is about its rows and nothing that it does
Desked = Looked | Replay | Drop | Happened | Deploy | Undeploy | Scheduling | Pausing | Mend
#: every kind of mail that a person leaves
Ordered = Order | Desked
#: every kind of mail that a program leaves
Left = Begin | Report


def audit_row(
    number: int,
    at: float,
    who: str,
    asked: Asked | Desked,
    instance: str,
    outcome: str,
    answer: object,
) -> AuditRow:
    """The entry of the audit log for one order.

    :param outcome: ``done``, ``refused`` or ``failed``.
    :param answer: the instance's status afterwards, or why not.
    """
    return AuditRow(
        number=number,
        at=at,
        who=who,
        command=_command(asked),
        instance=instance,
        detail=msgspec.json.encode(_kept(asked)),
        reason=asked.reason,
        outcome=outcome,
        answer=str(answer),
    )


def _command(asked: Asked | Desked) -> str:
    match asked:
        case Scheduling():
            return f"schedules {asked.what}"
        case Pausing():
            return f"participants {asked.what}"
    return type(asked).__name__.lower()


def _kept(asked: Asked | Desked) -> Asked | Desked:
    """The order as the audit log keeps it: without the texts that stand elsewhere."""
    if isinstance(asked, Migrate):
        return replace(asked, text="")
    if not isinstance(asked, Deploy):
        return asked
    return replace(asked, files={file: sha256(text.encode()).hexdigest() for file, text in asked.files.items()})
