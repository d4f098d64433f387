"""What is true of every process in ``processes/``; and the first ones, through all of their outcomes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from shipped import simulated

from bureaucrat.core.activities import Action
from bureaucrat.definition.reader import read
from bureaucrat.testing import Simulation

ROOT = Path(__file__).parent.parent.parent
PROCESSES = ROOT / "processes"
#: Every file in processes/: the module in examples/ that does its actions, and the file of its tests.
TESTED = {
    "order.xml": ("participants.py", "test_shipped_processes.py"),
    "approval.xml": ("participants.py", "test_shipped_processes.py"),
    "example1.xml": ("participants.py", "test_shipped_processes.py"),
    "nightly-load.xml": ("nightly_load.py", "test_nightly_load.py"),
    "identity-check.xml": ("identity_check.py", "test_identity_check.py"),
    "escalation.xml": ("escalation.py", "test_escalation.py"),
    "onboarding.xml": ("onboarding.py", "test_onboarding.py"),
    "purchase.xml": ("purchase.py", "test_purchase.py"),
    "renewal.xml": ("renewal.py", "test_renewal.py"),
}


def written_participants(module: str) -> set[str]:
    """The names that a module of examples/ serves, as they stand in its source."""
    tree = ast.parse((ROOT / "examples" / module).read_text(encoding="utf-8"))
    marks = [
        mark
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for mark in node.decorator_list
    ]
    named = [mark.args[0] for mark in marks if isinstance(mark, ast.Call)]
    return {str(name.value) for name in named if isinstance(name, ast.Constant)}


# -- all of them


def test_every_shipped_process_is_tested_here() -> None:
    """A new file in processes/ is entered in TESTED, with tests of its own."""
    assert {path.name for path in PROCESSES.iterdir()} == set(TESTED)
    assert [tests for _, tests in TESTED.values() if not (Path(__file__).parent / tests).exists()] == []


@pytest.mark.parametrize("name", sorted(TESTED))
def test_the_example_participants_serve_every_action(name: str) -> None:
    """So that each of them can be run with what is in examples/."""
    definition = read((PROCESSES / name).read_bytes(), file=name)

    asked = {one.participant.literal for one in definition.activities if isinstance(one, Action)} - {None}

    assert asked <= written_participants(TESTED[name][0])


@pytest.mark.parametrize("name", sorted({*TESTED} - {"example1.xml"}))
def test_every_activity_has_an_id(name: str) -> None:
    """Ids name activities in the history and make a later version able to take instances over."""
    definition = read((PROCESSES / name).read_bytes(), file=name)

    anonymous = [one.tag for one in definition.activities[1:] if one.id is None and one.tag not in ("case", "block")]

    assert anonymous == []


# -- order.xml


def paid_order() -> Simulation:
    """An order that waits for the capture."""
    sim = simulated("order.xml")
    sim.launch({"order_id": "1017"})
    sim.answer("reserve", stock_id="S-88")
    sim.event("payment.authorized", order_id="1017", card="4711")
    return sim


def test_a_paid_order_is_shipped() -> None:
    """Reserve, payment, capture, then parcel and invoice side by side."""
    sim = paid_order()

    sim.answer("capture", capture_id="C-1")
    sim.answer("invoice", invoice="2026-1")
    sim.answer("ship", parcel="DHL-1")

    sim.assert_ended("shipped")
    assert sim.fields == {
        "order_id": "1017",
        "amount": 120.5,
        "stock_id": "S-88",
        "payment": {"order_id": "1017", "card": "4711"},
        "capture_id": "C-1",
        "invoice": "2026-1",
        "parcel": "DHL-1",
    }


def test_an_order_waits_for_its_own_payment_only() -> None:
    """Somebody else's payment does not wake it."""
    sim = simulated("order.xml")
    sim.launch({"order_id": "1017"})
    sim.answer("reserve", stock_id="S-88")

    sim.event("payment.authorized", order_id="1018")

    sim.assert_waiting("payment")


def test_a_payment_that_comes_before_it_is_waited_for_counts() -> None:
    """It is kept, because the wait has a key and so counts from the start."""
    sim = simulated("order.xml")
    sim.launch({"order_id": "1017"})

    sim.event("payment.authorized", order_id="1017")
    sim.answer("reserve", stock_id="S-88")

    sim.assert_waiting("capture")


def test_an_unpaid_order_gives_the_stock_back_after_half_an_hour() -> None:
    """Not a second earlier."""
    sim = simulated("order.xml")
    sim.launch({"order_id": "1017"})
    sim.answer("reserve", stock_id="S-88")

    sim.advance("29m59s")
    sim.assert_waiting("payment")
    sim.advance("2s")
    sim.answer("give-back", stock_id=None)

    sim.assert_ended("unpaid")
    assert sim.fields["stock_id"] is None


def test_a_capture_that_fails_is_tried_six_times_and_is_then_an_incident() -> None:
    """A person can try it again; then the order goes on."""
    sim = paid_order()

    for _ in range(6):
        sim.fail("capture", "gateway timeout")
        sim.advance("10s")

    assert [(one.kind, one.code, one.message) for one in sim.incidents()] == [
        ("error", "ActionError", "gateway timeout")
    ]
    sim.retry()
    sim.answer("capture", capture_id="C-1")
    sim.answer("ship", parcel="DHL-1")
    sim.answer("invoice", invoice="2026-1")
    sim.assert_ended("shipped")


