"""A transaction on the tables in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..ports import EventRow, InstanceRow, Loaded, OutboxRow, RememberedRow, Writes
from .memory_tables import Tables
from .memory_writes import write_all


class MemoryBatch:
    """A transaction on memory: nothing happens before its commit."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def __aenter__(self) -> MemoryBatch:
        return self

    async def __aexit__(self, *error: object) -> None:
        return None

    async def lock(self, instances: Sequence[str]) -> dict[str, InstanceRow]:
        found = {id: self._tables.instances.get(id) for id in sorted(instances)}
        return {id: row for id, row in found.items() if row is not None}

    async def take_mail(self, numbers: Sequence[int]) -> dict[int, bool]:
        rows = [self._tables.mailbox.get(number) for number in numbers]
        return {row.number: row.held for row in rows if row is not None}

    async def take_events(self, numbers: Sequence[int]) -> dict[int, EventRow]:
        found = [self._tables.events.get(number) for number in sorted(set(numbers))]
        return {row.number: row for row in found if row is not None}

    async def claim(self, name: str) -> None:
        return None

    async def unsent(self, instances: Sequence[str]) -> dict[tuple[str, int], int]:
        found = [row for instance in instances for row in self._tables.outbox.find("attempt", instance)]
        return {(row.instance, row.attempt): row.number for row in found if row.attempt is not None}

    async def take_leave(self, names: Sequence[str], most: int | None, limit: int) -> list[OutboxRow]:
        tables = self._tables
        if any((name,) in tables.pauses for name in names):
            return []
        kept = [row for name in names for row in tables.outbox.find("participant", name)]
        if most is not None:
            in_flight = sum(len(tables.branches.find("attempt", name)) for name in names) - len(kept)
            limit = max(0, min(limit, most - in_flight))
        return sorted(kept, key=lambda row: (-(row.priority or 0), row.number))[:limit]

    async def load(self, wanted: Iterable[tuple[str, Sequence[str] | None]]) -> Loaded:
        tables, loaded = self._tables, Loaded()
        asked = list(wanted)
        whole = sorted({instance for instance, ids in asked if ids is None})
        for instance in whole:
            loaded.branches += tables.branches.find("key", instance)
            loaded.values += tables.values.find("key", instance)
        for key in sorted({(i, id) for i, ids in asked if ids and i not in whole for id in ids}):
            loaded.branches += tables.branches.find("key", *key)
            loaded.values += tables.values.find("key", *key)
        return loaded

    async def load_below(self, instance: str, branch: str) -> Loaded:
        found = await self.load([(instance, None)])
        branches = [row for row in found.branches if row.id.startswith(branch)]
        return Loaded(branches, [row for row in found.values if row.branch.startswith(branch)])

    async def remembered(self, instance: str, limit: int) -> list[RememberedRow]:
        return self._tables.remembered.find("key", instance)[::-1][:limit]

    async def commit(self, writes: Writes) -> None:
        write_all(self._tables, writes)
