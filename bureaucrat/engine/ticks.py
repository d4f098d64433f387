"""What becomes of the ticks of one schedule (L80): pure reckoning over its row.

Rules:

- of ticks that have passed, ``missed`` says which count: ``all`` of them, ``once`` the last one for all, ``skip`` the
  last one if it is no older than the grace;
- a tick that counts starts an instance, unless ``overlap`` says otherwise while one that the schedule started is
  unfinished: ``skip`` forgets the tick, ``queue`` keeps it, up to a bound;
- what a person asks for starts whatever else there is, also while the schedule is paused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import islice, takewhile

from ..core.triggers import CronStart
from ..ports import ScheduleRow
from .codec import decode, encode

MOST_QUEUED = 1_000
AT_ONCE = 100  #: ticks that one transaction works on


def instance_of(row: ScheduleRow, tick: float) -> str:
    """The id of the instance that a tick starts: the same whoever starts it, and time-ordered."""
    stamp = int(tick * 1000).to_bytes(6)
    return (stamp + blake2b(f"{row.process}/{row.number}/{tick!r}".encode(), digest_size=10).digest()).hex()


@dataclass(slots=True)
class _Course:
    """One look at a schedule, as it goes on."""

    row: ScheduleRow
    unfinished: list[str]  #: ids of instances it has started
    queue: list[float]
    starts: list[float] = field(default_factory=list)
    skipped: int = 0

    @property
    def may_start(self) -> bool:
        return self.row.overlap == "allow" or not self.unfinished

    def start(self, tick: float) -> None:
        self.starts.append(tick)
        if self.row.overlap != "allow":
            self.unfinished.append(instance_of(self.row, tick))

    def take(self, tick: float) -> None:
        """A tick that counts has come."""
        if self.may_start:
            self.start(tick)
        elif self.row.overlap == "queue" and len(self.queue) < MOST_QUEUED:
            self.queue.append(tick)
        else:
            self.skipped += 1


def look(
    row: ScheduleRow, trigger: CronStart, unfinished: list[str], now: float, grace: float
) -> tuple[ScheduleRow, list[float]]:
    """What a schedule does now: its row afterwards (the same if nothing is to be done), and the ticks to start.

    :param unfinished: which instances that it started are unfinished.
    """
    asked = decode(row.asked)
    course = _Course(row, list(unfinished), decode(row.queued))
    for tick in asked[:AT_ONCE]:
        course.start(tick)
    due = row.due
    if due is not None and not row.paused:
        while course.queue and course.may_start and len(course.starts) < AT_ONCE:
            course.start(course.queue.pop(0))
        ticks, due = _passed(trigger, due, now, grace)
        for tick in ticks:
            course.take(tick)
    after = replace(
        row,
        due=due,
        asked=encode(asked[AT_ONCE:]),
        queued=encode(course.queue),
        unfinished=encode(course.unfinished),
        skipped=row.skipped + course.skipped,
    )
    if course.starts:
        after.started, after.instance = now, instance_of(row, course.starts[-1])
    return after, course.starts


def _passed(trigger: CronStart, due: float, now: float, grace: float) -> tuple[list[float], float]:
    """The ticks that count of those from `due` until now, and the next one that is to be looked at."""
    schedule = trigger.schedule
    if due > now:
        return [], due
    if trigger.missed == "all":
        ticks = list(islice(takewhile(lambda tick: tick <= now, _from(trigger, due)), AT_ONCE))
        return ticks, schedule.after(ticks[-1])
    last, later = due, schedule.after(due)
    if later <= now:
        last = max(later, schedule.last(now))
        later = schedule.after(last)
    counts = trigger.missed == "once" or now - last <= grace
    return [last] if counts else [], later


def _from(trigger: CronStart, tick: float) -> Iterator[float]:
    while True:
        yield tick
        tick = trigger.schedule.after(tick)
