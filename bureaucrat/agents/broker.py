"""The queue broker: agents leave messages in queues, and consumers take each of them.

Rules: a message is taken out of its queue when it was handled, or set aside, and not before: whoever dies loses none. A
consumer that fails is told what becomes of the message by its options; what cannot be read at all is set aside.
"""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from ..config import without_password
from .queue import Consumer, Queue, QueueException, QueueNotFound, SerializingError
from .serving import Served

__all__ = [
    "AbstractQueueBroker",
    "BoundExchange",
    "BoundQueue",
    "Consumer",
    "Queue",
    "QueueException",
    "QueueNotFound",
    "SerializingError",
]

_log = logging.getLogger("bureaucrat.agents.broker")
POLICIES: Final = ("retry", "requeue", "dead_letter", "drop")
ATTEMPTS: Final = 3
DEAD: Final = ".dead"  #: the queue beside a queue, where what was set aside is
PAUSE: Final = 1.0  #: seconds before a message that is put back is taken again


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a message."""

    kind: Literal["done", "retry", "requeue", "dead_letter", "drop"]
    reason: str = ""
    pause: float = 0.0  #: seconds before it is tried again


_DONE = Verdict("done")


@dataclass(frozen=True, slots=True)
class Policy:
    """What a consumer's options say."""

    on_error: str = "retry"
    attempts: int = ATTEMPTS
    backoff: float = 1.0  #: seconds
    prefetch: int = 100

    @classmethod
    def of(cls, consumer: Consumer, attempts: int = ATTEMPTS) -> Policy:
        """Read them.

        :raises QueueException: they cannot be.
        """
        options = consumer.options
        policy = cls(
            options.get("on_error", "retry"),
            options.get("attempts", attempts),
            options.get("backoff", 1.0),
            options.get("prefetch", 100),
        )
        if policy.on_error not in POLICIES:
            raise QueueException(f"{consumer.key}: on_error={policy.on_error!r}; write one of {', '.join(POLICIES)}")
        for name in ("attempts", "prefetch"):
            value = getattr(policy, name)
            if type(value) is not int or value < 1:
                raise QueueException(f"{consumer.key}: {name}={value!r}; write a whole number from 1 on")
        return policy

    def verdict(self, reason: str, attempt: int) -> Verdict:
        """What becomes of a message whose handling failed for the `attempt`-th time."""
        match self.on_error:
            case "retry" if attempt < self.attempts:
                return Verdict("retry", reason, attempt**2 * self.backoff)
            case "requeue":
                return Verdict("requeue", reason, PAUSE)
            case "drop":
                return Verdict("drop", reason)
            case _:
                return Verdict("dead_letter", reason)


