"""Whatever is written, in whatever order: every adapter answers as the one in memory does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from random import Random
from typing import Any

import pytest
from storage_adapters import ADAPTERS, Place
from storage_rows import (
    audit,
    branch,
    dead,
    definition,
    destination,
    entry,
    event,
    incident,
    instance,
    mail,
    out,
    pause,
    remembered,
    schedule,
    state,
    value,
    version,
    wait,
)

from bureaucrat.errors import AlreadySeen, NotUnique, StaleVersion
from bureaucrat.ports import AttemptRow, Due, InstanceQuery, Storage, Writes
from bureaucrat.storage.memory import MemoryStorage

IDS = ("a", "b")
BRANCHES = ("", "1", "1.1")
SMALL = (0, 1, 2)
TIMES = (1.0, 2.5, 4.1)
NAMES = ("", "x", "y")
JSON = (b"{}", b"[1]", '"ž"'.encode())

#: for each part of a batch: what makes a row, the columns of its key, and other columns
PARTS: dict[str, tuple[Callable[..., Any], dict[str, tuple[Any, ...]], dict[str, tuple[Any, ...]]]] = {
    "branches": (
        branch,
        {"instance": IDS, "id": BRANCHES},
        {"due": (None, *TIMES), "attempt": (None, 1), "state": JSON, "participant": ("", "mail")},
    ),
    "values": (value, {"instance": IDS, "branch": BRANCHES, "scope": SMALL, "name": NAMES}, {"value": JSON}),
    "waits": (
        wait,
        {"instance": IDS, "branch": BRANCHES, "activity": SMALL},
        {"activation": (1, 2), "path": NAMES, "fresh": (True, False), "event": ("paid", "sent")},
    ),
    "remembered": (
        remembered,
        {"instance": IDS, "number": SMALL},
        {"branch": BRANCHES, "activity": SMALL, "at": TIMES, "levels": JSON},
    ),
    "events": (event, {"number": SMALL}, {"accepted": TIMES, "cursor": (None, "", "a"), "id": NAMES}),
    "mail": (mail, {"number": SMALL}, {"instance": IDS, "held": (True, False)}),
    "outbox": (out, {"number": SMALL}, {"instance": IDS, "attempt": (None, *SMALL), "participant": ("", "mail")}),
    "dead": (dead, {"number": (1, 2, 3, 4)}, {"digest": NAMES, "at": TIMES, "message_id": NAMES}),
    "history": (entry, {"instance": IDS, "number": SMALL}, {"at": TIMES}),
    "incidents": (
        incident,
        {"instance": (*IDS, "gone"), "number": SMALL},
        {"opened": TIMES, "activity": (1, 2), "message": NAMES, "address": NAMES},
    ),
    "definitions": (definition, {"hash": NAMES}, {"version": (None, 1, 2), "source": NAMES}),
    "audit": (audit, {"number": SMALL}, {"instance": ("", *IDS), "answer": NAMES}),
    "versions": (
        version,
        {"name": NAMES, "version": tuple(range(1, 200))},
        {"definition": NAMES, "deployed": TIMES, "retired": (False, False, True)},
    ),
    "pauses": (pause, {"participant": NAMES}, {"since": TIMES, "who": NAMES, "reason": NAMES}),
    "destinations": (destination, {"name": NAMES}, {"ready": SMALL, "silent_since": (None, *TIMES)}),
}
#: for each part of a batch that is a list of tuples: how many columns are its key, and all columns
TUPLES: dict[str, tuple[int, tuple[tuple[Any, ...], ...]]] = {
    "scopes_gone": (3, (IDS, BRANCHES, SMALL)),
    "branches_gone": (2, (IDS, BRANCHES)),
    "waits_gone": (3, (IDS, BRANCHES, SMALL)),
    "remembered_gone": (2, (IDS, SMALL)),
    "forgotten": (1, (IDS,)),
    "pauses_gone": (1, (NAMES,)),
    "attempts_gone": (2, (IDS, SMALL)),
    "incidents_closed": (2, (IDS, SMALL, TIMES, NAMES)),
    "waits_seen": (3, (IDS, BRANCHES, SMALL, (1, 2))),
    "event_keys": (4, (("paid", "sent"), (0, 7), TIMES, SMALL)),
    "consumed": (4, (SMALL, IDS, BRANCHES, SMALL)),
    "retired": (2, (NAMES, SMALL, (True, False))),
    "event_starts": (2, (NAMES, NAMES)),
    "settings": (1, (NAMES, NAMES)),
    "inbox": (2, (tuple("abcdefghijklmnopqrstuvwxyz"), TIMES)),
}


class Chance:
    """Batches and prunings by chance; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self.stored: dict[str, Any] = {}  #: each instance that is there
        self.cursors: dict[int, str | None] = {}  #: the cursor of each event that is there
        self.changes: dict[tuple[str, int], int] = {}  #: how often each schedule that is there has changed

    def step(self) -> Writes | dict[str, float]:
        if self._random.random() < 0.15:
            times = (0.0, *TIMES)
            return {name: self._random.choice(times) for name in ("history", "instances", "events", "inbox", "dead")}
        writes = Writes()
        for name in (field.name for field in fields(Writes)):
            if self._random.random() < 0.4:
                setattr(writes, name, self._part(name, {row.id for row in writes.instances}))
        return writes

    def _part(self, name: str, whole: set[str]) -> list[Any]:
        if name == "instances":
            return [self._instance(id) for id in IDS if self._random.random() < 0.5]
        if name == "states":
            return [self._state(id) for id in IDS if id not in whole and self._random.random() < 0.5]
        if name == "cursors":
            found = [self._cursor(number) for number in sorted({*self.cursors}) if self._random.random() < 0.5]
            return list({cursor[0]: cursor for cursor in found}.values())  # a batch moves an event's cursor once
        if name == "schedules":
            return [self._schedule(process) for process in NAMES if self._random.random() < 0.5]
        if name in ("mail_gone", "outbox_gone", "outbox_let_go", "dead_gone"):
            return [self._random.choice(SMALL)]
        if name in TUPLES:
            count, columns = TUPLES[name]
            rows = [tuple(map(self._random.choice, columns)) for _ in range(2)]
            return list({row[:count]: row for row in rows}.values())
        make, key, others = PARTS[name]
        found = [{column: self._random.choice(of) for column, of in (key | others).items()} for _ in range(3)]
        return list({tuple(row[column] for column in key): make(**row) for row in found}.values())

    def _schedule(self, process: str) -> Any:
        number, lists = self._random.choice(SMALL), (b"[]", b"[]", b"[1.5]")
        return schedule(
            process=process,
            number=number,
            changes=self.changes.get((process, number), 0) + (1 if self._random.random() < 0.9 else 2),
            due=self._random.choice((None, *TIMES)),
            paused=self._random.random() < 0.5,
            queued=self._random.choice(lists),
            asked=self._random.choice(lists),
            started=self._random.choice((None, *TIMES)),
            instance=self._random.choice((None, *IDS)),
            skipped=self._random.choice(SMALL),
        )

    def _cursor(self, number: int) -> tuple[int, str | None, str | None]:
        if self._random.random() < 0.1:
            return self._random.choice(SMALL), self._random.choice((None, "", "a")), "b"
        return number, self.cursors[number], self._random.choice((None, "a", "b"))

    def _state(self, id: str) -> Any:
        before = self.stored[id].version if id in self.stored else 0
        version = before + (1 if self._random.random() < 0.9 else self._random.choice((0, 2)))
        return state(id=id, version=version, state=self._random.choice(JSON), held=self._random.choice(SMALL))

    def _instance(self, id: str) -> Any:
        before = self.stored[id].version if id in self.stored else 0
        version = before + (1 if self._random.random() < 0.9 else self._random.choice((0, 2)))
        ended = self._random.choice((None, None, *TIMES))
        status, hash = self._random.choice(("running", "faulted")), self._random.choice(NAMES)
        releasable = self._random.random() < 0.5
        row = instance(id=id, version=version, ended=ended, releasable=releasable, status=status, definition=hash)
        stored = self.stored.get(id)
        row.business_key, row.is_unique = "k", self._random.random() < 0.6 if stored is None else stored.is_unique
        if row.is_unique and stored is not None and stored.ended is not None:
            row.ended = ended or stored.ended  # what has ended and had its key for itself stays so
        return row


