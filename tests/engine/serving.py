"""An HTTP server in the test's own loop, and an engine that asks it."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from courier import MemoryCourier, Office

from bureaucrat.config import Hosts, Service, ServiceSettings
from bureaucrat.engine.engine import Engine
from bureaucrat.engine.status import status_of
from bureaucrat.participants.service import PREFIXES, Services
from bureaucrat.ports import Courier
from bureaucrat.transports.services import ServiceCourier
from bureaucrat.wire import StatusAnswer

LOCAL = Hosts(("127.0.0.1", "*.test"), (ip_network("127.0.0.0/8"),))


@dataclass
class Request:
    """What came, and what is done about it."""

    line: str
    headers: dict[str, str]
    body: Any
    answered: asyncio.Future[None]


Reply = Callable[[Request], "tuple[int, bytes] | tuple[int, bytes, dict[str, str]] | None"]


@dataclass
class Server:
    """Answers each request with what `reply` gives; None: it waits until :attr:`go`."""

    reply: Reply
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    at_once: int = 0  #: the most that were open at a time
    open: int = 0
    go: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/work"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.at_once = max(self.at_once, self.open)
        try:
            await self._handle(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            self.open -= 1
            writer.close()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        request = Request(head[0], headers, json.loads(body), asyncio.get_running_loop().create_future())
        self.requests.append(request)
        reply = self.reply(request)
        if reply is None:
            await self.go.wait()
            reply = (200, b"{}")
        status, content, *more = reply
        lines = {"Content-Length": str(len(content)), **(more[0] if more else {})}
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"HTTP/1.1 {status} Said\r\n{text}\r\n".encode() + content)
        await writer.drain()


@asynccontextmanager
async def serving(reply: Reply, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(reply)
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        server.go.set()
        listening.close()


@dataclass
class Counter(Office):
    """An office whose engine asks services."""

    service_settings: ServiceSettings = field(default_factory=lambda: ServiceSettings(allow=LOCAL))
    registered: tuple[Service, ...] = ()
    lookup: Any = None
    asking: ServiceCourier | None = None

    def carrier(self) -> Courier:
        more = {} if self.lookup is None else {"lookup": self.lookup}
        services = Services(self.service_settings, self.registered, **more)
        self.asking = ServiceCourier(self.courier, services, PREFIXES)
        return self.asking

    async def die(self) -> None:
        """Without a word; only what would leak into the next test is let go."""
        await super().die()
        if self.asking is not None:
            await self.asking.stop()

    async def restart(self) -> Engine:
        await self.die()
        self.courier = MemoryCourier()
        return await self.run()


def process(participant: str, more: str = "", inside: str = "") -> str:
    return (
        f'<process name="p"><context><property name="amount" type="int">7</property></context>'
        f'<action participant="{participant}" {more}>{inside}</action></process>'
    )


async def rests(counter: Counter, id: str = "a") -> StatusAnswer:
    """Let the engine work until the instance has ended or needs a person."""
    while True:
        await counter.until_true(lambda: True)
        found = await status_of(counter.storage, id)
        if found.known and (found.status != "running" or found.incidents):
            return found
        await asyncio.sleep(0)
