"""An instance made from nothing but its history.

Rules: a full history holds every input with its time, so that the same steps give the same state, to the byte, in any
version of the program that comes after.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import fields

from ..core.instance import Changes, Copy, Instance
from ..core.limits import Limits
from ..core.messages import Migrate
from ..core.step import step
from ..core.table import Definition
from ..core.values import canonical
from ..engine.codec import decode, decode_message, encode_branch
from ..engine.definitions import Definitions
from ..ports import HistoryRow, Storage

_PAGE = 1_000
_INPUTS = frozenset({"input", "released"})


async def history_of(storage: Storage, instance: str, until: int) -> AsyncIterator[HistoryRow]:
    """The entries of a history up to a number, by pages."""
    after = 0
    while after < until:
        rows = await storage.history(instance, after, _PAGE)
        for row in rows:
            if row.number <= until:
                yield row
        after = rows[-1].number if rows else until


async def replayed(record: Instance, storage: Storage, definitions: Definitions, limits: Limits) -> Copy:
    """Apply the inputs of a full history again.

    :param record: as it is stored: who called it, and what it is called, is in no input.
    :raises UnknownDefinition: one that it has run is not stored.
    :raises Exception: whatever a step raises of which an input was changed.
    """
    definition = await definitions.get(await _first_definition(record, storage))
    copy = Copy(_born(record, definition))
    async for row in history_of(storage, record.id, record.recorded):
        if row.what == "mended":
            copy.instance.recorded = row.number
        if row.what not in _INPUTS:
            continue
        message = decode_message(row.detail)
        target = await _target(message, definitions) if isinstance(message, Migrate) else None
        step(
            definition,
            copy,
            message,  # type: ignore[arg-type]  # what stands in a history is a message of the core
            row.at,
            limits=limits,
            released=row.what == "released",
            target=target,
        )
        copy.changes = Changes()
        if target is not None and copy.instance.definition == target.hash:
            definition = target
    return copy


async def _first_definition(record: Instance, storage: Storage) -> str:
    """The definition that it was started with."""
    if record.migrations:
        async for row in history_of(storage, record.id, record.recorded):
            if row.what == "migrated":
                return str(decode(row.detail)["old"])
    return record.definition


async def _target(message: Migrate, definitions: Definitions) -> Definition:
    return definitions.read(message.text) if message.text else await definitions.get(message.to)


def _born(record: Instance, definition: Definition) -> Instance:
    return Instance(
        record.id,
        record.process,
        definition.hash,
        record.started,
        caller=record.caller,
        depth=record.depth,
        business_key=record.business_key,
        unique=record.unique,
        tick=record.tick,
    )


def differences(stored: Copy, again: Copy) -> list[str]:
    """In what two states of an instance differ, for people."""
    if not stored.instance.latest:  # it was written by a version that did not know it
        again.instance.latest = 0.0
    found = [
        one.name for one in fields(Instance) if getattr(stored.instance, one.name) != getattr(again.instance, one.name)
    ]
    for id in sorted(stored.branches.keys() | again.branches.keys()):
        one, other = stored.branches.get(id), again.branches.get(id)
        name = f"the branch {id}" if id else "the first branch"
        if one is None or other is None or encode_branch("", one) != encode_branch("", other):
            found.append(name)
        elif {n: canonical(s.values) for n, s in one.scopes.items()} != {
            n: canonical(s.values) for n, s in other.scopes.items()
        }:
            found.append(f"values in {name}")
    if stored.remembered != again.remembered:
        found.append("the remembered compensations")
    return found
