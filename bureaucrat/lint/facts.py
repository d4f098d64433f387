"""What the rules ask of a definition: what is inside what, who reads and who writes which name.

Rules: everything is collected once, in time linear in the number of activities; an activity's number is its index in
the definition's table, where what is inside it follows it at once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bureaucrat.core.activities import Action, Any, Assign, Await, Call, Compensation, Foreach
from bureaucrat.core.activity import Activity, Handler
from bureaucrat.core.table import Definition

from .names import names_of

#: How the participant begins that is a person.
PERSON = "human:"


class Finding(NamedTuple):
    """One warning: where it is, its code, and what to say."""

    line: int
    column: int
    code: str
    message: str


class Write(NamedTuple):
    """An activity that writes a name which the definition spells out."""

    activity: int
    name: str
    scope: int  #: the activity whose scope takes it (L10)
    is_declared: bool  #: whether that scope declares it
    adds: bool  #: it is made of its value before, so that nothing is lost when another writes it as well


class Facts:
    """One definition, looked through."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.activities = definition.activities
        self.names = [names_of(activity) for activity in self.activities]
        self.writes = [write for activity in self.activities for write in self._writes(activity)]
        self._ends = self._measured()
        self._readers: dict[str, list[int]] = defaultdict(list)
        self._greedy: list[int] = []
        for index, names in enumerate(self.names):
            for name in sorted(names.read):
                self._readers[name].append(index)
            if names.reads_all:
                self._greedy.append(index)

    def _measured(self) -> list[int]:
        ends = list(range(1, len(self.activities) + 1))
        for activity in reversed(self.activities[1:]):
            ends[activity.parent] = max(ends[activity.parent], ends[activity.index])
        return ends

    # -- places

    def inside(self, index: int) -> range:
        """The activity and everything in it: its children, handlers and reminders."""
        return range(index, self._ends[index])

    def around(self, index: int) -> Iterator[Activity]:
        """The activities around one, the innermost first."""
        while index:
            index = self.activities[index].parent
            yield self.activities[index]

    def with_around(self, index: int) -> Iterator[Activity]:
        """An activity and those around it."""
        yield self.activities[index]
        yield from self.around(index)

    def branch_in(self, index: int, ancestor: int) -> int:
        """Which activity directly inside `ancestor` holds, or is, the one of that index."""
        while self.activities[index].parent != ancestor:
            index = self.activities[index].parent
        return index

    def taker(self, index: int, code: str) -> Handler | None:
        """The handler that a fault thrown by an activity finds (L90); None if it becomes an incident, or is thrown on
        at whatever runs the compensation around (L101)."""
        below = -1
        for one in self.with_around(index):
            if not any(handler.body == below for handler in one.handlers):
                found = next((handler for handler in one.handlers if not handler.codes or code in handler.codes), None)
                if found is not None:
                    return found
            if one.is_reminder or isinstance(one, Compensation):
                return None
            below = one.index
        return None

    def is_compensation(self, index: int) -> bool:
        """Whether it is part of a compensation, which runs elsewhere and by itself."""
        return any(isinstance(one, Compensation) for one in self.with_around(index))

    # -- names

    def readers(self, name: str) -> list[int]:
        """The activities that read the name, as far as the definition spells it out."""
        return self._readers.get(name, [])

    def is_read_in(self, name: str, place: range) -> bool:
        """Whether anything there reads the name, or may."""
        return _is_any_in(self.readers(name), place) or _is_any_in(self._greedy, place)

    def is_declared_for(self, name: str, index: int) -> bool:
        """Whether an activity sees a declaration of the name."""
        return any(name in one.declares for one in self.with_around(index))

    def _writes(self, activity: Activity) -> Iterator[Write]:
        for name in _written(activity):
            # a foreach writes what it has collected when its own scope is gone
            start = activity.parent if isinstance(activity, Foreach) else activity.index
            adds = isinstance(activity, Assign) and name in self.names[activity.index].read
            yield Write(activity.index, name, *self._target(start, name), adds)

    def _target(self, index: int, name: str) -> tuple[int, bool]:
        item = 0
        for around in self.with_around(index):
            if name in around.declares:
                return around.index, True
            if not item and around.is_loop_item:
                item = around.index
        return item, False


def _is_any_in(sorted_indexes: list[int], place: range) -> bool:
    first = bisect_left(sorted_indexes, place.start)
    return first < len(sorted_indexes) and sorted_indexes[first] < place.stop


def _written(activity: Activity) -> Iterable[str]:
    match activity:
        case Assign():
            names: list[str | None] = [activity.property]
        case Await():
            names = [activity.property]
        case Action() | Call():
            output = activity.output.fields if activity.output is not None else ()
            names = [field.name for field in output]
            if isinstance(activity, Action):
                names.append(activity.result)
        case Foreach():
            names = [activity.collect]
        case Any():
            names = [activity.winner]
        case _:
            names = []
    return [name for name in names if name is not None]


def may_write_anything(activity: Activity) -> bool:
    """Whether what it writes is up to a participant."""
    return isinstance(activity, Action) and activity.output is None


def called(activity: Activity) -> str:
    """An activity in a message: its element, its id, its line."""
    tag = "handler" if activity.tag == "block" else f"<{activity.tag}>"
    name = f' "{activity.id}"' if activity.id else ""
    return f"{tag}{name} on line {activity.line}"
