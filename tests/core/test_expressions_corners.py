"""The edges of expressions: exact bounds, whole messages, and what whole sources cost (language, L20 to L23)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bureaucrat.core.expressions import InvalidExpression, compile_expression
from bureaucrat.core.expressions.guards import MAX_SIZE, MAX_STEPS, Budget
from bureaucrat.core.faults import Thrown

NOW = 0.0
T100 = "x" * 100

#: Sources that pay, and what for (see the costs of the single operations).
COSTS = {
    "amount == other": 0,
    "text == other": 1,
    "other in [text, text]": 2 * (1 + 1),
    "[0 for x in three]": 1 + 1 * 3,
    "[[x] for x in three]": 1 + 2 * 3,
    "[{x: [x]} for x in three]": 1 + 6 * 3,
    "[(x, x, x, x, x) for x in three]": 1 + (1 + 6 // 6 + 1) * 3,
    "[0 for x in three if [x]]": 1 + 2 * 3,
    "[[x] for x in three for y in [three]]": (1 + 3 * 3) + 3 * (1 + 3),
    "{x: [x] for x in three}": 1 + 2 * 3,
    "[b for a, (b, c) in [(1, {8, 1})]]": 1 + 1 + (1 + 2) + (1 + 2) + 2,
    "[a for a, b in [(1, [2])]]": 1 + 1,
    "[1 for () in [[], []]]": 1 + 1 * 2,
}


def fault_of(source: str, context: Mapping[str, Any], **extra: Any) -> tuple[str, str]:
    expression = compile_expression(source, allowed=frozenset(extra))
    with pytest.raises(Thrown) as thrown:
        expression(context, NOW, extra)
    return thrown.value.code, thrown.value.message.partition(", line 1: ")[2]


def refusal_of(source: str) -> tuple[int, int, str]:
    with pytest.raises(InvalidExpression) as refusal:
        compile_expression(source)
    return refusal.value.line, refusal.value.column, refusal.value.reason


@pytest.mark.parametrize("source", COSTS)
def test_a_whole_expression_costs_so_many_steps(source: str) -> None:
    context = {"amount": 5, "other": 6, "text": T100, "three": [1, 2, 3]}
    if "text" in source:
        context["other"] = T100
    budget = Budget(NOW)

    compile_expression(source)._run(context, budget, None)

    assert MAX_STEPS - budget.left == COSTS[source]


@pytest.mark.parametrize(
    "source",
    [
        "60 * 60 * 24",
        "-1",
        "~1",
        "amount < 100",
        "100 > amount",
        "amount in [1, 2]",
        "amount not in (1, 'x')",
        "'amount' in context",
        "amount is None",
        "amount and not amount",
        "context['amount'] if amount else [amount]",
    ],
)
def test_what_can_neither_grow_nor_hang_is_plain_python_and_needs_no_budget(source: str) -> None:
    assert not compile_expression(source)._is_metered


def test_an_expression_is_nested_so_deep_and_no_deeper() -> None:
    """Wherever it stands, and whatever stands before it."""
    reason = "the expression is nested more than 40 deep"

    compile_expression("[" * 39 + "1" + "]" * 39)
    compile_expression("a" + " < a" * 39)
    compile_expression(" and ".join(["a < a < a"] * 30))

    assert refusal_of("[" * 40 + "1" + "]" * 40) == (1, 41, reason)
    assert refusal_of("a" + " < a" * 40) == (1, 1, reason)
    for first in ("a", "a < a", "a < a < a"):
        assert refusal_of("[" * 37 + f"[{first}, [[1]]]" + "]" * 37)[2] == reason


def test_a_literal_integer_has_so_many_bits_and_no_more() -> None:
    compile_expression("0x" + "f" * 1_024)

    assert refusal_of("0x1" + "0" * 1_024) == (1, 1, "an integer has at most 4,096 bits")


@pytest.mark.parametrize("half", [r"'\ud800'", r"'\udfff'"])
def test_the_first_and_the_last_half_of_a_surrogate_pair_are_refused(half: str) -> None:
    assert refusal_of(half) == (1, 1, "a text may hold no NUL character and no half of a surrogate pair")


def test_the_context_is_no_value_of_a_comparison() -> None:
    assert refusal_of("a < context") == (1, 5, '`context` is not a value: name one property, context["…"]')


def test_the_column_of_a_later_line_counts_its_own_characters() -> None:
    """A letter of two bytes is one character."""
    assert refusal_of("a +\n 'üü' + foo()")[:2] == (2, 9)


@pytest.mark.parametrize(
    ("source", "refusal"),
    [
        ("(a,\nb", (1, 1, "the brackets do not match")),
        ("1,\n2), (3", (2, 2, "the brackets do not match")),
        ("f(a b)", (1, 3, "invalid syntax")),
        ("a = 1", (1, 3, "invalid syntax")),
        ("\xa0a", (1, 1, "invalid non-printable character U+00A0")),
        ("a +\n b +\n '\u202e'", (3, 3, "the character U+202E is not allowed")),
        ("'" + "x" * 4_095 + "'", (1, 1, "the expression is longer than 4,096 bytes")),
    ],
)
def test_what_is_no_python_is_refused_at_its_place(source: str, refusal: tuple[int, int, str]) -> None:
    """Without Python's advice, which is for programs."""
    assert refusal_of(source) == refusal


