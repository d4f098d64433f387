"""B: expressions that nobody should be able to do harm with.

Each stands in an ``<assign>`` that comes by the queue of launches. Refused ones are dead letters; the others are faults
of their instance. Names, limits and what is allowed are those of the language (L20 to L24), which wins: f-strings,
comprehensions and a guarded ``**`` are part of it, a condition counts by Python's truth.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

import pytest
from intake import LAUNCHES, Intake

pytestmark = pytest.mark.usefixtures("bounded")

#: row and what: the expression, and what its dead letter says
REFUSED: dict[str, tuple[str, str]] = {
    "B1 import": ('__import__("os").system("id")', "there is no method `system`"),
    "B1 import alone": ('__import__("os")', "there is no function `__import__`"),
    "B2 subclasses": ("().__class__.__base__.__subclasses__()", "there is no method `__subclasses__`"),
    "B3 an attribute": ("context.__class__", 'there are no attributes: write context["__class__"]'),
    "B4 format": ('"{0.__class__}".format(1)', "there is no method `format`"),
    "B4 a format in an f-string": ('f"{1:>9}"', "a format after : is not allowed in an f-string"),
    "B4 percent": ('"%s" % "x"', "% does not format text"),
    "B8 parentheses": ("(" * 200_000 + "1" + ")" * 200_000, "longer than 4,096 bytes"),
    "B8 few parentheses": ("(" * 1_000 + "1" + ")" * 1_000, "too many nested parentheses"),
    "B8 minus": ("-" * 5_000 + "1", "longer than 4,096 bytes"),
    "B8 some minus": ("-" * 1_000 + "1", "nested more than 40 deep"),
    "B8 not": ("not " * 100_000 + "1", "longer than 4,096 bytes"),
    "B8 some not": ("not " * 900 + "1", "nested more than 40 deep"),
    "B9 lambda": ("lambda: 1", "a lambda is not allowed"),
    "B9 walrus": ("(x := 1)", "an assignment (:=) is not allowed"),
    "B9 await": ("await x", "await is not allowed"),
    "B9 yield": ("(yield 1)", "yield is not allowed"),
    "B10 open": ('open("/etc/passwd")', "there is no function `open`"),
    "B10 exec": ('exec("1")', "there is no function `exec`"),
    "B10 getattr": ('getattr(1, "x")', "there is no function `getattr`"),
    "B13 infinity": ("1e400", "the number is too large"),
    "B14 empty": ("", "<assign> holds no expression"),
    "B14 white space": (" ", "<assign> holds no expression"),
    "B14 a comment": ("# nothing", "invalid syntax"),
    "B14 two expressions": ("1; 2", "invalid syntax"),
    "B14 two lines": ("1\n2", "invalid syntax"),
    "B15 a name that looks like another": ("\u0440 + 1", "names are of ASCII letters, digits and _"),
    "B15 right to left": ('"\u202e"', "the character U+202E is not allowed"),
    "B15 a line separator": ("1 +\u2028 1", "the character U+2028 is not allowed"),
    "B16 an integer": ("9" * 5_000, "longer than 4,096 bytes"),
    "B16 a shorter one": ("9" * 4_000, "an integer has at most 4,096 bits"),
    "B17 re": ('re.match("(a+)+$", "aaaa")', "there is no method `match`"),
    "B17 match": ('match("(a+)+$", "aaaa")', "there is no function `match`"),
}

#: row and what: the expression, the code of its fault, and what it says
FAULTS: dict[str, tuple[str, str, str]] = {
    "B3 a key": ('context["__class__"]', "UndefinedProperty", 'there is no "__class__"'),
    "B5 a tower": ("9**9**9", "LimitExceeded", "more than 4,096 bits"),  # ** is allowed and guarded (L22)
    "B5 a shift": ("1<<10**9", "LimitExceeded", "more than 4,096 bits"),
    "B6 a text": ('"a"*10**9', "LimitExceeded", "more than 1,048,576 characters"),
    "B6 a list": ("[0]*10**9", "LimitExceeded", "more than 1,048,576 elements"),
    "B11 a missing name": ('context["x"]', "UndefinedProperty", '`context["x"]`, line 1: there is no "x"'),
    "B12 division": ("1/0", "ExpressionError", "division by zero"),
    "B12 a conversion": ('int("abc")', "ExpressionError", "invalid literal"),
    "B12 a comparison": ('"a" < 1', "ExpressionError", "not supported"),
    "B13 no number": ('float("nan") == 1', "ExpressionError", "nan is no JSON number"),
    "B13 infinity in text": ('float("1e400")', "ExpressionError", "inf is no JSON number"),
}
CASES = [*REFUSED, *FAULTS]


def assigning(expression: str) -> str:
    return f'<process name="p"><assign property="r">{escape(expression)}</assign></process>'


@pytest.mark.parametrize("case", REFUSED)
async def test_an_expression_that_is_none_is_a_dead_letter(daemon: Intake, case: str) -> None:
    expression, reason = REFUSED[case]

    said = await daemon.fate(LAUNCHES, assigning(expression))

    assert (said.startswith("<definition>:1: <assign> "), reason in said) == (True, True), said
    assert len(said) < 700
    assert (await daemon.storage.counts())["instances"] == 0


@pytest.mark.parametrize("case", FAULTS)
async def test_an_expression_that_cannot_be_is_a_fault_of_its_instance(daemon: Intake, case: str) -> None:
    expression, code, reason = FAULTS[case]

    status = await daemon.fate(LAUNCHES, assigning(expression))

    (incident,) = await daemon.storage.incidents()
    assert (status, incident.kind, incident.code) == ("faulted", "fault", code)
    assert reason in incident.message


async def test_b7_a_text_that_is_doubled_for_ever_is_a_fault(daemon: Intake) -> None:
    loop = (
        '<process name="p"><context><property name="a" type="str">x</property></context>'
        '<while><condition>True</condition><assign property="a">a + a</assign></while></process>'
    )

    await daemon.fate(LAUNCHES, loop)

    await daemon.until(lambda: any(key.startswith("incident.opened.") for key in daemon.broker.keys))
    (incident,) = await daemon.storage.incidents()
    assert incident.code == "LimitExceeded"


async def test_b9_a_comprehension_is_bounded(daemon: Intake) -> None:
    """It is allowed (L21); each of its turns is counted."""
    text = assigning("[a for a in range(9000) for b in range(9000)]")

    assert await daemon.fate(LAUNCHES, text) == "faulted"
    (incident,) = await daemon.storage.incidents()
    assert (incident.code, "1,000,000 steps" in incident.message) == ("LimitExceeded", True)


@pytest.mark.parametrize(("condition", "outcome"), [('"no"', "taken"), ('""', "completed"), ("[0]", "taken")])
async def test_b18_a_condition_counts_by_pythons_truth(daemon: Intake, condition: str, outcome: str) -> None:
    """L24."""
    text = (
        f'<process name="p"><switch><case><condition>{condition}</condition><exit outcome="taken"/></case></switch>'
        "</process>"
    )
    tag = daemon.deliver(LAUNCHES, text, message_id="b18")
    await daemon.over(tag)

    row = await daemon.storage.instance("b18")
    assert row is not None
    assert row.outcome == outcome
