"""What the rows of each read become, whatever the technology."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields
from functools import cache
from operator import attrgetter
from typing import Any, Generic, TypeVar

from ..ports import (
    AttemptRow,
    AuditRow,
    BranchRow,
    Cause,
    DeadRow,
    DefinitionRow,
    DestinationRow,
    Due,
    EventRow,
    HistoryRow,
    IncidentRow,
    InstanceRow,
    MailRow,
    OutboxRow,
    PauseRow,
    RememberedRow,
    ScheduleRow,
    Span,
    Stray,
    ValueRow,
    VersionRow,
    WaitRow,
)

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Shape(Generic[Row]):
    """What the rows of a ``SELECT`` become.

    The type of a column is ``str``, ``int``, ``bool``, ``float``, ``bytes`` (JSON, which is kept as text) or ``blob``.
    """

    make: Callable[..., Row]
    columns: tuple[tuple[str, str], ...]  #: name, type


def shape_of(kind: type[Row], *, blob: str = "") -> Shape[Row]:
    """The shape of a row class. `blob` names a field that need not be JSON."""
    columns = []
    for field in fields(kind):  # type: ignore[arg-type]  # every row is a dataclass
        name = str(field.type).removesuffix(" | None")
        columns.append((field.name, "blob" if field.name == blob else name))
    return Shape(kind, tuple(columns))


def single(column: str) -> Shape[Any]:
    """The shape of a list of one column."""
    return Shape(lambda value: value, ((column, "str"),))


@cache
def flattener(kind: Hashable) -> Callable[[Any], tuple[Any, ...]]:
    """What makes a tuple of a row, in the order of its fields."""
    return attrgetter(*(field.name for field in fields(kind)))  # type: ignore[arg-type]  # a row class


BRANCH = shape_of(BranchRow)
VALUE = shape_of(ValueRow)
INSTANCE = shape_of(InstanceRow)
WAIT = shape_of(WaitRow)
REMEMBERED = shape_of(RememberedRow)
EVENT = shape_of(EventRow)
MAIL = shape_of(MailRow)
OUTBOX = shape_of(OutboxRow, blob="body")
DEAD = shape_of(DeadRow, blob="body")
HISTORY = shape_of(HistoryRow)
INCIDENT = shape_of(IncidentRow)
DEFINITION = shape_of(DefinitionRow)
AUDIT = shape_of(AuditRow)
DESTINATION = shape_of(DestinationRow)
PAUSE = shape_of(PauseRow)
VERSION = shape_of(VersionRow)
SCHEDULE = shape_of(ScheduleRow)
PROCESS = single("process")
CAUSE = shape_of(Cause)
DUE = shape_of(Due)
ID = single("id")
INSTANCE_ID = single("instance")
PATH = single("path")
DONE = single("done")
NAME = single("event")
HASH = single("definition")
OUT = Shape(lambda *found: found, (("attempt", "int"), ("participant", "str")))
UNSENT = Shape(
    lambda instance, attempt, number: ((instance, attempt), number),
    (("instance", "str"), ("attempt", "int"), ("number", "int")),
)
PARTICIPANT = single("participant")
COUNTS = Shape(lambda name, *counts: (name, counts), (("participant", "str"), ("asked", "int"), ("kept", "int")))
TOTAL = single("total")
WOKEN = Shape(lambda *found: found, (("instance", "str"), ("branch", "str"), ("activity", "int")))
SETTING = single("value")
AT: Shape[float | None] = Shape(lambda value: value, (("at", "float"),))
ATTEMPT = shape_of(AttemptRow)
COUNT = Shape(lambda *found: found, (("name", "str"), ("rows", "int")))
TAKEN = Shape(lambda *found: found, (("number", "int"), ("held", "bool")))
STRAY = Shape(Stray, (("kept", "str"), ("owner", "str")))
#: what an examination reads of instances, by the names in ``examine.sql``, in the order of the fields of `Belongings`
BELONGINGS: dict[str, Shape[Any]] = {
    "instances": INSTANCE,
    "branches": BRANCH,
    "values": VALUE,
    "waits": WAIT,
    "remembered": REMEMBERED,
    "incidents": INCIDENT,
    "mail": MAIL,
    "outbox": OUTBOX,
    "spans": shape_of(Span),
}
OLD_EVENT = Shape(lambda *found: found, (("number", "int"), ("woken", "int")))
