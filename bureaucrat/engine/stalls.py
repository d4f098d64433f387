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
from ..errors import BrokerUnavailable, StorageUnavailable
from ..ports import Courier, DestinationRow
from .codec import add_loaded, decode_instance
from .outbox import Outbox
from .shell import Shell
from .writes import Collector

log = logging.getLogger(__name__)

_PAGE = 500
_MOST = 1_000  # attempts that are announced at a time
_RESCAN = 6  # looks between two searches for attempts that have stalled since


class Stalls:
    """Watches the queues."""

    def __init__(self, shell: Shell, courier: Courier, outbox: Outbox) -> None:
        self._shell = shell
        self._courier = courier
        self._outbox = outbox
        self._seen: dict[str, DestinationRow] = {}
        self._announced: set[tuple[str, int]] = set()
        self._looks = 0

    def remember(self, rows: Iterable[DestinationRow]) -> None:
        """What was known of the queues before."""
        for row in rows:
            self._seen.setdefault(row.name, row)

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
        changed = []
        for row in await self._courier.look():
            before = self._seen.get(row.name)
            since = before.silent_since if before is not None else None
            row.silent_since = None if row.consumers else since or now
            row.checked = now
            if before is None or (row.consumers, row.ready, row.silent_since) != (
                before.consumers,
                before.ready,
                before.silent_since,
            ):
                changed.append(row)
            self._seen[row.name] = row
        collector = self._shell.collector()
        collector.writes.destinations += changed
        await self._announce(collector, now)
        await self._shell.commit(collector)

    async def _announce(self, collector: Collector, now: float) -> None:
        stalled = {
            row.name: row.silent_since
            for row in self._seen.values()
            if row.silent_since is not None and now - row.silent_since >= self._shell.settings.stalled_after
        }
        if not stalled:
            self._announced.clear()
            self._looks = 0
            return
        self._looks += 1
        if self._looks % _RESCAN != 1:
            return
        async for copy, address, number, queue in self._waiting(stalled):
            if len(self._announced) >= _MOST:
                break
            if (copy.instance.id, number) in self._announced:
                continue
            self._announced.add((copy.instance.id, number))
            detail: dict[str, object] = {"address": address, "queue": queue, "since": stalled[queue]}
            row = self._outbox.notice("activity.stalled", copy.instance, now, detail)
            collector.writes.outbox.append(row)

    async def _waiting(self, queues: dict[str, float]) -> AsyncIterator[tuple[Copy, str, int, str]]:
        """Attempts that wait in these queues: the instance, the activity's address, the attempt, the queue."""
        storage, after = self._shell.storage, ("", "")
        while rows := await storage.attempts(after, _PAGE):
            for instance in dict.fromkeys(row[0] for row in rows):
                found = await storage.instance(instance)
                if found is None:
                    continue
                copy = Copy(decode_instance(found))
                add_loaded(copy, await storage.branches(instance))
                definition = await self._shell.definitions.get(found.definition)
                for branch in copy.branches.values():
                    leaf = branch.frames[-1] if branch.frames else None
                    activity = None if leaf is None else definition.activities[leaf.activity]
                    if leaf is None or branch.attempt is None or not isinstance(activity, Action):
                        continue
                    queue = self._courier.destination(activity.sent_to(leaf))
                    if queue in queues and not self._outbox.is_unsent(instance, branch.attempt):
                        address = definition.address(instance, branch.id, leaf.activity)
                        yield copy, address, branch.attempt, queue
            after = rows[-1][0], rows[-1][1]
