"""``processes/onboarding.xml``: two approvals, preparations side by side, a date, and a withdrawal at any moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from shipped import Program, asked, fail_for_good, forever, go_to, keys, module, nothing, problems, simulated, told

from bureaucrat.core.durations import parse_duration
from bureaucrat.errors import Refused
from bureaucrat.testing import Simulation

FIRST_DAY = "2027-03-15T09:00+01:00"  #: simulations begin on 15 January at 8:00 UTC: 59 days earlier


def started(**fields: object) -> Simulation:
    sim = simulated("onboarding.xml")
    sim.launch({"candidate": "ada", "first_day": FIRST_DAY, **fields})
    return sim


def approved() -> Simulation:
    """Both have said yes."""
    sim = started()
    sim.answer("human:head", decision="yes", comment="we need her")
    sim.answer("human:finance", decision="yes")
    return sim


def prepared() -> Simulation:
    """There is everything, and weeks are left."""
    sim = approved()
    sim.answer("create-accounts")
    sim.answer("order-laptop", delivery="D-1")
    sim.event("parcel.delivered", delivery="D-1")
    return sim


# -- to the first day


def test_the_new_one_is_welcomed_on_the_first_day() -> None:
    """At nine in the morning, not earlier."""
    sim = prepared()
    sim.assert_waiting("first-day")

    go_to(sim, "59d", moments=-1)
    sim.assert_waiting("first-day")
    go_to(sim, "59d", moments=1)
    sim.answer("welcome")

    sim.assert_ended("begun")
    assert sim.fields["approvals"] == [{"by": "head", "comment": "we need her"}, {"by": "finance", "comment": ""}]
    assert [one.participant for one in sim.sent] == [
        "human:head",
        "human:finance",
        "create_accounts",
        "order_laptop",
        "welcome",
    ]


def test_a_day_that_is_none_is_noticed_before_anybody_is_asked() -> None:
    """A person can put it right."""
    sim = started(first_day="next monday")
    assert sim.status == "faulted"
    assert sim.incidents()[0].code == "ExpressionError"
    assert "next monday" in sim.incidents()[0].message

    sim.retry(first_day=FIRST_DAY)

    assert [one.participant for one in sim.open] == ["human:head", "human:finance"]


def test_a_first_day_that_has_passed_is_not_waited_for() -> None:
    """Nor is the laptop: one is lent at once."""
    sim = started(first_day="2027-01-04T09:00+01:00")
    sim.answer("human:head", decision="yes")
    sim.answer("human:finance", decision="yes")
    sim.answer("create-accounts")

    sim.answer("order-laptop", delivery="D-1")
    sim.advance(0)
    sim.answer("lend-laptop")
    sim.answer("welcome")

    sim.assert_ended("begun")


# -- the approvals


def test_nothing_is_prepared_before_both_have_approved() -> None:
    """They are asked side by side, and for a decision, not for everything that the process knows."""
    sim = started()

    assert asked(sim, "approve") == [{"candidate": "ada", "first_day": FIRST_DAY}] * 2
    sim.answer("human:finance", decision="yes")

    assert [one.participant for one in sim.open] == ["human:head"]


@pytest.mark.parametrize(("who", "other"), [("head", "finance"), ("finance", "head")])
def test_who_declines_decides_for_all(who: str, other: str) -> None:
    """The other one is asked no longer, and an answer that is under way comes too late."""
    sim = started()
    late = sim.attempt(f"human:{other}")

    sim.answer(f"human:{who}", decision="no", comment="too expensive")
    assert asked(sim, "tell-recruiter") == [{"candidate": "ada", "reason": f"{who}: too expensive"}]
    sim.answer_attempt(late, {"decision": "yes"})
    sim.answer("tell-recruiter")

    sim.assert_ended("declined")
    assert told(sim, "late", "approve") == 1
    assert "create_accounts" not in [one.participant for one in sim.sent]


def test_an_answer_that_is_not_yes_is_none() -> None:
    """Nobody is hired by a slip of the pen."""
    sim = started()

    sim.answer("human:head", decision="Yes, perhaps", comment="")

    assert asked(sim, "tell-recruiter") == [{"candidate": "ada", "reason": "head: "}]


def test_an_answer_that_comes_twice_counts_once() -> None:
    """The second thought comes too late."""
    sim = started()
    head = sim.attempt("human:head")

    sim.answer_attempt(head, {"decision": "yes"})
    sim.answer_attempt(head, {"decision": "no"})
    sim.answer("human:finance", decision="yes")

    assert [one.participant for one in sim.open] == ["create_accounts", "order_laptop"]


def test_those_who_have_not_decided_are_reminded_every_other_day() -> None:
    """Each for himself: who has decided is left alone."""
    sim = started()

    go_to(sim, "2d", moments=-1)
    assert asked(sim, "remind") == []
    go_to(sim, "2d", moments=1)
    assert asked(sim, "remind") == [
        {"approver": "head", "candidate": "ada"},
        {"approver": "finance", "candidate": "ada"},
    ]
    sim.answer("remind")
    sim.answer("remind")
    sim.answer("human:head", decision="yes")
    for day in ("4d", "6d", "8d"):
        go_to(sim, day, moments=1)
        assert [one.fields["approver"] for one in sim.open if one.participant == "remind_approver"] == ["finance"]
        sim.answer("remind")


def test_after_ten_days_without_a_decision_it_is_declined() -> None:
    """Not a moment earlier."""
    sim = started()
    sim.answer("human:head", decision="yes")

    go_to(sim, "10d", moments=-1)
    assert asked(sim, "tell-recruiter") == []
    go_to(sim, "10d", moments=1)
    sim.answer("tell-recruiter")

    sim.assert_ended("declined")
    assert asked(sim, "tell-recruiter") == [{"candidate": "ada", "reason": "finance: has not decided in time"}]


def test_a_reminder_that_cannot_be_sent_delays_nothing() -> None:
    """It is an incident for as long as it would have mattered."""
    sim = started()
    sim.answer("human:finance", decision="yes")
    sim.advance("2d")

    assert fail_for_good(sim, "remind", "no such host") == 4
    assert (sim.status, problems(sim)) == ("running", [("error", "ActionError", "no such host")])
    sim.answer("human:head", decision="yes")

    assert problems(sim) == []
    assert [one.participant for one in sim.open] == ["create_accounts", "order_laptop"]


def test_a_recruiter_who_cannot_be_told_needs_a_person() -> None:
    """After six attempts; it does not end as if he had been."""
    sim = started()
    sim.answer("human:head", decision="no")

    assert fail_for_good(sim, "tell-recruiter", "no such host") == 6
    sim.skip()

    sim.assert_ended("declined")


def test_somebody_begins_once_at_a_time() -> None:
    """Two laptops would be one too many."""
    sim = started()

    with pytest.raises(Refused, match="onboarding ada is unfinished already"):
        sim.launch({"candidate": "ada", "first_day": FIRST_DAY})


# -- the preparations


def test_a_parcel_that_comes_before_its_number_is_known_is_not_missed() -> None:
    """The event is kept, for the wait has a key."""
    sim = approved()
    sim.answer("create-accounts")

    sim.event("parcel.delivered", delivery="D-2")
    sim.event("parcel.delivered", delivery="D-1")
    sim.answer("order-laptop", delivery="D-1")

    sim.assert_waiting("first-day")


def test_two_days_before_the_first_one_a_laptop_is_lent() -> None:
    """The one that was ordered may come later; nobody waits for it."""
    sim = approved()
    sim.answer("create-accounts")
    sim.answer("order-laptop", delivery="D-1")

    go_to(sim, "57d", moments=-1)
    sim.assert_waiting("delivered")
    go_to(sim, "57d", moments=1)
    sim.answer("lend-laptop")
    sim.event("parcel.delivered", delivery="D-1")
    sim.advance("2d")
    sim.answer("welcome")

    sim.assert_ended("begun")


@pytest.mark.parametrize("activity", ["create-accounts", "order-laptop", "lend-laptop"])
def test_a_preparation_that_fails_needs_a_person_and_holds_nothing_else(activity: str) -> None:
    """Six attempts with one key. The candidate can still withdraw."""
    sim = approved()
    if activity == "lend-laptop":
        sim.answer("order-laptop", delivery="D-1")
        sim.answer("create-accounts")
        sim.advance("57d")

    assert fail_for_good(sim, activity, "out of order") == 6
    assert len(set(keys(sim, activity))) == 1
    assert (sim.status, problems(sim)[0]) == ("running", ("error", "ActionError", "out of order"))
    sim.event("candidate.withdrew", candidate="ada")

    assert problems(sim) == []
    assert [one.participant for one in sim.open] == ["close_accounts", "return_laptop"]


@pytest.mark.parametrize(
    ("activity", "before", "after"),
    [("create-accounts", "1h13m", "1h21m"), ("order-laptop", "19m", "27m"), ("lend-laptop", "19m", "27m")],
)
def test_a_preparation_without_an_answer_is_an_incident_too(activity: str, before: str, after: str) -> None:
    """After six times its timeout and about 17 minutes of pauses. As the fault Timeout it would hold the withdrawal."""
    sim = approved()
    if activity != "create-accounts":
        sim.answer("create-accounts")
    if activity != "order-laptop":
        sim.answer("order-laptop", delivery="D-1")
    begun = "57d" if activity == "lend-laptop" else "0d"

    go_to(sim, begun, moments=1)
    sim.advance(before)
    assert problems(sim) == []
    sim.advance(parse_duration(after) - parse_duration(before))
    assert (sim.status, problems(sim)) == ("running", [("error", "Timeout", f"{activity} had no answer in time")])
    sim.event("candidate.withdrew", candidate="ada")

    assert [one.participant for one in sim.open] == ["close_accounts", "return_laptop"]


def test_a_preparation_that_is_refused_holds_the_instance_until_a_person_decides() -> None:
    """Nobody has foreseen it. The withdrawal is kept, and counts then."""
    sim = approved()

    sim.throw("create-accounts", "NameTaken", "there is an ada already")
    sim.event("candidate.withdrew", candidate="ada")
    assert (sim.status, problems(sim)) == ("faulted", [("fault", "NameTaken", "there is an ada already")])
    sim.skip()

    assert [one.participant for one in sim.open] == ["close_accounts", "return_laptop"]


# -- the candidate withdraws


@pytest.mark.parametrize("after", ["launch", "approvals", "preparations"])
def test_a_candidate_can_withdraw_at_any_moment(after: str) -> None:
    """What is under way is cut short, and what may have been prepared is taken back."""
    sim = {"launch": started, "approvals": approved, "preparations": prepared}[after]()
    under_way = [one.participant for one in sim.open]

    sim.event("candidate.withdrew", candidate="ada")
    assert [one.participant for one in sim.open] == ["close_accounts", "return_laptop"]
    sim.answer("return-laptop")
    sim.answer("close-accounts")
    sim.advance("90d")

    sim.assert_ended("withdrawn")
    assert [one.participant for one in sim.sent][-2:] == ["close_accounts", "return_laptop"]
    assert len(under_way) == {"launch": 2, "approvals": 2, "preparations": 0}[after]


def test_the_withdrawal_of_somebody_else_ends_nothing() -> None:
    """The key is the candidate."""
    sim = prepared()

    sim.event("candidate.withdrew", candidate="bob")

    sim.assert_waiting("first-day")


def test_a_withdrawal_after_the_first_day_is_none() -> None:
    """There are other ways to leave."""
    sim = prepared()
    sim.advance("60d")

    sim.event("candidate.withdrew", candidate="ada")
    sim.answer("welcome")

    sim.assert_ended("begun")


def test_accounts_that_were_created_while_the_candidate_withdrew_are_closed() -> None:
    """The answer comes too late to be known, so they are closed by the candidate's name."""
    sim = approved()
    creating = sim.attempt("create-accounts")

    sim.event("candidate.withdrew", candidate="ada")
    sim.answer_attempt(creating, {})

    assert told(sim, "late", "create-accounts") == 1
    assert asked(sim, "close-accounts") == [{"candidate": "ada"}]


