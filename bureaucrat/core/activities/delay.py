"""``delay``: waits for a duration, until an instant, or for the next tick of a schedule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..activity import Activity, Place, Run, Value
from ..calendars import Schedule, Zone
from ..states import State

TIMER = "delay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay(Activity):
    """Exactly one of `duration`, `until` and `cron` is given. An instant in the past completes at once."""

    tag: ClassVar[str] = "delay"

    duration: Value | None = None
    until: Value | None = None
    zone: Zone | None = None  #: of a timestamp that says none
    cron: Schedule | None = None

    def on_start(self, run: Run, at: Place) -> None:
        if self.duration is not None:
            when = run.now + run.duration(at, self.duration)
        elif self.until is not None:
            when = run.instant(at, self.until, self.zone)
        else:
            assert self.cron is not None, "the checker asks for one of the three"
            when = self.cron.after(run.now)
        if when <= run.now:
            run.complete(at)
            return
        run.arm(at, TIMER, when)
        run.state(at, State.WAITING)

    def on_alarm(self, run: Run, at: Place, when: float) -> None:
        run.arm(at, TIMER, when)

    def on_timer(self, run: Run, at: Place, kind: str) -> None:
        run.complete(at)
