"""How far each activity of an instance is, for a drawing of its definition.

Rules: one sign for each activity, of its most urgent activation if there are several; items of a parallel loop are
counted, and only their incidents named; what the history does not tell is inferred only where it is certain: what
stands before an active activity of the same sequence has been passed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from ..core.activities import Action, Await, Call, Delay, Foreach, While
from ..core.activity import Activity, Sequential
from ..core.context import SELECTION
from ..core.instance import Frame
from ..diagram import Live, Sign
from ..ports import HistoryRow, IncidentRow
from ..stores import destination_of
from .items import item_of
from .plain import waiting
from .rows import Mark, Row
from .seen import Seen
from .standing import is_stalled, silence
from .why import why
from .window import Window
from .wording import count, quoted, rough, seconds

_SIGNS = {
    Mark.INCIDENT: Sign.INCIDENT,
    Mark.RETRYING: Sign.RETRYING,
    Mark.ACTIVE: Sign.ACTIVE,
    Mark.WAITING: Sign.WAITING,
    Mark.DONE: Sign.DONE,
    Mark.CANCELED: Sign.CANCELED,
}
_URGENT = list(_SIGNS)
_ENDED = {"completed": Sign.DONE, "canceled": Sign.CANCELED}
_MOST = 5  #: incidents that are named at a loop


def marks(window: Window, seen: Seen) -> dict[int, Live]:
    """The sign and notes of each activity that was reached, by index."""
    made = _Marks(window, seen)
    found = {**made.passed(), **made.ended(), **made.hidden(), **made.open()}
    if seen.row.ended is not None:
        found[0] = Live(_ENDED.get(seen.row.status, Sign.INCIDENT), (seen.row.outcome or seen.row.status,))
    return found


class _Marks:
    def __init__(self, window: Window, seen: Seen) -> None:
        self._window = window
        self._seen = seen
        self._activities = seen.story.definition.activities
        self._rows: dict[int, list[Row]] = defaultdict(list)
        for row in seen.story.all_rows():
            if not row.item:
                self._rows[row.activity.index].append(row)
        self._incidents: dict[int, list[IncidentRow]] = defaultdict(list)
        for incident in seen.incidents:
            self._incidents[incident.activity].append(incident)
        ended = [one.activity for one in seen.history if one.what in _ENDED and not self._is_item(one)]
        self._times = Counter(index for index in ended if index is not None)
        self._undoable = {one.activity for one in seen.remembered}

    def _is_item(self, row: HistoryRow) -> bool:
        """Whether it is an item of a parallel loop, which is counted where it joins."""
        is_loop = row.activity is not None and self._activities[row.activity].forks_items
        return is_loop and "." in row.address.removeprefix(self._seen.row.id).rpartition("_")[2]

    # -- what is over

    def passed(self) -> dict[int, Live]:
        """Of what stands before an active one in the same sequence."""
        found: dict[int, Live] = {}
        for branch in self._seen.copy.branches.values():
            for frame in branch.frames:
                activity = self._activities[frame.activity]
                if isinstance(activity, Sequential) and not frame.fault:
                    found |= {child: Live(Sign.DONE) for child in activity.children[: max(frame.position, 0)]}
        return found

    def ended(self) -> dict[int, Live]:
        """Of what the history tells to have ended."""
        last = {one.activity: one.what for one in self._seen.history if one.what in _ENDED}
        return {index: Live(_ENDED[last[index]], tuple(self._told(index))) for index in self._times}

    def _told(self, index: int) -> Iterator[str]:
        times, rows = self._times[index], self._rows[index]
        row = rows[-1] if rows else None
        if times > 1:
            yield f"{times:,} times"
        elif row is not None and row.ended is not None and _takes_time(row.activity):
            tries = f", {count(row.tries, 'attempt')}" if row.tries > 1 else ""
            yield seconds(row.ended - row.since) + tries
        if row is not None:
            yield from row.notes
        if index in self._undoable:
            yield "can be compensated"

    # -- what is not

    def hidden(self) -> dict[int, Live]:
        """Of the process, of cases and of handlers, which have no row."""
        active = {frame.activity for branch in self._seen.copy.branches.values() for frame in branch.frames}
        found = {index: Live(Sign.ACTIVE) for index in sorted(active) if index}
        for index, incidents in self._incidents.items():
            found[index] = Live(Sign.INCIDENT, _why(self._activities[index], incidents[0]))
        return found

    def open(self) -> dict[int, Live]:
        """Of what is active."""
        found = {}
        for index, rows in self._rows.items():
            active = [row for row in rows if row.is_open]
            if active:
                sign = _SIGNS[min((row.mark for row in active), key=_URGENT.index)]
                notes = self._one(active[0]) if len(active) == 1 else self._several(index, active)
                found[index] = Live(sign, tuple(notes))
        return found

    def _several(self, index: int, active: Sequence[Row]) -> Iterator[str]:
        for mark, number in sorted(Counter(row.mark for row in active).items(), key=lambda one: _URGENT.index(one[0])):
            yield f"{number:,} {_SIGNS[mark].value}"
        if self._times[index]:
            yield f"{self._times[index]:,} done"

    def _one(self, row: Row) -> Iterator[str]:
        activity, now = row.activity, self._window.now
        queue = destination_of(row.participant, self._seen.facts.queues)
        if row.mark is Mark.INCIDENT:
            incidents = [one for one in self._incidents[activity.index] if one.address == row.address]
            yield from _why(activity, incidents[0]) if incidents else (quoted(row.waits),)
        elif queue is not None and is_stalled(self._window, row, self._seen.facts.queues):
            yield silence(queue, now)
        elif isinstance(activity, Await | Delay | Call):
            yield from filter(None, (row.waits.partition(", ")[2], self._until(row)))
        elif isinstance(activity, Action):
            yield waiting(row, now)
        else:
            yield from self._progress(row)
        if self._times[activity.index] and not activity.children:
            yield f"{self._times[activity.index]:,} done before"
        yield from row.notes

    def _until(self, row: Row) -> str:
        """``else Timeout in 18 m, 14:32:00``"""
        if row.until is None:
            return f"for {rough(self._window.now - row.since)}"
        return f"{row.then} in {rough(row.until - self._window.now)}, {self._window.times.at(row.until)}"

    def _progress(self, row: Row) -> Iterator[str]:
        """How far a loop is, or what runs side by side."""
        index = row.activity.index
        if row.is_parallel:
            active = sum(one.is_open for one in row.rows)
            yield f"{row.joined:,}/{row.items:,} done, {active:,} in work"
            yield from self._named(index)
        elif isinstance(row.activity, While | Foreach):
            yield from self._turn(index)
        elif row.activity.tag == "all":
            done = sum(frame.turn for frame in self._frames(index))
            yield f"{done:,} of {len(row.activity.children):,} done"

    def _frames(self, index: int) -> Iterator[Frame]:
        for branch in self._seen.copy.branches.values():
            yield from (frame for frame in branch.frames if frame.activity == index)

    def _turn(self, index: int) -> Iterator[str]:
        for branch in self._seen.copy.branches.values():
            frame, kept = branch.frame_of(index), branch.scopes.get(~index)
            if frame is not None:
                items = "" if kept is None else f"/{len(kept.values[SELECTION]):,}"
                yield f"item {frame.turn:,}{items}" if items else f"turn {frame.turn:,}"

    def _named(self, loop: int) -> Iterator[str]:
        """The incidents of a parallel loop's items."""
        found = [one for one in self._seen.incidents if self._loop_of(one.activity) == loop]
        for one in found[:_MOST]:
            item = item_of(one.address.removeprefix(self._seen.row.id)).rpartition(".")[2]
            yield f"! item {int(item):,} {self._activities[one.activity].label}: {quoted(one.message)}"
        if len(found) > _MOST:
            yield f"! {len(found) - _MOST:,} more"

    def _loop_of(self, index: int) -> int:
        while index >= 0 and not self._activities[index].forks_items:
            index = self._activities[index].parent
        return index


def _takes_time(activity: Activity) -> bool:
    return bool(activity.children) or isinstance(activity, Action | Await | Delay | Call)


def _why(activity: Activity, incident: IncidentRow) -> tuple[str, ...]:
    """The reason, on two lines if it has two parts."""
    first, _, last = why(activity, incident).partition(", last ")
    return (first, last) if last else (first,)
