"""What time it is. The core never asks; the engine asks one of these."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A source of wall-clock time."""

    def now(self) -> float:
        """Epoch seconds (UTC), strictly greater at each call."""


class SystemClock:
    """The machine's clock. Two calls never give the same instant, so that "accepted after" is never a tie.

    It follows a clock that is set back by more than a second; smaller steps it evens out.
    """

    def __init__(self) -> None:
        self._last = 0.0

    def now(self) -> float:
        now = time.time()
        is_tie = self._last - 1.0 < now <= self._last
        self._last = self._last + 1e-6 if is_tie else now
        return self._last


class CorrectedClock:
    """Another clock, corrected: so that all who work on one database mean the same by *now*.

    Never the same instant twice. What a correction sets back by no more than a second is waited for, as
    :class:`SystemClock` does.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0.0
        self.offset = 0.0  #: seconds that are added

    def now(self) -> float:
        now = self._clock.now() + self.offset
        is_tie = self._last - 1.0 < now <= self._last
        self._last = self._last + 1e-6 if is_tie else now
        return self._last

    def uncorrected(self) -> float:
        """What the other clock shows."""
        return self._clock.now()

    def correct(self, true: float, asked: float, answered: float) -> None:
        """Go by another clock from now on.

        :param true: what that showed,
        :param asked: at some time after :meth:`uncorrected` showed this,
        :param answered: and before it showed that.
        """
        self.offset = true - (asked + answered) / 2


class ManualClock:
    """A clock that moves when it is told to, and by a microsecond each time somebody looks."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        self._now += 1e-6
        return self._now

    def advance_to(self, instant: float) -> None:
        """Move forward to an instant (epoch seconds); never back."""
        self._now = max(self._now, instant)
