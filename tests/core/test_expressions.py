"""Expressions: what they give, and what they read (language, L20, L21)."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from bureaucrat.core.expressions import FUNCTION_NAMES, Expression, compile_expression
from bureaucrat.core.faults import Thrown

NOW = 1_795_255_200.0
CONTEXT: Mapping[str, Any] = MappingProxyType(
    {
        "amount": 50,
        "limit": 100,
        "half": 0.5,
        "name": "Ada",
        "word": "a-b-c",
        "zürich": "city",
        "tags": ["x", "y", "z"],
        "empty": [],
        "nothing": None,
        "yes": True,
        "order": {"total": 3, "lines": [{"n": 1}, {"n": 2}]},
        "pairs": [["a", 1], ["b", 2]],
    }
)

VALUES: dict[str, Any] = {
    # names (L20)
    "amount": 50,
    'context["amount"]': 50,
    'workitem.fields["amount"]': 50,
    'context["zürich"]': "city",
    'context["na" + "me"]': "Ada",
    'context.get("amount")': 50,
    'context.get("missing")': None,
    'context.get("missing", amount + 1)': 51,
    'context.get(f"{name}", 1)': 1,
    '"amount" in context': True,
    '"amount" not in workitem.fields': False,
    "name in context": False,
    'len(context.keys()) == len(context.values()) and ["yes", yes] in context.items()': False,
    '("yes", yes) in context.items()': True,
    # literals and displays
    '[1, -1.5, "a", None, True, (1, 2), {"k": []}]': [1, -1.5, "a", None, True, [1, 2], {"k": []}],
    "()": [],
    "amount, limit": [50, 100],
    "[]": [],
    "{}": {},
    '{name: 1, "b": {}}': {"Ada": 1, "b": {}},
    # arithmetic
    "60 * 60 * 24": 86_400,
    "amount + 1 - 2": 49,
    "amount - half": 49.5,
    "amount * 2 / 4": 25.0,
    "amount // 7 + amount % 7": 8,
    "amount ** 2": 2_500,
    "2 ** -amount * 0": 0.0,
    "(-2) ** 3": -8,
    "1 << 3 | amount & 7 ^ 1": 11,
    "amount >> 1": 25,
    "-amount": -50,
    "+yes": 1,
    "~amount": -51,
    "~yes": -2,
    "-1": -1,
    "+1": 1,
    "~1": -2,
    "yes + yes": 2,
    "2 ** 4000 >> 3999": 2,
    "2 ** 4000 % 7 + 2 ** 4000 // 2 ** 3999 + len(str(-(2 ** 4000)))": 1_210,
    'name + "!"': "Ada!",
    "tags + empty": ["x", "y", "z"],
    "(1,) + (amount,)": [1, 50],
    "name * 2": "AdaAda",
    "2 * tags": ["x", "y", "z", "x", "y", "z"],
    "tags * -1": [],
    "yes * name": "Ada",
    '{"a": 1} | {"a": 2, "b": 3}': {"a": 2, "b": 3},
    # and, or, not, conditions
    "amount and name": "Ada",
    'nothing or "x"': "x",
    "not empty": True,
    '"a" if amount < 100 else missing': "a",
    "amount > 100 and missing": False,
    # comparisons
    "amount < 100": True,
    "amount < limit": True,
    "amount <= limit and amount >= 1 and limit > amount and amount != limit": True,
    "1 < amount < 100": True,
    "100 < amount < missing": False,
    "amount < limit < 200 < 300": True,
    "limit < amount < missing": False,
    "amount == 50 == amount": True,
    "tags == [t for t in tags]": True,
    'tags != ["x"]': True,
    'name == "Ada"': True,
    "name < word": True,
    "nothing == nothing": True,
    "order == {'total': 3}": False,
    "order == {'total': 3, 'lines': [{'n': 1}, {'n': 2}]}": True,
    "name == amount": False,
    "amount is None": False,
    "nothing is None is not True": True,
    "yes is not False": True,
    '"x" in tags': True,
    "name in tags": False,
    "amount in tags": False,
    '["a", 1] in pairs': True,
    'name in ("Ada", "Eve")': True,
    "name not in ['Ada', name]": False,
    "name in {'Ada', 'Eve'}": True,
    '"total" in order': True,
    '"d" in name': True,
    "{1, 2} <= {2, 1, 3} and {1} < {1, 2}": True,
    "sorted({1, 2} | {3} - {1} ^ {4} & {5})": [1, 2, 3],
    # elements
    'order["lines"][1]["n"]': 2,
    "tags[-1] + name[0]": "zA",
    "tags[1:] + tags[:1] + tags[::-1]": ["y", "z", "x", "z", "y", "x"],
    "name[0:2]": "Ad",
    "(1, 2, 3)[:2]": [1, 2],
    # comprehensions
    "[t + t for t in tags if t != 'y']": ["xx", "zz"],
    "[(a, b) for a in [1, 2] for b in range(a) if b or a > 1]": [[2, 0], [2, 1]],
    "{k: v + 1 for k, v in pairs}": {"a": 2, "b": 3},
    "sorted({n % 2 for n in [1, 2, 3]})": [0, 1],
    "[c + str(i + n) for i, (c, n) in enumerate(pairs)]": ["a1", "b3"],
    "[a for a, b in ['xy']] + [a for a, b in [{'k': 1, 'l': 2}]]": ["x", "k"],
    "[a for a, b in [{'k', 'j'}]]": ["j"],
    "[b for a, (b, c) in [(1, {'k', 'j'}), (1, 'xy')]]": ["j", "x"],
    "[tags for tags in tags]": ["x", "y", "z"],
    "[t for name in tags for t in name + name]": ["x", "x", "y", "y", "z", "z"],
    "[x for x in tags for x in x + x]": ["x", "x", "y", "y", "z", "z"],
    "[c for c in {'b': 1, 'a': 2}]": ["b", "a"],
    "[x for x in {3, 'a', None, 'B', 2.5}]": [None, 2.5, 3, "B", "a"],
    "[x for x in {None, -1}]": [None, -1],
    "[0 for _ in tags]": [0, 0, 0],
    # f-strings
    'f"{name} owes {amount * 2} {{}}"': "Ada owes 100 {}",
    'f"{name!r} {name!s} {tags}"': "'Ada' Ada ['x', 'y', 'z']",
    'f""': "",
    'f"{ "ü" } ü {amount}"'.replace('"ü"', "'ü'"): "ü ü 50",
    # functions
    "len(tags) + len(name) + len(order) + len({1, 2}) + len((1,))": 11,
    "[int('12'), int(' 1_0 '), int(2.9), int(yes), int()]": [12, 10, 2, 1, 0],
    "[float('1.5'), float(2), float()]": [1.5, 2.0, 0.0],
    "[str(1), str(None), str('a'), str()]": ["1", "None", "a", ""],
    "str([1, (2,), (), (3, 'x'), {'k': 1.5, 'l': None}])": "[1, (2,), (), (3, 'x'), {'k': 1.5, 'l': None}]",
    "str({'b', 'a'}) + str(set())": "{'a', 'b'}set()",
    "[bool(tags), bool(0), bool()]": [True, False, False],
    "[min(tags), max(1, amount), min([], default=7), max({3, 1})]": ["x", 50, 7, 3],
    "[min('bca'), max({'k': 1, 'z': 2})]": ["a", "z"],
    "[sum([1, 2]), sum([0.1] * 3), sum([[1], [2]], []), sum({1, 2}, 3), sum(n for n in [1, 2])]": [
        3,
        0.1 + 0.1 + 0.1,
        [1, 2],
        6,
        3,
    ],
    "[any([0, 1]), all([0, 1]), any([]), all({1})]": [True, False, False, True],
    "any(1 / n for n in [1, 0])": True,
    "all(n for n in [0] for m in missing) if nothing else all(1 / n > 1 for n in [1, 0])": False,
    "[round(2.5), round(2.567, 1), round(1234, -2), round(half)]": [2, 2.6, 1200, 0],
    "[abs(-3), abs(-half)]": [3, 0.5],
    "[sorted('cab'), sorted([2, 1], reverse=True), sorted(pairs)]": [["a", "b", "c"], [2, 1], [["a", 1], ["b", 2]]],
    "[range(3), range(1, 3), range(5, 0, -2), range(3, 0)]": [[0, 1, 2], [1, 2], [5, 3, 1], []],
    "[list('ab'), list(), list({2, 1}), tuple(tags), tuple()]": [["a", "b"], [], [1, 2], ["x", "y", "z"], []],
    "[dict(pairs), dict(), dict(order)['total']]": [{"a": 1, "b": 2}, {}, 3],
    "sorted(set(tags) | set())": ["x", "y", "z"],
    "enumerate(tags, 1)": [[1, "x"], [2, "y"], [3, "z"]],
    "[zip(tags, [1, 2]), zip(tags)]": [[["x", 1], ["y", 2]], [["x"], ["y"], ["z"]]],
    "now()": NOW,
    "epoch('2026-11-21T10:00Z')": NOW,
    "epoch('2026-11-21T10:00') - epoch('2026-11-21') + epoch('2026-11-21T11:00+01:00')": NOW + 36_000,
    "[iso(now()), iso(0), iso(0.5)]": ["2026-11-21T10:00:00Z", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.500000Z"],
    "seconds('2d') + seconds('PT1M')": 172_860.0,
    # methods
    '[order.get("total"), order.get("x"), order.get("x", 1)]': [3, None, 1],
    "[order.keys(), {'k': 1}.values(), {'k': 1}.items()]": [["total", "lines"], [1], [["k", 1]]],
    "[name.upper(), name.lower(), ' a '.strip(), 'xax'.strip('x')]": ["ADA", "ada", "a", "a"],
    "[word.split('-'), ' a  b '.split(), word.split('-', 1)]": [["a", "b", "c"], ["a", "b"], ["a", "b-c"]],
    "[', '.join(tags), '-'.join({'b', 'a'}), ''.join(t for t in tags)]": ["x, y, z", "a-b", "xyz"],
    "[name.startswith('A'), name.endswith(('x', 'a')), name.startswith(['B', 'C'])]": [True, True, False],
    "[word.replace('-', '+'), word.replace('-', '', 1), word.replace('', '.')]": ["a+b+c", "ab-c", ".a.-.b.-.c."],
}


def evaluate(source: str, context: Mapping[str, Any] = CONTEXT) -> Any:
    """What an expression gives."""
    return compile_expression(source)(context, NOW)


def fault_of(expression: Expression, context: Mapping[str, Any] = CONTEXT, **extra: Any) -> tuple[str, str]:
    """Code and message of the fault that an expression throws."""
    with pytest.raises(Thrown) as thrown:
        expression(context, NOW, extra)
    return thrown.value.code, thrown.value.message


@pytest.mark.parametrize("source", VALUES)
def test_an_expression_gives_its_value(source: str) -> None:
    """Also of the same type: 1 is not 1.0 and not True."""
    assert repr(evaluate(source)) == repr(VALUES[source])


def test_the_names_an_expression_reads_are_known() -> None:
    """Literal names only, wherever they stand; not a comprehension's variables, nor keys of other mappings."""
    source = """[a, context["b"], workitem.fields["c"], context.get("d", e), x["f"], context[g], "h" in context,
                 [i + j for i in k], f"{l}"]"""

    assert compile_expression(source).names == {"a", "b", "c", "d", "e", "x", "g", "j", "k", "l"}


