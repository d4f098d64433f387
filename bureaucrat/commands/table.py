"""Columns: whole in a pipe; on a terminal one of them is cut, so that each row is one line."""

from __future__ import annotations

from collections.abc import Sequence

from .progress import Output
from .wording import one_line

_GAP = "  "
_LEAST = 12  #: characters that are left of the column that is cut


def show(
    output: Output, titles: Sequence[str], rows: Sequence[Sequence[str]], cut: str, styles: Sequence[str] = ()
) -> None:
    """Write rows below their titles.

    :param cut: the title of the column that gives way where a terminal is too narrow.
    :param styles: of each row, on a terminal only.
    """
    if output.is_terminal:
        rows = _fitting(rows, titles, titles.index(cut), output.console.size.width)
    for line, style in zip(plain(titles, rows), ("bold", *(styles or [""] * len(rows))), strict=True):
        output.line(line, style)


def plain(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines: each column as wide as its widest cell."""
    whole = [titles, *rows]
    widths = _widths(whole)
    return [_GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in whole]


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _fitting(rows: Sequence[Sequence[str]], titles: Sequence[str], cut: int, width: int) -> Sequence[Sequence[str]]:
    """The rows with one column cut to what the others leave of the width."""
    others = _widths([titles, *rows])
    others.pop(cut)
    room = max(width - sum(others) - len(_GAP) * len(others), _LEAST)
    return [[one_line(cell, room) if place == cut else cell for place, cell in enumerate(row)] for row in rows]
