"""``processes/purchase.xml``: a payment in time, late or never; what was done is taken back, the newest first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from shipped import (
    PROCESSES,
    Program,
    asked,
    fail_for_good,
    forever,
    go_to,
    keys,
    module,
    nothing,
    problems,
    simulated,
    told,
)

from bureaucrat.core.durations import parse_duration
from bureaucrat.errors import Refused
from bureaucrat.testing import Simulation

PAYMENT = {"order": "1017", "amount": 120}
STEPS = ["reserve", "write-invoice", "order-pickup", "hand-over"]
#: what takes back the steps before each of them
TAKEN_BACK = {
    "reserve": [],
    "write-invoice": ["refund", "release"],
    "order-pickup": ["write-credit-note", "refund", "release"],
    "hand-over": ["cancel-pickup", "write-credit-note", "refund", "release"],
}


def purchased(until: str = "pay", **fields: object) -> Simulation:
    """A purchase that has come as far as a step."""
    sim = simulated("purchase.xml")
    sim.launch({"order": "1017", **fields})
    answers: dict[str, dict[str, object]] = {
        "reserve": {},
        "pay": {},
        "write-invoice": {"invoice": "I-1"},
        "order-pickup": {"pickup": "P-1"},
        "hand-over": {},
    }
    for step, answer in answers.items():
        if step == until:
            break
        if step == "pay":
            sim.event("payment.received", **PAYMENT)
        else:
            sim.answer(step, answer)
    return sim


def take_back(sim: Simulation) -> list[tuple[str | None, dict[str, Any]]]:
    """Answer every compensation as it comes; which they were, and what each was sent."""
    taken = []
    while sim.open and sim.open[0].participant != "tell_customer":
        one = sim.open[0]
        taken.append((sim.definition.activities[one.dispatch.activity].id, one.fields))
        sim.answer(one.participant)
    return taken


# -- paid in time


def test_a_purchase_is_paid_invoiced_and_handed_over() -> None:
    """Nothing is taken back."""
    sim = purchased("hand-over")
    assert sim.attempt("hand-over").fields == {"order": "1017", "pickup": "P-1"}

    sim.answer("hand-over")

    sim.assert_ended("shipped")
    assert sim.fields == {
        "order": "1017",
        "patience": "30m",
        "payment": PAYMENT,
        "invoice": "I-1",
        "pickup": "P-1",
    }
    assert [one.fields for one in sim.sent] == [
        {"order": "1017"},
        {"order": "1017", "payment": PAYMENT},
        {"order": "1017"},
        {"order": "1017", "pickup": "P-1"},
    ]


def test_an_order_that_is_placed_starts_it() -> None:
    """Once, however often it is told of. The payment may come at the same time."""
    sim = Simulation(processes=[PROCESSES / "purchase.xml"])

    sim.event("order.placed", order="1017")
    sim.event("order.placed", order="1017")
    sim.event("payment.received", **PAYMENT)
    (sim.instance,) = sim.instances()
    sim.answer("reserve")

    sim.assert_waiting("write-invoice")


def test_a_payment_that_is_faster_than_the_reservation_counts() -> None:
    """And one for another order does not."""
    sim = purchased("reserve")

    sim.event("payment.received", order="1018")
    sim.event("payment.received", **PAYMENT)
    sim.answer("reserve")

    sim.assert_waiting("write-invoice")
    assert sim.fields["payment"] == PAYMENT


def test_a_payment_in_the_last_moment_counts() -> None:
    """Half an hour from the moment at which the goods were laid aside."""
    sim = purchased()

    go_to(sim, "30m", moments=-1)
    sim.event("payment.received", **PAYMENT)
    sim.advance("1d")

    assert asked(sim, "release") == []
    assert asked(sim, "write-invoice") != []


def test_a_second_payment_changes_nothing() -> None:
    """It is a matter for accounting; the process has its payment."""
    sim = purchased("write-invoice")

    sim.event("payment.received", order="1017", amount=5)
    sim.answer("write-invoice", invoice="I-1")

    assert sim.fields["payment"] == PAYMENT


# -- paid late or never


def test_after_half_an_hour_the_goods_are_given_back_and_after_two_weeks_it_ends_unpaid() -> None:
    """Not a moment earlier. There is nobody to apologize to."""
    sim = purchased()

    go_to(sim, "30m", moments=-1)
    assert asked(sim, "release") == []
    go_to(sim, "30m", moments=1)
    assert asked(sim, "release") == [{"order": "1017"}]
    sim.answer("release")
    go_to(sim, "14d30m", moments=0)
    assert sim.status == "running"
    go_to(sim, "14d30m", moments=2)

    sim.assert_ended("unpaid")
    assert len(sim.sent) == 2


@pytest.mark.parametrize("is_released", [True, False])
def test_who_pays_too_late_gets_the_money_back(is_released: bool) -> None:
    """Also while the goods are just being given back; they are given back once."""
    sim = purchased()
    go_to(sim, "30m", moments=1)

    if is_released:
        sim.answer("release")
        sim.advance("10d")
    sim.event("payment.received", **PAYMENT)
    if not is_released:
        assert asked(sim, "refund-late") == []
        sim.answer("release")

    assert take_back(sim) == [("refund-late", {"payment": PAYMENT})]
    assert sim.attempt("apologize").fields == {"order": "1017", "reason": "the payment came too late"}
    sim.answer("apologize")
    sim.assert_ended("canceled")
    assert len(asked(sim, "release")) == 1


def test_how_long_the_goods_are_laid_aside_is_said_at_the_start() -> None:
    """A good customer may have a day."""
    sim = purchased(patience="1d")

    go_to(sim, "1d", moments=-1)

    sim.assert_waiting("pay")


# -- something is impossible


@pytest.mark.parametrize("step", STEPS)
def test_what_was_done_before_an_impossible_step_is_taken_back_the_newest_first(step: str) -> None:
    """The step itself was not done."""
    sim = purchased(step)

    sim.throw(step, "Impossible", "there is none")
    taken = take_back(sim)

    sent = {
        "release": {"order": "1017"},
        "refund": {"payment": PAYMENT},
        "write-credit-note": {"invoice": "I-1"},
        "cancel-pickup": {"pickup": "P-1"},
    }
    assert taken == [(one, sent[one]) for one in TAKEN_BACK[step]]
    assert sim.attempt("apologize").fields == {"order": "1017", "reason": "there is none"}
    sim.answer("apologize")
    sim.assert_ended("canceled")


@pytest.mark.parametrize(
    ("step", "attempts"), [("reserve", 6), ("write-invoice", 6), ("order-pickup", 6), ("hand-over", 3)]
)
def test_a_step_that_fails_again_and_again_needs_a_person_and_takes_nothing_back(step: str, attempts: int) -> None:
    """What fails today may work tomorrow: then it goes on. All the attempts have one key."""
    sim = purchased(step)

    assert fail_for_good(sim, step, "out of order") == attempts
    assert problems(sim) == [("error", "ActionError", "out of order")]
    assert len(set(keys(sim, step))) == 1
    sim.retry()
    sim.answer(step, invoice="I-1", pickup="P-1")

    assert asked(sim, "release") == []
    assert told(sim, "completed", step) == 1


@pytest.mark.parametrize(
    ("step", "before", "after"),
    [
        ("reserve", "2m24s", "2m38s"),  # six times 20 s, and pauses of 31 s, a fifth more or less
        ("write-invoice", "2m24s", "2m38s"),
        ("order-pickup", "2m24s", "2m38s"),
        ("hand-over", "12h2s", "12h4s"),  # three times 4 h, and pauses of 3 s
    ],
)
def test_of_a_step_without_an_answer_a_person_finds_out_whether_it_was_done(step: str, before: str, after: str) -> None:
    """To pay back what was shipped would be worse than to wait."""
    sim = purchased(step)

    sim.advance(before)
    assert problems(sim) == []
    sim.advance(parse_duration(after) - parse_duration(before))
    assert problems(sim) == [("error", "Timeout", f"{step} had no answer in time")]
    assert asked(sim, "release") == []
    sim.skip()

    assert problems(sim) == []
    assert told(sim, "completed", step) == 1


def test_a_step_that_a_person_has_done_by_hand_is_taken_back_like_the_others() -> None:
    """It was done."""
    sim = purchased("write-invoice")
    fail_for_good(sim, "write-invoice", "no paper")

    sim.skip(invoice="I-2")
    sim.throw("order-pickup", "Impossible", "they are on strike")

    assert take_back(sim) == [
        ("write-credit-note", {"invoice": "I-2"}),
        ("refund", {"payment": PAYMENT}),
        ("release", {"order": "1017"}),
    ]


# -- taking back goes wrong


@pytest.mark.parametrize("activity", ["cancel-pickup", "write-credit-note", "refund", "release"])
def test_what_cannot_be_taken_back_is_tried_eleven_times_and_is_then_decided_by_a_person(activity: str) -> None:
    """The others are taken back all the same, before it and after it."""
    sim = purchased("hand-over")
    sim.throw("hand-over", "Impossible", "too heavy")
    before = TAKEN_BACK["hand-over"].index(activity)
    for one in TAKEN_BACK["hand-over"][:before]:
        sim.answer(one)

    assert fail_for_good(sim, activity, "out of order") == 11
    sim.skip()

    assert [one for one, _ in take_back(sim)] == TAKEN_BACK["hand-over"][before + 1 :]


def test_a_late_payment_is_paid_back_with_as_much_patience() -> None:
    """Eleven attempts."""
    sim = purchased()
    go_to(sim, "30m", moments=1)
    sim.answer("release")
    sim.event("payment.received", **PAYMENT)

    assert fail_for_good(sim, "refund-late", "bad gateway") == 11


def test_a_refund_that_fails_needs_a_person_and_the_rest_is_taken_back_after_it() -> None:
    """After eleven attempts, all with one key."""
    sim = purchased("write-invoice")
    sim.throw("write-invoice", "Impossible", "no such country")

    assert fail_for_good(sim, "refund", "bad gateway") == 11
    assert problems(sim) == [("error", "ActionError", "bad gateway")]
    assert len(set(keys(sim, "refund"))) == 1
    assert asked(sim, "release") == []
    sim.retry()

    assert take_back(sim) == [("refund", {"payment": PAYMENT}), ("release", {"order": "1017"})]


def test_a_refund_that_is_refused_is_decided_by_a_person() -> None:
    """Who has paid it back in another way skips it."""
    sim = purchased("write-invoice")
    sim.throw("write-invoice", "Impossible", "no such country")

    sim.throw("refund", "AccountClosed", "ask the customer")
    assert (sim.status, problems(sim)) == ("faulted", [("fault", "AccountClosed", "ask the customer")])
    sim.skip()

    assert take_back(sim) == [("release", {"order": "1017"})]


def test_an_apology_that_cannot_be_sent_needs_a_person() -> None:
    """Nothing is taken back twice for it."""
    sim = purchased("reserve")
    sim.throw("reserve", "Impossible", "there is none")

    assert fail_for_good(sim, "apologize", "no such address") == 6
    sim.skip()

    sim.assert_ended("canceled")


# -- a person ends it


def test_a_purchase_that_a_person_cancels_can_be_taken_back_first() -> None:
    """No handler runs: the customer is told by whoever has canceled it."""
    sim = purchased("hand-over")
    late = sim.attempt("hand-over")

    sim.cancel(compensate=True)
    assert sim.status == "compensating"
    sim.answer_attempt(late, {})
    assert [activity for activity, _ in take_back(sim)] == TAKEN_BACK["hand-over"]

    assert (sim.status, sim.open) == ("canceled", [])


def test_canceled_without_compensation_everything_stays_as_it_is() -> None:
    """The other way to cancel."""
    sim = purchased("hand-over")

    sim.cancel()

    assert (sim.status, sim.open) == ("canceled", [])


def test_an_order_is_bought_once_at_a_time() -> None:
    """Also while it is being taken back."""
    sim = purchased("write-invoice")
    sim.throw("write-invoice", "Impossible", "no such country")

    with pytest.raises(Refused, match="purchase 1017 is unfinished already"):
        sim.launch({"order": "1017"})


# -- a restart


async def test_a_program_that_is_killed_while_it_takes_back_goes_on_with_the_rest(tmp_path: Path) -> None:
    """The refund that was under way is made again with the same key; what had been taken back is not."""
    calls: list[tuple[str, str]] = []

    def noted(workitem: Any) -> None:
        calls.append((workitem.participant, workitem.key))

    async def stuck(workitem: Any) -> None:
        noted(workitem)
        await forever()

    example = vars(module("purchase"))
    names = ("reserve_goods", "write_invoice", "order_pickup", "hand_over")
    functions = {name: example[{"reserve_goods": "stock"}.get(name, name)] for name in names}
    undoing = dict.fromkeys(("cancel_pickup", "write_credit_note", "release_goods"), noted)
    program = Program(tmp_path / "buy.db", "purchase.xml", {**functions, **undoing, "refund": stuck})
    program.participants["tell_customer"] = nothing

    async with program as engine:
        await engine.launch(program.definition, {"order": "heavy"}, "purchase-1")
        await engine.event("payment.received", {"order": "heavy", "amount": 120})
        await program.until("dispatched", "refund")
    program.participants["refund"] = noted
    async with program:
        ended = await program.until("ended")

    assert ended.detail == {"status": "completed", "outcome": "canceled"}
    assert [name for name, _ in calls] == ["cancel_pickup", "write_credit_note", "refund", "refund", "release_goods"]
    assert len({key for _, key in calls}) == 4


@pytest.mark.parametrize(("order", "outcome"), [("1017", "shipped"), ("heavy", "canceled")])
def test_the_example_carrier_refuses_what_is_heavy(order: str, outcome: str) -> None:
    """The participants that are shipped beside it."""
    sim = simulated("purchase.xml", module("purchase"))

    sim.launch({"order": order})
    sim.event("payment.received", order=order, amount=120)

    sim.assert_ended(outcome)
