"""What an instance has done and does, as rows for people: of its history, then kept up by what the engine tells.

Rules: a row is one activation; rows stand in the order of their starts, below the activity they belong to; the process
itself and the bodies of cases and handlers have no row; nothing here prints or asks the storage.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..core.activities import Action, Await, Call, Compensate, Delay, Foreach, While
from ..core.activity import Activity
from ..core.context import SELECTION
from ..core.instance import Branch, Copy, Frame
from ..core.states import State
from ..core.table import Definition, static_path
from ..engine.writes import Progress
from ..ports import IncidentRow, WaitRow
from .items import is_around, item_of, outside
from .migrated import address_in
from .rows import FailedAttempt, Mark, Row, all_rows

_HIDDEN = frozenset({"process", "case", "block", "compensation"})
_MOST_ROWS = 60  #: below one row; a long loop shows its last ones


class Story:
    """One instance."""

    def __init__(self, instance: str, definition: Definition, key: str | None, started: float) -> None:
        self.instance = instance
        self.definition = definition
        self.key = key
        self.started = started
        self.ended: float | None = None
        self.status = "running"
        self.outcome: str | None = None
        self.rows: list[Row] = []
        self.called: list[Story] = []
        self.warnings: list[str] = []
        self.incidents: set[int] = set()  #: numbers of the open ones
        self.actions = 0  #: completed
        self.actions_before = 0  #: of them in an earlier run
        self.retries = 0
        self.opened = 0  #: incidents
        self._open: dict[str, Row] = {}
        self._parents: dict[tuple[str, int], Row] = {}  #: the item it is in, activity -> its latest row

    @property
    def name(self) -> str:
        """``order 1017``; without a business key the end of the id."""
        return f"{self.definition.name} {self.key or self.instance[-8:]}"

    def place(self, activity: int) -> str:
        """``processes/order.xml:44``"""
        definition = self.definition
        file = f"process {definition.name!r}, line " if definition.file.startswith("<") else f"{definition.file}:"
        return f"{file}{definition.activities[activity].line}"

    def family(self) -> Iterable[Story]:
        """It and the instances it called."""
        yield self
        for called in self.called:
            yield from called.family()

    def adopt(self, called: Story, address: str) -> None:
        """An instance was called by the activity at that address: its rows stand below that one's."""
        self.called.append(called)
        row = self._open.get(address)
        if row is not None:
            called.rows = row.rows

    # -- what happens

    def take(self, entry: Progress) -> Row | None:
        """Take in what was committed; the row that it is about, if it has one."""
        if entry.activity is None:
            self._whole(entry)
            return None
        activity = self.definition.activities[entry.activity]
        row = self._open.get(entry.address)
        if entry.what == "started":
            return row if row and row.since == entry.at else self._start(activity, entry.address, entry.at)
        if row is None:
            if entry.what == "compensating":  # it has ended; what undoes it has rows of its own, below its own
                return None
            if activity.tag in _HIDDEN:
                self._hidden(entry)
                return None
            row = self._start(activity, entry.address, entry.at)
        if row is not None:
            self._change(row, entry)
        return row

    def _whole(self, entry: Progress) -> None:
        detail: dict[str, Any] = entry.detail
        match entry.what:
            case "ended":
                self.ended, self.status, self.outcome = entry.at, detail["status"], detail["outcome"]
            case "warning":
                self.warnings.append(detail["message"])

    def _hidden(self, entry: Progress) -> None:
        """The process, a case or a handler can be an incident, too."""
        detail: dict[str, Any] = entry.detail
        match entry.what:
            case "incident":
                self.opened += 1
                self.incidents.add(detail["number"])
            case "resolved":
                self.incidents.discard(detail["number"])

    def _start(self, activity: Activity, address: str, at: float) -> Row | None:
        if activity.tag in _HIDDEN:
            return None
        row = Row(activity, address, at)
        if activity.forks_items:
            row.item = int(self._path(row).rpartition("_")[2].partition(".")[2] or 0)
        if isinstance(activity, Action):
            row.participant = activity.participant.literal or ""
        self._open[address] = row
        self._append(row)
        return row

    def _append(self, row: Row) -> None:
        """Put a row below the one it belongs to: the latest of the nearest activity around that has rows."""
        above = self._above(row)
        self._parents[item_of(self._path(row)), row.activity.index] = row
        if above is None:
            self.rows.append(row)
            return
        above.rows.append(row)
        is_loop = isinstance(above.activity, While | Foreach) and row.activity.parent == above.activity.index
        above.turns += is_loop and row.activity.slot == 0 and not above.activity.forks_items
        above.joined += bool(row.item) and row.mark is Mark.DONE
        if len(above.rows) > _MOST_ROWS and not above.rows[0].is_open:
            del above.rows[0]
            above.dropped += 1

    def _path(self, row: Row) -> str:
        return row.address[len(self.instance) :]

    def _above(self, row: Row) -> Row | None:
        """The row that another stands below: in the same item, else in that around it."""
        item, index = item_of(self._path(row)), row.activity.parent
        if row.item:
            item, index = outside(item), row.activity.index
        while True:
            while index > 0:
                if (item, index) in self._parents:
                    return self._parents[item, index]
                index = self.definition.activities[index].parent
            if not item:
                return None
            item, index = outside(item), row.activity.parent

    def _change(self, row: Row, entry: Progress) -> None:
        detail: dict[str, Any] = entry.detail
        match entry.what:
            case "dispatched":
                row.is_again = row.tries == detail["attempt"]
                row.participant, row.tries, row.asked = detail["participant"], detail["attempt"], entry.at
                row.mark, row.until = Mark.ACTIVE, None
            case "failed":
                self.retries += 1
                row.failures.append(FailedAttempt(detail["attempt"], detail["error"], detail["wait"]))
                row.mark, row.until, row.then = Mark.RETRYING, entry.at + detail["wait"], "again"
                row.asked = row.until
            case "incident":
                self.opened += 1
                self.incidents.add(detail["number"])
                row.mark, row.until, row.waits = Mark.INCIDENT, None, detail["message"]
            case "resolved":
                self.incidents.discard(detail["number"])
                row.mark, row.waits, row.asked = Mark.ACTIVE, "", entry.at
            case "caught":
                row.notes.append(f"caught {detail['code']}")
                row.mark, row.until, row.waits = Mark.ACTIVE, None, ""
            case "reminded":
                row.notes.append(f"reminder {detail['times']}")
            case "overdue":
                row.notes.append("overdue")
            case "warning":
                self.warnings.append(detail["message"])
            case "completed" | "canceled":
                self._end(row, entry, detail)

    def _end(self, row: Row, entry: Progress, detail: dict[str, Any]) -> None:
        is_done = entry.what == "completed"
        row.mark = Mark.DONE if is_done else Mark.CANCELED
        row.since, row.ended, row.tries = detail["since"], entry.at, detail["tries"]
        row.wrote, row.waits, row.until = detail.get("wrote", []), "", None
        self.actions += is_done and isinstance(row.activity, Action)
        self._open.pop(row.address, None)
        above = self._above(row) if row.item else None
        if above is not None:
            above.joined += is_done

    # -- what was before

    def restore(self, entries: Iterable[Progress], copy: Copy) -> None:
        """Build the rows of an instance that goes on: of its history, and of what is active in it."""
        self._open.clear()
        for entry in entries:
            self.take(entry)
        for branch in copy.branches.values():
            for frame in branch.frames:
                activity = self.definition.activities[frame.activity]
                address = self.definition.address(self.instance, branch.id, frame.activity)
                if activity.tag not in _HIDDEN:
                    row = self._open.get(address) or self._start(activity, address, frame.since)
                    if row is not None:
                        row.since, row.tries = frame.since, frame.tries
                        if isinstance(activity, Action) and frame.attempts:
                            row.participant = activity.sent_to(frame)
        self._arrange(self._own_rows())
        for row in self._own_rows():
            row.is_before = not row.is_open
        self.actions_before = self.actions

    def migrate(self, definition: Definition, places: list[int]) -> None:
        """It goes on by another definition: all rows are of that one now, without those that have no place there."""
        rows = [row for row in self._own_rows() if places[row.activity.index] >= 0]
        self.definition = definition
        for row in rows:
            row.activity = definition.activities[places[row.activity.index]]
            row.address = address_in(definition, row.address, row.activity.index)
        self._open = {row.address: row for row in rows if row.is_open}
        self._arrange(rows)

    def _arrange(self, met: list[Row]) -> None:
        """Put rows that were met in the order of their ends into that of their starts, each below its own."""
        rows = sorted(met, key=lambda row: (row.since, row.activity.index, row.item))
        self.rows.clear()
        self._parents.clear()
        for row in rows:
            row.rows.clear()
            row.turns, row.joined = 0, 0
        for row in rows:
            self._append(row)

    # -- what is stored

    def look(self, copy: Copy, waits: Iterable[WaitRow], incidents: Iterable[IncidentRow] = ()) -> None:
        """Add what only the stored state tells: values that were written, and what the active ones wait for."""
        for row in self._own_rows():
            for name in row.wrote:
                found = self._value(copy, row, name)
                if found is not None:
                    row.changed[name] = found[0]
            row.wrote = []
        self.look_ahead(copy, waits, incidents)

    def look_ahead(self, copy: Copy, waits: Iterable[WaitRow], incidents: Iterable[IncidentRow] = ()) -> None:
        """Add what the active ones wait for, and no values."""
        events = {(wait.branch, wait.activity): wait for wait in waits}
        for incident in incidents:
            resting = self._open.get(incident.address)
            if resting is not None:
                resting.mark, resting.waits, resting.until = Mark.INCIDENT, incident.message, None
        for branch in copy.branches.values():
            self._count(branch)
            if branch.frames:
                frame = branch.frames[-1]
                row_of = self._open.get(self.definition.address(self.instance, branch.id, frame.activity))
                if row_of is not None:
                    if isinstance(row_of.activity, Compensate):
                        row_of.waits = self._undone(frame)
                    _wait(row_of, frame, events.get((branch.id, frame.activity)))

    def _undone(self, frame: Frame) -> str:
        """What a compensate waits for: ``compensation of ship``."""
        body = self.definition.paths.get(static_path(frame.undoing)) if frame.undoing else None
        if body is None:
            return ""
        return f"compensation of {self.definition.activities[self.definition.activities[body].parent].label}"

    def _count(self, branch: Branch) -> None:
        """Tell the rows of parallel loops how far they are."""
        for number, scope in branch.scopes.items():
            frame = branch.frame_of(~number) if number < 0 else None
            row = frame and self._open.get(self.definition.address(self.instance, branch.id, ~number))
            if frame and row and row.is_parallel:
                row.joined, row.items = frame.turn, len(scope.values[SELECTION])

    def _value(self, copy: Copy, row: Row, name: str) -> tuple[Any] | None:
        """The value of a name as the activity sees it; None if its scope is closed."""
        index, path = row.activity.index, self._path(row)
        around = [one for one in copy.branches.values() if is_around(one.id, path)]
        while index >= 0:
            for branch in around:
                scope = branch.scopes.get(index)
                if scope is not None and name in scope.values:
                    return (scope.values[name],)
            index = self.definition.activities[index].parent
        return None

    def _own_rows(self) -> list[Row]:
        """All its rows, without those of the instances it called."""
        return [row for row in all_rows(self.rows) if row.address.startswith(self.instance)]

    def all_rows(self) -> list[Row]:
        """Every row, those of the instances it called included."""
        return all_rows(self.rows)

    def open_all(self) -> list[Row]:
        """Every open row."""
        return [row for row in self.all_rows() if row.is_open]

    def open_rows(self) -> list[Row]:
        """The innermost open rows: where it stands."""
        return [row for row in self.open_all() if not any(below.is_open for below in row.rows)]


def _wait(row: Row, frame: Frame, wait: WaitRow | None) -> None:
    """What an active row waits for, and until when."""
    timers = frame.timers
    if frame.state is State.RETRYING:
        row.mark, row.until, row.then = Mark.RETRYING, timers.get("retry"), "again"
    elif frame.state is State.WAITING:
        match row.activity:
            case Action():
                row.mark, row.until = Mark.ACTIVE, None  # the history may end with the attempt before
            case Await():
                key = f", {wait.path}={wait.value}" if wait is not None and wait.path else ""
                row.waits = f"event {frame.text}{key}"
                row.mark, row.until, row.then = Mark.WAITING, timers.get("timeout"), "else Timeout"
            case Delay():
                row.mark, row.until, row.then = Mark.WAITING, timers.get("delay"), "goes on"
            case Call():
                row.mark, row.until, row.then = Mark.WAITING, timers.get("timeout"), "else Timeout"
