"""Whatever an author writes: an expression is refused, or it gives JSON or a fault (language, L20 to L23)."""

from __future__ import annotations

import json
import os
import time
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bureaucrat.core.expressions import FUNCTION_NAMES, InvalidExpression, compile_expression
from bureaucrat.core.faults import Thrown

pytestmark = pytest.mark.unmeasured
EXAMPLES = int(os.environ.get("FUZZ", "10000"))
CODES = {"UndefinedProperty", "ExpressionError", "LimitExceeded"}
EXTRA = frozenset({"event", "answer"})
METHODS = [
    "get",
    "keys",
    "values",
    "items",
    "upper",
    "lower",
    "strip",
    "split",
    "join",
    "startswith",
    "endswith",
    "replace",
]
NAMES = ["a", "b", "c", "x", "missing"]

scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
values = st.recursive(
    scalars | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)
contexts = st.fixed_dictionaries(dict.fromkeys(NAMES[:3], values))

tokens = st.sampled_from(
    [
        *"()[]{}.,:+-*/%<>=!&|^~@#\\'\"\n;$",
        *("**", "//", "<<", ">>", "==", "!=", ":=", "->", "...", "f'", 'f"{', '}"', "'''", "b'"),
        *(
            " and ",
            " or ",
            " not ",
            " in ",
            " is ",
            " if ",
            " else ",
            " for ",
            " lambda ",
            " async ",
            " await ",
            " yield ",
        ),
        *(
            "None",
            "True",
            "0",
            "1",
            "-1",
            "9" * 30,
            "1e308",
            "1e400",
            "1j",
            "0x1F",
            "'a'",
            "''",
            "ü",
            "ﬁ",
            "\x00",
            "\u2028",
        ),
        *("context", "workitem.fields", "event", "answer", "__class__", "__builtins__", "self", *NAMES),
        *sorted(FUNCTION_NAMES),
        *(f".{method}(" for method in METHODS),
    ]
)


#: Each § becomes a sentence of its own.
PATTERNS = [
    *(
        f"(§ {operator} §)"
        for operator in [
            "+",
            "-",
            "*",
            "/",
            "//",
            "%",
            "**",
            "<<",
            ">>",
            "&",
            "|",
            "^",
            "and",
            "or",
            "<",
            "<=",
            "==",
            "!=",
            ">",
            ">=",
            "in",
            "is",
        ]
    ),
    *("(§ not in §)", "(§ < § < §)", "(§ == § in § != §)", "(-§)", "(+§)", "(~§)", "(not §)", "(§ if § else §)"),
    *("[]", "[§, §]", "(§,)", "{§}", "{§, §}", "{}", "{'k': §}", "{§: §}", "[§, §, §] * 3", "[§ for x in §]"),
    *("[x for x in § if §]", "[§ for a, b in §]", "[b for x, (a, b) in §]", "[x for b in § for x in §]"),
    *("{§ for x in §}", "{§: x for x in §}", "{x: § for x in §}", "any(§ for x in §)", "all(§ for b in § for x in §)"),
    *("sorted(§ for x in §)", "''.join(x for x in §)", "f'{§}'", "f'{§!r} {§}'", "context.get(§, §)", "context[§]"),
    *("§[§]", "§[§:§]", "§[::§]", "§['k']", "event[§]", "sorted(§, reverse=§)", "min(§, default=§)"),
    *(f"{function}(§)" for function in sorted(FUNCTION_NAMES)),
    *(f"{function}(§, §)" for function in ("min", "max", "sum", "round", "range", "enumerate", "zip")),
    *(f"§.{method}()" for method in METHODS),
    *(f"§.{method}(§)" for method in METHODS),
    "§.replace(§, §)",
]
LEAVES = [
    *(
        "0",
        "1",
        "2",
        "3",
        "64",
        "4000",
        "10**6",
        "2**63",
        "0.5",
        "1e308",
        "None",
        "True",
        "''",
        "'a'",
        "'1h'",
        "'a-b'",
        "now()",
    ),
    *(
        *NAMES,
        *NAMES,
        "context['a']",
        "workitem.fields['b']",
        "event['k']",
        "event",
        "answer.get('k')",
        "context.items()",
    ),
]


def sentence(random: Random, depth: int) -> str:
    """An expression of the grammar; its values may have any type."""
    if depth == 0 or random.random() < 0.2:
        return random.choice(LEAVES)
    first, *others = random.choice(PATTERNS).split("§")
    return first + "".join(sentence(random, depth - 1) + part for part in others)


