"""The queues and exchanges that have to be there.

Rules: what exists is used as it is; ``declare`` creates what is missing, ``verify`` refuses to begin without it,
``assume`` looks at nothing. The arguments of a queue of ours are one table, here. Everything is asked on a channel of
its own, of the connection that publishes nothing: a broker that is short of memory stops reading the other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from ..clock import Clock
from .connection import NOT_FOUND, Channel, ChannelLost, Connection
from .settings import AmqpSettings

log = logging.getLogger(__name__)


#: Seconds that a queue which was deleted stays so. RabbitMQ 3.10 keeps the consumers of a quorum queue that is declared
#: again within 20 ms of its deletion, tells them nothing, and loses what it then confirms.
SETTLED = 0.25


@dataclass(frozen=True, slots=True)
class Depth:
    """What a queue holds."""

    messages: int  #: ready to be delivered
    consumers: int


class Side:
    """A channel for questions. A question that is answered by closing it gets another channel next time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._channel: Channel | None = None
        self._lock = asyncio.Lock()

    async def ask(self, method: str, **arguments: Any) -> Any:
        """Ask the broker; :raises Lost: as :meth:`Channel.ask`."""
        async with self._lock:
            if self._channel is None or not self._channel.is_open:
                self._channel = await self._connection.channel()
            return await self._channel.ask(method, **arguments)

    async def depth(self, queue: str) -> Depth | None:
        """What a queue holds; None if there is none of this name."""
        try:
            frame = await self.ask("queue_declare", queue=queue, passive=True)
        except ChannelLost as lost:
            if lost.code != NOT_FOUND:
                raise
            return None
        return Depth(frame.method.message_count, frame.method.consumer_count)

    async def has_exchange(self, exchange: str) -> bool:
        """Whether there is an exchange of this name."""
        try:
            await self.ask("exchange_declare", exchange=exchange, passive=True)
        except ChannelLost as lost:
            if lost.code != NOT_FOUND:
                raise
            return False
        return True

    async def mark(self, queue: str, mark: str) -> bool:
        """Mark a queue of others, so that one that is deleted and made again is told from the one before.

        :param mark: an exchange that nobody publishes to; the broker deletes it with the last queue bound to it.
        :returns: whether the queue was not marked.
        :raises ChannelLost: there is no such queue, or we may not.
        """
        is_new = not await self.has_exchange(mark)
        if is_new:
            await self.ask("exchange_declare", exchange=mark, exchange_type="fanout", durable=True, auto_delete=True)
        try:
            await self.ask("queue_bind", queue=queue, exchange=mark)
        except ChannelLost:
            if is_new:
                await self.ask("exchange_delete", exchange=mark)  # nothing else would
            raise
        return is_new


class Missing(ChannelLost):
    """A queue or exchange is not there, and is not to be created."""


@dataclass(frozen=True, slots=True)
class Thing:
    """What can be wanted."""

    kind: Literal["queue", "exchange", "binding"]
    name: str  #: of a binding, its queue's
    exchange: str = ""
    routing_key: str = ""


