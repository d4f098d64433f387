"""Queues and signals on RabbitMQ.

Rules: queues are durable and replicated, and each has another beside it, ``<queue>.dead``, for what was set aside. What
is sent is confirmed by the server before ``send`` returns. A message is acknowledged when it was handled.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from aiormq.abc import AbstractChannel, DeliveredMessage
from aiormq.exceptions import (
    ChannelAccessRefused,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    DeliveryError,
    PublishError,
)
from pamqp.commands import Basic

from ...amqp import AmqpSettings, Broker
from ...config import load
from ...functions import Functions
from ...participants.worker import Worker, WorkerSettings
from ..broker import DEAD, AbstractQueueBroker, Consumer, Policy, Queue, QueueException, Verdict
from ..bus import ended
from ..serving import Served
from .amqp_bus import AMQPSignalBus
from .rabbit import ANSWER, LOST, Link, Standing, checked, settings_of

__all__ = ["AMQPBroker", "AMQPSignalBus", "Delivered", "DeliveredMessage"]

_LIMIT: Final = 20  #: deliveries of a message after which the server itself sets it aside
_PATIENCE: Final = 30.0  #: seconds in which a lost connection is made again by whoever sends
_PAUSE: Final = 0.25
_REASON: Final = "bureaucrat-reason"
_COUNT: Final = "x-delivery-count"


class _Channel:
    """The channel of a message, with the older name of acknowledging, too."""

    def __init__(self, channel: AbstractChannel) -> None:
        self._channel = channel

    async def basic_client_ack(self, delivery_tag: int) -> None:
        """Acknowledge."""
        await self._channel.basic_ack(delivery_tag)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)


class Delivered:
    """A message as RabbitMQ has delivered it: what a consumer gets as ``amqp``.

    It is aiormq's ``DeliveredMessage``: ``body``, ``header``, ``delivery``, ``delivery_tag``, ``channel`` and the rest.
    """

    __slots__ = ("_message",)

    def __init__(self, message: DeliveredMessage) -> None:
        self._message = message

    @property
    def channel(self) -> Any:
        """The channel it came by: ``await amqp.channel.basic_ack(delivery_tag=amqp.delivery_tag)``."""
        return _Channel(self._message.channel)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._message, name)


class _Taking:
    """One consumer at work."""

    def __init__(self) -> None:
        self.standing: Standing | None = None
        self.at_work: set[asyncio.Task[None]] = set()


class AMQPBroker(AbstractQueueBroker):
    """Queues on RabbitMQ.

    :param dsn: ``amqp://user:password@host:5672/``; ``amqps://…?cafile=/path&certfile=/path&keyfile=/path`` with TLS.
    :param sending_channel: what is sent by; made when it is needed.
    :param config: the daemon's file of settings, for participants and ``launch``. Without one they go by `dsn`, and the
        daemon's queues are called as its defaults.
    :raises ConfigurationError: the dsn is no URL of RabbitMQ.
    """

    def __init__(
        self,
        dsn: str,
        *arguments: Any,
        sending_channel: AbstractChannel | None = None,
        config: str | os.PathLike[str] | None = None,
        **named: Any,
    ) -> None:
        super().__init__(checked(dsn), *arguments, **named)
        self.sending_channel = sending_channel
        self._config = config
        self._sending = Link(dsn, "agents, sending", self.log)
        self._consuming = Link(dsn, "agents, consuming", self.log)
        self._lock = asyncio.Lock()
        self._declaring = asyncio.Lock()
        self._declared: dict[str, AbstractChannel] = {}
        self._taking: dict[str, _Taking] = {}
        self._workers: list[tuple[object, Worker]] = []

    # -- sending

    async def get_channel(self) -> AbstractChannel:
        """The channel that messages are sent by. The server confirms what it has taken."""
        async with self._lock:
            if self.sending_channel is None or self.sending_channel.is_closed:
                self.sending_channel = await self._sending.channel(confirms=True)
            return self.sending_channel

    async def send(
        self,
        name: str,
        message: str,
        exchange: str = "",
        topic: str | None = None,
        properties: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Put a raw message into a queue, or send it to an exchange. When it returns the server has it.

        A connection that is lost meanwhile is made again, and the message is sent again, with the same message id.

        :param name: of the queue; for an exchange the routing key, unless there is a `topic`.
        :param properties: of the message: ``{"priority": 5, "expiration": "60000"}``.
        :param kwargs: other arguments of ``basic_publish``.
        :raises QueueException: the server did not take it within 30 s, or refuses it.
        """
        about = {
            "delivery_mode": 2,
            "content_type": "application/json",
            "message_id": uuid.uuid4().hex,
            **(properties or {}),
        }
        until = asyncio.get_running_loop().time() + _PATIENCE
        options = {"exchange": exchange, "routing_key": name if topic is None else topic, **kwargs}
        while True:
            try:
                channel = await self.get_channel()
                await self._have_route(channel, name, exchange)
                given = {"properties": Basic.Properties(**about), "mandatory": not exchange, "timeout": ANSWER}
                await channel.basic_publish(message.encode(), **{**given, **options})
                return
            except PublishError as error:  # the queue was deleted since
                self._declared.pop(name, None)
                reason: Exception = error
            except (DeliveryError, *LOST) as error:
                reason = error
            if asyncio.get_running_loop().time() > until:
                raise QueueException(f"RabbitMQ did not take a message of {name or exchange}: {reason}") from reason
            await asyncio.sleep(_PAUSE)

    async def _have_route(self, channel: AbstractChannel, name: str, exchange: str) -> None:
        """Have what a message goes to; once for each channel, because with one the server may have changed."""
        route = exchange or name
        if self._declared.get(route) is channel:
            return
        async with self._declaring:
            if self._declared.get(route) is channel:  # another has waited for the same
                return
            for queue in [one.name for one in Queue.of_exchange(exchange)] if exchange else [name]:
                await self._declare(self._sending, queue)
            self._declared[route] = channel

    # -- what is there

    async def declare_queue(self, name: str, **options: Any) -> None:
        """Have a queue.

        :param options: of aiormq's ``queue_declare``. Without any it is durable and replicated, with ``<name>.dead``
            beside it; one that exists otherwise is used as it is.
        """
        if not options:
            await self._declare(self._sending, name)
            return
        channel = await self._sending.channel()
        try:
            await channel.queue_declare(name, **options)
        finally:
            await channel.close()

    async def _declare(self, link: Link, name: str) -> None:
        dead = name if name.endswith(DEAD) else name + DEAD
        await self._declare_one(link, dead, {"x-queue-type": "quorum"})
        if dead == name:
            return
        beside = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
        await self._declare_one(link, name, {"x-queue-type": "quorum", "x-delivery-limit": _LIMIT, **beside})
        queue = Queue.get_all().get(name)
        if queue is None or not queue.exchange:
            return
        channel = await link.channel()
        kind = "topic" if queue.topics else "fanout"
        await channel.exchange_declare(queue.exchange, exchange_type=kind, durable=True)
        for topic in queue.topics or [""]:
            await channel.queue_bind(name, queue.exchange, topic)
        await channel.close()

    async def _declare_one(self, link: Link, name: str, arguments: dict[str, Any]) -> None:
        channel = await link.channel()  # one that is refused takes its channel with it
        try:
            await channel.queue_declare(name, durable=True, arguments=arguments)
        except ChannelPreconditionFailed as error:
            self.log.warning("queue %s exists otherwise, and is used as it is: %s", name, error)
        except ChannelAccessRefused:
            channel = await link.channel()
            await channel.queue_declare(name, passive=True)  # whoever may not make it may use it
            await channel.close()
        else:
            await channel.close()

    async def queue_length(self, name: str, **options: Any) -> int:
        """How many messages wait in a queue; 0 if there is none of this name.

        :param options: further ones of ``queue_declare``, which only asks.
        """
        channel = await self._sending.channel()
        try:
            found = await channel.queue_declare(name, **{**options, "passive": True})
        except ChannelNotFoundEntity:
            return 0
        await channel.close()
        return int(found.message_count or 0)

    # -- consuming

    async def bind(self, name: str) -> None:
        """Take the messages of a queue, which is declared if there is none.

        It waits for a server that is away.

        :raises AMQPError: the server refuses it.
        """
        consumer, taking = self._bindings[name], _Taking()
        policy, is_automatic = Policy.of(consumer), consumer.options.get("autoack", True)

        async def take(message: DeliveredMessage) -> None:
            work = asyncio.current_task()
            assert work is not None, "aiormq calls each in a task of its own"
            taking.at_work.add(work)
            try:
                await self._take(consumer, message, is_automatic)
            finally:
                taking.at_work.discard(work)

        async def begin(channel: AbstractChannel) -> str:
            await self._declare(self._consuming, name)
            await channel.basic_qos(prefetch_count=policy.prefetch)
            return (await channel.basic_consume(name, take)).consumer_tag or ""

        taking.standing = Standing(self._consuming, f"{consumer.key} of queue {name}", begin, self.log)
        self._taking[name] = taking
        await taking.standing.begun()

    async def _take(self, consumer: Consumer, message: DeliveredMessage, is_automatic: bool) -> None:
        headers = message.header.properties.headers or {}
        before = headers.get(_COUNT)
        attempt = 1 + (before if isinstance(before, int) else 0)
        verdict = Verdict("retry")
        while verdict.kind == "retry":
            verdict = await self.handle(consumer, message.body, attempt, amqp=Delivered(message))
            attempt += 1
            await asyncio.sleep(verdict.pause)
        if verdict.kind == "done" and not is_automatic:
            return
        try:
            await self._settle(consumer, message, verdict)
        except (QueueException, *LOST) as error:
            self.log.warning("%s: the server delivers a message again: %s", consumer.key, error)

    async def _settle(self, consumer: Consumer, message: DeliveredMessage, verdict: Verdict) -> None:
        tag = message.delivery_tag
        assert tag is not None, "what is delivered to a consumer has one"
        if verdict.kind == "requeue":
            await message.channel.basic_nack(tag, requeue=True)
            return
        if verdict.kind == "dead_letter":
            dead = consumer.queue.name + DEAD
            headers = {**(message.header.properties.headers or {}), _REASON: verdict.reason[:500]}
            headers.pop(_COUNT, None)
            await self.send(dead, message.body.decode("utf-8", "replace"), properties={"headers": headers})
        await message.channel.basic_ack(tag)

    @staticmethod
    async def putout(amqp: Any) -> None:
        """Acknowledge a message, in a consumer with ``autoack=False``."""
        await amqp.channel.basic_ack(delivery_tag=amqp.delivery_tag)

    async def unbind(self, name: str, grace: float = 0.0) -> None:
        """Take nothing more; what is not handled in time goes back into its queue."""
        taking = self._taking.pop(name)
        assert taking.standing is not None, "it was bound"
        await taking.standing.pause()
        await ended(list(taking.at_work), grace)
        await taking.standing.stop()

    # -- participants

    @property
    def launching(self) -> dict[str, object] | str | os.PathLike[str]:
        """The daemon's file, or the same server."""
        if self._config is not None:
            return self._config
        amqp = settings_of(self.dsn)
        files = {"ssl_ca": amqp.tls.ca, "ssl_cert": amqp.tls.cert, "ssl_key": amqp.tls.key}
        return {"url": amqp.url, **{key: str(file) for key, file in files.items() if file is not None}}

    async def serve(self, served: Sequence[Served]) -> None:
        """Do actions of processes, by their queues ``worker_<participant>``.

        :raises BrokerUnavailable: the server cannot be reached.
        :raises ConfigurationError: the daemon's file cannot be read.
        """
        amqp, settings = settings_of(self.dsn), WorkerSettings()
        if self._config is not None:
            found = load(Path(self._config), os.environ)
            amqp, names = AmqpSettings.of(found), found.bureaucrat
            settings = WorkerSettings(
                answers=names.message_queue, dead=names.dead_queue, exchange=names.exchange, user=amqp.user
            )
        functions = Functions.of({one.name: one.method for one in served})
        worker = Worker(functions, Broker(amqp, name="agents, participants"), settings)
        await worker.start()
        self._workers.append((served[0].agent, worker))

    async def unbind_agent(self, agent: object, grace: float = 0.0) -> None:
        """Have an agent take nothing more, and do no actions."""
        await super().unbind_agent(agent, grace)
        for one, worker in list(self._workers):
            if one is agent:
                self._workers.remove((one, worker))
                await worker.stop(grace)

    async def close(self) -> None:
        """Leave the server."""
        for name in list(self._taking):
            await self.unbind(name)
        for _, worker in self._workers:
            await worker.stop(0)
        self._workers.clear()
        for link in (self._sending, self._consuming):
            await link.close()
        self.sending_channel = None
