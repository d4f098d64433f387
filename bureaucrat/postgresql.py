"""Starts and events within a transaction of the caller's, in the PostgreSQL that the daemons work on.

Rules: a statement on the caller's connection and nothing else, so that all is committed or nothing; what the database
raises reaches the caller, with its hint; no driver is imported here. The functions that are called come with the
daemon's schema (``storage/sql/postgresql``).
"""

from __future__ import annotations

import inspect
import json
from typing import Any

from .once import is_sqlalchemys

_FUNCTIONS = {
    "launch": "SELECT bureaucrat.bureaucrat_launch({0}, CAST({1} AS jsonb), {2})",
    "event": "SELECT bureaucrat.bureaucrat_event({0}, CAST({1} AS jsonb), {2})",
}


def launch(connection: Any, process: str, fields: dict[str, Any] | None = None, *, id: str | None = None) -> str:
    """Start a registered process when the connection's transaction is committed; never, if it is rolled back.

    :param connection: of psycopg, psycopg2 or another DB-API driver; or a session or connection of SQLAlchemy.
    :param process: its name, or ``name@version``.
    :param fields: JSON; at most 8 MiB.
    :param id: of the instance: 1 to 64 letters, digits, dots and dashes. The same id twice starts it once.
    :returns: the instance's id.
    :raises Exception: the driver's: nothing is registered so, a value cannot be used, or this role may not.
    """
    return str(_called(connection, "launch", process, fields, id))


def event(connection: Any, name: str, body: dict[str, Any] | None = None, *, id: str | None = None) -> None:
    """Report an event when the connection's transaction is committed; never, if it is rolled back.

    :param connection: as for :func:`launch`.
    :param body: JSON; at most 8 MiB.
    :param id: of the event, at most 255 bytes. The same id twice is accepted once.
    :raises Exception: the driver's: a value cannot be used, or this role may not.
    """
    _called(connection, "event", name, body, id)


async def alaunch(connection: Any, process: str, fields: dict[str, Any] | None = None, *, id: str | None = None) -> str:
    """:func:`launch` on a connection of asyncpg, an ``AsyncConnection`` of psycopg, or an asynchronous session or
    connection of SQLAlchemy."""
    return str(await _acalled(connection, "launch", process, fields, id))


async def aevent(connection: Any, name: str, body: dict[str, Any] | None = None, *, id: str | None = None) -> None:
    """:func:`event` on such a connection."""
    await _acalled(connection, "event", name, body, id)


def text_of(given: dict[str, Any] | None) -> str:
    """The JSON that a function is given.

    :raises TypeError: something is no JSON.
    :raises ValueError: a number is not finite.
    """
    return json.dumps(given or {}, allow_nan=False)


def _called(connection: Any, function: str, name: str, given: dict[str, Any] | None, id: str | None) -> Any:
    values = (name, text_of(given), id)
    if is_sqlalchemys(connection):
        return connection.execute(_named(function), _by_name(values)).scalar()
    cursor = connection.cursor()
    try:
        cursor.execute(_FUNCTIONS[function].format("%s", "%s", "%s"), values)
        return cursor.fetchone()[0]
    finally:
        cursor.close()


async def _acalled(connection: Any, function: str, name: str, given: dict[str, Any] | None, id: str | None) -> Any:
    values = (name, text_of(given), id)
    if is_sqlalchemys(connection):
        return (await connection.execute(_named(function), _by_name(values))).scalar()
    if hasattr(connection, "fetchval"):  # asyncpg
        return await connection.fetchval(_FUNCTIONS[function].format("$1", "$2", "$3"), *values)
    done = connection.execute(_FUNCTIONS[function].format("%s", "%s", "%s"), values)
    cursor = await done if inspect.isawaitable(done) else done
    return (await cursor.fetchone())[0]


def _named(function: str) -> Any:
    from sqlalchemy import text  # who has such a connection has it

    return text(_FUNCTIONS[function].format(":first", ":second", ":third"))


def _by_name(values: tuple[str, str, str | None]) -> dict[str, str | None]:
    return dict(zip(("first", "second", "third"), values, strict=True))
