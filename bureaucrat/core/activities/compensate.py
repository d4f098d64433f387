"""``compensate``: runs what is remembered, newest first, each once (L101)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..activity import Activity, Place, Run
from ..instance import Branch


@dataclass(frozen=True, slots=True, kw_only=True)
class Compensate(Activity):
    """Each compensation runs in a branch of its own, the next when it has completed. ``turn`` of its frame is the
    number of the one that was begun last, so that it never turns back to what is remembered meanwhile."""

    tag: ClassVar[str] = "compensate"

    target: int | None = None  #: what is to be compensated (``scope``); None: all that the enclosing scope remembers

    def on_start(self, run: Run, at: Place) -> None:
        self.on_continue(run, at)

    def on_joined(self, run: Run, at: Place, branch: Branch) -> None:
        if run.spin(at):
            self.on_continue(run, at)

    def on_continue(self, run: Run, at: Place) -> None:
        if not run.undo(at, self.target):
            run.complete(at)