@pytest.mark.parametrize("activity", ["close-accounts", "return-laptop"])
def test_what_cannot_be_taken_back_needs_a_person(activity: str) -> None:
    """It does not end as if it had been."""
    sim = prepared()
    sim.event("candidate.withdrew", candidate="ada")
    other = {"close-accounts": "return-laptop", "return-laptop": "close-accounts"}[activity]

    sim.answer(other)
    assert fail_for_good(sim, activity, "out of order") == 6
    sim.skip()

    sim.assert_ended("withdrawn")


# -- a restart


async def test_a_program_that_was_stopped_remembers_who_has_approved(tmp_path: Path) -> None:
    """Only the other one is asked again."""
    calls: list[str] = []

    def yes(workitem: Any) -> dict[str, str]:
        calls.append(workitem.participant)
        return {"decision": "yes"}

    silent = dict.fromkeys(("create_accounts", "lend_laptop", "welcome"), nothing)
    people = {"human:head": yes, "human:finance": forever}
    laptop = {"order_laptop": lambda: {"delivery": "D-1"}}
    program = Program(tmp_path / "onboarding.db", "onboarding.xml", {**silent, **laptop, **people})
    fields = {"candidate": "ada", "first_day": "2020-01-07T09:00+01:00"}

    async with program as engine:
        await engine.launch(program.definition, fields, "onboarding-1")
        await program.until("completed", "approve")
    program.participants["human:finance"] = yes
    async with program:
        ended = await program.until("ended")

    assert ended.detail == {"status": "completed", "outcome": "begun"}
    assert calls == ["human:head", "human:finance"]


def test_everybody_agrees_in_the_example() -> None:
    """The participants that are shipped beside it."""
    sim = simulated("onboarding.xml", module("onboarding"))

    sim.launch({"candidate": "ada", "first_day": FIRST_DAY})
    sim.advance("60d")

    sim.assert_ended("begun")
    assert [one.participant for one in sim.sent][-2:] == ["lend_laptop", "welcome"]
