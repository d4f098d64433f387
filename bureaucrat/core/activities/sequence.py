"""``process``, ``sequence`` and the bodies of fault handlers and reminders: children one after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..activity import Place, Run, Sequential
from ..instance import Branch


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence(Sequential):
    """Children one after another; without children it completes at once."""

    tag: ClassVar[str] = "sequence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Process(Sequential):
    """The root. It always has a scope: that is where undeclared names go."""

    tag: ClassVar[str] = "process"

    def initial(self) -> dict[str, Any]:
        return {p.name: p.initial for p in self.scope or () if not p.required}

    def on_joined(self, run: Run, at: Place, branch: Branch) -> None:
        """It is being canceled, and one of the compensations that run before it ends has completed (L110)."""
        if run.spin(at):
            self.on_continue(run, at)

    def on_continue(self, run: Run, at: Place) -> None:
        if not run.undo(at, None):
            run.cancel()


@dataclass(frozen=True, slots=True, kw_only=True)
class Block(Sequential):
    """The body of a ``<case>`` or ``<default>`` in ``<faults>``, or of a ``<reminder>``."""

    tag: ClassVar[str] = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compensation(Sequential):
    """The body of a ``<compensation>``. Its scope is opened by who runs it, with a snapshot (L100)."""

    tag: ClassVar[str] = "compensation"

    in_loop: bool = False  #: the activity that it compensates is an item, or inside one

    @property
    def is_loop_item(self) -> bool:
        return self.in_loop

    @property
    def holds_snapshot(self) -> bool:
        return True

    def initial(self) -> dict[str, Any] | None:
        return None
