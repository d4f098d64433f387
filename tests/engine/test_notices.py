"""What the world is told of the life of instances: whole notices, with their routing keys."""

from __future__ import annotations

from typing import Any

import pytest
from courier import Office

from bureaucrat.core.messages import Retry, Suspend

ACTION = '<process name="p"><action participant="work"/></process>'


async def told(office: Office, *names: str) -> list[tuple[str, dict[str, Any]]]:
    """Notices of these names, without what is the same in all; waits until the last name was told."""
    await office.until_true(lambda: any(key.startswith(names[-1] + ".") for key, _ in office.courier.notices()))
    found = []
    for key, body in office.courier.notices():
        assert key == f"{body['notice']}.{body['instance']}"
        assert body["at"] == pytest.approx(office.clock.now(), abs=100)
        if body["notice"] in names:
            found.append((key, {name: value for name, value in body.items() if name not in ("at", "notice")}))
    return found


def notice(**more: Any) -> dict[str, Any]:
    same = {"instance": "a", "process": "p", "business_key": None, "status": "running", "outcome": None}
    return {**same, **more}


async def begun(office: Office, text: str = ACTION, **more: Any) -> None:
    await office.run()
    await office.settled(office.courier.launch(text, "a", **more))


async def test_a_start_and_an_end_are_told(office: Office) -> None:
    await begun(office, business_key="o-1")
    (sent,) = await office.sent(1)

    await office.settled(office.courier.answer(sent))

    assert await told(office, "instance.started", "instance.completed") == [
        ("instance.started.a", notice(business_key="o-1")),
        ("instance.completed.a", notice(business_key="o-1", status="completed", outcome="completed")),
    ]


async def test_a_cancel_is_told(office: Office) -> None:
    await begun(office)

    await office.settled(office.courier.cancel("a"))

    assert await told(office, "instance.canceled") == [("instance.canceled.a", notice(status="canceled"))]


async def test_a_fault_that_nobody_handles_is_told_as_fault_and_as_incident(office: Office) -> None:
    """L91."""
    await begun(office)
    (sent,) = await office.sent(1)

    await office.settled(office.courier.answer(sent, status="critical", code="Broken", error="no paper"))

    detail = {"incident": 1, "address": "a_0", "kind": "fault", "code": "Broken", "message": "no paper"}
    assert await told(office, "incident.opened", "instance.faulted") == [
        ("incident.opened.a", notice(status="faulted", **detail)),
        ("instance.faulted.a", notice(status="faulted", **detail)),
    ]


async def test_an_error_that_waits_for_a_person_is_an_incident_and_no_fault(office: Office) -> None:
    await begun(office)
    (sent,) = await office.sent(1)

    await office.settled(office.courier.answer(sent, status="error", error="no paper"))
    await office.engine.tell("a", Retry("", 1))

    detail = {"address": "a_0", "kind": "error", "code": "ActionError", "message": "no paper"}
    assert await told(office, "incident.opened", "instance.faulted", "incident.resolved") == [
        ("incident.opened.a", notice(incident=1, **detail)),
        ("incident.resolved.a", notice(incident=1, how="retried")),
    ]


async def test_a_fault_in_a_reminder_is_an_incident_and_does_not_fault_the_instance(office: Office) -> None:
    text = (
        '<process name="p"><await event="go"><reminder after="10">'
        '<fault code="Late" message="no answer"/></reminder></await></process>'
    )
    await begun(office, text)
    office.clock.advance_to(1_011.0)

    await told(office, "incident.opened")

    assert await told(office, "instance.faulted", "incident.opened") == [
        (
            "incident.opened.a",
            notice(incident=1, address="a_0_reminders_0_0", kind="fault", code="Late", message="no answer"),
        )
    ]


async def test_a_called_instance_that_fails_is_told_as_a_fault(office: Office) -> None:
    called = "&lt;process name='c'&gt;&lt;fault code='Broken' message='no paper'/&gt;&lt;/process&gt;"
    text = (
        f'<process name="p"><context><property name="sub" type="str">{called}</property></context>'
        '<call process="$sub"/></process>'
    )
    await begun(office, text)

    found = await told(office, "instance.faulted")

    assert found[0][1]["process"] == "c"
    assert (found[0][1]["status"], found[0][1]["code"], found[0][1]["message"]) == ("failed", "Broken", "no paper")


async def test_an_activity_that_is_overdue_is_told(office: Office) -> None:
    await begun(office, '<process name="p"><delay duration="1000" due="10"/></process>')
    office.clock.advance_to(1_011.0)

    assert await told(office, "activity.overdue") == [("activity.overdue.a", notice(address="a_0"))]


async def test_suspending_is_told_to_nobody(office: Office) -> None:
    await begun(office)
    await office.engine.tell("a", Suspend())
    await office.settled(office.courier.cancel("a"))

    await told(office, "instance.canceled")

    assert [key for key, _ in office.courier.notices()] == ["instance.started.a", "instance.canceled.a"]
