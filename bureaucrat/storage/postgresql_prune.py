"""Forgetting what is old in a PostgreSQL database (:mod:`.pruning`).

Rules: one daemon does it at a time; whoever finds another at it leaves it to that one.
"""

from __future__ import annotations

from typing import Any

from .postgresql_rows import arguments, numbered, rows_of
from .pruning import LIMIT, NAMES, fitting
from .shapes import ID, OLD_EVENT, Row, Shape
from .statements import statements

PRUNING = 0x42757203  #: class of the advisory lock


async def prune(connection: Any, before: dict[str, float]) -> int:
    """Delete, in a transaction, what is older than the instants named as the port names them; returns rows deleted."""
    if not await connection.fetchval(f"SELECT pg_try_advisory_xact_lock({PRUNING}, 0)"):
        return 0
    given: dict[str, Any] = {**before, "limit": LIMIT}
    given["old"] = await _select(connection, "old_instances", ID, given)
    given["numbers"] = fitting(await _select(connection, "old_events", OLD_EVENT, given))
    deleted = 0
    for name in NAMES:
        text, names = numbered(_sql(f"prune_{name}"), ())
        deleted += int((await connection.execute(text, *arguments(names, given))).removeprefix("DELETE "))
    return deleted


def _sql(name: str) -> str:
    return statements("postgresql", "prune.sql")[name]


async def _select(connection: Any, name: str, shape: Shape[Row], given: dict[str, Any]) -> list[Row]:
    text, names = numbered(_sql(name), shape.columns)
    return rows_of(shape, await connection.fetch(text, *arguments(names, given)))
