"""Starts by events: each event starts one instance of every process whose newest version says so (L81).

Rules: the starts are in the transaction that offers the event for the first time; the id of the instance is made of the
event's and the process's name, so that no event starts two; a start that cannot be is a dead letter with the reason.
"""

from __future__ import annotations

import logging
import uuid
from typing import Any

from ..core.faults import Thrown
from ..core.messages import Start
from ..core.table import Definition
from ..core.triggers import EventStart
from ..definition.problems import InvalidDefinition
from ..errors import Refused, UnknownDefinition
from ..ports import EventRow
from .codec import encode_message
from .delivery import Birth, Delivery, Letter
from .shell import Shell
from .starts import business_key_of, start_of
from .writes import Collector

log = logging.getLogger(__name__)


def started_by(event: str, process: str) -> str:
    """The id of the instance of a process that an event, by its id, starts."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{event}/{process}").hex


class EventStarts:
    """Finds what an event starts."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    async def of(self, event: EventRow, body: dict[str, Any], collector: Collector) -> list[Delivery]:
        """The starts of one event; what cannot start is written into `collector`."""
        found = []
        for process in await self._shell.storage.starters(event.name):
            id = started_by(event.id, process)
            letter = Letter("engine", encode_message(Start(body)), id)
            try:
                delivery = await self._start(event, process, body, id, letter)
            except (Refused, UnknownDefinition, InvalidDefinition) as error:
                reason = f"the event {event.name} ({event.id}) starts no instance of {process}: {error}"
                self._shell.bury(letter, reason, collector)
            else:
                found += delivery
        return found

    async def _start(
        self, event: EventRow, process: str, body: dict[str, Any], id: str, letter: Letter
    ) -> list[Delivery]:
        row = await self._shell.storage.registered(process)
        if row is None:
            return []
        definition = await self._shell.definitions.get(row.definition)
        if not any(self._fits(start, definition, event, body) for start in definition.event_starts):
            return []
        start = start_of(definition, body, self._shell.settings.limits)
        key = business_key_of(definition, start.fields, self._shell.clock.now())
        return [Delivery(id, start, Birth(definition, key, event=event.number), letter=letter)]

    def _fits(self, start: EventStart, definition: Definition, event: EventRow, body: dict[str, Any]) -> bool:
        """Whether a start is for the event. A condition that cannot be evaluated does not hold (L22)."""
        if start.event != event.name:
            return False
        context = {**(definition.activities[0].initial() or {}), **body}
        for condition in start.conditions:
            try:
                if condition(context, self._shell.clock.now(), {"event": body}):
                    return True
            except Thrown as thrown:
                extra = {"starts": definition.name, "event": event.id, "reason": thrown.message[:500]}
                log.warning("a condition of a start cannot be evaluated", extra=extra)
        return not start.conditions
