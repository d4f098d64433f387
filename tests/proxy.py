"""A TCP proxy before a broker that loses what a test wants lost: single AMQP frames, or everything."""

from __future__ import annotations

import asyncio
import contextlib

ACK = (60, 80)  #: the numbers of basic.ack; of a confirm, when the broker sends it
CANCEL = (60, 30)
CLOSE_OK = (20, 41)  #: of a channel
_METHOD = 1


class Proxy:
    """Listens on a port of its own, as an asynchronous context."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.lost: set[tuple[int, int]] = set()  #: methods from the broker that do not arrive
        self._passes = asyncio.Event()
        self._passes.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.connections = 0
        self.refused = 0
        self._is_refusing = False
        self.dropped = 0

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._passes.set()
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks)
        await self._server.wait_closed()

    def url(self, vhost: str) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{vhost}"

    def silence(self) -> None:
        """Let nothing pass; every connection stays open."""
        self._passes.clear()

    def cut(self) -> None:
        """End every connection."""
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    def refuse(self) -> None:
        """End every connection, and each new one at once."""
        self._is_refusing = True
        self.cut()

    def admit(self) -> None:
        """Take connections again."""
        self._is_refusing = False

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_refusing:
            self.refused += 1
            writer.close()
            return
        self.connections += 1
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, server_writer}
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await asyncio.gather(self._pass_on(reader, server_writer), self._frames(server_reader, writer))
        for one in (writer, server_writer):
            self._writers.discard(one)
            one.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._passes.wait()
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError

    async def _frames(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readexactly(7)
            rest = await reader.readexactly(int.from_bytes(head[3:7]) + 1)
            await self._passes.wait()
            method = (int.from_bytes(rest[0:2]), int.from_bytes(rest[2:4]))
            if head[0] == _METHOD and method in self.lost:
                self.dropped += 1
                continue
            writer.write(head + rest)
            await writer.drain()
