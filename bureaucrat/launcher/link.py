"""One connection to the broker, used by one thread at a time, in which no wait is longer than its caller allows.

Rules: pika's loop runs only inside of a call, on the caller's thread, until what is waited for has happened or the
deadline (of ``time.monotonic``) has come; pika's own blocking connection has no deadline for a confirm. Whoever meets
:class:`Lost` or :class:`Late` drops the link and makes another.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import pika
import pika.exceptions as wrong
from pika.adapters.select_connection import IOLoop

from ..amqp.connection import NOT_FOUND, is_refusal, reason_of
from ..amqp.settings import AmqpSettings

_GOODBYE: Final = 1.0  #: seconds that the broker has to say it
_GRACE: Final = 0.5  #: seconds after which a connection is given up that pika itself should have given up


class Lost(Exception):
    """The connection or its channel has ended. `is_final`: to connect again would not help."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final


class Late(Exception):
    """The deadline has come."""


class Returned(Exception):
    """No queue takes the message."""


class Nacked(Exception):
    """The broker has refused the message."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to publish."""

    exchange: str
    routing_key: str
    body: bytes
    properties: pika.BasicProperties


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that came to the link's own queue."""

    correlation_id: str | None
    body: bytes


class _Loop(IOLoop):  # type: ignore[misc] # pika has no types
    """Knows which sockets it watches, so that they can be shut down when the other side is silent."""

    def __init__(self) -> None:
        super().__init__()
        self.watched: set[int] = set()

    def add_handler(self, fd: int, handler: Any, events: int) -> None:
        self.watched.add(fd)
        super().add_handler(fd, handler, events)

    def remove_handler(self, fd: int) -> None:
        self.watched.discard(fd)
        super().remove_handler(fd)


