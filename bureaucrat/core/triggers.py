"""What starts instances of a process by itself: the ``<start>``s of its definition (L80, L81).

Rules: they act once the definition is registered; what they do is the engine's business.
"""

from __future__ import annotations

from dataclasses import dataclass

from .calendars import Schedule
from .expressions import Expression


@dataclass(frozen=True, slots=True)
class CronStart:
    """``<start cron>``: one instance a tick."""

    cron: str  #: as people read it
    timezone: str
    schedule: Schedule
    overlap: str = "skip"  #: ``queue``, ``allow``: what becomes of a tick while an instance it started is unfinished
    missed: str = "once"  #: ``skip``, ``all``: what becomes of ticks that nobody could start at their time


@dataclass(frozen=True, slots=True)
class EventStart:
    """``<start event>``: one instance an event of that name that fits."""

    event: str
    conditions: tuple[Expression, ...] = ()  #: one of them is enough; their context is what the instance starts with
