"""The publisher on a channel that the test plays: orders of confirms that no broker can be made to show."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pika
import pytest

from bureaucrat.amqp.connection import ChannelLost, Lost
from bureaucrat.amqp.messages import Message
from bureaucrat.amqp.publisher import Publisher
from bureaucrat.amqp.settings import AmqpSettings


class Played:
    """A connection and its only channel; what the publisher sends, and what it is told of it."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.raw = self
        self.is_open = True
        self.trouble: asyncio.Future[Lost] = loop.create_future()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.sent: list[str] = []  #: bodies
        self._acknowledged: Callable[[Any], None] = print

    async def channel(self) -> Played:
        return self

    async def ask(self, method: str, *, ack_nack_callback: Callable[[Any], None]) -> None:
        assert method == "confirm_delivery"
        self._acknowledged = ack_nack_callback

    def add_on_return_callback(self, callback: Callable[..., None]) -> None: ...

    def basic_publish(self, exchange: str, routing_key: str, body: bytes, *_: Any) -> None:
        self.sent.append(body.decode())

    def confirm(self, tag: int) -> None:
        """The broker has the message that was sent as the `tag`th."""
        self._acknowledged(pika.frame.Method(1, pika.spec.Basic.Ack(tag)))


async def _turns() -> None:
    """What is scheduled now is done afterwards, and what follows from it."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_was_on_its_way_to_a_queue_that_was_made_anew_is_sent_again() -> None:
    """A confirm that comes now may be of the queue that is gone; what was sent since is not in doubt."""
    played, confirmed = Played(), list[str]()
    publisher = Publisher(AmqpSettings(), lambda route: None, lambda: None)
    running = asyncio.create_task(publisher.run(played, lambda: played.opened.set_result(None)))
    await played.opened

    def publish(queue: str, text: str) -> None:
        publisher.publish(Message.of(queue, text.encode()), lambda: confirmed.append(text), None, None)

    publish("q", "old")
    publish("other", "apart")
    await _turns()
    publisher.doubt(("", "q"))
    publish("q", "new")
    await _turns()
    for tag in (1, 2, 3):
        played.confirm(tag)
    await _turns()
    before = list(confirmed)
    played.confirm(4)
    await _turns()

    assert played.sent == ["old", "apart", "new", "old"]
    assert (before, confirmed) == (["apart", "new"], ["apart", "new", "old"])
    assert publisher.unconfirmed == 0
    played.trouble.set_result(ChannelLost("over"))
    with pytest.raises(ChannelLost):
        await running
