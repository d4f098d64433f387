"""``processes/renewal.xml``: a card that is charged on several dates over weeks, until somebody pays or nobody does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from shipped import Program, asked, fail_for_good, forever, go_to, keys, module, nothing, problems, simulated, told

from bureaucrat.errors import Refused
from bureaucrat.testing import Simulation

ENDS = "2027-02-01T09:00+01:00"  #: simulations begin on 15 January at 8:00 UTC: 17 days earlier
DATES = ("17d", "20d", "24d", "38d")
CHARGE = {"subscription": "S-1", "amount": 99.0}
TRANSFER = {"subscription": "S-1", "amount": 99}


def started(**fields: object) -> Simulation:
    sim = simulated("renewal.xml")
    sim.launch({"subscription": "S-1", "amount": 99, "ends": ENDS, **fields})
    return sim


def declined(times: int, **fields: object) -> Simulation:
    """A renewal whose card was declined so many times, each time with a letter."""
    sim = started(**fields)
    for date in DATES[:times]:
        go_to(sim, date, moments=1)
        sim.throw("charge", "CardDeclined", "no cover")
        sim.answer("remind")
    return sim


# -- the card


def test_the_card_is_charged_on_the_day_on_which_the_subscription_ends() -> None:
    """Not a moment earlier; then it goes on, and nobody is written to."""
    sim = started()

    go_to(sim, "17d", moments=-1)
    assert sim.sent == []
    go_to(sim, "17d", moments=1)
    assert sim.attempt("charge").fields == {"subscription": "S-1", "amount": 99}
    sim.answer("charge", payment={"number": "P-1"})
    sim.answer("extend")
    sim.advance("60d")

    sim.assert_ended("renewed")
    assert sim.fields["payment"] == {"number": "P-1"}
    assert [one.participant for one in sim.sent] == ["charge_card", "extend_subscription"]


def test_a_card_that_is_declined_is_charged_again_on_three_more_days() -> None:
    """At 9:00 of each, with a key of its own; the last letter says that it is the last."""
    sim = started()

    for number, date in enumerate(DATES, 1):
        go_to(sim, date, moments=-1)
        assert len(asked(sim, "charge")) == number - 1
        go_to(sim, date, moments=1)
        sim.throw("charge", "CardDeclined", "no cover")
        letter = {"subscription": "S-1", "reason": "no cover", "is_last": number == 4}
        assert asked(sim, "remind")[number - 1 :] == [letter]
        sim.answer("remind")
    sim.answer("close")

    sim.assert_ended("closed")
    assert asked(sim, "charge") == [CHARGE] * 4
    assert len(set(keys(sim, "charge"))) == 4


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_card_that_has_cover_again_ends_the_reminders(times: int) -> None:
    """No further letter, no further charge."""
    sim = declined(times)

    go_to(sim, DATES[times], moments=1)
    sim.answer("charge", payment={"number": "P-1"})
    sim.answer("extend")
    sim.advance("60d")

    sim.assert_ended("renewed")
    assert (len(asked(sim, "charge")), len(asked(sim, "remind"))) == (times + 1, times)


def test_the_dates_are_said_at_the_start() -> None:
    """Some customers are given less time."""
    sim = started(charge_after=["0s", "1d"])

    for date in ("17d", "18d"):
        go_to(sim, date, moments=1)
        sim.throw("charge", "CardDeclined", "no cover")
        sim.answer("remind")

    assert [one["is_last"] for one in asked(sim, "remind")] == [False, True]


def test_a_gateway_that_is_down_is_asked_six_times_for_each_date() -> None:
    """That is no refusal: the customer is not written to, and a person looks at it. The key stays the same."""
    sim = started()
    sim.advance("17d")

    assert fail_for_good(sim, "charge", "bad gateway") == 6
    assert (sim.status, problems(sim)) == ("running", [("error", "ActionError", "bad gateway")])
    assert (asked(sim, "remind"), len(set(keys(sim, "charge")))) == ([], 1)
    sim.retry()
    sim.answer("charge", payment={"number": "P-1"})

    sim.assert_waiting("extend")


def test_a_charge_without_an_answer_is_no_reason_to_charge_again_on_another_day() -> None:
    """A person finds out. An answer that was late counts."""
    sim = started()
    sim.advance("17d1s")
    late = sim.attempt("charge")

    sim.advance("19m")  # six times a minute, and pauses of 17 minutes, a fifth more or less
    assert problems(sim) == []
    sim.advance("7m30s")
    assert len(problems(sim)) == 1
    sim.advance("30d")
    assert (sim.status, problems(sim)) == ("running", [("error", "Timeout", "charge had no answer in time")])
    assert len(asked(sim, "charge")) == 6
    sim.answer_attempt(late, {"payment": {"number": "P-1"}})

    sim.assert_waiting("extend")
    assert problems(sim) == []


def test_of_the_answer_to_a_charge_only_the_payment_counts() -> None:
    """The bank cannot have the subscription downgraded."""
    sim = started()
    sim.advance("17d1s")

    sim.answer("charge", payment={"number": "P-1"}, lesser_plan="basic", amount=1)

    assert (sim.fields["lesser_plan"], sim.fields["amount"]) == ("", 99)


def test_a_charge_that_is_refused_for_another_reason_waits_for_a_person() -> None:
    """Nobody has foreseen it. A payment that arrives meanwhile is kept, and counts then."""
    sim = started()
    sim.advance("17d1s")

    sim.throw("charge", "AccessDenied", "the contract has ended")
    sim.event("payment.received", **TRANSFER)
    assert (sim.status, problems(sim)) == ("faulted", [("fault", "AccessDenied", "the contract has ended")])
    sim.retry()

    sim.assert_waiting("extend")
    assert sim.fields["payment"] == TRANSFER


@pytest.mark.parametrize("how", ["fault", "error"])
def test_a_letter_that_cannot_be_sent_is_no_reason_to_charge_nobody_any_more(how: str) -> None:
    """The next date comes all the same."""
    sim = started()
    sim.advance("17d1s")
    sim.throw("charge", "CardDeclined", "no cover")

    if how == "fault":
        sim.throw("remind", "NoSuchAddress")
    else:
        for _ in range(6):
            sim.fail("remind", "no such host")
            sim.advance("1m")

    sim.assert_waiting("charge-day")
    assert problems(sim) == []


# -- a payment, or the customer, ends it


@pytest.mark.parametrize("times", [0, 1, 2, 3])
def test_a_payment_ends_it_at_any_moment(times: int) -> None:
    """Before the day, and between any two dates."""
    sim = declined(times)
    charges = len(asked(sim, "charge"))

    sim.event("payment.received", subscription="S-2", amount=99)
    sim.assert_waiting("charge-day")
    sim.event("payment.received", **TRANSFER)
    sim.answer("extend")
    sim.advance("60d")

    sim.assert_ended("renewed")
    assert (sim.fields["payment"], len(asked(sim, "charge"))) == (TRANSFER, charges)


def test_a_payment_ends_a_charge_that_is_under_way() -> None:
    """If the card was charged all the same, its answer is late, and stands in the history."""
    sim = started()
    sim.advance("17d1s")
    charge = sim.attempt("charge")

    sim.event("payment.received", **TRANSFER)
    sim.answer_attempt(charge, {"payment": {"number": "P-1"}})

    assert sim.fields["payment"] == TRANSFER
    assert told(sim, "late", "charge") == 1


def test_a_second_payment_extends_nothing_twice() -> None:
    """Nor does one that comes when all is done."""
    sim = started()

    sim.event("payment.received", **TRANSFER)
    sim.event("payment.received", **TRANSFER)
    sim.answer("extend")
    sim.event("payment.received", **TRANSFER)

    sim.assert_ended("renewed")
    assert len(asked(sim, "extend")) == 1


@pytest.mark.parametrize("times", [0, 2])
def test_a_customer_who_cancels_is_written_to_no_more(times: int) -> None:
    """It ends as wished, whatever lesser plan there is."""
    sim = declined(times, lesser_plan="basic")

    sim.event("subscription.canceled", subscription="S-2")
    sim.event("subscription.canceled", subscription="S-1")
    sim.advance("60d")

    sim.assert_ended("canceled")
    assert len(sim.sent) == 2 * times


# -- nobody pays


def test_who_has_not_paid_goes_on_with_the_lesser_plan_if_there_is_one() -> None:
    """After the last letter, at once."""
    sim = declined(4, lesser_plan="basic")

    assert sim.attempt("downgrade").fields == {"subscription": "S-1", "plan": "basic"}
    sim.answer("downgrade")

    sim.assert_ended("downgraded")


@pytest.mark.parametrize("activity", ["extend", "downgrade", "close"])
def test_what_comes_of_it_is_tried_until_it_is_done(activity: str) -> None:
    """Twenty-one times, and then a person sees to it."""
    sim = declined(0 if activity == "extend" else 4, lesser_plan="basic" if activity == "downgrade" else "")
    if activity == "extend":
        sim.event("payment.received", **TRANSFER)

    assert fail_for_good(sim, activity, "out of order") == 21
    assert len(set(keys(sim, activity))) == 1
    sim.retry()
    sim.answer(activity)

    sim.assert_ended({"extend": "renewed", "downgrade": "downgraded", "close": "closed"}[activity])


def test_a_day_that_is_none_is_noticed_at_once() -> None:
    """Not on the day."""
    sim = started(ends="in spring")

    assert sim.status == "faulted"
    assert "in spring" in sim.incidents()[0].message
    sim.retry(ends=ENDS)

    sim.assert_waiting("charge-day")


def test_a_subscription_is_renewed_once_at_a_time() -> None:
    """Two renewals would charge two years."""
    sim = started()

    with pytest.raises(Refused, match="renewal S-1 is unfinished already"):
        sim.launch({"subscription": "S-1", "amount": 99, "ends": ENDS})


# -- a restart


def test_a_restart_in_the_middle_keeps_every_date() -> None:
    """And what was declined before is not charged again."""
    sim = declined(1)

    for date in DATES[1:]:
        sim.restart()
        go_to(sim, date, moments=-1)
        sim.assert_waiting("charge-day")
        sim.restart()
        go_to(sim, date, moments=1)
        sim.throw("charge", "CardDeclined", "no cover")
        sim.answer("remind")

    sim.assert_waiting("close")
    assert len(asked(sim, "charge")) == 4


async def test_a_program_that_was_stopped_hears_of_a_payment(tmp_path: Path) -> None:
    """It was charging; the charge is made again with the same key, and the payment ends it."""
    calls: list[str] = []

    async def charge(workitem: Any) -> None:
        calls.append(workitem.key)
        await forever()

    program = Program(tmp_path / "renewal.db", "renewal.xml", {"charge_card": charge, "extend_subscription": nothing})
    fields = {"subscription": "S-1", "amount": 99, "ends": "2020-01-07T09:00+01:00"}

    async with program as engine:
        await engine.launch(program.definition, fields, "renewal-1")
        await program.until("dispatched", "charge")
    async with program as engine:
        await program.until("dispatched", "charge", times=2)
        await engine.event("payment.received", TRANSFER)
        ended = await program.until("ended")

    assert ended.detail == {"status": "completed", "outcome": "renewed"}
    assert len(set(calls)) == 1


@pytest.mark.parametrize(("amount", "outcome"), [(99, "renewed"), (990, "closed")])
def test_the_example_card_has_a_limit(amount: int, outcome: str) -> None:
    """The participants that are shipped beside it."""
    sim = simulated("renewal.xml", module("renewal"))

    sim.launch({"subscription": "S-1", "amount": amount, "ends": ENDS})
    sim.advance("60d")

    sim.assert_ended(outcome)
