"""Corners of the core that no story reaches."""

from __future__ import annotations

import pytest

from bureaucrat.core.instance import Copy, Instance
from bureaucrat.core.messages import Cancel, Skip, Start, Stuck
from bureaucrat.core.retries import RetryPolicy
from bureaucrat.core.states import TRANSITIONS, IllegalTransition, State, move
from bureaucrat.core.step import step
from bureaucrat.core.table import Address, branches_around, static_path
from bureaucrat.core.values import complaint, digest
from bureaucrat.definition.reader import read
from bureaucrat.testing import Simulation


@pytest.mark.parametrize("old", list(State))
@pytest.mark.parametrize("new", list(State))
def test_a_move_is_legal_if_and_only_if_the_table_has_it(old: State, new: State) -> None:
    if new in TRANSITIONS[old]:
        assert move(old, new) is new
    else:
        with pytest.raises(IllegalTransition, match=f"{old} -> {new}"):
            move(old, new)


@pytest.mark.parametrize(
    ("dynamic", "address"),
    [
        ("", Address("", 0)),
        ("_0", Address("", 1)),
        ("_0_1", Address("_0_1", 3)),
        ("_0_1_0", Address("_0_1", 4)),
        ("_0.7", Address("_0.7", 1)),
        ("_0.7_1_0", Address("_0.7_1", 4)),
        ("_9", None),
        ("nonsense", None),
    ],
)
def test_an_address_is_found_by_its_path(dynamic: str, address: Address | None) -> None:
    definition = read(
        '<process name="p"><all><delay duration="1"/><sequence><delay duration="1"/></sequence></all></process>'
    )

    assert definition.locate(dynamic) == address


@pytest.mark.parametrize(
    ("address", "branch", "tag"),
    [
        ("_0", "", "foreach"),
        ("_0.2", "_0.2", "foreach"),
        ("_0.2_0", "_0.2", "foreach"),
        ("_0.2_0.13", "_0.2_0.13", "foreach"),
        ("_0.2_0.13_0", "_0.2_0.13", "delay"),
        ("_0.2_0.13_faults_0", "_0.2_0.13", "block"),
        ("_0_faults_0", "_0", "block"),
    ],
)
def test_an_address_in_a_parallel_foreach_is_found_and_told_alike(address: str, branch: str, tag: str) -> None:
    handler = '<faults><default><delay duration="1"/></default></faults>'
    inner = f'<foreach select="ys" parallel="3">{handler}<delay duration="1"/></foreach>'
    definition = read(f'<process name="p"><foreach select="xs" parallel="yes">{handler}{inner}</foreach></process>')

    found = definition.locate(address)

    assert found is not None
    assert (found.branch, definition.activities[found.activity].tag) == (branch, tag)
    assert definition.address("I", found.branch, found.activity) == "I" + address


def test_a_person_may_complete_an_item_that_still_waits() -> None:
    """L42, L111: what is in it ends, and its value is that of the given fields."""
    loop = '<foreach select="=[1, 2]" parallel="yes" collect="got" value="r"><action id="w" participant="w"/></foreach>'
    simulation = Simulation(f'<process name="p">{loop}</process>')
    simulation.launch()

    simulation.tell(Skip("_0.2", 1, {"r": 20}))
    simulation.answer("w", r=10)

    assert simulation.fields == {"got": [10, 20]}
    assert [(one.what, one.address.partition("_")[2]) for one in simulation.trace[-7:]] == [
        ("completed", "0.2"),
        ("answered", "0.1_0"),
        ("completed", "0.1_0"),
        ("completed", "0.1"),
        ("completed", "0"),
        ("completed", ""),
        ("ended", ""),
    ]


