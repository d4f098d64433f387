"""What people ask of schedules: pause, resume, start one now (L80)."""

from __future__ import annotations

from typing import Any

import pytest
from courier import Office
from test_desk import audit, ordered

from bureaucrat.core.context import TICK
from bureaucrat.engine.codec import decode_instance, encode
from bureaucrat.engine.orders import Deploy, Scheduling
from bureaucrat.engine.ticks import instance_of
from bureaucrat.errors import StaleVersion
from bureaucrat.ports import InstanceQuery, ScheduleRow

HOUR = 3_600.0
ONE = '<process name="n"><start cron="0 * * * *"/></process>'
TWO = '<process name="n"><start cron="0 * * * *"/><start cron="30 * * * *"/></process>'
NONE = '<process name="n"/>'


async def deployed(office: Office, *texts: str) -> None:
    await office.run()
    for place, text in enumerate(texts):
        row = await ordered(office, Deploy("bea", {"n.xml": text}), number=800 + place)
        assert row.outcome == "done", row.answer


async def asked(office: Office, what: str, number: int | None = None, process: str = "n", at: int = 900) -> Any:
    row = await ordered(office, Scheduling("bea", what, process, number, "it is time"), number=at)
    return row.outcome, row.answer


async def schedules(office: Office) -> list[ScheduleRow]:
    return await office.storage.schedules("n")


async def ticks(office: Office) -> list[float | None]:
    await office.swept()
    rows = await office.storage.instances(InstanceQuery())
    return sorted((decode_instance(row).tick for row in rows), key=lambda tick: tick or 0.0)


async def test_a_paused_schedule_starts_nothing_and_what_it_missed_is_not_made_up_for(office: Office) -> None:
    await deployed(office, ONE)
    order = Scheduling("bea", "pause", "n", None, "too early")
    office.clock.advance_to(HOUR - 1)
    await office.swept()  # the tick is noted

    row = await ordered(office, order)
    office.clock.advance_to(3.5 * HOUR)
    while_paused = await ticks(office)
    resumed = await asked(office, "resume", at=901)
    office.clock.advance_to(4 * HOUR)

    assert row == audit(order, "", "done", "n paused", "schedules pause")
    assert (while_paused, resumed) == ([], ("done", "n resumed"))
    assert await ticks(office) == [4 * HOUR]


async def test_one_now_starts_beside_what_runs_and_while_it_is_paused(office: Office) -> None:
    await deployed(office, ONE.replace("/></", '/><delay duration="1d"/></'))
    office.clock.advance_to(HOUR)
    assert await ticks(office) == [HOUR]
    await asked(office, "pause")

    outcome, answer = await asked(office, "run", at=901)

    (row,) = await schedules(office)
    (first, now) = await ticks(office)
    assert (outcome, answer) == ("done", f"n starts instance {row.instance}")
    assert (first, row.instance) == (HOUR, instance_of(row, now))
    assert (row.asked, row.started > now) == (b"[]", True)


async def test_pausing_and_resuming_twice_is_refused_and_nothing_is_changed(office: Office) -> None:
    await deployed(office, ONE)

    told = [await asked(office, what, at=900 + n) for n, what in enumerate(("resume", "pause", "pause", "resume"))]

    assert told == [
        ("refused", "n is not paused"),
        ("done", "n paused"),
        ("refused", "n is paused already"),
        ("done", "n resumed"),
    ]
    assert [row.changes for row in await schedules(office)] == [3]


async def test_one_of_several_is_named_by_its_number_and_without_it_all_are_meant(office: Office) -> None:
    await deployed(office, TWO)

    second = await asked(office, "pause", 1)
    both = await asked(office, "pause", at=901)
    third = await asked(office, "pause", 2, at=902)

    assert second == ("done", "n#2 paused")
    assert both == ("done", "n#1 paused\nn#2 is paused already")
    assert third == ("refused", "n has 2 schedules, and no number 3")
    assert [row.paused for row in await schedules(office)] == [True, True]


@pytest.mark.parametrize(
    ("process", "answer"),
    [
        ("m", "no process named 'm' has a schedule"),
        ("nightlie", "no process named 'nightlie' has a schedule; did you mean nightly?"),
        ("plain", "the newest version of the process 'plain' has no schedule"),
    ],
)
async def test_what_has_no_schedule_is_refused(office: Office, process: str, answer: str) -> None:
    await deployed(office, ONE.replace('"n"', '"nightly"'), NONE.replace('"n"', '"plain"'))

    assert await asked(office, "pause", process=process) == ("refused", answer)


async def test_a_schedule_that_no_version_has_any_more_cannot_be_asked_for_anything(office: Office) -> None:
    await deployed(office, ONE, NONE)

    assert await asked(office, "run") == ("refused", "the newest version of the process 'n' has no schedule")


async def test_an_order_is_done_anew_if_the_schedule_has_gone_on_meanwhile(office: Office) -> None:
    await deployed(office, ONE)
    office.storage.failures = [("before", StaleVersion("it has ticked"))]

    assert await asked(office, "pause") == ("done", "n paused")
    assert [row.changes for row in await schedules(office)] == [2]


# what a new version takes over


async def test_a_new_version_takes_over_what_a_person_has_paused_and_what_waits(office: Office) -> None:
    await deployed(office, ONE)
    await asked(office, "pause")
    before = (await schedules(office))[0]

    await ordered(office, Deploy("bea", {"n.xml": TWO}), number=901)

    first, second = await schedules(office)
    assert (first.version, first.paused, first.due, first.changes) == (2, True, before.due, 3)
    assert (second.version, second.paused, second.changes) == (2, False, 1)


async def test_other_times_are_reckoned_from_now_and_the_same_ones_go_on(office: Office) -> None:
    await deployed(office, TWO)
    office.clock.advance_to(HOUR - 1)
    other = (
        TWO.replace("30 *", "45 *").replace("0 * * * *", "0 * * * *", 1).replace("/></", "/><delay duration='1'/></")
    )

    await ordered(office, Deploy("bea", {"n.xml": other}), number=901)

    assert [row.due for row in await schedules(office)] == [HOUR, HOUR + 2_700]


async def test_what_a_version_does_not_have_ticks_no_more_and_anew_when_it_comes_back(office: Office) -> None:
    await deployed(office, TWO, ONE)
    gone = (await schedules(office))[1]
    office.clock.advance_to(10 * HOUR)

    await ordered(office, Deploy("bea", {"n.xml": TWO}, 3), number=901)

    back = (await schedules(office))[1]
    assert (gone.due, back.due) == (None, 10.5 * HOUR)
    assert (back.version, back.changes, back.queued) == (3, 3, b"[]")


def test_the_tick_is_a_reserved_name() -> None:
    assert TICK == "inst:tick"
    assert encode([1.0]) == b"[1.0]"