def check(source: str, context: dict[str, Any], event: dict[str, Any]) -> None:
    """An expression is refused, throws, or gives JSON that is a copy; twice the same, soon, and changes nothing."""
    before = json.dumps([context, event])
    started = time.process_time()

    outcomes = [outcome(source, context, event) for _ in range(2)]

    assert outcomes[0] == outcomes[1]
    assert json.dumps([context, event]) == before
    assert time.process_time() - started < 10.0


def outcome(source: str, context: dict[str, Any], event: dict[str, Any]) -> str:
    """What became of an expression, as a text to compare."""
    try:
        expression = compile_expression(source, line=3, allowed=EXTRA)
        result = expression(context, 1.5, {"event": event, "answer": {}})
    except (InvalidExpression, Thrown) as failure:
        _check_failure(failure, source)
        return str(failure)
    text = json.dumps(result, allow_nan=False)
    assert json.loads(text) == result
    _spoil(result)
    return text


def _check_failure(failure: InvalidExpression | Thrown, source: str) -> None:
    if isinstance(failure, Thrown):
        assert failure.code in CODES
        assert len(failure.message) < 500
        return
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert failure.reason
    assert 1 <= failure.line <= len(lines)
    assert failure.column >= 1


def _spoil(value: Any) -> None:
    """Change every list and dict, which must belong to nobody else."""
    if isinstance(value, dict):
        for part in value.values():
            _spoil(part)
        value["spoilt"] = True
    elif isinstance(value, list):
        for part in value:
            _spoil(part)
        value.append("spoilt")


@settings(max_examples=200, deadline=None)
@given(st.lists(tokens, max_size=25).map("".join), contexts, contexts)
def test_any_heap_of_tokens_is_refused_or_evaluated(
    source: str, context: dict[str, Any], event: dict[str, Any]
) -> None:
    """Most is refused."""
    check(source, context, event)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), contexts)
def test_any_text_is_refused_or_evaluated(source: str, context: dict[str, Any]) -> None:
    """Lone surrogates, control characters and all."""
    check(source, context, {})


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**64), st.integers(1, 5), contexts, contexts)
def test_any_sentence_of_the_grammar_is_refused_or_evaluated(
    seed: int, depth: int, context: dict[str, Any], event: dict[str, Any]
) -> None:
    """Most is evaluated, and fails."""
    check(sentence(Random(seed), depth), context, event)


def test_ten_thousand_sentences_are_refused_or_evaluated() -> None:
    """The environment variable ``FUZZ`` is their number; a failure says its seed."""
    contexts = [{"a": [1, "x", None], "b": {"a": 2.5, "c": [[]]}, "c": "text"}, {"a": 7, "b": [True], "c": -1}, {}]
    for seed in range(EXAMPLES):
        source = sentence(Random(seed), 1 + seed % 5)
        try:
            check(source, contexts[seed % 3], contexts[(seed + 1) % 3])
        except BaseException as error:
            error.add_note(f"seed {seed}: {source!r}")
            raise


@pytest.mark.parametrize(
    ("source", "context"),
    [
        ("[x for x in a for y in y]", {"a": [1]}),
        ("[(x, y) for x in a for x in x + x for y in x + x]", {"a": ["b"]}),
        ("(x < (a < b < c) < 1)", {"a": 1, "b": 2, "c": 3}),
        ("[0 " + "for x in a " * 25 + "]", {"a": [1]}),
    ],
)
def test_a_sentence_that_once_could_have_failed_otherwise(source: str, context: dict[str, Any]) -> None:
    """Names that Python would find unbound, scopes and blocks that it would find too many."""
    check(source, context, {})


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(
        ["-", "not ", "(", "[", "{", "f'{", "a.", "a[", "len(", "1<", "lambda:", "1if 1else ", "~", "a,\n"]
    ),
    st.data(),
)
def test_any_depth_of_nesting_is_refused_or_evaluated(part: str, data: st.DataObject) -> None:
    """The parser's stack never overflows visibly."""
    times = data.draw(st.integers(1, 5_000))
    end = data.draw(st.sampled_from(["", "1", "a)", "a" + ")" * times, "a" + "]" * times, "1" + "}'" * times]))

    check(part * times + end, {"a": 1}, {})
