"""``bureaucrat schedules``."""

from __future__ import annotations

import re

import pytest
from operated import Office, Said

from bureaucrat.definition.reader import read

ME = ("--who", "bea@desk")
NIGHTLY = (
    '<process name="nightly"><start cron="0 2 * * *" timezone="Europe/Berlin" overlap="queue"/>'
    '<action participant="work"/></process>'
)
TWO = '<process name="two"><start cron="*/15 * * * *"/><start cron="0 0 1 * *" overlap="allow" missed="all"/></process>'
PLACED = '<process name="placed" key="order_id"><start event="placed"/><await event="placed"/></process>'


async def opened(office: Office, *texts: str) -> None:
    engine = await office.open()
    await engine.registry.register({f"{place}.xml": read(text) for place, text in enumerate(texts)}, "bea")
    office.run()


async def ticked(office: Office, hours: float) -> None:
    """Let time pass, and the running engine work."""
    assert office.engine is not None
    await office.later(hours * 3_600)
    await office.engine.sweep()
    while await office.storage.due_schedules(office.clock.now(), 1) or (
        any(row.asked != b"[]" for row in await office.storage.schedules())
    ):
        pass  # each look takes a moment


def cells(said: str) -> list[list[str]]:
    """What a list shows."""
    return [re.split(" {2,}", line) for line in said.splitlines()]


async def told(office: Office, *arguments: str) -> str:
    return (await office.says("schedules", *arguments)).out


async def refused(office: Office, *arguments: str) -> Said:
    said = await office.says("schedules", *arguments)
    assert said.code == 4
    return said


async def test_the_list_shows_what_comes_next_and_what_it_started_last(office: Office) -> None:
    await opened(office, NIGHTLY, TWO)
    await ticked(office, 14.5)

    said = await told(office, "list")

    nightly, first, _ = await office.storage.schedules()
    assert cells(said) == [
        ["SCHEDULE", "VERSION", "TIMES", "NEXT", "LAST", "INSTANCE", "OVERLAP", "MISSED", "QUEUED", "SKIPPED"],
        [
            *("nightly", "1", "0 2 * * * Europe/Berlin", "2026-11-27 01:00:00Z (in 22 h 30 m)", "02:30:00Z"),
            *(nightly.instance, "queue", "once", "0", "0"),
        ],
        [
            *("two#1", "1", "*/15 * * * * UTC", "02:45:00Z (in 15 m)", "02:30:00Z"),
            *(first.instance, "skip", "once", "0", "0"),
        ],
        [
            *("two#2", "1", "0 0 1 * * UTC", "2026-12-01 00:00:00Z (in 4 d 21 h)", "-"),
            *("-", "allow", "all", "0", "0"),
        ],
    ]


async def test_the_list_of_one_process_for_programs(office: Office) -> None:
    await opened(office, NIGHTLY, TWO)
    for hours in (15, 23):
        await ticked(office, hours)
    await office.says("schedules", "pause", "nightly", *ME)

    said = await office.says("schedules", "list", "nightly", "--json")

    (row,) = await office.storage.schedules("nightly")
    assert said.json == {
        "schedules": [
            {
                "process": "nightly",
                "number": 1,
                "version": 1,
                "cron": "0 2 * * *",
                "timezone": "Europe/Berlin",
                "overlap": "queue",
                "missed": "once",
                "next": None,
                "paused": True,
                "last": said.json["schedules"][0]["last"],
                "instance": row.instance,
                "status": "running",
                "queued": ["2026-11-27T01:00:00.000Z"],
                "skipped": 0,
            }
        ]
    }
    assert said.json["schedules"][0]["last"].startswith("2026-11-26T03:00:00")


async def test_a_paused_schedule_says_so_and_a_resumed_one_when_it_goes_on(office: Office) -> None:
    await opened(office, NIGHTLY)

    paused = await told(office, "pause", "nightly", *ME, "--reason", "the warehouse moves")
    listed = await told(office, "list")
    await office.later(1)
    resumed = await told(office, "resume", "nightly", *ME)

    see = "see   bureaucrat schedules list nightly --db b.db\n"
    assert (paused, resumed) == ("nightly paused\n" + see, "nightly resumed\n" + see)
    assert cells(listed)[1][3] == "paused"
    assert cells(await told(office, "list"))[1][3] == "2026-11-26 01:00:00Z (in 12 h 59 m)"
    first = (await office.storage.audits())[-1]
    assert (first.who, first.command, first.reason) == ("bea@desk", "schedules pause", "the warehouse moves")


