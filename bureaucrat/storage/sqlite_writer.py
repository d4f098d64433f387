"""The one thread that writes to a SQLite file.

Rules:

- what waits when the thread comes free is written in one transaction (a group): one wait for the disk serves all;
- each request gets its own outcome: if one fails, the transaction is rolled back and the requests are done one by one;
- a ``COMMIT`` that fails is not repeated: nobody knows whether it happened;
- after an error the connection is used again if SQLite says that it can be, else the next request opens another one.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from ..errors import AlreadySeen, NotUnique, StaleVersion, StorageUnavailable
from ..ports import InstanceRow, StateRow, Writes
from .sqlite_file import HARMLESS, code, connect, unavailable
from .sqlite_rows import parts, repeated
from .statements import statements

_GROUP = 64  # requests in one transaction, at most

Work = Callable[[sqlite3.Connection], Any]


@dataclass(slots=True, eq=False)
class Request:
    """Something to do within a transaction, and who waits for it."""

    work: Work
    outcome: asyncio.Future[Any]


class Writer:
    """Owns the connection that writes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._queue: SimpleQueue[Request | None] = SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._loop = asyncio.get_running_loop()
        self._is_closed = False
        self._thread.start()

    async def do(self, work: Work) -> Any:
        """Do something in a transaction, and wait until it is durable.

        :raises StorageUnavailable: it was not done, or nobody knows (`unknown`).
        """
        if self._is_closed:
            raise StorageUnavailable(f"database {self._path} is closed")
        request = Request(work, self._loop.create_future())
        self._queue.put(request)
        return await request.outcome

    async def close(self) -> None:
        """Do what was asked for before, then end."""
        if not self._is_closed:
            self._is_closed = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    # what follows runs in the thread

    def _run(self) -> None:
        goes_on = True
        while goes_on:
            requests = [self._queue.get()]
            with suppress(Empty):
                while requests[-1] is not None and len(requests) < _GROUP:
                    requests.append(self._queue.get_nowait())
            goes_on = requests[-1] is not None
            self._write([request for request in requests if request is not None])
        if self._connection is not None:
            self._connection.close()

    def _write(self, requests: Sequence[Request]) -> None:
        if requests:
            outcomes = list(zip(requests, self._outcomes(requests), strict=True))
            with suppress(RuntimeError):  # the loop was closed: nobody waits any longer
                self._loop.call_soon_threadsafe(_settle, outcomes)

    def _outcomes(self, requests: Sequence[Request]) -> list[Any]:
        """What each request gives: a result, or an exception."""
        try:
            connection = self._begun()
        except (sqlite3.Error, StorageUnavailable) as error:
            return [self._failure(error) for _ in requests]
        try:
            results = [request.work(connection) for request in requests]
        except Exception as error:  # whatever it is, it is the outcome of this request
            self._roll_back(error)
            if len(requests) > 1:
                return [outcome for request in requests for outcome in self._outcomes([request])]
            return [self._failure(error)]
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back(error)
            return [self._failure(error, unknown=True) for _ in requests]
        return results

    def _begun(self) -> sqlite3.Connection:
        """The connection, in a new transaction."""
        if self._connection is None:
            self._connection = connect(self._path)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._roll_back(error)
            raise
        return self._connection

    def _roll_back(self, error: Exception) -> None:
        assert self._connection is not None
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if not isinstance(error, sqlite3.Error) or code(error) in HARMLESS:
                return
        with suppress(sqlite3.Error):
            self._connection.close()
        self._connection = None

    def _failure(self, cause: Exception, *, unknown: bool = False) -> Exception:
        """What one request is told: an error of SQLite as ours; any other (stale, seen, a defect of ours) as it is."""
        if not isinstance(cause, sqlite3.Error):
            return cause if not isinstance(cause, StorageUnavailable) else StorageUnavailable(str(cause))
        error = unavailable(self._path, cause, unknown=unknown)
        error.__cause__ = cause
        return error


def _settle(outcomes: list[tuple[Request, Any]]) -> None:
    """Tell those who wait; runs on the event loop."""
    for request, outcome in outcomes:
        if request.outcome.done():  # nobody waits any longer
            continue
        if isinstance(outcome, Exception):
            request.outcome.set_exception(outcome)
        else:
            request.outcome.set_result(outcome)


#: which statements write which part of a batch, in order: gone, then there
_ORDER = (
    ("scopes_gone", ("delete_scopes",)),
    ("branches_gone", ("delete_values", "delete_branch_waits", "delete_branches")),
    ("waits_gone", ("delete_waits",)),
    ("forgotten", ("forget_instances",)),
    ("remembered_gone", ("delete_remembered",)),
    ("mail_gone", ("delete_mail",)),
    ("outbox_gone", ("delete_outbox",)),
    ("attempts_gone", ("delete_attempts",)),
    ("outbox_let_go", ("let_outbox_go",)),
    ("dead_gone", ("delete_dead",)),
    ("waits_seen", ("see_waits",)),
    ("pauses_gone", ("delete_pauses",)),
    ("branches", ("write_branches",)),
    ("values", ("write_values",)),
    ("waits", ("write_waits",)),
    ("remembered", ("write_remembered",)),
    ("events", ("write_events",)),
    ("event_keys", ("write_event_keys",)),
    ("consumed", ("write_consumed",)),
    ("mail", ("write_mail",)),
    ("outbox", ("write_outbox",)),
    ("dead", ("write_dead",)),
    ("history", ("write_history",)),
    ("incidents", ("write_incidents",)),
    ("incidents_closed", ("close_incidents",)),
    ("definitions", ("write_definitions",)),
    ("audit", ("write_audit",)),
    ("destinations", ("write_destinations",)),
    ("pauses", ("write_pauses",)),
    ("retired", ("retire_versions",)),
    ("event_starts", ("write_event_starts",)),
    ("settings", ("write_settings",)),
)


