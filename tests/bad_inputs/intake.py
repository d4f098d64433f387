"""The daemon's intake in this process: the real engine and courier on storage in memory or SQLite, and a broker that
delivers what the test says.

Rules: what comes is a :class:`Received` as from pika, so that all between the broker and the database is at work; a
message is over when it is acknowledged, and it is acknowledged once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from bureaucrat import wire
from bureaucrat.amqp import AmqpSettings, BrokerState, Message, Received
from bureaucrat.amqp.topology import Depth
from bureaucrat.clock import SystemClock
from bureaucrat.definition.reader import read
from bureaucrat.engine.engine import Engine
from bureaucrat.engine.numbers import counted
from bureaucrat.engine.settings import Settings
from bureaucrat.participants.taskqueue import TaskQueue
from bureaucrat.ports import DeadRow, Storage
from bureaucrat.transports.amqp import AmqpCourier

LAUNCHES, MESSAGES, EVENTS, TIMERS = "bureaucrat", "bureaucrat_msgs", "bureaucrat_events", "bureaucrat_schedule"
QUIET = BrokerState(True, True, False, None, 0, {}, None, None)


class Deliverer:
    """A broker that delivers and confirms."""

    def __init__(self, settings: AmqpSettings, *, created: Callable[[str], None]) -> None:
        self.takers: dict[str, Callable[[Received], None]] = {}
        self.keys: set[str] = set()  #: routing keys of what was published
        self.changed = asyncio.Event()
        self.acked: dict[int, int] = {}  #: how often, by tag
        self.state = QUIET
        self.is_over = False

    async def start(self) -> None: ...
    async def stop(self, grace: float) -> None: ...
    def stop_consuming(self) -> None: ...
    def declare(self, queue: str) -> None: ...
    def declare_exchange(self, exchange: str) -> None: ...
    def bind(self, queue: str, exchange: str, routing_key: str) -> None: ...
    def discard(self, key: object) -> None: ...

    def consume(self, queue: str, received: Callable[[Received], None]) -> None:
        self.takers[queue] = received

    def publish(
        self,
        message: Message,
        confirmed: Callable[[], None],
        *,
        key: object = None,
        refused: Callable[[str], None] | None = None,
    ) -> None:
        self.keys.add(message.routing_key)
        self.changed.set()
        asyncio.get_running_loop().call_soon(confirmed)

    def publish_if_there(self, message: Message) -> None: ...

    async def depth(self, queue: str) -> Depth | None:
        return Depth(0, 1)

    # -- of the channel

    def ack(self, tag: int) -> None:
        self.acked[tag] = self.acked.get(tag, 0) + 1
        self.changed.set()

    def requeue(self, tag: int) -> None:
        raise AssertionError("the engine gives nothing back")


class Intake:
    """An engine that runs."""

    def __init__(self, storage: Storage, settings: Settings | None = None) -> None:
        self.storage = storage
        courier = AmqpCourier(AmqpSettings(), {"": TaskQueue()}, broker=Deliverer)
        self.broker: Any = courier.broker
        self.engine = Engine(
            storage,
            read=read,
            clock=SystemClock(),
            numbers=counted(),
            settings=replace(settings or Settings(), look=3600.0),
            courier=courier,
        )
        self._tags = 0

    def deliver(self, queue: str, body: bytes | str, content_type: str | None = None, **more: Any) -> int:
        """A message comes; its tag."""
        self._tags += 1
        given: dict[str, Any] = {
            "exchange": "", "content_encoding": None, "message_id": None, "correlation_id": None, "reply_to": None,
            "type": None, "user_id": None, "headers": {}, **more,
        }  # fmt: skip
        text = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
        received = Received(
            queue=queue, body=text, content_type=content_type, routing_key=queue, is_redelivered=False,
            _tag=self._tags, _channel=self.broker, **given,
        )  # fmt: skip
        self.broker.takers[queue](received)
        return self._tags

    async def over(self, *tags: int) -> None:
        """Let it work until these are acknowledged, each once."""
        await self.until(lambda: all(tag in self.broker.acked for tag in tags))
        assert {self.broker.acked[tag] for tag in tags} == {1}

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(60):
            while not holds():
                self.broker.changed.clear()
                await self.broker.changed.wait()

    async def fate(self, queue: str, body: bytes | str, content_type: str | None = None, **more: Any) -> str:
        """What becomes of a message: the reason if it is a dead letter, else how its instance is."""
        id = f"m-{self._tags + 1}"
        await self.over(self.deliver(queue, body, content_type, message_id=id, **more))
        letters = await self.storage.dead_letters(message_id=id)
        if letters:
            return letters[0].reason
        row = await self.storage.instance(id)
        return "nothing" if row is None else row.status

    async def launched(self, text: bytes | str, **fields: Any) -> str:
        """What becomes of a definition."""
        if not fields:
            return await self.fate(LAUNCHES, text)
        id = f"m-{self._tags + 1}"
        kind, body = wire.encode_launch(wire.LaunchRequest(id, definition=str(text), fields=fields))
        return await self.fate(LAUNCHES, body, kind)

    async def letters(self) -> list[DeadRow]:
        return await self.storage.dead_letters(limit=1_000_000)

    async def is_well(self) -> None:
        """What comes next is done: an instance starts, hears an event, and ends."""
        self._tags += 1
        id = f"well-{self._tags}"
        await self.over(
            self.deliver(LAUNCHES, '<process name="well"><await event="go" since="start"/></process>', message_id=id)
        )
        await self.over(self.deliver(EVENTS, '{"event": "go"}', message_id=f"{id}-go"))
        await self.until(lambda: f"instance.completed.{id}" in self.broker.keys)


@asynccontextmanager
async def intake(storage: Storage, settings: Settings | None = None) -> AsyncIterator[Intake]:
    """One that runs until the test is over; what ends it before is raised."""
    await storage.open()
    made = Intake(storage, settings)
    await made.engine.start()
    async with asyncio.TaskGroup() as group:
        group.create_task(made.engine.run())
        yield made
        made.engine.stop()
    await storage.close()
