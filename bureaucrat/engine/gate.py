"""The gate: keeps attempts back while their participant is paused, or has as many in flight as it may.

Rules:

- an attempt is in flight from when it is let go until its branch waits for it no longer: answered, timed out, ended;
- a participant that is paused is given nothing; what is in flight stays so;
- what waits leaves in order of priority, then age; one participant's queue is nothing to any other;
- an attempt is let go in a transaction of its own (:class:`Unsent`), which lets its time begin and, with a broker,
  marks its row as one that has left; only then it is handed over. So after a crash no place is given away twice.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from typing import NamedTuple

from ..clock import Clock
from ..core.messages import Unsent
from ..errors import Stopped
from ..ports import AttemptRow, Storage, Writes
from .bounds import Bound, Bounds
from .delivery import Delivery
from .figures import Figures


class Kept(NamedTuple):
    """An attempt that is kept back."""

    number: int  #: gives its place among those of the same priority
    priority: int
    participant: str
    instance: str
    branch: str
    attempt: int

    @property
    def of(self) -> tuple[str, int]:
        """Instance and attempt."""
        return self.instance, self.attempt


@dataclass(slots=True)
class _Side:
    """What the gate knows of one participant."""

    name: str
    bound: Bound | None  #: None: it is or was paused, and nothing else keeps its attempts back
    is_paused: bool = False
    queue: list[tuple[int, int]] = field(default_factory=list)  #: a heap of (less priority, number); some are gone
    kept: int = 0
    in_flight: int = 0
    departures: deque[float] = field(default_factory=deque)  #: the last that its rate looks at

    @property
    def keeps(self) -> bool:
        """Whether what is decided now has to wait for its leave."""
        return self.is_paused or self.bound is not None

    def opens_at(self, now: float) -> float | None:
        """When the next may leave: now, or later; None: when a place comes free, or it is resumed."""
        if self.is_paused:
            return None
        if self.bound is None:
            return now
        if self.bound.max_in_flight is not None and self.in_flight >= self.bound.max_in_flight:
            return None
        rate = self.bound.rate
        if rate is None or len(self.departures) < rate.most:
            return now
        return max(now, min(self.departures[0], now) + rate.seconds)  # `min`: the clock may have been set back

    def departs(self, now: float) -> None:
        self.in_flight += 1
        if self.bound is not None and self.bound.rate is not None:
            self.departures.append(now)
            if len(self.departures) > self.bound.rate.most:
                self.departures.popleft()


class Gate:
    """Who may leave.

    :param put: takes a message to an instance in.
    :param leave: hands an attempt over, whose leave is durable.
    :param drop: told of an attempt that nobody waits for any longer.
    """

    def __init__(
        self,
        bounds: Bounds,
        clock: Clock,
        figures: Figures,
        put: Callable[[Delivery], None],
        leave: Callable[[Kept], None],
        drop: Callable[[Kept], None],
    ) -> None:
        self._bounds = bounds
        self._clock = clock
        self._figures = figures
        self._put = put
        self._leave = leave
        self._drop = drop
        self._sides: dict[str, _Side | None] = {}  #: by participant as it is counted; None: nothing keeps it back
        self._changes = 0  #: how often one was paused or resumed
        self._crowded: dict[str, _Side] = {}  #: where somebody is kept back
        self._kept: dict[int, Kept] = {}
        self._in_flight: dict[tuple[str, str], tuple[int, _Side]] = {}  #: instance and branch -> attempt, participant
        self._branches: dict[tuple[str, int], str] = {}  #: of the same: instance and attempt -> branch
        self.wake = asyncio.Event()  #: set when there may be something to do

    # -- what it is asked

    def __len__(self) -> int:
        return len(self._kept)

    def holds_back(self, participant: str, instance: str, branch: str, attempt: int) -> bool:
        """Whether an attempt has to wait for its leave: its participant is paused or bound, and it has no place yet."""
        side = self._side(participant)
        return side is not None and side.keeps and self._has_no_place(instance, branch, attempt)

    def is_paused(self, name: str) -> bool:
        """Whether a participant, as it is counted, is given nothing now."""
        side = self._sides.get(name)
        return side is not None and side.is_paused

    def owes_leave(self, participant: str, instance: str, branch: str, attempt: int) -> bool:
        """Whether an attempt that had to wait when it was decided is still to be let go: only that begins its time."""
        self._known(participant)
        return self._has_no_place(instance, branch, attempt)

    def _has_no_place(self, instance: str, branch: str, attempt: int) -> bool:
        return self._in_flight.get((instance, branch), (None, None))[0] != attempt

    def next_at(self) -> float | None:
        """When a rate lets the next one leave; None: none waits for that."""
        now = self._clock.now()
        opens = (side.opens_at(now) for side in self._crowded.values())
        return min((at for at in opens if at is not None), default=None)

    # -- what it is told

    def keep(self, kept: Kept) -> None:
        """Keep one back until it may leave."""
        side = self._side(kept.participant)
        assert side is not None, "only who is bound or paused is kept back"
        self._kept[kept.number] = kept
        side.kept += 1
        self._crowded[side.name] = side
        heappush(side.queue, (-kept.priority, kept.number))
        self._show(side)
        self.wake.set()

    def forget(self, number: int) -> bool:
        """Keep this one no longer: it is over. False: it was not kept."""
        kept = self._kept.pop(number, None)
        if kept is None:
            return False
        side = self._side(kept.participant)
        assert side is not None, "it was kept"
        self._gone(side)
        self._show(side)
        return True

    def in_flight(self, row: AttemptRow) -> None:
        """An earlier run let this one go, and it has no answer yet."""
        side = self._side(row.participant)
        if side is not None:
            self._lets_go(row.instance, row.branch, row.attempt, side)
            side.in_flight += 1
            self._show(side)

    def committed(self, writes: Writes) -> None:
        """Places come free with the branches that wait for their attempts no longer; who waits for one may leave."""
        if writes.pauses or writes.pauses_gone:
            self._changes += 1
            self._pause(row.participant for row in writes.pauses)
            self._resume(name for (name,) in writes.pauses_gone)
        if self._in_flight:
            self._look_at(writes)
        if self._crowded:
            self.admit()
            self.wake.set()

    async def look(self, storage: Storage) -> None:
        """Know which participants are paused, whatever one was told."""
        changes = -1
        while changes != self._changes:  # else it has read what was so before
            changes = self._changes
            paused = {row.participant for row in await storage.pauses()}
        self._resume([name for name, side in self._sides.items() if side is not None and name not in paused])
        self._pause(paused)
        self.admit()

    def _pause(self, names: Iterable[str]) -> None:
        for name in names:
            self._known(name).is_paused = True

    def _resume(self, names: Iterable[str]) -> None:
        for name in names:
            side = self._side(name)
            if side is not None:
                side.is_paused = False

    def _look_at(self, writes: Writes) -> None:
        """What is in flight no longer; or waits in a branch of another name, since its instance has migrated."""
        moved: dict[tuple[str, str], tuple[int, _Side]] = {}
        for row in writes.branches:
            branch = None if row.attempt is None else self._branches.get((row.instance, row.attempt))
            if branch is not None and branch != row.id:
                moved[row.instance, row.id] = self._in_flight.pop((row.instance, branch))
        for (instance, id), (attempt, side) in moved.items():
            self._lets_go(instance, id, attempt, side)
        waiting = {(row.instance, row.id) for row in writes.branches} if moved else set()
        for key in writes.branches_gone:
            if key not in waiting:
                self._free(key)
        for row in writes.branches:
            held = self._in_flight.get((row.instance, row.id))
            if held is not None and held[0] != row.attempt:
                self._free((row.instance, row.id))

    def _lets_go(self, instance: str, branch: str, attempt: int, side: _Side) -> None:
        self._in_flight[instance, branch] = attempt, side
        self._branches[instance, attempt] = branch

    # -- what it does

    def admit(self) -> None:
        """Let go who may leave now."""
        for side in list(self._crowded.values()):
            self._admit(side)

    def _admit(self, side: _Side) -> None:
        now = self._clock.now()
        while side.queue and side.opens_at(now) == now:
            kept = self._kept.pop(heappop(side.queue)[1], None)
            if kept is None:
                continue
            self._gone(side)
            side.departs(now)
            self._lets_go(kept.instance, kept.branch, kept.attempt, side)
            go = partial(self._answered, kept)
            self._put(Delivery(kept.instance, Unsent(kept.branch, kept.attempt), reply=go, leaves=kept.number))
        self._show(side)

    def _answered(self, kept: Kept, result: str | Exception) -> None:
        """The leave is durable; or nobody waits for the attempt any longer; or the engine has stopped."""
        if isinstance(result, str):
            self._leave(kept)
        elif not isinstance(result, Stopped):
            branch = self._branches.get((kept.instance, kept.attempt))
            if branch is not None:
                self._free((kept.instance, branch))
            self._drop(kept)
            self.admit()

    async def run(self, depart: Callable[[], Awaitable[None]] | None = None) -> None:
        """Let go whom a rate lets leave later, until canceled.

        :param depart: what else is to be done whenever :attr:`wake` is set.
        """
        while True:
            self.wake.clear()
            self.admit()
            if depart is not None:
                await depart()
            at = self.next_at()
            try:
                async with asyncio.timeout(None if at is None else max(at - self._clock.now(), 0.0)):
                    await self.wake.wait()
            except TimeoutError:
                continue

    # -- its books

    def _side(self, participant: str) -> _Side | None:
        name = self._bounds.name(participant)  # however it is written, it is one participant
        if name not in self._sides:
            bound = self._bounds.of(name)
            self._sides[name] = None if bound is None else _Side(name, bound)
        return self._sides[name]

    def _known(self, participant: str) -> _Side:
        """The same of one that something keeps back, or has kept back, whatever that is."""
        side = self._side(participant)
        if side is None:
            name = self._bounds.name(participant)
            side = self._sides[name] = _Side(name, None)
        return side

    def _gone(self, side: _Side) -> None:
        """One less is kept back."""
        side.kept -= 1
        if not side.kept:
            side.queue.clear()
            self._crowded.pop(side.name, None)

    def _free(self, place: tuple[str, str]) -> None:
        held = self._in_flight.pop(place, None)
        if held is not None:
            self._branches.pop((place[0], held[0]), None)
            held[1].in_flight -= 1
            self._show(held[1])

    def _show(self, side: _Side) -> None:
        self._figures.kept[side.name] = side.kept
        if side.bound is not None:  # what left before the pause of another was not counted
            self._figures.in_flight[side.name] = side.in_flight
