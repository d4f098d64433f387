"""Remembering completed activities, and running their compensations (language, section 7).

Rules:

- what is remembered is one flat list in the order of completing, the same for the whole instance. Which activation
  holds an entry is told by where it ran and when it began; so a scope that ends passes it on at no cost;
- a frame counts what its activation may hold (``kept``), so that nothing is looked for where nothing is;
- an activation that a fault handler completed is not remembered; what was remembered inside it is passed on (L101);
- a scope that is still open when a compensation runs is read and written as it is; of one that is not, the
  compensation has a copy to itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from .activity import Activity, Place
from .context import digest_of, places
from .faults import LIMIT_EXCEEDED, Thrown
from .instance import Frame, NeedRemembered
from .remembered import Level, Remembered
from .run import Steps
from .states import State


class Remembering(Steps):
    """The verbs of compensation."""

    handled: Frame | None = None  #: the activation that a fault handler is just completing
    gives_up: bool = False  #: what ends now ends because the instance is canceled with compensation

    def activity(self, at: Place) -> Activity:
        return self.definition.activities[at.frame.activity]

    def is_undoing(self) -> bool:
        """Whether what ends now ends because the instance is canceled with compensation."""
        return self.gives_up

    # -- remembering

    def remember_completed(self, at: Place) -> None:
        """The activation completes; a loop has its turns or items remembered instead."""
        if at.is_item or not self.activity(at).remembers_turns:
            self._remember(at)

    def begin_turn(self, at: Place) -> None:
        at.frame.turn += 1
        at.frame.turned = self.moment()
        at.frame.mark = self.instance.remembered

    def end_turn(self, at: Place) -> None:
        """The turn of a loop is over; what is remembered of it belongs to what is around the loop."""
        self._remember(at)
        self.pass_up(at)

    def _remember(self, at: Place) -> None:
        """Remember its compensation, if it has one, in place of those inside it.

        :raises Thrown: there is no room.
        """
        if self.activity(at).compensation is None or at.frame.state is State.HANDLING or self.handled is at.frame:
            return
        inside = self._inside(at) if at.frame.kept else []
        levels, size = [], 0
        for level, bytes_ in self._levels(at):
            levels.append(level)
            size += bytes_
        self._check(len(inside), sum(entry.size for entry in inside), size)
        for entry in inside:
            self.copy.forget(entry)
        self.instance.remembered += 1
        number, branch, frame = self.instance.remembered, at.branch, at.frame
        entry = Remembered(number, branch.id, frame.activity, frame.activation, self.now, size, levels)
        self.copy.remember(entry)
        frame.kept = 1
        self.record(at, "remembered", number=number, instead=len(inside))

    def _check(self, fewer: int, freed: int, size: int) -> None:
        instance, limits = self.instance, self.limits
        if instance.remembering - fewer >= limits.remembered:
            raise Thrown(LIMIT_EXCEEDED, f"{limits.remembered:,} compensations are remembered; there may be no more")
        total = instance.remembered_bytes - freed + size
        if total > limits.remembered_bytes:
            limit = limits.remembered_bytes
            problem = f"the snapshots of all compensations would have {total:,} bytes; they may have {limit:,}"
            raise Thrown(LIMIT_EXCEEDED, problem)

    def _levels(self, at: Place) -> Iterator[tuple[Level, int]]:
        """The scopes around it, innermost first, and the size of each; not the process's own, which stays."""
        for branch, frame in places(self.copy, at):
            scope = branch.scopes.get(frame.activity)
            if scope is not None and frame.activity != 0:
                size = sum(digest_of(scope, name)[1] for name in scope.values)
                yield Level(frame.activation, self._item(frame), dict(scope.values)), size

    def _item(self, frame: Frame) -> int:
        """What tells the scopes of one activation apart: those of the items of a foreach without branches."""
        activity = self.definition.activities[frame.activity]
        return frame.turn if activity.is_loop_item and not activity.forks_items else 0

    def pass_up(self, at: Place) -> None:
        """What it holds is held by what is around it."""
        kept, at.frame.kept = at.frame.kept, 0
        around = next(islice(places(self.copy, at), 1, None), None) if kept else None
        if around is not None:
            around.frame.kept += kept
            self.touch(around.branch)

    # -- finding

    def _holder(self, at: Place) -> Callable[[Remembered], bool]:
        """What tells whether a compensation is held by an activation, or by something inside it."""
        branch, frame = at
        own = self.definition.address("", branch.id, frame.activity)
        below = (own + "_", own + ".")

        def holds(entry: Remembered) -> bool:
            if entry.activation < frame.activation:  # that of a turn of its own is the same
                return False
            return entry.branch in (branch.id, own) or entry.branch.startswith(below)

        return holds

    def _inside(self, at: Place) -> list[Remembered]:
        """All that an activation holds, of a loop in this turn. Mostly all of it ran in the same branch."""
        near = self._held(at, self.copy.remembered_in.get(at.branch.id, {}))
        if len(near) == at.frame.kept:
            return near
        found = self._held(at, self.copy.remembered)
        if len(found) < at.frame.kept and not self.copy.remembers_all:
            raise NeedRemembered
        return found

    def _held(self, at: Place, among: dict[int, Remembered]) -> list[Remembered]:
        """What an activation holds, newest first, until that is all it can hold."""
        holds = self._holder(at)
        found: list[Remembered] = []
        for entry in reversed(among.values()):
            if len(found) == at.frame.kept or entry.number <= at.frame.mark:
                break
            if holds(entry):
                found.append(entry)
        return found

    def _newest(self, at: Place, after: int, before: int, scope: int | None) -> Remembered | None:
        """The newest that an activation holds, between two numbers, of an activity or of what is inside it."""
        holds = self._holder(at)
        for entry in reversed(self.copy.remembered.values()):
            if entry.number <= after:
                return None
            is_wanted = scope is None or scope in self._lineage(entry.activity)
            if entry.number < before and is_wanted and holds(entry):
                return entry
        if not self.copy.remembers_all:
            raise NeedRemembered
        return None

    def _lineage(self, index: int) -> set[int]:
        """An activity and all that it stands in."""
        lineage = set()
        while index >= 0:
            lineage.add(index)
            index = self.definition.activities[index].parent
        return lineage

    def _compensated(self, at: Place, scope: int | None) -> tuple[Place, int]:
        """Whose compensations a ``<compensate/>`` means, and the number they come after (L101)."""
        around = self.around(at)[1:] or [at]
        if scope is not None:
            lineage = self._lineage(scope)
            place = next(one for one in around if one.frame.activity in lineage)
        else:
            complex = [one for one in around if self.activity(one).is_complex]
            handling = (one for one in complex if one.frame.state is State.HANDLING)
            place = next(handling, None) or next(one for one in complex if self.activity(one).is_scope)
        is_whole = place.frame.state is State.HANDLING and place.frame.own
        return place, 0 if is_whole or not self._item(place.frame) else place.frame.mark

    # -- running

    def undo(self, at: Place, scope: int | None) -> bool:
        """Begin the next compensation below this activation; False if there is none left."""
        place, after = self._compensated(at, scope)
        entry = self._newest(place, after, at.frame.turn or self.instance.remembered + 1, scope)
        if entry is None:
            return False
        self.copy.forget(entry)
        at.frame.turn = entry.number
        self.record_of(entry.branch, entry.activity, "compensating", {"number": entry.number})
        body = self.definition.activities[entry.activity].compensation
        assert body is not None
        address = self.definition.address("", entry.branch, entry.activity)
        at.frame.undoing = f"{address}_compensation_0.{entry.number}"
        self.touch(at.branch)
        block = self.branch_off(at, body, at.frame.undoing)
        self.open_unchecked(block, self._snapshot(at, entry) | _declared(self.activity(block)))
        return True

    def _snapshot(self, at: Place, entry: Remembered) -> dict[str, object]:
        """The values of the scopes that are not there any more."""
        there = {(frame.activation, self._item(frame)) for _, frame in places(self.copy, at)}
        values: dict[str, object] = {}
        for level in reversed(entry.levels):
            if (level.activation, level.turn) not in there:
                values.update(level.values)
        return values


def _declared(activity: Activity) -> dict[str, object]:
    return {one.name: one.initial for one in activity.scope or ()}
