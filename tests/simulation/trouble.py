"""What goes wrong in one schedule: which kinds of fault, how often, and how often they came.

Rules: every draw comes from one seeded generator; a kind is on or off for a whole schedule, and so strong; what is on
strikes only in the safety phase: after :meth:`Trouble.heal` nothing goes wrong any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

#: kind -> how often at most, for each chance that it has
STORAGE = {
    "call fails before": 0.03,
    "call fails after": 0.03,
    "commit unknown, happened": 0.10,
    "commit unknown, did not happen": 0.10,
    "call hangs": 0.01,
    "session lost": 0.01,
    "database restart": 0.005,
}
BROKER = {
    "message doubled": 0.5,
    "message delayed": 0.3,
    "confirm lost": 0.1,
    "confirmed message lost": 0.1,
    "connection dropped": 0.08,
    "broker restart": 0.05,
    "broker wiped": 0.02,
    "queue deleted": 0.08,
    "broker blocked": 0.05,
    "published before it was killed": 0.1,
}
PARTICIPANT = {
    "answer error": 0.3,
    "answer critical": 0.2,
    "answer twice": 0.3,
    "answer late": 0.25,
    "answer never": 0.2,
    "answer with more": 0.2,
    "participant killed": 0.3,
}
DAEMON = {
    "daemon killed": 0.02,
    "daemon frozen": 0.01,
    "daemon stopped": 0.003,
    "clock jumped": 0.01,
}
CLIENT = {
    "launch repeated": 0.5,
    "event repeated": 0.5,
    "bad message": 0.3,
}
KINDS = {**STORAGE, **BROKER, **PARTICIPANT, **DAEMON, **CLIENT}
#: what the broker does so that nobody can notice: only actions with a timeout of their own survive it
SILENT = ("confirmed message lost", "answer never", "broker wiped")


class Trouble:
    """Draws the faults of one schedule."""

    def __init__(self, random: Random) -> None:
        self.random = random
        share = random.choice((0.15, 0.3, 0.5))
        self.rates = {kind: most * random.random() for kind, most in KINDS.items() if random.random() < share}
        self.counts: Counter[str] = Counter()
        self.is_over = False
        self._groups: dict[tuple[str, ...], list[tuple[str, float]]] = {}
        self.told: Callable[[str], None] = lambda kind: None

    @property
    def is_silent(self) -> bool:
        """Whether something may be lost that nobody notices."""
        return any(kind in self.rates for kind in SILENT)

    def strikes(self, kind: str) -> bool:
        """Whether it goes wrong this time."""
        rate = self.rates.get(kind)
        if rate is None or self.is_over or self.random.random() >= rate:
            return False
        self.counts[kind] += 1
        self.told(kind)
        return True

    def of(self, kinds: tuple[str, ...]) -> str:
        """The one of these that goes wrong this time; empty: none does."""
        if self.is_over:
            return ""
        rates = self._groups.get(kinds)
        if rates is None:
            rates = self._groups[kinds] = [(kind, self.rates[kind]) for kind in kinds if kind in self.rates]
        for kind, rate in rates:
            if self.random.random() < rate:
                self.counts[kind] += 1
                self.told(kind)
                return kind
        return ""

    def heal(self) -> None:
        self.is_over = True