async def test_run_starts_an_instance_now_and_says_which(office: Office) -> None:
    await opened(office, NIGHTLY)

    said = await told(office, "run", "nightly", *ME)
    await ticked(office, 0)

    (row,) = await office.storage.schedules()
    (instance,) = await office.rows()
    assert said.splitlines()[0] == f"nightly starts instance {instance.id}"
    assert row.instance == instance.id


async def test_one_of_several_is_called_by_its_number(office: Office) -> None:
    await opened(office, TWO, TWO.replace('"two"', '"two#3"'))

    second = await told(office, "pause", "two#2", *ME)
    odd = await told(office, "pause", "two#3", *ME)
    missing = await refused(office, "pause", "two#4", *ME)

    assert second.splitlines()[0] == "two#2 paused"
    assert odd.splitlines()[:2] == ["two#3#1 paused", "two#3#2 paused"]
    see = "see   bureaucrat schedules list --db b.db\n"
    assert missing.out == "refused: two has 2 schedules, and no number 4\n" + see


async def test_the_answer_of_an_order_for_programs(office: Office) -> None:
    await opened(office, NIGHTLY)

    done = await office.says("schedules", "pause", "nightly", "--json")
    await office.later(1)
    again = await office.says("schedules", "pause", "nightly", "--json")

    numbers = [row.number for row in await office.storage.audits()]
    assert done.json == {"order": numbers[1], "outcome": "done", "answer": "nightly paused"}
    assert again.json == {"order": numbers[0], "outcome": "refused", "answer": "nightly is paused already"}


async def test_what_is_not_there_is_answered_with_what_is_near(office: Office) -> None:
    await opened(office, NIGHTLY, PLACED)

    listed = await refused(office, "list", "nightlie")
    ordered = await refused(office, "run", "nightlie")
    by_event = await refused(office, "run", "placed")

    assert listed.err == (
        "bureaucrat: no process named 'nightlie' has a schedule; did you mean nightly?\n"
        "  see   bureaucrat schedules list --db b.db\n"
    )
    assert ordered.out.splitlines()[0] == "refused: no process named 'nightlie' has a schedule; did you mean nightly?"
    assert by_event.out.splitlines()[0] == "refused: the newest version of the process 'placed' has no schedule"


async def test_without_any_schedule_it_says_how_to_get_one(office: Office) -> None:
    await opened(office, PLACED)

    assert await told(office, "list") == (
        "no process that is registered has a schedule\n"
        "deploy one with <start cron=…>   bureaucrat deploy FILE --db b.db\n"
    )


@pytest.mark.parametrize(
    ("options", "code", "first"),
    [
        (("--no-wait",), 0, "asked   order "),
        (("--timeout", "0"), 1, "nobody took it in 0.0 s: it seems that no daemon runs on this database; it stays"),
    ],
)
async def test_an_order_that_nobody_takes_is_left(
    office: Office, options: tuple[str, ...], code: int, first: str
) -> None:
    engine = await office.open()
    await engine.registry.register({"n.xml": read(NIGHTLY)}, "bea")

    said = await office.says("schedules", "pause", "nightly", *options)

    assert (said.code, said.out.startswith(first)) == (code, True)
    assert said.out.splitlines()[-1] == "see what comes of it   bureaucrat audit --db b.db"


async def test_event_says_what_it_has_started(office: Office) -> None:
    await opened(office, PLACED)

    one = await office.says("event", "placed", "order_id=1017", *ME)
    two = await office.says("event", "placed", "order_id=1018", "--json", *ME)

    first, second = sorted(await office.rows(), key=lambda row: row.started)
    assert one.out == "started 1\n  placed 1017 started\n"
    assert two.json["answer"] == "woke 1, started 1"
    assert sorted(two.json["woke"], key=lambda one: one["activity"]) == [
        {"instance": first.id, "activity": "await"},
        {"instance": second.id, "activity": "started"},
    ]
