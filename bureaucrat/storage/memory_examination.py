"""What an examination reads of tables in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..ports import Belongings, Span, Stray, Vitals
from .memory_tables import Tables


def belongings(tables: Tables, instances: Sequence[str]) -> Belongings:
    """All that is kept of these instances."""
    found = Belongings()
    for id in sorted(set(instances)):
        row = tables.instances.get(id)
        found.instances += [] if row is None else [row]
        found.branches += tables.branches.find("key", id)
        found.values += tables.values.find("key", id)
        found.waits += tables.waits.find("key", id)
        found.remembered += tables.remembered.find("key", id)
        found.incidents += [one for one in tables.incidents.find("key", id) if one.closed is None]
        found.outbox += [replace(one, body=b"") for one in tables.outbox.find("attempt", id)]
        history = tables.history.find("key", id)
        if history:
            found.spans.append(Span(id, history[0].number, history[-1].number, len(history), history[0].what))
    found.outbox.sort(key=lambda row: row.number)
    found.mail = [row for row in tables.mailbox.find("key") if row.instance in instances]
    return found


def strays(tables: Tables, limit: int) -> list[Stray]:
    """Rows whose owner is not there."""
    owners = {
        "branches": [row.instance for row in tables.branches.find("key")],
        "incidents": [row.instance for row in tables.incidents.find("open")],
        "remembered": [row.instance for row in tables.remembered.find("key")],
        "values": [row.instance for row in tables.values.find("key")],
        "waits": [row.instance for row in tables.waits.find("key")],
    }
    found = {name: {id for id in ids if (id,) not in tables.instances} for name, ids in owners.items()}
    numbers = {
        "consumed": [row.event for row in tables.consumed.find("key")],
        "event_keys": [row.event for row in tables.event_keys.find("key")],
    }
    found |= {name: {str(one) for one in events if (one,) not in tables.events} for name, events in numbers.items()}
    return [Stray(name, of) for name in sorted(found) for of in sorted(found[name])[:limit]]


def examine() -> Vitals:
    """There is nothing to see: it is this process's own."""
    return Vitals("memory", "this process", 0, [], 0, 0, None, is_exposed=False, daemons=1)
