"""Storage in one SQLite file, for one daemon.

Purpose: the adapter that needs no server. One thread writes (:mod:`.sqlite_writer`), one reads (:mod:`.sqlite_reader`);
the SQL stands in ``sql/sqlite``.

Rules: nobody else changes rows, so nothing is locked; a batch's commit checks the versions all the same. Other
processes open the file with ``read_only`` and may leave mail.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import StorageUnavailable
from ..ports import (
    AttemptRow,
    AuditRow,
    Cause,
    DeadRow,
    DefinitionRow,
    DestinationRow,
    Due,
    EventRow,
    HistoryRow,
    IncidentRow,
    InstanceQuery,
    InstanceRow,
    Loaded,
    MailRow,
    OutboxRow,
    PauseRow,
    RememberedRow,
    ScheduleRow,
    VersionRow,
    WaitRow,
    Writes,
)
from . import sqlite_shapes as shapes
from .sqlite_file import Claim, check_place, check_schema, connect, prepare
from .sqlite_prune import prune
from .sqlite_reader import Reader, select
from .sqlite_rows import Row, Shape, as_json, only_given
from .sqlite_writer import Work, Writer, write, write_all

_FIRST = Due("", "", -math.inf)  # before every branch that is due
_FIRST_ATTEMPT = AttemptRow("", "", "", 0)  # before every attempt
_LAST_NUMBER = 2**63 - 1


class SqliteStorage:
    """Everything in the file at `path`.

    :param read_only: for other processes than the daemon: no lock; nothing but mail (and a missing setting) is written.
    """

    is_shared = False

    def __init__(self, path: str | Path, *, read_only: bool = False) -> None:
        self.path = Path(path)
        self._is_read_only = read_only
        self._claim = Claim(self.path)
        self._reader: Reader | None = None
        self._writer: Writer | None = None

    async def open(self) -> None:
        await asyncio.to_thread(self._look if self._is_read_only else self._prepare)
        self._reader = Reader(self.path)
        if not self._is_read_only:
            self._writer = Writer(self.path)

    async def close(self) -> None:
        writer, reader = self._writer, self._reader
        self._writer = self._reader = None
        if reader is not None:
            await reader.close()
        if writer is not None:
            await writer.close()
        self._claim.give_back()

    def batch(self) -> SqliteBatch:
        return SqliteBatch(self)

    # what the sweep looks for

    async def due(self, before: float, limit: int, after: Due | None = None) -> list[Due]:
        place = after or _FIRST
        return await self.rows(
            "due", shapes.DUE, before=before, at=place.at, instance=place.instance, branch=place.branch, limit=limit
        )

    async def mail(self, limit: int) -> list[MailRow]:
        return await self.rows("mail", shapes.MAIL, limit=limit)

    async def held_mail(self, instance: str, limit: int) -> list[MailRow]:
        return await self.rows("held_mail", shapes.MAIL, instance=instance, limit=limit)

    async def releasable(self, limit: int) -> list[str]:
        return await self.rows("releasable", shapes.ID, limit=limit)

    async def fresh_waits(self, limit: int) -> list[WaitRow]:
        return await self.rows("fresh_waits", shapes.WAIT, limit=limit)

    async def pending_events(self, limit: int) -> list[EventRow]:
        return await self.rows("pending_events", shapes.EVENT, limit=limit)

    async def attempts(self, limit: int, after: AttemptRow | None = None) -> list[AttemptRow]:
        place = after or _FIRST_ATTEMPT
        given = {"participant": place.participant, "instance": place.instance, "branch": place.branch}
        return await self.rows("attempts", shapes.ATTEMPT, limit=limit, **given)

    async def asked(self) -> list[str]:
        return await self.rows("asked", shapes.PARTICIPANT)

    async def attempt_counts(self, participants: Sequence[str]) -> dict[str, tuple[int, int]]:
        return dict(await self.rows("attempt_counts", shapes.COUNTS, participants=as_json(participants)))

    async def outbox(self, limit: int, after: int = 0) -> list[OutboxRow]:
        return await self.rows("outbox", shapes.OUTBOX, limit=limit, after=after)

    async def outbox_rows(self, numbers: Sequence[int]) -> list[OutboxRow]:
        return await self.rows("outbox_rows", shapes.OUTBOX, numbers=as_json(numbers))

    async def outbox_of(self, instance: str) -> dict[int, str]:
        return dict(await self.rows("outbox_of", shapes.OUT, instance=instance))

    # events

    async def paths(self, event: str) -> list[str]:
        return await self.rows("paths", shapes.PATH, event=event)

    async def waits(self, event: str, keys: Sequence[tuple[str, str]], after: str, limit: int) -> list[WaitRow]:
        pairs = as_json(list(dict.fromkeys(keys)))
        return await self.rows("waits", shapes.WAIT, event=event, keys=pairs, after=after, limit=limit)

    async def kept_events(
        self, wait: WaitRow, limit: int, after: tuple[float, int] = (0.0, 0), digest: int | None = None
    ) -> list[EventRow]:
        at, number = max((wait.since, _LAST_NUMBER), after)  # one place to begin at: the index finds it
        given = {"name": wait.event, "instance": wait.instance, "accepted": at, "number": number, "limit": limit}
        if digest is None:
            return await self.rows("kept_events", shapes.EVENT, **given)
        return await self.rows("keyed_events", shapes.EVENT, digest=digest, **given)

    async def woken(self, event: int, instances: Sequence[str]) -> set[str]:
        return set(await self.rows("woken", shapes.INSTANCE_ID, event=event, instances=as_json(instances)))

    async def event(self, id: str) -> EventRow | None:
        return _first(await self.rows("event", shapes.EVENT, id=id))

    async def woken_by(self, event: int, limit: int = 100) -> list[tuple[str, str, int]]:
        return await self.rows("woken_by", shapes.WOKEN, event=event, limit=limit)

    async def awaited(self) -> list[str]:
        return await self.rows("awaited", shapes.NAME)

    # definitions and what people look at

    async def definition(self, hash: str) -> DefinitionRow | None:
        return _first(await self.rows("definition", shapes.DEFINITION, hash=hash))

    async def definitions_in_use(self) -> list[str]:
        return await self.rows("definitions_in_use", shapes.HASH)

    async def versions(self, name: str | None = None) -> list[VersionRow]:
        return await self._some("versions", shapes.VERSION, name=name)

    async def registered(self, name: str, version: int | None = None) -> VersionRow | None:
        return _first(
            await self._some("registered", shapes.VERSION, name=name, version=version, newest=version is None)
        )

    async def schedules(self, process: str | None = None) -> list[ScheduleRow]:
        return await self._some("schedules", shapes.SCHEDULE, process=process)

    async def due_schedules(self, before: float, limit: int) -> list[ScheduleRow]:
        return await self.rows("due_schedules", shapes.SCHEDULE, before=before, limit=limit)

    async def waiting_schedules(self, limit: int) -> list[ScheduleRow]:
        return await self.rows("waiting_schedules", shapes.SCHEDULE, limit=limit)

    async def starters(self, event: str | None = None) -> list[str]:
        return await self._some("starters", shapes.PROCESS, event=event)

    async def running(self) -> dict[str, int]:
        return dict(await self.rows("running", shapes.COUNT))

    async def instance(self, id: str) -> InstanceRow | None:
        return _first(await self.rows("instance", shapes.INSTANCE, id=id))

    async def instances(self, query: InstanceQuery) -> list[InstanceRow]:
        sql, given = _asked(query)
        return await self._reading.rows(shapes.INSTANCE, sql, given)

    async def number_of(self, query: InstanceQuery) -> int:
        sql, given = _asked(replace(query, limit=-1))  # none
        (found,) = await self._reading.rows(shapes.TOTAL, f"SELECT count(*) AS total FROM ({sql})", given)
        return int(found)

    async def branches(self, instance: str) -> Loaded:
        return await self.loaded("branches_of", "values_of", instances=as_json([instance]))

    async def waits_of(self, instance: str) -> list[WaitRow]:
        return await self.rows("waits_of", shapes.WAIT, instance=instance)

    async def remembered(self, instance: str, limit: int = 100) -> list[RememberedRow]:
        return await self.rows("remembered", shapes.REMEMBERED, instance=instance, limit=limit)

    async def history(self, instance: str, after: int = 0, limit: int = 1000) -> list[HistoryRow]:
        return await self.rows("history", shapes.HISTORY, instance=instance, after=after, limit=limit)

    async def incidents(self, instance: str | None = None, *, closed: bool = False) -> list[IncidentRow]:
        return await self._some("incidents", shapes.INCIDENT, instance=instance, open=not closed)

    async def causes(self) -> list[Cause]:
        return await self.rows("causes", shapes.CAUSE)

    async def incidents_of(self, cause: Cause, limit: int) -> list[IncidentRow]:
        names = ("process", "definition", "activity", "kind", "code", "message")
        same = {name: getattr(cause, name) for name in names}
        return await self.rows("incidents_of", shapes.INCIDENT, limit=limit, **same)

    async def dead_letters(self, limit: int = 100, message_id: str | None = None) -> list[DeadRow]:
        return await self._some("dead_letters", shapes.DEAD, limit=limit, message_id=message_id)

    async def dead_letter(self, number: int) -> DeadRow | None:
        return _first(await self.rows("dead_letter", shapes.DEAD, number=number))

    async def audit(self, number: int) -> AuditRow | None:
        return _first(await self.rows("audit", shapes.AUDIT, number=number))

    async def audits(self, instance: str | None = None, limit: int = 100) -> list[AuditRow]:
        return await self._some("audits", shapes.AUDIT, limit=limit, instance=instance)

    async def destinations(self) -> list[DestinationRow]:
        return await self.rows("destinations", shapes.DESTINATION)

    async def pauses(self) -> list[PauseRow]:
        return await self.rows("pauses", shapes.PAUSE)

    async def statuses(self) -> dict[str, int]:
        return dict(await self.rows("statuses", shapes.COUNT))

    async def counts(self) -> dict[str, int]:
        return dict(await self.rows("counts", shapes.COUNT))

    async def setting(self, name: str, default: str) -> str:
        found = await self.rows("setting", shapes.SETTING, name=name)
        if not found:
            await self._write(lambda connection: write(connection, "keep_setting", [(name, default)]))
            found = await self.rows("setting", shapes.SETTING, name=name)
        return str(found[0])

    async def prune(self, *, history: float, instances: float, events: float, inbox: float, dead: float) -> int:
        before = {"history": history, "instances": instances, "events": events, "inbox": inbox, "dead": dead}
        return int(await self._writing.do(lambda connection: prune(connection, before)))

    async def post(self, mail: MailRow) -> None:
        await self._write(lambda connection: write(connection, "post", [mail]))

    # for the batch, and for what stands above

    async def rows(self, name: str, shape: Shape[Row], /, **given: Any) -> list[Row]:
        """What the read of that name finds."""
        return await self._reading.rows(shape, select(name), given)

    async def _some(self, name: str, shape: Shape[Row], /, **asked: Any) -> list[Row]:
        """What it finds without the lines that name what was not asked for: None, or False."""
        given = {key: value for key, value in asked.items() if value is not None and value is not False}
        return await self._reading.rows(shape, only_given(select(name), given), given)

    async def loaded(self, branches: str, values: str, /, **given: Any) -> Loaded:
        """What the two reads of those names find, at one moment."""
        return await self._reading.loaded(select(branches), select(values), given)

    async def commit(self, writes: Writes) -> None:
        """Make a batch durable."""
        await self._writing.do(partial(write_all, writes=writes))

    async def _write(self, work: Work) -> Any:
        if self._is_read_only:
            return await self._reading.post(work)
        return await self._writing.do(work)

    @property
    def _reading(self) -> Reader:
        if self._reader is None:
            raise StorageUnavailable(f"database {self.path} is not open")
        return self._reader

    @property
    def _writing(self) -> Writer:
        if self._writer is None:
            reason = "was opened to be read only" if self._is_read_only else "is not open"
            raise StorageUnavailable(f"database {self.path} {reason}")
        return self._writer

    # what follows runs in a thread

    def _prepare(self) -> None:
        check_place(self.path)
        self._claim.take()
        try:
            prepare(self.path)
        except BaseException:  # a daemon that does not start holds nothing
            self._claim.give_back()
            raise

    def _look(self) -> None:
        check_place(self.path)
        connection = connect(self.path, read=True)
        try:
            check_schema(self.path, connection, exact=True)
        finally:
            connection.close()


class SqliteBatch:
    """A batch needs no transaction before its commit: nobody else writes."""

    def __init__(self, storage: SqliteStorage) -> None:
        self._storage = storage

    async def __aenter__(self) -> SqliteBatch:
        return self

    async def __aexit__(self, *error: object) -> None:
        return None

    async def lock(self, instances: Sequence[str]) -> dict[str, InstanceRow]:
        rows = await self._storage.rows("lock", shapes.INSTANCE, ids=as_json(instances))
        return {row.id: row for row in rows}

    async def take_mail(self, numbers: Sequence[int]) -> dict[int, bool]:
        return dict(await self._storage.rows("take_mail", shapes.TAKEN, numbers=as_json(numbers)))

    async def load(self, wanted: Iterable[tuple[str, Sequence[str] | None]]) -> Loaded:
        asked = list(wanted)
        whole = dict.fromkeys(instance for instance, ids in asked if ids is None)
        some = [(instance, id) for instance, ids in asked if ids and instance not in whole for id in ids]
        loaded = Loaded()
        if whole:
            loaded = await self._storage.loaded("branches_of", "values_of", instances=as_json(list(whole)))
        if some:
            found = await self._storage.loaded("some_branches", "some_values", keys=as_json(some))
            loaded = Loaded(loaded.branches + found.branches, loaded.values + found.values)
        return loaded

    async def load_below(self, instance: str, branch: str) -> Loaded:
        return await self._storage.loaded("branches_below", "values_below", instance=instance, branch=branch)

    async def remembered(self, instance: str, limit: int) -> list[RememberedRow]:
        return await self._storage.remembered(instance, limit)

    async def commit(self, writes: Writes) -> None:
        await self._storage.commit(writes)


def _asked(query: InstanceQuery) -> tuple[str, dict[str, Any]]:
    """The read for a query, and its parameters."""
    asked = {name: getattr(query, name) for name in query.__slots__}
    given = {name: value for name, value in asked.items() if value is not None and value is not False}
    return only_given(select("instances"), given), given


def _first(rows: list[Row]) -> Row | None:
    return rows[0] if rows else None
