"""The one thread that reads a SQLite file.

Rules: a read is one statement, so it sees one moment; it never waits for the writer (WAL). After an error the next read
opens another connection.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from ..ports import Loaded
from .shapes import BRANCH, VALUE, Row, Shape
from .sqlite_file import connect, unavailable
from .sqlite_rows import packed, unpacked
from .statements import statements

Found = TypeVar("Found")


def select(name: str) -> str:
    """The text of one read."""
    return statements("sqlite", "reads.sql")[name]


@cache
def _packed(shape: Shape[Any], sql: str) -> str:
    return packed(shape, sql)


class Reader:
    """Owns the connection that reads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, "sqlite-reader")

    async def rows(self, shape: Shape[Row], sql: str, given: Mapping[str, Any]) -> list[Row]:
        """All that a statement selects."""
        return await self._do(self._rows, shape, sql, given)  # type: ignore[no-any-return]

    async def loaded(self, branches: str, values: str, given: Mapping[str, Any]) -> Loaded:
        """Branches with their values, as one moment sees them."""
        return await self._do(self._loaded, branches, values, given)  # type: ignore[no-any-return]

    async def together(self, parts: Sequence[tuple[Shape[Any], str]], given: Mapping[str, Any]) -> list[list[Any]]:
        """All that several statements select, as one moment sees it."""
        return await self._do(self._together, parts, given)  # type: ignore[no-any-return]

    async def look(self, work: Callable[[sqlite3.Connection], Found]) -> Found:
        """Do something with the connection that changes nothing."""
        return await self._do(self._look, work)  # type: ignore[no-any-return]

    async def post(self, work: Any) -> Any:
        """Do something in a write transaction of its own, on a connection of its own."""
        return await self._do(self._write, work)

    async def close(self) -> None:
        await self._do(self._drop)
        self._thread.shutdown()

    async def _do(self, call: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *arguments)

    # what follows runs in the thread

    def _rows(self, shape: Shape[Row], sql: str, given: Mapping[str, Any]) -> list[Row]:
        return unpacked(shape, self._fetch(_packed(shape, sql), given)[0])

    def _loaded(self, branches: str, values: str, given: Mapping[str, Any]) -> Loaded:
        both = f"SELECT ({_packed(BRANCH, branches)}), ({_packed(VALUE, values)})"
        found = self._fetch(both, given)
        return Loaded(unpacked(BRANCH, found[0]), unpacked(VALUE, found[1]))

    def _together(self, parts: Sequence[tuple[Shape[Any], str]], given: Mapping[str, Any]) -> list[list[Any]]:
        every = ", ".join(f"({_packed(shape, sql)})" for shape, sql in parts)
        found = self._fetch(f"SELECT {every}", given)
        return [unpacked(shape, text) for (shape, _), text in zip(parts, found, strict=True)]

    def _fetch(self, sql: str, given: Mapping[str, Any]) -> tuple[bytes, ...]:
        return self._look(lambda connection: connection.execute(sql, given).fetchone())

    def _look(self, work: Callable[[sqlite3.Connection], Found]) -> Found:
        if self._connection is None:
            self._connection = connect(self._path, read=True)
        try:
            return work(self._connection)
        except sqlite3.Error as error:
            self._drop()
            raise unavailable(self._path, error) from error

    def _write(self, work: Any) -> Any:
        connection = connect(self._path)
        try:
            connection.execute("BEGIN IMMEDIATE")
            result = work(connection)
            connection.execute("COMMIT")
            return result
        except sqlite3.Error as error:
            raise unavailable(self._path, error) from error
        finally:
            connection.close()

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
