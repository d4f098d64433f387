"""What the engine counts, for whoever watches it. Plain numbers; nothing that the engine decides depends on them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Figures:
    """Counters since the start, and how things are now."""

    received: dict[str, int] = field(default_factory=dict)  #: messages from the broker, by queue
    answers: int = 0  #: of participants, applied
    dead: int = 0  #: messages set aside
    forged: int = 0  #: tokens that were not ours
    repeated: int = 0  #: messages whose id was accepted before
    unidentified: int = 0  #: messages without an id, which may be applied twice
    dispatched: int = 0  #: attempts sent
    published: int = 0  #: outbox rows that the broker has confirmed
    transitions: int = 0  #: changes of activities
    batches: int = 0  #: transactions
    outbox: int = 0  #: rows that wait to be published, now
    waiting: int = 0  #: messages that wait for their batch, now
    late: float = 0.0  #: seconds that the latest timer fired after it was due
