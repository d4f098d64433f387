"""What an app needs of a message broker: the contract that each back end fulfils.

Rules: a topic is so many partitions; the messages of one keep their order; one consumer at a time gets the messages of
a partition, the others stand by in the order in which they came; a message is there until it is acknowledged; when a
consumer goes, what it had not acknowledged comes first to the next one.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to one partition."""

    topic: str
    partition: int
    value: bytes | None
    key: bytes | None = None
    headers: dict[str, bytes] = field(default_factory=dict)
    timestamp: float = field(default_factory=time.time)  #: epoch seconds
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


class Line:
    """What one consumer takes from one partition, until it ends; then nothing of it is begun any more."""

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.is_open = True
        self._under_way = 0
        self._calm = asyncio.Event()
        self._calm.set()

    def begin(self) -> None:
        """An event of it is begun."""
        self._under_way += 1
        self._calm.clear()

    def end(self) -> None:
        """A begun event has ended."""
        self._under_way -= 1
        if not self._under_way:
            self._calm.set()

    async def calm(self) -> None:
        """Wait until no event of it is under way."""
        await self._calm.wait()


class Delivery:
    """A message that is here, and not acknowledged."""

    def __init__(
        self, line: Line, message: Outgoing, acknowledge: Callable[[], None], *, is_again: bool = False
    ) -> None:
        self.line = line
        self.message = message
        self.is_again = is_again  #: it was delivered before
        self._acknowledge = acknowledge

    def ack(self) -> None:
        """It is done. If its line was lost it will come again."""
        self._acknowledge()


class Consumer(Protocol):
    """Takes from one partition until it is released."""

    async def renew(self) -> None:
        """Stand back: begin nothing more, finish what is under way, and stand by behind all others."""

    async def release(self) -> None:
        """End: begin nothing more, finish what is under way."""


class Broker(Protocol):
    """A connection to a message broker."""

    async def start(self) -> None:
        """Connect.

        :raises BrokerUnavailable: it cannot be reached; later it is waited for.
        """

    async def stop(self) -> None:
        """Disconnect."""

    async def declare(self, topic: str, partitions: int) -> None:
        """Have a topic."""

    async def declare_reply(self, topic: str, expires: float) -> None:
        """Have a topic of one partition that goes when nobody has used it for so many seconds."""

    async def publish(self, message: Outgoing) -> None:
        """Returns when the broker has it for good.

        :raises BrokerUnavailable: it could not be had in time.
        """

    async def consume(self, topic: str, partition: int, take: Callable[[Delivery], None]) -> Consumer:
        """Take from a partition, as soon as nobody before us does."""

    async def join(self, group: str, name: str, changed: Callable[[list[str]], None]) -> Callable[[], None]:
        """Be a member of a group; be told of its members, sorted, ourselves included. What is returned leaves it."""

    async def follow(
        self, queue: str, signal: str, take: Callable[[bytes, str | None, Callable[[], None]], None]
    ) -> None:
        """Take what is signaled by a name: body, message id, and how to acknowledge it."""

    async def serve(self, queue: str, take: Callable[[AttemptReceived], None]) -> None:
        """Take the attempts of a participant."""

    async def answer(self, queue: str, content_type: str, body: bytes, id: str) -> None:
        """Publish the answer of a participant."""


@dataclass(frozen=True, slots=True)
class AttemptReceived:
    """An attempt of a process, as it came."""

    content_type: str
    body: bytes
    id: str
    ack: Callable[[], None]
