"""Expressions that are refused, and those that fail while they run (language, L20 to L23)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bureaucrat.core.expressions import Expression, InvalidExpression, compile_expression
from bureaucrat.core.faults import Thrown

NOW = 0.0
LONG = "ab" * 400_000
CONTEXT: dict[str, Any] = {
    "amount": 50,
    "half": 0.5,
    "name": "Ada",
    "tags": ["x", "y", "z"],
    "nothing": None,
    "order": {"total": 3},
    "numbers": list(range(10_000)),
    "long": LONG,
    "long2": LONG[:-1] + "c",
}

#: Code and reason; a reason that is Python's own differs from one Python to the next and stands for nothing here.
FAULTS = {
    "missing": ("UndefinedProperty", 'there is no "missing"'),
    'context["__class__"]': ("UndefinedProperty", 'there is no "__class__"'),
    "context[name]": ("UndefinedProperty", 'there is no "Ada"'),
    "context[amount]": ("ExpressionError", "a property's name is text, not int"),
    "context.get(amount)": ("ExpressionError", "a property's name is text, not int"),
    "tags in context": ("ExpressionError", "a list cannot be a key of a mapping or a member of a set"),
    'order["x"]': ("ExpressionError", "there is no key 'x'"),
    "tags[9]": ("ExpressionError", ""),
    "tags['a']": ("ExpressionError", ""),
    "amount[0]": ("ExpressionError", "a int has no elements to take by [ ]"),
    "order[0:1]": ("ExpressionError", "a mapping cannot be sliced"),
    "order[tags]": ("ExpressionError", "a list cannot be a key of a mapping or a member of a set"),
    "{(1, 2)}": ("ExpressionError", "a tuple cannot be a key of a mapping or a member of a set"),
    "tags in {1}": ("ExpressionError", "a list cannot be a key of a mapping or a member of a set"),
    "amount / 0": ("ExpressionError", ""),
    "name < 1": ("ExpressionError", ""),
    "amount + name": ("ExpressionError", ""),
    "nothing * name": ("ExpressionError", ""),
    "half * name": ("ExpressionError", ""),
    "amount * nothing": ("ExpressionError", ""),
    "amount in amount": ("ExpressionError", ""),
    "amount in name": ("ExpressionError", ""),
    "name % 3": ("ExpressionError", '% does not format text: write f"…{value}…"'),
    "1 << -1": ("ExpressionError", ""),
    "(-amount) ** half": ("ExpressionError", "the root of a negative number is no JSON number"),
    "float('nan')": ("ExpressionError", "nan is no JSON number"),
    "float('1e400') == 1": ("ExpressionError", "inf is no JSON number"),
    "1e308 * 10": ("ExpressionError", "inf is no JSON number"),
    "1e308 - -1e308": ("ExpressionError", "inf is no JSON number"),
    "int('abc')": ("ExpressionError", ""),
    "'-'.join([1])": ("ExpressionError", "join() takes a text, not int"),
    "tags.upper()": ("ExpressionError", "upper() takes a text, not list"),
    "name.get('k')": ("ExpressionError", "get() is for a mapping, not text"),
    "sorted(amount)": ("ExpressionError", "a int has no elements to go through"),
    "sum(tags, '')": ("ExpressionError", 'sum() does not join texts: write "".join(texts)'),
    "dict([1])": ("ExpressionError", "dict() takes a mapping, or pairs of a key and a value"),
    "dict([[1]])": ("ExpressionError", "dict() takes a mapping, or pairs of a key and a value"),
    "enumerate(tags, half)": ("ExpressionError", "enumerate() counts from an integer of 64 bits"),
    "iso(name)": ("ExpressionError", "iso() takes seconds since 1970, not text"),
    "seconds('30 min')": ("ExpressionError", '"30 min" is no duration: write 30m, PT30M or 1800'),
    "{1, 2}": ("ExpressionError", "the result is a set, which has no order: write sorted(…)"),
    "[{1}]": ("ExpressionError", "the result is a set, which has no order: write sorted(…)"),
    "{1: 2}": ("ExpressionError", "the result has the key 1, which is no text"),
    "2 ** 63": ("ExpressionError", "the result is an integer beyond 64 bits"),
    "[-(2 ** 63) - 1]": ("ExpressionError", "the result is an integer beyond 64 bits"),
    "9 ** 9 ** 9": ("LimitExceeded", "an integer would have more than 4,096 bits"),
    "1 << 10 ** 9": ("LimitExceeded", "an integer would have more than 4,096 bits"),
    "2 ** 4000 * 2 ** 4000": ("LimitExceeded", "an integer would have more than 4,096 bits"),
    "{2 ** 64}": ("LimitExceeded", "an integer beyond 64 bits cannot be a key of a mapping or a member of a set"),
    "int('9' * 5000)": ("LimitExceeded", "int() takes at most 4,096 characters"),
    "round(1.5, 10 ** 9)": ("LimitExceeded", "round() takes at most 1,300 digits"),
    "range(10 ** 9)": ("LimitExceeded", "a list would have more than 1,048,576 elements"),
    "range(2 ** 4000, 2 ** 4000 + 9)": ("LimitExceeded", "range() counts within 64 bits"),
    "'a' * 10 ** 9": ("LimitExceeded", "a text would have more than 1,048,576 characters"),
    "[0] * 10 ** 6": ("LimitExceeded", "it takes more than 1,000,000 steps"),
    "long + long": ("LimitExceeded", "a text would have more than 1,048,576 characters"),
    "f'{long}{long}'": ("LimitExceeded", "a text would have more than 1,048,576 characters"),
    "str([long, long])": ("LimitExceeded", "a text would have more than 1,048,576 characters"),
    "long.replace('a', 'bcd')": ("LimitExceeded", "a text would have more than 1,048,576 characters"),
    "[long, long]": ("LimitExceeded", "the result has more than 1,048,576 characters and elements"),
    "{long: 1, long2: 2}": ("LimitExceeded", "the result has more than 1,048,576 characters and elements"),
    "[x for x in numbers for y in numbers]": ("LimitExceeded", "it takes more than 1,000,000 steps"),
}

REFUSED = {
    "": (1, 1, "the expression is empty"),
    " \n\t ": (1, 1, "the expression is empty"),
    "# nothing\n# here": (1, 1, "the expression is empty"),
    "a = 1": (1, 3, "invalid syntax"),
    "a; b": (1, 2, "invalid syntax"),
    "(1": (1, 1, "'(' was never closed"),
    "\n  (1\n": (2, 3, "'(' was never closed"),
    "1) + (2": (1, 2, "unmatched ')'"),
    "1) + (\n2": (1, 2, "the brackets do not match"),
    "1), (\n2": (1, 2, "the brackets do not match"),
    "1\n), 2": (2, 1, "the brackets do not match"),
    "[1,\n2": (2, 1, "the brackets do not match"),
    "(1,\n[2": (2, 1, "the brackets do not match"),
    "a +\n(b))": (2, 1, "the brackets do not match"),
    "a ==\nb =": (2, 3, "invalid syntax"),
    "x for x in\n tags": (1, 1, "this is not one expression"),
    "'a" + "\n'": (1, 1, "unterminated string literal"),
    "a\u2028b": (1, 2, "the character U+2028 is not allowed"),
    "a +\n '\u202e'": (2, 3, "the character U+202E is not allowed"),
    "\x00": (1, 1, "the character U+0000 is not allowed"),
    "\ud800": (1, 1, "the character U+D800 is not allowed"),
    "'" + "ü" * 2_050 + "'": (1, 1, "the expression is longer than 4,096 bytes"),
    r"'\d'": (1, 1, r"invalid escape sequence '\d'"),
    "naïve": (1, 3, 'names are of ASCII letters, digits and _: write context["…"] for another'),
    "ﬁ + 'ü'": (1, 1, 'names are of ASCII letters, digits and _: write context["…"] for another'),
    "(" * 2_000 + ")" * 2_000: (1, 201, "too many nested parentheses"),
    "not " * 1_000 + "1": (1, 161, "the expression is nested more than 40 deep"),
    "a" + " < a" * 41: (1, 1, "the expression is nested more than 40 deep"),
    "[" + "1," * 500 + "]": (1, 1_000, "the expression has more than 500 parts"),
    "'ü' + foo()": (1, 7, "there is no function `foo`"),
    "__import__('os')": (1, 1, "there is no function `__import__`; there are abs, all"),
    "lenght(tags)": (1, 1, "there is no function `lenght`; did you mean `len`?"),
    "upper(name)": (1, 1, "`upper` is a method: write value.upper(…)"),
    "tags.len()": (1, 1, "`len` is a function: write len(…)"),
    "name.uper()": (1, 1, "there is no method `uper`; did you mean `upper`?"),
    "'{0.__class__}'.format(1)": (1, 1, "there is no method `format`"),
    "().__class__.__base__": (1, 1, 'there are no attributes: write …["__base__"]'),
    "context.amount": (1, 1, 'there are no attributes: write context["amount"]'),
    "workitem.amount": (1, 1, 'there are no attributes: write workitem.fields["amount"]'),
    "name.upper": (1, 1, "`upper` is a method: call it, .upper(…)"),
    "context": (1, 1, '`context` is not a value: name one property, context["…"]'),
    "workitem": (1, 1, '`workitem.fields` is not a value: name one property, workitem.fields["…"]'),
    "workitem.fields": (1, 1, '`workitem.fields` is not a value: name one property, workitem.fields["…"]'),
    "context.upper()": (1, 1, "the context has no method `upper`, only get, keys, values, items"),
    "context[1]": (1, 9, "a property's name is a text"),
    "context[1:2]": (1, 9, "a slice may only stand alone in [ ]"),
    "tags[1:2, 3]": (1, 6, "a slice may only stand alone in [ ]"),
    "event['k']": (1, 1, 'there is no `event` here; a property of that name is context["event"]'),
    "len": (1, 1, "`len` is a function: call it, len(…)"),
    "__x": (1, 1, 'a name may not begin with __: write context["__x"]'),
    "(1)(2)": (1, 1, "only functions and methods can be called"),
    "len(tags, 1)": (1, 1, "len() takes 1 argument, not 2"),
    "now(1)": (1, 1, "now() takes no arguments, not 1"),
    "range()": (1, 1, "range() takes 1 to 3 arguments, not 0"),
    "zip()": (1, 1, "zip() takes 1 or more arguments, not 0"),
    "context.get()": (1, 1, "get() takes 1 to 2 arguments, not 0"),
    "sorted(tags, key=len)": (1, 18, "sorted() takes no key="),
    "dict(**order)": (1, 8, "dict() takes no **"),
    "sorted(tags, reverse=1, reverse=2)": (1, 1, "keyword argument repeated: reverse"),
    "len(*tags)": (1, 5, "unpacking with * is not allowed"),
    "{**order}": (1, 1, "unpacking with ** is not allowed"),
    "min((x for x in tags), 1)": (1, 5, "a generator may only be the sole argument of a function"),
    "[1 for len in tags]": (1, 8, "`len` has a meaning of its own: give the variable another name"),
    "[1 for event in tags]": (1, 8, "`event` has a meaning of its own: give the variable another name"),
    "[1 for __x in tags]": (1, 8, 'a name may not begin with __: write context["__x"]'),
    "[1 for a, *b in tags]": (1, 11, "a comprehension's variable is a plain name"),
    "[x async for x in tags]": (1, 1, "async is not allowed"),
    "lambda: 1": (1, 1, "a lambda is not allowed"),
    "(x := 1)": (1, 2, "an assignment (:=) is not allowed"),
    "1 is 1": (1, 1, "`is` compares with None, True or False: write == instead"),
    "1 is None": (1, 1, "`is` compares with None, True or False: write == instead"),
    "a @ b": (1, 1, "there is no operator @"),
    '"%s" % name': (1, 1, '% does not format text: write f"…{value}…"'),
    'f"{name}" % name': (1, 1, '% does not format text: write f"…{value}…"'),
    'f"{half:.2f}"': (1, 1, "a format after : is not allowed in an f-string: round() the number"),
    'f"{name!a}"': (1, 1, "!a is not allowed in an f-string"),
    "b'x'": (1, 1, "a bytes literal is not allowed"),
    "1j": (1, 1, "a complex literal is not allowed"),
    "...": (1, 1, "... is not allowed"),
    "1e400": (1, 1, "the number is too large"),
    "9" * 4_000: (1, 1, "an integer has at most 4,096 bits"),
    r"'\x00'": (1, 1, "a text may hold no NUL character and no half of a surrogate pair"),
    r"'\ud83d\ude00'": (1, 1, "a text may hold no NUL character and no half of a surrogate pair"),
}


def refusal_of(source: str) -> InvalidExpression:
    """Why an expression is none."""
    with pytest.raises(InvalidExpression) as refusal:
        compile_expression(source)
    return refusal.value


def fault_of(expression: Expression, context: Mapping[str, Any] = CONTEXT, **extra: Any) -> tuple[str, str]:
    """Code and message of the fault that an expression throws."""
    with pytest.raises(Thrown) as thrown:
        expression(context, NOW, extra)
    return thrown.value.code, thrown.value.message


@pytest.mark.parametrize("source", FAULTS)
def test_an_error_while_it_runs_is_a_fault_with_expression_line_and_reason(source: str) -> None:
    """The line is the definition's."""
    expected, reason = FAULTS[source]

    code, message = fault_of(compile_expression(source, line=7))

    assert code == expected
    assert message.startswith(f"`{source}`, line 7: {reason}")
    assert message.endswith(reason)
    assert not message.endswith(": ")


