"""The connections to a PostgreSQL server.

Rules: a connection that somebody has is nobody else's; one that has failed, or was left within a transaction, is
closed, and another one is opened when it is needed, so it goes on by itself when the server is back. Every wait has an
end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from ..errors import StorageUnavailable
from .postgresql_errors import FAILURES, is_fatal, unavailable

SCHEMA = "bureaucrat"

#: of every session. The plans of a new, empty table would read it from end to end when it has grown; all we read and
#: write has its index, and without the others no plan goes wrong. Keepalives: a member that has vanished is noticed.
_SETTINGS = {
    "application_name": "bureaucrat",
    "search_path": SCHEMA,
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "5s",
    "statement_timeout": "10s",
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
    "jit": "off",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}


@dataclass(frozen=True, slots=True)
class Waits:
    """How long each kind of waiting may take, in seconds."""

    connect: float = 5.0
    answer: float = 12.0  #: to one statement: longer than the server's statement_timeout
    turn: float = 5.0  #: until a connection is free


def shown(url: str) -> str:
    """A URL without its password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    user = parts.username or ""
    query = "&".join(each for each in parts.query.split("&") if each and "password=" not in each)
    return urlunsplit((parts.scheme, f"{user}@{host}" if user else host, parts.path, query, ""))


class Sessions:
    """Connections to the database at a URL, at most so many at a time."""

    def __init__(self, url: str, password: str | None, most: int, waits: Waits) -> None:
        self.where = shown(url)
        self._url = url
        self._password = password
        self._waits = waits
        self._most = most
        self._turns = asyncio.Semaphore(most)
        self._free: list[Any] = []
        self._taken: set[Any] = set()
        self._is_closed = True

    def open(self) -> None:
        self._is_closed = False

    async def connect(self) -> Any:
        """A new connection, for the caller to close.

        :raises StorageUnavailable: the server does not take it.
        """
        given = {} if self._password is None else {"password": self._password}
        try:
            return await asyncpg.connect(
                self._url,
                timeout=self._waits.connect,
                command_timeout=self._waits.answer,
                statement_cache_size=1024,
                max_cached_statement_lifetime=0,
                max_cacheable_statement_size=0,
                server_settings=_SETTINGS,
                **given,
            )
        except (*FAILURES, ValueError) as error:  # ValueError: the URL has an option that there is not
            raise unavailable(self.where, error) from error

    async def take(self) -> Any:
        """A connection that nobody else has, until it is given back.

        :raises StorageUnavailable: there is none, and there was none for a while.
        """
        try:
            async with asyncio.timeout(self._waits.turn):
                await self._turns.acquire()
        except TimeoutError:
            reason = f"all {self._most} connections were in use for {self._waits.turn:g} s"
            raise StorageUnavailable(f"database {self.where}: {reason}") from None
        try:
            connection = await self._opened()
        except BaseException:  # the turn is somebody else's then
            self._turns.release()
            raise
        self._taken.add(connection)
        return connection

    async def _opened(self) -> Any:
        if self._is_closed:
            raise StorageUnavailable(f"database {self.where} is not open")
        while self._free:
            connection = self._free.pop()
            if not connection.is_closed():
                return connection
        return await self.connect()

    def give(self, connection: Any) -> None:
        """Give it back."""
        self._taken.discard(connection)
        if self._is_closed or connection.is_closed() or connection.is_in_transaction():
            drop(connection)
        else:
            self._free.append(connection)
        self._turns.release()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Any]:
        """A connection for statements of their own.

        :raises StorageUnavailable: one of them has failed.
        """
        connection = await self.take()
        try:
            yield connection
        except FAILURES as error:
            if is_fatal(error):
                drop(connection)
            raise unavailable(self.where, error) from error
        except asyncio.CancelledError:
            drop(connection)  # the server may still be at it
            raise
        finally:
            self.give(connection)

    async def close(self) -> None:
        self._is_closed = True
        free, self._free = self._free, []
        for connection in free:
            await closed(connection)
        for connection in list(self._taken):
            drop(connection)


def drop(connection: Any) -> None:
    """Close it at once, whatever it is doing."""
    connection.terminate()


async def closed(connection: Any) -> None:
    """Say goodbye; whoever does not answer is left."""
    try:
        await connection.close(timeout=1.0)
    except FAILURES:
        drop(connection)
