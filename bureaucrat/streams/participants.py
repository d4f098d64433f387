"""Stream agents and processes: an agent that does an action, a topic that a ``<signal>`` feeds.

Rules: an attempt is acknowledged when its answer is confirmed, a signal when its topic has it; whatever an agent raises
is the answer to its attempt, so that the process decides about retries; what is no attempt, or no signal, is put where
people look at it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

import msgspec

from ..functions import Workitem, failure_of, fields_of
from ..wire import Attempt, decode_attempt, decode_signal, encode_answer
from ..wire import Malformed as NotOfTheWire
from .brokers import AttemptReceived, Delivery, Line, Outgoing
from .channels import Channel, Source
from .events import Event, Message, Shared
from .failures import Malformed
from .home import Home
from .records import Record, converted
from .topics import Topic

log = logging.getLogger(__name__)

DEAD: Final = "bureaucrat_dead"
_PREFIX: Final = "worker:"


class Participation(Channel):
    """The attempts of one participant: their fields are the values, what is yielded first is the answer."""

    def __init__(self, home: Home, participant: str, *, value_type: Any = None) -> None:
        self.participant = participant.removeprefix(_PREFIX)
        super().__init__(f"worker_{self.participant}", value_type=value_type)
        self._home = home
        self._line = Line(self.name, 0)
        self._attempts: dict[Event, Attempt] = {}

    async def subscribe(self, source: Source) -> None:
        broker = await self._home.connected()
        await broker.serve(self.name, lambda received: self._take(received, source))

    def _take(self, received: AttemptReceived, source: Source) -> None:
        message = Outgoing(self.name, 0, received.body, None, {}, id=received.id)
        shared = Shared(Delivery(self._line, message, received.ack), 1)
        try:
            attempt = decode_attempt(received.content_type, received.body, received.id)
        except NotOfTheWire as error:
            log.warning("a message for participant %s is no attempt; set aside: %s", self.participant, error)
            self._home.spawn(self._set_aside(received), f"{self.name} sets aside")
            return
        came = Message(self.name, 0, self._sent, None, received.body, {}, message.timestamp)
        self._sent += 1
        event = Event(attempt.key, attempt.fields, came, shared=shared)
        self._attempts[event] = attempt
        try:
            event.value = attempt.fields if self.value_type is None else converted(attempt.fields, self.value_type)
        except Malformed as error:
            event.thrown = error  # it is raised in the agent, and answered like all it raises
        source.put_nowait(event)

    async def _set_aside(self, received: AttemptReceived) -> None:
        broker = await self._home.connected()
        await broker.answer(DEAD, received.content_type, received.body, received.id)
        received.ack()

    async def yielded(self, event: Event, value: Any) -> None:
        returned = msgspec.structs.asdict(value) if isinstance(value, Record) else value
        attempt = self._attempts.get(event)
        if attempt is not None:
            await self._answer(event, fields_of(_workitem(attempt), msgspec.to_builtins(returned)))

    async def ended(self, event: Event) -> None:
        await self._answer(event, {})

    async def failed(self, event: Event, error: BaseException) -> None:
        await self._answer(event, failure_of(error))

    async def _answer(self, event: Event, fields: dict[str, Any]) -> None:
        """Answer once; what comes later is no answer any more."""
        attempt = self._attempts.pop(event, None)
        if attempt is None:
            return
        content_type, body = encode_answer(attempt, fields)
        broker = await self._home.connected()
        await broker.answer(self._home.conf.answers, content_type, body, f"{attempt.token}:answer")


def _workitem(attempt: Attempt) -> Workitem:
    return Workitem(
        attempt.fields, attempt.token, attempt.key, attempt.target, attempt.participant or "", attempt.attempt
    )


class Signals:
    """Has a topic fed by a signal.

    :param key: the field of its body that is the key; None: partitions take turns.
    """

    def __init__(self, home: Home, topic: Topic, name: str, key: str | None) -> None:
        self._home = home
        self._topic = topic
        self._name = name
        self._key = key
        self._waiting: asyncio.Queue[tuple[bytes, str | None, Any]] = asyncio.Queue()

    async def start(self) -> None:
        """Send on what comes, in its order."""
        broker = await self._home.connected()
        queue = f"{self._topic.name}.signals.{self._name}"
        await broker.follow(queue, self._name, lambda *signal: self._waiting.put_nowait(signal))
        self._home.spawn(self._send_on(), queue)

    async def _send_on(self) -> None:
        while True:
            body, id, acknowledge = await self._waiting.get()
            try:
                event = decode_signal(self._name, body, id)
            except NotOfTheWire as error:
                await self._topic.bury(Outgoing(self._topic.name, 0, body), f"it is no signal: {error}")
            else:
                await self._topic.send(key=event.body.get(self._key) if self._key else None, value=event.body)
            acknowledge()
