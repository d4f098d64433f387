"""Storage in a PostgreSQL database, for any number of daemons.

Purpose: the adapter for who has a server; its connections are in :mod:`.postgresql_sessions`, the SQL stands in
``sql/postgresql``. Needs asyncpg (extra ``postgresql``).

Rules: every batch is one transaction at level "read committed", which locks guard rows in the order of their ids before
anything of them is read. What does not belong to a batch is one statement. Other processes open the database with
``read_only`` and may leave mail; they are no members.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..errors import BureaucratError, StorageUnavailable
from ..ports import EventRow, InstanceRow, Loaded, MailRow, Membership, OutboxRow, Stray, Vitals, WaitRow, Writes
from . import shapes
from .asking import Reads, wanted_of
from .postgresql_errors import FAILURES, is_fatal, of_batch, of_commit
from .postgresql_examination import LONG, examined, unhurried
from .postgresql_member import Member, living
from .postgresql_prune import prune
from .postgresql_rows import arguments, columns_of, is_storable, loaded_of, numbered, rows_of
from .postgresql_schema import check_schema, check_server, migrate
from .postgresql_sessions import Sessions, Waits, drop
from .postgresql_writer import is_guarded, write_all
from .shapes import Row, Shape
from .statements import statements

_CONNECTIONS = 10  #: of one daemon, besides the one that shows it lives


class PostgresqlStorage(Reads):
    """Everything in the database at `url`.

    :param url: ``postgresql://user@host:port/database``, with what libpq knows besides.
    :param password: in place of the URL's, ``PGPASSWORD`` and the password file.
    :param read_only: for other processes than the daemon: nothing but mail (and a missing setting) is written.
    """

    is_shared = True
    technology = "postgresql"

    def __init__(
        self,
        url: str,
        *,
        password: str | None = None,
        read_only: bool = False,
        connections: int = _CONNECTIONS,
        waits: Waits | None = None,
    ) -> None:
        self.on_mail: Callable[[], None] | None = None
        self._is_read_only = read_only
        self._sessions = Sessions(url, password, connections, waits or Waits())
        self._member = Member(self._sessions, self._hear)

    async def open(self) -> None:
        self._sessions.open()
        try:
            async with self._sessions.one() as connection:
                await check_server(self._sessions.where, connection)
                if self._is_read_only:
                    await check_schema(self._sessions.where, connection, exact=True)
                else:
                    await migrate(self._sessions.where, connection)
            if not self._is_read_only:
                await self._member.membership()
        except BaseException:  # what is not open holds nothing
            await self.close()
            raise

    async def close(self) -> None:
        await self._member.close()
        await self._sessions.close()

    def batch(self) -> PostgresqlBatch:
        return PostgresqlBatch(self._sessions)

    async def membership(self) -> Membership:
        if not self._is_read_only:
            return await self._member.membership()
        async with self._sessions.one() as connection:
            return Membership(-1, await living(connection))

    async def time(self) -> float | None:
        async with self._sessions.one() as connection:
            return float(await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::double precision"))

    async def waits(self, event: str, keys: Sequence[tuple[str, str]], after: str, limit: int) -> list[WaitRow]:
        storable = [key for key in keys if all(map(is_storable, key))]
        return await super().waits(event, storable, after, limit) if storable else []

    async def found(self, shape: Shape[Row], sql: str, given: Mapping[str, Any]) -> list[Row]:
        async with self._sessions.one() as connection:
            return await _found(connection, shape, sql, given)

    async def loaded(self, which: str, /, **given: Any) -> Loaded:
        async with self._sessions.one() as connection:
            return await _loaded(connection, which, given)

    # what an examination asks: it may take longer than what a daemon asks

    async def together(self, parts: Sequence[tuple[Shape[Any], str]], given: Mapping[str, Any]) -> list[list[Any]]:
        async with self._sessions.one() as connection, unhurried(connection):
            return [await _found(connection, shape, sql, given, LONG) for shape, sql in parts]

    async def strays(self, limit: int) -> list[Stray]:
        sql = statements("postgresql", "examine.sql")
        parts = [(shapes.STRAY, sql[name]) for name in sorted(sql) if name.startswith("stray_")]
        return [row for rows in await self.together(parts, {"limit": limit}) for row in rows]

    async def examine(self) -> Vitals:
        async with self._sessions.one() as connection:
            return await examined(self._sessions.where, connection)

    async def setting(self, name: str, default: str) -> str:
        found = await self.rows("setting", shapes.SETTING, name=name)
        if not found:
            await self._write("keep_setting", name, default)
            found = await self.rows("setting", shapes.SETTING, name=name)
        return str(found[0])

    async def prune(self, *, history: float, instances: float, events: float, inbox: float, dead: float) -> int:
        before = {"history": history, "instances": instances, "events": events, "inbox": inbox, "dead": dead}
        self._check_writable()
        async with self._sessions.one() as connection, connection.transaction():
            return await prune(connection, before)

    async def post(self, mail: MailRow) -> None:
        await self._write("post", *(column[0] for column in columns_of([mail])))

    async def _write(self, name: str, *given: Any) -> None:
        async with self._sessions.one() as connection:
            await connection.fetch(statements("postgresql", "writes.sql")[name], *given)

    def _check_writable(self) -> None:
        if self._is_read_only:
            raise StorageUnavailable(f"database {self._sessions.where} was opened to be read only")

    def _hear(self) -> None:
        if self.on_mail is not None:
            self.on_mail()


class PostgresqlBatch(Reads):
    """One transaction, begun when it is first used and over with its commit."""

    technology = "postgresql"

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._connection: Any = None
        self._is_guarded = False  #: whether it is about instances

    async def __aenter__(self) -> PostgresqlBatch:
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._connection is not None and error[0] is asyncio.CancelledError:
            drop(self._connection)  # the server may still be at it
        await self._end()

    async def lock(self, instances: Sequence[str]) -> dict[str, InstanceRow]:
        self._is_guarded = True
        return {row.id: row for row in await self.rows("lock", shapes.INSTANCE, ids=list(instances))}

    async def take_mail(self, numbers: Sequence[int]) -> dict[int, bool]:
        return dict(await self.rows("take_mail", shapes.TAKEN, numbers=list(numbers)))

    async def take_events(self, numbers: Sequence[int]) -> dict[int, EventRow]:
        return {row.number: row for row in await self.rows("take_events", shapes.EVENT, numbers=list(numbers))}

    async def claim(self, name: str) -> None:
        await self.rows("claim", shapes.DONE, name=name)

    async def unsent(self, instances: Sequence[str]) -> dict[tuple[str, int], int]:
        return dict(await self.rows("unsent", shapes.UNSENT, instances=list(instances)))

    async def take_leave(self, names: Sequence[str], most: int | None, limit: int) -> list[OutboxRow]:
        await self.rows("lock_participant", shapes.DONE, name=min(names))
        return await self.rows("take_leave", shapes.OUTBOX, names=list(names), most=most, limit=limit)

    async def load(self, wanted: Iterable[tuple[str, Sequence[str] | None]]) -> Loaded:
        return await wanted_of(self, wanted)

    async def load_below(self, instance: str, branch: str) -> Loaded:
        return await self.loaded("below", instance=instance, branch=branch)

    async def found(self, shape: Shape[Row], sql: str, given: Mapping[str, Any]) -> list[Row]:
        try:
            return await _found(await self._begun(), shape, sql, given)
        except FAILURES as error:
            raise self._failure(error) from error

    async def loaded(self, which: str, /, **given: Any) -> Loaded:
        try:
            return await _loaded(await self._begun(), which, given)
        except FAILURES as error:
            raise self._failure(error) from error

    async def commit(self, writes: Writes) -> None:
        try:
            await self._commit(writes)
        finally:
            await self._end()

    async def _commit(self, writes: Writes) -> None:
        if self._connection is None and writes.is_empty:
            return
        where = self._sessions.where
        self._is_guarded = self._is_guarded or is_guarded(writes)
        try:
            connection = await self._begun()
            await write_all(connection.fetch, writes)
        except FAILURES as error:
            raise self._failure(error) from error
        try:
            done = await connection.execute("COMMIT")
        except FAILURES as error:
            raise self._failure(error, is_commit=True) from error
        except asyncio.CancelledError:
            drop(connection)
            raise
        if done != "COMMIT":
            raise StorageUnavailable(f"database {where}: the server rolled the transaction back ({done})")

    def _failure(self, error: BaseException, *, is_commit: bool = False) -> BureaucratError:
        """What has failed, as our error; the connection is given up if it cannot be used any more."""
        if is_fatal(error) and self._connection is not None:
            drop(self._connection)
        meaning = of_commit if is_commit else of_batch
        return meaning(self._sessions.where, error, self._is_guarded)

    async def _begun(self) -> Any:
        """The connection, in the transaction."""
        if self._connection is None:
            self._connection = await self._sessions.take()
            await self._connection.execute("BEGIN")
        elif self._connection.is_closed():
            raise StorageUnavailable(f"database {self._sessions.where}: the connection was lost before the commit")
        return self._connection

    async def _end(self) -> None:
        """Leave the transaction, whatever state it is in, and give the connection back."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            if not connection.is_closed() and connection.is_in_transaction():
                await connection.execute("ROLLBACK")
        except FAILURES:  # then the server ends the transaction
            drop(connection)
        finally:
            self._sessions.give(connection)


async def _found(
    connection: Any, shape: Shape[Row], sql: str, given: Mapping[str, Any], patience: float | None = None
) -> list[Row]:
    text, names = numbered(sql, shape.columns)
    return rows_of(shape, await connection.fetch(text, *arguments(names, given), timeout=patience))


async def _loaded(connection: Any, which: str, given: Mapping[str, Any]) -> Loaded:
    text, names = numbered(statements("postgresql", "reads.sql")[f"loaded_{which}"], ())
    return loaded_of(await connection.fetch(text, *arguments(names, given)))
