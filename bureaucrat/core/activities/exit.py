"""``exit``: ends an enclosing activity, or the instance, as completed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..activity import Activity, Place, Run, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit(Activity):
    """What is unfinished inside ends in the same step; no handler runs."""

    tag: ClassVar[str] = "exit"

    target: int = 0  #: index of the activity that ends; 0: the process
    outcome: Value | None = None

    def on_start(self, run: Run, at: Place) -> None:
        run.exit(at, self.target, None if self.outcome is None else run.text(at, self.outcome))