class Wanted:
    """Everything that was asked for, and how it is made so."""

    def __init__(self, settings: AmqpSettings, created: Callable[[str, bool], None], clock: Clock) -> None:
        """
        :param created: told of each queue that was made, and whether it was there before.
        """
        self._settings = settings
        self._created = created
        self._clock = clock
        self.queues: dict[Thing, None] = {}
        self.exchanges: dict[Thing, None] = {}
        self.bindings: dict[Thing, None] = {}
        self.last_declared: float | None = None
        self._compared: set[str] = set()
        self._complaints: dict[Thing, str] = {}
        self._made: set[Thing] = set()
        self._is_made = asyncio.Lock()

    def arguments(self, queue: str) -> dict[str, Any]:
        """The arguments of a queue of ours."""
        if queue == self._settings.dead_queue:
            return {"x-queue-type": "quorum"}
        return {
            "x-queue-type": "quorum",
            "x-delivery-limit": self._settings.delivery_limit,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": self._settings.dead_queue,
        }

    def want(self, thing: Thing) -> bool:
        """Have it there from the next ``settle`` on; whether it is new."""
        wanted = {"queue": self.queues, "exchange": self.exchanges, "binding": self.bindings}[thing.kind]
        if thing in wanted:
            return False
        wanted[thing] = None
        return True

    async def settle(self, side: Side, *, must: bool) -> bool:
        """Have everything there.

        :param must: raise the first failure; otherwise each is logged once.
        :returns: whether all is there.
        :raises ChannelLost: what is there, or the user's rights, do not allow it.
        """
        is_complete = True
        for thing in [*self.exchanges, *self.queues, *self.bindings]:
            if thing in self._made:
                continue
            try:
                await self._make(side, thing)
                self._made.add(thing)
                self._complaints.pop(thing, None)
            except ChannelLost as lost:
                if must:
                    raise
                is_complete = False
                self._complain(thing, lost.reason)
        return is_complete

    def begin(self) -> None:
        """A connection begins: whatever was there may be gone."""
        self._made.clear()

    def miss(self, name: str) -> bool:
        """A queue or exchange seems to be gone, or was just made: it, and what is bound to it, is to be looked at.

        :returns: whether it is one of ours.
        """
        self._made -= {one for one in self._made if name in (one.name, one.exchange)}
        return Thing("queue", name) in self.queues or Thing("exchange", name) in self.exchanges

    async def _make(self, side: Side, thing: Thing) -> None:
        match thing.kind:
            case "queue":
                await self.queue(side, thing.name)
            case "exchange":
                await self._exchange(side, thing.name)
            case _:
                await self._bind(side, thing.name, thing.exchange, thing.routing_key)

    def _complain(self, thing: Thing, reason: str) -> None:
        if self._complaints.get(thing) != reason:
            self._complaints[thing] = reason
            log.warning("the broker lacks what we need", extra={"what": f"{thing.kind} {thing.name}", "reason": reason})

    async def queue(self, side: Side, queue: str) -> None:
        """Have a queue.

        :raises Missing: it is not there, and not to be created.
        """
        if self._settings.topology == "assume":
            return
        async with self._is_made:
            was_there = queue in self._compared
            is_there = await side.depth(queue) is not None
            if is_there and (queue in self._compared or self._settings.topology == "verify"):
                return
            if self._settings.topology == "verify":
                raise Missing(f"there is no queue {queue!r}, and topology = verify does not create it", NOT_FOUND)
            await self._declare(
                queue, side.ask("queue_declare", queue=queue, durable=True, arguments=self.arguments(queue)), is_there
            )
            if not is_there:
                self._created(queue, was_there)

    async def _exchange(self, side: Side, exchange: str) -> None:
        if self._settings.topology == "assume":
            return
        is_there = await side.has_exchange(exchange)
        if is_there and (exchange in self._compared or self._settings.topology == "verify"):
            return
        if self._settings.topology == "verify":
            raise Missing(f"there is no exchange {exchange!r}, and topology = verify does not create it", NOT_FOUND)
        declared = side.ask("exchange_declare", exchange=exchange, exchange_type="topic", durable=True)
        await self._declare(exchange, declared, is_there)

    async def _declare(self, name: str, declared: Awaitable[Any], is_there: bool) -> None:
        try:
            await declared
        except ChannelLost as lost:
            if not is_there:
                raise
            log.warning(
                "the broker has it with other arguments, or we may not declare it; it is used as it is",
                extra={"what": name, "reason": lost.reason},
            )
        self._compared.add(name)
        if not is_there:
            self.last_declared = self._clock.now()

    async def _bind(self, side: Side, queue: str, exchange: str, routing_key: str) -> None:
        if self._settings.topology == "declare":
            await side.ask("queue_bind", queue=queue, exchange=exchange, routing_key=routing_key)
