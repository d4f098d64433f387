"""What each operation of an expression costs, to the step, and how large the largest allowed is (language, L22)."""

from __future__ import annotations

from typing import Any

import pytest

from bureaucrat.core.expressions.assembly import NAMESPACE
from bureaucrat.core.expressions.guards import (
    MAX_SIZE,
    MAX_STEPS,
    BoundPassed,
    Budget,
    name_of,
    number,
    search_cost,
    weigh,
)

T100, T130, T1000 = "x" * 100, "x" * 130, "x" * 1_000
BIG = 2**100
LIST = [1, "a", [2, 3]]

#: Guard, operands, steps.
COSTS: list[tuple[str, tuple[Any, ...], int]] = [
    # numbers: nothing, where they are small
    ("add", (1, 2), 0),
    ("add", (BIG, BIG), 101 // 64 + 0),
    ("add", (2**200, 1), 3),
    ("multiply", (2**70, 2**70), 141 // 64),
    ("multiply", (2.0, 3), 0),
    ("subtract", (2**200, 1), 201 // 64 + 200 // 64),
    ("subtract", (1, 2**200), 200 // 64 + 0),
    ("subtract", (2**64, 1), 1),
    ("subtract", (-(2**64), -1), 1),
    ("subtract", (2**64 - 1, 1), 0),
    ("subtract", (1 - 2**64, -1), 0),
    ("divide_whole", (2**200, 2**199), 3),
    ("modulo", (2**200, 7), 3),
    ("power", (2, 10), 4),
    ("power", (1, 1023), 10),
    ("shift_left", (1, 200), 3),
    ("shift_right", (2**200, 199), 3),
    ("negative", (2**200,), 3),
    ("positive", (2**200,), 3),
    ("invert", (2**200,), 3),
    # what is put together: an element a step, 16 characters a step
    ("add", (T100, T100), 1 + 200 // 16),
    ("add", ([1, 2], [3]), 1 + 3),
    ("add", ((1, 2), (3,)), 1 + 3),
    ("multiply", ([1, 2], 3), 1 + 6),
    ("multiply", (3, [1, 2]), 1 + 6),
    ("multiply", (T100, 2), 1 + 200 // 16),
    ("multiply", ([1, 2], 0), 1),
    ("multiply", ([1, 2], -1), 1),
    ("multiply", (True, [1, 2]), 1 + 2),
    ("either", ({1, 2}, {3}), 1 + 3),
    ("either", ({"a": 1}, {"a": 2, "b": 3}), 1 + 3),
    ("both", ({1, 2}, {3}), 1 + 3),
    ("subtract", ({1, 2}, {3}), 1 + 3),
    ("piece", (LIST, 1, None, None), 1 + 2),
    ("piece", (T100, 0, 64, None), 1 + 64 // 16),
    # comparisons: the shorter operand, all that is in it
    ("less", (1, 2), 0),
    ("equal", (T1000, T130), 2),
    ("equal", (T130, T1000), 2),
    ("equal", ([1], [1, 2, 3]), 1 + 1),
    ("equal", ([1, 2, 3], [1]), 1 + 1),
    ("equal", ([T130], [T1000]), 1 + 1 + 15),
    ("equal", ([T1000, 1], [T130]), 1 + 1 + 2),
    ("equal", (LIST, LIST), (1 + 3) + (1 + 2)),
    ("equal", ({"a": 1}, {"a": 1}), 1 + 2),
    ("equal", ({1, 2}, {3, 4}), 1 + 2),
    ("equal", (None, None), 0),
    ("equal", (T1000, [1]), 0),
    # membership
    ("contains", (1, {1: 2}), 0),
    ("contains", ("x", T1000), 1 + 15 * 1),
    ("contains", (T100[:40], T1000), 1 + 15 * (1 + 10)),
    ("contains", (T1000, T1000), 1 + 15 * (1 + 25)),
    ("contains", ("x", [1, 2, 3]), 3),
    ("contains", (T130, [1, 2, 3]), 3 * (1 + 2)),
    ("contains", (T130, (1, 2, 3)), 3 * (1 + 2)),
    ("contains", (1, [1, 2, 3]), 3),
    ("contains", (None, (1, 2, 3)), 3),
    ("contains", ([2, 3], LIST), (1 + 3) + (1 + 2)),
    ("lacks", (1, [1, 2, 3]), 3),
    # loops
    ("turns", ([1, 2, 3], 5), 1 + 15),
    ("turns", ({1, 2, 3}, 5), (1 + 3) + 3 + 1 + 15),
    ("rows", ([[1, 2], [3, 4]], 5, 1), 1 + 10),
    ("rows", ([[1, [2, 3]]], 5, 2), 1 + 5 + (1 + 2)),
    ("rows", ([[1, [2, [3, 4]]]], 5, 3), 1 + 5 + (1 + 2) + (1 + 2)),
    ("rows", ([[1, {2, 3}]], 5, 2), 1 + 5 + (1 + 2) + (1 + 2) + 2),
    ("rows", (["ab"], 5, 2), 1 + 5),
    # functions
    ("function_len", ([1, 2],), 0),
    ("function_int", ("1" * 19,), 2),
    ("function_int", ("0" * 4_096,), 512),
    ("function_float", ("1" * 40,), 2),
    ("function_min", ([1, 2, 3],), 3 + (1 + 3)),
    ("function_max", (4, 5), 2 + (1 + 2)),
    ("function_sum", ([1, 2],), 2),
    ("function_sum", ([[1], [2]], []), 2 + (1 + 1) + (1 + 2)),
    ("function_any", ([0, 1],), 2),
    ("function_all", ({1, 2},), (1 + 2) + 2 + 2),
    ("function_round", (5,), 1),
    ("function_round", (BIG,), 1 + 101 // 16 + 101 // 64),
    ("function_round", (1.5, 1_300), 0),
    ("function_abs", (-(2**200),), 3),
    ("function_sorted", ([3, 1],), (1 + 2) + (1 + 2)),
    ("function_range", (5,), 1 + 5),
    ("function_range", (0, 10, 3), 1 + 4),
    ("function_range", (3, 0), 1),
    ("function_range", (2**63 - 2, 2**63 - 1), 1 + 1),
    ("function_list", ("abc",), 1 + 3),
    ("function_tuple", ("abc",), 1 + 3),
    ("function_set", ([1, 2],), 1 + 2 * 2),
    ("function_dict", ([["a", 1], ["b", 2]],), 1 + 2 * 2),
    ("function_dict", ({"a": 1},), 1 + 2 * 1),
    ("function_enumerate", ([1, 2],), 1 + 3 * 2),
    ("function_enumerate", ([], 2**63 - 1), 1),
    ("function_zip", ([1, 2, 3], [3, 4]), 1 + (2 + 2) * 2),
    ("function_now", (), 0),
    ("function_epoch", ("2026-11-21",), 10),
    ("function_iso", (0,), 10),
    ("function_seconds", ("1s",), 100),
    ("listed", ([1, 2],), 1 + 2),
    ("method_get", ({}, 1), 0),
    ("method_keys", ({"a": 1, "b": 2},), 1 + 2),
    ("method_values", ({"a": 1, "b": 2},), 1 + 2),
    ("method_items", ({"a": 1, "b": 2},), 1 + 3 * 2),
    # texts
    ("represent", (T100,), 1 + 102 // 16),
    ("represent", (12,), 1),
    ("represent", ([1, 2],), 5),
    ("represent", ({"k": "x" * 62},), 1 + 1 + (1 + 64 // 16) + 1),
    ("written", ("x" * 60, "x" * 60), 1 + 120 // 16),
    ("method_upper", (T100,), 2 * (1 + 100 // 16)),
    ("method_lower", (T100,), 2 * (1 + 100 // 16)),
    ("method_strip", (T100,), 1 + 6),
    ("method_strip", (T100, "x" * 40), 1 + 6 * (1 + 2)),
    ("method_split", (T1000,), 1 + 15 + (1 + 1) + (1 + 1_000 // 16)),
    ("method_split", ("a-b" + T1000, "-" * 8), 1 + 15 * (1 + 2) + (1 + 1) + (1 + 1_003 // 16)),
    ("method_join", (", ", ["x" * 40, "x" * 40]), 2 + 1 + 84 // 16),
    ("method_join", (T100, ["x", "y"]), 2 + 1 + 202 // 16),
    ("method_startswith", ("ab", "a"), 1),
    ("method_startswith", ("ab", [T100, T100]), 2 + 200 // 64),
    ("method_endswith", ("ab", ("a", "b", "c")), 3),
    ("method_replace", (T100, "x", "yy"), 1 + 1 + (1 + 200 // 16)),
    ("method_replace", (T100, "x", "yy", 40), 1 + 1 + (1 + 140 // 16)),
    ("method_replace", (T100, "x", "yy", 0), 1 + 1 + (1 + 100 // 16)),
    ("method_replace", (T100, "x", "yy", 1_000), 1 + 1 + (1 + 200 // 16)),
    ("method_replace", ("a" * 32 + T100, "a" * 16, "b"), 1 + 2 * (1 + 4) + (1 + 102 // 16)),
]


@pytest.mark.parametrize(("guard", "operands", "steps"), COSTS, ids=lambda one: str(one)[:40])
def test_an_operation_costs_so_many_steps(guard: str, operands: tuple[Any, ...], steps: int) -> None:
    """One is about 100 ns, or 64 bytes of what is built."""
    budget = Budget(0.0)

    NAMESPACE[guard](budget, *operands)

    assert MAX_STEPS - budget.left == steps


def test_a_budget_may_be_spent_to_the_last_step() -> None:
    budget = Budget(5.0)

    budget.charge(MAX_STEPS)

    assert (budget.left, budget.now) == (0, 5.0)
    with pytest.raises(BoundPassed, match="it takes more than 1,000,000 steps"):
        budget.charge(1)


def test_a_text_may_have_so_many_characters_and_no_more() -> None:
    budget = Budget(0.0)

    budget.build(str, MAX_SIZE)

    assert MAX_STEPS - budget.left == 1 + MAX_SIZE // 16
    with pytest.raises(BoundPassed, match="a text would have more than 1,048,576 characters"):
        budget.build(str, MAX_SIZE + 1)
    with pytest.raises(BoundPassed, match="a list would have more than 1,048,576 elements"):
        budget.build(list, MAX_SIZE + 1)


def test_a_number_may_have_so_many_bits_and_no_more() -> None:
    """Small ones cost nothing, and 4,096 bits 64 steps."""
    budget = Budget(0.0)

    assert number(budget, 2**64 - 1) == 2**64 - 1
    assert number(budget, 1 - 2**64) == 1 - 2**64
    assert budget.left == MAX_STEPS
    assert number(budget, 2**4096 - 1) == 2**4096 - 1
    assert MAX_STEPS - budget.left == 64
    assert (number(budget, 2**64), number(budget, -(2**64))) == (2**64, -(2**64))
    assert MAX_STEPS - budget.left == 66
    with pytest.raises(BoundPassed):
        number(budget, 2**4096)


@pytest.mark.parametrize(
    ("guard", "operands", "result"),
    [
        ("power", (2, 4_095), 2**4_095),
        ("power", (4, 2_047), 4**2_047),
        ("shift_left", (0, 4_096), 0),
        ("power", (-1, 4_097), -1),
        ("function_enumerate", ([1], -(2**63) + 1), [(-(2**63) + 1, 1)]),
        ("key", (2**64 - 1,), 2**64 - 1),
        ("key", (1 - 2**64,), 1 - 2**64),
        ("contains", (2**64 - 1, [2**64 - 1]), True),
    ],
    ids=lambda one: str(one)[:40],
)
def test_the_largest_that_is_allowed(guard: str, operands: tuple[Any, ...], result: Any) -> None:
    budget = () if guard == "key" else (Budget(0.0),)

    assert NAMESPACE[guard](*budget, *operands) == result


@pytest.mark.parametrize(
    ("guard", "operands", "problem"),
    [
        ("power", (2, 4_097), "an integer would have more than 4,096 bits"),
        ("power", (-4, 2_049), "an integer would have more than 4,096 bits"),
        ("shift_left", (0, 4_097), "an integer would have more than 4,096 bits"),
        ("function_int", ("0" * 4_097,), "int() takes at most 4,096 characters"),
        ("function_round", (1.5, 1_301), "round() takes at most 1,300 digits"),
        ("function_range", (2**63, 2**63), "range() counts within 64 bits"),
        ("function_range", (-(2**63), 0), "range() counts within 64 bits"),
        ("function_enumerate", ([], 2**63), "enumerate() counts from an integer of 64 bits"),
        ("power", (3, 10**8), "an integer would have more than 4,096 bits"),
        ("add", ([1], 1), 'can only concatenate list (not "int") to list'),
        ("key", (float("nan"),), "nan is no JSON number"),
        ("key", (2**64,), "an integer beyond 64 bits cannot be a key of a mapping or a member of a set"),
        ("key", (-(2**64),), "an integer beyond 64 bits cannot be a key of a mapping or a member of a set"),
        ("function_epoch", (1,), "epoch() takes a text, not int"),
        ("function_seconds", (1,), "seconds() takes a text, not int"),
        ("method_keys", ([],), "keys() is for a mapping, not list"),
        ("method_values", ([],), "values() is for a mapping, not list"),
        ("method_items", ([],), "items() is for a mapping, not list"),
        ("method_lower", (None,), "lower() takes a text, not None"),
        ("method_strip", (1,), "strip() takes a text, not int"),
        ("method_strip", ("a", 1), "strip() takes a text, not int"),
        ("method_split", ({},), "split() takes a text, not mapping"),
        ("method_split", ("a", 1), "split() takes a text, not int"),
        ("method_join", (1, []), "join() takes a text, not int"),
        ("method_startswith", (1, "a"), "startswith() takes a text, not int"),
        ("method_startswith", ("a", [1]), "startswith() takes a text, not int"),
        ("method_endswith", (1, "a"), "endswith() takes a text, not int"),
        ("method_endswith", ("a", 1), "endswith() takes a text, not int"),
        ("method_replace", (1, "a", "b"), "replace() takes a text, not int"),
        ("method_replace", ("a", 1, "b"), "replace() takes a text, not int"),
        ("method_replace", ("a", "b", 1), "replace() takes a text, not int"),
        ("multiply", ({}, 2), "unsupported operand type(s) for *: 'dict' and 'int'"),
        ("multiply", (2, {}), "unsupported operand type(s) for *: 'int' and 'dict'"),
        ("multiply", ({}, {}), "unsupported operand type(s) for *: 'dict' and 'dict'"),
    ],
    ids=lambda one: str(one)[:40],
)
def test_what_is_beyond_says_so(guard: str, operands: tuple[Any, ...], problem: str) -> None:
    budget = () if guard == "key" else (Budget(0.0),)

    with pytest.raises((BoundPassed, TypeError, ValueError)) as raised:
        NAMESPACE[guard](*budget, *operands)

    assert str(raised.value) == problem


def test_the_text_of_a_collection_has_the_sets_inside_it_in_order() -> None:
    """8 stands before 1 in Python's own."""
    for value, text in [
        ({8, 1}, "{1, 8}"),
        ([{8, 1}, ["a"]], "[{1, 8}, ['a']]"),
        (({8, 1},), "({1, 8},)"),
        (({8, 1}, 2), "({1, 8}, 2)"),
        ({"k": {8, 1}, "l": ()}, "{'k': {1, 8}, 'l': ()}"),
        ({None, 2, "a", True}, "{None, True, 2, 'a'}"),
    ]:
        assert NAMESPACE["represent"](Budget(0.0), value) == text


def test_a_collections_text_may_be_as_long_as_any_and_no_longer() -> None:
    half = "x" * (MAX_SIZE // 2 - 4)

    budget = Budget(0.0)

    text = NAMESPACE["represent"](budget, [half, half])

    assert len(text) == MAX_SIZE
    assert MAX_STEPS - budget.left == 5 + 2 * (len(half) + 2 >> 4)
    with pytest.raises(BoundPassed, match="a text would have more than 1,048,576 characters"):
        NAMESPACE["represent"](Budget(0.0), [half, half + "x"])


def test_looking_for_a_text_costs_its_length_up_to_a_hundred_characters() -> None:
    assert [search_cost(T130, "x" * size) for size in (0, 4, 100, 104, 1_000)] == [3, 5, 53, 53, 53]


def test_a_value_weighs_all_that_is_in_it_as_often_as_it_is_there() -> None:
    shared = [T130]
    budget = Budget(0.0)

    weigh(budget, [shared, (shared, {"k": shared}), {1, 2}, None, 5])

    assert MAX_STEPS - budget.left == (1 + 5) + (1 + 2) + (1 + 2) + 3 * (2 + 2) + (1 + 2)


def test_types_have_the_names_that_people_use() -> None:
    assert [name_of(kind) for kind in (dict, str, type(None), int)] == ["mapping", "text", "None", "int"]