@pytest.mark.parametrize("source", REFUSED)
def test_what_is_not_allowed_is_refused_with_its_place_and_reason(source: str) -> None:
    """Line and column count from 1, in characters."""
    refusal = refusal_of(source)

    assert (refusal.line, refusal.column, refusal.reason[: len(REFUSED[source][2])]) == REFUSED[source]
    assert str(refusal) == f"line {refusal.line}, column {refusal.column}: {refusal.reason}"


def test_what_overflows_the_stack_of_the_parser_is_refused() -> None:
    """A newer Python's parser may get through; then the depth is refused."""
    assert refusal_of("-" * 4_000 + "1").reason in (
        "the expression is nested too deeply",
        "the expression is nested more than 40 deep",
    )


def test_an_expression_may_run_over_several_lines_and_its_faults_name_the_right_one() -> None:
    """An indented XML text is one expression, as if in brackets; comments are comments."""
    expression = compile_expression("\r\n  amount < 100  # enough\r\n  and missing > 1\r\n", line=20)

    assert fault_of(expression) == (
        "UndefinedProperty",
        '`amount < 100 # enough and missing > 1`, line 22: there is no "missing"',
    )


@pytest.mark.parametrize(
    ("source", "place"), [("\n\n   foo(1)  ", (3, 4)), ("  foo(1)", (1, 3)), ("1 +\n foo(1)", (2, 2))]
)
def test_a_refusal_names_the_place_in_the_whole_source(source: str, place: tuple[int, int]) -> None:
    """Space around the expression counts."""
    refusal = refusal_of(source)

    assert (refusal.line, refusal.column) == place


