"""The ticks of a cron expression, reckoned by looking at a zone's clocks in every minute: slow, and plainly right.

Nothing of ours is used here, and no library but the zone database.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

_EPOCH = date(1970, 1, 1)
_QUARTER = 15  # minutes; nowadays every zone sets its clocks at the end of one


def walk(expression: str, zone: str, start: float, days: int) -> list[float]:
    """The ticks in `days` days from `start` on (epoch seconds, a whole quarter of an hour), that instant not included.

    A minute of the clocks that was seen before is no tick again; minutes they skip are seen all at once, after them.
    """
    minutes, hours, *rest = expression.split(" ")
    times = {hour * 60 + minute for hour in _numbers(hours, 0, 23) for minute in _numbers(minutes, 0, 59)}
    is_day = cache(lambda day: _is_day(day, *rest))
    info = ZoneInfo(zone)
    first = int(start) // 60
    seen = first + _offset(info, first)  # minutes since 1970, as the clocks count them
    found = []
    for quarter in range(first, first + days * 1440, _QUARTER):
        offset = _offset(info, quarter)
        last = quarter + offset - 1  # what they showed a minute before
        for wall in range(seen + 1, last + _QUARTER + 1):
            if wall % 1440 in times and is_day(wall // 1440):
                found.append(max(wall - offset, quarter) * 60.0)
        seen = max(seen, last + _QUARTER)
    return list(dict.fromkeys(found))


def _offset(info: ZoneInfo, minute: int) -> int:
    offset = datetime.fromtimestamp(minute * 60, UTC).astimezone(info).utcoffset()
    assert offset is not None
    return offset // timedelta(minutes=1)


def _is_day(day: int, days: str, months: str, weekdays: str) -> bool:
    """Whether a day (since 1970) is one of these; of a day and a day of the week one is enough, if both are given."""
    shown = _EPOCH + timedelta(days=day)
    if shown.month not in _numbers(months, 1, 12):
        return False
    is_day = shown.day in _numbers(days, 1, 31)
    is_weekday = shown.isoweekday() % 7 in {number % 7 for number in _numbers(weekdays, 0, 7)}
    return is_day or is_weekday if "*" not in (days, weekdays) else is_day and is_weekday


@cache
def _numbers(field: str, least: int, most: int) -> frozenset[int]:
    """``*``, ``5``, ``1-5``, each with ``/2`` perhaps, and several with commas between."""
    found: set[int] = set()
    for part in field.split(","):
        numbers, _, step = part.partition("/")
        begin, _, end = (f"{least}-{most}" if numbers == "*" else numbers).partition("-")
        found.update(range(int(begin), int(end or begin) + 1, int(step or 1)))
    return frozenset(found)
