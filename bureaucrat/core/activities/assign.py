"""``assign``: evaluates its text and writes the result to a property."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..activity import Activity, Place, Run
from ..expressions import Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign(Activity):
    """``<assign property="p">expression</assign>``."""

    tag: ClassVar[str] = "assign"

    property: str
    expression: Expression

    def on_start(self, run: Run, at: Place) -> None:
        run.write(at, self.property, run.evaluate(at, self.expression))
        run.complete(at)
