"""What time it is. The core never asks; the engine asks one of these."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Protocol

_FAR = 300.0  #: seconds
_DRIFT = 1e-4  #: seconds a second by which two clocks may run apart


class Clock(Protocol):
    """A source of wall-clock time."""

    def now(self) -> float:
        """Epoch seconds (UTC), strictly greater at each call."""


class _Onward:
    """Instants that never come twice, of a clock that may be set back.

    When it was, they go on at half the speed until it has caught up: nothing that comes later has an earlier instant,
    so that no event is taken for one from before its wait. A clock that is set back further than :data:`_FAR` is
    followed at once.
    """

    __slots__ = ("_last", "_mark")

    def __init__(self) -> None:
        self._last = 0.0
        self._mark: float | None = None  #: what the steady clock showed when the other was behind last

    def begin(self, instant: float) -> None:
        """Go on as if this had been shown."""
        self._last = max(self._last, instant)

    def after(self, now: float, steady: Callable[[], float]) -> float:
        """The instant to show.

        :param now: what the clock shows.
        :param steady: seconds, of a clock that is never set.
        """
        if self._last - _FAR < now <= self._last:
            mark = steady()
            passed = 0.0 if self._mark is None else mark - self._mark
            self._mark = mark
            self._last += max(passed / 2, 1e-6)
        else:
            self._mark = None
            self._last = now
        return self._last


class SystemClock:
    """The machine's clock. Two calls never give the same instant, so that "accepted after" is never a tie.

    It follows a clock that is set forward, or far back, at once; one that is set back a little it waits for.

    :param wall: what the machine shows, in epoch seconds.
    :param steady: seconds since whenever, of a clock that nobody sets.
    """

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self._onward = _Onward()

    def now(self) -> float:
        return self._onward.after(self._wall(), self._steady)

    def begin(self, instant: float) -> None:
        """Go on as if this had been shown: the machine's clock may have been set back since."""
        self._onward.begin(instant)


class SteadyClock:
    """Shows what the machine shows at the start, and goes on from there whatever the machine's clock is set to.

    To be corrected by another (:class:`CorrectedClock`). Its parameters are those of :class:`SystemClock`.
    """

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._steady = steady
        self._offset = wall() - steady()

    def now(self) -> float:
        return self._steady() + self._offset


class CorrectedClock:
    """Another clock, corrected: so that all who work on one database mean the same by *now*.

    Never the same instant twice. What a correction sets back a little is waited for, as :class:`SystemClock` does.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._onward = _Onward()
        self.offset = 0.0  #: seconds that are added
        self._doubt = math.inf  #: seconds by which that may be wrong
        self._corrected = 0.0  #: when the other clock was corrected last, by itself

    def now(self) -> float:
        return self._onward.after(self._clock.now() + self.offset, self._clock.now)

    def uncorrected(self) -> float:
        """What the other clock shows."""
        return self._clock.now()

    def correct(self, true: float, asked: float, answered: float) -> float:
        """Go by another clock from now on, unless what is known of it is more exact.

        :param true: what that showed,
        :param asked: at some time after :meth:`uncorrected` showed this,
        :param answered: and before it showed that.
        :returns: seconds by which it may be wrong now.
        """
        offset, doubt = true - (asked + answered) / 2, (answered - asked) / 2
        known = self._doubt + _DRIFT * (answered - self._corrected)
        was_set = abs(offset - self.offset) > doubt + known
        if doubt <= known or was_set:
            self.offset, self._doubt, self._corrected = offset, doubt, answered
        return min(doubt, known)


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
