"""Servers that cannot be used: killed, frozen, too old, without rights, or with another schema."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from postgres import Postgres
from storage_rows import commit, instance, mail, state

from bureaucrat.errors import StorageUnavailable
from bureaucrat.ports import Writes
from bureaucrat.storage import postgresql_schema
from bureaucrat.storage.postgresql import PostgresqlStorage
from bureaucrat.storage.postgresql_schema import MAJOR
from bureaucrat.storage.postgresql_sessions import Waits
from bureaucrat.storage.statements import migrations

IMPATIENT = Waits(connect=0.5, answer=0.5, turn=0.5)
NEWEST = max(migrations("postgresql"))


@asynccontextmanager
async def storage_at(url: str, **more: object) -> AsyncIterator[PostgresqlStorage]:
    storage = PostgresqlStorage(url, **more)  # type: ignore[arg-type]
    await storage.open()
    try:
        yield storage
    finally:
        await storage.close()


async def refusal(url: str, **more: object) -> str:
    """Why it cannot be opened."""
    with pytest.raises(StorageUnavailable) as raised:
        await PostgresqlStorage(url, **more).open()  # type: ignore[arg-type]
    return str(raised.value)


# a server that goes away and comes back


async def test_a_server_that_was_killed_is_used_again_when_it_is_back(mortal_postgres: Postgres) -> None:
    """What was committed is there; numbers are given anew."""
    async with storage_at(mortal_postgres.url(mortal_postgres.fresh_database()), waits=IMPATIENT) as storage:
        await commit(storage, instances=[instance()])
        number = (await storage.membership()).mine
        async with storage.batch() as batch:
            await batch.lock(["i1"])
            mortal_postgres.kill()
            with pytest.raises(StorageUnavailable) as lost:
                await batch.commit(Writes(states=[state(version=2)]))
        away = []
        for ask in (storage.instance("i1"), storage.membership(), storage.post(mail()), storage.time()):
            with pytest.raises(StorageUnavailable) as raised:
                await ask
            away.append((raised.value.unknown, "look whether it runs" in str(raised.value)))

        mortal_postgres.start()

        assert not lost.value.unknown
        assert away == [(False, True)] * 4
        assert await storage.instance("i1") == instance()
        assert await storage.mail(9) == []
        assert (await storage.membership()).mine != number
        heard = asyncio.Event()
        storage.on_mail = heard.set
        await storage.post(mail())
        async with asyncio.timeout(10):
            await heard.wait()


async def test_a_server_that_stands_still_is_waited_for_no_longer_than_said(mortal_postgres: Postgres) -> None:
    """Also by whoever asks for who is alive."""
    async with storage_at(mortal_postgres.url(mortal_postgres.fresh_database()), waits=IMPATIENT) as storage:
        await commit(storage, instances=[instance()])
        async with storage.batch() as batch:
            await batch.lock(["i1"])
            mortal_postgres.freeze()
            began = time.monotonic()
            results = await asyncio.gather(
                batch.commit(Writes(states=[state(version=2)])),
                storage.instance("i1"),
                storage.membership(),
                return_exceptions=True,
            )
            took = time.monotonic() - began
        mortal_postgres.thaw()

        assert [type(result) for result in results] == [StorageUnavailable] * 3
        assert all("it does not answer" in str(result) for result in results)
        assert took < 5
        async with asyncio.timeout(10):
            row = await storage.instance("i1")
        assert row is not None
        assert (await storage.membership()).living


async def test_a_server_that_is_shut_down_ends_no_daemon(mortal_postgres: Postgres) -> None:
    async with storage_at(mortal_postgres.url(mortal_postgres.fresh_database())) as storage:
        await commit(storage, instances=[instance()])
        mortal_postgres.stop()
        with pytest.raises(StorageUnavailable) as raised:
            await commit(storage, instances=[instance(version=2)])
        mortal_postgres.start()

        await commit(storage, instances=[instance(version=2)])

    assert not raised.value.unknown


async def test_a_server_that_is_not_there_is_told_at_the_start() -> None:
    message = await refusal("postgresql://shop:secret@127.0.0.1:1/orders", waits=IMPATIENT)

    assert message.startswith(
        "database postgresql://shop@127.0.0.1:1/orders: it cannot be reached; look whether it runs"
    )
    assert "secret" not in message


# who may not, and what is not there


async def test_what_the_server_does_not_let_in_is_told_with_a_remedy(postgres: Postgres) -> None:
    postgres.sql("CREATE ROLE guarded LOGIN PASSWORD 'right'")
    database = postgres.fresh_database()

    unknown = await refusal(postgres.url("none"))
    wrong = await refusal(postgres.url(database, "guarded"), password="wrong")
    poor = await refusal(postgres.url(database, "guarded"), password="right")

    assert "there is no such database; create it: createdb" in unknown
    assert "check the user in [storage] url, the password and pg_hba.conf" in wrong
    assert "the role lacks a right" in poor
    assert "CREATE SCHEMA bureaucrat AUTHORIZATION" in poor
    postgres.sql("CREATE SCHEMA bureaucrat AUTHORIZATION guarded", database)
    async with storage_at(postgres.url(database, "guarded"), password="right") as storage:
        assert (await storage.membership()).mine == 0


async def test_a_database_that_keeps_no_unicode_is_refused(postgres: Postgres) -> None:
    postgres.sql("CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'")

    assert "its encoding is SQL_ASCII; create one with UTF-8" in await refusal(postgres.url("ascii"))


async def test_a_server_that_is_too_old_is_refused(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql_schema, "OLDEST", 990000)

    message = await refusal(postgres.url(postgres.fresh_database()))

    assert "is too old; 99 or newer is needed" in message


async def test_an_option_of_the_url_that_there_is_not_is_told(postgres: Postgres) -> None:
    message = await refusal(postgres.url("postgres") + "?sslmode=perhaps")

    assert "perhaps" in message


# schemas


async def changed_by_a_newer_program(postgres: Postgres, major: int) -> str:
    """A database, and the schema that is newer than ours."""
    database = postgres.fresh_database()
    async with storage_at(postgres.url(database)):
        added = f"INSERT INTO bureaucrat.schema_changes (number, major) VALUES ({NEWEST + 1}, {major})"
        postgres.sql(added, database)
    return database


async def test_a_schema_of_a_newer_major_version_is_refused(postgres: Postgres) -> None:
    database = await changed_by_a_newer_program(postgres, MAJOR + 1)

    shown = f"(schema {MAJOR + 1}.{NEWEST + 1}, this one knows {MAJOR}.{NEWEST})"
    for is_reader in (False, True):
        assert f"a newer version of Bureaucrat has used it {shown}" in (
            await refusal(postgres.url(database), read_only=is_reader)
        )


async def test_a_newer_schema_of_the_same_major_version_is_used(postgres: Postgres) -> None:
    database = await changed_by_a_newer_program(postgres, MAJOR)

    for is_reader in (False, True):
        async with storage_at(postgres.url(database), read_only=is_reader) as storage:
            assert await storage.statuses() == {}


async def test_a_reader_waits_for_the_daemon_to_bring_the_schema(postgres: Postgres) -> None:
    database = postgres.fresh_database()

    empty = await refusal(postgres.url(database), read_only=True)
    async with storage_at(postgres.url(database)), storage_at(postgres.url(database), read_only=True) as reader:
        assert await reader.statuses() == {}

    assert f"its schema (0) is older than this program's ({NEWEST}); start the daemon once" in empty


async def test_of_many_daemons_that_start_at_once_one_makes_the_schema(postgres: Postgres) -> None:
    database = postgres.fresh_database()
    storages = [PostgresqlStorage(postgres.url(database)) for _ in range(4)]

    async with asyncio.TaskGroup() as group:
        for storage in storages:
            group.create_task(storage.open())

    assert len({(await storage.membership()).mine for storage in storages}) == 4
    for storage in storages:
        await storage.close()
    assert postgres.sql("SELECT number FROM bureaucrat.schema_changes ORDER BY 1", database) == [
        str(number) for number in migrations("postgresql")
    ]


async def test_a_storage_that_is_closed_says_so_and_may_be_opened_again(postgres: Postgres) -> None:
    storage = PostgresqlStorage(postgres.url(postgres.emptied_database()))
    with pytest.raises(StorageUnavailable, match="is not open"):
        await storage.statuses()

    await storage.open()
    await storage.close()
    with pytest.raises(StorageUnavailable, match="is not open"):
        await storage.statuses()
    await storage.open()

    assert await storage.statuses() == {}
    await storage.close()


async def test_a_reader_forgets_nothing(postgres: Postgres) -> None:
    url = postgres.url(postgres.emptied_database())
    async with storage_at(url), storage_at(url, read_only=True) as reader:
        with pytest.raises(StorageUnavailable, match="was opened to be read only"):
            await reader.prune(history=9.0, instances=9.0, events=9.0, inbox=9.0, dead=9.0)
