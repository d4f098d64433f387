"""The embedded default, put together: the engine on SQLite, participants as functions of this process.

Rules: this file wires and decides nothing; it needs no broker and nothing that only Unix has.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from .clock import SystemClock
from .definition.reader import read
from .engine.engine import Engine
from .engine.numbers import numbers_of
from .engine.settings import Settings
from .engine.writes import Progress
from .functions import Functions
from .storage.sqlite import SqliteStorage
from .transports.memory import MemoryTransport

_GC_THRESHOLD = 20_000  # allocations; the default of 700 costs a quarter of the engine's time


@asynccontextmanager
async def embedded(
    database: Path,
    participants: Functions,
    *,
    settings: Settings | None = None,
    observe: Callable[[list[Progress]], None] | None = None,
) -> AsyncIterator[Engine]:
    """An engine that runs while the context lasts; what is unfinished then goes on at the next start.

    :param database: the SQLite file; made if it is not there.
    :param observe: told of everything that was committed, in order, on the event loop's thread.
    :raises StorageUnavailable: the file cannot be used, or another engine uses it.
    """
    clock = SystemClock()
    storage = SqliteStorage(database)
    settings = settings or Settings()
    transport = MemoryTransport(participants, grace=settings.stop_grace)
    before = gc.get_threshold()
    await storage.open()
    gc.set_threshold(_GC_THRESHOLD)
    try:
        engine = Engine(
            storage,
            transport,
            read=lambda text: read(text),
            clock=clock,
            numbers=numbers_of(clock),
            settings=settings,
            observe=observe,
        )
        await engine.start()
        async with asyncio.TaskGroup() as group:
            group.create_task(engine.run())
            yield engine
            await transport.stop()
            engine.stop()
    except BaseExceptionGroup as errors:
        raise _first(errors) from errors
    finally:
        gc.set_threshold(*before)
        await transport.stop()
        await storage.close()


def _first(error: BaseException) -> BaseException:
    """What was raised first: by the engine, which then cancels the body, or by the body."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
