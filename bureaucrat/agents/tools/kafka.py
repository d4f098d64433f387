"""Queues that are topics of Kafka.

Rules: all consumers of a queue are one consumer group, called as the queue. The messages of a partition are handled one
after the other, each until it is handled or set aside, in the topic ``<queue>.dead``; then its offset is committed. Who
dies before that has its messages delivered to another.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final
from urllib.parse import urlsplit

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from ...config import without_password
from ...errors import ConfigurationError
from ..broker import DEAD, PAUSE, AbstractQueueBroker, Consumer, Policy
from ..ending import end

_LOST: Final = (KafkaError, OSError, asyncio.TimeoutError, IllegalStateError)
_PAUSE: Final = 1.0  #: seconds before a lost connection is made again
_PATIENCE: Final = 30.0  #: seconds in which whoever sends waits for it
_LONGEST: Final = 3_600_000  #: milliseconds that the handling of what was fetched at once may take
_REASON: Final = "bureaucrat-reason"


class KafkaBroker(AbstractQueueBroker):
    """Queues on Kafka.

    :param dsn: ``kafka://host:9092``, or several hosts with commas.
    :raises ConfigurationError: the dsn is no such URL.
    """

    def __init__(self, dsn: str, *arguments: Any, **named: Any) -> None:
        super().__init__(dsn, *arguments, **named)
        self._servers = _servers_of(dsn)
        self._producer: AIOKafkaProducer | None = None
        self._lock = asyncio.Lock()
        self._running: dict[str, asyncio.Task[None]] = {}

    # -- sending

    async def send(self, name: str, message: str, key: str | None = None, **kwargs: Any) -> None:
        """Send a raw message to a topic. When it returns the server has it.

        :param key: messages with the same key are handled in order.
        :param kwargs: other arguments of aiokafka's ``send_and_wait``.
        :raises KafkaError: the server did not take it within 30 s. It may have it all the same.
        """
        until = asyncio.get_running_loop().time() + _PATIENCE
        while True:
            try:
                producer = await self._sending()
                given = None if key is None else key.encode()
                await producer.send_and_wait(name, message.encode(), key=given, **kwargs)
            except _LOST as error:
                if asyncio.get_running_loop().time() > until:
                    raise
                self.log.warning("%r: a message of %s is sent again: %s", self, name, error)
                await asyncio.sleep(_PAUSE)
            else:
                return

    async def _sending(self) -> AIOKafkaProducer:
        async with self._lock:
            if self._producer is None:
                producer = AIOKafkaProducer(bootstrap_servers=self._servers, acks="all")
                try:
                    await producer.start()
                except BaseException:  # whatever it is, aiokafka wants its clients stopped
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def queue_length(self, name: str, **options: Any) -> int:
        """0: a topic keeps what was handled, too."""
        return 0

    # -- consuming

    async def bind(self, name: str) -> None:
        """Take the messages of a topic. It waits for a server that is away."""
        begun = asyncio.Event()
        self._running[name] = asyncio.create_task(self._run(self._bindings[name], begun))
        await begun.wait()

    async def _run(self, consumer: Consumer, begun: asyncio.Event) -> None:
        name, policy = consumer.queue.name, Policy.of(consumer)
        while True:
            client = AIOKafkaConsumer(
                name,
                bootstrap_servers=self._servers,
                group_id=name,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_poll_interval_ms=_LONGEST,
            )
            try:
                await client.start()
                begun.set()
                await self._consume(client, consumer, policy)
            except _LOST as error:
                self.log.warning("%r: queue %s is not read (%s); again in %g s", self, name, error, _PAUSE)
            finally:
                await client.stop()
            await asyncio.sleep(_PAUSE)

    async def _consume(self, client: AIOKafkaConsumer, consumer: Consumer, policy: Policy) -> None:
        while True:
            found = await client.getmany(timeout_ms=1000, max_records=policy.prefetch)
            handling = [self._partition(client, consumer, place, records) for place, records in found.items()]
            await asyncio.gather(*handling)

    async def _partition(
        self, client: AIOKafkaConsumer, consumer: Consumer, place: TopicPartition, records: list[ConsumerRecord]
    ) -> None:
        done = None
        try:
            for record in records:
                await self._handle(consumer, record)
                done = record.offset + 1
        finally:
            if done is not None:
                await client.commit({place: done})

    async def _handle(self, consumer: Consumer, record: ConsumerRecord) -> None:
        attempt = 1
        while True:
            verdict = await self.handle(consumer, record.value or b"", attempt, kafka=record)
            match verdict.kind:
                case "retry" | "requeue":
                    attempt += verdict.kind == "retry"
                    await asyncio.sleep(verdict.pause or PAUSE)
                    continue
                case "dead_letter":
                    text = (record.value or b"").decode("utf-8", "replace")
                    reason = verdict.reason[:500].encode()
                    await self.send(consumer.queue.name + DEAD, text, headers=[(_REASON, reason)])
            return

    async def unbind(self, name: str, grace: float = 0.0) -> None:
        """Take nothing more. What is at work is ended, and delivered to another consumer."""
        await end([self._running.pop(name)])

    async def close(self) -> None:
        """Leave the server."""
        for name in list(self._running):
            await self.unbind(name)
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None


def _servers_of(dsn: str) -> list[str]:
    parts = urlsplit(dsn)
    if parts.scheme != "kafka" or not parts.netloc:
        raise ConfigurationError(f"{without_password(dsn)!r} is no URL of Kafka; write kafka://host:9092")
    return [server if ":" in server else f"{server}:9092" for server in parts.netloc.split(",")]
