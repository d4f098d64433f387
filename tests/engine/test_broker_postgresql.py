"""The whole way on PostgreSQL: what an action costs there, and a server that goes away meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from courier import Office
from postgres import Postgres
from test_broker_sqlite import TEXT, answered, ended

from bureaucrat.storage.postgresql import PostgresqlStorage
from bureaucrat.storage.postgresql_sessions import Sessions, Waits


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.url(postgres.emptied_database())


async def opened(office: Office, url: str, **more: Any) -> None:
    """The process has died, and another one opens the database."""
    await office.die()
    await office.storage.close()
    office.storage = PostgresqlStorage(url, **more)
    await office.storage.open()


async def test_instances_go_to_their_ends_over_restarts_and_nothing_is_left(office: Office, url: str) -> None:
    office.settings = replace(office.settings, sweep=0.01, look=0.01)
    await opened(office, url)
    await office.run()
    await office.settled(*(office.courier.launch(TEXT, f"i{number:02}") for number in range(30)))
    for sent in (await office.sent(30))[:15]:
        office.courier.answer(sent, x=1)

    await opened(office, url)
    await office.restart()
    office.courier.event("go", "e1")
    await answered(office, 45)
    await opened(office, url)
    await office.restart()
    await answered(office, 60)
    await ended(office, 30)
    await office.emptied("outbox", "mailbox")
    await office.stop()

    assert await office.letters() == []
    await office.storage.close()


async def test_a_server_that_is_killed_meanwhile_loses_nothing(office: Office, mortal_postgres: Postgres) -> None:
    office.settings = replace(office.settings, sweep=0.01, look=0.01)
    url = mortal_postgres.url(mortal_postgres.fresh_database())
    await opened(office, url, waits=Waits(connect=1.0, answer=1.0, turn=1.0))
    await office.run()
    await office.settled(*(office.courier.launch(TEXT, f"i{number:02}") for number in range(30)))
    sent = await office.sent(30)

    for one in sent:
        office.courier.answer(one, x=1)
    mortal_postgres.kill()
    await asyncio.to_thread(mortal_postgres.start)
    office.courier.event("go", "e1")
    await answered(office, 60)
    await ended(office, 30)
    await office.emptied("outbox", "mailbox")
    await office.stop()

    assert await office.letters() == []
    await office.storage.close()


async def test_a_batch_takes_four_round_trips_however_many_tables_it_writes(
    office: Office, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BEGIN, the guard rows, all that is written, COMMIT; of an instance that is in memory."""
    await opened(office, url)
    await office.run()
    actions = '<action participant="work"/>' * 9
    await office.settled(office.courier.launch(f'<process name="p">{actions}</process>', "i1"))
    (sent,) = await office.sent(1)
    asked: list[tuple[int, str]] = []
    taken = Sessions.take

    async def take(self: Sessions) -> Any:
        return Counted(await taken(self), asked)

    monkeypatch.setattr(Sessions, "take", take)
    monkeypatch.setattr(Sessions, "give", _give_back(Sessions.give))
    office.courier.answer(sent, x=1)
    await office.sent(2)
    connection = next(one for one, statement in asked if statement == "BEGIN")
    batch = [statement for one, statement in asked if one == connection]
    batch = batch[batch.index("BEGIN") : batch.index("COMMIT") + 1]
    await office.stop()
    await office.storage.close()

    assert [statement.split()[0] for statement in batch] == ["BEGIN", "SELECT", "WITH", "COMMIT"]
    assert "FOR UPDATE" in batch[1]
    tables = [table for table in ("instances", "branches", '"values"', "history", "outbox") if table in batch[2]]
    assert tables == ["instances", "branches", '"values"', "history", "outbox"]


def _give_back(give: Any) -> Any:
    return lambda self, connection: give(self, getattr(connection, "connection", connection))


class Counted:
    """A connection that notes what goes over it."""

    def __init__(self, connection: Any, asked: list[tuple[int, str]]) -> None:
        self.connection = connection
        self._asked = asked

    async def fetch(self, sql: str, *given: Any, **more: Any) -> Any:
        self._asked.append((id(self.connection), sql))
        return await self.connection.fetch(sql, *given, **more)

    async def execute(self, sql: str, *given: Any, **more: Any) -> Any:
        self._asked.append((id(self.connection), sql))
        return await self.connection.execute(sql, *given, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)
