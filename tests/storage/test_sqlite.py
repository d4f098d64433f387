"""What only the SQLite adapter promises; the rest is in tests/contracts."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest
from committer import writes

from bureaucrat.errors import AlreadySeen, StaleVersion, StorageUnavailable
from bureaucrat.ports import DeadRow, EventRow, InstanceQuery, MailRow, OutboxRow, WaitRow, Writes
from bureaucrat.storage.asking import only_given
from bureaucrat.storage.sqlite import SqliteStorage
from bureaucrat.storage.sqlite_rows import repeated
from bureaucrat.storage.statements import migrations, statements

HERE = Path(__file__).parent
NEWEST = max(migrations("sqlite"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder with ä %41 ? #" / "bureaucrat.db"


@pytest.fixture(autouse=True)
def _folder(path: Path) -> None:
    path.parent.mkdir()


@pytest.fixture
async def storage(path: Path) -> AsyncIterator[SqliteStorage]:
    adapter = SqliteStorage(path)
    await adapter.open()
    yield adapter
    await adapter.close()


def files_beside(path: Path) -> set[str]:
    """What stands in the folder of the database, besides it."""
    return {file.name.removeprefix(path.name) for file in path.parent.iterdir()} - {""}


def run(script: str, path: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent.parent)}
    command = [sys.executable, str(HERE / script), str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


# opening


async def test_what_was_committed_is_there_when_the_file_is_opened_again(path: Path) -> None:
    first = SqliteStorage(path)
    await first.open()
    await first.batch().commit(writes("i1", 1))
    await first.setting("key", "value")
    await first.close()

    second = SqliteStorage(path)
    await second.open()
    try:
        assert await second.instance("i1") == writes("i1", 1).instances[0]
        assert await second.history("i1") == writes("i1", 1).history
        assert await second.setting("key", "other") == "value"
    finally:
        await second.close()


async def test_a_storage_can_be_closed_and_opened_again(storage: SqliteStorage) -> None:
    await storage.batch().commit(writes("i1", 1))

    await storage.close()
    await storage.close()
    await storage.open()

    assert await storage.instance("i1") == writes("i1", 1).instances[0]


async def test_a_second_daemon_is_refused_and_told_by_whom(storage: SqliteStorage, path: Path) -> None:
    second = SqliteStorage(path)

    with pytest.raises(StorageUnavailable) as refusal:
        await second.open()

    await second.close()
    assert str(refusal.value) == (
        f"database {path} is used by another daemon (process {os.getpid()}); "
        "stop it, or give this one a database of its own: [storage] url"
    )


async def test_a_file_can_be_used_once_the_other_daemon_has_closed_it(storage: SqliteStorage, path: Path) -> None:
    await storage.close()

    second = SqliteStorage(path)
    await second.open()
    await second.close()

    assert files_beside(path) == {".lock"}


async def test_a_daemon_whose_process_is_not_known_is_refused_all_the_same(storage: SqliteStorage, path: Path) -> None:
    os.unlink(f"{path}.pid")

    with pytest.raises(StorageUnavailable, match="is used by another daemon;"):
        await SqliteStorage(path).open()


async def test_a_schema_of_a_newer_program_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {NEWEST + 1}")

    for read_only in (False, True):
        with pytest.raises(StorageUnavailable, match="a newer version of Bureaucrat has used it"):
            await SqliteStorage(path, read_only=read_only).open()


async def test_a_file_that_was_refused_is_not_kept_from_others(path: Path) -> None:
    shutil.copy(__file__, path)
    with pytest.raises(StorageUnavailable, match="it is no SQLite database"):
        await SqliteStorage(path).open()
    os.unlink(path)

    storage = SqliteStorage(path)
    await storage.open()
    await storage.close()


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable, match=re.escape(f"there is no directory {tmp_path / 'missing'}")):
        await SqliteStorage(tmp_path / "missing" / "bureaucrat.db").open()


async def test_a_lock_that_cannot_be_made_is_an_error_of_storage(path: Path) -> None:
    os.mkdir(f"{path}.lock")

    with pytest.raises(StorageUnavailable):
        await SqliteStorage(path).open()


async def test_a_new_file_gets_the_newest_schema_and_keeps_it(storage: SqliteStorage, path: Path) -> None:
    await storage.close()
    await storage.open()

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (NEWEST,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_a_file_of_the_first_schema_is_brought_to_the_newest_one(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(migrations("sqlite")[1])
        connection.execute("PRAGMA user_version = 1")
        connection.execute("INSERT INTO dead_letters VALUES (1, 0.5, 'queue', 'unknown', 'm1', x'fe', 'd', '{}')")
        connection.commit()
    looking = SqliteStorage(path, read_only=True)
    with pytest.raises(StorageUnavailable, match=f"schema \\(1\\) is older .* \\({NEWEST}\\); start the daemon once"):
        await looking.open()
    storage = SqliteStorage(path)

    await storage.open()

    assert await storage.dead_letters(message_id="m1") == [DeadRow(1, 0.5, "queue", "unknown", "m1", b"\xfe", "d")]
    assert (await storage.audits(), await storage.destinations(), await storage.event("m1")) == ([], [], None)
    await storage.close()


async def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE incidents (something)")
        connection.commit()

    with pytest.raises(StorageUnavailable, match="table incidents already exists"):
        await SqliteStorage(path).open()

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("incidents",)]
        assert connection.execute("PRAGMA user_version").fetchone() == (0,)


async def test_what_is_not_open_says_so(path: Path) -> None:
    storage = SqliteStorage(path)

    with pytest.raises(StorageUnavailable, match="is not open"):
        await storage.instance("i1")
    with pytest.raises(StorageUnavailable, match="is not open"):
        await storage.batch().commit(writes("i1", 1))


# reading beside the daemon


async def test_another_process_reads_and_leaves_mail(storage: SqliteStorage, path: Path) -> None:
    await storage.batch().commit(writes("i1", 1))
    beside = SqliteStorage(path, read_only=True)
    await beside.open()
    try:
        mail = MailRow(7, "i1", b"{}", 1.0)
        await beside.post(mail)
        await storage.batch().commit(writes("i1", 2))

        assert await storage.mail(9) == [mail]
        assert await storage.batch().take_mail([7, 8]) == {7: False}
        assert await beside.instance("i1") == writes("i1", 2).instances[0]
        assert await beside.setting("key", "mine") == await storage.setting("key", "other") == "mine"
        with pytest.raises(StorageUnavailable, match="was opened to be read only"):
            await beside.batch().commit(writes("i1", 3))
        with pytest.raises(StorageUnavailable, match="UNIQUE"):
            await beside.post(mail)
    finally:
        await beside.close()


async def test_reading_needs_a_file_that_a_daemon_has_made(path: Path) -> None:
    with pytest.raises(StorageUnavailable, match="it cannot be opened"):
        await SqliteStorage(path, read_only=True).open()
    assert files_beside(path) == set()

    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")
    with pytest.raises(StorageUnavailable, match="start the daemon once"):
        await SqliteStorage(path, read_only=True).open()


async def test_a_read_works_again_after_an_error(storage: SqliteStorage, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE mailbox RENAME TO elsewhere")
        with pytest.raises(StorageUnavailable, match="no such table"):
            await storage.batch().take_mail([1])
        connection.execute("ALTER TABLE elsewhere RENAME TO mailbox")

    assert await storage.batch().take_mail([1]) == {}


# writing


async def committed_together(storage: SqliteStorage, group: list[Writes]) -> tuple[list[object], list[str]]:
    """What each batch of one group is told, and the statements that begin and end transactions."""
    statements: list[str] = []
    has_begun, is_free = threading.Event(), threading.Event()

    def hold(connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(statements.append)
        has_begun.set()
        is_free.wait(10)

    assert storage._writer is not None
    holder = asyncio.ensure_future(storage._writer.do(hold))
    await asyncio.to_thread(has_begun.wait, 10)
    tasks = [asyncio.ensure_future(storage.batch().commit(each)) for each in group]
    await asyncio.sleep(0)
    is_free.set()
    await holder
    results = await asyncio.gather(*tasks, return_exceptions=True)
    return results, [each.split()[0] for each in statements if each.split()[0] in ("BEGIN", "COMMIT", "ROLLBACK")]


async def test_what_waits_for_the_writer_is_one_transaction(storage: SqliteStorage) -> None:
    results, transactions = await committed_together(storage, [writes(f"i{n}", 1) for n in range(10)])

    assert results == [None] * 10
    assert transactions == ["COMMIT", "BEGIN", "COMMIT"]
    assert (await storage.counts())["instances"] == 10


async def test_of_one_message_in_two_batches_of_a_group_the_first_is_taken(storage: SqliteStorage) -> None:
    group = [writes(f"i{n}", 1) for n in range(4)]
    for n, id in enumerate(("m1", "m2", "m1", "m3")):
        group[n].inbox.append((id, float(n)))

    results, transactions = await committed_together(storage, group)

    assert [type(result) for result in results] == [type(None), type(None), AlreadySeen, type(None)]
    assert str(results[2]) == "a message was accepted before, one of 1: m1"
    assert transactions[1:] == ["BEGIN", "ROLLBACK", *["BEGIN", "COMMIT"] * 2, "BEGIN", "ROLLBACK", "BEGIN", "COMMIT"]
    assert await storage.instances(InstanceQuery()) == [row for n in (3, 1, 0) for row in group[n].instances]
    assert (await storage.counts())["inbox"] == 3


async def test_of_two_batches_of_a_group_that_move_one_cursor_the_first_does(storage: SqliteStorage) -> None:
    event = EventRow(1, "m1", "paid", b"{}", 1.0)
    await storage.batch().commit(Writes(events=[event]))

    results, _ = await committed_together(storage, [Writes(cursors=[(1, "", to)]) for to in ("a", "b")])

    assert [type(result) for result in results] == [type(None), StaleVersion]
    assert str(results[1]) == "an event was offered or forgotten elsewhere, one of 1: 1"
    assert await storage.pending_events(9) == [EventRow(1, "m1", "paid", b"{}", 1.0, "a")]


async def test_a_commit_that_nobody_waits_for_any_longer_happens_all_the_same(storage: SqliteStorage) -> None:
    task = asyncio.ensure_future(storage.batch().commit(writes("i1", 1)))
    await asyncio.sleep(0)

    task.cancel()
    await storage.batch().commit(writes("i2", 1))

    assert task.cancelled()
    assert await storage.instance("i1") is not None


async def test_closing_waits_for_commits_that_are_under_way(storage: SqliteStorage) -> None:
    tasks = [asyncio.ensure_future(storage.batch().commit(writes(f"i{n}", 1))) for n in range(200)]
    await asyncio.sleep(0)

    await storage.close()

    await asyncio.gather(*tasks)
    await storage.open()
    assert (await storage.counts())["instances"] == 200


async def test_a_defect_in_one_batch_spoils_no_other(storage: SqliteStorage) -> None:
    broken = Writes(outbox=[OutboxRow(1, "queue", object(), 1.0)])  # type: ignore[arg-type]  # that is the defect
    too_large = Writes(mail_gone=[2**64])
    good, stale = writes("i1", 1), writes("i2", 2)

    results = await asyncio.gather(
        *(storage.batch().commit(each) for each in (broken, good, stale, too_large)), return_exceptions=True
    )

    assert [type(result) for result in results] == [StorageUnavailable, type(None), StaleVersion, OverflowError]
    assert await storage.instances(InstanceQuery()) == good.instances


async def test_a_full_disk_is_told_and_left_behind(storage: SqliteStorage) -> None:
    assert storage._writer is not None
    large = writes("large", 1)
    large.instances[0].state = b'"' + b"x" * 1_000_000 + b'"'
    pages = await storage._writer.do(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
    await storage._writer.do(lambda c: c.execute(f"PRAGMA max_page_count = {pages + 20}").fetchone())

    results = await asyncio.gather(
        *(storage.batch().commit(each) for each in (writes("i1", 1), large, writes("i2", 1))), return_exceptions=True
    )

    assert [type(result) for result in results] == [type(None), StorageUnavailable, type(None)]
    assert isinstance(results[1], StorageUnavailable)
    assert not results[1].unknown
    assert "the disk is full" in str(results[1])

    await storage._writer.do(lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchone())
    await storage.batch().commit(large)
    assert await storage.instance("large") == large.instances[0]


async def test_a_file_that_somebody_keeps_locked_can_be_used_afterwards(storage: SqliteStorage, path: Path) -> None:
    assert storage._writer is not None
    await storage._writer.do(lambda c: c.execute("PRAGMA busy_timeout = 1").fetchone())
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        both = (storage.batch().commit(writes(id, 1)) for id in ("i1", "i2"))
        results = await asyncio.gather(*both, return_exceptions=True)

    await storage.batch().commit(writes("i1", 1))

    assert [str(result) for result in results] == [
        f"database {path}: another program keeps it locked; end the one that writes to it (database is locked)"
    ] * 2
    assert await storage.instances(InstanceQuery()) == writes("i1", 1).instances


async def test_a_connection_that_was_lost_is_made_again_once_the_file_is_back(
    storage: SqliteStorage, path: Path
) -> None:
    assert storage._writer is not None
    with pytest.raises(StorageUnavailable) as lost:
        await storage._writer.do(lambda c: c.close())
    assert lost.value.unknown

    os.rename(path, f"{path}.away")
    with pytest.raises(StorageUnavailable, match="it cannot be opened"):
        await storage.batch().commit(writes("i1", 1))

    os.rename(f"{path}.away", path)
    await storage.batch().commit(writes("i1", 1))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of a process's files")
async def test_when_files_may_not_grow_nothing_is_acknowledged_that_is_not_there(path: Path) -> None:
    with run("filler.py", path) as process:
        output = process.communicate(timeout=60)[0]
    outcomes = dict(line.split() for line in output.splitlines())

    assert process.returncode == 0
    assert outcomes["before-0"] == "written"
    assert {outcomes[f"full-{n}"] for n in range(5)} <= {"refused", "unknown"}
    assert {outcomes[f"after-{n}"] for n in range(5)} == {"written"}
    assert await whole_instances(path) >= {id for id, outcome in outcomes.items() if outcome == "written"}
    assert not await whole_instances(path) & {id for id, outcome in outcomes.items() if outcome == "refused"}


@pytest.mark.parametrize("acknowledged", [1, 150, 700])
async def test_a_killed_process_loses_nothing_that_it_said_was_durable(path: Path, acknowledged: int) -> None:
    with run("committer.py", path) as process:
        assert process.stdout is not None
        lines = list(islice(process.stdout, acknowledged))
        process.kill()
        lines += process.stdout.readlines()
    said: dict[str, int] = {}
    for id, version in (line.split() for line in lines if line.endswith("\n")):
        said[id] = int(version)

    there = {id: await version_of(path, id) for id in said}

    assert len(lines) >= acknowledged
    assert all(there[id] >= version for id, version in said.items())
    assert await whole_instances(path) >= set(said)


async def version_of(path: Path, id: str) -> int:
    storage = SqliteStorage(path)
    await storage.open()
    try:
        row = await storage.instance(id)
        return 0 if row is None else row.version
    finally:
        await storage.close()


async def whole_instances(path: Path) -> set[str]:
    """The instances that are there; each must have one entry of history for each of its versions."""
    storage = SqliteStorage(path)
    await storage.open()
    try:
        rows = await storage.instances(InstanceQuery(limit=10_000))
        for row in rows:
            numbers = [entry.number for entry in await storage.history(row.id, limit=100_000)]
            assert numbers == list(range(1, row.version + 1))
        return {row.id for row in rows}
    finally:
        await storage.close()


# how rows are found


def plan(sql: str, given: object) -> list[str]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for migration in migrations("sqlite").values():
            connection.executescript(migration)
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", given)]  # type: ignore[arg-type]


def tables_looked_through(steps: list[str]) -> list[str]:
    """The steps that go through every row of a table, or of an index that has them all."""
    tables = (
        "definitions|instances|branches|values|waits|events|consumed|mailbox|history|incidents|inbox|settings|audit"
        "|schedules|event_starts"
    )
    partial = (
        "mailbox_free|instances_releasable|instances_unfinished|waits_fresh|events_pending|incidents_open"
        "|schedules_waiting"
    )
    scans = re.compile(rf"SCAN ({tables})\b(?! USING (COVERING )?INDEX ({partial})$)")
    return [step for step in steps if scans.match(step)]


READS = statements("sqlite", "reads.sql")
PRUNES = statements("sqlite", "prune.sql")
WRITES = statements("sqlite", "writes.sql")


@pytest.mark.parametrize(
    "name", [name for name in READS if name not in ("counts", "statuses", "instances", "incidents")]
)
def test_a_read_searches_in_an_index(name: str) -> None:
    steps = plan(READS[name], dict.fromkeys(re.findall(r":(\w+)", READS[name]), "[]"))

    assert tables_looked_through(steps) == []


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("holder", "SEARCH instances USING INDEX instances_unique (process=? AND business_key=?)"),
        ("due", "SEARCH branches USING COVERING INDEX branches_due ((due,instance,id)>(?,?,?) AND due<?)"),
        ("mail", "SCAN mailbox USING INDEX mailbox_free"),
        ("held_mail", "SEARCH mailbox USING INDEX mailbox_held (instance=?)"),
        ("releasable", "SCAN instances USING INDEX instances_releasable"),
        ("fresh_waits", "SCAN waits USING INDEX waits_fresh"),
        ("pending_events", "SCAN events USING INDEX events_pending"),
        ("paths", "SEARCH waits USING COVERING INDEX waits_event (event=? AND path>?)"),
        (
            "waits",
            "SEARCH waits USING INDEX waits_event (event=? AND path=? AND value=? AND instance>? AND instance<?)",
        ),
        ("kept_events", "SEARCH events USING INDEX events_name (name=? AND accepted>?)"),
        (
            "keyed_events",
            "SEARCH found USING PRIMARY KEY (name=? AND digest=? AND (accepted,number)>(?,?))",
        ),
        (
            "attempts",
            "SEARCH branches USING COVERING INDEX branches_participant ((participant,instance,id)>(?,?,?))",
        ),
        ("asked", "SEARCH branches USING COVERING INDEX branches_participant (participant>?)"),
        ("attempt_counts", "SEARCH branches USING COVERING INDEX branches_participant (participant=?)"),
        ("attempt_counts", "SEARCH outbox USING COVERING INDEX outbox_participant (participant=?)"),
        ("outbox_rows", "SEARCH outbox USING INTEGER PRIMARY KEY (rowid=?)"),
        ("outbox", "SEARCH outbox USING INTEGER PRIMARY KEY (rowid>?)"),
        ("outbox_of", "SEARCH outbox USING INDEX outbox_attempt (instance=? AND attempt>?)"),
        ("event", "SEARCH events USING INDEX events_id (id=?)"),
        ("woken_by", "SEARCH consumed USING COVERING INDEX consumed_event (event=?)"),
        ("awaited", "SEARCH waits USING COVERING INDEX waits_event (event>?)"),
        ("incidents_of", "SCAN incidents USING INDEX incidents_open"),
        ("dead_letters", "SEARCH dead_letters USING INDEX dead_letters_id (message_id=?)"),
        ("audits", "SEARCH audit USING INDEX audit_instance (instance=?)"),
        ("schedules", "SEARCH schedules USING PRIMARY KEY (process=?)"),
        ("due_schedules", "SEARCH schedules USING INDEX schedules_due (due>? AND due<?)"),
        ("waiting_schedules", "SCAN schedules USING INDEX schedules_waiting"),
        ("starters", "SEARCH event_starts USING PRIMARY KEY (event=?)"),
    ],
)
def test_a_read_uses_the_index_that_was_made_for_it(name: str, index: str) -> None:
    steps = plan(READS[name], dict.fromkeys(re.findall(r":(\w+)", READS[name]), "[]"))

    assert index in steps
    assert not any("TEMP B-TREE FOR ORDER BY" in step for step in steps if name not in ("waits", "keyed_events"))


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ("before", "PRIMARY KEY"),
        ("process", "INDEX instances_process"),
        ("status", "INDEX instances_status"),
        ("business_key", "INDEX instances_business_key"),
        ("with_incidents", "INDEX instances_incidents"),
        ("unfinished", "INDEX instances_unfinished"),
    ],
)
def test_what_people_ask_for_is_found_in_order(asked: str, index: str) -> None:
    given = {"prefix": "", "limit": 10, asked: 1}

    (step,) = plan(only_given(READS["instances"], given), given)

    assert step.startswith(f"SEARCH instances USING {index} (")


def test_open_incidents_are_found_in_order() -> None:
    (step,) = plan(only_given(READS["incidents"], {"open": True}), {"open": True})

    assert step == "SCAN incidents USING INDEX incidents_open"


@pytest.mark.parametrize("size", [1, 2, 256])
@pytest.mark.parametrize("name", WRITES)
def test_a_write_searches_in_an_index(name: str, size: int) -> None:
    sql = repeated(WRITES[name], size)

    steps = plan(sql, [1] * sql.count("?"))

    assert tables_looked_through(steps) == []
    assert not any("AND attempt>?" in step for step in steps)


@pytest.mark.parametrize("name", PRUNES)
def test_forgetting_searches_in_an_index(name: str) -> None:
    steps = plan(PRUNES[name], dict.fromkeys(re.findall(r":(\w+)", PRUNES[name]), "[]"))

    assert tables_looked_through(steps) == []


async def test_a_chunk_of_waits_costs_the_same_however_many_wait(storage: SqliteStorage) -> None:
    assert storage._reader is not None
    keys = [("", ""), ("order", "17")]
    costs = []
    for start, count in ((0, 500), (500, 9500)):
        names = [f"i{n:06}" for n in range(start, start + count)]
        await storage.batch().commit(
            Writes(waits=[WaitRow(name, "", 1, 1, "paid", "order", "17", 1.0) for name in names])
        )
        costs.append(await steps_of(storage, keys))

    assert costs[1] < costs[0] * 1.5


async def steps_of(storage: SqliteStorage, keys: list[tuple[str, str]]) -> int:
    """How many hundreds of instructions SQLite needs for a chunk of waits and the paths of an event."""
    count = 0

    def tick() -> int:
        nonlocal count
        count += 1
        return 0

    reader = storage._reader
    assert reader is not None
    await storage.paths("paid")
    assert reader._connection is not None
    reader._connection.set_progress_handler(tick, 100)
    assert await storage.paths("paid") == ["order"]
    assert len(await storage.waits("paid", keys, "", 200)) == 200
    reader._connection.set_progress_handler(None, 0)
    return count
