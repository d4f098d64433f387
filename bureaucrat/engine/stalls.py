"""Attempts that nobody takes: their queue has had no consumer for a while (L35).

Rules: the broker is asked for the consumers of the queues that attempts go to; what it shows is kept as a row when it
changes, for whoever looks; attempts that wait in a queue without a consumer are announced once. What waits elsewhere is
not read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import NamedTuple

from ..core.activities.action import Action
from ..core.instance import Copy, Instance
from ..errors import BrokerUnavailable, StorageUnavailable
from ..ports import AttemptRow, Courier, DestinationRow
from .asked import attempts_of
from .codec import add_loaded, decode_instance
from .outbox import Outbox
from .shell import Shell
from .writes import Collector

log = logging.getLogger(__name__)

_MOST = 1_000  # attempts that are announced of one queue, as long as it has no consumer
_RESCAN = 6  # looks between two searches for attempts that have stalled since


class _Found(NamedTuple):
    """Where an attempt waits."""

    instance: Instance
    address: str
    queue: str


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
        if self._shell.members.is_shared:  # others look at queues of theirs, and write down what they see
            self._seen = {row.name: row for row in await self._shell.storage.destinations()}
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
        async for row in self._waiting(left):
            queue = self._courier.destination(row.participant)
            if row.participant and not self._is_news(row, queue, left, announced):
                continue
            found = await self._look_up(row)
            if found is None or not self._is_news(row, found.queue, left, announced):
                continue
            queue = found.queue
            announced[queue].add((row.instance, row.attempt))
            detail: dict[str, object] = {"address": found.address, "queue": queue, "since": stalled[queue]}
            collector.writes.outbox.append(self._outbox.notice("activity.stalled", found.instance, now, detail))
            if len(announced[queue]) >= _MOST:
                del left[queue]
        return announced

    async def _waiting(self, queues: Mapping[str, float]) -> AsyncIterator[AttemptRow]:
        """Attempts that wait in these queues, and those of which an older version has not written whom they are for.

        :param queues: looked at before each; what is taken out is searched no further.
        """
        for participant in await self._shell.storage.asked():
            queue = self._courier.destination(participant)
            async for row in attempts_of(self._shell.storage, [participant]):
                if participant and queue not in queues:
                    break
                if self._shell.members.falls_to_me(row.instance):
                    yield row

    def _is_news(
        self, row: AttemptRow, queue: str, left: Mapping[str, float], announced: Mapping[str, set[tuple[str, int]]]
    ) -> bool:
        """Whether an attempt waits in one of these queues and is still to be announced."""
        attempt = row.instance, row.attempt
        return queue in left and attempt not in announced[queue] and not self._outbox.is_unsent(*attempt)

    async def _look_up(self, row: AttemptRow) -> _Found | None:
        """The instance of an attempt, and where it waits; None if that cannot be read, or is over."""
        storage = self._shell.storage
        try:
            found = await storage.instance(row.instance)
            if found is None:
                return None
            copy = Copy(decode_instance(found))
            async with storage.batch() as batch:
                add_loaded(copy, await batch.load([(row.instance, [row.branch])]))
            definition = await self._shell.definitions.get(found.definition)
        except StorageUnavailable:
            raise
        except Exception as error:  # whatever cannot be read stalls the watch of no other
            log.debug("an instance cannot be read", extra={"instance": row.instance, "reason": str(error)})
            return None
        branch = copy.branches.get(row.branch)
        if branch is None or branch.attempt != row.attempt:
            return None
        leaf = branch.frames[-1]
        activity = definition.activities[leaf.activity]
        assert isinstance(activity, Action), "only actions have attempts"
        address = definition.address(row.instance, row.branch, leaf.activity)
        return _Found(copy.instance, address, self._courier.destination(activity.sent_to(leaf)))


def _shown(row: DestinationRow) -> tuple[object, ...]:
    return row.consumers, row.ready, row.silent_since, row.participants
