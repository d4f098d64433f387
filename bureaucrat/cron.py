"""Cron expressions and time zones: when the next tick is.

Rules:

- ticks are times on the clocks of a zone. One that comes twice, because clocks are set back, counts the first time
  only; those that clocks skip count once, at the first instant after the gap;
- five fields, as in crontab(5): minute, hour, day, month, day of the week; days that are given both ways are or-ed;
- croniter reckons on clocks that are never set; what they are set by comes from zoneinfo: the system's database, else
  the package tzdata. So the same zone database gives the same ticks.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from math import ceil, floor
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from croniter import CroniterBadDateError, CroniterError, croniter

_FIELDS: Final = (
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day", "1 to 31"),
    ("month", "1 to 12 or jan to dec"),
    ("day of the week", "0 to 7 (0 and 7 are Sunday) or sun to sat"),
)
_WHITE: Final = re.compile(r"[ \t\n]+")
_CHANCE: Final = re.compile(r"(?<![a-z])[hr](?![a-z])", re.IGNORECASE)  # croniter draws a number for these
_LONGEST: Final = 200  # characters
SHORTHANDS: Final = {  # and what they stand for
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_SAMPLE: Final = datetime(2000, 1, 1)
_OF_THE_MACHINE: Final = frozenset({"Factory", "localtime"})  # not the same everywhere


@dataclass(frozen=True, slots=True)
class Zone:
    """The clocks of one time zone."""

    info: ZoneInfo

    @property
    def name(self) -> str:
        """Its name in the zone database."""
        return self.info.key

    def wall(self, instant: float) -> datetime:
        """What its clocks show."""
        return datetime.fromtimestamp(instant, self.info).replace(tzinfo=None)

    def instant(self, wall: datetime) -> float:
        """When its clocks show a time without zone: the first of two, or, of one they skip, the first after the gap."""
        seconds = wall.replace(tzinfo=self.info, fold=0).timestamp()
        before, after = (_offset(wall.replace(tzinfo=self.info, fold=fold)) for fold in (0, 1))
        return seconds if before >= after else float(self._change(seconds, before, after))

    def _change(self, seconds: float, before: timedelta, after: timedelta) -> int:
        """When the clocks are set forward by which they skip a time that would be at these epoch seconds."""
        first, last = floor(seconds - (after - before).total_seconds()), ceil(seconds)
        is_later = lambda second: _offset(datetime.fromtimestamp(second, self.info)) != before  # noqa: E731
        return first + bisect_left(range(first, last), True, key=is_later)


UTC: Final = Zone(ZoneInfo("UTC"))


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression on the clocks of a zone. Both were checked."""

    expression: str
    zone: Zone

    def after(self, instant: float) -> float:
        """The first tick later than an instant, both in epoch seconds."""
        ticks = croniter(self.expression, self.zone.wall(instant))
        while True:
            found = self.zone.instant(ticks.get_next(datetime))
            if found > instant:
                return found

    def last(self, instant: float) -> float:
        """The last tick that is not later than an instant."""
        ticks = croniter(self.expression, self.zone.wall(instant) + timedelta(minutes=1))
        found = next(filter(lambda tick: tick <= instant, self._back(ticks)))
        while (later := self.after(found)) <= instant:  # what clocks show twice was there when they showed it first
            found = later
        return found

    def _back(self, ticks: croniter) -> Iterator[float]:
        while True:
            yield self.zone.instant(ticks.get_prev(datetime))


def zone_of(name: str) -> Zone | None:
    """The zone of that name in the zone database; None if there is none."""
    return Zone(ZoneInfo(name)) if name in zone_names() else None


@cache
def zone_names() -> frozenset[str]:
    """The names of all zones."""
    return frozenset(available_timezones()) - _OF_THE_MACHINE


def normalized(expression: str) -> str:
    """A cron expression with one space between its fields; a ``ValueError`` that says what is wrong, and what to write.

    The message goes on after the expression: ``has 4 fields; …``.
    """
    bare = _WHITE.sub(" ", expression.strip(" \t\n"))
    if bare.lower() in SHORTHANDS:
        raise ValueError(f"is no cron expression: write {SHORTHANDS[bare.lower()]}")
    if len(bare) > _LONGEST:
        raise ValueError(f"is no cron expression: it is longer than {_LONGEST} characters")
    fields = bare.split(" ")
    if len(fields) != len(_FIELDS):
        found = f"{len(fields)} field{'s' * (len(fields) != 1)}" if bare else "no fields"
        names = ", ".join(name for name, _ in _FIELDS)
        raise ValueError(f"has {found}; a cron expression has five: {names}, such as 0 9 * * 1-5")
    for place, field in enumerate(fields):
        if not _is_valid(place, field):
            name, range = _FIELDS[place]
            raise ValueError(f"is no cron expression: its {name} is {field[:20]}; write *, or {range}, with , - and /")
    try:
        croniter(bare, _SAMPLE).get_next(datetime)
    except CroniterBadDateError as error:
        raise ValueError("never comes: no such day is in any year") from error
    except CroniterError as error:  # each field is good, and not beside the others
        raise ValueError(f"is no cron expression: {error}") from error
    return bare


def _is_valid(place: int, field: str) -> bool:
    alone = ["*"] * len(_FIELDS)
    alone[place] = field
    try:
        croniter(" ".join(alone), _SAMPLE)
    except CroniterError:
        return False
    return not _CHANCE.search(field)


def _offset(moment: datetime) -> timedelta:
    offset = moment.utcoffset()
    assert offset is not None, "a zone of the database always has one"
    return offset
