"""``foreach parallel=``: each item is a branch (L41–L43)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ..activity import Place, Run
from ..context import SELECTION
from ..faults import Thrown
from ..instance import Branch
from ..states import State
from .foreach import Foreach


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelForeach(Foreach):
    """Items side by side.

    An item is an activation of this same activity, the first in a branch whose id ends with the item's number. Its
    scope and the handlers are the item's; the timers, the list and the collected values are those of the activation
    around. The join is a counter (``turn``), as is the item that was started last (``position``, from 0).
    """

    most: int | None = None  #: at a time; None: all
    selected: str | None = None  #: the property that the list is taken from, if it is known

    @property
    def forks_items(self) -> bool:
        return True

    @property
    def withheld(self) -> str | None:
        return self.selected

    def on_start(self, run: Run, at: Place) -> None:
        if at.is_item:
            self._begin(run, at)
            return
        items = self._items(run.evaluate(at, self.select))
        run.keep(at, SELECTION, items)
        if items:
            self.on_fork(run, at)
        else:
            self._collected(run, at, [])

    def _begin(self, run: Run, at: Place) -> None:
        number = at.branch.item
        run.open(at, self._item(run.kept(run.owner(at.branch))[SELECTION][number - 1], number))
        if self.children:
            run.begin(at, 0)
        else:
            run.idle(at)

    def on_fork(self, run: Run, at: Place) -> None:
        """Start the next item, if there is one and a place for it; after so many the rest waits its turn (L70)."""
        frame, total = at.frame, len(run.kept(at)[SELECTION])
        if frame.state is State.PAUSED or frame.position + 1 == total or frame.open >= (self.most or total):
            return
        frame.position += 1
        run.fork_item(at, frame.position + 1, again=frame.position + 1 < total and run.spin(at))

    def on_continue(self, run: Run, at: Place) -> None:
        self.on_fork(run, at)

    def on_body(self, run: Run, at: Place) -> None:
        self._keep(run, at)
        run.complete(at)

    def on_handled(self, run: Run, at: Place) -> None:
        if at.is_item:
            self.on_body(run, at)
        else:
            run.complete(at)

    def on_skip(self, run: Run, at: Place) -> None:
        """What cannot be evaluated of an item that a person completes is collected as null."""
        if at.is_item:
            with suppress(Thrown):
                self._keep(run, at)
        run.complete(at)

    def _keep(self, run: Run, at: Place) -> None:
        """Keep what is collected of an item, one row for each, until all are done."""
        if self.item_value is not None:
            run.keep(run.owner(at.branch), str(at.branch.item), run.evaluate(at, self.item_value))

    def on_joined(self, run: Run, at: Place, branch: Branch) -> None:
        at.frame.turn += 1
        kept = run.kept(at)
        total = len(kept[SELECTION])
        if at.frame.turn < total:
            self.on_fork(run, at)
            return
        values: list[Any] = [kept.get(str(number)) for number in range(1, total + 1)] if self.collect else []
        self._collected(run, at, values)
