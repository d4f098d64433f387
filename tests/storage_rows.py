"""Rows for tests of storage: a test names what it is about, the rest is as good as any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from bureaucrat.ports import (
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
    StateRow,
    Storage,
    ValueRow,
    VersionRow,
    WaitRow,
    Writes,
)

Row = TypeVar("Row")

#: a time that 15 digits do not give back, and a text that every layer has to carry unharmed
AT = 1_700_000_000.123456789
TEXT = 'č "quoted" \\ \u2028 \x01 🗃'


def _maker(make: Callable[..., Row], /, **usual: Any) -> Callable[..., Row]:
    return lambda **given: make(**{**usual, **given})


instance = _maker(
    InstanceRow, id="i1", process="order", definition="hash", version=1, status="running", started=AT, state=b'{"a":1}'
)
state = _maker(StateRow, id="i1", version=2, state=b'{"a":2}', held=1)
branch = _maker(BranchRow, instance="i1", id="", due=None, attempt=None, state=b'{"frames":[]}')
value = _maker(ValueRow, instance="i1", branch="", scope=0, name="", value=b"{}")
wait = _maker(
    WaitRow, instance="i1", branch="", activity=3, activation=1, event="paid", path="order", value="17", since=AT
)
remembered = _maker(
    RememberedRow,
    instance="i1",
    number=1,
    branch="_0.2",
    activity=4,
    activation=9,
    at=AT,
    size=7,
    levels=b'[{"activation":3,"turn":0,"values":{"ref":"S-88"}}]',
)
event = _maker(EventRow, number=1, id="m1", name="paid", body=b'{"order":17}', accepted=AT)
mail = _maker(MailRow, number=1, instance="i1", message=b'["Start",{}]', at=AT)
out = _maker(OutboxRow, number=1, destination="worker_mail", body=b"\x00\xff", at=AT)
dead = _maker(
    DeadRow, number=1, at=AT, source="queue", reason="no instance", message_id="m1", body=b"\xfe<a/>", digest="d1"
)
entry = _maker(
    HistoryRow, instance="i1", number=1, at=AT, what="started", activity=0, address="0:order", detail=b'{"n":1}'
)
incident = _maker(
    IncidentRow,
    instance="i1",
    number=1,
    branch="",
    activity=2,
    address="2:pay",
    kind="error",
    code="refused",
    message="no",
    opened=AT,
)
definition = _maker(DefinitionRow, hash="hash", name="order", source="<process/>", stored=AT)

audit = _maker(
    AuditRow,
    number=1,
    at=AT,
    who="bea@desk",
    command="retry",
    instance="i1",
    detail=b'["Retry",{}]',
    reason="again",
    outcome="done",
    answer="running",
)
version = _maker(VersionRow, name="order", version=1, definition="hash", deployed=AT, who="bea@desk")
schedule = _maker(
    ScheduleRow,
    process="order",
    number=0,
    changes=1,
    version=1,
    definition="hash",
    cron="0 9 * * *",
    timezone="UTC",
    overlap="skip",
    missed="once",
    due=AT,
)
pause = _maker(PauseRow, participant="mail", since=AT, who="bea@desk", reason="the bank is down")
destination = _maker(DestinationRow, name="worker_mail", consumers=0, ready=2, checked=AT)


async def commit(storage: Storage, **parts: Any) -> None:
    """Commit one batch."""
    async with storage.batch() as batch:
        await batch.commit(Writes(**parts))
