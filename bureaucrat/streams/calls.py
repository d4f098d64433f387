"""How an agent is used: cast, ask, send, and the calls that gather many replies."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import Any, Final

from .channels import Channel, RecordMetadata
from .codecs import Codec
from .envelopes import ReplyAddress
from .failures import NoReply
from .home import Home
from .replies import BarrierState, Promise, Replies, ReplyPromise
from .topics import Topic

DEFAULT: Final = -1.0  #: of a timeout: what the app's settings say


class Calls:
    """An agent, from outside. `use_reply_headers` says how its requests carry their return address."""

    name: str
    channel: Channel
    use_reply_headers: bool
    _home: Home
    _replies: Replies

    async def cast(
        self,
        value: Any = None,
        *,
        key: Any = None,
        partition: int | None = None,
        timestamp: float | None = None,
        headers: dict[str, bytes] | None = None,
    ) -> RecordMetadata:
        """Send a value, and expect no reply.

        :raises BrokerUnavailable: the broker could not be had in time.
        """
        return await self.channel.send(key=key, value=value, partition=partition, timestamp=timestamp, headers=headers)

    async def ask(
        self,
        value: Any = None,
        *,
        key: Any = None,
        partition: int | None = None,
        timestamp: float | None = None,
        headers: dict[str, bytes] | None = None,
        reply_to: str | None = None,
        correlation_id: str | None = None,
        timeout: float | None = DEFAULT,  # noqa: ASYNC109 (callers of ask() know it from everywhere else)
    ) -> Any:
        """Send a value, and wait for what the agent yields.

        :param timeout: seconds; by default ``app.conf.ask_timeout``; None waits for ever.
        :raises AgentError: the agent has failed at it.
        :raises NoReply: none came in time.
        """
        promise = await self.ask_nowait(
            value,
            key=key,
            partition=partition,
            timestamp=timestamp,
            headers=headers,
            reply_to=reply_to,
            correlation_id=correlation_id,
        )
        seconds = self._home.conf.ask_timeout if timeout == DEFAULT else timeout
        try:
            async with asyncio.timeout(seconds):
                return await promise
        except TimeoutError as error:
            raise NoReply(f"agent {self.name} has not answered in {seconds} s; is a worker serving it?") from error
        finally:
            self._replies.forget(promise.correlation_id)

    async def ask_nowait(
        self,
        value: Any = None,
        *,
        key: Any = None,
        partition: int | None = None,
        timestamp: float | None = None,
        headers: dict[str, bytes] | None = None,
        reply_to: str | None = None,
        correlation_id: str | None = None,
        force: bool = False,
    ) -> ReplyPromise:
        """Send a value, and return a future of the reply.

        :param force: for programs that were written for Faust; it changes nothing.
        """
        promise = ReplyPromise(await self._home.reply_topic(reply_to), correlation_id or str(uuid.uuid4()))
        await self._request(value, key, partition, timestamp, headers, promise, promise.correlation_id)
        return promise

    async def _request(
        self,
        value: Any,
        key: Any,
        partition: int | None,
        timestamp: float | None,
        headers: dict[str, bytes] | None,
        promise: Promise,
        correlation_id: str,
    ) -> None:
        self._replies.expect(correlation_id, promise)
        address = ReplyAddress(promise.reply_to, correlation_id, 1)
        await self._send(key, value, partition, timestamp, headers, address)

    async def _send(
        self,
        key: Any,
        value: Any,
        partition: int | None,
        timestamp: float | None,
        headers: dict[str, bytes] | None,
        address: ReplyAddress | None,
        **serializers: Codec | str | None,
    ) -> RecordMetadata:
        more: dict[str, Any] = {}
        if isinstance(self.channel, Topic):
            more = {**serializers, "in_headers": self.use_reply_headers}
        return await self.channel.send(
            key=key, value=value, partition=partition, timestamp=timestamp, headers=headers, reply=address, **more
        )

    async def send(
        self,
        key: Any = None,
        value: Any = None,
        partition: int | None = None,
        timestamp: float | None = None,
        headers: dict[str, bytes] | None = None,
        key_serializer: Codec | str | None = None,
        value_serializer: Codec | str | None = None,
        callback: Any = None,
        *,
        reply_to: Any = None,
        correlation_id: str | None = None,
        force: bool = False,
    ) -> RecordMetadata:
        """Send a value; the reply goes to another agent, a topic, or the topic of a name.

        :param callback: called with where the message went.
        :param force: for programs that were written for Faust; it changes nothing.
        """
        address = None if reply_to is None else _address(reply_to, correlation_id or str(uuid.uuid4()))
        serializers = {"key_serializer": key_serializer, "value_serializer": value_serializer}
        sent = await self._send(key, value, partition, timestamp, headers, address, **serializers)
        if callback is not None:
            callback(sent)
        return sent

    # -- many at once

    async def map(
        self, values: AsyncIterable[Any] | Iterable[Any], key: Any = None, reply_to: str | None = None
    ) -> AsyncIterator[Any]:
        """The replies to many values, as they come. Replies are awaited while values are still sent."""
        async for reply in self.kvmap(_with_key(key, values), reply_to):
            yield reply

    async def kvmap(
        self, items: AsyncIterable[tuple[Any, Any]] | Iterable[tuple[Any, Any]], reply_to: str | None = None
    ) -> AsyncIterator[Any]:
        """The same with pairs of key and value."""
        barrier = BarrierState(await self._home.reply_topic(reply_to))
        sending = asyncio.create_task(self._send_all(items, barrier, []))
        try:
            async for _, reply in barrier.iterate():
                yield reply
        finally:
            sending.cancel()
            self._forget(barrier)

    async def join(
        self, values: AsyncIterable[Any] | Iterable[Any], key: Any = None, reply_to: str | None = None
    ) -> list[Any]:
        """The replies to many values, in their order.

        :raises AgentError: the agent has failed at one of them.
        """
        return await self.kvjoin(_with_key(key, values), reply_to)

    async def kvjoin(
        self, items: AsyncIterable[tuple[Any, Any]] | Iterable[tuple[Any, Any]], reply_to: str | None = None
    ) -> list[Any]:
        """The same with pairs of key and value."""
        barrier = BarrierState(await self._home.reply_topic(reply_to))
        order: list[str] = []
        sending = asyncio.create_task(self._send_all(items, barrier, order))
        try:
            found = {correlation_id: reply async for correlation_id, reply in barrier.iterate()}
        finally:
            sending.cancel()
            self._forget(barrier)
        return [found[one] for one in order]

    def _forget(self, barrier: BarrierState) -> None:
        for correlation_id in barrier.pending:
            self._replies.forget(correlation_id)

    async def _send_all(
        self,
        items: AsyncIterable[tuple[Any, Any]] | Iterable[tuple[Any, Any]],
        barrier: BarrierState,
        order: list[str],
    ) -> None:
        try:
            async for key, value in _each(items):
                await barrier.room()
                correlation_id = str(uuid.uuid4())
                order.append(correlation_id)
                barrier.add(correlation_id)
                await self._request(value, key, None, None, None, barrier, correlation_id)
        except Exception as error:  # who waits for the replies gets it
            barrier.fail(error)
        else:
            barrier.finalize()


def _address(reply_to: Any, correlation_id: str) -> ReplyAddress:
    channel = reply_to.channel if isinstance(reply_to, Calls) else reply_to
    if isinstance(channel, Topic):
        return ReplyAddress(channel.name, correlation_id, channel.partitions)
    return ReplyAddress(str(channel), correlation_id)


async def _each(items: AsyncIterable[Any] | Iterable[Any]) -> AsyncIterator[Any]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


async def _with_key(key: Any, values: AsyncIterable[Any] | Iterable[Any]) -> AsyncIterator[tuple[Any, Any]]:
    async for value in _each(values):
        yield key, value
