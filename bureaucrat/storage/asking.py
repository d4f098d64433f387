"""The reads that every storage with SQL is asked for, by the names they have in its ``reads.sql``.

Rules: an adapter says how a statement is run (:meth:`Reads.found`) and how branches come with their values
(:meth:`Reads.loaded`); a list among the parameters is a list of keys, or of tuples of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ..ports import (
    AttemptRow,
    AuditRow,
    Belongings,
    Cause,
    DeadRow,
    DefinitionRow,
    DestinationRow,
    Due,
    EventRow,
    HistoryRow,
    IncidentRow,
    InstanceQuery,
    InstanceRow,
    Loaded,
    MailRow,
    OutboxRow,
    PauseRow,
    RememberedRow,
    ScheduleRow,
    Stray,
    VersionRow,
    WaitRow,
)
from . import shapes
from .shapes import Row, Shape
from .statements import statements

_FIRST = Due("", "", -math.inf)  # before every branch that is due
_FIRST_ATTEMPT = AttemptRow("", "", "", 0)  # before every attempt
_LAST_NUMBER = 2**63 - 1
_PARAMETER = re.compile(r"(?<![:\w]):(\w+)")


class Reads:
    """What is asked of a database that knows SQL."""

    technology: str  #: the folder of its statements

    async def found(self, shape: Shape[Row], sql: str, given: Mapping[str, Any]) -> list[Row]:
        """All rows that a statement selects."""
        raise NotImplementedError

    async def loaded(self, which: str, /, **given: Any) -> Loaded:
        """Branches with their values, at one moment: those ``of`` instances, ``some`` by key, or ``below`` one."""
        raise NotImplementedError

    async def together(self, parts: Sequence[tuple[Shape[Any], str]], given: Mapping[str, Any]) -> list[list[Any]]:
        """All rows that several statements select, as one moment sees them."""
        raise NotImplementedError

    async def rows(self, name: str, shape: Shape[Row], /, **given: Any) -> list[Row]:
        """What the read of that name finds."""
        return await self.found(shape, statements(self.technology, "reads.sql")[name], given)

    async def _some(self, name: str, shape: Shape[Row], /, **asked: Any) -> list[Row]:
        """What it finds without the lines that name what was not asked for: None, or False."""
        return await self.found(shape, *self._asked(name, asked))

    def _asked(self, name: str, asked: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        given = {key: value for key, value in asked.items() if value is not None and value is not False}
        return only_given(statements(self.technology, "reads.sql")[name], given), given

    # what the sweep looks for

    async def due(self, before: float, limit: int, after: Due | None = None) -> list[Due]:
        place = after or _FIRST
        return await self.rows(
            "due", shapes.DUE, before=before, at=place.at, instance=place.instance, branch=place.branch, limit=limit
        )

    async def mail(self, limit: int, but: Collection[int] = ()) -> list[MailRow]:
        return await self._some("mail", shapes.MAIL, limit=limit, but=sorted(but) or None)

    async def held_mail(self, instance: str, limit: int) -> list[MailRow]:
        return await self.rows("held_mail", shapes.MAIL, instance=instance, limit=limit)

    async def releasable(self, limit: int) -> list[str]:
        return await self.rows("releasable", shapes.ID, limit=limit)

    async def fresh_waits(self, limit: int) -> list[WaitRow]:
        return await self.rows("fresh_waits", shapes.WAIT, limit=limit)

    async def latest(self) -> float | None:
        found: list[float | None] = await self.rows("latest", shapes.AT)
        return found[0]

    async def pending_events(self, limit: int, but: Collection[int] = ()) -> list[EventRow]:
        return await self._some("pending_events", shapes.EVENT, limit=limit, but=sorted(but) or None)

    async def attempts(self, limit: int, after: AttemptRow | None = None) -> list[AttemptRow]:
        place = after or _FIRST_ATTEMPT
        given = {"participant": place.participant, "instance": place.instance, "branch": place.branch}
        return await self.rows("attempts", shapes.ATTEMPT, limit=limit, **given)

    async def asked(self) -> list[str]:
        return await self.rows("asked", shapes.PARTICIPANT)

    async def attempt_counts(self, participants: Sequence[str]) -> dict[str, tuple[int, int]]:
        return dict(await self.rows("attempt_counts", shapes.COUNTS, participants=list(participants)))

    async def kept(self) -> list[str]:
        return await self.rows("kept", shapes.PARTICIPANT)

    async def outbox(self, limit: int, after: int = 0, but: Collection[int] = ()) -> list[OutboxRow]:
        return await self._some("outbox", shapes.OUTBOX, limit=limit, after=after, but=sorted(but) or None)

    async def outbox_rows(self, numbers: Sequence[int]) -> list[OutboxRow]:
        return await self.rows("outbox_rows", shapes.OUTBOX, numbers=list(numbers))

    async def outbox_of(self, instance: str) -> dict[int, str]:
        return dict(await self.rows("outbox_of", shapes.OUT, instance=instance))

    # events

    async def paths(self, event: str) -> list[str]:
        return await self.rows("paths", shapes.PATH, event=event)

    async def waits(self, event: str, keys: Sequence[tuple[str, str]], after: str, limit: int) -> list[WaitRow]:
        pairs = list(dict.fromkeys(keys))
        return await self.rows("waits", shapes.WAIT, event=event, keys=pairs, after=after, limit=limit)

    async def kept_events(
        self, wait: WaitRow, limit: int, after: tuple[float, int] = (0.0, 0), digest: int | None = None
    ) -> list[EventRow]:
        at, number = max((wait.since, _LAST_NUMBER), after)  # one place to begin at: the index finds it
        given = {"name": wait.event, "instance": wait.instance, "accepted": at, "number": number, "limit": limit}
        if digest is None:
            return await self.rows("kept_events", shapes.EVENT, **given)
        return await self.rows("keyed_events", shapes.EVENT, digest=digest, **given)

    async def woken(self, event: int, instances: Sequence[str]) -> set[str]:
        return set(await self.rows("woken", shapes.INSTANCE_ID, event=event, instances=list(instances)))

    async def event(self, id: str) -> EventRow | None:
        return _first(await self.rows("event", shapes.EVENT, id=id))

    async def woken_by(self, event: int, limit: int = 100) -> list[tuple[str, str, int]]:
        return await self.rows("woken_by", shapes.WOKEN, event=event, limit=limit)

    async def awaited(self) -> list[str]:
        return await self.rows("awaited", shapes.NAME)

    # definitions and what people look at

    async def definition(self, hash: str) -> DefinitionRow | None:
        return _first(await self.rows("definition", shapes.DEFINITION, hash=hash))

    async def definitions_in_use(self) -> list[str]:
        return await self.rows("definitions_in_use", shapes.HASH)

    async def versions(self, name: str | None = None) -> list[VersionRow]:
        return await self._some("versions", shapes.VERSION, name=name)

    async def registered(self, name: str, version: int | None = None) -> VersionRow | None:
        return _first(
            await self._some("registered", shapes.VERSION, name=name, version=version, newest=version is None)
        )

    async def schedules(self, process: str | None = None) -> list[ScheduleRow]:
        return await self._some("schedules", shapes.SCHEDULE, process=process)

    async def due_schedules(self, before: float, limit: int) -> list[ScheduleRow]:
        return await self.rows("due_schedules", shapes.SCHEDULE, before=before, limit=limit)

    async def waiting_schedules(self, limit: int) -> list[ScheduleRow]:
        return await self.rows("waiting_schedules", shapes.SCHEDULE, limit=limit)

    async def starters(self, event: str | None = None) -> list[str]:
        return await self._some("starters", shapes.PROCESS, event=event)

    async def running(self) -> dict[str, int]:
        return dict(await self.rows("running", shapes.COUNT))

    async def instance(self, id: str) -> InstanceRow | None:
        return _first(await self.rows("instance", shapes.INSTANCE, id=id))

    async def instances(self, query: InstanceQuery) -> list[InstanceRow]:
        return await self._some("instances", shapes.INSTANCE, **asdict(query))

    async def number_of(self, query: InstanceQuery) -> int:
        sql, given = self._asked("instances", {**asdict(query), "limit": None})
        (number,) = await self.found(shapes.TOTAL, f"SELECT count(*) AS total FROM ({sql}) AS found", given)
        return int(number)

    async def branches(self, instance: str) -> Loaded:
        return await self.loaded("of", instances=[instance])

    async def waits_of(self, instance: str) -> list[WaitRow]:
        return await self.rows("waits_of", shapes.WAIT, instance=instance)

    async def remembered(self, instance: str, limit: int = 100) -> list[RememberedRow]:
        return await self.rows("remembered", shapes.REMEMBERED, instance=instance, limit=limit)

    async def history(self, instance: str, after: int = 0, limit: int = 1000) -> list[HistoryRow]:
        return await self.rows("history", shapes.HISTORY, instance=instance, after=after, limit=limit)

    async def incidents(self, instance: str | None = None, *, closed: bool = False) -> list[IncidentRow]:
        return await self._some("incidents", shapes.INCIDENT, instance=instance, open=not closed)

    async def causes(self) -> list[Cause]:
        return await self.rows("causes", shapes.CAUSE)

    async def incidents_of(self, cause: Cause, limit: int) -> list[IncidentRow]:
        names = ("process", "definition", "activity", "kind", "code", "message")
        same = {name: getattr(cause, name) for name in names}
        return await self.rows("incidents_of", shapes.INCIDENT, limit=limit, **same)

    async def dead_letters(self, limit: int = 100, message_id: str | None = None) -> list[DeadRow]:
        return await self._some("dead_letters", shapes.DEAD, limit=limit, message_id=message_id)

    async def dead_letter(self, number: int) -> DeadRow | None:
        return _first(await self.rows("dead_letter", shapes.DEAD, number=number))

    async def audit(self, number: int) -> AuditRow | None:
        return _first(await self.rows("audit", shapes.AUDIT, number=number))

    async def audits(self, instance: str | None = None, limit: int = 100) -> list[AuditRow]:
        return await self._some("audits", shapes.AUDIT, limit=limit, instance=instance)

    async def destinations(self) -> list[DestinationRow]:
        return await self.rows("destinations", shapes.DESTINATION)

    async def pauses(self) -> list[PauseRow]:
        return await self.rows("pauses", shapes.PAUSE)

    async def statuses(self) -> dict[str, int]:
        return dict(await self.rows("statuses", shapes.COUNT))

    async def counts(self) -> dict[str, int]:
        return dict(await self.rows("counts", shapes.COUNT))

    # what an examination asks

    async def belongings(self, instances: Sequence[str]) -> Belongings:
        sql = statements(self.technology, "examine.sql")
        parts = [(shape, sql[name]) for name, shape in shapes.BELONGINGS.items()]
        return Belongings(*await self.together(parts, {"instances": list(instances)}))

    async def strays(self, limit: int) -> list[Stray]:
        sql = statements(self.technology, "examine.sql")
        names = sorted(name for name in sql if name.startswith("stray_"))
        return [row for name in names for row in await self.found(shapes.STRAY, sql[name], {"limit": limit})]


async def wanted_of(reads: Reads, wanted: Iterable[tuple[str, Sequence[str] | None]]) -> Loaded:
    """What a batch wants loaded: of each instance these branches, or with None every one."""
    asked = list(wanted)
    whole = dict.fromkeys(instance for instance, ids in asked if ids is None)
    some = [(instance, id) for instance, ids in asked if ids and instance not in whole for id in ids]
    loaded = Loaded()
    if whole:
        loaded = await reads.loaded("of", instances=list(whole))
    if some:
        found = await reads.loaded("some", keys=some)
        loaded = Loaded(loaded.branches + found.branches, loaded.values + found.values)
    return loaded


def only_given(sql: str, given: Mapping[str, object]) -> str:
    """The statement without the lines that name a parameter that is not given."""
    return "\n".join(line for line in sql.splitlines() if set(_PARAMETER.findall(line)) <= given.keys())


def _first(rows: list[Row]) -> Row | None:
    return rows[0] if rows else None
