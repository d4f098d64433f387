"""Where an instance stands, for a client that asks."""

from __future__ import annotations

from .. import wire
from ..core.instance import ROOT, Copy
from ..ports import Storage
from .codec import add_loaded, decode_instance


async def status_of(storage: Storage, id: str) -> wire.StatusAnswer:
    """What is known of an instance; of one that never began, the reason if its start is a dead letter."""
    row = await storage.instance(id)
    if row is None:
        letters = await storage.dead_letters(1, message_id=id)
        return wire.StatusAnswer(id, known=False, dead=letters[0].reason if letters else None)
    copy = Copy(decode_instance(row))
    add_loaded(copy, await storage.branches(id))
    root = copy.branches.get(ROOT)
    scope = None if root is None else root.scopes.get(0)
    incidents = await storage.incidents(id)
    opened = [
        {"address": one.address, "kind": one.kind, "code": one.code, "message": one.message, "opened": one.opened}
        for one in incidents
    ]
    thrown = [{"code": one.code, "message": one.message} for one in incidents if one.kind == "fault"]
    if copy.instance.fault is not None:  # of an instance that has ended with it
        thrown.append({"code": copy.instance.fault.code, "message": copy.instance.fault.message})
    return wire.StatusAnswer(
        id,
        known=True,
        process=row.process,
        business_key=row.business_key,
        status=row.status,
        outcome=row.outcome,
        started=row.started,
        ended=row.ended,
        fields={} if scope is None else scope.values,
        fault=thrown[-1] if thrown else None,
        incidents=opened,
    )
