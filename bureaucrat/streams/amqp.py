"""``amqp://``: topics on RabbitMQ, by aio-pika.

Rules: partition `n` of a topic is the durable quorum queue ``<topic>.<n>`` with a single active consumer; each consumer
has a channel of its own, whose end gives back what was not acknowledged before the next consumer gets anything; after a
lost connection nothing that came by it is begun any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError, ChannelPreconditionFailed

from ..config import without_password
from ..errors import BrokerUnavailable
from .amqp_members import Members
from .brokers import AttemptReceived, Delivery, Line, Outgoing
from .failures import ImproperlyConfigured
from .topics import dead_of

log = logging.getLogger(__name__)

KEY: Final = "Bureaucrat-Key"
LOST: Final = (AMQPError, ChannelInvalidStateError, ConnectionError, OSError, RuntimeError)
_DELIVERIES: Final = 1000  #: of one message, before it is a dead letter
_PUBLISHED: Final = 30.0  #: seconds that a message may wait for the broker
_AGAIN: Final = 0.05  #: seconds before a message is published again
_LONGEST: Final = 5.0  #: seconds between two attempts to connect
DEAD_OF_PROCESSES: Final = "bureaucrat_dead"


def queue_of(topic: str, partition: int) -> str:
    """The queue of a partition."""
    return f"{topic}.{partition}"


class AmqpConsumer:
    """Takes from one queue; opened again after a lost connection."""

    def __init__(self, broker: AmqpBroker, line: Line, take: Callable[[Delivery], None]) -> None:
        self._broker = broker
        self._take = take
        self._line = line
        self._channel: AbstractChannel | None = None
        self._acks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Stand by, behind all others."""
        line = self._line = Line(self._line.topic, self._line.partition)
        channel = self._channel = await self._broker.channel(confirms=False)
        channel.close_callbacks.add(lambda *_: self._lost(line))
        queue = await channel.get_queue(queue_of(line.topic, line.partition), ensure=False)

        async def come(message: AbstractIncomingMessage) -> None:
            self._take(self._delivery(line, message))

        await queue.consume(come)

    def _lost(self, line: Line) -> None:
        """The channel has ended, and not by us."""
        if line.is_open:
            line.is_open = False
            self._broker.reopen()

    @property
    def is_open(self) -> bool:
        return self._line.is_open and self._channel is not None and not self._channel.is_closed

    def _delivery(self, line: Line, message: AbstractIncomingMessage) -> Delivery:
        headers = {name: _bytes(value) for name, value in message.headers.items()}
        key = headers.pop(KEY, None)
        at = message.timestamp.timestamp() if message.timestamp else 0.0
        came = Outgoing(
            line.topic,
            line.partition,
            message.body,
            None if key is None else key.decode().encode("latin-1"),
            headers,
            at,
            message.message_id or "",
        )

        def acknowledge() -> None:
            task = asyncio.ensure_future(_quietly(message.ack()))
            self._acks.add(task)
            task.add_done_callback(self._acks.discard)

        return Delivery(line, came, acknowledge, is_again=bool(message.redelivered))

    async def settle(self) -> None:
        """Returns when all acknowledgments are on their way."""
        await asyncio.gather(*self._acks)

    async def release(self) -> None:
        self._line.is_open = False
        await self._line.calm()
        await self.settle()
        if self._channel is not None:
            await _quietly(self._channel.close())

    async def renew(self) -> None:
        await self.release()
        try:
            await self.open()
        except LOST:
            self._broker.reopen()  # the connection is gone; it is opened with the next one


async def _quietly(work: Any) -> None:
    """Do what needs no doing any more when the connection is lost."""
    with suppress(*LOST):
        await work


def _bytes(value: Any) -> bytes:
    return bytes(value) if isinstance(value, bytes | bytearray) else str(value).encode()


