"""Numbers and ids that grow with time and are never given twice.

Rules: a number tells who made it (:mod:`bureaucrat.ports.membership`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count

from ..clock import Clock
from ..ports.membership import MAKER, MAKERS, SEQUENCE, maker_of

__all__ = ["MAKERS", "Numbers", "counted", "instance_id", "maker_of", "numbers_of"]


class Numbers:
    """Gives 63-bit numbers: milliseconds, who made it, a sequence.

    Each run begins its sequences anywhere in their lower half: two short runs in one millisecond, with makers that were
    drawn alike, give different numbers all the same.

    :param maker: 0 to 1,023, whom nobody else is; drawn if it is not given. It may be set anew at any time.
    :param first: where its sequences begin, 0 to 2,047; drawn if it is not given.
    """

    def __init__(self, clock: Clock, maker: int | None = None, first: int | None = None) -> None:
        drawn = int.from_bytes(os.urandom(4), "big")
        self.maker = drawn % MAKERS if maker is None else maker
        self._first = (drawn >> MAKER) % (1 << (SEQUENCE - 1)) if first is None else first
        self._clock = clock
        self._last = 0

    def __call__(self) -> int:
        self._last = last = max((int(self._clock.now() * 1000) << SEQUENCE) + self._first, self._last + 1)
        return ((last >> SEQUENCE) << (MAKER + SEQUENCE)) | (self.maker << SEQUENCE) | (last & ((1 << SEQUENCE) - 1))


def numbers_of(clock: Clock, maker: int | None = None, first: int | None = None) -> Numbers:
    """What gives numbers of one maker."""
    return Numbers(clock, maker, first)


def counted() -> Callable[[], int]:
    """1, 2, 3, …: for simulations, where the same run must give the same numbers."""
    return count(1).__next__


def instance_id(clock: Clock) -> str:
    """A new instance id: 32 hexadecimal digits, milliseconds first, so that new rows lie together."""
    stamp = int(clock.now() * 1000).to_bytes(6, "big")
    return (stamp + os.urandom(10)).hex()
