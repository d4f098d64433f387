"""TCP links that break in the ways networks do: they hold everything back, are slow, or end within a frame."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

_CHUNK = 4096


class Links:
    """All links of a campaign, on an event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._links: list[Link] = []

    def to(self, port: int) -> Link:
        """A new link to a port of this machine."""
        self._links.append(Link(port, self))
        return self.call(self._links[-1].open())

    def call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def tell(self, call: Callable[[], object]) -> None:
        """Have it called on the loop."""

        async def told() -> None:
            call()

        self.call(told())

    def close(self) -> None:
        self.call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        for link in self._links:
            link.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class Link:
    """One way from a program to a server. It listens on ``port``."""

    def __init__(self, target: int, links: Links) -> None:
        self._target = target
        self._links = links
        self._passes = asyncio.Event()
        self._passes.set()
        self._slowness = 0.0
        self._is_ending = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def open(self) -> Link:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def close(self) -> None:
        self._cut()
        if self._server is not None:
            self._server.close()

    # -- what may be done to it, by any thread

    def hold(self) -> None:
        """Let nothing pass; every connection stays open, and new ones are taken."""
        self._links.tell(self._passes.clear)

    def mend(self) -> None:
        """As good as new; what was held back passes."""
        self._links.tell(self._mend)

    def slow(self, seconds: float) -> None:
        """Hold each piece back for so long."""
        self._links.tell(lambda: setattr(self, "_slowness", seconds))

    def cut(self) -> None:
        """End every connection, without a word."""
        self._links.tell(self._cut)

    def cut_within(self) -> None:
        """Of the next piece that comes either way let half pass, then end every connection."""
        self._links.tell(lambda: setattr(self, "_is_ending", True))

    # -- on the loop

    def _mend(self) -> None:
        self._slowness, self._is_ending = 0.0, False
        self._passes.set()

    def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:  # the server is away, and so is what leads to it
            writer.transport.abort()
            return
        both = {writer, far_writer}
        for one in both:
            one.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._writers |= both
        with suppress(OSError, asyncio.CancelledError):
            ways = [self._pass_on(reader, far_writer), self._pass_on(far_reader, writer)]
            _, left = await asyncio.wait([asyncio.ensure_future(way) for way in ways], return_when="FIRST_COMPLETED")
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        self._writers -= both
        for one in both:
            one.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._passes.wait()
                if self._slowness:
                    await asyncio.sleep(self._slowness)
                if self._is_ending:
                    self._is_ending = False
                    writer.write(data[: len(data) // 2])
                    await writer.drain()
                    self._cut()
                    return
                writer.write(data)
                await writer.drain()
