"""What the errors of PostgreSQL mean to the engine.

Rules: a batch of instances that another transaction was in the way of is redone (:class:`StaleVersion`); everything
else means that the database cannot be used now. After a COMMIT only an error that the server gave while it went on
serving says that nothing was written; of any other nobody knows.
"""

from __future__ import annotations

import asyncpg

from ..errors import BureaucratError, StaleVersion, StorageUnavailable

#: whatever may come of talking to a server; an internal one of asyncpg comes when the server ends an idle session
FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)

#: another transaction was first, or stands in the way: redo the batch
_REDO = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.UniqueViolationError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)

#: what happened, and what to do; the first that fits is said
_MEANINGS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    (
        (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError),
        "it does not let this user in; check the user in [storage] url, the password and pg_hba.conf",
    ),
    ((asyncpg.InvalidCatalogNameError,), "there is no such database; create it: createdb, or check [storage] url"),
    (
        (asyncpg.InsufficientPrivilegeError,),
        "the role lacks a right; run the daemon as the owner of the schema bureaucrat: "
        "CREATE SCHEMA bureaucrat AUTHORIZATION its_role",
    ),
    ((asyncpg.TooManyConnectionsError,), "it has no connection left; raise max_connections, or end other programs"),
    (
        (asyncpg.AdminShutdownError, asyncpg.CrashShutdownError, asyncpg.CannotConnectNowError),
        "it shuts down or starts; this goes on by itself when it is back",
    ),
    ((asyncpg.DiskFullError,), "its disk is full; make room, it then goes on by itself"),
    ((asyncpg.ReadOnlySQLTransactionError,), "it is a standby that may not be written to; check [storage] url"),
    (_REDO, "another daemon was in the way"),
    ((asyncpg.QueryCanceledError,), "a statement took too long; look what else the server does"),
    ((TimeoutError,), "it does not answer; look whether it runs and can be reached"),
    (
        (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError),
        "it cannot be reached; look whether it runs and listens at [storage] url",
    ),
)


def is_fatal(error: BaseException) -> bool:
    """Whether the connection cannot be used after this."""
    return not isinstance(error, asyncpg.PostgresError) or getattr(error, "severity", "FATAL") != "ERROR"


def unavailable(where: str, error: BaseException, *, unknown: bool = False) -> StorageUnavailable:
    """Our error for one of the server or of the way to it.

    :param where: the database, without its password.
    """
    meaning = next((meaning for kinds, meaning in _MEANINGS if isinstance(error, kinds)), "")
    reason = str(error) or type(error).__name__
    return StorageUnavailable(f"database {where}: {f'{meaning} ({reason})' if meaning else reason}", unknown=unknown)


def of_batch(where: str, error: BaseException, is_guarded: bool) -> BureaucratError:
    """Our error for one within a transaction.

    :param is_guarded: whether it is about guard rows, so that whoever does it can redo it.
    """
    if is_guarded and isinstance(error, _REDO):
        return StaleVersion(f"another transaction was first: {error}")
    return unavailable(where, error)


def of_commit(where: str, error: BaseException, is_guarded: bool) -> BureaucratError:
    """Our error for one of COMMIT itself."""
    if is_fatal(error):
        return unavailable(where, error, unknown=True)
    return of_batch(where, error, is_guarded)
