"""Every storage there is, for the suites that hold all of them to one contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bureaucrat.ports import Storage
from bureaucrat.storage.memory import MemoryStorage
from bureaucrat.storage.memory_shared import SharedMemory
from bureaucrat.storage.sqlite import SqliteStorage

if TYPE_CHECKING:
    from postgres import Postgres


@dataclass(frozen=True)
class Place:
    """Where a test may have its storage."""

    folder: Path
    server: Callable[[], Postgres]  #: started when it is first asked for


def _in_postgresql(place: Place) -> Storage:
    from bureaucrat.storage.postgresql import PostgresqlStorage  # here: the others need no asyncpg

    server = place.server()
    return PostgresqlStorage(server.url(server.emptied_database()))


ADAPTERS: dict[str, Callable[[Place], Storage]] = {
    "memory": lambda place: MemoryStorage(),
    "shared memory": lambda place: SharedMemory().storage(),
    "sqlite": lambda place: SqliteStorage(place.folder / "bureaucrat.db"),
    "postgresql": _in_postgresql,
}
