"""Who works on a storage, and how a number tells who made it.

Rules: a number has, from its highest bit, 41 bits of milliseconds, 10 of its maker, 12 that count within a millisecond.
What a living member has numbered is its own; what nobody living has is everybody's.
"""

from __future__ import annotations

from dataclasses import dataclass

SEQUENCE = 12  # bits: 4,096 numbers in a millisecond before it borrows from the next one
MAKER = 10  # bits
MAKERS = 1 << MAKER  #: how many can be told apart by the numbers they make


def maker_of(number: int) -> int:
    """Who made a number."""
    return (number >> SEQUENCE) & (MAKERS - 1)


@dataclass(frozen=True, slots=True)
class Membership:
    """Which of the engines that work on one storage are alive, each by its member number: the maker of every number
    that it gives, 0 to 1,023."""

    mine: int
    living: frozenset[int]  #: mine is among them

    @property
    def others(self) -> frozenset[int]:
        """The living but for this one."""
        return self.living - {self.mine}
