"""Replies to this process: promises of one reply, and barriers of many.

Rules: all replies come by one topic of the process and find their promise by its id; one that finds none is dropped,
for it came too late, or twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any, Final, Protocol

from .brokers import Delivery
from .envelopes import error_in, opened
from .failures import AgentError, Malformed
from .records import blessed

log = logging.getLogger(__name__)

AT_ONCE: Final = 1000  #: requests of one barrier under way, and replies not yet read


class ReplyPromise(asyncio.Future[Any]):
    """A future of one reply."""

    def __init__(self, reply_to: str, correlation_id: str) -> None:
        super().__init__()
        self.reply_to = reply_to
        self.correlation_id = correlation_id

    def fulfill(self, correlation_id: str, value: Any) -> None:
        """The reply is there; an error is raised where it is awaited."""
        if self.done():
            return
        if isinstance(value, AgentError):
            self.set_exception(value)
        else:
            self.set_result(value)


class BarrierState(asyncio.Future[None]):
    """Many replies of one call; done when all are there."""

    def __init__(self, reply_to: str) -> None:
        super().__init__()
        self.reply_to = reply_to
        self.size = 0
        self.total: int | None = None  #: known when all requests are sent
        self.fulfilled = 0
        self.pending: set[str] = set()
        self._results: asyncio.Queue[tuple[str, Any] | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(AT_ONCE)

    async def room(self) -> None:
        """Wait until one more request may be under way."""
        await self._room.acquire()

    def add(self, correlation_id: str) -> None:
        """One more request."""
        self.size += 1
        self.pending.add(correlation_id)

    def finalize(self) -> None:
        """All requests are sent."""
        self.total = self.size
        self._look()

    def fail(self, error: BaseException) -> None:
        """The requests cannot be sent on."""
        self._results.put_nowait(("", error))

    def fulfill(self, correlation_id: str, value: Any) -> None:
        """A reply is there."""
        if correlation_id in self.pending:
            self.pending.discard(correlation_id)
            self.fulfilled += 1
            self._results.put_nowait((correlation_id, value))
            self._look()

    def get_nowait(self) -> tuple[str, Any]:
        """The next reply that is there.

        :raises asyncio.QueueEmpty: none is.
        """
        found = self._results.get_nowait()
        if found is None:
            raise asyncio.QueueEmpty
        return self._opened(found)

    async def iterate(self) -> AsyncIterator[tuple[str, Any]]:
        """The replies with their ids, as they come."""
        while (found := await self._results.get()) is not None:
            yield self._opened(found)

    def _opened(self, found: tuple[str, Any]) -> tuple[str, Any]:
        self._room.release()
        if isinstance(found[1], BaseException):
            raise found[1]
        return found

    def _look(self) -> None:
        if self.total is not None and self.fulfilled == self.total and not self.done():
            self.set_result(None)
            self._results.put_nowait(None)


class Promise(Protocol):
    """What waits for replies."""

    reply_to: str

    def fulfill(self, correlation_id: str, value: Any) -> None: ...


class Replies:
    """What waits, and what comes."""

    def __init__(self) -> None:
        self._promises: dict[str, Promise] = {}

    def expect(self, correlation_id: str, promise: Promise) -> None:
        """Hand the reply of this id to a promise."""
        self._promises[correlation_id] = promise

    def forget(self, correlation_id: str) -> None:
        """Nobody waits for it any more."""
        self._promises.pop(correlation_id, None)

    def take(self, delivery: Delivery) -> None:
        """A message of the reply topic."""
        try:
            self._take(delivery)
        except Malformed as error:
            log.warning("a reply is dropped: %s", error)
        delivery.ack()

    def _take(self, delivery: Delivery) -> None:
        envelope = opened(delivery.message.value)
        if envelope is None:
            raise Malformed("it is no ReqRepResponse")
        promise = self._promises.pop(envelope.correlation_id, None)
        if promise is not None:
            value = error_in(delivery.message) or blessed(envelope.value)
            promise.fulfill(envelope.correlation_id, value)