async def told(storage: Storage, step: Writes | dict[str, float]) -> int | str:
    """Do one thing; returns what the caller is told."""
    if isinstance(step, dict):
        return await storage.prune(**step)
    try:
        async with storage.batch() as batch:
            await batch.commit(step)
    except (AlreadySeen, StaleVersion) as error:
        return type(error).__name__
    except NotUnique as error:
        return str(error)
    return "written"


async def in_a_batch(storage: Storage) -> dict[str, Any]:
    """All that can be asked there."""
    async with storage.batch() as batch:
        return {
            "lock": await batch.lock(IDS),
            "load": await batch.load([("a", None), ("b", ["", "1", "2"])]),
            "load_below": await batch.load_below("a", "1"),
            "take_mail": await batch.take_mail(SMALL),
            "unsent": await batch.unsent(IDS),
            "take_events": await batch.take_events(SMALL),
            "take_leave": [await batch.take_leave(names, 2, 2) for names in (["mail"], ["pay", "mail"])],
            "remembered_first": await batch.remembered("a", 1),
        }


async def seen(storage: Storage) -> dict[str, Any]:
    """All that can be asked."""
    pairs = [("", "17"), ("x", "17"), ("z", "17")]
    causes = await storage.causes()
    return await in_a_batch(storage) | {
        "instances": await storage.instances(InstanceQuery()),
        "number_of": [await storage.number_of(InstanceQuery(unfinished=each, limit=1)) for each in (True, False)],
        "statuses": await storage.statuses(),
        "definitions_in_use": await storage.definitions_in_use(),
        "branches": [await storage.branches(id) for id in IDS],
        "due": [await storage.due(3.0, 2, after) for after in (None, Due("a", "1", 1.0), Due("b", "", 2.5))],
        "mail": await storage.mail(9),
        "held_mail": [await storage.held_mail(id, 9) for id in IDS],
        "releasable": await storage.releasable(9),
        "fresh_waits": await storage.fresh_waits(9),
        "pending_events": await storage.pending_events(9),
        "attempts": [await storage.attempts(3, after) for after in (None, AttemptRow("mail", "a", "", 0))],
        "asked": await storage.asked(),
        "attempt_counts": await storage.attempt_counts(["", "mail", "pay"]),
        "outbox_rows": await storage.outbox_rows(SMALL),
        "outbox": [await storage.outbox(9, after) for after in (-1, 0, 1)],
        "kept": await storage.kept(),
        "outbox_of": [await storage.outbox_of(id) for id in IDS],
        "awaited": await storage.awaited(),
        "paths": await storage.paths("paid"),
        "waits": [await storage.waits("paid", pairs, after, 1) for after in ("", "a")],
        "waits_of": [await storage.waits_of(id) for id in IDS],
        "remembered": [await storage.remembered(id, 2) for id in IDS],
        "kept_events": [
            await storage.kept_events(wait(instance=id, since=since), 2, after)
            for id in IDS
            for since, after in ((0.0, (0.0, 0)), (1.0, (1.0, 0)), (0.0, (1.0, 1)), (1.0, (2.5, 0)))
        ],
        "keyed_events": [
            await storage.kept_events(wait(instance=id, since=since), 2, after, digest=7)
            for id in IDS
            for since, after in ((0.0, (0.0, 0)), (1.0, (1.0, 0)), (0.0, (1.0, 1)))
        ],
        "woken": [await storage.woken(number, IDS) for number in SMALL],
        "woken_by": [await storage.woken_by(number, 2) for number in SMALL],
        "event": [await storage.event(id) for id in NAMES],
        "history": [await storage.history(id) for id in IDS],
        "incidents": await storage.incidents(),
        "closed": await storage.incidents(closed=True),
        "causes": causes,
        "incidents_of": [await storage.incidents_of(cause, 2) for cause in causes],
        "dead_letters": [await storage.dead_letters(message_id=id) for id in (None, *NAMES)],
        "dead_letter": [await storage.dead_letter(number) for number in SMALL],
        "audit": [await storage.audit(number) for number in SMALL],
        "audits": [await storage.audits(id, 2) for id in (None, "", *IDS)],
        "destinations": await storage.destinations(),
        "pauses": await storage.pauses(),
        "definition": [await storage.definition(hash) for hash in NAMES],
        "versions": [await storage.versions(name) for name in (None, *NAMES)],
        "registered": [await storage.registered(name, one) for name in NAMES for one in (None, *SMALL)],
        "running": await storage.running(),
        "schedules": [await storage.schedules(process) for process in (None, *NAMES)],
        "due_schedules": [await storage.due_schedules(before, 2) for before in TIMES],
        "waiting_schedules": await storage.waiting_schedules(2),
        "starters": [await storage.starters(event) for event in (None, *NAMES)],
        "counts": await storage.counts(),
    }


@pytest.mark.parametrize(
    ("adapter", "seed"),
    [(name, seed) for name in ADAPTERS if name != "memory" for seed in range(4 if name == "postgresql" else 10)],
)
async def test_an_adapter_answers_as_the_one_in_memory_does(adapter: str, seed: int, place: Place) -> None:
    memory, other, chance = MemoryStorage(), ADAPTERS[adapter](place), Chance(seed)
    await other.open()
    try:
        for _ in range(20):
            step = chance.step()
            assert (step, await told(other, step)) == (step, await told(memory, step))
            assert await seen(other) == await seen(memory)
            chance.stored = {row.id: row for row in await memory.instances(InstanceQuery())}
            events = await memory.kept_events(wait(instance="nobody", since=0.0), 9)
            chance.changes = {(row.process, row.number): row.changes for row in await memory.schedules()}
            chance.cursors = {row.number: row.cursor for row in events}
    finally:
        await other.close()
