"""pika's connection and channel with awaitable calls.

Rules: nothing but this package knows pika; a callback of pika never raises, or pika closes the connection without a
word; whatever ends a channel or a connection is a :class:`Lost` with a reason for people, told once, by ``trouble``.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pika.exceptions as wrong
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.adapters.utils.connection_workflow import AMQPConnectorStackTimeout

from .settings import AmqpSettings
from .tls import meaning_of, told_in

_CLOSING = 2.0  #: seconds that the broker has to say goodbye


class Lost(Exception):
    """A connection or channel has ended; `code` is the broker's reply code, 0 if it gave none."""

    def __init__(self, reason: str, code: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class ChannelLost(Lost):
    """One channel has ended; the connection may still be good."""


NOT_FOUND = 404


def settle(future: asyncio.Future[Any], value: Any) -> None:
    """Give a future its result or exception, if it still wants one."""
    if future.done():
        return
    if isinstance(value, BaseException):
        future.set_exception(value)
        future.exception()  # nobody has to look
    else:
        future.set_result(value)


def end(trouble: asyncio.Future[Any], lost: Lost) -> None:
    """Say why something has ended; the first reason counts."""
    if not trouble.done():
        trouble.set_result(lost)


class Channel:
    """An open channel."""

    def __init__(self, raw: Any, timeout: float) -> None:
        self.raw = raw
        self.trouble: asyncio.Future[ChannelLost] = asyncio.get_running_loop().create_future()
        self._timeout = timeout
        self._asked: set[asyncio.Future[Any]] = set()
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        raw.add_on_close_callback(lambda _, error: self._on_close(error))
        raw.add_on_cancel_callback(lambda _: self.lose(ChannelLost("the broker has canceled the consumer")))

    def _on_close(self, error: BaseException) -> None:
        settle(self._closed, None)
        self.lose(ChannelLost(reason_of(error), getattr(error, "reply_code", 0)))

    @property
    def is_open(self) -> bool:
        return not self.trouble.done() and bool(self.raw.is_open)

    def lose(self, lost: ChannelLost) -> None:
        """It can be used no more."""
        end(self.trouble, lost)
        for future in self._asked:
            settle(future, lost)

    async def ask(self, method: str, **arguments: Any) -> Any:
        """Call a method of pika's channel that the broker answers.

        :raises ChannelLost: the channel has ended instead.
        :raises Lost: there was no answer in time.
        """
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked.add(future)
        try:
            if self.trouble.done():
                raise self.trouble.result()
            getattr(self.raw, method)(**arguments, callback=lambda frame: settle(future, frame))
            async with asyncio.timeout(self._timeout):
                return await future
        except wrong.AMQPError as error:
            raise ChannelLost(reason_of(error)) from error
        except TimeoutError as error:
            raise Lost(f"no answer to {method} within {self._timeout:g} s") from error
        finally:
            self._asked.discard(future)

    async def close(self) -> None:
        """End it.

        :raises Lost: the broker does not answer.
        """
        with contextlib.suppress(wrong.AMQPError):
            self.raw.close()
        try:
            async with asyncio.timeout(_CLOSING):
                await self._closed
        except TimeoutError as error:
            raise Lost(f"a channel could not be closed within {_CLOSING:g} s") from error
        finally:
            self.lose(ChannelLost("the channel was closed"))


class _Coalescing(AsyncioConnection):  # type: ignore[misc]  # pika has no types
    """Writes once in a turn of the event loop. pika writes the three frames of a message one by one; this halves it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._chunks: list[bytes] = []
        super().__init__(*arguments, **options)

    def _adapter_emit_data(self, data: bytes) -> None:
        """pika's adapters write here."""
        if not self._chunks:
            asyncio.get_running_loop().call_soon(self._write)
        self._chunks.append(data)

    def _write(self) -> None:
        data = b"".join(self._chunks)
        self._chunks.clear()
        if self._transport is not None:
            self._transport.write(data)


class Connection:
    """A connection, from the attempt to open it."""

    def __init__(self, settings: AmqpSettings, name: str, blocked: Callable[[bool], None]) -> None:
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.trouble: asyncio.Future[Lost] = asyncio.get_running_loop().create_future()
        self._timeout = settings.confirm_timeout
        self._channels: set[asyncio.Future[Any]] = set()
        self.raw = _Coalescing(
            settings.parameters(name),
            on_open_callback=lambda _: settle(self._opened, None),
            on_open_error_callback=lambda _, error: settle(self._opened, error),
            on_close_callback=lambda _, error: self._closed(error),
        )
        self.raw.add_on_connection_blocked_callback(lambda *_: blocked(True))
        self.raw.add_on_connection_unblocked_callback(lambda *_: blocked(False))

    @classmethod
    async def open(cls, settings: AmqpSettings, name: str, blocked: Callable[[bool], None]) -> Connection:
        """Connect.

        :param blocked: told when the broker takes no messages from this connection, and when it does again.
        :raises Lost: it did not work.
        :raises ConfigurationError: the URL is none.
        """
        connection = cls(settings, name, blocked)
        try:
            async with asyncio.timeout(settings.connect_timeout + 1.0):
                await connection._opened
        except Exception as error:  # pika reports errors of the network, of TLS, of the broker and of its own
            raise Lost(reason_of(error)) from error
        finally:
            if not connection.raw.is_open:
                _drop(connection.raw)
        return connection

    def _closed(self, error: BaseException) -> None:
        lost = Lost(reason_of(error), getattr(error, "reply_code", 0))
        settle(self._opened, lost)
        end(self.trouble, lost)
        for future in self._channels:
            settle(future, lost)

    async def channel(self) -> Channel:
        """Open a channel.

        :raises Lost: the connection has ended, or there was no answer in time.
        """
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._channels.add(future)
        try:
            if self.trouble.done():
                raise self.trouble.result()
            self.raw.channel(on_open_callback=lambda raw: settle(future, raw))
            async with asyncio.timeout(self._timeout):
                return Channel(await future, self._timeout)
        except wrong.AMQPError as error:
            raise Lost(reason_of(error)) from error
        except TimeoutError as error:
            raise Lost(f"no channel within {self._timeout:g} s") from error
        finally:
            self._channels.discard(future)

    async def close(self) -> None:
        """Say goodbye; whether the broker answers or not, it is closed afterwards."""
        try:
            if self.raw.is_open:
                self.raw.close()
            async with asyncio.timeout(_CLOSING):
                await asyncio.shield(self.trouble)
        except (wrong.AMQPError, TimeoutError):
            _drop(self.raw)
        finally:
            end(self.trouble, Lost("the connection was closed"))


def _drop(raw: Any) -> None:
    """Close the socket at once. pika has a name for it that begins with an underscore, and no other."""
    transport = getattr(raw, "_transport", None)
    if transport is not None:
        with contextlib.suppress(Exception):  # whatever state it is in, it is given up
            transport.abort()
    elif not raw.is_closed and not raw.is_closing:
        with contextlib.suppress(Exception):  # still connecting: this calls the attempt off
            raw.close()


def reason_of(error: BaseException) -> str:
    """Why a connection or channel ended or could not be had, in a few words for people."""
    causes = list(_causes(error))
    for cause in causes:
        match cause:
            case wrong.ProbableAuthenticationError() if is_refusal(cause):
                return "the login was refused; check user and password, or the name in the certificate"
            case wrong.ProbableAccessDeniedError() if is_refusal(cause):
                return "the virtual host is unknown, or the user may not use it"
            case wrong.ProbableAuthenticationError() | wrong.ProbableAccessDeniedError():
                return "the connection was lost"
            case wrong.AuthenticationError():
                return f"the broker offers no login of this kind ({_plain(cause)}); its plugin may not be enabled"
            case wrong.IncompatibleProtocolError():
                return told_in(str(cause)) or "whatever listens there is no AMQP 0-9-1 broker"
            case wrong.AMQPHeartbeatTimeout():
                return "the broker's heartbeat stopped"
            case wrong.ConnectionClosedByBroker() | wrong.ChannelClosedByBroker():
                return _by_broker(cause.reply_code, cause.reply_text)
            case ssl.SSLError():
                return meaning_of(cause)
            case socket.gaierror():
                return "the host name is unknown"
            case TimeoutError() | AMQPConnectorStackTimeout() | wrong.ConnectionOpenAborted():
                return "there was no answer in time"
            case OSError() if cause.strerror or str(cause):
                return (cause.strerror or str(cause)).lower()
    return "the connection was lost" if isinstance(causes[-1], wrong.StreamLostError) else _plain(causes[-1])


def is_refusal(error: BaseException) -> bool:
    """Whether the broker has refused us, and will again.

    pika takes any end of a connection during the login for a refusal; its text says whether the broker has closed it.
    """
    refusals = (wrong.ProbableAuthenticationError, wrong.ProbableAccessDeniedError)
    if isinstance(error, refusals):
        return wrong.ConnectionClosedByBroker.__name__ in str(error.args)
    inner = [*getattr(error, "exceptions", []), getattr(error, "exception", None), *error.args]
    return any(is_refusal(one) for one in inner if isinstance(one, BaseException))


def _by_broker(code: int, text: str) -> str:
    if code == 530 or (code == 403 and "vhost" in text):
        return f"the virtual host is unknown, or the user may not use it ({code} {text})"
    return f"{code} {text}"


def _plain(error: BaseException) -> str:
    text = " ".join(str(one) for one in error.args if isinstance(one, str))
    return text or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and those it was made of, the last attempt first."""
    yield error
    inner = [*reversed(getattr(error, "exceptions", [])), getattr(error, "exception", None), *reversed(error.args)]
    for one in [*inner, error.__cause__]:
        if isinstance(one, BaseException):
            yield from _causes(one)
