"""Any text gives a definition or an :class:`InvalidDefinition`, soon, and nothing else.

Two sources of text: good documents with bytes changed, and documents made from the grammar with mistakes among them.
The environment variable ``FUZZ`` is the number of examples (10,000); the seed of a failure is in its message.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest
from documents import EVERYTHING, ORIGINAL

from bureaucrat.core.table import Definition
from bureaucrat.definition import InvalidDefinition, Problem, ReadLimits, read
from bureaucrat.definition.grammar import ACTIVITIES, ELEMENTS, ROOT, TAGS, Content, Kind, child_of

pytestmark = pytest.mark.unmeasured
EXAMPLES = int(os.environ.get("FUZZ", "10000"))
BROKEN = [path.read_bytes() for path in sorted((Path(__file__).parent / "broken").glob("*.xml"))]
SEEDS = [EVERYTHING.encode(), ORIGINAL.encode(), *BROKEN]
LIMITS = ReadLimits(document_bytes=20_000, depth=20, activities=200, elements=300, attributes=20, problems=50)

PIECES = [
    *(b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?x ?>", b"<!DOCTYPE a>", b"&lt;", b"&amp;", b"&x;", b"&#0;", b"&#65;"),
    *(
        b"<",
        b">",
        b"/>",
        b"</",
        b"=",
        b'"',
        b"'",
        b"\x00",
        b"\xff",
        b"\xc3\xbc",
        b"\r\n",
        b"]]",
        b"--",
        b"&",
        b" ",
        b"",
    ),
    *(b"<process>", b"</process>", b"<case>", b"<default/>", b"<condition>a < b</condition>", b"<sequence>" * 30),
    *(b' xmlns="x"', b' xmlns:y="urn:bureaucrat:process:1"', b' id="first"', b' y:id="a"', b' timeout="=a +"'),
]

GOOD = {
    Kind.WORD: ["a", "b", "c"],
    Kind.FIELD: ["x", "status"],
    Kind.PROPERTY: ["x", "y"],
    Kind.PATH: ["order.id"],
    Kind.CODES: ["A", "Timeout, B"],
    Kind.FLAG: ["yes", "0"],
    Kind.COUNT: ["0", "3"],
    Kind.TIMES: ["1", "3"],
    Kind.FACTOR: ["1.5"],
    Kind.PLACES: ["no"],
    Kind.DURATION: ["5m"],
    Kind.EXPRESSION: ["x + 1"],
    Kind.PARTICIPANT_VALUE: ["celery:a.b", "=x"],
    Kind.PROCESS_VALUE: ["$x", "part", "part@2"],
    Kind.PRIORITY_VALUE: ["3", "=x"],
    Kind.DURATION_VALUE: ["PT1H", "=x"],
    Kind.PERIOD_VALUE: ["1d"],
    Kind.INSTANT_VALUE: ["2026-01-01", "=now()"],
    Kind.SELECTION: ["a.b", "=a[:2]"],
    Kind.KEY: ["x", "=y"],
}
BAD = ["", " ", "x y", "=", "=a +", "-1", "1e400", "inst:x", "sum", "a\x85b", "$", "&<>\"'", "\u2028", "9" * 400]
TEXTS = [
    "",
    "x",
    "1",
    "a < 1",
    "a &&",
    "event['a']",
    '{"a": NaN}',
    "\n 1 +\n 2 ",
    "lambda: 0",
    "[" * 150,
    "]]>",
    "\xa0",
]


def mutated(random: random.Random) -> bytes:
    """A document with some bytes changed."""
    data = bytearray(random.choice(SEEDS))
    for _ in range(random.randint(1, 6)):
        start = random.randrange(len(data) + 1)
        end = min(len(data), start + random.choice((0, 0, 1, 3, 30)))
        match random.randrange(4):
            case 0:
                data[start:end] = random.choice(PIECES)
            case 1:
                data[start:end] = random.randbytes(random.randint(0, 3))
            case 2:
                other = random.choice(SEEDS)
                place = random.randrange(len(other))
                data[start:end] = other[place : place + 60]
            case 3:
                data[start:start] = data[start:end] * 2
    return bytes(data)


class Author:
    """Writes documents by the grammar, now and then against it."""

    def __init__(self, random: random.Random, care: float) -> None:
        self._random = random
        self._care = care
        self._left = 60

    def element(self, tag: str, type: str, depth: int) -> str:
        self._left -= 1
        element = ELEMENTS[type]
        attributes = "".join(
            f" {name}={quoteattr(self._value(attribute.kind, attribute.choices))}"
            for name, attribute in element.attributes.items()
            if self._random.random() < (0.3 if not attribute.required else self._care)
        )
        inside = self._inside(type, depth) if element.children or element.activities else ""
        text = escape(self._text(element.content))
        return f"<{tag}{attributes}>{text}{inside}</{tag}>" if text or inside else f"<{tag}{attributes}/>"

    def _value(self, kind: Kind, choices: tuple[str, ...]) -> str:
        if self._random.random() > self._care:
            return self._random.choice(BAD)
        return self._random.choice(choices or GOOD.get(kind, ["x"]))

    def _text(self, content: Content) -> str:
        if self._random.random() > self._care:
            return self._random.choice(TEXTS)
        return "" if content is Content.NONE else "1"

    def _inside(self, parent: str, depth: int) -> str:
        names = sorted({*ELEMENTS[parent].children, *(ACTIVITIES if ELEMENTS[parent].activities else ())})
        tags = [tag for tag, child in ELEMENTS[parent].children.items() if child.least]
        while depth and self._left > 0 and self._random.random() < 0.6:
            tags.append(self._random.choice(names if self._random.random() < self._care else sorted(TAGS)))
        known = [(tag, child_of(parent, tag)) for tag in tags]
        return "".join(self.element(tag, child.type if child else tag, depth - 1) for tag, child in known)


def grown(random: random.Random) -> bytes:
    """A document made from the grammar."""
    return Author(random, random.choice((0.7, 0.95, 1.0))).element(ROOT, ROOT, 5).encode()


def problems_of(document: bytes | str) -> list[Problem] | Definition:
    try:
        return read(document, limits=LIMITS)
    except InvalidDefinition as error:
        return error.problems


def check(document: bytes) -> bool:
    """What must hold for any text; whether it is a definition."""
    begin = time.thread_time()
    found = problems_of(document)
    assert time.thread_time() - begin < 2
    if isinstance(found, Definition):
        return True
    places = [(problem.line, problem.column) for problem in found]
    assert places
    assert places == sorted(places)
    assert all(line >= 1 and column >= 1 for line, column in places)
    assert all("\n" not in str(problem) and len(problem.message) <= 600 for problem in found)
    return False


@pytest.mark.parametrize(("make", "count"), [(mutated, EXAMPLES * 4 // 5), (grown, EXAMPLES // 5)])
def test_any_document_is_read_or_refused(make: Callable[[random.Random], bytes], count: int) -> None:
    good = 0
    for seed in range(count):
        document = make(random.Random(seed))
        try:
            good += check(document)
        except BaseException as error:
            error.add_note(f"{make.__name__}, seed {seed}: {document!r}")
            raise

    assert 0 < good < count, "a good mixture"


def test_text_and_bytes_are_read_alike() -> None:
    for seed in range(100):
        document = grown(random.Random(seed))

        found, again = problems_of(document), problems_of(document.decode())

        if isinstance(found, Definition):
            assert isinstance(again, Definition)
            assert (again.hash, again.paths) == (found.hash, found.paths)
        else:
            assert again == found
