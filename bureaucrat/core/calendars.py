"""What the core knows of calendars: that somebody tells when the next tick is, and when clocks show a time.

Rules: how cron expressions and zones work is the business of who hands these in (:mod:`bureaucrat.cron`); the same
schedule and instant give the same tick.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol


class Zone(Protocol):
    """A zone's clocks."""

    def instant(self, wall: datetime) -> float:
        """When its clocks show a time without zone: the first of two, or, of one they skip, the first after the gap."""
        ...


class Schedule(Protocol):
    """A rule that gives ticks."""

    def after(self, instant: float) -> float:
        """The first tick later than an instant, both in epoch seconds."""
        ...

    def last(self, instant: float) -> float:
        """The last tick that is not later than an instant."""
        ...


def instant_of(found: Any, zone: Zone | None) -> float:
    """The epoch seconds of a timestamp as people write it; a ``ValueError`` whose message tells what to write."""
    moment = moment_of(found)
    if moment.tzinfo is not None:
        return moment.timestamp()
    if zone is None:
        raise ValueError(f"{found!r} {no_zone(moment)}")
    return zone.instant(moment)


def moment_of(found: Any) -> datetime:
    """A timestamp in ISO 8601, with or without zone; a ``ValueError`` for anything else."""
    try:
        return datetime.fromisoformat(found)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{found!r} is no instant: write 2026-11-21T10:00Z or epoch seconds") from error


def no_zone(moment: datetime) -> str:
    """Why a timestamp without zone is no instant."""
    return f"says no zone: write {moment.isoformat()}Z if it is UTC, or give timezone beside it"
