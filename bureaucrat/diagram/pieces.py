"""Parts of a drawing and how they are put together: one below the other, side by side, one attached to another.

Rules: all lengths are whole pixels; what a piece holds is placed relative to its own corner, a box inside a box
relative to that box, until :func:`settle` has the coordinates of the whole drawing written into all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isqrt

from .outline import Element

GAP = 26  #: between one activity and the next below it: room for an arrow
LANE = 20  #: between two that stand side by side
FORK = 18  #: from the bar of a fork to its lanes, and back
ATTACH = 26  #: between an activity and what is attached to it
STACK = 16  #: between two that are attached to the same
PORT = 20  #: below the upper edge of a box its attachments begin
TALLEST, WIDEST = 1_600, 1_500  #: what is longer is continued beside it, or below it
_LITTLE = 120  #: that one long box may have above and below it in its column
_TURN = 12  #: how far beyond the ends of a column the way to the next one runs


@dataclass(slots=True)
class Text:
    """One line of text; `y` is its base line."""

    x: int
    y: int
    text: str
    style: str  #: ``title``, ``detail`` or ``note``


@dataclass(slots=True)
class Line:
    """A way through some points."""

    points: list[tuple[int, int]]
    style: str = "flow"  #: ``flow``, ``arrow``, ``bar`` or ``link``


@dataclass(slots=True)
class Dot:
    """Where the process starts or ends."""

    x: int
    y: int
    style: str


@dataclass(slots=True)
class Box:
    """One element with its place."""

    element: Element
    width: int
    height: int
    x: int = 0
    y: int = 0
    texts: list[Text] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    dots: list[Dot] = field(default_factory=list)


@dataclass(slots=True)
class Piece:
    """Some boxes and lines that belong together."""

    width: int = 0
    height: int = 0
    axis: int = 0  #: where the way through it enters and leaves, from its left edge
    leave: int = 0  #: how far down it leaves
    is_end: bool = False  #: nothing goes on behind it
    boxes: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    dots: list[Dot] = field(default_factory=list)

    def take(self, other: Piece, x: int, y: int) -> None:
        """Put another piece into this one."""
        _move([*other.boxes, *other.dots], x, y)
        for line in other.lines:
            line.points = [(a + x, b + y) for a, b in line.points]
        self.boxes += other.boxes
        self.lines += other.lines
        self.dots += other.dots
        self.width = max(self.width, x + other.width)
        self.height = max(self.height, y + other.height)


def _move(placed: Sequence[Box | Dot | Text], x: int, y: int) -> None:
    for one in placed:
        one.x += x
        one.y += y


def below(pieces: Sequence[Piece]) -> Piece:
    """One after another; what is too long for one column is continued in the next."""
    columns = [_column(part) for part in _columns(pieces)]
    if len(columns) == 1:
        return columns[0]
    whole = Piece(axis=columns[0].axis, is_end=pieces[-1].is_end)
    x = 0
    for number, column in enumerate(columns):
        axis, foot = x + column.axis, _TURN + column.leave
        whole.take(column, x, _TURN)
        x += column.width + 2 * LANE
        if number + 1 < len(columns):
            gutter, following = x - LANE, x + columns[number + 1].axis
            turns = [(axis, foot + _TURN), (gutter, foot + _TURN), (gutter, 0), (following, 0)]
            whole.lines.append(Line([(axis, foot), *turns, (following, _TURN)], "arrow"))
    whole.height += _TURN
    whole.leave = whole.height
    return whole


def _columns(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Which pieces stand in which column: about as wide as high, all together."""
    total = sum(piece.height + GAP for piece in pieces)
    widest = max(piece.width for piece in pieces)
    tallest = max(piece.height for piece in pieces)
    most = max(TALLEST, tallest + _LITTLE, isqrt(total * (widest + 2 * LANE) * 2 // 3))
    columns: list[list[Piece]] = [[]]
    height = 0
    for piece in pieces:
        if columns[-1] and height + piece.height > most:
            columns.append([])
            height = 0
        columns[-1].append(piece)
        height += piece.height + GAP
    return columns


def _column(pieces: Sequence[Piece]) -> Piece:
    axis = max(piece.axis for piece in pieces)
    column = Piece(axis=axis, is_end=pieces[-1].is_end)
    y, left = 0, -1
    for piece in pieces:
        column.take(piece, axis - piece.axis, y)
        if left >= 0:
            column.lines.append(Line([(axis, left), (axis, y)], "arrow"))
        left = y + piece.leave
        y += piece.height + GAP
    column.leave = left
    return column


def beside(pieces: Sequence[Piece], style: str) -> Piece:
    """Side by side, in as many rows as it takes, each between two bars.

    :param style: of the bars.
    """
    whole = Piece()
    rows = _rows(pieces)
    for row in rows:
        made = _row(row, style)
        whole.take(made, 0, whole.height + (LANE if whole.height else 0))
        whole.axis = whole.axis or made.axis
    whole.leave = whole.height
    return whole


def _rows(pieces: Sequence[Piece]) -> list[list[Piece]]:
    area = sum((piece.width + LANE) * (piece.height + LANE) for piece in pieces)
    most = max(WIDEST, 2 * (max(piece.width for piece in pieces) + LANE), isqrt(area * 2))
    rows: list[list[Piece]] = [[]]
    width = 0
    for piece in pieces:
        if rows[-1] and width + piece.width > most:
            rows.append([])
            width = 0
        rows[-1].append(piece)
        width += piece.width + LANE
    return rows


def _row(pieces: Sequence[Piece], style: str) -> Piece:
    row = Piece()
    foot = 2 * FORK + max(piece.height for piece in pieces)
    x, axes = 0, []
    for piece in pieces:
        axis = x + piece.axis
        axes.append(axis)
        row.take(piece, x, FORK)
        row.lines.append(Line([(axis, 0), (axis, FORK)], "arrow"))
        if not piece.is_end:
            row.lines.append(Line([(axis, FORK + piece.leave), (axis, foot)]))
        x += piece.width + LANE
    row.lines.append(Line([(axes[0], 0), (axes[-1], 0)], style))
    going = [axis for axis, piece in zip(axes, pieces, strict=True) if not piece.is_end]
    if going:
        row.lines.append(Line([(going[0], foot), (going[-1], foot)], style))
    row.height, row.axis = foot, (axes[0] + axes[-1]) // 2
    return row


def attach(host: Piece, attached: Sequence[Piece]) -> Piece:
    """Attach pieces to a box, at its right side."""
    whole = Piece(axis=host.axis, leave=host.leave, is_end=host.is_end)
    whole.take(host, 0, 0)
    x, y = host.width + ATTACH, 0
    for piece in attached:
        bend = host.width + ATTACH // 2
        port = min(PORT, host.height // 2)
        points = [(host.width, port), (bend, port), (bend, y + PORT), (x, y + PORT)]
        whole.take(piece, x, y)
        whole.lines.append(Line(points, "link"))
        y += piece.height + STACK
    return whole


def with_attached(body: Piece | None, attached: Sequence[Piece]) -> Piece | None:
    """What stands in a group: its body, and what is attached to the group beside it or below it, as it fits better."""
    if not attached:
        return body
    if body is None:
        return _stack(attached)
    width = max(piece.width for piece in attached)
    height = sum(piece.height + STACK for piece in attached) - STACK
    row = sum(piece.width + LANE for piece in attached) - LANE
    tallest = max(piece.height for piece in attached)
    right = (body.width + ATTACH + width) * max(body.height, height)
    under = max(body.width, row) * (body.height + ATTACH + tallest)
    whole = Piece(axis=body.axis, leave=body.leave, is_end=body.is_end)
    whole.take(body, 0, 0)
    if right <= under or row > WIDEST:
        whole.take(_stack(attached), body.width + ATTACH, 0)
        return whole
    x = 0
    for piece in attached:
        whole.take(piece, x, body.height + ATTACH)
        x += piece.width + LANE
    return whole


def _stack(pieces: Sequence[Piece]) -> Piece:
    stack = Piece(axis=pieces[0].axis)
    for piece in pieces:
        stack.take(piece, 0, stack.height + (STACK if stack.height else 0))
    stack.leave = stack.height
    return stack


def settle(box: Box, x: int = 0, y: int = 0) -> None:
    """Write the coordinates of the whole drawing into a box and all that is in it."""
    box.x += x
    box.y += y
    _move([*box.texts, *box.dots], box.x, box.y)
    for line in box.lines:
        line.points = [(a + box.x, b + box.y) for a, b in line.points]
    for inside in box.boxes:
        settle(inside, box.x, box.y)
