"""What people ask of the engine through the mailbox, and who asked.

Rules: an order is one mailbox row, left by a process that only reads the database. The engine writes the audit row with
the mailbox row's number, in the transaction of what the order changed. All but :class:`Order` and :class:`Looked` are
for no instance: their rows have the instance ``""``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from ..core.messages import Cancel, Resume, Retry, Set, Skip, Suspend
from ..ports import AuditRow

#: what a person may ask of one instance
Asked = Cancel | Suspend | Resume | Retry | Skip | Set


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


#: every kind of mail that a person leaves
Ordered = Order | Looked | Replay | Drop | Happened


def audit_row(
    number: int,
    at: float,
    who: str,
    asked: Asked | Looked | Replay | Drop | Happened,
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
        command=type(asked).__name__.lower(),
        instance=instance,
        detail=msgspec.json.encode(asked),
        reason=asked.reason,
        outcome=outcome,
        answer=str(answer),
    )
