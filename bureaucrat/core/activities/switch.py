"""``switch``: the first case whose condition holds; else the default; else nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..activity import Activity, Place, Run, Sequential
from ..expressions import Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Sequential):
    """One ``<case>`` or ``<default>`` of a switch."""

    tag: ClassVar[str] = "case"

    conditions: tuple[Expression, ...] = ()  #: or-ed (L24); empty: the default


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch(Activity):
    """Its children are :class:`Case`."""

    tag: ClassVar[str] = "switch"
    is_complex: ClassVar[bool] = True

    cases: tuple[tuple[Expression, ...], ...] = ()  #: the conditions of each child; empty: the default

    def on_start(self, run: Run, at: Place) -> None:
        for child, conditions in enumerate(self.cases):
            if not conditions or run.holds(at, conditions):
                run.begin(at, child)
                return
        run.complete(at)

    def on_child(self, run: Run, at: Place, child: int) -> None:
        run.complete(at)
