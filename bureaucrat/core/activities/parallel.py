"""``all``: every child is a branch of its own; it completes when all of them have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..activity import Activity, Place, Run
from ..instance import Branch


@dataclass(frozen=True, slots=True, kw_only=True)
class All(Activity):
    """The join is a counter of its frame: the branches alive."""

    tag: ClassVar[str] = "all"

    def on_start(self, run: Run, at: Place) -> None:
        self.on_fork(run, at)

    def on_fork(self, run: Run, at: Place) -> None:
        at.frame.position += 1
        if at.frame.position < len(self.children):
            run.fork(at, at.frame.position, again=at.frame.position + 1 < len(self.children))
        elif not self.children:
            run.complete(at)

    def on_joined(self, run: Run, at: Place, branch: Branch) -> None:
        at.frame.turn += 1
        if at.frame.turn == len(self.children):
            run.complete(at)
