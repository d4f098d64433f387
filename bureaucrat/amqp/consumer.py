"""One consumed queue: a channel of its own, consumed again whenever that ends.

Rules: deliveries are handed over outside of pika's callbacks; a tag belongs to one channel and means nothing on the
next; acknowledgements are collected and sent once in a turn of the event loop, many in one where that is exact.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections import deque
from collections.abc import Callable
from typing import Any

import pika.exceptions as wrong

from .connection import Channel, ChannelLost, Connection
from .line import Pauses
from .messages import Received
from .topology import Side, Wanted

log = logging.getLogger(__name__)

_TURN = 0.05  #: seconds for which deliveries are handed over in one turn of the loop
_STRIKES = 6  #: looks at a queue that delivers nothing, though it holds messages and we could take them
_SHORTEST = 0.5  #: seconds between attempts; see SETTLED in topology.py
_LONGEST = 5.0


class Acks:
    """The acknowledgements of one channel."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._lowest = 1  #: no lower tag is open
        self._pending: set[int] = set()
        self._settled: set[int] = set()  #: above the lowest, and sent already
        self._is_scheduled = False
        self.is_over = False  #: the channel has ended
        self.count = 0

    def ack(self, tag: int) -> None:
        if self.is_over:
            return
        self._pending.add(tag)
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self.flush)

    def requeue(self, tag: int) -> None:
        if self.is_over or tag in self._pending:
            return
        self._settled.add(tag)
        self.count += 1
        with contextlib.suppress(wrong.AMQPError):  # the channel has just ended: all goes back
            self._channel.raw.basic_nack(tag, requeue=True)

    def flush(self) -> None:
        """Send what has come together: all up to a tag in one if none below is open, the others one by one."""
        self._is_scheduled = False
        if self.is_over or not self._channel.raw.is_open:
            return
        pending, settled = self._pending, self._settled
        self.count += len(pending)
        tag, last = self._lowest, 0
        while True:
            if tag in pending:
                pending.discard(tag)
                last = tag
            elif tag in settled:
                settled.discard(tag)
            else:
                break
            tag += 1
        self._lowest = tag
        if last:
            self._channel.raw.basic_ack(last, multiple=True)
        for tag in sorted(pending):
            self._channel.raw.basic_ack(tag)
        settled |= pending
        pending.clear()

    def end(self) -> None:
        """The channel is closed; its tags are void."""
        self.is_over = True


