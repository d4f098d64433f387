"""The sweep: finds in storage what is to be done and is not in memory, and deletes what was kept long enough.

Rules: the sweep is the net under everything that is kept in memory only; it may find what is being done at this moment,
and whoever does the work finds out (a row is gone, a timer was rearmed, a cursor has moved).
"""

from __future__ import annotations

from collections.abc import Callable

from ..core.messages import Redispatch
from ..ports import WaitRow
from .alarms import Alarms
from .asked import attempts_of
from .delivery import Delivery
from .events import Events
from .mailbox import Mailbox
from .schedules import Schedules
from .shell import Shell

_SWEPT = 1_000  #: rows of a kind that are read at a time
_PARTS_OF_A_TIDY = 100


def _place(wait: WaitRow) -> tuple[str, str, int]:
    return wait.instance, wait.branch, wait.activity


class Recovery:
    """Brings back what an earlier run, another daemon or a failure left behind."""

    def __init__(self, shell: Shell, alarms: Alarms, mailbox: Mailbox, events: Events, schedules: Schedules) -> None:
        self._storage = shell.storage
        self._clock = shell.clock
        self._settings = shell.settings
        self._members = shell.members
        self._put = shell.put
        self._alarms = alarms
        self._mailbox = mailbox
        self._events = events
        self._schedules = schedules
        self.unsure = 0  #: commits that may have happened, and nobody was told; whoever looked takes them off

    async def sweep(self, resend: bool) -> None:
        """Find what is to be done.

        :param resend: whether attempts that an unsure commit decided are sent again from here.
        :raises StorageUnavailable: it could not look; the next sweep does.
        """
        now, settings, members = self._clock.now(), self._settings, self._members
        await self._alarms.load(now)
        if self.unsure and resend:
            await self.recover_attempts()
        await self.fetch_mail()
        releasable = await self._storage.releasable(_SWEPT)
        self._mailbox.release(members.sift("releasable", releasable, lambda id: id))
        pending = await self._storage.pending_events(settings.event_chunk, members.others)
        fresh = await self._storage.fresh_waits(settings.event_chunk)
        self._events.stored(
            members.sift_numbered("events", pending, lambda row: str(row.number)),
            members.sift("waits", fresh, lambda row: row.instance, _place),
        )
        self._schedules.note(await self._storage.due_schedules(now + settings.horizon, _SWEPT))
        waiting = await self._storage.waiting_schedules(_SWEPT)
        self._schedules.note(
            members.sift("schedules", waiting, lambda row: row.process, lambda row: (row.process, row.number))
        )

    async def fetch_mail(self) -> None:
        """Put mail on the queue that lies in storage."""
        rows = await self._storage.mail(_SWEPT, self._members.others)
        for row in self._members.sift_numbered("mail", rows, lambda row: row.instance or str(row.number)):
            self._mailbox.post(row)

    async def recover_attempts(
        self,
        only: frozenset[str] | None = None,
        settle: Callable[[], None] | None = None,
        is_of: Callable[[str], bool] = lambda participant: True,
    ) -> int:
        """Send again whatever waits for an answer: what carried it has lost it.

        :param only: the destinations that have; None: all.
        :param settle: called for each once it is committed.
        :param is_of: whether attempts for a participant go to these.
        :returns: how many were asked for.
        """
        count = 0
        asked = [name for name in await self._storage.asked() if only is None or not name or is_of(name)]
        async for row in attempts_of(self._storage, asked):
            self._put(Delivery(row.instance, Redispatch(row.branch, row.attempt), only=only, settle=settle))
            count += 1
        return count

    async def tidy(self) -> int:
        """Delete what was kept long enough, a bounded part at a time; returns the rows deleted."""
        now, settings = self._clock.now(), self._settings
        total = 0
        for _ in range(_PARTS_OF_A_TIDY):
            deleted = await self._storage.prune(
                history=now - settings.history_retention,
                instances=now - settings.instance_retention,
                events=now - settings.event_retention,
                inbox=now - settings.dedup_window,
                dead=now - settings.dead_retention,
            )
            total += deleted
            if not deleted:
                break
        return total
