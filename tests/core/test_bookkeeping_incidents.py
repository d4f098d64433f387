"""What incidents and faults do to an instance's counters and timers."""

from __future__ import annotations

from kept import Kept

from bureaucrat.core import messages
from bureaucrat.core.effects import (
    CloseIncident,
    Dispatch,
    OpenIncident,
    Void,
)
from bureaucrat.core.faults import Fault
from bureaucrat.core.messages import Answer, Stuck, TimerFired


def test_an_incident_rests_but_its_due_and_its_reminders_go_on() -> None:
    kept = Kept(
        '<action participant="w" due="1h" timeout="10m" result="r"><reminder after="1d"/></action>',
    )

    kept.give(Answer("", 1, 1, {"status": "error", "error": "no"}))

    assert kept.frames()[1].timers == {"due": 3_700.0, "reminder 0": 86_500.0}


def test_a_new_reason_takes_the_place_of_an_old_one() -> None:
    kept = Kept('<while><condition>missing if x else True</condition><action participant="w"/></while>', x=False)
    kept.give(Stuck("", 1, "engine", "a defect"))

    effects = kept.give(messages.Skip("", 2, {"x": True}))

    (opened,) = [effect for effect in effects if isinstance(effect, OpenIncident)]
    assert CloseIncident(1, "ended") in effects
    assert (opened.number, opened.activity, opened.kind, opened.code) == (2, 1, "fault", "UndefinedProperty")
    assert (kept.copy.instance.incidents, kept.copy.instance.blocking) == (1, 1)
    assert kept.details("resolved") == [{"number": 1, "how": "ended"}]


def test_what_is_stuck_nowhere_is_an_incident_of_the_innermost_activation() -> None:
    kept = Kept('<sequence><sequence><action participant="w"/></sequence></sequence>')

    effects = kept.give(Stuck("_9", 77, "engine", "a defect"))

    assert effects == [OpenIncident(1, "", 3, "I_0_0_0", "engine", "Engine", "a defect", blocks=True)]


def test_an_incident_whose_handler_takes_over_has_ended() -> None:
    handler = "<faults><default><delay duration='5'/></default></faults>"
    kept = Kept(
        f"<while><condition>missing if x else True</condition><context>{handler}</context>"
        "<action participant='w'/></while>",
        x=False,
    )
    kept.give(Stuck("", 1, "engine", "a defect"))

    kept.give(messages.Skip("", 2, {"x": True}))

    (caught,) = kept.details("caught")
    assert kept.details("resolved") == [{"number": 1, "how": "ended"}]
    assert (caught["code"], caught["thrown_at"]) == ("UndefinedProperty", "I_0")
    assert sorted(caught) == ["code", "message", "thrown_at"]


def test_a_fault_in_a_reminder_is_an_incident_there_that_holds_nothing_back() -> None:
    body = "<all timeout='5'><action participant='v'/><delay duration='1h'/></all>"
    kept = Kept(f"<action participant='human:w'><reminder after='10'>{body}</reminder></action>")
    kept.give(TimerFired("", 110.0), 110.0)

    effects = kept.give(TimerFired("_0_reminders_0", 115.0), 115.0)

    message = "all took longer than its timeout"
    assert effects == [
        Void("_0_reminders_0_0_0", 2),
        OpenIncident(1, "_0_reminders_0", 3, "I_0_reminders_0_0", "fault", "Timeout", message),
    ]
    assert kept.frames("_0_reminders_0")[-1].fault == Fault("Timeout", message, "I_0_reminders_0_0")
    assert (kept.copy.instance.blocking, kept.copy.instance.status) == (0, "running")


def test_an_incident_that_is_over_holds_nothing_back() -> None:
    kept = Kept('<fault code="Bad"/>')
    blocks = [kept.frames()[1].blocks]

    kept.give(messages.Set({"x": 1}))
    kept.give(messages.Skip("", 1))
    again = Kept('<action participant="w"/>')
    again.give(Stuck("", 1, "engine", "a defect"))
    blocks.append(again.frames()[1].blocks)
    again.give(messages.Retry("", 1))
    blocks.append(again.frames()[1].blocks)

    assert blocks == [True, True, False]
    assert (kept.copy.instance.status, again.copy.instance.status) == ("completed", "running")


def test_an_action_whose_timeout_cannot_be_reckoned_fails_with_its_first_attempt() -> None:
    kept = Kept('<action participant="w" timeout="=missing"/>')

    assert kept.of(Dispatch) == []
    assert kept.frames()[1].fault == Fault(
        "UndefinedProperty", '`missing`, line 1: there is no "missing"', "I_0", attempt=1
    )
