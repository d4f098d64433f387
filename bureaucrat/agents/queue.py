"""Queues: where agents leave messages for each other, declared once for a whole project."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .signal import HasHandlers, JSONLib, dumped, handler_name, loaded


class QueueException(Exception):
    """Something is wrong with a queue."""


class QueueNotFound(QueueException):
    """No queue or exchange of this name was declared."""


class SerializingError(QueueException):
    """What is sent is no JSON, or what came is none."""


@dataclass(frozen=True)
class Queue:
    """The declaration of a queue. Making one registers it for the whole program.

    :param exchange: of RabbitMQ: what the queue is bound to. Without topics it is a fanout exchange.
    :param topics: with which topics, such as ``*.android``; it is a topic exchange then.
    """

    name: str
    exchange: str = ""
    topics: list[str] = field(default_factory=list)

    _registered: ClassVar[dict[str, Queue]] = {}
    _jsonlib: ClassVar[JSONLib] = json

    def __post_init__(self) -> None:
        Queue._registered[self.name] = self

    @property
    def attribute(self) -> str:
        """Its name as an attribute of a broker."""
        return self.name.replace(".", "_").replace("-", "_")

    @classmethod
    def set_jsonlib(cls, jsonlib: JSONLib) -> None:
        """Have all messages written and read by another module than Python's ``json``."""
        cls._jsonlib = jsonlib

    @classmethod
    def get(cls, name: str) -> Queue:
        """A queue by its name, or by its name as an attribute.

        :raises QueueNotFound: there is none.
        """
        found = cls._registered.get(name)
        if found is None:
            found = next((one for one in cls._registered.values() if one.attribute == name), None)
        if found is None:
            raise QueueNotFound(f"no queue {name!r} is declared; declare it in the file given to load_queues()")
        return found

    @classmethod
    def get_all(cls) -> dict[str, Queue]:
        """All queues by name."""
        return dict(cls._registered)

    @classmethod
    def of_exchange(cls, exchange: str) -> list[Queue]:
        """The queues that are bound to an exchange."""
        return [one for one in cls._registered.values() if exchange and one.exchange == exchange]

    def serialize(self, data: dict[str, Any]) -> str:
        """JSON of a message.

        :raises SerializingError: it is none.
        """
        return dumped(self._jsonlib, data, f"a message of queue {self.name}", SerializingError)

    def deserialize(self, data: str | bytes) -> dict[str, Any]:
        """The message in JSON.

        :raises SerializingError: it is none, or no object.
        """
        return loaded(self._jsonlib, data, f"a message of queue {self.name}", SerializingError)


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
