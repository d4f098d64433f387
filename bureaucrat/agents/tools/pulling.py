"""Taking messages from a server that has to be asked for each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from ..bus import ended
from ..ending import end

M = TypeVar("M")


class Pulling(Generic[M]):
    """Takes message by message, and has up to `prefetch` handled at once.

    :param take: waits for the next message.
    :param handle: handles one to its end; it raises nothing.
    """

    def __init__(self, take: Callable[[], Awaitable[M]], handle: Callable[[M], Awaitable[None]], prefetch: int) -> None:
        self._take = take
        self._handle = handle
        self._slots = asyncio.Semaphore(prefetch)
        self._at_work: set[asyncio.Task[None]] = set()
        self._loop = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            await self._slots.acquire()
            message = await self._take()
            work = asyncio.create_task(self._work(message))
            self._at_work.add(work)
            work.add_done_callback(self._at_work.discard)

    async def _work(self, message: M) -> None:
        try:
            await self._handle(message)
        finally:
            self._slots.release()

    async def stop(self, grace: float) -> None:
        """Take nothing more; what is at work has `grace` seconds, then it is ended."""
        await end([self._loop])
        await ended(list(self._at_work), grace)
