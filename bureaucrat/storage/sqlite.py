"""Storage in one SQLite file, for one daemon.

Purpose: the adapter that needs no server. One thread writes (:mod:`.sqlite_writer`), one reads (:mod:`.sqlite_reader`);
the SQL stands in ``sql/sqlite``.

Rules: nobody else changes rows, so nothing is locked; a batch's commit checks the versions all the same. Other
processes open the file with ``read_only`` and may leave mail.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import StorageUnavailable
from ..ports import EventRow, InstanceRow, Loaded, MailRow, Membership, OutboxRow, RememberedRow, Vitals, Writes
from . import shapes
from .asking import Reads, wanted_of
from .shapes import Row, Shape
from .sqlite_examination import examine
from .sqlite_file import Claim, check_place, check_schema, connect, prepare
from .sqlite_prune import prune
from .sqlite_reader import Reader, select
from .sqlite_rows import as_json
from .sqlite_writer import Work, Writer, write, write_all

_ALONE = Membership(0, frozenset({0}))
_MOST = 2**31  # in flight, where that is not bounded


class SqliteStorage(Reads):
    """Everything in the file at `path`.

    :param read_only: for other processes than the daemon: no lock; nothing but mail (and a missing setting) is written.
    """

    is_shared = False
    technology = "sqlite"

    def __init__(self, path: str | Path, *, read_only: bool = False) -> None:
        self.path = Path(path)
        self.on_mail: Callable[[], None] | None = None
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

    async def membership(self) -> Membership:
        return _ALONE

    async def time(self) -> float | None:
        return None

    async def setting(self, name: str, default: str) -> str:
        found = await self.rows("setting", shapes.SETTING, name=name)
        if not found:
            await self._write(lambda connection: write(connection, "keep_setting", [(name, default)]))
            found = await self.rows("setting", shapes.SETTING, name=name)
        return str(found[0])

    async def examine(self) -> Vitals:
        return await examine(self._reading, self.path)

    async def prune(self, *, history: float, instances: float, events: float, inbox: float, dead: float) -> int:
        before = {"history": history, "instances": instances, "events": events, "inbox": inbox, "dead": dead}
        return int(await self._writing.do(lambda connection: prune(connection, before)))

    async def post(self, mail: MailRow) -> None:
        await self._write(lambda connection: write(connection, "post", [mail]))

    # for the batch, and for what stands above

    async def found(self, shape: Shape[Row], sql: str, given: Mapping[str, Any]) -> list[Row]:
        return await self._reading.rows(shape, sql, _parameters(given))

    async def together(self, parts: Sequence[tuple[Shape[Any], str]], given: Mapping[str, Any]) -> list[list[Any]]:
        return await self._reading.together(parts, _parameters(given))

    async def loaded(self, which: str, /, **given: Any) -> Loaded:
        return await self._reading.loaded(select(f"branches_{which}"), select(f"values_{which}"), _parameters(given))

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
        rows = await self._storage.rows("lock", shapes.INSTANCE, ids=list(instances))
        return {row.id: row for row in rows}

    async def take_mail(self, numbers: Sequence[int]) -> dict[int, bool]:
        return dict(await self._storage.rows("take_mail", shapes.TAKEN, numbers=list(numbers)))

    async def take_events(self, numbers: Sequence[int]) -> dict[int, EventRow]:
        rows = await self._storage.rows("take_events", shapes.EVENT, numbers=list(numbers))
        return {row.number: row for row in rows}

    async def claim(self, name: str) -> None:
        return None

    async def unsent(self, instances: Sequence[str]) -> dict[tuple[str, int], int]:
        return dict(await self._storage.rows("unsent", shapes.UNSENT, instances=list(instances)))

    async def take_leave(self, names: Sequence[str], most: int | None, limit: int) -> list[OutboxRow]:
        bound = _MOST if most is None else most
        return await self._storage.rows("take_leave", shapes.OUTBOX, names=list(names), most=bound, limit=limit)

    async def load(self, wanted: Iterable[tuple[str, Sequence[str] | None]]) -> Loaded:
        return await wanted_of(self._storage, wanted)

    async def load_below(self, instance: str, branch: str) -> Loaded:
        return await self._storage.loaded("below", instance=instance, branch=branch)

    async def remembered(self, instance: str, limit: int) -> list[RememberedRow]:
        return await self._storage.remembered(instance, limit)

    async def commit(self, writes: Writes) -> None:
        await self._storage.commit(writes)


def _parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Lists as JSON, which the statements take apart."""
    return {name: as_json(value) if isinstance(value, list) else value for name, value in given.items()}