def test_all_attempts_of_the_capture_carry_one_key() -> None:
    """So that a participant can take the money once."""
    sim = paid_order()

    sim.fail("capture", "gateway timeout")
    sim.advance("1s")
    sim.answer("capture", capture_id="C-1")

    keys = [one.key for one in sim.sent if one.participant == "capture"]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_a_capture_without_an_answer_is_asked_again_after_its_timeout() -> None:
    """Twenty seconds for each attempt; after the sixth the fault Timeout, which nobody handles here."""
    sim = paid_order()

    sim.advance("10m")

    assert [one.participant for one in sim.sent].count("capture") == 6
    assert sim.status == "faulted"
    assert [(one.kind, one.code) for one in sim.incidents()] == [("fault", "Timeout")]


def test_a_refused_card_gives_the_stock_back() -> None:
    """The order ends with an outcome of its own."""
    sim = paid_order()

    sim.throw("capture", "CardRefused", "the limit of this card is 1000")
    sim.answer("take-back", stock_id=None)

    sim.assert_ended("refused")


# -- approval.xml


def started_approval(**fields: object) -> Simulation:
    sim = simulated("approval.xml")
    sim.launch({"document": "handbook", **fields})
    return sim


def test_a_document_is_revised_until_it_is_approved() -> None:
    """Two reviews, one revision."""
    sim = started_approval()

    sim.answer("review", decision="changes", comment="shorter")
    sim.answer("revise", text="second draft")
    sim.answer("review", decision="approved")
    sim.answer("publish", address="/handbook")

    sim.assert_ended("approved")
    assert (sim.fields["reviews"], sim.fields["text"], sim.fields["address"]) == (2, "second draft", "/handbook")


def test_a_rejected_document_ends_at_once() -> None:
    """There is nothing to revise."""
    sim = started_approval()

    sim.answer("review", decision="rejected")

    sim.assert_ended("rejected")


def test_the_author_is_told_when_the_reviews_are_used_up() -> None:
    """The limit is a fault that a handler of the whole process takes."""
    sim = started_approval(most_reviews=2)

    for draft in ("second draft", "third draft"):
        sim.answer("review", decision="changes")
        sim.answer("revise", text=draft)
    sim.answer("tell-author")

    sim.assert_ended("given up")
    assert sim.fields["reviews"] == 2


def test_a_reviewer_is_reminded_after_two_days_and_then_daily() -> None:
    """The reminders end with the review."""
    sim = started_approval()

    sim.advance("47h")
    assert [one.participant for one in sim.open] == ["review"]
    for _ in range(3):
        sim.advance("1d")
        sim.answer("remind")
    sim.answer("review", decision="rejected")
    sim.advance("30d")

    sim.assert_ended("rejected")
    assert [one.participant for one in sim.sent].count("remind_reviewer") == 3


def test_a_review_without_an_answer_is_given_up_after_two_weeks() -> None:
    """The author hears of it."""
    sim = started_approval()

    sim.advance("14d1m")
    sim.answer("tell-author-late")

    sim.assert_ended("unanswered")


def test_a_decision_that_is_none_is_a_fault() -> None:
    """It waits for a person, who can set the right decision and have it looked at again."""
    sim = started_approval()

    sim.answer("review", decision="perhaps")

    assert sim.status == "faulted"
    assert [(one.code, one.message) for one in sim.incidents()] == [
        ("UnknownDecision", "perhaps is not approved, changes or rejected")
    ]


# -- example1.xml


def echo(fields: dict[str, object]) -> dict[str, object]:
    return fields


def count(fields: dict[str, object]) -> dict[str, object]:
    called = """<process name="other"><context><property name="greeting" type="str"/></context>
                <assign property="answer">greeting + "!"</assign></process>"""
    return {"counter": int(str(fields.get("counter", 0))) + 1, "some_process": called}


def test_the_example_ends() -> None:
    """The original's loops for ever, because its counter begins anew with each turn."""
    sim = Simulation(PROCESSES / "example1.xml", {"participant1": count, "participant2": echo})

    sim.launch()
    sim.assert_waiting("pause")
    sim.advance("300ms")

    sim.assert_ended("completed")
    counted = [one for one in sim.sent if one.dispatch.address.startswith(f"{sim.instance}_1_")]
    assert [one.participant for one in counted] == ["participant1", "participant2"] * 4
    assert sim.fields["lengths"] == [5, 7]
    assert sim.fields["answered"] == "hello world!"
    assert sim.fields["counter"] == 2, "that of the loop was another one"


def test_the_example_takes_the_other_case_when_its_flag_is_set() -> None:
    """The first case whose condition holds."""
    sim = Simulation(PROCESSES / "example1.xml", {"participant1": count, "participant2": echo})

    sim.launch({"flag": True})

    labels = [sim.definition.activities[one.dispatch.activity].label for one in sim.sent]
    assert "flagged" in labels
    assert "plain" not in labels
