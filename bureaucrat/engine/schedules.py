"""Schedules: starts an instance for each tick of the registered processes (L80).

Rules:

- the rows are the truth, and are read anew for each look; in memory is only when to look;
- the starts of a look are in one transaction with the row, which is guarded: of two daemons that look at one tick the
  second writes nothing;
- a start that cannot be is a dead letter with the reason.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace

from ..core.context import TICK
from ..core.messages import Start
from ..core.table import Definition
from ..errors import Refused, StorageUnavailable
from ..ports import Batch, InstanceRow, ScheduleRow
from .codec import decode, encode_message
from .delivery import Birth, Delivery, Letter
from .members import PATIENCE
from .shell import Shell
from .starts import business_key_of, start_of
from .ticks import instance_of, look
from .timers import Agenda
from .writes import Collector

log = logging.getLogger(__name__)

_Key = tuple[str, int]


class Schedules:
    """When to look at which schedule, and what comes of it."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._agenda = Agenda()
        self._waiting: dict[_Key, None] = {}  #: to be looked at now
        self._queues: dict[str, _Key] = {}  #: schedules with a queue, by the unfinished instances that hold it up
        self._taken: tuple[_Key, ScheduleRow | None] | None = None

    def note(self, rows: Iterable[ScheduleRow]) -> None:
        """Note what a commit has stored, or a sweep has found."""
        for row in rows:
            self._note_due(row)
            if row.waits:
                key = row.process, row.number
                self._waiting[key] = None
                self._queues.update(dict.fromkeys(_ids_in(row), key))

    def _note_due(self, row: ScheduleRow) -> None:
        """Note a tick that falls to this engine, or that nobody else has looked at in time."""
        now = self._shell.clock.now()
        due = None if row.paused else row.due
        is_mine = self._shell.members.falls_to_me(row.process) or (due is not None and due < now - PATIENCE)
        until = now + self._shell.settings.horizon
        self._agenda.note(due if is_mine else None, row.process, str(row.number), until)

    def ended(self, rows: Iterable[InstanceRow]) -> None:
        """Instances that a commit has written: one that has ended may hold up the queue of a schedule no longer."""
        for row in rows:
            if row.ended is not None and row.id in self._queues:
                self._waiting[self._queues.pop(row.id)] = None

    def next(self) -> float | None:
        """When the earliest tick is due."""
        return self._agenda.next()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is to be looked at now."""
        due = self._agenda.next()
        return not self._waiting and (due is None or due > self._shell.clock.now())

    async def next_chunk(self, collector: Collector, batch: Batch) -> list[Delivery]:
        """The starts of the next look. What belongs to them is put into `collector`; call :meth:`committed` after."""
        key = self._take()
        self._taken = key, None
        rows = [row for row in await self._shell.storage.schedules(key[0]) if row.number == key[1]]
        if not rows or rows[0].due is None:
            return []
        row = rows[0]
        try:
            definition = await self._shell.definitions.get(row.definition)
            trigger, now = definition.schedules[row.number], self._shell.clock.now()
            after, ticks = look(row, trigger, await self._unfinished(row), now, self._shell.settings.tick_grace)
        except StorageUnavailable:
            raise
        except Exception as error:  # one row that is damaged, or by a definition that is, must not stop the others
            reason = f"{type(error).__name__}: {error}"[:500]
            log.error("a schedule cannot start anything", extra={"starts": row.process, "reason": reason})
            return []
        if replace(after, unfinished=row.unfinished) == row:
            self._note_due(row)
            return []
        after.changes += 1
        self._taken = key, after
        collector.writes.schedules.append(after)
        if after.skipped > row.skipped:
            log.info("ticks were skipped", extra={"starts": row.process, "ticks": after.skipped - row.skipped})
        return [one for tick in ticks for one in self._start(row, definition, tick, collector)]

    def _take(self) -> _Key:
        if not self._waiting:
            for _, process, number in self._agenda.due(self._shell.clock.now(), 1):
                self._waiting[process, int(number)] = None
        key = next(iter(self._waiting))
        del self._waiting[key]
        return key

    async def _unfinished(self, row: ScheduleRow) -> list[str]:
        found = [await self._shell.storage.instance(id) for id in _ids_in(row)]
        return [one.id for one in found if one is not None and one.ended is None]

    def _start(self, row: ScheduleRow, definition: Definition, tick: float, collector: Collector) -> list[Delivery]:
        id, now = instance_of(row, tick), self._shell.clock.now()
        letter = Letter("engine", encode_message(Start()), id)
        try:
            start = start_of(definition, {}, self._shell.settings.limits)
            key = business_key_of(definition, {TICK: tick}, now)
        except Refused as refused:
            self._shell.bury(letter, f"no instance of {row.process} for a tick: {refused}", collector)
            return []
        return [Delivery(id, start, Birth(definition, key, tick=tick), letter=letter)]

    def committed(self, collector: Collector) -> None:
        """The look is durable."""
        if self._taken is not None and self._taken[1] is not None:
            self.note([self._taken[1]])

    def clear(self) -> None:
        """The look was not durable: look again."""
        if self._taken is not None:
            self._waiting[self._taken[0]] = None


def _ids_in(row: ScheduleRow) -> list[str]:
    """The instances that a schedule knows to be unfinished; of a row that cannot be read none: a look at it says so."""
    try:
        return [str(id) for id in decode(row.unfinished)]
    except (ValueError, TypeError):
        return []
