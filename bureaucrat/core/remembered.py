"""What is kept of a completed activity that has a ``<compensation>`` (L100).

Rules: plain data, changed by nothing but a migration; one record (and one row) each, so that remembering one more costs
the same however many there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Level:
    """The values of one scope around a completed activity, as they were when it completed."""

    activation: int  #: of the activity whose scope it is
    turn: int  #: of a foreach without branches: its item; else 0
    values: dict[str, Any]


@dataclass(slots=True)
class Remembered:
    """A compensation that can be run."""

    number: int  #: counts up in the instance, so the highest is the newest
    branch: str  #: where the activity ran
    activity: int
    activation: int
    at: float  #: when it completed, epoch seconds
    size: int  #: bytes of the values, as canonical JSON
    levels: list[Level]  #: innermost first; the process's own scope is not among them