def test_an_expression_remembers_its_source_and_line() -> None:
    """Two of one text at one line are equal; functions may not name properties."""
    expression = compile_expression(" a ", line=3)

    assert (expression.source, expression.line) == (" a ", 3)
    assert expression == compile_expression(" a ", line=3)
    assert expression != compile_expression("a", line=3)
    assert {"len", "now", "seconds"} < FUNCTION_NAMES


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ('event["k"]', 1),
        ('event["deep"]["er"]', 2),
        ("event", {"k": 1, "deep": {"er": 2}}),
        ('event.get("x", 5)', 5),
        ('"k" in event', True),
        ("event[context['which']]", 1),
        ('event["k"] == one', True),
    ],
)
def test_an_event_is_read_where_there_is_one(source: str, value: Any) -> None:
    """Unlike the context it may be used whole."""
    expression = compile_expression(source, allowed=frozenset({"event"}))

    result = expression({"which": "k", "one": 1}, NOW, {"event": {"k": 1, "deep": {"er": 2}}})

    assert result == value


@pytest.mark.parametrize("source", ['answer["x"]', 'answer["x"] == 1', "answer[name]"])
def test_a_key_that_an_answer_lacks_is_an_undefined_property(source: str) -> None:
    """As one that the context lacks."""
    expression = compile_expression(source, allowed=frozenset({"answer"}))

    assert fault_of(expression, {"name": "x"}, answer={})[0] == "UndefinedProperty"