@pytest.mark.parametrize(("child", "got"), [("_0.1_0", [0, 1]), ("_0.1", [2, 1])])
def test_what_is_in_an_item_may_be_stuck_and_go_on(child: str, got: list[int]) -> None:
    """The action takes the first answer to any of its attempts (L34); the item began anew, with another action."""
    loop = '<foreach select="=[1, 2]" parallel="yes" collect="got" value="r"><action id="w" participant="w"/></foreach>'
    simulation = Simulation(f'<process name="p">{loop}</process>')
    simulation.launch()
    place = simulation.definition.locate(child)
    assert place is not None

    simulation.tell(Stuck(place.branch, place.activity, "engine", "it does not go on"))
    simulation.retry()
    for number, attempt in enumerate(simulation.sent):
        simulation.answer_attempt(attempt, {"r": number})

    assert simulation.fields == {"got": got}
    assert simulation.incidents() == []


def test_around_a_branch_is_whatever_its_id_begins_with() -> None:
    assert branches_around("") == [""]
    assert branches_around("_0_1.2_10.3_0") == ["", "_0", "_0_1", "_0_1.2", "_0_1.2_10", "_0_1.2_10.3", "_0_1.2_10.3_0"]


def test_the_numbers_of_items_are_no_part_of_a_definitions_path() -> None:
    assert static_path("_2.15_0.3_1") == "_2_0_1"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"a": [1, 2.5, "x", None, True]}, None),
        (2**63 - 1, None),
        (2**63, "the value is an integer beyond 64 bits"),
        ({"a": float("nan")}, "a is nan, which JSON has no word for"),
        ({"a": [0, {"b": object()}]}, "a[1].b is a object, which is no JSON"),
        ({"a": {1: 2}}, "a has the key 1, which is no text"),
        ({"a\x00": 1}, "the value contains a NUL character"),
        ({"a": "x\ud800"}, "a contains half of a surrogate pair"),
        (float("inf"), "the value is inf, which JSON has no word for"),
        (b"", "the value is a bytes, which is no JSON"),
        ("\udfff", "the value contains half of a surrogate pair"),
        ({1: 2}, "the value has the key 1, which is no text"),
    ],
)
def test_what_is_no_json_is_named_with_its_place(value: object, problem: str | None) -> None:
    assert complaint(value) == problem


def test_a_digest_is_short_and_tells_values_apart() -> None:
    values = [1, "1", 1.5, True, None, [1], {"a": 1}, "x" * 21, "x" * 22, "x" * 1000, list(range(100)), "#" * 30, "é"]

    digests = [digest(value)[0] for value in values]

    assert len(set(digests)) == len(values)
    assert max(map(len, digests)) <= 23
    assert digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})
    assert digest("é") == ('"é"', 4)
    assert digest("x" * 20) == (f'"{"x" * 20}"', 22)
    assert digest("x" * 21)[0].startswith("#")
    assert digest("\ud800") == ('"\ud800"', 5)


@pytest.mark.parametrize(("attempt", "wait"), [(1, 1.0), (2, 2.0), (3, 4.0), (4, 5.0), (10_000, 5.0)])
def test_waits_between_attempts_grow_up_to_a_bound(attempt: int, wait: float) -> None:
    policy = RetryPolicy(delay=1.0, backoff=2.0, max_delay=5.0, jitter=False)

    assert policy.wait(attempt, "salt") == wait


def test_jitter_is_at_most_a_fifth_and_the_same_for_the_same_attempt() -> None:
    policy = RetryPolicy(delay=10.0)

    waits = [policy.wait(1, f"I/{number}") for number in range(1_000)]

    assert min(waits) >= 8.0
    assert max(waits) <= 12.0
    assert max(waits) - min(waits) > 3.0
    assert waits == [policy.wait(1, f"I/{number}") for number in range(1_000)]


def test_an_ended_instance_takes_no_command() -> None:
    definition = read('<process name="p"/>')
    copy = Copy(Instance("I", "p", definition.hash, 0.0))
    step(definition, copy, Start(), 1.0)

    (refusal,) = step(definition, copy, Cancel(), 2.0)

    assert refusal.reason == "the instance is completed"