class AbstractQueueBroker(ABC):
    """Queues on some server. All registered queues are attributes: ``broker.mailer.send({"text": "Hello"})``.

    :param dsn: where the server is.
    :param uid: names this broker.
    """

    def __init__(
        self,
        dsn: str,
        uid: str | None = None,
        log: logging.Logger = _log,
        _bindings: dict[str, Consumer] | None = None,
    ) -> None:
        self.dsn = dsn
        self.uid = uid or uuid.uuid4().hex
        self.log = log
        self._bindings: dict[str, Consumer] = _bindings if _bindings is not None else {}

    # -- what a back end does

    @abstractmethod
    async def send(self, name: str, message: str, **kwargs: Any) -> None:
        """Put a raw message into a queue.

        :param name: of the queue.
        :param message: JSON.
        :param kwargs: what is special to a server.
        """

    @abstractmethod
    async def bind(self, name: str) -> None:
        """Take the messages of a queue for its consumer; returns when it has begun to."""

    @abstractmethod
    async def queue_length(self, name: str, **options: Any) -> int:
        """How many messages wait in a queue."""

    async def unbind(self, name: str, grace: float = 0.0) -> None:  # noqa: B027 - a back end may not be able to
        """Take no messages of a queue any more.

        :param grace: seconds that messages at work may take; the others are given back.
        """

    async def serve(self, served: Sequence[Served]) -> None:
        """Have methods of an agent do actions of processes.

        :raises QueueException: this server brings none.
        """
        names = ", ".join(one.name for one in served)
        raise QueueException(f"{type(self).__name__} brings no actions of processes ({names}); use an AMQPBroker")

    @property
    def launching(self) -> dict[str, object] | str | os.PathLike[str] | None:
        """What a ``Launcher`` is made of that starts processes over the same server; None if there are none."""
        return None

    async def close(self) -> None:  # noqa: B027 - a back end may have nothing to close
        """Leave the server."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({without_password(self.dsn)})"

    # -- for agents

    async def bind_consumer(self, consumer: Consumer) -> None:
        """Have a consumer take the messages of its queue. A second one of the same queue is passed over.

        :raises QueueException: its options cannot be read.
        """
        name = consumer.queue.name
        if name in self._bindings:
            other = self._bindings[name].key
            self.log.warning("%s is not bound: queue %s is already binded to %s", consumer.key, name, other)
            return
        Policy.of(consumer)
        self._bindings[name] = consumer
        await self.bind(name)

    async def unbind_agent(self, agent: object, grace: float = 0.0) -> None:
        """Have the consumers of an agent take nothing more.

        :param grace: seconds that messages at work may take.
        """
        names = [name for name, consumer in self._bindings.items() if consumer.agent is agent]
        await asyncio.gather(*(self.unbind(name, grace) for name in names))
        for name in names:
            del self._bindings[name]

    def __getattr__(self, name: str) -> BoundQueue:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return BoundQueue(self, Queue.get(name))
        except QueueNotFound:
            if Queue.of_exchange(name):
                return BoundExchange(self, name)
            raise

    def prepared_data(self, consumer: Consumer, raw: str | bytes) -> dict[str, Any]:
        """The keyword arguments that a message gives to its consumer.

        :raises SerializingError: the message is no JSON object.
        :raises Exception: whatever the ``dto_class`` raises.
        """
        data = consumer.queue.deserialize(raw)
        if consumer.dto_class is None:
            return data
        return {**data, consumer.dto_name or "dto": consumer.dto_class(**data)}

    async def handle(self, consumer: Consumer, raw: str | bytes, attempt: int, **given: Any) -> Verdict:
        """Call a consumer with a message, for back ends.

        :param attempt: which call with this message it is, from 1.
        :param given: what the server gives beside the message.
        """
        limit = asyncio.timeout(consumer.timeout)
        try:
            data = self.prepared_data(consumer, raw)
            async with limit:
                await consumer.handler(**{**data, **given})
        except SerializingError as error:
            verdict = Verdict("dead_letter", str(error))
        except Exception as error:  # whatever a consumer raises is for its policy
            slow = f"it took more than {consumer.timeout} s"
            reason = slow if limit.expired() else f"{type(error).__name__}: {error}"
            verdict = Policy.of(consumer).verdict(reason, attempt)
            consumer.agent.log.debug("%s: the traceback", consumer.key, exc_info=True)
        else:
            return _DONE
        self._tell(consumer, verdict, attempt)
        return verdict

    def _tell(self, consumer: Consumer, verdict: Verdict, attempt: int) -> None:
        now = {
            "retry": f"again in {verdict.pause:g} s",
            "requeue": "put back",
            "dead_letter": f"set aside in {consumer.queue.name}{DEAD}",
            "drop": "dropped",
        }[verdict.kind]
        name, log = consumer.queue.name, consumer.agent.log
        log.error("%s: a message of %s failed (attempt %d): %s; %s", consumer.key, name, attempt, verdict.reason, now)


class BoundQueue:
    """A queue of one broker."""

    def __init__(self, broker: AbstractQueueBroker, queue: Queue) -> None:
        self.broker = broker
        self.queue = queue

    async def send(self, message: dict[str, Any], **options: Any) -> None:
        """Put a message into it.

        :param options: what is special to a server.
        """
        await self.broker.send(self.queue.name, self.queue.serialize(message), **options)

    async def length(self, **options: Any) -> int:
        """How many messages wait in it."""
        return await self.broker.queue_length(self.queue.name, **options)


class BoundExchange(BoundQueue):
    """An exchange of one broker, to which queues are bound."""

    def __init__(self, broker: AbstractQueueBroker, exchange: str) -> None:
        super().__init__(broker, Queue.of_exchange(exchange)[0])
        self.exchange = exchange

    async def send(self, message: dict[str, Any], topic: str | None = None, **options: Any) -> None:
        """Send a message to all queues that are bound to it, by `topic` if it has topics."""
        text = self.queue.serialize(message)
        await self.broker.send("", text, exchange=self.exchange, topic=topic, **options)

    async def length(self, **options: Any) -> int:
        """An exchange holds nothing.

        :raises QueueException: always; ask its queues.
        """
        names = ", ".join(one.name for one in Queue.of_exchange(self.exchange))
        raise QueueException(f"{self.exchange} is an exchange and holds nothing; ask one of {names}")
