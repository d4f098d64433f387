"""One message of a stream, as an agent sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .brokers import Delivery, Outgoing
from .envelopes import ReplyAddress


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it came."""

    topic: str
    partition: int
    offset: int  #: how many came before it to this process
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]
    timestamp: float


class Shared:
    """A delivery that several agents get: acknowledged when all have done with it."""

    def __init__(self, delivery: Delivery, count: int) -> None:
        self.delivery = delivery
        self._left = count

    def done(self) -> None:
        self._left -= 1
        if self._left == 0:
            self.delivery.ack()


@dataclass(eq=False)
class Event:
    """A key and a value. ``message`` is what came, ``headers`` are those of it."""

    key: Any
    value: Any
    message: Message
    reply: ReplyAddress | None = None
    shared: Shared | None = field(default=None, repr=False)
    thrown: BaseException | None = None  #: raised in the agent instead of being handed to it
    failures: int = 0  #: how often an agent has failed at it
    is_answered: bool = False
    is_done: bool = False

    @property
    def headers(self) -> dict[str, bytes]:
        return self.message.headers

    def begin(self) -> bool:
        """Whether it is still ours to begin."""
        if self.shared is None:
            return True
        line = self.shared.delivery.line
        if line.is_open:
            line.begin()
        return line.is_open

    def end(self, *, is_done: bool) -> None:
        """It is done, and acknowledged; or it will come again."""
        if self.is_done:
            return
        self.is_done = True
        if self.shared is not None:
            if is_done:
                self.shared.done()
            self.shared.delivery.line.end()


def event_of(
    key: Any, value: Any, message: Outgoing, offset: int, shared: Shared | None, reply: ReplyAddress | None
) -> Event:
    """An event of what came."""
    came = Message(
        message.topic, message.partition, offset, message.key, message.value, message.headers, message.timestamp
    )
    return Event(key, value, came, reply, shared)