class AmqpBroker:
    """A connection to RabbitMQ."""

    def __init__(self, url: str, *, prefetch: int, interval: float, signals: str) -> None:
        self._url = url
        self._prefetch = prefetch
        self._interval = interval
        self._signals = signals
        self._connection: AbstractConnection | None = None
        self._publishing: AbstractChannel | None = None
        self._ready = asyncio.Event()
        self._restoring: asyncio.Task[None] | None = None
        self._is_stopped = False
        self._partitions: dict[str, int] = {}
        self._consumers: list[AmqpConsumer] = []
        self._other: list[Callable[[], Coroutine[Any, Any, None]]] = []  #: done at each connection
        self._members: list[Members] = []
        self._acks: set[asyncio.Future[None]] = set()

    async def start(self) -> None:
        try:
            await self._connect()
        except LOST as error:
            raise BrokerUnavailable(f"no RabbitMQ at {without_password(self._url)}: {error}") from error

    async def _connect(self) -> None:
        connection = await aio_pika.connect(self._url)
        connection.close_callbacks.add(lambda *_: self.reopen())
        self._connection = connection
        self._publishing = await connection.channel(publisher_confirms=True)
        for topic, partitions in self._partitions.items():
            await self._declare(topic, partitions)
        for one in self._other:
            await one()
        self._ready.set()

    async def stop(self) -> None:
        self._is_stopped = True
        if self._restoring is not None:
            self._restoring.cancel()
            await asyncio.wait([self._restoring])
        for members in self._members:
            await members.stop()
        await asyncio.gather(*(consumer.settle() for consumer in self._consumers), *self._acks)
        if self._connection is not None:
            await _quietly(self._connection.close())

    def reopen(self) -> None:
        """Something is lost; have it again."""
        if self._is_stopped or (self._restoring is not None and not self._restoring.done()):
            return
        self._ready.clear()
        self._restoring = asyncio.create_task(self._restore())

    async def _restore(self) -> None:
        pause = 0.05
        while True:
            try:
                if self._connection is None or self._connection.is_closed:
                    await self._connect()
                for consumer in self._consumers:
                    if not consumer.is_open:
                        await consumer.open()
            except LOST as error:
                log.warning("RabbitMQ is away: %s", error)
                await self._disconnect()
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST)
            else:
                self._ready.set()
                return

    async def _disconnect(self) -> None:
        """End a connection that may only be said to be open, so that nothing on it is held back from others."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await _quietly(asyncio.wait_for(connection.close(), 1.0))

    def _open(self) -> AbstractConnection:
        if self._connection is None:
            raise ConnectionError("RabbitMQ is away")
        return self._connection

    async def channel(self, *, confirms: bool = True) -> AbstractChannel:
        """A new channel, with the app's prefetch."""
        channel = await self._open().channel(publisher_confirms=confirms)
        await channel.set_qos(prefetch_count=self._prefetch)
        return channel

    # -- topics

    async def declare(self, topic: str, partitions: int) -> None:
        await self._ready.wait()
        await self._declare(topic, partitions)
        self._partitions[topic] = partitions

    async def _declare(self, topic: str, partitions: int) -> None:
        arguments: dict[str, Any] = {"x-queue-type": "quorum", "x-single-active-consumer": True}
        dead = queue_of(dead_of(topic), 0)
        wanted = {}
        if not topic.endswith(dead_of("")):
            wanted[dead] = arguments
            routed = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
            arguments = {**arguments, "x-delivery-limit": _DELIVERIES, **routed}
        wanted |= {queue_of(topic, partition): arguments for partition in range(partitions)}
        async with await self._open().channel(publisher_confirms=False) as channel:
            for queue, given in wanted.items():
                try:
                    await channel.declare_queue(queue, durable=True, arguments=given)
                except ChannelPreconditionFailed as error:
                    raise ImproperlyConfigured(f"the queue {queue} is there with other arguments: {error}") from error

    async def declare_reply(self, topic: str, expires: float) -> None:
        async def declare() -> None:
            assert self._publishing is not None, "it was started"
            arguments: dict[str, Any] = {"x-expires": int(expires * 1000)}
            await self._publishing.declare_queue(queue_of(topic, 0), durable=True, arguments=arguments)

        await declare()
        self._other.append(declare)

    async def publish(self, message: Outgoing) -> None:
        headers: dict[str, Any] = {name: value.decode("utf-8", "replace") for name, value in message.headers.items()}
        if message.key is not None:
            headers[KEY] = message.key.decode("latin-1")
        made = aio_pika.Message(
            message.value or b"",
            headers=headers,
            message_id=message.id,
            timestamp=datetime.fromtimestamp(message.timestamp, UTC),
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        queue = queue_of(message.topic, message.partition)
        await self._publish("", queue, made, mandatory=message.topic in self._partitions)

    async def _publish(
        self, exchange: str, routing: str, message: aio_pika.Message, *, mandatory: bool = False
    ) -> None:
        try:
            async with asyncio.timeout(_PUBLISHED):
                while not await self._try(exchange, routing, message, mandatory):
                    self.reopen()
                    await asyncio.sleep(_AGAIN)
        except TimeoutError as error:
            raise BrokerUnavailable(
                f"RabbitMQ at {without_password(self._url)} has not taken a message in time"
            ) from error

    async def _try(self, exchange: str, routing: str, message: aio_pika.Message, mandatory: bool) -> bool:
        await self._ready.wait()
        assert self._publishing is not None, "it is ready"
        try:
            to = self._publishing.default_exchange if not exchange else await self._publishing.get_exchange(exchange)
            await to.publish(message, routing, mandatory=mandatory)
        except LOST as error:
            log.warning("a message is published again: %s", error)
            return False
        return True

    async def consume(self, topic: str, partition: int, take: Callable[[Delivery], None]) -> AmqpConsumer:
        consumer = AmqpConsumer(self, Line(topic, partition), take)
        await consumer.open()
        self._consumers.append(consumer)
        return consumer

    async def join(self, group: str, name: str, changed: Callable[[list[str]], None]) -> Callable[[], None]:
        members = Members(group, name, changed, self._interval)
        self._members.append(members)

        async def open() -> None:
            await members.open(await self._open().channel(publisher_confirms=False))

        await open()
        self._other.append(open)
        members.start()
        return members.leave

    # -- processes

    async def follow(
        self, queue: str, signal: str, take: Callable[[bytes, str | None, Callable[[], None]], None]
    ) -> None:
        async def open() -> None:
            channel = await self.channel()
            exchange = await channel.declare_exchange(self._signals, aio_pika.ExchangeType.TOPIC, durable=True)
            arguments: dict[str, Any] = {"x-queue-type": "quorum", "x-single-active-consumer": True}
            declared = await channel.declare_queue(queue, durable=True, arguments=arguments)
            await declared.bind(exchange, signal)

            async def come(message: AbstractIncomingMessage) -> None:
                take(message.body, message.message_id, lambda: self._soon(message))

            await declared.consume(come)

        await open()
        self._other.append(open)

    async def serve(self, queue: str, take: Callable[[AttemptReceived], None]) -> None:
        async def open() -> None:
            channel = await self.channel()
            arguments: dict[str, Any] = {
                "x-queue-type": "quorum",
                "x-delivery-limit": _DELIVERIES,
                "x-dead-letter-exchange": "",
                "x-dead-letter-routing-key": DEAD_OF_PROCESSES,
            }
            declared = await channel.declare_queue(queue, durable=True, arguments=arguments)

            async def come(message: AbstractIncomingMessage) -> None:
                kind, id = message.content_type or "", message.message_id or ""
                take(AttemptReceived(kind, message.body, id, lambda: self._soon(message)))

            await declared.consume(come)

        await open()
        self._other.append(open)

    def _soon(self, message: AbstractIncomingMessage) -> None:
        """Acknowledge it, without waiting for it."""
        task = asyncio.ensure_future(_quietly(message.ack()))
        self._acks.add(task)
        task.add_done_callback(self._acks.discard)

    async def answer(self, queue: str, content_type: str, body: bytes, id: str) -> None:
        made = aio_pika.Message(
            body, content_type=content_type, message_id=id, delivery_mode=aio_pika.DeliveryMode.PERSISTENT
        )
        await self._publish("", queue, made, mandatory=True)
