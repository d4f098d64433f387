"""Events: stored once, then offered to every wait that asks for them.

Rules: write, commit, then look. An event is stored before its waits are looked for; a wait is stored (marked fresh)
before kept events are looked for; so whichever of the two commits last sees the other. Each chunk of offers is one
transaction that also moves the event's cursor (from where this chunk found it, or nothing is written), so that nobody
is offered an event twice; an event wakes an instance in one transaction only, every wait that the instance has then
(L62, L63). A chunk that was not committed is forgotten; the sweep finds what it was about.

Where others work on the storage, too, what is seen here may be half of what is being written: an event is locked before
its waits are looked for, and so is one that is left to those who offer it. Whoever has the lock has seen all that was
committed before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from ..core.activities.await_ import event_value
from ..core.messages import Offer
from ..ports import Batch, EventRow, Storage, WaitRow
from .codec import decode
from .delivery import Delivery
from .keys import digest
from .settings import Settings
from .writes import Collector

#: gives the starts that an event makes (L81)
Starts = Callable[[EventRow, dict[str, Any], Collector], Awaitable[list[Delivery]]]
_Place = tuple[float, int]  # of an event among those of its name: accepted, number
_KEPT = 100  #: kept events looked through at a time, for one wait


class Events:
    """What is still to be offered, and how."""

    def __init__(self, storage: Storage, settings: Settings, starts: Starts) -> None:
        self._storage = storage
        self._starts = starts
        self._settings = settings
        self._pending: deque[EventRow] = deque()
        self._fresh: deque[tuple[WaitRow, _Place]] = deque()
        self._taken: list[tuple[WaitRow, _Place | None]] = []
        self._noted: set[object] = set()

    @property
    def is_idle(self) -> bool:
        return not self._pending and not self._fresh

    def stored(self, events: list[EventRow], waits: list[WaitRow]) -> None:
        """Note what a commit has stored, or a sweep has found; what is noted already is passed over."""
        for event in events:
            if event.number not in self._noted:
                self._noted.add(event.number)
                self._pending.append(event)
        for wait in waits:
            key = _key(wait)
            if key not in self._noted:
                self._noted.add(key)
                self._fresh.append((wait, (0.0, 0)))

    def clear(self) -> None:
        """Forget all; the sweep finds it again."""
        self._pending.clear()
        self._fresh.clear()
        self._taken.clear()
        self._noted.clear()

    async def next_chunk(self, collector: Collector, batch: Batch) -> list[Delivery]:
        """The next offers to make. What moves them on is put into `collector`; call :meth:`committed` afterwards."""
        if self._fresh:
            return await self._look_back(collector, batch)
        return await self._look_around(collector, batch)

    async def _look_back(self, collector: Collector, batch: Batch) -> list[Delivery]:
        """Offer kept events to waits that have just begun."""
        found: list[tuple[WaitRow, EventRow]] = []
        while self._fresh and len(self._taken) < self._settings.event_chunk:
            wait, after = self._fresh.popleft()
            key = digest(wait.path, wait.value) if wait.path else None
            kept = await self._storage.kept_events(wait, _KEPT, after, key)
            found += ((wait, event) for event in kept)
            is_done = len(kept) < _KEPT
            self._taken.append((wait, None if is_done else (kept[-1].accepted, kept[-1].number)))
            if is_done:
                collector.writes.waits_seen.append(_key(wait))
        left = {event.number: event.cursor for wait, event in found if _is_left(event.cursor, wait)}
        if left and self._storage.is_shared:
            now = await batch.take_events(list(left))
            left = {number: now[number].cursor for number in left if number in now}
        offers: list[Delivery] = []
        for wait, event in found:
            if event.number in left and _is_left(left[event.number], wait):
                continue  # it is still to be offered to every wait of the instance, in one transaction (L63)
            body = decode(event.body)
            if not wait.path or event_value(body, wait.path) == wait.value:
                offers.append(_offer(wait, event, body))
        return offers

    async def _look_around(self, collector: Collector, batch: Batch) -> list[Delivery]:
        """Offer an event to the waits there are."""
        event = self._pending[0]
        if self._storage.is_shared:
            now = (await batch.take_events([event.number])).get(event.number)
            if now is None or now.cursor is None:  # others have offered it to all
                self._noted.discard(self._pending.popleft().number)
                return []
            self._pending[0] = event = now
        body = decode(event.body)
        keys = [("", "")]
        for path in await self._storage.paths(event.name):
            value = event_value(body, path) if path else None
            if value is not None:
                keys.append((path, value))
        chunk = self._settings.event_chunk
        is_first = event.cursor == ""
        waits = await self._storage.waits(event.name, keys, event.cursor or "", chunk)
        instances = list(dict.fromkeys(wait.instance for wait in waits))
        old, event.cursor = event.cursor, None if len(instances) < chunk else instances[-1]
        collector.writes.cursors.append((event.number, old, event.cursor))
        woken = await self._storage.woken(event.number, instances)
        offers = [
            _offer(wait, event, body) for wait in waits if event.accepted > wait.since and wait.instance not in woken
        ]
        return offers + (await self._starts(event, body, collector) if is_first else [])

    def committed(self, collector: Collector) -> None:
        """The chunk is durable; go on to the next."""
        if collector.writes.cursors:
            if self._pending[0].cursor is None:
                self._noted.discard(self._pending.popleft().number)
            return
        for wait, after in self._taken:
            if after is None:
                self._noted.discard(_key(wait))
            else:
                self._fresh.append((wait, after))
        self._taken.clear()


def _is_left(cursor: str | None, wait: WaitRow) -> bool:
    """Whether an event with this cursor is still to be offered to the instance of a wait."""
    return cursor is not None and cursor < wait.instance


def _key(wait: WaitRow) -> tuple[str, str, int, int]:
    return wait.instance, wait.branch, wait.activity, wait.activation


def _offer(wait: WaitRow, event: EventRow, body: dict[str, object]) -> Delivery:
    offer = Offer(wait.branch, wait.activity, wait.activation, event.number, event.name, body)
    return Delivery(wait.instance, offer)
