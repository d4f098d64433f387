"""Channels: streams of events in memory; topics are channels that a broker keeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from .brokers import Outgoing
from .envelopes import ReplyAddress
from .events import Event, event_of

Source = asyncio.Queue[Event]


@dataclass(frozen=True, slots=True)
class RecordMetadata:
    """Where a message went."""

    topic: str
    partition: int
    timestamp: float


class Channel:
    """Events in memory, like ``asyncio.Queue``: each subscriber gets every one.

    :param maxsize: how many may wait before who sends has to; 0: any number.
    """

    def __init__(self, name: str = "", *, key_type: Any = None, value_type: Any = None, maxsize: int = 0) -> None:
        self.name = name or f"channel-{id(self):x}"
        self.key_type = key_type
        self.value_type = value_type
        self._maxsize = maxsize
        self._sources: list[Source] = []
        self._sent = 0

    def __str__(self) -> str:
        return self.name

    def get_topic_name(self) -> str:
        """Its name."""
        return self.name

    async def subscribe(self, source: Source) -> None:
        """Have each event put into a queue, too."""
        self._sources.append(source)

    async def put(self, value: Any) -> None:
        """Send a value, or an event as it is."""
        if isinstance(value, Event):
            for source in self._sources:
                await source.put(value)
        else:
            await self.send(value=value)

    async def send(
        self,
        *,
        key: Any = None,
        value: Any = None,
        partition: int | None = None,
        timestamp: float | None = None,
        headers: dict[str, bytes] | None = None,
        reply: ReplyAddress | None = None,
    ) -> RecordMetadata:
        """Send an event."""
        sent = RecordMetadata(self.name, partition or 0, time.time() if timestamp is None else timestamp)
        message = Outgoing(self.name, sent.partition, None, None, headers or {}, sent.timestamp)
        offset = self._sent
        self._sent += 1
        for source in self._sources:
            await source.put(event_of(key, value, message, offset, None, reply))
        return sent

    # -- what its agent tells it

    async def yielded(self, event: Event, value: Any) -> None:
        """Its agent has yielded at this event."""

    async def ended(self, event: Event) -> None:
        """Its agent has done with this event."""

    async def failed(self, event: Event, error: BaseException) -> None:
        """Its agent has failed at this event for good."""

    def queue(self) -> Source:
        """A queue for one subscriber."""
        return asyncio.Queue(self._maxsize)

    async def __aiter__(self) -> AsyncIterator[Event]:
        source = self.queue()
        await self.subscribe(source)
        try:
            while True:
                yield await source.get()
        finally:
            self._sources.remove(source)
