"""Every storage there is, for the suites that hold all of them to one contract."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bureaucrat.ports import Storage
from bureaucrat.storage.memory import MemoryStorage
from bureaucrat.storage.memory_shared import SharedMemory
from bureaucrat.storage.sqlite import SqliteStorage

ADAPTERS: dict[str, Callable[[Path], Storage]] = {
    "memory": lambda folder: MemoryStorage(),
    "shared memory": lambda folder: SharedMemory().storage(),
    "sqlite": lambda folder: SqliteStorage(folder / "bureaucrat.db"),
}
