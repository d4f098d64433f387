"""From an expression's text to Python's tree of it, with every way that Python's parser can fail (language, L21, L22).

Rules:

- An expression may run over several lines, as if in brackets; it may not close a bracket that it did not open.
- Identifiers are ASCII: Python reads others by their NFKC form, so that two different texts would be one name.
- Characters that reorder or break what a reader sees are refused wherever they stand.
- What the parser only warns of is refused too: it means something else, or nothing, in the next Python.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from typing import Final

MAX_SOURCE: Final = 4_096  #: bytes of UTF-8

_BLANK: Final = " \t\n\f"
_FORBIDDEN: Final = re.compile("[\x00\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_NOT_ASCII: Final = re.compile("[^\x00-\x7f]")
#: Stands for characters that may be in a text and nowhere else.
_MASK: Final = "\x01"
#: What Python says of ways out that there are not here, and of lines that are not the source's.
_ADVICE: Final = re.compile(r"(?: or ':='|\. Perhaps you| \(detected at line| on line \d).*")
_BRACKETS: Final = re.compile("never closed|does not match|unmatched")
_OUR_BRACKET: Final = "'[' on line 1"


class InvalidExpression(ValueError):
    """The definition's author must rewrite the expression: `reason` says why, `line` and `column` (from 1) where."""

    def __init__(self, reason: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"line {line}, column {column}: {reason}")
        self.reason = reason
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Origin:
    """Where parsed text stands in its source: how many lines lower, and how much its first line is indented."""

    text: str
    lines: int
    columns: int

    def place(self, line: int, column: int) -> tuple[int, int]:
        """Line and column in the source, both from 1; `column` counts characters from 0."""
        return max(1, line + self.lines), max(0, column + self.columns) + 1

    def of(self, node: ast.expr) -> tuple[int, int]:
        """Where a node begins; Python counts its column in bytes."""
        lines = self.text.split("\n")
        before = lines[min(node.lineno, len(lines)) - 1].encode()[: node.col_offset]
        return self.place(node.lineno, len(before.decode(errors="ignore")))


@dataclass(frozen=True, slots=True)
class Parsed:
    """A tree, and where its text stands in the source."""

    tree: ast.expr
    origin: Origin


def parse(source: str) -> Parsed:
    """The tree of an expression; :class:`InvalidExpression` if Python or a rule above objects.

    Python's parser may also run out of stack: a ``RecursionError`` or ``MemoryError``.
    """
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    _check_characters(source)
    body = source.strip(_BLANK)
    if not body:
        raise InvalidExpression("the expression is empty")
    if "\n" not in body:
        lead = source[: source.index(body)]
        origin = Origin(body, lead.count("\n"), len(lead) - lead.rfind("\n") - 1)
        tree = _read(origin)
    else:
        origin = Origin(f"(\n{source}\n)", -1, 0)
        tree = _read(origin)
        _check_brackets(Origin(f"[\n{source}\n]", -1, 0))
    _check_identifiers(origin)
    return Parsed(tree, origin)


def _check_characters(source: str) -> None:
    if len(source.encode(errors="surrogatepass")) > MAX_SOURCE:
        raise InvalidExpression(f"the expression is longer than {MAX_SOURCE:,} bytes")
    forbidden = _FORBIDDEN.search(source)
    if forbidden:
        before = source[: forbidden.start()]
        reason = f"the character U+{ord(forbidden[0]):04X} is not allowed"
        raise InvalidExpression(reason, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _check_brackets(origin: Origin) -> None:
    """``1) + (2`` would be an expression in brackets of ours, and is none: our bracket must close at the end."""
    tree = _read(origin)
    if not isinstance(tree, ast.List):
        raise InvalidExpression("this is not one expression")
    if not tree.elts:
        raise InvalidExpression("the expression is empty")


def _check_identifiers(origin: Origin) -> None:
    if origin.text.isascii():
        return
    try:
        _read(Origin(_NOT_ASCII.sub(_MASK, origin.text), origin.lines, origin.columns))
    except InvalidExpression as exc:
        reason = 'names are of ASCII letters, digits and _: write context["…"] for another'
        raise InvalidExpression(reason, exc.line, exc.column) from exc


def _read(origin: Origin) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return ast.parse(origin.text, mode="eval").body
    except SyntaxError as exc:
        last = origin.text.count("\n") + 1
        line, column = min(exc.lineno or 1, last + origin.lines), (exc.offset or 1) - 1
        is_ours = exc.lineno in (1, last) or exc.msg.endswith(_OUR_BRACKET)
        is_bracket = origin.lines < 0 and is_ours and _BRACKETS.search(exc.msg)
        reason = "the brackets do not match" if is_bracket else _ADVICE.sub("", exc.msg)
        raise InvalidExpression(reason, *origin.place(line, column)) from exc
