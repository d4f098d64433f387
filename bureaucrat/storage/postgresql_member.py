"""Who is there: each daemon holds a number in the database as long as it lives.

Rules: the number is a session's advisory lock, so the server gives it back when that session ends, however it ends; a
session that was lost is opened again at the next question, with another number: what the old one has made is
everybody's since. A member that is frozen asks nothing, and its session ends for that. A number that was somebody's is
given again after all others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import StorageUnavailable
from ..ports import MAKERS, Membership
from .postgresql_errors import FAILURES, unavailable
from .postgresql_sessions import Sessions, closed, drop

MEMBERS = 0x42757200  #: class of the advisory locks
CHANNEL = "bureaucrat_mail"

_FROZEN = "10s"  #: without a question

_LIVING = """
SELECT objid::bigint FROM pg_locks
WHERE locktype = 'advisory' AND classid = $1::bigint::oid AND objsubid = 2 AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def living(connection: Any) -> frozenset[int]:
    """The numbers that are held."""
    return frozenset(row[0] for row in await connection.fetch(_LIVING, MEMBERS))


class Member:
    """One daemon among those of a database."""

    def __init__(self, sessions: Sessions, told: Callable[[], None]) -> None:
        self._sessions = sessions
        self._told = told
        self._session: Any = None
        self._number = -1

    async def membership(self) -> Membership:
        """This one's number, and those of all that live.

        :raises StorageUnavailable: the session was lost and there is no other, or all numbers are taken.
        """
        try:
            if self._session is not None and not self._session.is_closed():
                return await self._asked()
        except FAILURES as error:
            self._leave()
            if isinstance(error, TimeoutError):  # it would be as silent to another session
                raise unavailable(self._sessions.where, error) from error
        try:
            await self._join()
            return await self._asked()
        except FAILURES as error:
            self._leave()
            raise unavailable(self._sessions.where, error) from error

    async def _asked(self) -> Membership:
        return Membership(self._number, await living(self._session))

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await closed(session)

    async def _join(self) -> None:
        session = await self._sessions.connect()
        try:
            if session.get_server_version().major >= 14:
                await session.execute(f"SET idle_session_timeout = '{_FROZEN}'")
            self._number = await self._numbered(session)
            await session.add_listener(CHANNEL, self._hear)
        except BaseException:  # a session that nobody keeps holds no number
            drop(session)
            raise
        self._session = session

    async def _numbered(self, session: Any) -> int:
        for _ in range(MAKERS):
            number = int(await session.fetchval("SELECT nextval('member_numbers')"))
            if await session.fetchval("SELECT pg_try_advisory_lock($1::bigint::int, $2::int)", MEMBERS, number):
                return number
        raise StorageUnavailable(f"database {self._sessions.where}: {MAKERS:,} daemons use it already")

    def _hear(self, *about: object) -> None:
        self._told()

    def _leave(self) -> None:
        if self._session is not None:
            drop(self._session)
            self._session = None
