"""Queues: where agents leave messages for each other, declared once for a whole project."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .declared import Declared
from .signal import HasHandlers, handler_name


class QueueException(Exception):
    """Something is wrong with a queue."""


class QueueNotFound(QueueException):
    """No queue or exchange of this name was declared."""


class SerializingError(QueueException):
    """What is sent is no JSON, or what came is none."""


@dataclass(frozen=True)
class Queue(Declared):
    """The declaration of a queue. Making one registers it for the whole program.

    :param exchange: of RabbitMQ: what the queue is bound to. Without topics it is a fanout exchange.
    :param topics: with which topics, such as ``*.android``; it is a topic exchange then.
    """

    name: str
    exchange: str = ""
    topics: list[str] = field(default_factory=list)

    what: ClassVar[str] = "queue"
    missing: ClassVar[type[Exception]] = QueueNotFound
    unserializable: ClassVar[type[Exception]] = SerializingError
    _registered: ClassVar[dict[str, Any]] = {}

    @classmethod
    def of_exchange(cls, exchange: str) -> list[Queue]:
        """The queues that are bound to an exchange."""
        return [one for one in cls._registered.values() if exchange and one.exchange == exchange]

    @property
    def _told(self) -> str:
        return f"a message of queue {self.name}"


@dataclass(frozen=True)
class Consumer:
    """A method of an agent that takes the messages of a queue."""

    agent: HasHandlers
    handler: Callable[..., Awaitable[None]]
    queue: Queue
    timeout: float  #: seconds
    options: dict[str, Any]
    dto_class: type | None = None
    dto_name: str | None = None

    @property
    def key(self) -> str:
        """``Class.method``."""
        return f"{type(self.agent).__name__}.{handler_name(self.handler)}"
