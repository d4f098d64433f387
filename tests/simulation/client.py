"""What a daemon has of the broker: the whole of :class:`bureaucrat.amqp.Broker`, on simulated connections.

Rules: two connections, each with a generation: what an earlier one was about is nothing to the next; what is published
and not confirmed is published again; queues that are gone are made again, and told of; acknowledgements of a connection
that has ended reach nobody.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from bureaucrat.amqp import BrokerState, Message, Received
from bureaucrat.amqp.topology import Depth
from bureaucrat.errors import BrokerUnavailable

if TYPE_CHECKING:
    from .daemon import Daemon
    from .node import Node, Queue, Stored

_AGAIN = 0.5  #: seconds before what found no queue is tried again


@dataclass(eq=False)
class _Entry:
    """Something to publish, until it is confirmed."""

    message: Message
    confirmed: Callable[[], None]
    key: object
    refused: Callable[[str], None] | None
    number: int
    is_dropped: bool = False


class _Channel:
    """One consumer of one connection."""

    def __init__(self, client: Client, name: str, received: Callable[[Received], None], prefetch: int) -> None:
        self.client, self.name, self.received, self.prefetch = client, name, received, prefetch
        self.queue: Queue | None = None
        self.numbers: dict[int, None] = {}  #: delivered and not acknowledged, as the broker knows it
        self.is_over = False

    # what the broker does with it

    def room(self) -> bool:
        return not self.is_over and len(self.numbers) < self.prefetch

    def deliver(self, queue: Queue, message: Stored) -> None:
        self.numbers[message.number] = None
        self.client.soon(self._take, queue, message)

    def canceled(self, queue: Queue) -> None:
        self.is_over = True
        self.numbers.clear()
        self.client.soon(self.client.consume_again, self)

    def end(self) -> None:
        """The connection is gone: what is not acknowledged goes back."""
        self.is_over = True
        if self.queue is not None:
            numbers, self.numbers = list(self.numbers), {}
            self.client.node.leave(self.queue, self, numbers)

    # what the daemon does with it

    def _take(self, queue: Queue, message: Stored) -> None:
        if self.is_over or self.client.is_stopping:
            return
        p = message.properties
        self.received(
            Received(
                queue.name,
                message.exchange,
                message.routing_key,
                message.body,
                p.content_type,
                p.content_encoding,
                p.message_id,
                p.correlation_id,
                p.reply_to,
                p.type,
                None,
                p.headers or {},
                message.is_redelivered,
                message.number,
                self,
            )
        )

    def ack(self, tag: int) -> None:
        if not self.is_over and not self.client.daemon.is_gone:
            self.client.to_broker(self._acknowledged, tag)

    def _acknowledged(self, tag: int) -> None:
        if tag in self.numbers and self.queue is not None:
            del self.numbers[tag]
            self.client.node.acknowledge(self.queue, tag)

    def requeue(self, tag: int) -> None:
        if not self.is_over and not self.client.daemon.is_gone and tag in self.numbers and self.queue is not None:
            del self.numbers[tag]
            self.client.node.requeue(self.queue, [tag])


class Client:
    """The broker as one daemon sees it."""

    def __init__(self, daemon: Daemon, node: Node, settings: Any, *, created: Callable[[str], None]) -> None:
        self.daemon, self.node, self.world = daemon, node, daemon.world
        self._created = created
        self._context = contextvars.copy_context()
        self._queues: dict[str, None] = {}
        self._bindings: dict[tuple[str, str, str], None] = {}
        self._wanted: list[tuple[str, Callable[[Received], None], int]] = []
        self._channels: list[_Channel] = []
        self._entries: dict[int, _Entry] = {}
        self._numbers = count(1)
        self._missing: dict[str, float] = {}
        self.generation = 0
        self.is_open = False
        self.is_stopping = False
        self._is_started = False

    # -- between here and there

    def soon(self, what: Callable[..., None], *args: Any) -> None:
        """On the daemon's side, after a while."""
        self.world.loop.call_later(self.world.latency(), what, *args, context=self._context)

    def to_broker(self, what: Callable[..., None], *args: Any) -> None:
        """On the broker's side, after a while, if the connection lasts so long."""
        generation = self.generation

        def arrive() -> None:
            if self.is_open and generation == self.generation and self.node.is_up:
                what(*args)

        self.world.later(self.world.latency(), arrive)

    # -- its life

    async def start(self) -> None:
        await asyncio.sleep(self.world.latency())
        if not self.node.is_up:
            raise BrokerUnavailable("the broker is away")
        self._is_started = True
        self._connect()

    def _connect(self) -> None:
        if self.is_open or self.is_stopping or self.daemon.is_gone:
            return
        if not self.node.is_up:
            self.world.loop.call_later(0.5, self._connect, context=self._context)
            return
        self.generation += 1
        self.is_open = True
        self.node.connections.append(self.drop)
        for queue in list(self._queues):
            self._declare(queue)
        for queue, exchange, key in self._bindings:
            self.node.bind(queue, exchange, key)
        for name, received, prefetch in self._wanted:
            self._begin(_Channel(self, name, received, prefetch))
        for entry in list(self._entries.values()):
            self._send(entry)

    def drop(self) -> None:
        """The connection ends, as the broker sees it at once and the daemon a little later."""
        if not self.is_open:
            return
        self.is_open = False
        self.node.connections.remove(self.drop)
        channels, self._channels = self._channels, []
        for channel in channels:
            channel.end()
        self.world.loop.call_later(0.2 + self.world.random.random(), self._connect, context=self._context)

    async def stop(self, grace: float) -> None:
        self.stop_consuming()
        for _ in range(int(grace / 0.1)):
            if self._entries:
                await asyncio.sleep(0.1)
        await asyncio.sleep(self.world.latency())  # what is acknowledged gets there
        await asyncio.sleep(0.2)
        self.drop()

    # -- what is asked of it

    def declare(self, queue: str) -> None:
        if queue not in self._queues:
            self._queues[queue] = None
            if self.is_open:
                self.soon(self._declare, queue)

    def declare_exchange(self, exchange: str) -> None:
        return None

    def bind(self, queue: str, exchange: str, routing_key: str) -> None:
        self._bindings[queue, exchange, routing_key] = None
        if self.is_open:
            self.to_broker(self.node.bind, queue, exchange, routing_key)

    def consume(self, queue: str, received: Callable[[Received], None], *, prefetch: int | None = None) -> None:
        self._queues[queue] = None
        self._wanted.append((queue, received, prefetch or self.world.prefetch))
        if self.is_open:
            self._begin(_Channel(self, *self._wanted[-1]))

    def stop_consuming(self) -> None:
        self.is_stopping = True
        for channel in self._channels:
            if channel.queue is not None and channel in channel.queue.consumers:
                channel.queue.consumers.remove(channel)

    def publish(
        self,
        message: Message,
        confirmed: Callable[[], None],
        *,
        key: object = None,
        refused: Callable[[str], None] | None = None,
    ) -> None:
        entry = _Entry(message, confirmed, key, refused, next(self._numbers))
        self._entries[entry.number] = entry
        self._send(entry)

    def publish_if_there(self, message: Message) -> None:
        return None  # nobody listens

    def discard(self, key: object) -> None:
        for entry in [one for one in self._entries.values() if one.key == key]:
            entry.is_dropped = True
            del self._entries[entry.number]

    def is_unsent(self, key: object) -> bool:
        return any(entry.key == key for entry in self._entries.values())

    async def depth(self, queue: str) -> Depth | None:
        await asyncio.sleep(self.world.latency())
        if not self.is_open or not self.node.is_up:
            raise BrokerUnavailable("not connected")
        found = self.node.depth(queue)
        if found is None and queue in self._queues:
            self.soon(self._declare, queue)
        return None if found is None else Depth(*found)

    @property
    def state(self) -> BrokerState:
        return BrokerState(
            is_consuming=self.is_open,
            is_publishing=self.is_open,
            is_blocked=self.node.is_blocked,
            blocked_since=None,
            unconfirmed=len(self._entries),
            waiting_unroutable=dict(self._missing),
            last_declared=None,
            last_loss=None,
        )

    def on_change(self, callback: Callable[[], None]) -> None:
        return None

    # -- consuming

    def _declare(self, queue: str) -> None:
        if not self.is_open or self.daemon.is_gone:
            return
        if self.node.declare(queue):
            for wanted in self._bindings:
                if wanted[0] == queue:
                    self.node.bind(*wanted)
            self._missing.pop(queue, None)
            self.soon(self._created, queue)

    def _begin(self, channel: _Channel) -> None:
        if not self.is_open or self.is_stopping or self.daemon.is_gone:
            return
        self._declare(channel.name)
        channel.queue = self.node.queues[channel.name]
        channel.queue.consumers.append(channel)
        self._channels.append(channel)
        self.node.pump(channel.queue)

    def consume_again(self, channel: _Channel) -> None:
        """The broker has canceled it: its queue is gone."""
        if channel in self._channels:
            self._channels.remove(channel)
            self._begin(_Channel(self, channel.name, channel.received, channel.prefetch))

    # -- publishing

    def _send(self, entry: _Entry) -> None:
        if self.is_open and not entry.is_dropped and not self.daemon.is_gone:
            trouble = self.world.trouble
            if trouble.strikes("connection dropped"):
                self.world.later(0.0, self.drop)
            self.to_broker(self._arrived, entry)
            if trouble.strikes("published before it was killed"):
                self.daemon.dies_after(self.world.latency())

    def _arrived(self, entry: _Entry) -> None:
        """On the broker's side."""
        if entry.number not in self._entries and not entry.is_dropped:
            return
        if self.node.is_blocked:
            self.world.later(0.5, self.to_broker, self._arrived, entry)
            return
        message, trouble = entry.message, self.world.trouble
        has_queue = self.node.publish(message.exchange, message.routing_key, message.body, message.properties)
        self.world.published(message)
        if trouble.strikes("confirm lost"):
            self.drop()
        elif has_queue or not message.is_mandatory:
            generation = self.generation
            self.soon(self._confirmed, entry, generation)
        else:
            self.soon(self._returned, entry)

    def _confirmed(self, entry: _Entry, generation: int) -> None:
        if generation == self.generation and self._entries.pop(entry.number, None) is not None:
            self._missing.pop(entry.message.routing_key, None)
            entry.confirmed()

    def _returned(self, entry: _Entry) -> None:
        if entry.number in self._entries and not entry.is_dropped:
            queue = entry.message.routing_key
            self._missing.setdefault(queue, self.world.loop.time())
            if queue in self._queues:
                self._declare(queue)
            self.world.loop.call_later(_AGAIN, self._send, entry, context=self._context)
