"""All that is stored about one instance, read at once and put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..core.activities import Call
from ..core.instance import Copy
from ..ports import AuditRow, HistoryRow, IncidentRow, InstanceRow, RememberedRow
from .causes import groups
from .crowds import crowds_of, kept_back
from .mailing import waiting
from .migrated import as_of_now
from .rows import Row
from .standing import Standing, judged, queues_of
from .stored import copy_of, entries, fields_of, history_of
from .story import Story
from .waking import Facts, Waking, wakings
from .window import Window
from .wording import iso


@dataclass(slots=True)
class Seen:
    """One instance."""

    row: InstanceRow
    copy: Copy
    story: Story
    standing: Standing
    wakings: list[Waking]
    incidents: list[IncidentRow]
    facts: Facts
    history: list[HistoryRow]
    fields: dict[str, Any]
    version: int | None  #: of its definition, once it is registered
    caller: str | None  #: the instance that called it
    same: int  #: open incidents of the same cause elsewhere
    orders: list[AuditRow]  #: of people, newest first
    remembered: list[RememberedRow]  #: what can be compensated, newest first; the newest of very many

    def as_json(self) -> dict[str, Any]:
        """For programs; without values."""
        row = self.row
        fault = self.copy.instance.fault
        return {
            "id": row.id,
            "process": row.process,
            "version": self.version,
            "definition": row.definition,
            "key": row.business_key,
            "status": row.status,
            "state": self.standing.word,
            "since": iso(self.standing.since),
            "started": iso(row.started),
            "ended": iso(row.ended),
            "outcome": row.outcome,
            "held": row.held,
            "caller": self.caller,
            "fault": None if fault is None else {"code": fault.code, "message": fault.message},
            "activities": [_row_json(row) for row in self.story.rows],
            "wakes": [{"activity": one.label, "address": one.address, "by": list(one.texts)} for one in self.wakings],
            "remembering": self.copy.instance.remembering,
            "remembered": [_remembered_json(self.story, one) for one in self.remembered],
            "incidents": [_incident_json(self.story, one) for one in self.incidents],
        }


async def see(window: Window, row: InstanceRow) -> Seen:
    """Read it."""
    copy = await copy_of(window.storage, row.id)
    assert copy is not None, "it was found a moment ago"
    definition = await window.definitions.get(row.definition)
    stored = await window.storage.definition(row.definition)
    story = Story(row.id, definition, row.business_key, row.started)
    history = as_of_now(await history_of(window.storage, row.id), definition)
    story.restore(entries(history), copy)
    incidents = await window.storage.incidents(row.id)
    facts = await _facts(window, row, copy, story, incidents)
    story.look_ahead(copy, facts.waits, incidents)
    for one in story.all_rows():
        one.is_before = False  # nothing is running that it could be before of
    caller = copy.instance.caller
    return Seen(
        row=row,
        copy=copy,
        story=story,
        standing=_standing(window, row, copy, story, incidents, facts),
        wakings=wakings(story, copy, facts, window.times),
        incidents=incidents,
        facts=facts,
        history=history,
        fields=fields_of(copy),
        version=None if stored is None else stored.version,
        caller=None if caller is None else caller.instance,
        same=await _same(window, row, incidents),
        remembered=await window.storage.remembered(row.id),
        orders=[*await waiting(window, row.id), *await window.storage.audits(row.id)],
    )


async def _facts(window: Window, row: InstanceRow, copy: Copy, story: Story, incidents: list[IncidentRow]) -> Facts:
    called = {}
    for branch in copy.branches.values():
        for frame in branch.frames:
            if isinstance(story.definition.activities[frame.activity], Call) and frame.text:
                found = await window.storage.instance(frame.text)
                if found is not None:
                    called[found.id] = found
    return Facts(
        waits=await window.storage.waits_of(row.id),
        incidents=incidents,
        unsent=frozenset(await window.storage.outbox_of(row.id)),
        kept=await kept_back(window, story, copy, await crowds_of(window)),
        queues=await queues_of(window),
        called=called,
    )


def _standing(
    window: Window, row: InstanceRow, copy: Copy, story: Story, incidents: list[IncidentRow], facts: Facts
) -> Standing:
    if row.ended is not None:
        return Standing(row, row.status, row.ended)
    return judged(window, row, story, copy, incidents, facts.queues, facts.kept)


async def _same(window: Window, row: InstanceRow, incidents: list[IncidentRow]) -> int:
    """How many other open incidents have the cause of the first one."""
    if not incidents:
        return 0
    one = incidents[0]
    wanted = (row.definition, one.activity, one.kind, one.code, one.message)
    same = [
        group.number - 1
        for group in await groups(window)
        for part in group.parts
        if (part.definition, part.activity, part.kind, part.code, part.message) == wanted
    ]
    return sum(same)


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "activity": row.label,
        "address": row.address,
        "state": row.mark.name.lower(),
        "since": iso(row.since),
        "ended": iso(row.ended),
        "attempts": row.tries,
        "activities": [_row_json(inside) for inside in row.rows],
    }


def _remembered_json(story: Story, row: RememberedRow) -> dict[str, Any]:
    return {
        "activity": story.definition.activities[row.activity].label,
        "address": story.definition.address(row.instance, row.branch, row.activity),
        "completed": iso(row.at),
    }


def _incident_json(story: Story, incident: IncidentRow) -> dict[str, Any]:
    return {
        "activity": story.definition.activities[incident.activity].label,
        "address": incident.address,
        "kind": incident.kind,
        "code": incident.code,
        "message": incident.message,
        "opened": iso(incident.opened),
    }