def test_a_long_expression_is_cut_in_messages() -> None:
    """A fault's message stays readable."""
    _, message = fault_of(compile_expression("[" + "1, " * 200 + "missing]"))

    assert len(message) < 300


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**63, b"x", object(), {1: 2}])
def test_a_context_that_is_no_json_gives_no_result(value: Any) -> None:
    """It should not happen, and does not spread."""
    assert fault_of(compile_expression("x"), {"x": value})[0] == "ExpressionError"


def test_nan_in_a_context_is_not_hashed() -> None:
    """Its hash is its address."""
    assert fault_of(compile_expression("len({x})"), {"x": float("nan")})[0] == "ExpressionError"


def test_a_value_nested_too_deeply_is_a_passed_bound() -> None:
    """The stack overflows in nobody's face."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    assert fault_of(compile_expression("x"), {"x": deep})[0] == "LimitExceeded"
    assert fault_of(compile_expression("str(x)"), {"x": deep})[0] == "LimitExceeded"


def test_a_lack_of_memory_is_a_passed_bound() -> None:
    """Whatever ran out of it."""

    class Full(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            raise MemoryError

    assert fault_of(compile_expression("x"), Full())[0] == "LimitExceeded"


def test_a_fault_of_the_context_passes_unchanged() -> None:
    """It knows better."""

    class Broken(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            raise Thrown("Timeout", "too late")

    assert fault_of(compile_expression("x"), Broken()) == ("Timeout", "too late")
