"""A connection that is made again whenever it is lost, from scratch, with growing pauses.

Rules: what runs on a connection ends by raising :class:`Lost`; a loss is logged once, however often the next attempts
fail; a defect in what runs there ends the connection, never the line.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from ..errors import BrokerUnavailable, ConfigurationError
from .connection import Connection, Lost
from .settings import AmqpSettings

log = logging.getLogger(__name__)

_SHORTEST = 0.2  #: seconds
_LONGEST = 4.0  #: so that within five seconds of the return of the broker all is as before
_STEADY = 1.0  #: seconds that something has to last, for the pauses to begin anew


class Pauses:
    """Between attempts: doubled from the shortest to the longest, cut by up to half so that not all come at once."""

    def __init__(self, shortest: float = _SHORTEST, longest: float = _LONGEST) -> None:
        self._shortest = shortest
        self._longest = longest
        self._next = shortest
        self._begun = 0.0

    def begin(self) -> None:
        """An attempt begins."""
        self._begun = asyncio.get_running_loop().time()

    async def wait(self) -> None:
        """Wait before the next attempt."""
        await asyncio.sleep(self.after(asyncio.get_running_loop().time() - self._begun))

    def after(self, lasted: float) -> float:
        """The seconds to wait after an attempt that lasted so many."""
        if lasted > _STEADY:
            self._next = self._shortest
        pause = self._next * random.uniform(0.5, 1.0)
        self._next = min(self._next * 2, self._longest)
        return pause


class Line:
    """One of the connections of a broker."""

    def __init__(
        self,
        settings: AmqpSettings,
        name: str,
        session: Callable[[Connection], Awaitable[None]],
        blocked: Callable[[bool], None],
        changed: Callable[[], None],
    ) -> None:
        """
        :param session: what runs on the connection; it calls ``is_ready`` and ends by raising.
        :param blocked: told when the broker takes nothing from it, and when it does again.
        :param changed: told when it is lost, and when it is back.
        """
        self._settings = settings
        self._name = name
        self._session = session
        self._blocked = blocked
        self._changed = changed
        self._running: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None] | None = None
        self.last_loss: str | None = None
        self.is_lost = False
        self._is_stopping = False

    async def start(self) -> None:
        """Connect, and stay so.

        :raises BrokerUnavailable: the first attempt failed; then there is no second.
        """
        self._ready = asyncio.get_running_loop().create_future()
        self._running = asyncio.create_task(self._run())
        await asyncio.wait([self._ready, self._running], return_when=asyncio.FIRST_COMPLETED)
        if not self._ready.done() or self._ready.exception():
            reason = self.last_loss
            await self.stop()
            raise BrokerUnavailable(f"{self._settings.shown}: {reason}")

    def is_ready(self) -> None:
        """The session has got what it needs."""
        assert self._ready is not None, "a session begins after the start"
        if not self._ready.done():
            self._ready.set_result(None)
        self.is_lost = False
        self._changed()

    async def stop(self) -> None:
        """Say goodbye."""
        if self._running is None:
            return
        self._is_stopping = True
        self._running.cancel()
        await asyncio.wait([self._running])
        self._running = None

    async def _run(self) -> None:
        assert self._ready is not None, "it is made before"
        pauses = Pauses()
        while not self._is_stopping:
            pauses.begin()
            try:
                await self._once()
            except Lost as lost:
                self._note(lost.reason)
            except ConfigurationError as error:  # a file of TLS is renewed just now, or was removed
                self._note(str(error))
            except Exception as error:  # a defect of ours, or what a callback raised: begin anew, and tell
                log.exception("a connection to the broker is given up", extra={"connection": self._name})
                self._note(f"{type(error).__name__}: {error}")
            if not self._ready.done() or self._is_stopping:
                return
            await pauses.wait()

    async def _once(self) -> None:
        connection = await Connection.open(self._settings, self._name, self._blocked)
        try:
            await self._session(connection)
        finally:
            await connection.close()
            self._blocked(False)

    def _note(self, reason: str) -> None:
        self.last_loss = reason
        self.is_lost = True
        self._changed()
