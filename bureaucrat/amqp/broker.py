"""RabbitMQ as the rest of the program sees it: consume, publish, declare; everything else it sees to itself.

Rules: two connections, because a broker that is short of memory stops reading one that publishes, acknowledgements
included; whatever ends is made again from scratch; everything happens on the thread of one event loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from ..clock import Clock, SystemClock
from ..errors import BrokerUnavailable
from .connection import NOT_FOUND, ChannelLost, Connection, Lost
from .consumer import Consumer
from .entries import Route
from .line import Line
from .messages import Message, Received
from .publisher import Publisher
from .settings import AmqpSettings
from .topology import SETTLED, Depth, Side, Thing, Wanted

log = logging.getLogger(__name__)

_AGAIN = 5.0  #: seconds before what could not be declared is tried again
_NO_MARK = (
    "a queue of others cannot be marked, so that it may be deleted and made again unnoticed; "
    "give the daemon's user the rights of docs/operations.rst"
)


@dataclass(frozen=True, slots=True)
class BrokerState:
    """How things stand."""

    is_consuming: bool  #: every queue that is to be consumed is
    is_publishing: bool  #: connected, and not blocked
    is_blocked: bool  #: the broker is short of memory or disk space and takes no messages
    blocked_since: float | None  #: epoch seconds
    unconfirmed: int  #: messages published and not confirmed
    waiting_unroutable: dict[str, float]  #: what has no queue (or exchange), and since when (epoch seconds)
    last_declared: float | None  #: when something that was missing was created (epoch seconds)
    last_loss: str | None  #: why a connection was lost last


class Broker:
    """Two connections to RabbitMQ."""

    def __init__(
        self,
        settings: AmqpSettings,
        *,
        created: Callable[[str], None] = lambda queue: None,
        name: str = "bureaucrat",
        clock: Clock | None = None,
    ) -> None:
        """
        :param created: told the name of each queue that was absent and had to be created, the first time or later: what
            it held may have been lost.
        :param name: shown in the broker's management pages, with host and process id.
        """
        self._settings = settings
        self._clock = clock or SystemClock()
        self._created = created
        self._wanted = Wanted(settings, self._on_created, self._clock)
        self._publisher = Publisher(settings, self._on_returned, self._changed)
        self._consumers: list[Consumer] = []
        self._news = asyncio.Event()
        self._side: Side | None = None
        self._group: asyncio.TaskGroup | None = None
        self._connection: Connection | None = None
        self._is_stopping = False
        self._has_begun = False
        self._is_away = False
        self._blocked_since: float | None = None
        self._watchers: list[Callable[[], None]] = []
        self._unmarked: set[str] = set()  #: marks that we may not make
        self._consuming = Line(settings, f"{name} (consuming)", self._consume, lambda _: None, self._line_changed)
        self._publishing = Line(settings, f"{name} (publishing)", self._publish, self._set_blocked, self._line_changed)
        self._lines = (self._consuming, self._publishing)

    # -- its life

    async def start(self) -> None:
        """Connect, declare, consume.

        :raises BrokerUnavailable: it cannot be reached, refuses us, or lacks what ``topology = verify`` asks for.
        :raises ConfigurationError: the URL is none.
        """
        self._settings.parameters("")
        try:
            for line in self._lines:
                await line.start()
        except BaseException:  # also when the start is called off: what has begun ends
            await self._end()
            raise
        self._has_begun = True

    async def stop(self, grace: float) -> None:
        """Take no more deliveries, wait for confirms up to `grace` seconds, acknowledge what is done, say goodbye.

        What was delivered and not acknowledged goes back to its queue.
        """
        self.stop_consuming()
        await self._publisher.drain(grace)
        for consumer in self._consumers:
            consumer.flush()
        await self._end()

    async def _end(self) -> None:
        self._publisher.forget_timers()
        await asyncio.gather(*(line.stop() for line in self._lines))

    # -- what is asked of it

    def consume(self, queue: str, received: Callable[[Received], None], *, prefetch: int | None = None) -> None:
        """Hand over what a queue delivers, from now on and after each reconnection. The queue is declared."""
        consumer = Consumer(queue, received, prefetch or self._settings.prefetch, self._wanted, self._changed)
        self._consumers.append(consumer)
        self._want(Thing("queue", queue))
        self._begin_consuming(consumer)

    def stop_consuming(self) -> None:
        """Take no more deliveries; those taken can still be acknowledged."""
        self._is_stopping = True
        for consumer in self._consumers:
            consumer.stop()

    def declare(self, queue: str) -> None:
        """Have a queue of ours on this broker, now and after each reconnection."""
        self._want(Thing("queue", queue))

    def declare_exchange(self, exchange: str) -> None:
        """Have a durable topic exchange on this broker, now and after each reconnection."""
        self._want(Thing("exchange", exchange))

    def bind(self, queue: str, exchange: str, routing_key: str) -> None:
        """Let a queue have what is published to an exchange under a routing key."""
        self._want(Thing("binding", queue, exchange, routing_key))

    def _want(self, thing: Thing) -> None:
        if self._wanted.want(thing):
            self._news.set()

    def publish(
        self,
        message: Message,
        confirmed: Callable[[], None],
        *,
        key: object = None,
        refused: Callable[[str], None] | None = None,
    ) -> None:
        """Publish, and again until the broker has confirmed it; then `confirmed` is called.

        One that AMQP cannot carry, such as a routing key of more than 255 bytes, is dropped, and `refused` told why.

        A mandatory message without a queue is tried again after growing pauses up to 5 s; meanwhile messages with
        another routing key go on.
        """
        self._publisher.publish(message, confirmed, key, refused)

    def publish_if_there(self, message: Message) -> None:
        """Publish once, in vain if nobody listens: an exchange that is not there would end the channel."""
        if self._group is not None and self._side is not None and not self._is_stopping:
            self._group.create_task(self._publish_if_there(self._side, message))

    async def _publish_if_there(self, side: Side, message: Message) -> None:
        try:
            is_there = await side.has_exchange(message.exchange)
        except Lost as lost:
            log.debug("nobody was told", extra={"exchange": message.exchange, "reason": lost.reason})
            return
        if is_there:
            key = object()
            self.publish(message, lambda: None, key=key)
            await asyncio.sleep(_AGAIN)
            self.discard(key)

    def discard(self, key: object) -> None:
        """Publish nothing of this key any more; what is under way may arrive. Nothing of it is confirmed any more."""
        self._publisher.discard(key)

    def is_unsent(self, key: object) -> bool:
        """Whether something of this key is not confirmed yet."""
        return self._publisher.is_unsent(key)

    async def depth(self, queue: str) -> Depth | None:
        """How much a queue holds, and how many consume it; None if there is no such queue; one of ours is made.

        :raises BrokerUnavailable: the broker is away.
        """
        if self._side is None:
            raise BrokerUnavailable(f"{self._settings.shown}: {self._consuming.last_loss or 'not connected'}")
        try:
            depth = await self._side.depth(queue)
        except Lost as lost:
            raise BrokerUnavailable(f"{self._settings.shown}: {lost.reason}") from lost
        if depth is None:
            self._miss(queue)
        return depth

    async def is_anew(self, queue: str, mark: str) -> bool | None:
        """Whether a queue of others was made since somebody asked last; True the first time, None if nobody can tell.

        :param mark: an exchange that tells, and is bound to the queue; see :meth:`Side.mark`.
        :raises BrokerUnavailable: the broker is away.
        """
        if self._side is None or self._settings.topology != "declare" or mark in self._unmarked:
            return None
        try:
            return await self._side.mark(queue, mark)
        except ChannelLost as lost:
            if lost.code != NOT_FOUND:  # else it has just gone
                self._unmarked.add(mark)
                log.warning(_NO_MARK, extra={"queue": queue, "reason": lost.reason})
            return None
        except Lost as lost:
            raise BrokerUnavailable(f"{self._settings.shown}: {lost.reason}") from lost

    # -- how it is

    @property
    def state(self) -> BrokerState:
        """How things stand now."""
        now, loop_now = self._clock.now(), asyncio.get_running_loop().time()
        waiting = {
            route[1] or route[0]: now - (loop_now - since) for route, since in self._publisher.unroutable().items()
        }
        is_blocked = self._publisher.is_blocked
        return BrokerState(
            is_consuming=self._side is not None and all(one.is_consuming for one in self._consumers),
            is_publishing=self._publisher.is_open and not is_blocked,
            is_blocked=is_blocked,
            blocked_since=self._blocked_since,
            unconfirmed=self._publisher.unconfirmed,
            waiting_unroutable=waiting,
            last_declared=self._wanted.last_declared,
            last_loss=self._consuming.last_loss or self._publishing.last_loss,
        )

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call it when something in the state changes, other than the number of unconfirmed messages."""
        self._watchers.append(callback)

    def _line_changed(self) -> None:
        """Tell of a loss once: both connections are usually lost together, and each many times."""
        lost = [line for line in self._lines if line.is_lost]
        if self._has_begun and not self._is_stopping and bool(lost) != self._is_away:
            self._is_away = bool(lost)
            if lost:
                log.warning("the broker is away; trying again", extra={"reason": lost[0].last_loss})
            else:
                log.info("the broker is back")
        self._changed()

    def _changed(self) -> None:
        for watcher in self._watchers:
            asyncio.get_running_loop().call_soon(watcher)

    # -- the consuming connection

    async def _consume(self, connection: Connection) -> None:
        side = Side(connection)
        self._wanted.begin()
        await self._wanted.settle(side, must=not self._has_begun)
        try:
            async with asyncio.TaskGroup() as group:
                self._side, self._group, self._connection = side, group, connection
                group.create_task(_until(connection))
                group.create_task(self._declare(side))
                group.create_task(self._look(side))
                for consumer in self._consumers:
                    self._begin_consuming(consumer)
                if not self._consumers:
                    self._consuming.is_ready()
        except* Lost as lost:
            raise _first(lost) from lost
        finally:
            self._side = self._group = self._connection = None
            self._changed()

    def _begin_consuming(self, consumer: Consumer) -> None:
        if self._group is not None and self._connection is not None and self._side is not None:
            self._group.create_task(consumer.run(self._connection, self._side, self._has_tried))

    def _has_tried(self) -> None:
        if all(consumer.has_tried for consumer in self._consumers):
            self._consuming.is_ready()

    async def _declare(self, side: Side) -> None:
        is_complete = True
        while True:
            try:
                async with asyncio.timeout(None if is_complete else _AGAIN):
                    await self._news.wait()
            except TimeoutError:
                pass
            self._news.clear()
            is_complete = await self._wanted.settle(side, must=False)

    async def _look(self, side: Side) -> None:
        while True:
            await asyncio.sleep(self._settings.watch)
            for consumer in self._consumers:
                await consumer.look(side)

    def _on_created(self, queue: str, was_there: bool) -> None:
        log.info("a queue was created", extra={"queue": queue})
        self._wanted.miss(queue)  # and its bindings are gone, if it had any
        self._news.set()
        if was_there:
            self._publisher.doubt(("", queue))
        self._publisher.try_now(("", queue))
        self._changed()
        asyncio.get_running_loop().call_soon(self._created, queue)

    # -- the publishing connection

    async def _publish(self, connection: Connection) -> None:
        await self._publisher.run(connection, self._publishing.is_ready)

    def _on_returned(self, route: Route) -> None:
        exchange, routing_key = route
        self._miss(exchange or routing_key)

    def _miss(self, name: str) -> None:
        """A queue or exchange is not there; if it is one of ours, have it soon."""
        if self._wanted.miss(name):
            asyncio.get_running_loop().call_later(SETTLED, self._news.set)

    def _set_blocked(self, is_blocked: bool) -> None:
        if is_blocked == self._publisher.is_blocked:
            return
        self._publisher.set_blocked(is_blocked)
        self._blocked_since = self._clock.now() if is_blocked else None
        if is_blocked:
            log.warning("the broker takes no messages; it is short of memory or disk space")
        else:
            log.info("the broker takes messages again")
        self._changed()


async def _until(connection: Connection) -> NoReturn:
    """:raises Lost: the connection has ended."""
    raise await asyncio.shield(connection.trouble)


def _first(group: BaseExceptionGroup[Lost]) -> Lost:
    """Why a session ended: what one of its parts raised first."""
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