def test_a_key_missing_deeper_in_an_event_is_an_expression_error() -> None:
    """It is no property."""
    expression = compile_expression('event["a"]["b"]', allowed=frozenset({"event"}))

    assert fault_of(expression, event={"a": {}})[0] == "ExpressionError"


def test_the_context_is_asked_once_for_each_name_and_never_copied() -> None:
    """Any mapping will do."""
    asked: list[str] = []

    class Lazy(ChainMap[str, Any]):
        def __getitem__(self, key: str) -> Any:
            asked.append(key)
            return super().__getitem__(key)

    assert evaluate("1 < amount < 100 and name == 'Ada'", Lazy(dict(CONTEXT))) is True
    assert asked == ["amount", "name"]


def test_a_middle_operand_is_evaluated_once_and_the_last_only_if_need_be() -> None:
    """As Python does, though the comparison goes through guards."""
    assert evaluate("[[a < a * 2 < b / (a - 1), a] for a in [2, 3] for b in [9]]") == [[True, 2], [False, 3]]
    assert evaluate("[2 * a < a < 1 / 0 for a in [1]]") == [False]


def test_a_result_shares_nothing_with_the_context() -> None:
    """Whoever changes one does not change the other."""
    context = {"order": {"lines": [[1]]}}

    result = evaluate("order", context)
    result["lines"][0].append(2)

    assert context == {"order": {"lines": [[1]]}}
