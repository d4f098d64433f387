"""A database that a release has written opens in this version, its instances come to their ends, and its histories give
what they gave then. So does one of each schema that there was before the first release."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from make import dumped
from populated import LOOP, Kept, populate

from bureaucrat.core.limits import Limits
from bureaucrat.definition.reader import read
from bureaucrat.doctor.findings import Severity
from bureaucrat.doctor.round import Report, Round
from bureaucrat.engine.bounds import Bounds
from bureaucrat.errors import StorageUnavailable
from bureaucrat.storage.sqlite import SqliteStorage
from bureaucrat.storage.statements import migrations

RELEASES = sorted(Path(__file__).parent.glob("*/database.sql"))
TEXTS = {file.parent.name: file.read_text(encoding="utf-8") for file in RELEASES}
OLDEST = next(iter(TEXTS.values()))
LARGEST = 200_000  #: bytes
NEWEST = max(migrations("sqlite"))
#: what a schema cannot hold yet: instances that need the columns and tables of a later one
LATER = {3: ("order-%", "ended-3"), 4: ("undo-%", "order-%", "ended-3"), 7: ()}


def restored(sql: str, path: Path) -> Path:
    """A file of what was dumped."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)
    return path


async def examined(kept: Kept) -> Report:
    """What a doctor says of it, whether late or not."""
    definitions = kept.engine.definitions
    return await Round(kept.storage, definitions, kept.clock, Limits(), Bounds(), is_served=False).all()


def alarms(report: Report) -> list[str]:
    return [f"{one.instance} {one.check}: {one.text}" for one in report.all if one.severity is not Severity.ADVICE]


def latest(path: Path) -> float:
    """The instant of the last entry of any history."""
    with closing(sqlite3.connect(path)) as connection:
        return float(connection.execute("SELECT max(at) FROM history").fetchone()[0])


def numbers_after(path: Path) -> int:
    """A number that nobody has."""
    queries = ("events", "mailbox", "dead_letters")
    with closing(sqlite3.connect(path)) as connection:
        return 1 + max(
            connection.execute(f"SELECT coalesce(max(number), 0) FROM {one}").fetchone()[0] for one in queries
        )


async def gone_on(path: Path) -> Kept:
    """This version's engine on a database that another has written."""
    return await Kept(path, latest(path) + 1.0, numbers_after(path)).open()


@pytest.mark.parametrize("release", TEXTS)
async def test_what_a_release_has_written_goes_on_to_its_end(release: str, tmp_path: Path) -> None:
    path = restored(TEXTS[release], tmp_path / "b.db")
    kept = await gone_on(path)
    try:
        first = await examined(kept)
        waiting = len(await kept.unfinished())
        letters = len(await kept.storage.dead_letters())
        await kept.finish()
        last = await examined(kept)
        more = len(await kept.storage.dead_letters()) - letters
        incidents = await kept.storage.incidents()
    finally:
        await kept.close()

    assert (alarms(first), alarms(last)) == ([], [])
    assert first.replayed == first.instances >= waiting >= 14
    assert last.replayed == last.instances
    assert (more, incidents) == (0, [])
    assert len(TEXTS[release].encode()) <= LARGEST


@pytest.mark.parametrize("release", TEXTS)
def test_a_release_has_every_kind_of_waiting(release: str, tmp_path: Path) -> None:
    path = restored(TEXTS[release], tmp_path / "b.db")
    counts = (
        "SELECT count(*) FROM branches WHERE due IS NOT NULL",
        "SELECT count(*) FROM branches WHERE attempt IS NOT NULL",
        "SELECT count(*) FROM waits",
        "SELECT count(*) FROM remembered",
        "SELECT count(*) FROM incidents WHERE closed IS NULL",
        "SELECT count(*) FROM mailbox WHERE held = 1",
        "SELECT count(*) FROM schedules",
        "SELECT count(*) FROM versions",
        "SELECT count(*) FROM events",
        "SELECT count(*) FROM dead_letters",
        "SELECT count(*) FROM pauses",
        "SELECT count(*) FROM branches WHERE id LIKE '%.%'",
        "SELECT count(*) FROM instances WHERE json_extract(state, '$.caller') IS NOT NULL",
        "SELECT count(*) FROM instances WHERE ended IS NOT NULL",
    )

    with closing(sqlite3.connect(path)) as connection:
        found = {query: connection.execute(query).fetchone()[0] for query in counts}

    assert {query: number for query, number in found.items() if not number} == {}


def test_the_script_that_a_release_runs_writes_what_this_version_keeps(tmp_path: Path) -> None:
    """It works at any time, not only on the day of a release."""

    async def write() -> None:
        kept = await Kept(tmp_path / "b.db").open()
        await populate(kept)
        await kept.close()

    asyncio.run(write())

    assert f"PRAGMA user_version = {NEWEST};" in dumped(tmp_path / "b.db")


# schemas


def older(path: Path, number: int, source: Path) -> Path:
    """A database as it was at a schema: made by the migrations up to it, with the rows of another that fit into it."""
    with closing(sqlite3.connect(path)) as connection:
        for one, sql in migrations("sqlite").items():
            if one <= number:
                connection.executescript(sql)
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("ATTACH ? AS newer", (str(source),))
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        left_out = [pattern for first, patterns in LATER.items() if number < first for pattern in patterns]
        for table in tables:
            names = [f'"{row[1]}"' for row in connection.execute(f'PRAGMA table_info("{table}")')]
            owner = '"id"' if table == "instances" else '"instance"' if '"instance"' in names else None
            kept = [f"{owner} NOT LIKE '{pattern}'" for pattern in left_out] if owner is not None else []
            where = " AND ".join(kept or ["true"])
            columns = ", ".join(names)
            connection.execute(
                f'INSERT INTO main."{table}" ({columns}) SELECT {columns} FROM newer."{table}" WHERE {where}'
            )
        connection.commit()
    return path


@pytest.mark.parametrize("number", range(1, NEWEST))
async def test_a_database_of_an_older_schema_is_migrated_and_goes_on(number: int, tmp_path: Path) -> None:
    source = restored(OLDEST, tmp_path / "newer.db")
    kept = await gone_on(older(tmp_path / "b.db", number, source))
    try:
        waiting = len(await kept.unfinished())
        first = await examined(kept)
        await kept.engine.registry.register({"loop.xml": read(LOOP)}, "bea")  # the first schemas had no names
        await kept.finish()
        last = await examined(kept)
        schema = (await kept.storage.examine()).schema
    finally:
        await kept.close()

    assert (schema, alarms(first), alarms(last)) == (NEWEST, [], [])
    assert waiting >= 6
    assert last.replayed == last.instances


async def test_a_database_that_was_migrated_says_no_to_the_program_that_knows_less(tmp_path: Path) -> None:
    path = restored(OLDEST, tmp_path / "b.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {NEWEST + 1}")

    for read_only in (False, True):
        with pytest.raises(StorageUnavailable, match=f"a newer version .*schema {NEWEST + 1}, this one knows {NEWEST}"):
            await SqliteStorage(path, read_only=read_only).open()


async def test_what_is_in_the_history_is_json_in_each_release(tmp_path: Path) -> None:
    path = restored(OLDEST, tmp_path / "b.db")

    with closing(sqlite3.connect(path)) as connection:
        details = [json.loads(row[0]) for row in connection.execute("SELECT detail FROM history")]

    assert len(details) > 200
