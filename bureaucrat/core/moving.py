"""``move``: an activity ends, and another one starts in its place (L111).

Rules: no handler runs; the new one starts in the line of sequential execution that the old one was in, below the
innermost activity that is around both and active; what is between is opened as if it had just been entered; a branch
of ``all``, ``any`` or a parallel ``foreach`` is neither left nor entered, and no loop is entered in the middle.
"""

from __future__ import annotations

from .activities import Case, Sequence, Switch
from .activities.parallel import Forking
from .activity import Activity, Place
from .effects import Refuse
from .endings import Endings
from .faults import Thrown
from .migration.matching import relation
from .states import State

#: what may be entered anywhere
_OPEN = (Sequence, Switch, Case)


class _NoWay(Exception):
    """The one cannot take the place of the other; the text says why."""


class Moving(Endings):
    """The verb that moves."""

    def move(self, at: Place, to: int, reason: str) -> None:
        """End an activation and start another activity in its place; what follows from it stands on the agenda."""
        try:
            around, way = self._way(at, to)
        except _NoWay as no_way:
            self.emit(Refuse(str(no_way)))
            return
        ended, started = self.activity(at), self.definition.activities[to]
        self.note("moved", ended=ended.label, started=started.label, reason=reason)
        self.end_inside(around)
        if around.frame.state is State.HANDLING:  # the end of its handler, too
            self.state(around, State.ACTIVE)
            around.frame.fault = None
        self._enter(around, way)

    def _enter(self, around: Place, way: list[int]) -> None:
        """Open what is on the way, and begin the last of it."""
        for index in way[:-1]:
            around.frame.position = self.definition.activities[index].slot
            around = self.push(around.branch, index)
            try:
                self.unfold(around)
            except Thrown as thrown:
                self.throw(around, thrown.code, thrown.message)
                return
        around.frame.position = self.definition.activities[way[-1]].slot
        self.start(around.branch, way[-1])

    def _way(self, at: Place, to: int) -> tuple[Place, list[int]]:
        """The activation around both, and the indexes from there down to the activity to start.

        :raises _NoWay: there is none.
        """
        activities = self.definition.activities
        outside = self.around(at)[1:]
        if not outside:
            raise _NoWay("the process itself is not moved; cancel the instance, or move what is active in it")
        if to == 0:
            raise _NoWay("the process itself cannot be started inside an instance")
        active = {place.frame.activity: place for place in reversed(outside)}
        way = [to]
        while (above := activities[way[0]].parent) not in active:
            way.insert(0, above)
        around = active[above]
        if self.instance.compensating and above == 0:
            raise _NoWay("the instance is being canceled; what can be moved is in its compensations")
        self._check_branch(at, around, outside)
        for outer, inner in zip([above, *way], way, strict=False):
            self._check_entrance(activities[outer], activities[inner], is_inside=outer == above)
        return around, way

    def _check_branch(self, at: Place, around: Place, outside: list[Place]) -> None:
        """Both must be in one line of execution."""
        if around.branch is at.branch:
            return
        owner = next(place for place in outside if place.branch is around.branch)
        label = _named(self.activity(owner))
        raise _NoWay(f"{_named(self.activity(at))} runs in a branch of {label}, which is not left alone; end {label}")

    def _check_entrance(self, outer: Activity, inner: Activity, is_inside: bool) -> None:
        """Whether `inner` may be started in `outer`, which is active (`is_inside`) or is opened for it."""
        inside, around = _named(inner), _named(outer)
        if inner.index not in outer.children:
            kind = relation(self.definition, inner)
            raise _NoWay(f"{inside} is a {kind} of {around}: the engine begins it when its time has come")
        if isinstance(outer, Forking):
            raise _NoWay(f"{inside} is a branch of {around}, and starts with all of it; start {around}")
        if not is_inside and not isinstance(outer, _OPEN):
            raise _NoWay(f"{inside} is inside the loop {around}, which is not active; start {around}")


def _named(activity: Activity) -> str:
    """Its label, and where it stands."""
    return f"{activity.label} (line {activity.line})"
