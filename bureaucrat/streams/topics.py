"""Topics: channels that a broker keeps, in partitions.

Rules: a key decides the partition, without one they take turns; a message that is not of the topic's types goes to the
topic ``<name>.dead`` with its reason, and holds up nothing.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Iterator
from typing import Any

from .brokers import Delivery, Outgoing
from .channels import Channel, RecordMetadata, Source
from .codecs import Codec, Shape
from .current import current_event
from .envelopes import ADDRESS, ReplyAddress, ReqRepRequest, address_in, opened
from .events import Event, Message, Shared, event_of
from .failures import Malformed
from .hashing import partition_of
from .home import Home
from .records import blessed, converted

log = logging.getLogger(__name__)

TRACE = ("traceparent", "tracestate")  #: headers of W3C's trace context
REASON = "Bureaucrat-Reason"  #: header of a dead letter


def dead_of(topic: str) -> str:
    """The topic of the dead letters of a topic; it has one partition."""
    return f"{topic}.dead"


class Topic(Channel):
    """One or more topics of the broker, and how their messages are read. What is sent goes to the first."""

    def __init__(
        self,
        home: Home,
        *names: str,
        key_type: Any = None,
        value_type: Any = None,
        key_serializer: Codec | str | None = None,
        value_serializer: Codec | str | None = None,
        partitions: int | None = None,
    ) -> None:
        super().__init__(names[0], key_type=key_type, value_type=value_type)
        self.topics = names
        self.partitions = partitions or home.conf.topic_partitions
        self.keys = Shape.of(key_type, key_serializer, home.conf.key_serializer)
        self.values = Shape.of(value_type, value_serializer, home.conf.value_serializer)
        self._home = home
        self._turn: Iterator[int] = itertools.count()

    async def declare(self) -> None:
        """Have the broker keep it."""
        for name in self.topics:
            await self._home.declared(name, self.partitions)

    async def subscribe(self, source: Source) -> None:
        """Have what comes to each of its topics put into a queue, while the worker runs."""
        for name in self.topics:
            await self._home.feed(name, self.partitions, _Subscription(self, source))

    async def send(
        self,
        *,
        key: Any = None,
        value: Any = None,
        partition: int | None = None,
        timestamp: float | None = None,
        headers: dict[str, bytes] | None = None,
        reply: ReplyAddress | None = None,
        key_serializer: Codec | str | None = None,
        value_serializer: Codec | str | None = None,
        in_headers: bool = True,
    ) -> RecordMetadata:
        """Send a message; returns when the broker has it for good.

        :param partition: instead of the one that the key decides.
        :param reply: where the reply goes, written in headers or, if not `in_headers`, around the value.
        :raises BrokerUnavailable: the broker could not be had in time.
        """
        written_key = self._shape(self.keys, key_serializer).dumps(key)
        extra = reply.headers() if reply is not None and in_headers else {}
        if reply is not None and not in_headers:
            written = reply.envelope(value)
        else:
            written = self._shape(self.values, value_serializer).dumps(value) or b""
        told = {**_trace(), **(headers or {}), **extra}
        return await self.send_raw(written_key, written, told, partition, timestamp)

    @staticmethod
    def _shape(own: Shape, given: Codec | str | None) -> Shape:
        return own if given is None else Shape.of(None, given, "raw")

    async def send_raw(
        self,
        key: bytes | None,
        value: bytes | None,
        headers: dict[str, bytes],
        partition: int | None = None,
        timestamp: float | None = None,
    ) -> RecordMetadata:
        """Send what is bytes already."""
        if partition is None:
            turn = next(self._turn) % self.partitions if key is None else 0
            partition = turn if key is None else partition_of(key, self.partitions)
        at = time.time() if timestamp is None else timestamp
        broker = await self._home.declared(self.name, self.partitions)
        await broker.publish(Outgoing(self.name, partition, value, key, headers, at))
        return RecordMetadata(self.name, partition, at)

    def read(self, message: Outgoing, offset: int, shared: Shared | None) -> Event:
        """The event of a message.

        :raises Malformed: it is not of the topic's types.
        """
        key = self.keys.loads(message.key)
        reply = address_in(message.headers)
        envelope = opened(message.value)
        if envelope is None:
            value = self.values.loads(message.value or None)
        else:
            value = envelope.value if self.values.type is None else converted(envelope.value, self.values.type)
            value = blessed(value)
            if isinstance(envelope, ReqRepRequest):
                reply = ReplyAddress(envelope.reply_to, envelope.correlation_id)
        return event_of(key, value, message, offset, shared, reply)

    async def bury(self, message: Outgoing | Message, reason: str) -> None:
        """Put a message where people look at it."""
        dead = dead_of(message.topic)
        kept = {name: value for name, value in message.headers.items() if name not in ADDRESS}
        headers = {**kept, REASON: reason.encode()}
        broker = await self._home.declared(dead, 1)
        await broker.publish(Outgoing(dead, 0, message.value, message.key, headers))

    def refuse(self, delivery: Delivery, shared: Shared, error: Malformed) -> None:
        """Put a message that cannot be read where people look at it, and go on."""
        log.error("a message of topic %s is set aside: %s", delivery.message.topic, error)

        async def put() -> None:
            await self.bury(delivery.message, str(error))
            shared.done()

        self._home.spawn(put(), f"{self.name} sets aside")


def _trace() -> dict[str, bytes]:
    """The trace of the event that the agent is at goes on with what it sends."""
    event = current_event()
    return {name: event.headers[name] for name in TRACE if name in event.headers} if event is not None else {}


class _Subscription:
    """Takes what a topic brings into the queue of one agent."""

    def __init__(self, topic: Topic, source: Source) -> None:
        self._topic = topic
        self._source = source

    def take(self, delivery: Delivery, offset: int, shared: Shared) -> None:
        try:
            event = self._topic.read(delivery.message, offset, shared)
        except Malformed as error:
            self._topic.refuse(delivery, shared, error)
        else:
            self._source.put_nowait(event)
