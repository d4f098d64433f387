"""The sweep: finds in storage what is to be done and is not in memory, and deletes what was kept long enough.

Rules: the sweep is the net under everything that is kept in memory only; it may find what is being done at this moment,
and whoever does the work finds out (a row is gone, a timer was rearmed, a cursor has moved).
"""

from __future__ import annotations

from collections.abc import Callable

from ..clock import Clock
from ..core.messages import Redispatch
from ..ports import Due, Storage
from .asked import attempts_of
from .delivery import Delivery
from .events import Events
from .mailbox import Mailbox
from .schedules import Schedules
from .settings import Settings
from .timers import Agenda

_SWEPT = 1_000  #: rows of a kind that are read at a time
_PARTS_OF_A_TIDY = 100


class Recovery:
    """Brings back what an earlier run, another daemon or a failure left behind."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        settings: Settings,
        agenda: Agenda,
        mailbox: Mailbox,
        events: Events,
        schedules: Schedules,
        put: Callable[[Delivery], None],
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._settings = settings
        self._agenda = agenda
        self._mailbox = mailbox
        self._events = events
        self._schedules = schedules
        self._put = put
        self.unsure = 0  #: commits that may have happened, and nobody was told; whoever looked takes them off

    async def sweep(self, resend: bool) -> None:
        """Find what is to be done.

        :param resend: whether attempts that an unsure commit decided are sent again from here.
        :raises StorageUnavailable: it could not look; the next sweep does.
        """
        now, settings = self._clock.now(), self._settings
        if now + settings.horizon / 2 >= self._agenda.loaded_until:
            await self._load_timers(now + settings.horizon)
        if self.unsure and resend:
            await self.recover_attempts()
        for row in await self._storage.mail(_SWEPT):
            self._mailbox.post(row)
        self._mailbox.release(await self._storage.releasable(_SWEPT))
        self._events.stored(
            await self._storage.pending_events(settings.event_chunk),
            await self._storage.fresh_waits(settings.event_chunk),
        )
        self._schedules.note(await self._storage.due_schedules(now + settings.horizon, _SWEPT))
        self._schedules.note(await self._storage.waiting_schedules(_SWEPT))

    async def _load_timers(self, until: float) -> None:
        """Note every stored timer up to an instant."""
        after: Due | None = None
        while rows := await self._storage.due(until, _SWEPT, after):
            for due in rows:
                self._agenda.note(due.at, due.instance, due.branch, until)
            after = rows[-1]
        self._agenda.loaded_until = until

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
