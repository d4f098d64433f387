"""Leave for attempts whose participant is bounded or paused, where several engines share the storage.

Purpose: what :mod:`.gate` does for one engine out of its memory, done here out of the rows, so that it holds for all.

Rules:

- what waits for leave stands in the outbox, and belongs to no engine; whoever gives it leave makes it a row of its own;
- leave is given in one transaction: it holds the participant, counts what is in flight, takes the first that wait, lets
  their time begin and writes the new rows. So no two engines give one place away, and together they never have more in
  flight than the bound says;
- a rate is shared out among the living, and each gives its part. When their number changes, one span may see more by
  one part;
- who has given all places away looks again after each of its commits that may have freed one, and once a sweep.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from ..core.messages import Unsent
from ..ports import Batch, OutboxRow, Writes
from .bounds import Bound, Rate
from .delivery import Delivery
from .shell import Shell
from .writes import Collector

_AT_ONCE = 100  #: attempts that are given leave in one transaction


@dataclass(slots=True)
class _Side:
    """What is known of one participant."""

    bound: Bound | None
    is_full: bool = False  #: when it was looked at last, there were more than could leave
    opens: float = 0.0  #: when its rate lets the next leave
    departures: deque[float] = field(default_factory=deque)  #: the last that its rate looks at


class Leaves:
    """Gives it, as a part of what is done alone."""

    def __init__(self, shell: Shell, is_paused: Callable[[str], bool]) -> None:
        self._shell = shell
        self._is_paused = is_paused
        self._sides: dict[str, _Side] = {}
        self._waiting: dict[str, None] = {}  #: participants to look at
        self._taken: tuple[str, int, bool] | None = None  #: of the chunk under way: whom for, how many, if that was all

    # -- what it is told

    def note(self, participants: Iterable[str]) -> None:
        """Attempts for these wait for leave, by the names they were written with."""
        for name in participants:
            self._waiting[self._shell.settings.bounds.name(name)] = None

    def committed_elsewhere(self, writes: Writes) -> None:
        """A batch of this engine is durable: places may be free, a participant goes on, more may wait."""
        self.note(row.participant for row in writes.outbox if row.participant)
        self.note(name for (name,) in writes.pauses_gone)
        if writes.branches or writes.branches_gone:
            self._waiting.update(dict.fromkeys(name for name, side in self._sides.items() if side.is_full))

    # -- what it does

    @property
    def is_idle(self) -> bool:
        """Whether nobody is to be looked at now."""
        return self._next() is None

    def _next(self) -> str | None:
        now = self._shell.clock.now() if self._waiting else 0.0
        return next((name for name in self._open() if self._side(name).opens <= now), None)

    def _open(self) -> Iterator[str]:
        return (name for name in self._waiting if not self._is_paused(name))

    def next_at(self) -> float | None:
        """When a rate lets somebody leave; None: nobody waits for that."""
        return min((self._side(name).opens for name in self._open()), default=None)

    async def next_chunk(self, collector: Collector, batch: Batch) -> list[Delivery]:
        """The leaves of one participant."""
        name = self._next()
        assert name is not None, "it is asked for before"
        del self._waiting[name]
        side, now = self._side(name), self._shell.clock.now()
        room = self._room(side, now)
        if not room:
            self._waiting[name] = None
            return []
        most = None if side.bound is None else side.bound.max_in_flight
        rows = await batch.take_leave(self._names(name), most, room)
        side.is_full = most is not None and len(rows) < room and (bool(rows) or await self._is_wanted(name))
        self._taken = name, len(rows), len(rows) < room
        return [self._leave(row, collector) for row in rows]

    async def _is_wanted(self, name: str) -> bool:
        """Whether attempts wait for leave."""
        return not set(self._names(name)).isdisjoint(await self._shell.storage.kept())

    def _leave(self, row: OutboxRow, collector: Collector) -> Delivery:
        collector.writes.outbox_gone.append(row.number)
        own = replace(row, number=self._shell.numbers(), participant="")
        return Delivery(row.instance, Unsent(row.branch, row.attempt or 0), row=own)

    def committed(self, collector: Collector) -> None:
        """The chunk is durable."""
        if self._taken is None:
            return
        (name, given, is_all), self._taken = self._taken, None
        side, now = self._side(name), self._shell.clock.now()
        side.departures.extend([now] * given)
        if not is_all:
            self._waiting[name] = None

    def clear(self) -> None:
        """It is not: look again."""
        if self._taken is not None:
            self._waiting[self._taken[0]] = None
            self._taken = None

    async def show(self) -> None:
        """Put into the figures how many wait, and how many are in flight."""
        figures, names = self._shell.figures, {name: self._names(name) for name in self._sides}
        counts = await self._shell.storage.attempt_counts([one for written in names.values() for one in written])
        for name, written in names.items():
            asked, kept = (sum(counts.get(one, (0, 0))[index] for one in written) for index in (0, 1))
            figures.kept[name] = kept
            if self._sides[name].bound is not None:
                figures.in_flight[name] = asked - kept

    # -- its books

    def _side(self, name: str) -> _Side:
        if name not in self._sides:
            self._sides[name] = _Side(self._shell.settings.bounds.of(name))
        return self._sides[name]

    def _names(self, name: str) -> list[str]:
        """A participant in every way that it is written."""
        return list(dict.fromkeys((name, self._shell.settings.bounds.prefix + name)))

    def _room(self, side: _Side, now: float) -> int:
        """How many its rate lets leave now; if none, it says when."""
        if side.bound is None or side.bound.rate is None:
            return _AT_ONCE
        rate = part_of(side.bound.rate, len(self._shell.members.living))
        while side.departures and side.departures[0] + rate.seconds <= now:
            side.departures.popleft()
        room = rate.most - len(side.departures)
        side.opens = now if room > 0 else side.departures[0] + rate.seconds
        return min(max(room, 0), _AT_ONCE)


def part_of(rate: Rate, members: int) -> Rate:
    """What each of so many may let leave, so that together it is never more."""
    if rate.most >= members:
        return Rate(rate.most // members, rate.seconds)
    return Rate(1, rate.seconds * members / rate.most)
