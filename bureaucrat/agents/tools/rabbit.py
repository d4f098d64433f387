"""A connection to RabbitMQ that is made when it is needed, and again whenever it was lost.

Rules: whoever consumes is told of every end, of the connection, of the channel, and of the consumer alone, which the
server ends when a queue is deleted or moves; it begins again, for ever, with pauses up to four seconds.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import aiormq
from aiormq.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelAccessRefused,
    ChannelInvalidStateError,
    ConnectionNotAllowed,
    ProbableAuthenticationError,
)

from ...amqp import AmqpSettings
from ...amqp.tls import Tls
from ...config import without_password
from ...errors import ConfigurationError
from ..ending import end

#: What a client of RabbitMQ raises when the server, the connection or the channel is gone.
LOST: Final = (AMQPError, ChannelInvalidStateError, OSError, asyncio.TimeoutError, asyncio.InvalidStateError)
#: What no patience mends.
REFUSED: Final = (AuthenticationError, ProbableAuthenticationError, ChannelAccessRefused, ConnectionNotAllowed)
_CONNECT: Final = 10.0  #: seconds
_HEARTBEAT: Final = 15  #: seconds
ANSWER: Final = 15.0  #: seconds in which the server answers a question
_SHORTEST, _LONGEST = 0.25, 4.0  #: seconds between two tries


class Link:
    """One connection."""

    def __init__(self, dsn: str, name: str, log: logging.Logger) -> None:
        self._dsn = _with_heartbeat(checked(dsn))
        self._name = name
        self._log = log
        self._lock = asyncio.Lock()
        self._connection: AbstractConnection | None = None
        self._failure: tuple[float, Exception] | None = None  #: the last one's loop time: all who wait try together

    async def channel(self, *, confirms: bool = False) -> AbstractChannel:
        """A new channel.

        :raises AMQPError: and the others of LOST.
        """
        async with self._lock:
            if self._connection is None or self._connection.is_closed:
                self._connection = await self._connect()
            connection = self._connection
        async with asyncio.timeout(ANSWER):
            return await connection.channel(publisher_confirms=confirms)

    async def _connect(self) -> AbstractConnection:
        now = asyncio.get_running_loop().time()
        if self._failure is not None and now - self._failure[0] < _SHORTEST:
            raise self._failure[1]
        about = {"connection_name": f"{self._name}@{socket.gethostname()} pid {os.getpid()}"}
        try:
            async with asyncio.timeout(_CONNECT):
                return await aiormq.connect(self._dsn, client_properties={"product": "Bureaucrat", **about})
        except LOST as error:
            self._failure = (now, error)
            raise

    async def close(self) -> None:
        """Close it; it is made again when it is needed."""
        async with self._lock:
            if self._connection is not None:
                await self._connection.close()
                self._connection = None


class Standing:
    """Something that consumes on a channel of its own, and begins again when that was lost.

    :param begin: declares and consumes on a channel; gives the consumer's tag.
    """

    def __init__(
        self, link: Link, what: str, begin: Callable[[AbstractChannel], Awaitable[str]], log: logging.Logger
    ) -> None:
        self._link = link
        self._what = what
        self._begin = begin
        self._log = log
        self._is_begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.channel: AbstractChannel | None = None
        self._tag = ""
        self._loop = asyncio.create_task(self._run())

    async def begun(self) -> None:
        """Return when it consumes for the first time.

        :raises AMQPError: the server refuses what it asks for.
        """
        await self._is_begun

    async def _run(self) -> None:
        pause = _SHORTEST
        while True:
            try:
                lost = await self._consume()
                pause = _SHORTEST
                reason: object = await lost
            except REFUSED as error:
                if not self._is_begun.done():
                    self._is_begun.set_exception(error)
                    return
                reason = error
            except LOST as error:
                reason = error
            self._log.warning("%s: lost (%s); begun again in %g s", self._what, _told(reason), pause)
            await self._leave()
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST)

    async def _consume(self) -> asyncio.Future[object]:
        lost: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        channel = self.channel = await self._link.channel()

        def end(reason: object) -> None:
            if not lost.done():
                lost.set_result(reason)

        channel.closing.add_done_callback(lambda closing: end(_reason_of(closing)))
        channel.on_consumer_cancel_callbacks.add(lambda _: end("the server has ended the consumer"))
        async with asyncio.timeout(ANSWER):  # a queue that RabbitMQ cannot serve now answers nothing
            self._tag = await self._begin(channel)
        if not self._is_begun.done():
            self._is_begun.set_result(None)
        return lost

    async def _leave(self) -> None:
        if self.channel is not None and not self.channel.is_closed:
            try:
                async with asyncio.timeout(ANSWER):
                    await self.channel.close()
            except LOST as error:
                self._log.debug("%s: its channel was closed already: %s", self._what, error)
        self.channel = None

    async def pause(self) -> None:
        """Consume nothing more; what is here can be acknowledged."""
        await end([self._loop])
        if self.channel is not None and not self.channel.is_closed:
            try:
                await self.channel.basic_cancel(self._tag)
            except LOST as error:
                self._log.debug("%s: its channel was lost: %s", self._what, error)

    async def stop(self) -> None:
        """End: what is here and not acknowledged goes back to the server."""
        await end([self._loop])
        await self._leave()


def _reason_of(closing: asyncio.Future[Any]) -> object:
    if closing.cancelled():
        return "the channel was closed"
    return closing.exception() or "the channel was closed"


def _told(reason: object) -> str:
    return str(reason) or type(reason).__name__


def settings_of(dsn: str) -> AmqpSettings:
    """The same for our own client, with the files of TLS that the URL names as aiormq wants them."""
    parts = urlsplit(dsn)
    given = dict(parse_qsl(parts.query))
    files = {
        name: Path(given[key])
        for name, key in (("ca", "cafile"), ("cert", "certfile"), ("key", "keyfile"))
        if key in given
    }
    tls = Tls(is_verified=given.get("no_verify_ssl", "0") == "0", **files)  # type: ignore[arg-type]
    return AmqpSettings(url=urlunsplit(parts._replace(query="")), tls=tls)


def _with_heartbeat(dsn: str) -> str:
    """With the seconds after which a silent connection counts as lost, unless it says so itself."""
    parts = urlsplit(dsn)
    given = dict(parse_qsl(parts.query))
    return urlunsplit(parts._replace(query=urlencode({"heartbeat": _HEARTBEAT, **given}, safe="/")))


def checked(dsn: str) -> str:
    """A URL of RabbitMQ.

    :raises ConfigurationError: it is none.
    """
    try:
        parts = urlsplit(dsn)
        if parts.scheme not in ("amqp", "amqps") or not parts.hostname:
            raise ValueError
    except ValueError:  # its text may hold a part of the password
        shown = without_password(dsn)
        raise ConfigurationError(f"{shown!r} is no URL of RabbitMQ; write amqp://user:password@host:port/") from None
    return dsn
