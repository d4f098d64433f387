"""What comes from the broker and what goes to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import pika

_PERSISTENT = 2
_TRANSIENT = 1


class Settles(Protocol):
    """Takes the acknowledgements of one channel."""

    @property
    def is_over(self) -> bool: ...

    def ack(self, tag: int) -> None: ...

    def requeue(self, tag: int) -> None: ...


@dataclass(slots=True, eq=False)
class Received:
    """A delivery. It is given back by the broker unless it is acknowledged."""

    queue: str
    exchange: str
    routing_key: str
    body: bytes
    content_type: str | None
    content_encoding: str | None
    message_id: str | None
    correlation_id: str | None
    reply_to: str | None
    type: str | None
    user_id: str | None  #: the broker vouches for it
    headers: dict[str, Any]
    is_redelivered: bool
    _tag: int
    _channel: Settles

    def ack(self) -> None:
        """Done with it. In any order and at any time; if the channel it came by is closed, nothing happens.

        Acknowledgements are sent together, once in a turn of the event loop. To be called on its thread.
        """
        self._channel.ack(self._tag)

    @property
    def is_obsolete(self) -> bool:
        """Whether the channel it came by has ended: the broker delivers it again."""
        return self._channel.is_over

    def requeue(self) -> None:
        """Give it back to the queue, for anybody."""
        self._channel.requeue(self._tag)


@dataclass(slots=True)
class Message:
    """What is published."""

    exchange: str  #: empty: the queue that the routing key names
    routing_key: str
    body: bytes
    properties: pika.BasicProperties
    is_mandatory: bool = True  #: it is published again until there is a queue for it

    @classmethod
    def of(
        cls,
        routing_key: str,
        body: bytes,
        *,
        exchange: str = "",
        content_type: str | None = None,
        message_id: str | None = None,
        correlation_id: str | None = None,
        reply_to: str | None = None,
        headers: dict[str, Any] | None = None,
        content_encoding: str | None = None,
        type: str | None = None,
        expiration: str | None = None,
        priority: int | None = None,
        user_id: str | None = None,
        is_persistent: bool = True,
        is_mandatory: bool = True,
    ) -> Message:
        """A message of plain arguments; ``delivery_mode`` is 2 if it is to survive the broker's restart."""
        properties = pika.BasicProperties(
            content_type=content_type,
            content_encoding=content_encoding,
            headers=headers,
            priority=priority,
            expiration=expiration,
            type=type,
            delivery_mode=_PERSISTENT if is_persistent else _TRANSIENT,
            correlation_id=correlation_id,
            reply_to=reply_to,
            message_id=message_id,
            user_id=user_id,
        )
        return cls(exchange, routing_key, body, properties, is_mandatory)
