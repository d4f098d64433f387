"""The tree of an instance, as text with styles for a terminal.

Rules: one line for each row, cut at the terminal's edge; the columns stand where the definition's longest names need
them, so that lines that are printed one after another stay in line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.text import Text

from ..core.activities import Action, Assign, Await, Call, Exit, Signal, Throw
from ..core.activity import Activity, Value
from ..core.table import Definition
from .plain import turns, waiting
from .rows import Mark, Row, all_rows
from .wording import count, one_line, ordinal, pairs, quoted, rough, seconds

_SIGNS = {
    Mark.ACTIVE: ("●", "*", "cyan"),
    Mark.WAITING: ("○", "o", "yellow"),
    Mark.RETRYING: ("↻", "~", "yellow"),
    Mark.DONE: ("✓", "+", "green"),
    Mark.CANCELED: ("–", "-", "dim"),
    Mark.INCIDENT: ("!", "!", "bold red"),
}
_LINES = ("┬", "├ ", "└ ", "│ ", "  ")
_LINES_ASCII = ("+", "| ", "` ", "| ", "  ")
_WIDEST_NAME, _WIDEST_WHO = 32, 34
_MOST_ITEMS = 12  #: of a parallel loop; the others are counted
_URGENT = (Mark.INCIDENT, Mark.RETRYING, Mark.ACTIVE, Mark.WAITING, Mark.CANCELED, Mark.DONE)


class Tree:
    """Draws rows of one definition, and of those it calls.

    :param began: how the instant of a start is written; None: it is not.
    """

    def __init__(
        self, definition: Definition, *, is_ascii: bool = False, began: Callable[[float], str] | None = None
    ) -> None:
        self._began = began
        activities = definition.activities
        depths: list[int] = []
        for activity in activities:
            is_in_item = activity.parent >= 0 and activities[activity.parent].forks_items
            depths.append(depths[activity.parent] + 1 + is_in_item if activity.parent >= 0 else 0)
        names = [len(one.label) + 2 * depth for one, depth in zip(activities, depths, strict=True) if depth]
        names += [
            len(one.label) + 2 * depth + 8 for one, depth in zip(activities, depths, strict=True) if one.forks_items
        ]
        self._name = min(max(names, default=8), _WIDEST_NAME) + 2
        self._who = min(max((len(_who(one)) for one in activities), default=8), _WIDEST_WHO) + 2
        retries = [one.policy.retries for one in activities if isinstance(one, Action)]
        self._attempt = 18 if any(retries) else 0
        self._column = 1 if is_ascii else 0
        self._lines = _LINES_ASCII if is_ascii else _LINES

    def draw(self, rows: list[Row], now: float) -> Iterator[Text]:
        """The lines of rows that stand at the top."""
        for row in rows:
            yield from self._draw(row, "", "", now)

    def _draw(self, row: Row, lead: str, below: str, now: float) -> Iterator[Text]:
        yield self._line(row, lead, now)
        _, tee, last, bar, gap = self._lines
        if row.dropped and not row.is_parallel:
            yield Text(f"  {below}{bar}  {count(row.dropped, 'line')} above are not shown", "dim")
        shown = _shown(row)
        for number, inside in enumerate(shown):
            is_last = number + 1 == len(shown) and not row.is_open
            yield from self._draw(inside, below + (last if is_last else tee), below + (gap if is_last else bar), now)
        if len(shown) < len(row.rows):
            yield Text(f"  {below}{bar}  {count(len(row.rows) - len(shown), 'more item')}", "dim")

    def _line(self, row: Row, lead: str, now: float) -> Text:
        is_group = (
            bool(row.rows) and row.mark in (Mark.ACTIVE, Mark.DONE) and not isinstance(row.activity, Action | Await)
        )
        sign = self._lines[0] if is_group else _SIGNS[row.mark][self._column]
        style = "" if is_group else _SIGNS[row.mark][2]
        text = Text("  ", no_wrap=True, overflow="ellipsis", end="\n")
        text.append(lead, "dim")
        text.append(sign, style)
        name = one_line(row.label, self._name)
        text.append(" " + name.ljust(self._name - len(lead)), "bold" if row.is_open else "")
        text.append(_who(row.activity, row).ljust(self._who), "dim")
        text.append(self._attempts(row).ljust(self._attempt))
        if self._began is not None:
            text.append(self._began(row.since).rjust(10))
        text.append(seconds((row.ended or now) - row.since).rjust(10) + "   ")
        text.append_text(self._note(row, now))
        if row.is_before:
            text.stylize("dim")
        return text

    def _attempts(self, row: Row) -> str:
        is_told = row.failures or (row.is_open and row.of > 1)
        return f"attempt {row.tries} of {row.of}" if is_told and row.tries else ""

    def _note(self, row: Row, now: float) -> Text:
        parts = []
        if row.is_before:
            parts.append("before")
        if row.mark is Mark.CANCELED:
            parts.append("canceled")
        if row.is_open and (row.mark is not Mark.ACTIVE or row.waits):
            parts.append(waiting(row, now).removeprefix(_who(row.activity, row)).removeprefix(", "))
        if row.turns:
            parts.append(turns(row))
        if row.is_parallel:
            parts.append(f"{row.joined:,}/{row.items:,}" if row.items else count(row.joined, "item"))
        parts += row.notes
        if row.changed:
            parts.append(pairs(row.changed))
        if row.failures and row.mark is not Mark.RETRYING:
            parts.append(_failures(row))
        return Text("   ".join(parts), _SIGNS[Mark.INCIDENT][2] if row.mark is Mark.INCIDENT else "")


def _shown(row: Row) -> list[Row]:
    """The rows below one: of many parallel items those that somebody has to know of, in their order."""
    if not row.is_parallel or len(row.rows) <= _MOST_ITEMS:
        return row.rows
    urgent = sorted(range(len(row.rows)), key=lambda place: _urgency(row.rows[place]))
    return [row.rows[place] for place in sorted(urgent[:_MOST_ITEMS])]


def _urgency(row: Row) -> int:
    """Of the most urgent thing in it; what is over comes last."""
    marks = [row.mark, *(one.mark for one in all_rows(row.rows) if one.is_open)]
    return min(_URGENT.index(mark) for mark in marks)


def _failures(row: Row) -> str:
    last = row.failures[-1]
    if len(row.failures) == 1:
        return f"{ordinal(last.number)}: {quoted(last.error)}, again after {rough(last.wait)}"
    return f"{count(len(row.failures), 'error')}, last {quoted(last.error)}"


def _who(activity: Activity, row: Row | None = None) -> str:
    """Who or what an activity has to do with."""
    match activity:
        case Action():
            text = (row.participant if row is not None else "") or _value(activity.participant)
        case Await():
            text = f"event {_value(activity.event)}"
        case Signal():
            text = f"event {_value(activity.event)}"
        case Call():
            text = f"process {_value(activity.process)}"
        case Exit():
            text = "" if activity.outcome is None else f"outcome {_value(activity.outcome)}"
        case Throw():
            text = f"fault {_value(activity.code)}"
        case Assign():
            text = activity.property
        case _:
            text = "" if activity.label == activity.tag else activity.tag
            text = "item" if row is not None and row.item else text
    return one_line(text, _WIDEST_WHO)


def _value(value: Value) -> str:
    return str(value.literal) if value.expression is None else f"={value.expression.source}"
