"""Which engines work on the storage, and what of it falls to this one.

Rules:

- what a living member has numbered is its own; what nobody living has numbered, and what has no number, is shared out
  by a stable hash among the living;
- members may see who is living up to a sweep apart: then two take one thing, or for a moment nobody does. Whoever
  changes a row finds out by its lock or its version; what lies for a while is taken by anybody;
- who has not looked for a while was frozen, perhaps, and looks before it goes on.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar
from zlib import crc32

from ..clock import Clock, CorrectedClock, SystemClock
from ..ports import EventRow, MailRow, Membership, Storage, maker_of
from .numbers import Numbers

log = logging.getLogger(__name__)

PATIENCE = 2.0  #: seconds that what falls to another member may lie there
_LOOKS = 3  # at the storage's clock, if the first is not exact
_EXACT = 0.05  # seconds
_LAPSE = 5.0  # seconds without a look after which it is looked first; a member that lapses for 10 is taken for dead

Found = TypeVar("Found")
Numbered = TypeVar("Numbered", MailRow, EventRow)


class Members:
    """What is known of the others; of a storage that is not shared, that there are none."""

    def __init__(self, storage: Storage, clock: Clock, numbers: Callable[[], int]) -> None:
        self._storage = storage
        self._clock = clock
        self._numbers = numbers
        self.is_shared = storage.is_shared
        self._membership = Membership(0, frozenset({0}))
        self._ranks = [0]
        self._looked = -math.inf
        self._lying: dict[str, dict[Hashable, float]] = {}  #: what falls to others, since when it is seen there
        self.changes = 0  #: how often others were living than before

    async def begin(self) -> None:
        """Before anything else: look, or go on from the instant at which who was here before has left.

        :raises StorageUnavailable: it could not look.
        """
        if self.is_shared:
            await self.look()
        elif isinstance(self._clock, SystemClock):
            self._clock.begin(await self._storage.latest() or 0.0)

    async def look(self) -> None:
        """See who is living, and what time it is.

        :raises StorageUnavailable: it could not look.
        """
        if not self.is_shared:
            return
        membership = await self._storage.membership()
        if membership != self._membership:
            extra = {"member": membership.mine, "living": sorted(membership.living)}
            log.info("other daemons work on the database", extra=extra)
            self._membership = membership
            self._ranks = sorted(membership.living)
            self.changes += 1
            if isinstance(self._numbers, Numbers):
                self._numbers.maker = membership.mine
        await self._set_clock()
        self._looked = self._clock.now()

    async def _set_clock(self) -> None:
        """Again, if the answer was long in coming: who was frozen meanwhile does not know when it was given."""
        if not isinstance(self._clock, CorrectedClock):
            return
        for _ in range(_LOOKS):
            asked = self._clock.uncorrected()
            true = await self._storage.time()
            if true is None or self._clock.correct(true, asked, self._clock.uncorrected()) <= _EXACT:
                return

    async def be_sure(self) -> None:
        """Look, if that was not done for so long that others may think this one dead."""
        if self.is_shared and not 0.0 <= self._clock.now() - self._looked <= _LAPSE:  # or the clock was set back
            await self.look()

    @property
    def number(self) -> int:
        """The member number of this one."""
        return self._membership.mine

    @property
    def living(self) -> frozenset[int]:
        return self._membership.living

    @property
    def others(self) -> frozenset[int]:
        """The living but for this one."""
        return self._membership.others if self.is_shared else frozenset()

    def is_anothers(self, number: int) -> bool:
        """Whether another living member has made a number."""
        return self.is_shared and maker_of(number) in self._membership.others

    def falls_to_me(self, key: str) -> bool:
        """Whether this member is the one to see to something, by a text that names it."""
        return not self.is_shared or self._ranks[crc32(key.encode()) % len(self._ranks)] == self._membership.mine

    # -- what sweeps have found

    def sift(
        self,
        kind: str,
        found: Iterable[Found],
        share: Callable[[Found], str],
        identity: Callable[[Found], Hashable] | None = None,
    ) -> list[Found]:
        """Of what a sweep has found of a kind, what is to be done here: what falls to this member, and what lies there
        for longer than others should need.

        :param share: by what it falls to a member.
        :param identity: what it is found by again; None: the same.
        """
        if not self.is_shared:
            return list(found)
        now, before, lying, mine = self._clock.now(), self._lying.get(kind, {}), {}, []
        for one in found:
            key: Hashable = share(one) if identity is None else identity(one)
            if self.falls_to_me(share(one)):
                mine.append(one)
                continue
            since = lying[key] = before.get(key, now)
            if now - since >= PATIENCE:
                mine.append(one)
        self._lying[kind] = lying
        return mine

    def sift_numbered(self, kind: str, found: Iterable[Numbered], share: Callable[[Numbered], str]) -> list[Numbered]:
        """The same of rows that no other living member has numbered: this member's own are its own."""
        if not self.is_shared:
            return list(found)
        rows = list(found)
        own = [row for row in rows if maker_of(row.number) == self._membership.mine]
        rest = [row for row in rows if maker_of(row.number) != self._membership.mine]
        return own + self.sift(kind, rest, share, lambda row: row.number)