class Consumer:
    """Hands what one queue delivers to a function, and goes on doing so."""

    def __init__(
        self,
        queue: str,
        received: Callable[[Received], None],
        prefetch: int,
        wanted: Wanted,
        changed: Callable[[], None],
    ) -> None:
        self.queue = queue
        self._received = received
        self._prefetch = prefetch
        self._wanted = wanted
        self._changed = changed
        self._buffer: deque[Received] = deque()
        self._is_scheduled = False
        self._is_stopped = False
        self._is_lost = False
        self._channel: Channel | None = None
        self._acks: Acks | None = None
        self._tag: str | None = None
        self._delivered = 0  #: by the channel that is open
        self._seen = 0  #: of them at the last look
        self._strikes = 0
        self.has_tried = False  #: whether it has begun once, or could not

    @property
    def is_consuming(self) -> bool:
        return self._tag is not None and not self._is_stopped

    async def run(self, connection: Connection, side: Side, tried: Callable[[], None]) -> None:
        """Consume as long as the connection lasts.

        :param tried: called after the first attempt, whether it worked or not.
        :raises Lost: the connection is of no use any more.
        """
        pauses = Pauses(_SHORTEST, _LONGEST)
        while not self._is_stopped:
            pauses.begin()
            try:
                await self._wanted.queue(side, self.queue)
                await self._consume(connection, tried)
            except ChannelLost as lost:
                self._note(lost.reason)
            self.has_tried = True
            tried()
            await pauses.wait()

    async def _consume(self, connection: Connection, tried: Callable[[], None]) -> None:
        channel = await connection.channel()
        acks = Acks(channel)
        try:
            await channel.ask("basic_qos", prefetch_count=self._prefetch)
            self._channel, self._acks = channel, acks
            self._delivered = self._seen = self._strikes = 0
            tag = f"bureaucrat-{uuid.uuid4().hex}"
            await channel.ask("basic_consume", queue=self.queue, on_message_callback=self._take, consumer_tag=tag)
            self._tag = tag
            self.has_tried = True
            self._is_found()
            tried()
            raise await asyncio.shield(channel.trouble)
        except ChannelLost:
            self._reset(acks)
            if not connection.trouble.done():
                await channel.close()
            raise
        finally:
            self._reset(acks)

    def _reset(self, acks: Acks) -> None:
        acks.end()
        self._tag = self._channel = self._acks = None
        self._buffer.clear()
        self._changed()

    def _is_found(self) -> None:
        if self._is_lost:
            self._is_lost = False
            log.info("consuming again", extra={"queue": self.queue})
        self._changed()

    def _note(self, reason: str) -> None:
        if not self._is_lost:
            self._is_lost = True
            log.warning("a queue is not consumed; trying again", extra={"queue": self.queue, "reason": reason})

    # -- deliveries

    def _take(self, raw: Any, method: Any, properties: Any, body: bytes) -> None:
        """pika's callback."""
        if self._acks is None or raw is not self._channel_raw():
            return  # of a channel that is being closed: it goes back
        self._delivered += 1
        self._buffer.append(
            Received(
                self.queue,
                _text(method.exchange),
                _text(method.routing_key),
                body,
                _text(properties.content_type),
                _text(properties.content_encoding),
                _text(properties.message_id),
                _text(properties.correlation_id),
                _text(properties.reply_to),
                _text(properties.type),
                properties.user_id,
                properties.headers or {},
                method.redelivered,
                method.delivery_tag,
                self._acks,
            )
        )
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._hand_over)

    def _channel_raw(self) -> Any:
        return None if self._channel is None else self._channel.raw

    def _hand_over(self) -> None:
        """Hand over for a moment, and the rest in the next turn: to read a delivery may take seconds."""
        loop = asyncio.get_running_loop()
        self._is_scheduled, until = False, loop.time() + _TURN
        while self._buffer:
            delivery = self._buffer.popleft()
            try:
                self._received(delivery)
            except Exception:  # a defect in who receives: the delivery stays open, so that it is not lost
                log.exception("a delivery was not taken", extra={"queue": self.queue})
            if self._buffer and loop.time() > until:
                self._is_scheduled = True
                loop.call_soon(self._hand_over)
                return

    # -- its end, and its health

    def stop(self) -> None:
        """Take no more; what was handed over can still be acknowledged."""
        self._is_stopped = True
        while self._buffer:
            self._buffer.popleft().requeue()
        if self._channel is not None and self._tag is not None:
            with contextlib.suppress(wrong.AMQPError):  # it has just ended
                self._channel.raw.basic_cancel(self._tag, callback=lambda _: None)
        self._changed()

    def flush(self) -> None:
        if self._acks is not None:
            self._acks.flush()

    async def look(self, side: Side) -> None:
        """See whether the broker still knows us: not every broker tells when it drops a consumer."""
        channel, acks = self._channel, self._acks
        if channel is None or acks is None or self._tag is None or self._is_stopped:
            return
        depth = await side.depth(self.queue)
        if depth is None:
            channel.lose(ChannelLost("the queue is gone"))
        elif not depth.consumers:
            channel.lose(ChannelLost("the broker has dropped the consumer"))
        elif depth.messages and self._delivered == self._seen and self._delivered - acks.count < self._prefetch:
            self._strikes += 1
            if self._strikes >= _STRIKES:
                channel.lose(ChannelLost("the queue holds messages and delivers none"))
        else:
            self._strikes = 0
        self._seen = self._delivered


def _text(given: Any) -> Any:
    """A short string as text; pika gives one that is no UTF-8 as bytes."""
    return given.decode("utf-8", "backslashreplace") if isinstance(given, bytes) else given
