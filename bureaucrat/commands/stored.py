"""Instances as they are stored: for commands that show them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..core.instance import ROOT, Copy
from ..core.table import Definition
from ..engine.codec import add_loaded, decode, decode_instance
from ..engine.writes import Progress
from ..ports import HistoryRow, Storage
from .migrated import as_of_now

_PAGE = 500  #: rows asked for at a time
_MOST_BRANCHES = 256  #: that are read each time something happens
_INPUTS = frozenset({"input", "released"})  #: what a full history keeps besides, for replay


async def copy_of(storage: Storage, instance: str) -> Copy | None:
    """It as it is stored; it may go on between the two queries, so its branches may be older than the rest."""
    branches = await storage.branches(instance)
    row = await storage.instance(instance)
    if row is None:
        return None
    copy = Copy(decode_instance(row))
    add_loaded(copy, branches)
    return copy


async def glance_of(storage: Storage, instance: str) -> Copy:
    """It as a view is brought up to date by it, many times: of very many branches only the first, which counts them."""
    row = await storage.instance(instance)
    assert row is not None, "it was told of after it was stored"
    copy = Copy(decode_instance(row))
    is_wide = copy.instance.branches > _MOST_BRANCHES
    add_loaded(copy, await (storage.batch().load([(instance, [ROOT])]) if is_wide else storage.branches(instance)))
    return copy


async def history_of(storage: Storage, instance: str) -> list[HistoryRow]:
    """All that is kept of its history."""
    rows: list[HistoryRow] = []
    while page := await storage.history(instance, rows[-1].number if rows else 0, _PAGE):
        rows += page
    return rows


async def entries_of(storage: Storage, instance: str, definition: Definition, before: float) -> list[Progress]:
    """What has happened in it before an instant, as the engine tells it."""
    history = as_of_now(await history_of(storage, instance), definition)
    return entries(row for row in history if row.at < before)


def entries(history: Iterable[HistoryRow]) -> list[Progress]:
    """Records as the engine tells them."""
    return [
        Progress(row.instance, row.at, row.what, row.activity, row.address, decode(row.detail))
        for row in history
        if row.what not in _INPUTS
    ]


def fields_of(copy: Copy) -> dict[str, Any]:
    """The values of the process's own scope."""
    scope = copy.branches[ROOT].scopes.get(0)
    return {} if scope is None else dict(scope.values)
