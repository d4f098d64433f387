"""Signals on RabbitMQ: one topic exchange, and for each bus a queue of its own that goes with it.

Rules: the routing key of a signal is its name, and its body the arguments and ``sender``: so events of processes and
signals of agents are the same messages (``bureaucrat.signals``, docs/wire.rst). What is special to a bus travels as
headers. An answer goes to the bus that has asked, and to no other.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any, Final

from aiormq.abc import AbstractChannel, DeliveredMessage
from aiormq.exceptions import ChannelNotFoundEntity, PublishError
from pamqp.commands import Basic

from ..bus import RESPONSE, AbstractSignalBus
from ..signal import Address, SignalException
from .rabbit import LOST, Link, Standing, checked

_SENDER: Final = "sender"
_PREFIX: Final = "bureaucrat-prefix"
_REQUEST: Final = "bureaucrat-request"
_ENGINE: Final = "bureaucrat"  #: who has sent a signal that does not say it
_PATIENCE: Final = 5.0  #: seconds in which a lost connection is made again by whoever sends
_PAUSE: Final = 0.25


class AMQPSignalBus(AbstractSignalBus):
    """Signals on RabbitMQ, those of processes among them.

    :param dsn: ``amqp://user:password@host:5672/``.
    :param exchange: the topic exchange; processes have ``bureaucrat.signals``.
    :raises ConfigurationError: the dsn is no URL of RabbitMQ.
    """

    def __init__(self, dsn: str, *arguments: Any, exchange: str = "bureaucrat.signals", **named: Any) -> None:
        super().__init__(checked(dsn), *arguments, **named)
        self._exchange = exchange
        self._link = Link(dsn, "agents, signals", self.log)
        self._heard: dict[str, None] = {}
        self._queue = f"bureaucrat.bus.{self.uid}"
        self._sending: AbstractChannel | None = None
        self._sending_lock = asyncio.Lock()
        self._standing: Standing | None = None
        self._binding = asyncio.Lock()

    # -- sending

    async def send(self, channel: str, message: str) -> bool:
        """Send a raw message.

        :returns: False if nobody hears it, neither an agent nor a process.
        :raises SignalException: the server did not take it within 5 s.
        """
        address = Address.of(channel)
        headers = {_PREFIX: address.prefix, **({_REQUEST: address.request} if address.request else {})}
        if address.name == RESPONSE:
            key, body = self._route((address.request or "").partition(".")[0]), message
            headers[_SENDER] = address.sender
        else:
            key, body = address.name, json.dumps({**json.loads(message), _SENDER: address.sender})
        until = asyncio.get_running_loop().time() + _PATIENCE
        id = uuid.uuid4().hex
        while True:
            try:
                sending = await self._sending_channel()
                about = Basic.Properties(content_type="application/json", message_id=id, headers=dict(headers))
                await sending.basic_publish(
                    body.encode(), exchange=self._exchange, routing_key=key, properties=about, mandatory=True
                )
            except PublishError:
                return False
            except LOST as error:
                if asyncio.get_running_loop().time() > until:
                    raise SignalException(f"RabbitMQ did not take signal {address.name}: {error}") from error
                await asyncio.sleep(_PAUSE)
            else:
                return True

    async def _sending_channel(self) -> AbstractChannel:
        async with self._sending_lock:
            if self._sending is None or self._sending.is_closed:
                self._sending = await self._link.channel(confirms=True)
                await self._declare()
            return self._sending

    async def _declare(self) -> None:
        """Have the exchange; whoever may not make it may use it."""
        channel = await self._link.channel()
        try:
            await channel.exchange_declare(self._exchange, passive=True)
        except ChannelNotFoundEntity:
            channel = await self._link.channel()
            await channel.exchange_declare(self._exchange, exchange_type="topic", durable=True)
        await channel.close()

    # -- hearing

    async def bind(self, signal: str) -> None:
        """Hear a signal. It waits for a server that is away.

        :raises AMQPError: the server refuses it.
        """
        async with self._binding:
            self._heard[self._key(signal)] = None
            if self._standing is None:
                self._standing = Standing(self._link, f"{self!r}", self._begin, self.log)
                await self._standing.begun()
                return
            try:
                if self._standing.channel is not None:
                    await self._standing.channel.queue_bind(self._queue, self._exchange, self._key(signal))
            except LOST as error:
                self.log.info("signal %s is bound when RabbitMQ is back: %s", signal, error)

    async def unbind(self, signal: str) -> None:
        async with self._binding:
            self._heard.pop(self._key(signal), None)
            try:
                if self._standing is not None and self._standing.channel is not None:
                    await self._standing.channel.queue_unbind(self._queue, self._exchange, self._key(signal))
            except LOST as error:
                self.log.info("signal %s was unbound with its connection: %s", signal, error)

    def _key(self, signal: str) -> str:
        return self._route(self.uid) if signal == RESPONSE else signal

    @staticmethod
    def _route(uid: str) -> str:
        return f"{RESPONSE}.{uid}"

    async def _begin(self, channel: AbstractChannel) -> str:
        await self._declare()
        await channel.queue_declare(self._queue, exclusive=True, auto_delete=True)
        for key in self._heard:
            await channel.queue_bind(self._queue, self._exchange, key)
        return (await channel.basic_consume(self._queue, self._take, no_ack=True)).consumer_tag or ""

    async def _take(self, message: DeliveredMessage) -> None:
        headers = message.header.properties.headers or {}
        prefix = headers.get(_PREFIX, self.prefix)  # what has none is for everybody: it comes from a process
        if prefix != self.prefix:
            return
        name, text = message.routing_key or "", message.body.decode("utf-8", "replace")
        sender = headers.get(_SENDER)
        if name == self._route(self.uid):
            name = RESPONSE
        else:
            text, sender = _without_sender(text)
        request = headers.get(_REQUEST)
        end = f"#{request}" if isinstance(request, str) else ""
        self.receiver(f"{self.prefix}:{name}:{sender if isinstance(sender, str) else _ENGINE}{end}", text)

    async def close(self) -> None:
        """Leave the server."""
        if self._standing is not None:
            await self._standing.stop()
            self._standing = None
        await self._link.close()
        self._sending = None


def _without_sender(text: str) -> tuple[str, str | None]:
    """The arguments of a signal, and who has sent it."""
    try:
        data = json.loads(text)
    except ValueError:
        return text, None  # whoever reads it says what is wrong
    if not isinstance(data, dict) or not isinstance(data.get(_SENDER), str):
        return text, None
    sender: str = data.pop(_SENDER)
    return json.dumps(data), sender
