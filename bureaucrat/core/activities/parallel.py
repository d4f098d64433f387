"""``all``: every child is a branch of its own; it completes when all of them have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..activity import Activity, Place, Run
from ..instance import Branch


@dataclass(frozen=True, slots=True, kw_only=True)
class Forking(Activity):
    """An activity whose children are branches, started one by one in document order."""

    is_complex: ClassVar[bool] = True

    def on_start(self, run: Run, at: Place) -> None:
        if self.children:
            self.on_fork(run, at)
        else:
            run.complete(at)

    def on_fork(self, run: Run, at: Place) -> None:
        at.frame.position += 1
        run.fork(at, at.frame.position, again=at.frame.position + 1 < len(self.children))


@dataclass(frozen=True, slots=True, kw_only=True)
class All(Forking):
    """The join is a counter of its frame: the branches that have completed."""

    tag: ClassVar[str] = "all"

    def on_joined(self, run: Run, at: Place, branch: Branch) -> None:
        at.frame.turn += 1
        if at.frame.turn == len(self.children):
            run.complete(at)
