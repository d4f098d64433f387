"""``processes/identity-check.xml``: a callback from outside, early, late or never; polling; a person in doubt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from shipped import MOMENT, Program, asked, fail_for_good, forever, keys, module, problems, short_of, simulated, told

from bureaucrat.errors import Refused
from bureaucrat.testing import Simulation

GENUINE = {"verdict": "genuine"}
UNCLEAR = {"verdict": "unclear", "reason": "too dark"}


def requested(**fields: object) -> Simulation:
    """A check whose request has the number R-1."""
    sim = simulated("identity-check.xml")
    sim.launch({"customer": "C-17", **fields})
    sim.answer("request-check", request="R-1")
    return sim


def doubtful() -> Simulation:
    """A check that a person has to decide."""
    sim = requested()
    sim.event("identity.checked", request="R-1", **UNCLEAR)
    return sim


# -- the callback


@pytest.mark.parametrize(("verdict", "outcome"), [("genuine", "verified"), ("forged", "rejected")])
def test_a_clear_verdict_decides(verdict: str, outcome: str) -> None:
    """Nobody is asked for the report any more."""
    sim = requested()

    sim.event("identity.checked", request="R-1", verdict=verdict)
    sim.advance("30d")

    sim.assert_ended(outcome)
    assert [one.participant for one in sim.sent] == ["request_check"]
    assert sim.fields == {
        "customer": "C-17",
        "patience": "15m",
        "request": "R-1",
        "report": {"request": "R-1", "verdict": verdict},
        "decision": "accept" if outcome == "verified" else "reject",
    }


def test_a_callback_that_is_faster_than_the_answer_to_the_request_counts() -> None:
    """It came before anybody waited for it, and before its number was known."""
    sim = simulated("identity-check.xml")
    sim.launch({"customer": "C-17"})

    sim.event("identity.checked", request="R-1", **GENUINE)
    sim.answer("request-check", request="R-1")

    sim.assert_ended("verified")


def test_of_what_is_answered_only_what_was_asked_for_counts() -> None:
    """And nobody is told more than he needs: the provider learns no more than whom to check."""
    sim = simulated("identity-check.xml")
    sim.launch({"customer": "C-17"})

    sim.answer("request-check", request="R-1", decision="accept")
    sim.advance("15m")
    sim.answer("poll", report=UNCLEAR, decision="accept")
    assert sim.fields["decision"] == ""
    sim.answer("review", decision="reject", report=GENUINE)

    assert asked(sim, "request-check") == [{"customer": "C-17"}]
    assert asked(sim, "poll") == [{"request": "R-1"}]
    assert (sim.fields["decision"], sim.fields["report"]) == ("reject", UNCLEAR)


def test_a_customer_is_checked_once_at_a_time() -> None:
    """A second check would cost a second time."""
    sim = requested()

    with pytest.raises(Refused, match="identity-check C-17 is unfinished already"):
        sim.launch({"customer": "C-17"})


def test_a_callback_about_somebody_else_or_without_a_verdict_wakes_nobody() -> None:
    """The provider tells of its progress, too."""
    sim = requested()

    sim.event("identity.checked", request="R-2", **GENUINE)
    sim.event("identity.checked", request="R-1", progress="a picture is being compared")
    sim.event("identity.checked", request="R-1", verdict=None)
    assert sorted(sim.active()) == ["callback", "pause"]
    sim.event("identity.checked", request="R-1", **GENUINE)

    sim.assert_ended("verified")


def test_a_second_callback_changes_nothing() -> None:
    """Whatever it says."""
    sim = doubtful()

    sim.event("identity.checked", request="R-1", verdict="forged")
    sim.assert_waiting("review")
    sim.answer("review", decision="accept")
    sim.event("identity.checked", request="R-1", verdict="forged")

    sim.assert_ended("verified")
    assert sim.fields["report"] == {"request": "R-1", **UNCLEAR}


# -- polling


def test_the_report_is_asked_for_every_quarter_of_an_hour() -> None:
    """From the moment at which the request was answered."""
    sim = requested()

    sim.advance(short_of("15m"))
    assert asked(sim, "poll") == []
    sim.advance(2 * MOMENT)
    sim.answer("poll", report={"progress": "a picture is being compared"})
    sim.advance(short_of("15m"))
    assert len(asked(sim, "poll")) == 1
    sim.advance(2 * MOMENT)
    sim.answer("poll", report=GENUINE)

    sim.assert_ended("verified")
    assert asked(sim, "poll") == [{"request": "R-1"}] * 2


def test_how_often_is_said_at_the_start() -> None:
    """Any duration will do."""
    sim = requested(patience="PT1M")

    sim.advance("1m")

    sim.assert_waiting("poll")


def test_a_callback_ends_the_poll_that_is_under_way() -> None:
    """Its answer comes too late, whatever it says."""
    sim = requested()
    sim.advance("15m")
    poll = sim.attempt("poll")

    sim.event("identity.checked", request="R-1", **GENUINE)
    sim.answer_attempt(poll, {"report": {"verdict": "forged"}})

    sim.assert_ended("verified")
    assert told(sim, "late", "poll") == 1


@pytest.mark.parametrize("how", ["error", "timeout"])
def test_a_poll_that_fails_is_followed_by_the_next_one(how: str) -> None:
    """It needs nobody."""
    sim = requested()
    sim.advance("15m")

    if how == "error":
        sim.fail("poll", "bad gateway")
    else:
        sim.advance("30s")
    assert problems(sim) == []
    sim.advance("15m")
    sim.answer("poll", report=GENUINE)

    sim.assert_ended("verified")
    assert len(set(keys(sim, "poll"))) == 2


# -- a person


def test_a_day_without_a_verdict_is_a_case_for_a_person() -> None:
    """Not a moment earlier."""
    sim = requested(patience="2d")

    sim.advance(short_of("1d"))
    assert sorted(sim.active()) == ["callback", "pause"]
    sim.advance(2 * MOMENT)

    sim.assert_waiting("review")
    assert sim.attempt("review").fields["report"] == {}
    sim.event("identity.checked", request="R-1", **GENUINE)
    sim.assert_waiting("review")


@pytest.mark.parametrize(("decision", "outcome"), [("accept", "verified"), ("reject", "rejected")])
def test_a_person_decides_in_doubt(decision: str, outcome: str) -> None:
    """With the report at hand."""
    sim = doubtful()
    assert sim.attempt("review").fields["report"] == {"request": "R-1", **UNCLEAR}

    sim.answer("review", decision=decision)

    sim.assert_ended(outcome)


def test_the_department_is_reminded_every_day_and_after_five_days_the_customer_is_rejected() -> None:
    """Four reminders: on the fifth day it is too late."""
    sim = doubtful()

    for day in range(1, 5):
        sim.advance("1d")
        assert len(asked(sim, "remind")) == day
        sim.answer("remind")
    sim.advance(short_of("1d"))
    sim.assert_waiting("review")
    sim.advance(2 * MOMENT)

    sim.assert_ended("rejected")
    assert sim.fields["decision"] == "reject"
    assert len(asked(sim, "remind")) == 4


def test_a_reminder_that_cannot_be_sent_keeps_nobody_from_deciding() -> None:
    """It is an incident of its own, and is gone with what it reminds of."""
    sim = doubtful()

    sim.advance("1d")
    sim.fail("remind", "no such host")
    assert problems(sim) == [("error", "ActionError", "no such host")]
    sim.answer("review", decision="accept")

    sim.assert_ended("verified")
    assert problems(sim) == []


# -- the request, and a restart


def test_a_request_without_an_answer_is_repeated_with_the_same_key() -> None:
    """So that it is paid once. A late answer to the first counts."""
    sim = simulated("identity-check.xml")
    sim.launch({"customer": "C-17"})
    first = sim.attempt("request-check")

    sim.advance("33s")  # 30 s, and about two of a pause
    assert len(asked(sim, "request-check")) == 2
    assert len(set(keys(sim, "request-check"))) == 1
    sim.answer_attempt(first, {"request": "R-1"})

    assert sorted(sim.active()) == ["callback", "pause"]


def test_a_provider_that_is_away_needs_a_person_after_six_attempts() -> None:
    """Whether it says so, which is an incident, or says nothing, which is a fault."""
    broken, silent = simulated("identity-check.xml"), simulated("identity-check.xml")
    for sim in (broken, silent):
        sim.launch({"customer": "C-17"})

    assert fail_for_good(broken, "request-check", "bad gateway") == 6
    silent.advance("1h")

    assert (broken.status, problems(broken)) == ("running", [("error", "ActionError", "bad gateway")])
    assert (silent.status, problems(silent)) == (
        "faulted",
        [("fault", "Timeout", "request-check had no answer in time")],
    )
    assert len(asked(silent, "request-check")) == 6


@pytest.mark.parametrize("activity", ["request-check", "poll", "review"])
def test_what_nobody_has_foreseen_waits_for_a_person(activity: str) -> None:
    """Instead of going on as if nothing had been."""
    sim = simulated("identity-check.xml")
    sim.launch({"customer": "C-17"})
    if activity != "request-check":
        sim.answer("request-check", request="R-1")
        sim.advance("1d" if activity == "review" else "15m")

    sim.throw(activity, "AccessDenied", "the contract has ended")

    assert (sim.status, problems(sim)) == ("faulted", [("fault", "AccessDenied", "the contract has ended")])
    sim.retry()
    sim.assert_waiting(activity)


async def test_a_callback_reaches_a_program_that_was_started_again(tmp_path: Path) -> None:
    """It was stopped while it polled; the poll is made again, and the callback ends it."""

    async def fetch(request: str) -> Any:
        await forever()

    request = {"request_check": lambda: {"request": "R-1"}}
    program = Program(tmp_path / "check.db", "identity-check.xml", {**request, "fetch_report": fetch})

    async with program as engine:
        await engine.launch(program.definition, {"customer": "C-17", "patience": "0s"}, "check-1")
        await program.until("dispatched", "poll")
    async with program as engine:
        await program.until("dispatched", "poll", times=2)
        await engine.event("identity.checked", {"request": "R-1", **GENUINE})
        ended = await program.until("ended")

    assert ended.detail == {"status": "completed", "outcome": "verified"}


def test_the_example_provider_is_in_doubt_and_the_person_is_not() -> None:
    """The participants that are shipped beside it."""
    sim = simulated("identity-check.xml", module("identity_check"))

    sim.launch({"customer": "C-17"})
    sim.advance("31m")

    sim.assert_ended("verified")
    assert sim.fields["report"] == {"verdict": "unclear", "reason": "the picture is too dark"}
