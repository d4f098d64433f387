"""Numbers and ids that grow with time and are never given twice.

Shape of a number, from its highest bit: 41 bits of milliseconds, 10 of its maker, 12 that count within a millisecond.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count

from ..clock import Clock

MAKERS = 1 << 10  #: how many processes can be told apart by the numbers they make
_SEQUENCE = 12  # bits: 4,096 numbers in a millisecond before it borrows from the next one
_MAKER = 10  # bits


def numbers_of(clock: Clock, maker: int | None = None) -> Callable[[], int]:
    """63-bit numbers: milliseconds, who made it, a sequence.

    Each run begins its sequences anywhere in their lower half: two short runs in one millisecond, with makers that were
    drawn alike, give different numbers all the same.

    :param maker: 0 to 1,023, whom nobody else is; drawn if it is not given.
    """
    drawn = int.from_bytes(os.urandom(4), "big")
    maker = drawn % MAKERS if maker is None else maker
    first = (drawn >> _MAKER) % (1 << (_SEQUENCE - 1))
    last = 0

    def number() -> int:
        nonlocal last
        last = max((int(clock.now() * 1000) << _SEQUENCE) + first, last + 1)
        return ((last >> _SEQUENCE) << (_MAKER + _SEQUENCE)) | (maker << _SEQUENCE) | (last & ((1 << _SEQUENCE) - 1))

    return number


def maker_of(number: int) -> int:
    """Who made a number."""
    return (number >> _SEQUENCE) & (MAKERS - 1)


def counted() -> Callable[[], int]:
    """1, 2, 3, …: for simulations, where the same run must give the same numbers."""
    return count(1).__next__


def instance_id(clock: Clock) -> str:
    """A new instance id: 32 hexadecimal digits, milliseconds first, so that new rows lie together."""
    stamp = int(clock.now() * 1000).to_bytes(6, "big")
    return (stamp + os.urandom(10)).hex()
