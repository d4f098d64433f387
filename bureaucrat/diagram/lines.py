"""An outline as lines of text, for terminals and pipes.

Rules: one line for each activity, cut at the given width; names stand in one column and what they are in the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .outline import Element, Sign

_SIGNS = {
    Sign.DONE: "✓",
    Sign.ACTIVE: "●",
    Sign.WAITING: "○",
    Sign.RETRYING: "↻",
    Sign.INCIDENT: "!",
    Sign.CANCELED: "–",
}
_SIGNS_ASCII = {
    Sign.DONE: "+",
    Sign.ACTIVE: "*",
    Sign.WAITING: "o",
    Sign.RETRYING: "~",
    Sign.INCIDENT: "!",
    Sign.CANCELED: "-",
}
_LINES = ("├ ", "└ ", "├╌", "└╌", "│ ", "  ")
_LINES_ASCII = ("| ", "` ", "|-", "`-", "| ", "  ")
_WIDEST_NAME, _LEAST_NAME = 36, 8
_NAMES = {
    "loop": "",
    "parallel": "",
    "handler": "",
    "compensation": "",
    "human": "action",
}  #: kinds that their texts tell


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what leads to it, the sign, the name, and what else is known."""

    lead: str
    sign: str
    name: str
    what: str
    notes: str
    state: Sign | None


def lines_of(element: Element, *, is_ascii: bool = False) -> Iterator[Line]:
    """The lines of everything inside the process, in order; names are filled up to one column."""
    names = [*_names(element, 0)]
    deepest = max(lead for lead, _ in names)
    column = max(deepest + _LEAST_NAME, min(max(lead + length for lead, length in names), _WIDEST_NAME))
    yield from _inside(element, "", column, is_ascii)


def _names(element: Element, lead: int) -> Iterator[tuple[int, int]]:
    """Where each name begins, and how long it is."""
    yield lead, len(element.title) if lead else 0
    for one in (*element.inside, *element.attached):
        yield from _names(one, lead + 2)


def _inside(element: Element, lead: str, column: int, is_ascii: bool) -> Iterator[Line]:
    tee, last, dashed, dashed_last, bar, gap = _LINES_ASCII if is_ascii else _LINES
    below = [*element.inside, *element.attached]
    for number, one in enumerate(below):
        is_last = number + 1 == len(below)
        forms = (dashed, dashed_last) if one.is_dashed else (tee, last)
        yield _line(one, lead + forms[is_last], column, is_ascii)
        yield from _inside(one, lead + (gap if is_last else bar), column, is_ascii)


def _line(element: Element, lead: str, column: int, is_ascii: bool) -> Line:
    live = element.live
    signs = _SIGNS_ASCII if is_ascii else _SIGNS
    room = column - len(lead)
    kind = _NAMES.get(element.kind, element.kind)
    first = [text.partition(" ")[0] for text in (element.title, *element.details[:1])]
    shown = [kind] if kind and kind not in first else []
    return Line(
        lead=lead,
        sign="" if live is None else signs[live.sign],
        name=_cut(element.title, room, is_ascii).ljust(room),
        what=", ".join([" ".join([*shown, *element.details[:1]]), *element.details[1:]]).strip(),
        notes=", ".join(element.notes),
        state=None if live is None else live.sign,
    )


def _cut(text: str, room: int, is_ascii: bool) -> str:
    text = " ".join(text.split())
    mark = "..." if is_ascii else "…"
    return text if len(text) <= room else text[: room - len(mark)] + mark
