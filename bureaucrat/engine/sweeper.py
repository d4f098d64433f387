"""What is done once a second, and once a minute.

Rules: who is living is asked first, for all that follows depends on it; what fails for want of storage is done by the
next sweep.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from itertools import count

from ..errors import StorageUnavailable
from .exchange import Exchange
from .handover import Handover
from .recovery import Recovery
from .shell import Shell

log = logging.getLogger(__name__)

_SWEEPS_A_TIDY = 60
_SWEEPS_A_COUNT = 10  # where others change what is counted, too


class Sweeper:
    """Sweeps.

    :param count: has the engine show how much is under way.
    :param wake: wakes it.
    """

    def __init__(
        self,
        shell: Shell,
        recovery: Recovery,
        handover: Handover,
        exchange: Exchange | None,
        count: Callable[[], None],
        wake: Callable[[], None],
    ) -> None:
        self._storage = shell.storage
        self._settings = shell.settings
        self._figures = shell.figures
        self._members = shell.members
        self._recovery = recovery
        self._handover = handover
        self._exchange = exchange
        self._count = count
        self._wake = wake

    async def sweep(self) -> None:
        """Find in storage what is to be done and is not in memory.

        :raises StorageUnavailable: it could not look.
        """
        unsure = self._recovery.unsure
        await self._members.look()
        self._count()
        await self._recovery.sweep(resend=self._exchange is None)
        if self._exchange is not None:
            await self._exchange.sweep(unsure > 0)
        self._recovery.unsure -= unsure
        self._wake()

    async def recount(self) -> None:
        """What is known by its changes may be wrong after a commit of unknown outcome, and where others change it."""
        await self._handover.open()
        self._figures.incidents = sum(cause.number for cause in await self._storage.causes())

    async def run(self) -> None:
        """Sweep until canceled."""
        for turn in count():
            await asyncio.sleep(self._settings.sweep)
            try:
                await self.sweep()
                is_tidied = turn % _SWEEPS_A_TIDY == 0
                if is_tidied:
                    await self._recovery.tidy()
                if is_tidied or (self._members.is_shared and turn % _SWEEPS_A_COUNT == 0):
                    await self.recount()
            except StorageUnavailable as error:
                log.warning("the sweep found storage unavailable", extra={"reason": str(error)})
