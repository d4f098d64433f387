"""What may be wrong beside the instances: definitions, schedules, rows without an owner, work that nobody does.

Rules: what is old is told only where a daemon works; without one everything waits, and that is told once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ..core.limits import DAY
from ..definition.problems import InvalidDefinition
from ..engine.bounds import Bounds
from ..engine.codec import decode
from ..engine.definitions import Definitions
from ..errors import UnknownDefinition
from ..ports import OutboxRow, ScheduleRow, Storage
from .findings import Finding, Remedy, Severity

LATE = 60.0  #: seconds after which what is due should have been done
_OLD_LETTERS = 7 * DAY
_PAGE = 1_000
_MOST = 1_000

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Tables:
    """The database at hand."""

    storage: Storage
    definitions: Definitions
    now: float
    is_served: bool  #: whether a daemon works on it
    bounds: Bounds = field(default_factory=Bounds)

    async def all(self) -> AsyncIterator[Finding]:
        """Everything that is found here."""
        for part in (self._definitions, self._schedules, self._strays, self._dead, self._pauses):
            async for finding in part():
                yield finding
        if self.is_served:
            for late in (self._undone, self._outbox):
                async for finding in late():
                    yield finding

    # -- definitions

    async def _definitions(self) -> AsyncIterator[Finding]:
        for hash, number in (await self.storage.running()).items():
            problem = await self._unreadable(hash)
            if problem:
                text = f"{number:,} unfinished instances run the definition {hash[:12]}, which {problem}"
                remedies = (Remedy(("deploy", "FILE"), "with the file that it was made of"), _restore())
                yield Finding("definitions", Severity.BROKEN, text, remedies=remedies)
        for row in await self.storage.versions():
            problem = await self._unreadable(row.definition)
            if problem and not row.retired:
                text = f"{row.name}@{row.version} is the definition {row.definition[:12]}, which {problem}"
                remedy = Remedy(("deploy", "FILE"), "with the file that it was made of")
                yield Finding("definitions", Severity.BROKEN, text, remedies=(remedy,))

    async def _unreadable(self, hash: str) -> str:
        try:
            await self.definitions.get(hash)
        except UnknownDefinition:
            return "is not stored"
        except InvalidDefinition as error:
            return f"cannot be read any more: {' '.join(str(error).split())[:200]}"
        return ""

    async def _schedules(self) -> AsyncIterator[Finding]:
        for row in await self.storage.schedules():
            problem = await self._unscheduled(row)
            if problem:
                text = f"schedule {row.number} of {row.process} {problem}; it starts nothing"
                remedy = Remedy(("deploy", "FILE"), "registers the process again, with its schedules")
                yield Finding("schedules", Severity.BROKEN, text, remedies=(remedy,))

    async def _unscheduled(self, row: ScheduleRow) -> str:
        for name in ("queued", "asked", "unfinished"):
            try:
                found = decode(getattr(row, name))
            except Exception:  # whatever it is, it cannot be read
                return f"has {name} that cannot be read"
            if not isinstance(found, list):
                return f"has {name} that is no list"
        if row.due is None:
            return ""
        try:
            definition = await self.definitions.get(row.definition)
        except (UnknownDefinition, InvalidDefinition):
            return f"is by the definition {row.definition[:12]}, which cannot be read"
        if row.number >= len(definition.schedules):
            return f"is not in its definition, which has {len(definition.schedules)}"
        for id in decode(row.unfinished):
            instance = await self.storage.instance(str(id))
            if instance is not None and instance.process != row.process and instance.ended is None:
                return f"waits for the instance {id}, which is of {instance.process}"
        return ""

    # -- rows

    async def _strays(self) -> AsyncIterator[Finding]:
        first = {(one.table, one.of) for one in await self.storage.strays(_MOST)}
        for one in [one for one in await self.storage.strays(_MOST) if (one.table, one.of) in first] if first else []:
            if one.table in ("consumed", "event_keys"):
                text = f"there are rows in {one.table} of the event {one.of}, which is not kept: they do nothing"
                yield Finding("strays", Severity.ADVICE, text)
                continue
            text = f"there are rows in {one.table} of the instance {one.of}, which is not there"
            remedy = Remedy(says="deletes them")
            yield Finding("strays", Severity.ATTENTION, text, one.of, (remedy,), is_mendable=True)

    async def _dead(self) -> AsyncIterator[Finding]:
        total = (await self.storage.counts())["dead_letters"]
        found = await self.storage.dead_letters(_MOST)
        old = [one for one in found if self.now - one.at > _OLD_LETTERS]
        if old:
            number = total - len(found) + len(old)
            last = old[0].reason[:120]
            text = f"{number:,} messages that no instance took are older than 7 days; the last of them: {last}"
            remedies = (Remedy(("dead", "list"), "shows them, each with its reason"),)
            yield Finding("dead", Severity.ADVICE, text, remedies=remedies)

    async def _pauses(self) -> AsyncIterator[Finding]:
        paused = {row.participant: row for row in await self.storage.pauses()}
        written = [name for name in await self.storage.asked() if self.bounds.name(name) in paused]
        for name, (_, kept) in (await self.storage.attempt_counts(written)).items() if written else ():
            row = paused[self.bounds.name(name)]
            if kept:
                text = f"{kept:,} attempts wait for {name}, which {row.who} has paused" + f": {row.reason}" * bool(
                    row.reason
                )
                remedy = Remedy(("participants", "resume", row.participant), "has them leave")
                yield Finding("pauses", Severity.ADVICE, text, remedies=(remedy,))

    # -- work that nobody does

    async def _undone(self) -> AsyncIterator[Finding]:
        before = self.now - LATE
        for one in await self._twice(
            lambda: self.storage.due(before, _MOST), lambda one: (one.instance, one.branch, one.at)
        ):
            text = (
                f"its branch {one.branch or 'at the root'} was to be woken {self.now - one.at:,.0f} s ago, and was not"
            )
            yield self._late(text, one.instance)
        mail = await self._twice(lambda: self.storage.mail(_MOST), lambda row: row.number)
        for row in [row for row in mail if row.at < before]:
            whom = "it" if row.instance else "the engine"
            text = f"a message waits for {whom} since {self.now - row.at:,.0f} s, and is not taken"
            yield self._late(text, row.instance)
        events = await self._twice(lambda: self.storage.pending_events(_MOST), lambda row: (row.number, row.cursor))
        for event in [event for event in events if event.accepted < before]:
            age = self.now - event.accepted
            yield self._late(
                f"the event {event.name} ({event.id}) was accepted {age:,.0f} s ago, and not offered to all"
            )
        ticks = await self._twice(
            lambda: self.storage.due_schedules(before, _MOST), lambda row: (row.process, row.number, row.due)
        )
        for tick in ticks:
            age = self.now - (tick.due or self.now)
            yield self._late(f"schedule {tick.number} of {tick.process} was to tick {age:,.0f} s ago, and has not")

    async def _twice(self, read: Callable[[], Awaitable[list[Row]]], key: Callable[[Row], object]) -> list[Row]:
        """What two looks find."""
        first = {key(row) for row in await read()}
        return [row for row in await read() if key(row) in first] if first else []

    def _late(self, text: str, instance: str = "") -> Finding:
        see = Remedy(says="look at the daemon's log and at /health: it is overloaded, or cannot go on")
        return Finding("undone", Severity.ATTENTION, text, instance, (see,))

    async def _outbox(self) -> AsyncIterator[Finding]:
        waiting: dict[str, list[OutboxRow]] = {}
        async for row in self._rows():
            if self.now - row.at > LATE and not row.participant:
                waiting.setdefault(row.destination, []).append(row)
        for destination, rows in waiting.items():
            age = self.now - min(row.at for row in rows)
            where = destination or "an exchange"
            text = f"{len(rows):,} messages for {where} wait to be published, the first for {age:,.0f} s"
            see = Remedy(says="is the broker there, and the queue? a worker that serves it has it made")
            yield Finding("outbox", Severity.ATTENTION, text, remedies=(see,))

    async def _rows(self) -> AsyncIterator[OutboxRow]:
        after = 0
        while rows := await self.storage.outbox(_PAGE, after):
            for row in rows:
                yield row
            after = rows[-1].number


def _restore() -> Remedy:
    return Remedy(says="or restore a backup of the database (docs/operations.rst, Backup)")
