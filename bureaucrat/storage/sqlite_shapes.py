"""What the rows of each ``SELECT`` become."""

from __future__ import annotations

from ..ports import (
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
    MailRow,
    OutboxRow,
    PauseRow,
    RememberedRow,
    ScheduleRow,
    VersionRow,
    WaitRow,
)
from .sqlite_rows import Shape, shape_of, single

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
NAME = single("event")
HASH = single("definition")
OUT = Shape(lambda *found: found, (("attempt", "int"), ("participant", "str")))
PARTICIPANT = single("participant")
COUNTS = Shape(lambda name, *counts: (name, counts), (("participant", "str"), ("asked", "int"), ("kept", "int")))
TOTAL = single("total")
WOKEN = Shape(lambda *found: found, (("instance", "str"), ("branch", "str"), ("activity", "int")))
SETTING = single("value")
ATTEMPT = shape_of(AttemptRow)
COUNT = Shape(lambda *found: found, (("name", "str"), ("rows", "int")))
TAKEN = Shape(lambda *found: found, (("number", "int"), ("held", "bool")))
