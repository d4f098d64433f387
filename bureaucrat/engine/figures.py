"""What the engine and its adapters count and measure, as plain numbers.

Rules: the event loop alone writes; another thread may read at any time, and sees each number as it was a moment ago.
Whoever shows them (``bureaucrat/daemon/metrics.py``) gives them their names and explanations.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Figures:
    """Counters begin at 0 with the process and only grow; the rest is how things are now."""

    messages: dict[str, int] = field(default_factory=dict)  #: accepted, by queue
    dead_letters: int = 0
    attempts: int = 0  #: handed to the transport
    answers: int = 0
    transitions: int = 0
    batches: int = 0
    unidentified: int = 0  #: messages without an id: at least once, not exactly once
    repeated: int = 0  #: messages whose id was accepted before
    forged: int = 0  #: answers with a token that is not ours, or from a user who may not answer
    published: int = 0  #: outbox rows that the broker has confirmed

    redone: int = 0  #: messages whose batch was done again since another daemon was first
    passed_over: int = 0  #: messages that another daemon has applied, or is applying
    timers_stale: int = 0  #: timers that fired and had been fired, moved or ended elsewhere
    timers_spared: int = 0  #: the same, and it was known before they fired
    overdue_taken: int = 0  #: timers that nobody else has fired in time

    outbox_rows: int = 0
    waiting: int = 0  #: messages that no batch has taken yet
    unconfirmed: int = 0  #: published, not yet confirmed
    due_late: float = 0.0  #: seconds that the oldest due timer is behind
    incidents: int = 0  #: open
    is_connected: bool = False
    is_blocked: bool = False  #: the broker takes no messages, for want of memory or disk
    cached: int = 0  #: instances in memory
    kept: dict[str, int] = field(default_factory=dict)  #: attempts that wait for leave, by participant
    in_flight: dict[str, int] = field(default_factory=dict)  #: of those with a bound, handed over, not answered yet

    def accepted(self, queue: str) -> None:
        """Count one message from a queue."""
        self.messages[queue] = self.messages.get(queue, 0) + 1
