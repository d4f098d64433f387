"""What an application calls in its own transaction on PostgreSQL: by SQL, and by every driver."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg
import psycopg
import pytest
import sqlalchemy
import sqlalchemy.ext.asyncio
import sqlalchemy.orm
from postgres import Postgres

from bureaucrat.engine.codec import decode_message
from bureaucrat.engine.orders import Begin, Report
from bureaucrat.ports import Writes
from bureaucrat.ports.rows import VersionRow
from bureaucrat.postgresql import aevent, alaunch, event, launch
from bureaucrat.storage.postgresql import PostgresqlStorage

APPLICATION = "application"  #: a role that has no right but to call the functions
RIGHTS = f"""
GRANT USAGE ON SCHEMA bureaucrat TO {APPLICATION};
GRANT EXECUTE ON FUNCTION bureaucrat.bureaucrat_launch, bureaucrat.bureaucrat_event TO {APPLICATION};
"""


@pytest.fixture
async def storage(postgres: Postgres) -> AsyncIterator[PostgresqlStorage]:
    """A database with the process ``order``, that the application may call."""
    database = postgres.emptied_database()
    opened = PostgresqlStorage(postgres.url(database))
    await opened.open()
    if not postgres.sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{APPLICATION}'"):
        postgres.sql(f"CREATE ROLE {APPLICATION} LOGIN")
    postgres.sql(RIGHTS, database)
    async with opened.batch() as batch:
        await batch.commit(Writes(versions=[VersionRow("order", 1, "hash", 1.0, "bea", False)]))
    yield opened
    await opened.close()


@pytest.fixture
def url(postgres: Postgres, storage: PostgresqlStorage) -> str:
    return postgres.url("emptied", APPLICATION)


async def left(storage: PostgresqlStorage) -> list[tuple[str, Any]]:
    """The mail: for which instance, and what."""
    return [(row.instance, decode_message(row.message)) for row in await storage.mail(100)]


LEFT = [("order-7", Begin("order", {"n": 7})), ("", Report("paid", {"n": 7}, "e7"))]


@contextmanager
def by(way: str, url: str) -> Iterator[Any]:
    """A connection or session in one of the ways; what is done with it is not committed."""
    if way == "psycopg":
        with psycopg.connect(url) as connection:
            yield connection
        return
    engine = sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sqlalchemy.NullPool)
    with engine.connect() if way == "connection" else sqlalchemy.orm.Session(engine) as opened:
        yield opened
        opened.rollback()


@asynccontextmanager
async def aby(way: str, url: str) -> AsyncIterator[tuple[Any, Any]]:
    """The same of asynchronous ones, and its transaction, to commit or roll back."""
    if way == "asyncpg":
        connection = await asyncpg.connect(url)
        transaction = connection.transaction()
        await transaction.start()
        yield connection, transaction
        await connection.close()
    elif way == "psycopg":
        async with await psycopg.AsyncConnection.connect(url) as opened:
            yield opened, opened
    else:
        asynchronous = sqlalchemy.ext.asyncio.create_async_engine(
            url.replace("postgresql:", "postgresql+asyncpg:"), poolclass=sqlalchemy.NullPool
        )
        async with sqlalchemy.ext.asyncio.AsyncSession(asynchronous) as session:
            yield session, session


@pytest.mark.parametrize("way", ["psycopg", "connection", "session"])
async def test_what_is_committed_is_left_for_the_daemons(storage: PostgresqlStorage, url: str, way: str) -> None:
    heard = asyncio.Event()
    storage.on_mail = heard.set
    await storage.membership()

    def work() -> str:
        with by(way, url) as connection:
            id = launch(connection, "order", {"n": 7}, id="order-7")
            event(connection, "paid", {"n": 7}, id="e7")
            connection.commit()
            return id

    id = await asyncio.to_thread(work)
    async with asyncio.timeout(10):
        await heard.wait()

    assert id == "order-7"
    assert await left(storage) == LEFT


@pytest.mark.parametrize("way", ["psycopg", "connection", "session"])
async def test_what_is_rolled_back_has_never_been(storage: PostgresqlStorage, url: str, way: str) -> None:
    with by(way, url) as connection:
        launch(connection, "order")
        event(connection, "paid")
        connection.rollback()

    assert await left(storage) == []


@pytest.mark.parametrize("way", ["asyncpg", "psycopg", "session"])
@pytest.mark.parametrize("ends", ["commit", "rollback"])
async def test_asynchronous_connections_do_the_same(storage: PostgresqlStorage, url: str, way: str, ends: str) -> None:
    async with aby(way, url) as (connection, transaction):
        id = await alaunch(connection, "order", {"n": 7}, id="order-7")
        await aevent(connection, "paid", {"n": 7}, id="e7")
        await getattr(transaction, ends)()

    assert id == "order-7"
    assert await left(storage) == (LEFT if ends == "commit" else [])


async def test_without_an_id_there_is_one_that_grows_with_time(storage: PostgresqlStorage, url: str) -> None:
    with by("psycopg", url) as connection:
        ids = [launch(connection, "order@1", {}) for _ in range(50)]
        connection.commit()

    assert [len(id) for id in ids] == [32] * 50
    assert [id[:9] for id in ids] == sorted(id[:9] for id in ids)
    assert sorted(instance for instance, _ in await left(storage)) == sorted(set(ids))


@pytest.mark.parametrize(
    ("call", "told", "hint"),
    [
        ("bureaucrat_launch('ordre')", "no process named 'ordre' is registered", "bureaucrat deploy FILE.xml"),
        ("bureaucrat_launch(NULL)", "the name of the process is missing", "give 1 to 255 bytes"),
        ("bureaucrat_launch('order', '[1]')", "the fields are a JSON array", "give a JSON object"),
        ("bureaucrat_launch('order', NULL)", "the fields are NULL", "give a JSON object"),
        ("bureaucrat_launch('order', '{}', 'a/b')", "the id is 'a/b'", "letters, digits, dots and dashes"),
        ("bureaucrat_launch('order', jsonb_build_object('x', repeat('x', 8388608)))", "8388617 bytes", "8 MiB"),
        ("bureaucrat_event('')", "the name of the event is ''", "give 1 to 255 bytes"),
        ("bureaucrat_event(E'a\\nb')", "the name of the event is ", "without control characters"),
        ("bureaucrat_event('paid', '7')", "are a JSON number", "give a JSON object"),
        ("bureaucrat_event('paid', '{}', '')", "the id of the event is ''", "give 1 to 255 bytes"),
    ],
)
async def test_bad_input_is_refused_at_once_with_a_hint(
    storage: PostgresqlStorage, url: str, call: str, told: str, hint: str
) -> None:
    with psycopg.connect(url) as connection, pytest.raises(psycopg.Error) as raised:
        connection.execute(f"SELECT bureaucrat.{call}".encode())

    assert told in (raised.value.diag.message_primary or "")
    assert hint in (raised.value.diag.message_hint or "")
    assert await left(storage) == []


async def test_who_may_only_call_them_may_do_nothing_else(storage: PostgresqlStorage, url: str) -> None:
    for text in (
        "SELECT * FROM bureaucrat.mailbox",
        "INSERT INTO bureaucrat.mailbox VALUES (1, '', '', 1, false)",
        "SELECT bureaucrat.bureaucrat_leave('', '[]')",
        "SELECT nextval('bureaucrat.left_numbers')",
    ):
        with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(text.encode())


async def test_who_was_given_no_right_may_not_call_them(storage: PostgresqlStorage, postgres: Postgres) -> None:
    postgres.sql(f"REVOKE EXECUTE ON FUNCTION bureaucrat.bureaucrat_event FROM {APPLICATION}", "emptied")

    with (
        psycopg.connect(postgres.url("emptied", APPLICATION)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        event(connection, "paid")


async def test_tables_of_the_callers_own_are_never_taken_for_the_daemons(
    storage: PostgresqlStorage, postgres: Postgres, url: str
) -> None:
    """A table of its own name earlier in the path of the caller."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "CREATE TEMP TABLE mailbox (number bigint PRIMARY KEY, instance text, message text, at float8)"
        )
        connection.execute("CREATE TEMP TABLE versions (name text, retired boolean)")
        with pytest.raises(psycopg.Error, match="no process named 'x'"):
            launch(connection, "x")
        connection.rollback()
        connection.execute("SET search_path = pg_temp, bureaucrat")
        launch(connection, "order", {"text": "✓ 'quoted' \\"}, id="a")
        connection.commit()

    assert await left(storage) == [("a", Begin("order", {"text": "✓ 'quoted' \\"}))]


def test_what_is_no_json_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        launch(None, "order", {"when": object()})
    with pytest.raises(ValueError, match="Out of range"):
        event(None, "paid", {"amount": float("nan")})


async def test_many_at_once_get_different_numbers(storage: PostgresqlStorage, url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            "SELECT bureaucrat.bureaucrat_event('paid', jsonb_build_object('n', n)) FROM generate_series(1, 5000) AS n"
        )
        connection.commit()

    with psycopg.connect(url.replace(APPLICATION, "bureaucrat")) as connection:
        rows = connection.execute("SELECT message FROM bureaucrat.mailbox ORDER BY number").fetchall()
    assert [json.loads(text)[1]["body"]["n"] for (text,) in rows] == list(range(1, 5001))
