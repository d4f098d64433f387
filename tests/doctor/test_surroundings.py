"""What a doctor says of the file, the disk, the daemon, the clock and the settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bureaucrat.config import Config, load
from bureaucrat.doctor.findings import CHECKS, Severity
from bureaucrat.doctor.surroundings import Health, Surroundings
from bureaucrat.ports import Vitals

MIB = 1 << 20
SOUND = Vitals("SQLite 3", "/var/lib/b.db", 9, [], 10 * MIB, MIB, 10_000 * MIB, is_exposed=False, daemons=1)
AROUND = Surroundings(SOUND, 100.0, 3, 99.0, 100.5, Health("127.0.0.1:9464", is_there=True))
BROKEN, ATTENTION, ADVICE = Severity.BROKEN, Severity.ATTENTION, Severity.ADVICE


def told(around: Surroundings) -> list[tuple[str, Severity, str]]:
    return [(one.check, one.severity, one.text) for one in around.all()]


def configured(folder: Path, text: str) -> Config:
    file = folder / "config.ini"
    file.write_text(text)
    return load(file, {})


def test_where_all_is_well_nothing_is_said() -> None:
    assert told(AROUND) == []
    assert told(replace(AROUND, newest=None, database_time=None, health=None)) == []
    assert told(replace(AROUND, vitals=replace(SOUND, room=None, daemons=None))) == []


@pytest.mark.parametrize(
    ("vitals", "expected"),
    [
        (
            {"problems": ["row 1\nmissing", "wrong"]},
            [
                ("database", BROKEN, "SQLite 3 finds damage in /var/lib/b.db: row 1 missing"),
                ("database", BROKEN, "SQLite 3 finds damage in /var/lib/b.db: wrong"),
            ],
        ),
        ({"room": 900 * MIB}, [("disk", ATTENTION, "there are 900 MiB of room beside /var/lib/b.db")]),
        ({"room": 9 * MIB}, [("disk", BROKEN, "there are 9 MiB of room beside /var/lib/b.db")]),
        ({"log": 300 * MIB}, [("disk", ATTENTION, "300 MiB of changes stand beside /var/lib/b.db and not in it")]),
        (
            {"is_exposed": True},
            [
                (
                    "disk",
                    ADVICE,
                    "every user of this machine can read /var/lib/b.db: all fields, and the key that signs tokens",
                )
            ],
        ),
        (
            {"daemons": 0},
            [("daemon", ATTENTION, "no daemon works on /var/lib/b.db: 3 unfinished instances stand still")],
        ),
    ],
)
def test_what_is_wrong_with_the_database_is_said(vitals: dict[str, object], expected: list[object]) -> None:
    assert told(replace(AROUND, vitals=replace(SOUND, **vitals))) == expected  # type: ignore[arg-type]


def test_without_a_daemon_nothing_stands_still_that_is_not_there() -> None:
    assert told(replace(AROUND, vitals=replace(SOUND, daemons=0), unfinished=0)) == []


def test_a_large_log_of_a_larger_file_is_nothing() -> None:
    assert told(replace(AROUND, vitals=replace(SOUND, log=300 * MIB, size=1_000 * MIB))) == []


def test_what_the_daemon_says_of_itself_is_said() -> None:
    silent = replace(AROUND, health=Health("h:1", is_there=False))
    unready = replace(AROUND, health=Health("h:1", True, ["the broker is away"]))

    assert told(silent) == [("daemon", ATTENTION, "a daemon works on /var/lib/b.db, and nothing answers at h:1")]
    assert told(unready) == [("daemon", ATTENTION, "the daemon is not ready: the broker is away")]


def test_clocks_that_differ_are_told() -> None:
    assert told(replace(AROUND, database_time=110.0)) == [
        ("clock", ATTENTION, "the database's clock is 10.0 s ahead of this machine's")
    ]
    assert told(replace(AROUND, database_time=90.0)) == [
        ("clock", ATTENTION, "the database's clock is 10.0 s behind this machine's")
    ]
    assert told(replace(AROUND, newest=200.0)) == [
        ("clock", ATTENTION, "the newest instance was started 100 s from now: a clock was set back")
    ]


def test_settings_that_lose_work_are_told_with_their_place(tmp_path: Path) -> None:
    given = "[amqp]\ntopology = assume\n[bureaucrat]\ndedup_window = 5m\nevent_retention = 10s\n"
    config = configured(tmp_path, f"{given}[storage]\nurl = sqlite:////tmp/b.db\n")

    around = replace(AROUND, vitals=replace(SOUND, place="/tmp/b.db"), config=config)

    assert told(around) == [
        ("settings", ATTENTION, "the database /tmp/b.db is in /tmp, which may be empty after the next boot"),
        ("settings", ADVICE, "ids of messages are forgotten after 300 s: what comes again later is done again"),
        ("settings", ADVICE, "events are kept for 10 s: one that comes that much before its await is lost"),
        (
            "settings",
            ADVICE,
            "queues are not looked at: attempts in a queue that the broker has lost wait until their timeout",
        ),
    ]
    assert [one.remedies[0].says for one in around.all()][1] == f"change {config.place('bureaucrat', 'dedup_window')}"


def test_the_defaults_lose_nothing(tmp_path: Path) -> None:
    assert told(replace(AROUND, config=configured(tmp_path, ""))) == []


def test_each_finding_is_of_a_check_that_is_listed() -> None:
    worst = replace(SOUND, problems=["x"], room=0, log=9_999 * MIB, is_exposed=True)

    assert {one.check for one in replace(AROUND, vitals=worst, newest=999.0).all()} <= CHECKS.keys()
