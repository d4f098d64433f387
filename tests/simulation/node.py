"""A message broker: queues, bindings, connections, and all that a real one does to messages.

Rules: a message that was confirmed and is not lost by a fault is delivered until it is acknowledged; what a connection
has not acknowledged when it ends goes back to the front of its queue. Everything here is the world's doing; what the
daemons see of it is in :mod:`.client`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .world import World


@dataclass(eq=False)
class Stored:
    """A message in a queue."""

    number: int
    exchange: str
    routing_key: str
    body: bytes
    properties: Any
    is_redelivered: bool = False

    @property
    def id(self) -> str:
        return self.properties.message_id or ""


class Consumer(Protocol):
    """Somebody who takes messages of one queue."""

    def room(self) -> bool:
        """Whether another may be delivered."""

    def deliver(self, queue: Queue, message: Stored) -> None: ...

    def canceled(self, queue: Queue) -> None:
        """The queue is gone."""


@dataclass(eq=False)
class Queue:
    """Messages in order, and who takes them."""

    name: str
    ready: deque[Stored] = field(default_factory=deque)
    unacked: dict[int, Stored] = field(default_factory=dict)
    consumers: list[Consumer] = field(default_factory=list)
    turn: int = 0


class Node:
    """The broker."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.queues: dict[str, Queue] = {}
        self.bindings: dict[tuple[str, str], list[str]] = {}
        self.is_up = True
        self.is_blocked = False
        self.lost: set[str] = set()  #: message ids that a fault has lost
        self.delayed = 0  #: messages on their way to a queue
        self.connections: list[Callable[[], None]] = []  #: what ends each of them
        self._numbers = count(1)

    # -- topology

    def declare(self, queue: str) -> bool:
        """Have a queue; whether it had to be made."""
        if queue in self.queues:
            return False
        made = self.queues[queue] = Queue(queue)
        for worker in self.world.workers_of(queue):
            made.consumers.append(worker)
        return True

    def bind(self, queue: str, exchange: str, key: str) -> None:
        queues = self.bindings.setdefault((exchange, key), [])
        if queue not in queues:
            queues.append(queue)

    def delete(self, name: str) -> None:
        """A queue is deleted with all it holds."""
        queue = self.queues.pop(name, None)
        if queue is None:
            return
        self.lost.update(message.id for message in (*queue.ready, *queue.unacked.values()))
        for queues in self.bindings.values():
            if name in queues:
                queues.remove(name)
        for consumer in queue.consumers:
            consumer.canceled(queue)
        self.world.later(0.1 + self.world.random.random(), self.world.workers_return, name)

    # -- messages

    def publish(self, exchange: str, routing_key: str, body: bytes, properties: Any) -> bool:
        """Take a message; False if no queue has it."""
        names = [routing_key] if not exchange else self.bindings.get((exchange, routing_key), [])
        queues = [self.queues[name] for name in names if name in self.queues]
        trouble = self.world.trouble
        for queue in queues:
            for _ in range(2 if trouble.strikes("message doubled") else 1):
                message = Stored(next(self._numbers), exchange, routing_key, body, properties)
                if trouble.strikes("confirmed message lost"):
                    self.lost.add(message.id)
                elif trouble.strikes("message delayed"):
                    self.delayed += 1
                    self.world.later(self.world.random.expovariate(0.5), self._arrive_late, queue.name, message)
                else:
                    self._arrive(queue.name, message)
        return bool(queues)

    def _arrive_late(self, name: str, message: Stored) -> None:
        self.delayed -= 1
        self._arrive(name, message)

    def _arrive(self, name: str, message: Stored) -> None:
        queue = self.queues.get(name)
        if queue is None:
            self.lost.add(message.id)
            return
        queue.ready.append(message)
        self.pump(queue)

    def pump(self, queue: Queue) -> None:
        """Deliver what consumers have room for, in turns."""
        while queue.ready and self.is_up:
            consumers = [consumer for consumer in queue.consumers if consumer.room()]
            if not consumers:
                return
            queue.turn += 1
            message = queue.ready.popleft()
            queue.unacked[message.number] = message
            consumers[queue.turn % len(consumers)].deliver(queue, message)

    def acknowledge(self, queue: Queue, number: int) -> None:
        queue.unacked.pop(number, None)
        self.pump(queue)

    def requeue(self, queue: Queue, numbers: list[int]) -> None:
        """Give messages back to the front of their queue, in order."""
        for number in sorted(numbers, reverse=True):
            message = queue.unacked.pop(number, None)
            if message is not None:
                message.is_redelivered = True
                queue.ready.appendleft(message)
        self.pump(queue)

    def leave(self, queue: Queue, consumer: Consumer, numbers: list[int]) -> None:
        """A consumer is gone."""
        if consumer in queue.consumers:
            queue.consumers.remove(consumer)
        self.requeue(queue, numbers)

    # -- its life

    def restart(self, is_wiped: bool = False) -> None:
        """It dies with every connection, and comes back; wiped, with nothing that it held."""
        if not self.is_up:
            return
        self.is_up = self.is_blocked = False
        for end in list(self.connections):
            end()
        for queue in list(self.queues.values()):
            for message in (*queue.ready, *queue.unacked.values()):
                if is_wiped or message.properties.delivery_mode != 2:
                    self.lost.add(message.id)
            queue.ready = deque(m for m in queue.ready if m.properties.delivery_mode == 2)
        if is_wiped:
            self.queues.clear()
            self.bindings.clear()
        self.world.later(0.5 + 4 * self.world.random.random(), self._up)

    def _up(self) -> None:
        self.is_up = True
        for queue in list(self.queues.values()):
            for worker in self.world.workers_of(queue.name):
                if worker not in queue.consumers:
                    queue.consumers.append(worker)
            self.pump(queue)
        self.world.workers_return()

    def block(self) -> None:
        """It is short of memory: takes nothing for a while."""
        if self.is_up and not self.is_blocked:
            self.is_blocked = True
            self.world.later(1 + 4 * self.world.random.random(), self.unblock)

    def unblock(self) -> None:
        self.is_blocked = False

    def depth(self, name: str) -> tuple[int, int] | None:
        """Ready messages and consumers of a queue."""
        queue = self.queues.get(name)
        return None if queue is None else (len(queue.ready), len(queue.consumers))
