"""The timers of branches: what makes them punctual, and what finds those that nobody has fired.

Rules:

- the rows are the truth; in memory is what is due soon;
- where the storage is shared, a branch's timers fall to one member by its instance. That one reads them a window of
  time ahead. What is armed for this window or the next is too late to be read: it stays with who has armed it;
- before timers fire there, the rows are asked which are due still: others may have moved them;
- what is overdue for a while is fired by anybody; of two that fire one timer, the second finds it gone.
"""

from __future__ import annotations

import math

from ..core.messages import TimerFired
from ..ports import Due
from .delivery import Delivery
from .members import PATIENCE
from .shell import Shell
from .timers import Agenda

_PAGE = 1_000  #: rows that are read at a time
_AGAIN = 10.0  #: seconds after which a timer that was fired and is overdue still is fired again


class Alarms:
    """When to look at which branch."""

    def __init__(self, shell: Shell) -> None:
        self._storage = shell.storage
        self._clock = shell.clock
        self._settings = shell.settings
        self._figures = shell.figures
        self._members = shell.members
        self._put = shell.put
        self._fired: dict[tuple[str, str, float], float] = {}  #: a moment ago, as far as the storage is shared
        self._changes = 0  #: of the members, when timers were read last
        self.agenda = Agenda()

    def next(self) -> float | None:
        """When the earliest is due."""
        return self.agenda.next()

    def note(self, at: float | None, instance: str, branch: str) -> None:
        """A commit of this engine has armed a timer, or (None) ended it."""
        now = self._clock.now()
        is_mine = self._members.falls_to_me(instance)
        self.agenda.note(at, instance, branch, now + self._settings.horizon if is_mine else self._window(now))

    def _window(self, now: float) -> float:
        """The end of the window of time after this one."""
        half = self._settings.horizon / 2
        return (math.floor(now / half) + 2) * half

    async def load(self, now: float) -> None:
        """Read what is due soon, once in a while.

        :raises StorageUnavailable: it could not; the next sweep does.
        """
        if not self._members.is_shared:
            if now + self._settings.horizon / 2 >= self.agenda.loaded_until:
                await self._load(-math.inf, now + self._settings.horizon)
            return
        until, changes = self._window(now), self._members.changes
        if changes != self._changes:
            await self._load(-math.inf, until)
            self._changes = changes
        elif until > self.agenda.loaded_until:
            await self._load(self.agenda.loaded_until, until)
        await self._load_overdue(now)

    async def _load(self, since: float, until: float) -> None:
        after: Due | None = Due("", "", since)
        while rows := await self._storage.due(until, _PAGE, after):
            for due in rows:
                if self._members.falls_to_me(due.instance):
                    self.agenda.note(due.at, due.instance, due.branch, until)
            after = rows[-1]
        self.agenda.loaded_until = until

    async def _load_overdue(self, now: float) -> None:
        """Fire what nobody has fired."""
        self._fired = {key: at for key, at in self._fired.items() if now - at < _AGAIN}
        for due in await self._storage.due(now - PATIENCE, _PAGE):
            if (due.instance, due.branch, due.at) not in self._fired and not self.agenda.knows(due):
                self._fire(due.at, due.instance, due.branch, now)
                self._figures.overdue_taken += 1

    async def fire(self) -> None:
        """Put what is due on the queue.

        :raises StorageUnavailable: it is not known what is due still; the sweep finds it.
        """
        now, first = self._clock.now(), self.agenda.next()
        self._figures.due_late = 0.0 if first is None else max(0.0, now - first)
        noted = self.agenda.due(now, self._settings.batch)
        if not noted or not self._members.is_shared:
            for at, instance, branch in noted:
                self._put(Delivery(instance, TimerFired(branch, at)))
            return
        rows = await self._storage.due(now, _PAGE)
        due = {(row.instance, row.branch): row.at for row in rows}
        for at, instance, branch in noted:
            if (instance, branch) in due:
                self._fire(due[instance, branch], instance, branch, now)
            elif len(rows) == _PAGE:
                self._fire(at, instance, branch, now)
            else:
                self._figures.timers_spared += 1

    def _fire(self, at: float, instance: str, branch: str, now: float) -> None:
        self._fired[instance, branch, at] = now
        self._put(Delivery(instance, TimerFired(branch, at)))
