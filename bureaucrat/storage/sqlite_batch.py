"""A batch on a SQLite file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..ports import InstanceRow, Loaded, RememberedRow, Writes
from .sqlite_rows import Shape, as_json, shape_of

if TYPE_CHECKING:
    from .sqlite import SqliteStorage

_INSTANCE = shape_of(InstanceRow)
_TAKEN = Shape(lambda *found: found, (("number", "int"), ("held", "bool")))


class SqliteBatch:
    """A batch needs no transaction before its commit: nobody else writes."""

    def __init__(self, storage: SqliteStorage) -> None:
        self._storage = storage

    async def __aenter__(self) -> SqliteBatch:
        return self

    async def __aexit__(self, *error: object) -> None:
        return None

    async def lock(self, instances: Sequence[str]) -> dict[str, InstanceRow]:
        rows = await self._storage.rows("lock", _INSTANCE, ids=as_json(instances))
        return {row.id: row for row in rows}

    async def take_mail(self, numbers: Sequence[int]) -> dict[int, bool]:
        return dict(await self._storage.rows("take_mail", _TAKEN, numbers=as_json(numbers)))

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
