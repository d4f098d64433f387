"""What becomes of the ticks of one schedule (L80)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bureaucrat.core.triggers import CronStart
from bureaucrat.cron import UTC, Cron
from bureaucrat.engine.codec import decode, encode
from bureaucrat.engine.ticks import AT_ONCE, MOST_QUEUED, instance_of, look
from bureaucrat.ports import ScheduleRow

MINUTES = Cron("* * * * *", UTC)
GRACE = 60.0


def row_of(**more: Any) -> ScheduleRow:
    given = {"overlap": "skip", "missed": "once", "due": 60.0, **more}
    return ScheduleRow("p", 0, 3, 1, "hash", "* * * * *", "UTC", **given)


def seen(row: ScheduleRow, now: float, *unfinished: str) -> tuple[ScheduleRow, list[float]]:
    trigger = CronStart("* * * * *", "UTC", MINUTES, row.overlap, row.missed)
    return look(row, trigger, list(unfinished), now, GRACE)


def test_before_its_tick_nothing_changes() -> None:
    row = row_of(queued=b"[1.5]", unfinished=b'["a"]')

    assert seen(row, 59.9, "a") == (row, [])


def test_a_tick_starts_an_instance_and_the_row_says_which() -> None:
    row = row_of()

    after, starts = seen(row, 60.5)

    id = instance_of(row, 60.0)
    assert starts == [60.0]
    assert after == replace(row, due=120.0, unfinished=encode([id]), started=60.5, instance=id)


@pytest.mark.parametrize(
    ("missed", "now", "starts", "due"),
    [
        ("once", 60.0, [60.0], 120.0),
        ("once", 250.0, [240.0], 300.0),
        ("skip", 120.0, [120.0], 180.0),
        ("skip", 179.9, [120.0], 180.0),
        ("all", 250.0, [60.0, 120.0, 180.0, 240.0], 300.0),
        ("all", 60.0 * 200, [60.0 * number for number in range(1, AT_ONCE + 1)], 60.0 * (AT_ONCE + 1)),
    ],
)
def test_missed_says_which_of_the_ticks_that_have_passed_count(
    missed: str, now: float, starts: list[float], due: float
) -> None:
    after, found = seen(row_of(missed=missed, overlap="allow"), now)

    assert (found, after.due, after.skipped) == (starts, due, 0)


@pytest.mark.parametrize(("late", "starts"), [(60.0, [0.0]), (60.001, [])])
def test_skip_forgets_a_tick_that_is_older_than_the_grace(late: float, starts: list[float]) -> None:
    trigger = CronStart("0 0 * * *", "UTC", Cron("0 0 * * *", UTC), "skip", "skip")

    after, found = look(row_of(missed="skip", due=0.0), trigger, [], late, GRACE)

    assert (found, after.due) == (starts, 86_400.0)


@pytest.mark.parametrize(
    ("overlap", "starts", "queued", "skipped"),
    [("skip", [], [], 1), ("queue", [], [60.0], 0), ("allow", [60.0], [], 0)],
)
def test_overlap_says_what_becomes_of_a_tick_while_an_instance_is_unfinished(
    overlap: str, starts: list[float], queued: list[float], skipped: int
) -> None:
    after, found = seen(row_of(overlap=overlap), 60.0, "a")

    assert (found, decode(after.queued), after.skipped, after.due) == (starts, queued, skipped, 120.0)
    assert decode(after.unfinished) == ["a"]


def test_of_many_that_count_at_once_the_first_starts_and_the_others_overlap_with_it() -> None:
    skipping, first = seen(row_of(missed="all"), 250.0)
    queueing, second = seen(row_of(missed="all", overlap="queue"), 250.0)

    assert (first, skipping.skipped) == ([60.0], 3)
    assert (second, decode(queueing.queued)) == ([60.0], [120.0, 180.0, 240.0])


def test_a_queue_is_worked_off_oldest_first_before_the_next_tick() -> None:
    row = row_of(overlap="queue", queued=b"[1.5,2.5]", due=60.0)

    after, starts = seen(row, 60.0)

    assert (starts, decode(after.queued)) == ([1.5], [2.5, 60.0])


def test_a_queue_that_a_version_before_has_left_is_worked_off_whatever_overlap_says_now() -> None:
    skip, one = seen(row_of(queued=b"[1.5,2.5]"), 59.0)
    allow, all = seen(row_of(overlap="allow", queued=b"[1.5,2.5]"), 59.0)

    assert (one, decode(skip.queued)) == ([1.5], [2.5])
    assert (all, decode(allow.queued), allow.unfinished) == ([1.5, 2.5], [], b"[]")


def test_a_queue_holds_a_thousand_and_what_comes_then_is_counted_and_forgotten() -> None:
    full = [float(number) for number in range(MOST_QUEUED - 1)]
    row = row_of(overlap="queue", missed="all", queued=encode(full))

    after, starts = seen(row, 190.0, "a")

    assert MOST_QUEUED == 1_000
    assert (starts, decode(after.queued), after.skipped) == ([], [*full, 60.0], 2)


def test_a_paused_schedule_lets_ticks_and_queue_be() -> None:
    row = row_of(overlap="queue", queued=b"[1.5]", paused=True)

    assert seen(row, 1_000.0) == (row, [])


def test_what_is_asked_for_starts_whatever_else_there_is() -> None:
    row = row_of(asked=b"[50.25,50.5]", paused=True, unfinished=b'["a"]')

    after, starts = seen(row, 1_000.0, "a")

    ids = [instance_of(row, tick) for tick in (50.25, 50.5)]
    assert starts == [50.25, 50.5]
    assert after == replace(row, asked=b"[]", unfinished=encode(["a", *ids]), started=1_000.0, instance=ids[1])


def test_what_is_asked_for_counts_as_unfinished_for_the_next_tick() -> None:
    after, starts = seen(row_of(asked=b"[50.25]"), 60.0)

    assert (starts, after.skipped) == ([50.25], 1)


def test_one_transaction_works_on_so_many_and_leaves_the_rest() -> None:
    row = row_of(asked=encode([float(number) for number in range(AT_ONCE + 1)]), overlap="allow", queued=b"[0.5]")

    after, starts = seen(row, 59.0)

    assert (len(starts), decode(after.asked), decode(after.queued)) == (AT_ONCE, [float(AT_ONCE)], [0.5])


def test_an_instance_is_named_by_process_schedule_and_tick() -> None:
    rows = [row_of(), replace(row_of(), number=1), replace(row_of(), process="q")]

    ids = [instance_of(row, tick) for row in rows for tick in (60.0, 60.001)]

    assert len(set(ids)) == 6
    assert ids == [instance_of(replace(row, changes=9, version=2), tick) for row in rows for tick in (60.0, 60.001)]
    assert sorted(ids[:2]) == ids[:2]
    assert all(len(id) == 32 and id.isalnum() for id in ids)


def test_a_tick_with_allow_starts_also_behind_a_queue_that_is_too_long_for_one_transaction() -> None:
    row = row_of(overlap="allow", queued=encode([float(number) for number in range(AT_ONCE + 1)]))

    after, starts = seen(row, 60.0)

    assert (len(starts), starts[-1], after.skipped) == (AT_ONCE + 1, 60.0, 0)
    assert decode(after.queued) == [float(AT_ONCE)]
