"""Ticks of cron expressions, on the clocks of a zone (L80: in autumn's repeated hour a tick fires once)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from minute_walk import walk

from bureaucrat.cron import Cron, Zone, zone_of

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
EXPRESSIONS = (
    "30 2 * * *",
    "*/30 1-3 * 3,4,10,11 *",
    "15,45 */12 * * 1-5",
    "0 2 13 * 5",
    "0 0 29 2 *",
)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
DAYS = 1_000


def zone(name: str) -> Zone:
    found = zone_of(name)
    assert found is not None
    return found


def ticks(expression: str, where: str, start: str, count: int) -> list[str]:
    """The next ticks in UTC, as day, hour and minute."""
    cron, instant, found = Cron(expression, zone(where)), datetime.fromisoformat(start).timestamp(), []
    for _ in range(count):
        instant = cron.after(instant)
        found.append(f"{datetime.fromtimestamp(instant, UTC):%d %H:%M:%S}")
    return found


@pytest.mark.parametrize("where", ZONES)
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_ticks_of_a_thousand_days_are_those_that_a_walk_over_every_minute_sees(expression: str, where: str) -> None:
    cron, instant, found = Cron(expression, zone(where)), BEGIN, []
    while (instant := cron.after(instant)) < BEGIN + DAYS * 86_400:
        found.append(instant)

    assert found == walk(expression, where, BEGIN, DAYS)


@pytest.mark.parametrize("where", ZONES)
@pytest.mark.parametrize("expression", ["*/30 1-3 * 3,4,10,11 *", "0 2 13 * 5"])
def test_the_last_tick_is_the_one_after_which_the_next_comes(expression: str, where: str) -> None:
    cron, found = Cron(expression, zone(where)), walk(expression, where, BEGIN, DAYS)

    assert [cron.last(tick) for tick in found] == found
    assert [cron.last(tick - 0.001) for tick in found[1:]] == found[:-1]


@pytest.mark.parametrize(
    ("instant", "tick"),
    [
        ("2026-03-29T01:00Z", "2026-03-29T01:00Z"),
        ("2026-03-29T00:59:59Z", "2026-03-28T01:30Z"),
        ("2026-10-25T01:10Z", "2026-10-25T00:30Z"),
        ("2026-10-25T00:29:59Z", "2026-10-24T00:30Z"),
    ],
)
def test_the_last_tick_on_days_when_clocks_are_set(instant: str, tick: str) -> None:
    found = Cron("30 2 * * *", zone("Europe/Berlin")).last(datetime.fromisoformat(instant).timestamp())

    assert found == datetime.fromisoformat(tick).timestamp()


def test_what_clocks_skip_ticks_once_when_they_have_been_set_forward() -> None:
    """02:00 to 03:00 is missing: both ticks in it and the one at its end are one."""
    assert ticks("0,30 2,3 * * *", "Europe/Berlin", "2026-03-29T00:59Z", 3) == [
        "29 01:00:00",
        "29 01:30:00",
        "30 00:00:00",
    ]


def test_what_clocks_show_twice_ticks_the_first_time_only() -> None:
    assert ticks("*/30 * * * *", "Europe/Berlin", "2026-10-24T23:59Z", 3) == [
        "25 00:00:00",
        "25 00:30:00",
        "25 02:00:00",
    ]
    assert ticks("30 2 * * *", "Europe/Berlin", "2026-10-25T00:29:59Z", 2) == ["25 00:30:00", "26 01:30:00"]


@pytest.mark.parametrize("start", ["2026-10-25T00:30Z", "2026-10-25T01:00Z", "2026-10-25T01:29:59Z"])
def test_who_asks_in_the_repeated_hour_is_not_told_of_its_ticks_again(start: str) -> None:
    assert ticks("30 2 * * *", "Europe/Berlin", start, 1) == ["26 01:30:00"]


def test_clocks_that_are_set_by_half_an_hour_are_reckoned_with() -> None:
    assert ticks("*/15 2 * * *", "Australia/Lord_Howe", "2026-10-03T15:29Z", 3) == [
        "03 15:30:00",  # 02:00 and 02:15 are missing
        "03 15:45:00",
        "04 15:00:00",
    ]
    assert ticks("*/15 1 * * *", "Australia/Lord_Howe", "2026-04-04T14:29Z", 3) == [
        "04 14:30:00",
        "04 14:45:00",  # 01:30 and 01:45 are there again at 15:00
        "05 14:30:00",
    ]


def test_a_whole_day_that_a_zone_skips_ticks_once() -> None:
    """Samoa had no 30 December 2011."""
    assert ticks("0 12 * * *", "Pacific/Apia", "2011-12-29T22:00Z", 3) == ["30 10:00:00", "30 22:00:00", "31 22:00:00"]


def test_a_tick_is_later_than_the_instant_it_is_asked_for() -> None:
    cron = Cron("* * * * *", zone("UTC"))

    assert [cron.after(instant) for instant in (0.0, 59.999999, 60.0, 60.000001)] == [60.0, 60.0, 120.0, 120.0]


@pytest.mark.parametrize(
    ("shown", "instant"),
    [
        ("2026-03-29T01:59:59.5", "2026-03-29T00:59:59.5Z"),
        ("2026-03-29T02:00", "2026-03-29T01:00Z"),
        ("2026-03-29T02:59:59.999999", "2026-03-29T01:00Z"),
        ("2026-03-29T03:00", "2026-03-29T01:00Z"),
        ("2026-10-25T02:30", "2026-10-25T00:30Z"),
        ("2026-10-25T03:00", "2026-10-25T02:00Z"),
    ],
)
def test_what_clocks_show_is_the_first_such_instant_or_the_one_after_what_they_skip(shown: str, instant: str) -> None:
    found = zone("Europe/Berlin").instant(datetime.fromisoformat(shown))

    assert found == datetime.fromisoformat(instant).timestamp()


def test_times_at_the_ends_of_the_calendar_are_reckoned_with() -> None:
    berlin = zone("Europe/Berlin")

    assert [berlin.instant(moment) < 1e12 for moment in (datetime.min, datetime.max)] == [True, True]


@pytest.mark.parametrize(
    "name", ["", "localtime", "Factory", "../UTC", "/etc/passwd", "posix/UTC", "europe/berlin", "é"]
)
def test_only_names_of_the_zone_database_are_zones(name: str) -> None:
    assert zone_of(name) is None
