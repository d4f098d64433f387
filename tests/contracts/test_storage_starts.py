"""The contract of schedules, and of processes that start on events, held against every storage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from storage_rows import AT, TEXT, audit, commit, schedule

from bureaucrat.errors import StaleVersion
from bureaucrat.ports import Storage

FULL: dict[str, Any] = {
    "timezone": "Europe/Berlin",
    "overlap": "queue",
    "missed": "all",
    "paused": True,
    "queued": b"[1.5,2.5]",
    "asked": b"[3.25]",
    "unfinished": b'["a"]',
    "started": AT,
    "instance": TEXT,
    "skipped": 7,
}


async def test_schedules_come_by_process_and_number_and_as_they_were_written(storage: Storage) -> None:
    rows = [schedule(process="b", number=1, **FULL), schedule(process="a", due=None), schedule(process="b", cron=TEXT)]
    await commit(storage, schedules=rows)

    assert await storage.schedules() == [rows[1], rows[2], rows[0]]
    assert await storage.schedules("b") == [rows[2], rows[0]]
    assert await storage.schedules("c") == []


async def test_due_are_those_that_tick_until_then_and_are_not_paused(storage: Storage) -> None:
    rows = [
        schedule(number=0, due=AT),
        schedule(number=1, due=AT - 5),
        schedule(number=2, due=AT - 6, paused=True),
        schedule(number=3, due=None),
        schedule(number=4, due=AT + 1),
        schedule(process="bill", due=AT),
    ]
    await commit(storage, schedules=rows)

    assert await storage.due_schedules(AT, 9) == [rows[1], rows[5], rows[0]]
    assert await storage.due_schedules(AT, 2) == [rows[1], rows[5]]


async def test_those_wait_that_were_asked_for_or_have_a_queue_and_are_not_paused(storage: Storage) -> None:
    rows = [
        schedule(number=0),
        schedule(number=1, queued=b"[1.5]"),
        schedule(number=2, queued=b"[1.5]", paused=True),
        schedule(number=3, asked=b"[1.5]", paused=True),
        schedule(number=4, asked=b"[1.5]", due=None),
        schedule(process="bill", asked=b"[1.5]"),
    ]
    await commit(storage, schedules=rows)

    assert await storage.waiting_schedules(9) == [rows[5], rows[1], rows[3]]
    assert await storage.waiting_schedules(1) == [rows[5]]
    assert [row.waits for row in rows] == [False, True, False, True, False, True]


async def test_a_schedule_is_changed_as_a_whole(storage: Storage) -> None:
    first, later = schedule(), schedule(changes=2, version=3, definition="h", cron="* * * * *", due=AT + 1, **FULL)
    await commit(storage, schedules=[first])

    await commit(storage, schedules=[later])

    assert await storage.schedules() == [later]


@pytest.mark.parametrize(("stored", "written"), [(None, 2), (1, 1), (1, 3), (2, 2)])
async def test_of_two_that_change_a_schedule_the_second_writes_nothing(
    storage: Storage, stored: int | None, written: int
) -> None:
    there = [] if stored is None else [schedule(changes=number) for number in range(1, stored + 1)]
    for row in there:
        await commit(storage, schedules=[row])

    late = schedule(changes=written, cron="late")

    with pytest.raises(StaleVersion):
        await commit(storage, schedules=[schedule(process="bill"), late], event_starts=[("a", "b")], audit=[audit()])

    assert await storage.schedules() == there[-1:]
    assert (await storage.starters(), await storage.audits()) == ([], [])


async def test_what_is_stored_does_not_change_with_what_was_given(storage: Storage) -> None:
    row = schedule()
    await commit(storage, schedules=[row])
    before = replace(row)

    row.cron = "other"

    assert await storage.schedules() == [before]


async def test_starters_are_the_processes_of_an_event_each_once(storage: Storage) -> None:
    await commit(storage, event_starts=[("go", "b"), ("go", TEXT), ("stop", "b"), ("go", "b")])
    await commit(storage, event_starts=[("go", "b"), ("go", "a")])

    assert await storage.starters("go") == sorted(["a", "b", TEXT])
    assert await storage.starters("stop") == ["b"]
    assert await storage.starters("other") == []
    assert await storage.starters() == sorted(["a", "b", TEXT])
