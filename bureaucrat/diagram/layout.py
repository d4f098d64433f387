"""Where everything stands: an outline as boxes with places and sizes.

Rules: a box is large enough for its texts and for all that stands in it; boxes of one parent never overlap; a sequence
runs downward, what runs or is chosen side by side stands so, what is attached stands beside its activity or, of a
group, within it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .measure import cut, width
from .outline import Element
from .pieces import Box, Dot, Line, Piece, Text, attach, below, beside, settle, with_attached

TITLE, SMALL = 13, 11  #: sizes of the fonts
BADGE = 9  #: radius of the sign at a box's corner
DOT = 7  #: radius of a start or an end
_LEFT, _RIGHT, _EDGE = 40, 16, 9  #: from a box's edges to its texts
_TITLE_LINE, _SMALL_LINE = 18, 15
_INNER = 16  #: from a group's edge to what stands in it
_WIDEST_TEXT, _WIDEST_HEAD, _NARROWEST = 280, 400, 110
_ENDS = frozenset({"exit", "fault"})
_BARS = {"all": "bar", "any": "bar", "switch": "flow"}


@dataclass(frozen=True, slots=True)
class Drawing:
    """A whole definition, laid out."""

    box: Box
    width: int
    height: int
    is_live: bool


def lay_out(element: Element) -> Drawing:
    """Give everything its place."""
    box = _piece(element).boxes[0]
    settle(box)
    return Drawing(box, box.width, box.height, _is_live(element))


def _is_live(element: Element) -> bool:
    return element.live is not None or any(_is_live(one) for one in (*element.inside, *element.attached))


def _piece(element: Element) -> Piece:
    attached = [_piece(one) for one in element.attached]
    if element.is_group:
        return _group(element, attached)
    host = _simple(element)
    return attach(host, attached) if attached else host


def _simple(element: Element) -> Piece:
    lines = [(text, "detail") for text in element.details] + [(text, "note") for text in element.notes]
    texts, high = _texts(element.title, lines, _WIDEST_TEXT)
    wide = max(_NARROWEST, *(_LEFT + _width(text) + _RIGHT for text in texts))
    wide += wide % 2
    return Piece(wide, high, wide // 2, high, element.kind in _ENDS, [Box(element, wide, high, texts=texts)])


def _group(element: Element, attached: Sequence[Piece]) -> Piece:
    body = _body(element)
    inner = with_attached(body, attached)
    lines = [(" · ".join(element.details), "detail")] if element.details else []
    lines += [(text, "note") for text in element.notes]
    room = max(_WIDEST_HEAD, 0 if inner is None else inner.width - _LEFT)
    texts, high = _texts(element.title, lines, room)
    wide = max(_LEFT + _width(text) + _RIGHT for text in texts)
    box = Box(element, max(wide, _NARROWEST), high, texts=texts)
    axis = box.width // 2
    if inner is not None:
        box.width = max(wide, inner.width + 2 * _INNER)
        left = (box.width - inner.width) // 2
        whole = Piece()
        whole.take(inner, left, high + _EDGE)
        box.boxes, box.lines, box.dots = whole.boxes, whole.lines, whole.dots
        box.height, axis = whole.height + _INNER, left + inner.axis
    is_end = element.kind in ("case", "sequence") and body is not None and body.is_end
    return Piece(box.width, box.height, axis, box.height, is_end, [box])


def _body(element: Element) -> Piece | None:
    pieces = [_piece(one) for one in element.inside]
    if element.kind == "process":
        pieces = [_dot("start"), *pieces]
        return below(pieces if pieces[-1].is_end else [*pieces, _dot("end")])
    if not pieces:
        return None
    return beside(pieces, _BARS[element.kind]) if element.is_beside else below(pieces)


def _dot(style: str) -> Piece:
    return Piece(2 * DOT, 2 * DOT, DOT, 2 * DOT, dots=[Dot(DOT, DOT, style)])


def _texts(title: str, lines: Sequence[tuple[str, str]], room: int) -> tuple[list[Text], int]:
    """The texts of a box, and how high it must be for them."""
    y = _EDGE + 14
    texts = [Text(_LEFT, y, cut(title, TITLE, room, is_bold=True), "title")]
    for text, style in lines:
        y += _TITLE_LINE if len(texts) == 1 else _SMALL_LINE
        texts.append(Text(_LEFT, y, cut(text, SMALL, room), style))
    return texts, max(y + 4 + _EDGE, 38)


def _width(text: Text) -> int:
    return width(text.text, TITLE, is_bold=True) if text.style == "title" else width(text.text, SMALL)


__all__ = ["BADGE", "DOT", "SMALL", "TITLE", "Box", "Dot", "Drawing", "Line", "Text", "lay_out"]