def test_a_carriage_return_ends_a_line_too() -> None:
    for source in ("a +\rb + c", "a +\r\nb + c", "a +\rb +\r\nc"):
        assert compile_expression(source)({"a": 1, "b": 2, "c": 3}, NOW) == 6


def test_an_expression_may_have_4096_bytes() -> None:
    assert compile_expression("'" + "x" * 4_094 + "'")({}, NOW) == "x" * 4_094


def test_the_elements_of_a_set_are_unpacked_in_order_and_nothing_from_nothing() -> None:
    """8 stands before 1 in Python's own."""
    assert compile_expression("[b for a, (b, c) in [(1, {8, 1})]]")({}, NOW) == [1]
    assert compile_expression("[1 for () in [[], []]]")({}, NOW) == [1, 1]


def test_min_and_max_of_nothing_give_the_default() -> None:
    assert compile_expression("[min([], default=7), max([], default=8)]")({}, NOW) == [7, 8]


@pytest.mark.parametrize(
    ("source", "code", "reason"),
    [
        ("event[place]", "ExpressionError", "a list cannot be a key of a mapping or a member of a set"),
        ('event["x"]', "UndefinedProperty", 'there is no "x"'),
        (
            "len({2 ** 64: 1})",
            "LimitExceeded",
            "an integer beyond 64 bits cannot be a key of a mapping or a member of a set",
        ),
        ("nan", "ExpressionError", "the result is nan, which is no JSON number"),
        ("raw", "ExpressionError", "the result is a bytes, which is no JSON"),
        ("deep", "LimitExceeded", "a value is nested too deeply"),
        ("2 ** 63", "ExpressionError", "the result is an integer beyond 64 bits"),
        ("text + 'x'", "LimitExceeded", "a text would have more than 1,048,576 characters"),
        ("[text]", "LimitExceeded", "the result has more than 1,048,576 characters and elements"),
    ],
)
def test_a_fault_says_its_whole_reason(source: str, code: str, reason: str) -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    context = {"place": [1], "nan": float("nan"), "raw": b"x", "deep": deep, "text": "x" * MAX_SIZE}

    assert fault_of(source, context, event={}) == (code, reason)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (MemoryError(), ("LimitExceeded", "it takes too much memory")),
        (TypeError(), ("ExpressionError", "TypeError")),
        (TypeError("so it is"), ("ExpressionError", "so it is")),
    ],
)
def test_an_error_without_words_is_named(error: Exception, fault: tuple[str, str]) -> None:
    class Broken(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            raise error

    assert fault_of("x", Broken()) == fault


@pytest.mark.parametrize("value", [-(2**63), 2**63 - 1, "x" * MAX_SIZE])
def test_the_largest_result_is_a_result(value: Any) -> None:
    assert compile_expression("x")({"x": value}, NOW) == value


def test_a_message_shows_two_hundred_characters_of_the_source() -> None:
    whole, longer = ("'" + "y" * size + "' + 1" for size in (194, 195))

    messages = []
    for source in (whole, longer):
        with pytest.raises(Thrown) as thrown:
            compile_expression(source)({}, NOW)
        messages.append(thrown.value.message.partition(", line")[0])

    assert messages == [f"`{whole}`", f"`{longer[:199]}…`"]
