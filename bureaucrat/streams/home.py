"""What topics, agents and replies need of the app that they belong to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from .brokers import Broker, Delivery
from .settings import Settings

Take = Callable[[Delivery, int], None]  #: a delivery, and how many came before it


class Home(Protocol):
    """An app."""

    id: str
    conf: Settings

    async def declared(self, topic: str, partitions: int) -> Broker:
        """The broker, connected, with this topic declared."""

    async def connected(self) -> Broker:
        """The broker, connected."""

    async def feed(self, topic: str, partitions: int, taker: Taker) -> None:
        """Have what comes to a topic taken, while the worker runs."""

    async def reply_topic(self, name: str | None = None) -> str:
        """Where replies come to this process, by default its own topic; it is taken from as of now."""

    async def publish_to(
        self, topic: str, partitions: int | None, key: bytes | None, value: bytes, headers: dict[str, bytes]
    ) -> None:
        """Publish to a topic that may be none of ours."""

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run beside; what it raises ends the worker."""

    def crash(self, error: BaseException) -> None:
        """End the worker with an error."""


class Taker(Protocol):
    """Takes from a topic for one agent."""

    def take(self, delivery: Delivery, offset: int, shared: Any) -> None:
        """Hand it on."""
