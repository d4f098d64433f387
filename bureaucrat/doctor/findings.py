"""What a doctor can find, and what is done about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is."""

    BROKEN = "broken"  #: something is lost or cannot go on
    ATTENTION = "attention"  #: somebody should look at it
    ADVICE = "advice"  #: it works, and could be better


@dataclass(frozen=True, slots=True)
class Remedy:
    """What mends it: a command of ours, or in `says` what a person does."""

    arguments: tuple[str, ...] = ()
    says: str = ""  #: what the command does


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    check: str  #: a word of :data:`CHECKS`
    severity: Severity
    text: str  #: a sentence, without its full stop
    instance: str = ""  #: its id, if it is about one
    remedies: tuple[Remedy, ...] = ()
    is_mendable: bool = False  #: an order mends it that is for its instance
    resends: bool = False  #: the order has its attempts sent again

    @property
    def key(self) -> tuple[str, str]:
        """What is the same when it is found again."""
        return self.check, self.instance


#: the checks in the order in which they are told: what is so if nothing is found
CHECKS: dict[str, str] = {
    "database": "the database's own check of itself passes",
    "disk": "there is room, and nobody else reads the file",
    "daemon": "a daemon works on it, and says that it is well",
    "clock": "the clocks agree",
    "settings": "no setting loses work",
    "undone": "timers, mail, events and ticks that are due are worked off",
    "outbox": "what is decided is published, and is waited for",
    "definitions": "each instance and each version has its definition",
    "schedules": "each schedule has its definition, and its ticks can be read",
    "strays": "no rows are without what they belong to",
    "readable": "every instance can be read",
    "structure": "what is active lies as the definition says",
    "columns": "instances are found by what they are",
    "counters": "what is counted is there",
    "joins": "every branch that was begun has joined or is there",
    "timers": "every branch is woken when its timers say",
    "attempts": "every attempt that is waited for is with somebody",
    "waits": "every wait belongs to an await, and every await has one",
    "stuck": "whatever is unfinished has something that wakes it",
    "calls": "callers and what they have called wait for each other",
    "incidents": "every incident is open on both sides",
    "remembered": "every compensation that is remembered is there",
    "unique": "no unique key is held twice",
    "ended": "nothing is left of what has ended",
    "history": "no full history has gaps",
    "replay": "every full history gives the state that is stored",
    "dead": "no message that nobody took is old",
    "pauses": "no attempt waits for a participant that is paused",
}
