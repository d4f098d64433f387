"""Which workers there are: each tells all others, by an exchange, that it is there.

Rules: what is told is used to share partitions evenly, and for nothing that must be right: who is active on a partition
is RabbitMQ's decision.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Final

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractIncomingMessage
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError

log = logging.getLogger(__name__)

_MISSED: Final = 5  #: signs of life that may be missed
_HERE, _GONE = b"here", b"gone"


class Members:
    """One worker among the others of its group."""

    def __init__(self, group: str, name: str, changed: Callable[[list[str]], None], interval: float) -> None:
        self._exchange_name = f"{group}.members"
        self._name = name
        self._changed = changed
        self._interval = interval
        self._seen: dict[str, float] = {}
        self._exchange: AbstractExchange | None = None
        self._beating: asyncio.Task[None] | None = None
        self._telling: set[asyncio.Task[None]] = set()

    async def open(self, channel: AbstractChannel) -> None:
        """Listen to the others, on a connection's channel."""
        self._exchange = await channel.declare_exchange(self._exchange_name, aio_pika.ExchangeType.FANOUT, durable=True)
        arguments: dict[str, Any] = {}
        queue = await channel.declare_queue(exclusive=True, auto_delete=True, arguments=arguments)
        await queue.bind(self._exchange)
        await queue.consume(self._hear, no_ack=True)
        self._tell(_HERE)

    def start(self) -> None:
        """Tell the others again and again."""
        self._beating = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            self._tell(_HERE)
            limit = time.monotonic() - self._interval * _MISSED
            gone = [name for name, seen in self._seen.items() if seen < limit and name != self._name]
            for name in gone:
                del self._seen[name]
            if gone:
                self._changed(sorted(self._seen))

    async def _hear(self, message: AbstractIncomingMessage) -> None:
        name = message.message_id or ""
        is_new = name not in self._seen
        if message.body == _GONE:
            is_changed = self._seen.pop(name, None) is not None
        else:
            self._seen[name] = time.monotonic()
            is_changed = is_new
            if is_new and name != self._name:
                self._tell(_HERE)
        if is_changed:
            self._changed(sorted(self._seen))

    def _tell(self, what: bytes) -> None:
        task = asyncio.create_task(self._publish(what))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _publish(self, what: bytes) -> None:
        assert self._exchange is not None, "it is open"
        try:
            await self._exchange.publish(aio_pika.Message(what, message_id=self._name), "", mandatory=False)
        except (AMQPError, ChannelInvalidStateError, ConnectionError, RuntimeError) as error:
            log.debug("the others are not told: %s", error)  # the next beat tells them

    def leave(self) -> None:
        """Tell the others that it goes."""
        if self._beating is not None:
            self._beating.cancel()
        self._tell(_GONE)

    async def stop(self) -> None:
        """End."""
        if self._beating is not None:
            self._beating.cancel()
        await asyncio.gather(*self._telling)
