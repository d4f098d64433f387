"""``signal``: emits an event to waiting instances, and the same signal to the bus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..activity import Activity, Fields, Place, Run, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal(Activity):
    """Its ``<field>`` children are the event's body."""

    tag: ClassVar[str] = "signal"

    event: Value
    body: Fields = Fields()

    def on_start(self, run: Run, at: Place) -> None:
        run.signal(run.text(at, self.event), run.input(at, self.body))
        run.complete(at)
