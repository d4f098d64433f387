"""Very many waiting instances, made by writing their rows as one real instance has them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bureaucrat.clock import ManualClock
from bureaucrat.core.table import Definition
from bureaucrat.definition.reader import read
from bureaucrat.engine.codec import encode
from bureaucrat.engine.delivery import Birth, Delivery
from bureaucrat.engine.engine import Engine
from bureaucrat.engine.numbers import counted
from bureaucrat.engine.starts import start_of
from bureaucrat.functions import Functions
from bureaucrat.ports import Storage, Writes
from bureaucrat.storage.memory import MemoryStorage
from bureaucrat.storage.sqlite import SqliteStorage
from bureaucrat.transports.memory import MemoryTransport

_A_COMMIT = 5_000  #: instances
_TEMPLATE = "template-of-all"


def engine_on(storage: Storage, now: float = 2_000.0) -> Engine:
    """An engine with no participants, whose clock a test sets."""
    transport = MemoryTransport(Functions.of({}))
    return Engine(storage, transport, read=read, clock=ManualClock(now), numbers=counted())


async def template(definition: Definition, key: str) -> Writes:
    """The rows of one instance that waits for an event with `key` equal to its own id."""
    storage = MemoryStorage()
    engine = engine_on(storage, 1_000.0)
    await engine.start()
    start = start_of(definition, {key: _TEMPLATE}, engine.settings.limits)
    engine.put(Delivery(_TEMPLATE, start, Birth(definition)))
    await engine.drain()
    row, stored = await storage.instance(_TEMPLATE), await storage.definition(definition.hash)
    assert row is not None
    assert stored is not None
    loaded = await storage.branches(_TEMPLATE)
    waits = await storage.waits_of(_TEMPLATE)
    assert [wait.fresh for wait in waits] == [False]
    return Writes(
        instances=[replace(row, version=1)],
        branches=loaded.branches,
        values=loaded.values,
        waits=waits,
        definitions=[stored],
    )


def copies(of: Writes, names: list[str]) -> Iterator[Writes]:
    """The same rows for other instances, in batches."""
    (row,), old = of.instances, encode(_TEMPLATE)
    for start in range(0, len(names), _A_COMMIT):
        batch = Writes(definitions=of.definitions)
        for name in names[start : start + _A_COMMIT]:
            new = encode(name)
            batch.instances.append(replace(row, id=name, state=row.state.replace(old, new)))
            batch.branches += [replace(one, instance=name) for one in of.branches]
            batch.values += [replace(one, instance=name, value=one.value.replace(old, new)) for one in of.values]
            batch.waits += [
                replace(one, instance=name, value=name if one.value == _TEMPLATE else one.value) for one in of.waits
            ]
        yield batch


async def fill(path: Path, definition: Definition, key: str, names: list[str]) -> SqliteStorage:
    """A database in which instances of these names wait; it is open."""
    storage = SqliteStorage(path)
    await storage.open()
    pattern = await template(definition, key)
    async with asyncio.TaskGroup() as group:
        for writes in copies(pattern, names):
            group.create_task(storage.batch().commit(writes))
    return storage
