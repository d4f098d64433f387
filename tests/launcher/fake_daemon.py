"""Stands in for the daemon: consumes its queues, remembers what came, and answers questions as it is told."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import pika

from bureaucrat.wire import (
    EventMessage,
    LaunchRequest,
    Notice,
    Question,
    StatusAnswer,
    Terminate,
    decode_event,
    decode_launch,
    decode_message,
    encode_notice,
    encode_status,
)

LIFECYCLE = "bureaucrat.lifecycle"
QUEUES = ("bureaucrat", "bureaucrat_msgs", "bureaucrat_events")
PATIENCE = 20.0  # seconds


@dataclass
class Came:
    """One message as it came."""

    content: Any
    properties: pika.BasicProperties
    body: bytes


class FakeDaemon:
    """Declares what the daemon declares, and serves it on a thread of its own."""

    def __init__(
        self, url: str, queues: tuple[str, ...] = QUEUES, *, has_exchange: bool = True, kind: str = "quorum"
    ) -> None:
        """
        :param kind: of the queues; a quorum queue does not survive when the broker is killed within its first seconds.
        """
        self.states: dict[str, StatusAnswer] = {}
        self.is_deaf = False  #: whether it passes questions over
        self.launches: queue.Queue[Came] = queue.Queue()
        self.events: queue.Queue[Came] = queue.Queue()
        self.cancels: queue.Queue[Came] = queue.Queue()
        self.questions: queue.Queue[Came] = queue.Queue()
        self._answer: Callable[[Question], StatusAnswer] = self._state
        self._connection = pika.BlockingConnection(pika.URLParameters(url))
        self._channel = self._connection.channel()
        if has_exchange:
            self._channel.exchange_declare(LIFECYCLE, "topic", durable=True)
        for name in queues:
            self._channel.queue_declare(name, durable=True, arguments={"x-queue-type": kind})
            self._channel.basic_consume(name, self._take, auto_ack=True)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Go away; the queues stay."""
        if self._thread.is_alive():
            with contextlib.suppress(pika.exceptions.ConnectionWrongStateError):  # the broker has just been killed
                self._connection.add_callback_threadsafe(self._channel.stop_consuming)
            self._thread.join(PATIENCE)
        if self._connection.is_open:
            self._connection.close()

    # -- what a test tells it

    def set(self, status: str, id: str, **more: Any) -> None:
        """From now on this is how an instance is; nobody is told."""
        self.states[id] = StatusAnswer(id, True, more.pop("process", "order"), status=status, **more)

    def set_and_tell(self, status: str, id: str, **more: Any) -> None:
        """The same, with the notice."""
        self.set(status, id, **more)
        self.tell(f"instance.{status}", id)

    def tell(self, notice: str, id: str) -> None:
        """Publish a notice."""
        told = Notice(notice, id)
        self._publish(LIFECYCLE, told.routing_key, *encode_notice(told))

    def tell_raw(self, id: str, body: bytes) -> None:
        """Publish what is no notice."""
        self._publish(LIFECYCLE, f"instance.completed.{id}", "text/plain", body)

    def answer(self, asked: Came, body: bytes, number: str | None = None) -> None:
        """Answer one question with any bytes."""
        properties = pika.BasicProperties(correlation_id=number or asked.properties.correlation_id)
        self._later(lambda: self._channel.basic_publish("", asked.properties.reply_to or "", body, properties))

    # -- its work

    def _serve(self) -> None:
        with contextlib.suppress(pika.exceptions.AMQPError):  # the test has killed the broker
            self._channel.start_consuming()

    def _take(self, channel: Any, method: Any, properties: pika.BasicProperties, body: bytes) -> None:
        match method.routing_key:
            case "bureaucrat_msgs":
                content: Any = decode_message(
                    properties.content_type,
                    body,
                    content_encoding=properties.content_encoding,
                    reply_to=properties.reply_to,
                    correlation_id=properties.correlation_id,
                )
                came = Came(content, properties, body)
                (self.questions if isinstance(content, Question) else self.cancels).put(came)
                if isinstance(content, Question) and not self.is_deaf:
                    self._reply(content)
            case "bureaucrat_events":
                self.events.put(Came(decode_event(body, properties.message_id), properties, body))
            case _:
                launch = decode_launch(properties.content_type, body, properties.message_id)
                self.launched(Came(launch, properties, body))

    def launched(self, came: Came) -> None:
        """Begin an instance."""
        id = str(came.content.id)
        self.states.setdefault(id, StatusAnswer(id, True, "order", status="running"))
        self.launches.put(came)

    def _reply(self, question: Question) -> None:
        content_type, body = encode_status(self._answer(question))
        properties = pika.BasicProperties(content_type=content_type, correlation_id=question.correlation_id)
        self._channel.basic_publish("", question.reply_to, body, properties)

    def _state(self, question: Question) -> StatusAnswer:
        return self.states.get(question.instance) or StatusAnswer(question.instance, False)

    def _publish(self, exchange: str, routing_key: str, content_type: str, body: bytes) -> None:
        properties = pika.BasicProperties(content_type=content_type)
        self._later(lambda: self._channel.basic_publish(exchange, routing_key, body, properties))

    def _later(self, act: Callable[[], object]) -> None:
        self._connection.add_callback_threadsafe(act)


def next_launch(daemon: FakeDaemon) -> LaunchRequest:
    """The next launch that came."""
    content = daemon.launches.get(timeout=PATIENCE).content
    assert isinstance(content, LaunchRequest)
    return content


def next_event(daemon: FakeDaemon) -> EventMessage:
    """The next event that came."""
    content = daemon.events.get(timeout=PATIENCE).content
    assert isinstance(content, EventMessage)
    return content


def next_cancel(daemon: FakeDaemon) -> Terminate:
    """The next wish to have an instance canceled."""
    content = daemon.cancels.get(timeout=PATIENCE).content
    assert isinstance(content, Terminate)
    return content
