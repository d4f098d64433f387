"""Forgetting what is old in a SQLite file (:mod:`.pruning`)."""

from __future__ import annotations

import sqlite3
from typing import Any

from .pruning import LIMIT, NAMES, fitting
from .shapes import ID, OLD_EVENT, Row, Shape
from .sqlite_rows import as_json, packed, unpacked
from .statements import statements


def prune(connection: sqlite3.Connection, before: dict[str, float]) -> int:
    """Delete what is older than the instants named as the port names them; returns rows deleted."""
    given: dict[str, Any] = {**before, "limit": LIMIT}
    given["old"] = as_json(_select(connection, "old_instances", ID, given))
    given["numbers"] = as_json(fitting(_select(connection, "old_events", OLD_EVENT, given)))
    return sum(connection.execute(_sql(f"prune_{name}"), given).rowcount for name in NAMES)


def _sql(name: str) -> str:
    return statements("sqlite", "prune.sql")[name]


def _select(connection: sqlite3.Connection, name: str, shape: Shape[Row], given: dict[str, Any]) -> list[Row]:
    return unpacked(shape, connection.execute(packed(shape, _sql(name)), given).fetchone()[0])
