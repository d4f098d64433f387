"""``bureaucrat participants``, and what ``ps`` and ``show`` say of one that is paused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from operated import NOON, Office, Said
from test_crowds import STOCK, A, B, crowded

from bureaucrat.definition.reader import read
from bureaucrat.ports import DestinationRow, PauseRow, VersionRow

ME = ("--who", "bea@desk")
PAUSE = PauseRow(STOCK, NOON, "bea@desk", "the warehouse moves")
TRIED = '<process name="t"><action participant="worker:ship" retries="3" delay="30s"/></process>'
ONE = '<process name="one"><action participant="ship"/></process>'
LIMITED = '<process name="l"><sequence timeout="1h"><action participant="ship"/></sequence></process>'
TASK = (
    '<process name="task"><action participant="celery:shop.tasks.charge"/><action participant="shop.tasks.print"/>'
    "<action participant=\"= 'x'\"/></process>"
)
UNKNOWN = {"max_in_flight": None, "rate": None, "paused": None, "seen": None, "silent_since": None}


async def registered(office: Office, *texts: str) -> None:
    engine = await office.open()
    await engine.registry.register({f"{place}.xml": read(text) for place, text in enumerate(texts)}, "bea")


def cells(said: Said) -> list[list[str]]:
    """What a list shows, and the lines below it."""
    return [re.split(" {2,}", line) for line in said.out.splitlines()]


TITLES = [
    *("PARTICIPANT", "KIND", "QUEUE", "CONSUMERS", "READY", "IN FLIGHT", "WAITING", "BOUND", "FAILING", "STATE"),
]


async def test_the_list_shows_who_serves_what_and_what_is_wrong(office: Office, tmp_path: Path) -> None:
    await crowded(office, tmp_path, "max_in_flight = 20\nrate = 5/s")
    silent = DestinationRow("worker_ship", 0, 7, NOON, NOON)
    served = DestinationRow(f"worker_{STOCK}", 2, 1_204, NOON)
    tasks = DestinationRow("celery", 0, 3, NOON, NOON, "celery:shop.tasks.charge shop.tasks.print")
    await office.write(destinations=[silent, served, tasks], pauses=[PAUSE])
    assert office.engine is not None
    await office.engine.registry.register({"o.xml": read(ONE), "t.xml": read(TASK)}, "bea")
    await office.later(60)

    said = await office.command("participants", "-c", "config.ini", "--utc")

    assert cells(said) == [
        TITLES,
        ["capture", "worker", "worker_capture", "-", "-", "0", "0", "-", "0", "-"],
        ["celery:shop.tasks.charge", "celery", "celery", "0", "3", "0", "0", "-", "0", "no consumer since 12:00:00Z"],
        [
            STOCK,
            "worker",
            f"worker_{STOCK}",
            "2",
            "1,204",
            "1",
            "2",
            "20 in flight, 5/s",
            "0",
            "paused since 12:00:00Z",
        ],
        ["ship", "worker", "worker_ship", "0", "7", "0", "0", "-", "0", "no consumer since 12:00:00Z"],
        ["shop.tasks.print", "celery", "celery", "0", "3", "0", "0", "-", "0", "no consumer since 12:00:00Z"],
        [
            "celery:shop.tasks.charge: no consumer on queue celery for 1 m 03 s",
            "celery -A MODULE worker -Q celery",
        ],
        [
            f'{STOCK} is paused by bea@desk since 12:00:00Z: "the warehouse moves"; 2 wait',
            f"bureaucrat participants resume {STOCK} -c config.ini",
        ],
        ["ship: no consumer on queue worker_ship for 1 m 03 s", "bureaucrat worker MODULE -c config.ini"],
        ["shop.tasks.print: no consumer on queue celery for 1 m 03 s", "celery -A MODULE worker -Q celery"],
    ]


async def test_what_fails_is_counted_by_participant_however_it_is_written(office: Office) -> None:
    await office.open()
    await office.start(TRIED, A, "1")
    await office.start(TRIED, B, "2")
    await office.start(LIMITED, "c" * 32, "3")
    await office.answer(A, status="error", error="carrier: 503")
    await office.answer("c" * 32, status="error", error="carrier: 503")

    said = await office.says("participants", "ship")

    assert cells(said) == [
        TITLES,
        ["ship", "worker", "worker_ship", "-", "-", "1", "0", "-", "2", "-"],
        ["ship: 1 open incident", "bureaucrat ps --incidents --db b.db"],
        ["ship: 1 attempt failed, to be tried again", "bureaucrat ps --db b.db"],
    ]


async def test_a_participant_for_programs(office: Office, tmp_path: Path) -> None:
    await crowded(office, tmp_path, "max_in_flight = 20\nrate = 5/s")
    await office.write(destinations=[DestinationRow(f"worker_{STOCK}", 0, 1, NOON, NOON)], pauses=[PAUSE])
    await office.later(60)

    said = await office.command("participants", "list", f"worker:{STOCK}", "-c", "config.ini", "--json")

    assert said.json == {
        "participants": [
            {
                "participant": STOCK,
                "kind": "worker",
                "queue": f"worker_{STOCK}",
                "processes": ["order"],
                "consumers": 0,
                "ready": 1,
                "seen": "2026-11-25T12:00:00.000Z",
                "silent_since": "2026-11-25T12:00:00.000Z",
                "is_stalled": True,
                "in_flight": 1,
                "waiting": 2,
                "max_in_flight": 20,
                "rate": "5/s",
                "retrying": 0,
                "incidents": 0,
                "paused": {"who": "bea@desk", "since": "2026-11-25T12:00:00.000Z", "reason": "the warehouse moves"},
            }
        ]
    }


async def test_one_that_no_queue_is_known_of_for_programs(office: Office) -> None:
    await registered(office, TASK)

    said = await office.says("participants", "celery:shop.tasks.charge", "--json")

    (found,) = said.json["participants"]
    assert {name: found[name] for name in ("kind", "queue", "consumers", *UNKNOWN)} == {
        **{"kind": "celery", "queue": None, "consumers": None},
        **UNKNOWN,
    }


async def test_services_are_told_from_workers(office: Office) -> None:
    text = '<action participant="service:bank"/><action participant="https://api.example/x"/>'
    await registered(office, f'<process name="s">{text}</process>')

    said = await office.says("participants")

    assert [row[:3] for row in cells(said)[1:]] == [
        ["https://api.example/x", "service", "-"],
        ["service:bank", "service", "-"],
    ]


async def test_a_queue_with_consumers_serves(office: Office) -> None:
    await registered(office, ONE)
    await office.write(destinations=[DestinationRow("worker_ship", 1, 0, NOON)])

    said = await office.says("participants")

    assert cells(said)[1:] == [["ship", "worker", "worker_ship", "1", "0", "0", "0", "-", "0", "serves"]]


async def test_a_definition_that_cannot_be_read_does_not_hide_the_others(office: Office) -> None:
    await registered(office, ONE)
    await office.write(versions=[VersionRow("q", 1, "not there", NOON, "bea")])

    said = await office.says("participants")

    assert [row[0] for row in cells(said)] == ["PARTICIPANT", "ship"]


async def test_a_queue_that_was_left_a_moment_ago_is_no_problem(office: Office) -> None:
    await registered(office, ONE)
    await office.write(destinations=[DestinationRow("worker_ship", 0, 0, NOON, NOON)])
    await office.later(5)

    said = await office.says("participants")

    assert cells(said)[1:] == [["ship", "worker", "worker_ship", "0", "0", "0", "0", "-", "0", "-"]]


async def test_one_is_listed_that_only_a_pause_or_an_attempt_knows_of(office: Office) -> None:
    await registered(office, ONE)
    await office.start('<process name="e"><action participant="= \'mail\'"/></process>', A, "1")
    await office.write(retired=[("one", 1, True)], pauses=[PauseRow("gone", NOON, "bea@desk")])

    said = await office.says("participants")

    assert cells(said)[1:] == [
        ["gone", "worker", "worker_gone", "-", "-", "0", "0", "-", "0", "paused since 12:00:00Z"],
        ["mail", "worker", "worker_mail", "-", "-", "1", "0", "-", "0", "-"],
        ["gone is paused by bea@desk since 12:00:00Z; 0 wait", "bureaucrat participants resume gone --db b.db"],
    ]


async def test_without_any_the_list_says_how_there_would_be_one(office: Office) -> None:
    await office.open()

    said = await office.says("participants")

    assert said.out.splitlines() == [
        "no definition that is registered or runs names a participant",
        "deploy one   bureaucrat deploy FILE --db b.db",
    ]


async def test_a_name_that_nobody_has_heard_of_is_refused_with_the_nearest(office: Office) -> None:
    await registered(office, ONE)

    said = await office.says("participants", "shop")

    assert (said.code, said.err.splitlines()) == (
        4,
        [
            "bureaucrat: no definition names a participant 'shop'; did you mean ship?",
            "  see   bureaucrat participants --db b.db",
        ],
    )


async def test_help_names_the_commands(office: Office) -> None:
    said = await office.command("participants", "--help")

    assert (said.code, "[NAME] | COMMAND [ARGS]..." in said.out, "resume" in said.out) == (0, True, True)


async def test_pausing_and_resuming_tell_what_came_of_it(office: Office) -> None:
    await registered(office, ONE)
    office.run()

    paused = await office.says("participants", "pause", "ship", "--reason", "the carrier is down", *ME)
    (row,) = await office.storage.pauses()
    await office.later(1)
    again = await office.says("participants", "pause", "ship", *ME)
    await office.later(1)
    resumed = await office.says("participants", "resume", "ship", *ME)

    assert (paused.code, paused.out) == (0, "ship paused\nsee   bureaucrat participants ship --db b.db\n")
    assert row == PauseRow("ship", pytest.approx(NOON, abs=1), "bea@desk", "the carrier is down")
    assert (again.code, again.out.splitlines()) == (
        4,
        ["refused: ship is paused already", "see   bureaucrat participants --db b.db"],
    )
    assert (resumed.code, resumed.out) == (0, "ship resumed\nsee   bureaucrat participants ship --db b.db\n")
    assert await office.storage.pauses() == []
    audited = cells(await office.says("audit"))
    assert [row[2:6] for row in audited[1:4]] == [
        ["participants resume", "ship", "done", "ship resumed"],
        ["participants pause", "ship", "refused", "ship is paused already"],
        ["participants pause", "ship", "done", "ship paused"],
    ]


async def test_ps_says_who_has_paused_it_and_how_it_goes_on(office: Office, tmp_path: Path) -> None:
    await crowded(office, tmp_path, "max_in_flight = 9")
    await office.write(pauses=[PAUSE], destinations=[DestinationRow(f"worker_{STOCK}", 0, 1, NOON, NOON)])
    await office.later(60)

    said = await office.says("ps")

    text = f'{STOCK} is paused by bea@desk since 12:00:00Z: "the warehouse moves"; 2 wait'
    assert [(row[2], row[4]) for row in cells(said)[1:4]] == [
        ("running", text),
        ("running", text),
        ("STALLED", f"no consumer on queue worker_{STOCK} for 1 m 03 s"),
    ]
    assert f"go on      bureaucrat participants resume {STOCK} --db b.db" in said.out.splitlines()


async def test_ps_knows_of_pauses_beside_other_bounds(office: Office, tmp_path: Path) -> None:
    await crowded(office, tmp_path, "max_in_flight = 9\n[participant:other]\nrate = 1/s")
    text = (tmp_path / "config.ini").read_text().replace(f"participant:{STOCK}", "participant:mail")
    (tmp_path / "config.ini").write_text(text)
    await office.write(pauses=[PAUSE])

    said = await office.command("ps", "-c", "config.ini", "--utc")

    assert f"go on      bureaucrat participants resume {STOCK} -c config.ini" in said.out.splitlines()


async def test_show_says_who_has_paused_it_and_how_it_goes_on(office: Office, tmp_path: Path) -> None:
    await crowded(office, tmp_path, "max_in_flight = 9")
    await office.write(pauses=[PauseRow(STOCK, NOON, "bea@desk")])
    await office.write(destinations=[DestinationRow(f"worker_{STOCK}", 0, 1, NOON, NOON)])
    await office.later(60)

    said = await office.says("show", "1018", "--json")

    assert said.json["why"] == [
        {
            "text": f"reserve (process 'order', line 7): {STOCK} is paused by bea@desk since 12:00:00Z; 2 wait",
            "commands": [f"bureaucrat participants resume {STOCK} --db b.db"],
        }
    ]
