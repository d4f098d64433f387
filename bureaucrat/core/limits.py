"""The bounds that one step keeps (L70, L120)."""

from __future__ import annotations

from dataclasses import dataclass

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes are bytes of canonical JSON, times are seconds."""

    field_bytes: int = 1 << 20
    total_bytes: int = 8 << 20
    call_depth: int = 64
    remembered: int = 100_000  #: compensations of one instance
    remembered_bytes: int = 64 << 20  #: of their snapshots together
    turns: int = 500  #: of loops, in one message; the rest goes on in a later batch
    max_transitions: int = 1_000_000  #: of one branch since it last waited
    answer_timeout: float = DAY  #: of an action without `timeout` (L35)
