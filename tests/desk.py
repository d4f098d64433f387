"""A broker with everything that came, in order, and waiting for what is to come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from bureaucrat.amqp import AmqpSettings, Broker, BrokerState, Message, Received

TIMEOUT = 30.0
_PAUSE = 0.02


async def eventually(condition: Callable[[], Awaitable[Any]]) -> Any:
    """What `condition` gives, as soon as it is true; it asks somebody who does not tell by himself."""
    async with asyncio.timeout(TIMEOUT):
        while not (found := await condition()):  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(_PAUSE)
    return found


class Desk:
    """Takes what a broker delivers, confirms and creates; an asynchronous context that starts and stops it."""

    def __init__(self, url: str, *, acks: bool = True, **settings: Any) -> None:
        self.created: list[str] = []
        self.received: list[Received] = []
        self.confirmed: list[str] = []
        self.states: list[BrokerState] = []
        self._acks = acks
        self._news = asyncio.Event()
        self.broker = Broker(AmqpSettings(url=url, **settings), created=self._create, name="tests")
        self.broker.on_change(self._change)

    async def __aenter__(self) -> Desk:
        await self.broker.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.broker.stop(1.0)

    def consume(self, queue: str, **options: Any) -> None:
        self.broker.consume(queue, self._take, **options)

    def publish(self, routing_key: str, text: str, **options: Any) -> None:
        """Publish a text, which is its own message id and key."""
        message = Message.of(routing_key, text.encode(), message_id=text, **options)
        self.broker.publish(message, lambda: self._confirm(text), key=text)

    @property
    def texts(self) -> list[str]:
        return [one.body.decode() for one in self.received]

    async def until(self, condition: Callable[[], Any], within: float = TIMEOUT) -> None:
        """Wait for news until it is true, so many seconds at most."""
        async with asyncio.timeout(within):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def depth(self, queue: str, messages: int) -> None:
        """Wait until a queue holds so many messages."""

        async def is_so() -> bool:
            found = await self.broker.depth(queue)
            return found is not None and found.messages == messages

        await eventually(is_so)

    def _take(self, received: Received) -> None:
        self.received.append(received)
        if self._acks:
            received.ack()
        self._news.set()

    def _confirm(self, text: str) -> None:
        self.confirmed.append(text)
        self._news.set()

    def _create(self, queue: str) -> None:
        self.created.append(queue)
        self._news.set()

    def _change(self) -> None:
        self.states.append(self.broker.state)
        self._news.set()
