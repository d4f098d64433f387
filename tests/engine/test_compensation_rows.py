"""Remembered compensations on a database file: over restarts, and what they cost in rows and bytes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bureaucrat.definition.reader import read
from bureaucrat.embedded import embedded
from bureaucrat.engine.settings import Settings
from bureaucrat.engine.writes import Progress
from bureaucrat.functions import Functions
from bureaucrat.ports import Writes
from bureaucrat.storage.memory import MemoryBatch, MemoryStorage
from bureaucrat.storage.sqlite import SqliteStorage
from bureaucrat.testing import Simulation

PROCESS = read("""
<process name="wide">
  <context><property name="xs" type="json"/></context>
  <foreach id="each" select="xs" as="x" parallel="yes">
    <action id="do" participant="do"><compensation><action id="undo" participant="undo"/></compensation></action>
  </foreach>
  <compensate/>
</process>
""")


class Counting(MemoryStorage):
    """Keeps what each batch has written."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: Counter[str] = Counter()
        self.bytes = 0

    def cost_of(self, act: Callable[[], None]) -> tuple[dict[str, int], int]:
        self.rows.clear()
        self.bytes = 0
        act()
        return {name: count for name, count in self.rows.items() if count}, self.bytes

    def batch(self) -> MemoryBatch:
        return _CountingBatch(self)


class _CountingBatch(MemoryBatch):
    def __init__(self, storage: Counting) -> None:
        super().__init__(storage._tables)
        self._storage = storage

    async def commit(self, writes: Writes) -> None:
        for name in Writes.__slots__:
            self._storage.rows[name] += len(getattr(writes, name))
        self._storage.bytes += sum(len(row.state) for row in (*writes.instances, *writes.states, *writes.branches))
        self._storage.bytes += sum(len(row.levels) for row in writes.remembered)
        await super().commit(writes)


Cost = tuple[dict[str, int], int]


def costs(items: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Cost, Cost]:
    """Rows and bytes that are written for the end of one item, and for one compensation, among so many."""
    storage = Counting()
    monkeypatch.setattr("bureaucrat.testing.simulation.MemoryStorage", lambda: storage)
    one = Simulation(PROCESS)
    one.launch({"xs": [1] * items})
    for attempt in one.sent[: items // 2]:
        one.answer_attempt(attempt, {})
    item = storage.cost_of(lambda: one.answer_attempt(one.sent[items // 2], {}))
    for attempt in one.sent[items // 2 + 1 : items]:
        one.answer_attempt(attempt, {})
    one.answer("undo")
    return item, storage.cost_of(lambda: one.answer("undo"))


def test_remembering_and_compensating_cost_the_same_among_a_hundred_and_a_thousand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few, many = costs(100, monkeypatch), costs(1_000, monkeypatch)

    for (rows, size), (more_rows, more_size) in zip(few, many, strict=True):
        assert more_rows == rows
        assert more_size < 1.05 * size
    assert [(rows.get("remembered", 0), rows.get("remembered_gone", 0)) for rows, _ in many] == [(1, 0), (0, 1)]


async def run(database: Path, until: str, times: int, settings: Settings) -> list[Progress]:
    """Run until something has happened so often; what was told meanwhile."""
    told: list[Progress] = []
    enough = asyncio.Event()

    def observe(progress: list[Progress]) -> None:
        told.extend(progress)
        if sum(one.what == until for one in told) >= times:
            enough.set()

    async def work() -> dict[str, Any]:
        return {}

    functions = Functions.of({"do": work, "undo": work})
    async with embedded(database, functions, observe=observe, settings=settings) as engine:
        if until == "remembered":
            await engine.launch(PROCESS, {"xs": list(range(700))}, "wide")
        async with asyncio.timeout(60):
            await enough.wait()
    return told


@pytest.mark.parametrize("cached", [0, 10_000])
async def test_what_is_remembered_survives_stops_and_runs_once(tmp_path: Path, cached: int) -> None:
    """More than is loaded at first, with and without a cache."""
    database, settings = tmp_path / "wide.db", Settings(cached=cached)

    told = await run(database, "remembered", 300, settings)
    told += await run(database, "compensating", 200, settings)
    told += await run(database, "ended", 1, settings)

    storage = SqliteStorage(database)
    await storage.open()
    row, left = await storage.instance("wide"), await storage.remembered("wide")
    counts = await storage.counts()
    history = await storage.history("wide", 0, 100_000)
    await storage.close()
    assert row is not None
    assert (row.status, left, counts["remembered"]) == ("completed", [], 0)
    done = [entry.address for entry in history if entry.what == "completed" and entry.address.endswith("_0")]
    items = [address for address in done if "." in address and "compensation" not in address]
    begun = [entry.address for entry in history if entry.what == "compensating"]
    assert begun == items[::-1]
    assert len(set(begun)) == 700
