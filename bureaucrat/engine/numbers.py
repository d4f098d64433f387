"""Numbers and ids that grow with time and are never given twice."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count

from ..clock import Clock

_SEQUENCE = 12  # bits: 4,096 numbers in a millisecond before it borrows from the next one
_MAKER = 10  # bits that tell processes apart


def numbers_of(clock: Clock) -> Callable[[], int]:
    """63-bit numbers: milliseconds, a number drawn for this process, a sequence."""
    maker = int.from_bytes(os.urandom(2), "big") & ((1 << _MAKER) - 1)
    last = 0

    def number() -> int:
        nonlocal last
        tick = int(clock.now() * 1000) << _SEQUENCE
        last = max(tick, last + 1)
        return ((last >> _SEQUENCE) << (_MAKER + _SEQUENCE)) | (maker << _SEQUENCE) | (last & ((1 << _SEQUENCE) - 1))

    return number


def counted() -> Callable[[], int]:
    """1, 2, 3, …: for simulations, where the same run must give the same numbers."""
    return count(1).__next__


def instance_id(clock: Clock) -> str:
    """A new instance id: 32 hexadecimal digits, milliseconds first, so that new rows lie together."""
    stamp = int(clock.now() * 1000).to_bytes(6, "big")
    return (stamp + os.urandom(10)).hex()