def write(connection: sqlite3.Connection, name: str, rows: Sequence[Any]) -> int:
    """Give rows to a statement; returns how many the database has changed."""
    sql = statements("sqlite", "writes.sql")[name]
    return sum(connection.execute(repeated(sql, size), values).rowcount for size, values in parts(rows))


def write_all(connection: sqlite3.Connection, writes: Writes) -> None:
    """Write one batch.

    :raises AlreadySeen: an id for the inbox stands there.
    :raises NotUnique: an unfinished instance has the business key of a new one for itself.
    :raises StaleVersion: an instance or a schedule is not as it was before, an event's cursor is not the old one, or a
        version of a process is there already.

    After any of them the transaction must be rolled back.
    """
    _write_inbox(connection, writes)
    _write_instances(connection, writes)
    _move_cursors(connection, writes)
    _write_versions(connection, writes)
    _write_schedules(connection, writes)
    bases = [(row.instance, row.branch, row.scope) for row in writes.values if not row.name]
    if bases:
        write(connection, "delete_scopes", bases)
    for part, names in _ORDER:
        rows = getattr(writes, part)
        for name in names if rows else ():
            write(connection, name, rows)


def _write_inbox(connection: sqlite3.Connection, writes: Writes) -> None:
    if writes.inbox and write(connection, "write_inbox", writes.inbox) != len(writes.inbox):
        ids = ", ".join(id for id, _ in writes.inbox[:5])
        raise AlreadySeen(f"a message was accepted before, one of {len(writes.inbox)}: {ids}")


def _move_cursors(connection: sqlite3.Connection, writes: Writes) -> None:
    if writes.cursors and write(connection, "move_cursors", writes.cursors) != len(writes.cursors):
        numbers = ", ".join(str(number) for number, _, _ in writes.cursors[:5])
        raise StaleVersion(f"an event was offered or forgotten elsewhere, one of {len(writes.cursors)}: {numbers}")


def _write_versions(connection: sqlite3.Connection, writes: Writes) -> None:
    if writes.versions and write(connection, "write_versions", writes.versions) != len(writes.versions):
        names = ", ".join(f"{row.name}@{row.version}" for row in writes.versions[:5])
        raise StaleVersion(f"a version was registered elsewhere, one of {len(writes.versions)}: {names}")


def _write_schedules(connection: sqlite3.Connection, writes: Writes) -> None:
    new = [row for row in writes.schedules if row.changes == 1]
    changed = [row for row in writes.schedules if row.changes != 1]
    for name, rows in (("insert_schedules", new), ("update_schedules", changed)):
        if rows and write(connection, name, rows) != len(rows):
            names = ", ".join(f"{row.process} {row.number}" for row in rows[:5])
            raise StaleVersion(f"a schedule was changed elsewhere, one of {len(rows)}: {names}")


def _write_instances(connection: sqlite3.Connection, writes: Writes) -> None:
    """What ends makes room for what starts, so it comes first."""
    if writes.states:
        _check_written(writes.states, write(connection, "update_states", writes.states))
    new = [row for row in writes.instances if row.version == 1]
    changed = [row for row in writes.instances if row.version != 1]
    if changed:
        written = write(connection, "update_instances", changed)
        write(connection, "update_found", changed)
        _check_written(changed, written)
    _check_unique(connection, new)
    if new:
        _check_written(new, write(connection, "insert_instances", new))


def _check_written(rows: Sequence[InstanceRow | StateRow], written: int) -> None:
    if written != len(rows):
        ids = ", ".join(row.id for row in rows[:5])
        raise StaleVersion(f"an instance was changed elsewhere, one of {len(rows)}: {ids}")


def _check_unique(connection: sqlite3.Connection, rows: Sequence[InstanceRow]) -> None:
    """Whether nobody has the keys of new instances; only this thread writes, so nobody gets them meanwhile."""
    taken: dict[tuple[str, str], str] = {}
    holders: dict[str, str] = {}
    sql = statements("sqlite", "reads.sql")["holder"]
    for row in rows:
        if row.claim is None:
            continue
        given = {"process": row.process, "business_key": row.business_key, "id": row.id}
        found = connection.execute(sql, given).fetchone()
        if found is not None or row.claim in taken:
            holders[row.id] = taken[row.claim] if found is None else found[0].decode()
        elif row.ended is None:
            taken[row.claim] = row.id
    if holders:
        raise NotUnique(holders)
