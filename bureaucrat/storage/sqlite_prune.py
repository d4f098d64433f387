"""Forgetting what is old, a bounded part each time.

Rules: an instance's guard row goes last, when nothing else of it is left; an event goes together with the memory of
whom it has woken, or it would wake them again.
"""

from __future__ import annotations

import sqlite3
from itertools import accumulate, takewhile
from typing import Any

from .shapes import ID, OLD_EVENT, Row, Shape
from .sqlite_rows import as_json, packed, unpacked
from .statements import statements

_LIMIT = 1000  #: rows of a table, each time

_BELONGINGS = ("branches", "values", "waits", "remembered", "mail", "consumed", "incidents", "history", "instances")


def prune(connection: sqlite3.Connection, before: dict[str, float]) -> int:
    """Delete what is older than the instants named as the port names them; returns rows deleted."""
    given: dict[str, Any] = {**before, "limit": _LIMIT}
    given["old"] = as_json(_select(connection, "old_instances", ID, given))
    given["numbers"] = as_json(_old_events(connection, given))
    names = (*_BELONGINGS, "old_history", "woken", "event_keys", "events", "old_inbox", "old_dead")
    return sum(connection.execute(_sql(f"prune_{name}"), given).rowcount for name in names)


def _old_events(connection: sqlite3.Connection, given: dict[str, Any]) -> list[int]:
    """The oldest events that have woken no more than the limit together; one in any case."""
    found = _select(connection, "old_events", OLD_EVENT, given)
    sums = accumulate(woken for _, woken in found)
    fitting = takewhile(lambda pair: pair[1] <= _LIMIT, zip(found, sums, strict=True))
    return [number for (number, _), _ in fitting] or [number for number, _ in found[:1]]


def _sql(name: str) -> str:
    return statements("sqlite", "prune.sql")[name]


def _select(connection: sqlite3.Connection, name: str, shape: Shape[Row], given: dict[str, Any]) -> list[Row]:
    return unpacked(shape, connection.execute(packed(shape, _sql(name)), given).fetchone()[0])
