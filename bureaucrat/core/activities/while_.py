"""``while``: its conditions are looked at before each turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..activity import Place, Run, Sequential
from ..expressions import Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class While(Sequential):
    """Its own context is initialised once, when the loop starts (L12)."""

    tag: ClassVar[str] = "while"

    conditions: tuple[Expression, ...] = ()

    @property
    def remembers_turns(self) -> bool:
        return True

    def on_start(self, run: Run, at: Place) -> None:
        self.on_continue(run, at)

    def on_body(self, run: Run, at: Place) -> None:
        run.end_turn(at)
        if run.spin(at):
            self.on_continue(run, at)

    def on_continue(self, run: Run, at: Place) -> None:
        if not run.holds(at, self.conditions):
            run.complete(at)
            return
        run.begin_turn(at)
        if self.children:
            run.begin(at, 0)
        else:
            run.idle(at)
