"""Columns: for a terminal drawn by rich and cut to its width, for a pipe in plain text and whole."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from .progress import Output

_GAP = 2


def show(output: Output, titles: Sequence[str], rows: Sequence[Sequence[str]], styles: Sequence[str] = ()) -> None:
    """Write rows below their titles.

    :param styles: of each row's cells, by a terminal only.
    """
    if not output.is_terminal:
        for line in plain(titles, rows):
            output.line(line)
        return
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold", show_edge=False)
    for title in titles:
        table.add_column(title, no_wrap=True, overflow="ellipsis")
    for number, row in enumerate(rows):
        table.add_row(*map(Text, row), style=styles[number] if styles else "")
    output.console.print(table)


def plain(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines: each column as wide as its widest cell, nothing is cut."""
    whole = [titles, *rows]
    widths = [max(len(row[column]) for row in whole) for column in range(len(titles))]
    gap = " " * _GAP
    return [gap.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in whole]