class Link:
    """An open connection with one channel in confirm mode."""

    def __init__(self, settings: AmqpSettings, name: str, deadline: float) -> None:
        """Connect; `name` is shown in the broker's management pages.

        :raises Lost: it did not work.
        :raises Late: it took too long.
        """
        self.queue = ""  #: its own queue, once :meth:`listen` was called
        self.is_blocked = False
        self._inbox: deque[Delivery] = deque()
        self._trouble: Lost | None = None
        self._tag = 0
        self._verdicts: list[bool] = []  #: what the broker says of the last message: at most one
        self._is_returned = False
        self._is_open = False
        self._has_ended = False
        self._channel: Any = None
        self._loop = _Loop()
        self._connection = pika.SelectConnection(
            replace(settings, connect_timeout=max(0.1, deadline - time.monotonic())).parameters(name),
            on_open_callback=lambda _: self._set_opened(),
            on_open_error_callback=lambda _, error: self._set_ended(error),
            on_close_callback=lambda _, error: self._set_ended(error),
            custom_ioloop=self._loop,
        )
        try:
            self._wait(lambda: self._is_open, deadline + _GRACE)
            self._connection.add_on_connection_blocked_callback(lambda *_: self._set_blocked(True))
            self._connection.add_on_connection_unblocked_callback(lambda *_: self._set_blocked(False))
            self._channel = self._open_channel(deadline)
            self._prepare(deadline)
        except BaseException:  # a signal, too: what was opened is closed again
            self.close()
            raise

    # -- publishing

    def publish(self, letter: Letter, deadline: float) -> None:
        """Publish, and wait for the confirm.

        :raises Returned: no queue takes it.
        :raises Nacked: the broker refuses it.
        :raises Lost: nobody knows whether it was sent.
        :raises Late: nobody knows whether it was sent.
        """
        self._is_returned, self._verdicts = False, []
        self._tag += 1
        self._call(
            self._channel.basic_publish,
            letter.exchange,
            letter.routing_key,
            letter.body,
            letter.properties,
            mandatory=True,
        )
        self._wait(lambda: self._verdicts, deadline)
        if not self._verdicts[0]:
            raise Nacked
        if self._is_returned:
            raise Returned

    def is_usable(self) -> bool:
        """Whether it still stands: what came while nobody looked is read first."""
        if self._trouble is None:
            self._loop.call_later(0, self._loop.stop)
            self._loop.start()
        return self._trouble is None

    # -- a queue of its own

    def listen(self, deadline: float) -> None:
        """Have a queue of its own, which ends with the link, and take what it delivers."""
        if not self.queue:
            channel = self._channel
            frame = self._ask(channel.queue_declare, deadline, "", exclusive=True, auto_delete=True)
            queue = frame.method.queue
            self._ask(channel.basic_consume, deadline, queue, self._deliver, auto_ack=True, exclusive=True)
            self.queue = queue

    def bind(self, exchange: str, routing_key: str, deadline: float) -> None:
        """Let the own queue have what is published to a durable topic exchange, which is declared if it is missing."""
        probe = self._open_channel(deadline)
        found: list[Any] = []
        self._call(probe.exchange_declare, exchange, passive=True, callback=self._noting(found))
        self._wait(lambda: found or probe.is_closed, deadline)
        if not found:
            self._ask(self._channel.exchange_declare, deadline, exchange, "topic", durable=True)
        else:
            self._call(probe.close)
        self._ask(self._channel.queue_bind, deadline, self.queue, exchange, routing_key)

    def unbind(self, exchange: str, routing_key: str, deadline: float) -> None:
        """Undo :meth:`bind`, and forget what was delivered."""
        self._ask(self._channel.queue_unbind, deadline, self.queue, exchange, routing_key)
        self._inbox.clear()

    def receive(self, deadline: float) -> Delivery:
        """The next message that the own queue delivers. Raises :class:`Late` and :class:`Lost`."""
        self._wait(lambda: self._inbox, deadline)
        return self._inbox.popleft()

    # -- the end

    def call_off(self) -> None:
        """From another thread: let whoever waits here wait no longer."""
        self._trouble = Lost("the launcher was closed")
        self._loop.add_callback_threadsafe(self._loop.stop)

    def close(self) -> None:
        """Say goodbye; if nobody answers, shut the socket down."""
        with contextlib.suppress(wrong.AMQPError):
            if self._is_open:  # while it connects, pika cannot be told to stop; what connects has a timeout of its own
                self._connection.close()
        if not self._run(lambda: self._has_ended, time.monotonic() + _GOODBYE):
            for watched in self._loop.watched:
                with contextlib.suppress(OSError), socket.socket(fileno=os.dup(watched)) as raw:
                    raw.shutdown(socket.SHUT_RDWR)
            self._run(lambda: self._has_ended, time.monotonic() + _GOODBYE)
        self._loop.close()

    # -- pika's side

    def _prepare(self, deadline: float) -> None:
        self._channel.add_on_return_callback(lambda *_: self._set_returned())
        self._channel.add_on_cancel_callback(lambda _: self._end(Lost("the broker has canceled the consumer")))
        self._ask(self._channel.confirm_delivery, deadline, self._confirm)

    def _open_channel(self, deadline: float) -> Any:
        opened: list[Any] = []
        channel = self._call(self._connection.channel, on_open_callback=self._noting(opened))
        channel.add_on_close_callback(self._end_channel)
        self._wait(lambda: opened, deadline)
        return channel

    def _ask(self, method: Callable[..., Any], deadline: float, *arguments: Any, **named: Any) -> Any:
        """Call a method that the broker answers; returns the answer."""
        answers: list[Any] = []
        self._call(method, *arguments, **named, callback=self._noting(answers))
        self._wait(lambda: answers, deadline)
        return answers[0]

    def _call(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        if self._trouble is not None:
            raise self._trouble
        try:
            return method(*arguments, **named)
        except wrong.AMQPError as error:
            raise Lost(reason_of(error)) from error

    def _wait(self, is_done: Callable[[], object], deadline: float) -> None:
        if not self._run(lambda: is_done() or self._trouble is not None, deadline):
            raise Late
        if self._trouble is not None and not is_done():
            raise self._trouble

    def _run(self, is_done: Callable[[], object], deadline: float) -> bool:
        """Let pika work until something has happened; False if the deadline has come first."""
        while not is_done():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            timer = self._loop.call_later(left, self._loop.stop)
            try:
                self._loop.start()
            finally:
                self._loop.remove_timeout(timer)
        return True

    def _noting(self, answers: list[Any]) -> Callable[[Any], None]:
        def note(answer: Any) -> None:
            answers.append(answer)
            self._loop.stop()

        return note

    def _set_opened(self) -> None:
        self._is_open = True
        self._loop.stop()

    def _set_ended(self, error: BaseException) -> None:
        self._has_ended = True
        self._end(error)

    def _set_blocked(self, is_blocked: bool) -> None:
        self.is_blocked = is_blocked

    def _set_returned(self) -> None:
        self._is_returned = True

    def _confirm(self, frame: Any) -> None:
        if frame.method.delivery_tag == self._tag:  # one is under way at a time, so it is the last of several, too
            self._verdicts = [isinstance(frame.method, pika.spec.Basic.Ack)]
        self._loop.stop()

    def _deliver(self, channel: Any, method: Any, properties: pika.BasicProperties, body: bytes) -> None:
        self._inbox.append(Delivery(properties.correlation_id, body))
        self._loop.stop()

    def _end_channel(self, channel: Any, error: Exception) -> None:
        is_probe = getattr(error, "reply_code", 0) == NOT_FOUND and channel is not self._channel
        if not is_probe and not isinstance(error, wrong.ChannelClosedByClient):
            self._end(error)
        self._loop.stop()

    def _end(self, error: BaseException) -> None:
        if self._trouble is None:
            self._trouble = error if isinstance(error, Lost) else Lost(reason_of(error), is_final=is_refusal(error))
        self._loop.stop()
