"""``memory://``: a broker in this process. ``memory://name`` is shared by all apps of the process that name it.

Rules: as every broker's; a message is lost with the process.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from .brokers import AttemptReceived, Delivery, Line, Outgoing


class _Queue:
    """One partition."""

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.waiting: deque[tuple[Outgoing, bool]] = deque()
        self.consumers: list[MemoryConsumer] = []

    def put(self, message: Outgoing) -> None:
        self.waiting.append((message, False))
        self.pump()

    def pump(self) -> None:
        """Give what waits to the first consumer."""
        while self.waiting and self.consumers:
            message, is_again = self.waiting.popleft()
            self.consumers[0].deliver(message, is_again)


class MemoryConsumer:
    """Takes from one queue."""

    def __init__(self, queue: _Queue, take: Callable[[Delivery], None]) -> None:
        self._queue = queue
        self._take = take
        self._unacknowledged: dict[str, Outgoing] = {}
        self._line = Line(queue.topic, queue.partition)

    def deliver(self, message: Outgoing, is_again: bool) -> None:
        held = self._unacknowledged
        held[message.id] = message

        def acknowledge() -> None:
            held.pop(message.id, None)

        self._take(Delivery(self._line, message, acknowledge, is_again=is_again))

    def stand_by(self) -> None:
        """Begin to take, behind all others."""
        self._unacknowledged = {}
        self._line = Line(self._queue.topic, self._queue.partition)
        self._queue.consumers.append(self)
        self._queue.pump()

    def lose(self) -> None:
        """What a killed worker does: what it held comes again, first."""
        self._line.is_open = False
        if self in self._queue.consumers:
            self._queue.consumers.remove(self)
        self._queue.waiting.extendleft((message, True) for message in reversed(self._unacknowledged.values()))
        self._unacknowledged.clear()
        self._queue.pump()

    async def release(self) -> None:
        self._line.is_open = False
        await self._line.calm()
        self.lose()

    async def renew(self) -> None:
        await self.release()
        self.stand_by()


class _World:
    """What the apps of one URL share."""

    def __init__(self) -> None:
        self.queues: dict[tuple[str, int], _Queue] = {}
        self.groups: dict[str, dict[str, Callable[[list[str]], None]]] = {}
        self.signals: dict[str, dict[str, Callable[[bytes, str | None, Callable[[], None]], None]]] = {}
        self.attempts: dict[str, Callable[[AttemptReceived], None]] = {}
        self.answers: list[tuple[str, str, bytes, str]] = []  #: queue, content type, body, id

    def queue(self, topic: str, partition: int) -> _Queue:
        return self.queues.setdefault((topic, partition), _Queue(topic, partition))

    def tell(self, group: str) -> None:
        members = self.groups.get(group, {})
        for changed in list(members.values()):
            changed(sorted(members))


_shared: dict[str, _World] = {}


class MemoryBroker:
    """A connection to a broker of this process."""

    def __init__(self, name: str = "") -> None:
        self.world = _shared.setdefault(name, _World()) if name else _World()
        self._consumers: list[MemoryConsumer] = []

    async def start(self) -> None:
        pass  # it is there

    async def stop(self) -> None:
        for consumer in self._consumers:
            consumer.lose()
        self._consumers.clear()

    async def declare(self, topic: str, partitions: int) -> None:
        for partition in range(partitions):
            self.world.queue(topic, partition)

    async def declare_reply(self, topic: str, expires: float) -> None:
        self.world.queue(topic, 0)

    async def publish(self, message: Outgoing) -> None:
        self.world.queue(message.topic, message.partition).put(message)
        await asyncio.sleep(0)  # who publishes without end lets others run

    async def consume(self, topic: str, partition: int, take: Callable[[Delivery], None]) -> MemoryConsumer:
        consumer = MemoryConsumer(self.world.queue(topic, partition), take)
        self._consumers.append(consumer)
        consumer.stand_by()
        return consumer

    async def join(self, group: str, name: str, changed: Callable[[list[str]], None]) -> Callable[[], None]:
        self.world.groups.setdefault(group, {})[name] = changed
        self.world.tell(group)

        def leave() -> None:
            self.world.groups[group].pop(name, None)
            self.world.tell(group)

        return leave

    async def follow(
        self, queue: str, signal: str, take: Callable[[bytes, str | None, Callable[[], None]], None]
    ) -> None:
        self.world.signals.setdefault(signal, {})[queue] = take

    def signal(self, name: str, body: bytes, id: str | None = None) -> None:
        """What the agents' bus would bring."""
        for take in self.world.signals.get(name, {}).values():
            take(body, id, lambda: None)

    async def serve(self, queue: str, take: Callable[[AttemptReceived], None]) -> None:
        self.world.attempts[queue] = take

    async def answer(self, queue: str, content_type: str, body: bytes, id: str) -> None:
        self.world.answers.append((queue, content_type, body, id))
