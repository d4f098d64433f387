"""A thousand virtual days of schedules in three zones, against a reckoning that knows nothing of the engine (L80)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from minute_walk import walk

from bureaucrat.engine.settings import Settings
from bureaucrat.testing import Simulation

pytestmark = pytest.mark.unmeasured
DAYS = 1_000
BEGIN = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
HOUR = 3_600.0
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
#: when the engine does not run: first and last second, and the policy must say what becomes of the ticks in between
DOWN = tuple(
    (BEGIN + day * 86_400 + 7_000, BEGIN + (day + days) * 86_400 + 7_000)
    for day, days in ((9, 1), (80, 3), (290, 9), (600, 0.25), (800, 40))
)

Start = tuple[float, int]  # the tick, and the second at which its instance began


def simulated(
    cron: str, zone: str, policies: str = "", lasts: float = 0.0, down: tuple[tuple[float, float], ...] = ()
) -> list[Start]:
    """What the engine has started, in order."""
    work = f'<delay duration="{lasts}"/>' if lasts else ""
    text = f'<process name="p"><start cron="{cron}" timezone="{zone}" {policies}/>{work}</process>'
    one = Simulation(processes=[text], start=BEGIN, settings=Settings(history="none"))
    for first, last in down:
        one.advance(first - one.clock.now())
        one.restart(after=last - one.clock.now())
    one.advance(BEGIN + DAYS * 86_400 - one.clock.now())
    records = [one.record(id) for id in one.instances()]
    return [(record.tick or 0.0, round(record.started)) for record in records]


def reckoned(ticks: list[tuple[float, float]], overlap: str, lasts: float) -> Iterator[Start]:
    """What is to be started.

    :param ticks: each with the instant at which it can be started, in order.
    """
    free = 0.0  #: since when nothing runs
    for tick, at in ticks:
        if overlap == "allow" or at >= free:
            begin = at
        elif overlap == "skip":
            continue
        else:
            begin = free
        if begin >= BEGIN + DAYS * 86_400:
            return
        free = begin + lasts
        yield tick, round(begin)


@pytest.mark.parametrize("zone", ZONES)
def test_there_is_one_start_for_each_tick_and_at_its_time(zone: str) -> None:
    expected = walk("30 2 * * *", zone, BEGIN, DAYS)

    found = simulated("30 2 * * *", zone)

    assert found == [(tick, round(tick)) for tick in expected]
    assert len(found) == DAYS


@pytest.mark.parametrize("overlap", ["skip", "queue", "allow"])
@pytest.mark.parametrize("zone", ZONES)
def test_overlap_does_what_it_says(zone: str, overlap: str) -> None:
    """An instance runs for 30 hours and a second; of four ticks a week, one is on the day when clocks are set."""
    cron, lasts = "30 2 * * 0,1,2,5", 30 * HOUR + 1
    ticks = [(tick, tick) for tick in walk(cron, zone, BEGIN, DAYS)]

    found = simulated(cron, zone, f'overlap="{overlap}"', lasts)

    assert found == list(reckoned(ticks, overlap, lasts))
    assert len(found) > (420 if overlap == "skip" else 570)


@pytest.mark.parametrize("missed", ["skip", "once", "all"])
@pytest.mark.parametrize("zone", ZONES)
def test_missed_does_what_it_says(zone: str, missed: str) -> None:
    cron = "30 2 * * *"
    ticks: list[tuple[float, float]] = []
    for tick in walk(cron, zone, BEGIN, DAYS):
        back = next((last for first, last in DOWN if first < tick <= last), None)
        if back is None:
            ticks.append((tick, tick))
        elif missed == "all":
            ticks.append((tick, back))
        elif missed == "once":
            if ticks[-1][1] == back:
                ticks.pop()
            ticks.append((tick, back))

    found = simulated(cron, zone, f'missed="{missed}" overlap="allow"', down=DOWN)

    assert found == list(reckoned(ticks, "allow", 0.0))


def test_what_is_missed_waits_in_the_queue() -> None:
    """Both policies together: forty days are made up for, one instance at a time."""
    cron, zone, lasts = "30 2 * * *", ZONES[0], 3 * HOUR
    ticks = [
        (tick, next((last for first, last in DOWN if first < tick <= last), tick))
        for tick in walk(cron, zone, BEGIN, DAYS)
    ]

    found = simulated(cron, zone, 'missed="all" overlap="queue"', lasts, DOWN)

    assert found == list(reckoned(ticks, "queue", lasts))
    assert len(found) == DAYS
