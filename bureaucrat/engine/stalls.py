"""Attempts that nobody takes: their queue has had no consumer for a while (L35).

Rules: the broker is asked for the consumers of the queues that attempts go to; what it shows is kept as a row when it
changes, for whoever looks; attempts that wait in a queue without a consumer are announced once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable

from ..core.activities.action import Action
from ..core.instance import Copy
from ..core.table import Definition
from ..errors import BrokerUnavailable, StorageUnavailable, UnknownInstance
from ..ports import Courier, DestinationRow
from .codec import add_loaded, decode_instance
from .outbox import Outbox
from .shell import Shell
from .writes import Collector

log = logging.getLogger(__name__)

_PAGE = 500
_MOST = 1_000  # attempts that are announced of one queue, as long as it has no consumer
_RESCAN = 6  # looks between two searches for attempts that have stalled since


class Stalls:
    """Watches the queues."""

    def __init__(self, shell: Shell, courier: Courier, outbox: Outbox) -> None:
        self._shell = shell
        self._courier = courier
        self._outbox = outbox
        self._seen: dict[str, DestinationRow] = {}
        self._announced: dict[str, set[tuple[str, int]]] = {}  #: by queue
        self._looks = 0

    def remember(self, rows: Iterable[DestinationRow]) -> None:
        """What was known of the queues before."""
        for row in rows:
            self._seen.setdefault(row.name, row)

    def knows(self, destination: str) -> bool:
        """Whether this queue was seen before, perhaps by an earlier run."""
        return destination in self._seen

    async def run(self) -> None:
        """Look now and then, until canceled."""
        while True:
            await asyncio.sleep(self._shell.settings.look)
            try:
                await self.look()
            except (BrokerUnavailable, StorageUnavailable) as error:
                log.debug("the queues could not be looked at", extra={"reason": str(error)})

    async def look(self) -> None:
        """See which queues are consumed, and announce what stalls."""
        now = self._shell.clock.now()
        collector = self._shell.collector()
        for row in await self._courier.look():
            before = self._seen.get(row.name)
            since = before.silent_since if before is not None else None
            row.silent_since = None if row.consumers else since or now
            row.checked = now
            if before is None or _shown(row) != _shown(before):
                collector.writes.destinations.append(row)
        seen = self._seen | {row.name: row for row in collector.writes.destinations}
        announced = await self._announce(collector, seen, now)
        await self._shell.commit(collector)
        self._seen, self._announced = seen, announced
        self._looks = self._looks + 1 if announced else 0

    async def _announce(
        self, collector: Collector, seen: dict[str, DestinationRow], now: float
    ) -> dict[str, set[tuple[str, int]]]:
        """Announce what stalls and was not announced; returns all that is announced then."""
        stalled = {
            row.name: row.silent_since
            for row in seen.values()
            if row.silent_since is not None and now - row.silent_since >= self._shell.settings.stalled_after
        }
        announced = {queue: set(self._announced.get(queue, ())) for queue in stalled}
        if not stalled or (self._looks % _RESCAN and stalled.keys() == self._announced.keys()):
            return announced
        left = {queue: since for queue, since in stalled.items() if len(announced[queue]) < _MOST}
        if not left:
            return announced
        async for copy, address, number, queue in self._waiting(left):
            attempt = copy.instance.id, number
            if attempt in announced[queue]:
                continue
            announced[queue].add(attempt)
            detail: dict[str, object] = {"address": address, "queue": queue, "since": stalled[queue]}
            row = self._outbox.notice("activity.stalled", copy.instance, now, detail)
            collector.writes.outbox.append(row)
            if len(announced[queue]) >= _MOST:
                del left[queue]
            if not left:
                break
        return announced

    async def _waiting(self, queues: dict[str, float]) -> AsyncIterator[tuple[Copy, str, int, str]]:
        """Attempts that wait in these queues: the instance, the activity's address, the attempt, the queue."""
        storage, after = self._shell.storage, None
        while rows := await storage.attempts(_PAGE, after):
            for instance in dict.fromkeys(row.instance for row in rows):
                try:
                    copy, definition = await self._load(instance)
                except StorageUnavailable:
                    raise
                except Exception as error:  # whatever cannot be read stalls the watch of no other
                    log.debug("an instance cannot be read", extra={"instance": instance, "reason": str(error)})
                    continue
                for branch in copy.branches.values():
                    leaf = branch.frames[-1] if branch.frames else None
                    activity = None if leaf is None else definition.activities[leaf.activity]
                    if leaf is None or branch.attempt is None or not isinstance(activity, Action):
                        continue
                    queue = self._courier.destination(activity.sent_to(leaf))
                    if queue in queues and not self._outbox.is_unsent(instance, branch.attempt):
                        address = definition.address(instance, branch.id, leaf.activity)
                        yield copy, address, branch.attempt, queue
            after = rows[-1]

    async def _load(self, instance: str) -> tuple[Copy, Definition]:
        storage = self._shell.storage
        found = await storage.instance(instance)
        if found is None:
            raise UnknownInstance(f"there is no instance {instance}")
        copy = Copy(decode_instance(found))
        add_loaded(copy, await storage.branches(instance))
        return copy, await self._shell.definitions.get(found.definition)


def _shown(row: DestinationRow) -> tuple[object, ...]:
    return row.consumers, row.ready, row.silent_since
