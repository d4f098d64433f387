"""The courier on RabbitMQ: queues of ours in, participants' queues and two exchanges out.

Rules: what a message means is read here, by :mod:`bureaucrat.wire`, and judged by the engine; nothing is acknowledged
here. Each kind of participant says what an attempt looks like and where it goes; the prefix of the participant's name
selects the kind.
"""

from __future__ import annotations

import logging
import math
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, Protocol

import msgspec

from .. import wire
from ..amqp import AmqpSettings, Broker, Message, Received
from ..core.effects import Dispatch
from ..ports import DestinationRow, Inbound, Incoming, Kind, OutboxRow, Outgoing, Properties

log = logging.getLogger(__name__)

ORIGIN = "bureaucrat-origin"  #: the header of a signal that an engine emitted: its database
SIGNAL = "bureaucrat-signal"  #: the header of a signal that is put into the queue again: its name
_LONGEST_HEADER = 2_000  # characters of a reason

_properties = msgspec.json.Decoder(Properties)


@dataclass(frozen=True, slots=True)
class Names:
    """Queues and exchanges."""

    launches: str = "bureaucrat"
    messages: str = "bureaucrat_msgs"
    events: str = "bureaucrat_events"
    schedule: str = "bureaucrat_schedule"
    dead: str = "bureaucrat_dead"
    signals: str = "bureaucrat.signals"
    lifecycle: str = "bureaucrat.lifecycle"
    exchange: str = ""  #: to which clients and workers publish; empty: to the queues


class Bus(Protocol):
    """Another bus of the agents, beside the exchange of signals."""

    async def start(self, heard: Callable[[str, bytes], None]) -> None:
        """Begin; `heard` gets the name and the body of each signal."""

    async def stop(self) -> None:
        """End."""

    def learn(self, events: Iterable[str]) -> None:
        """Hear these signals, too."""

    def send(self, name: str, body: bytes) -> None:
        """Send one, without waiting."""


class AmqpCourier:
    """Carries everything between the engine and RabbitMQ.

    :param kinds: by prefix; that with the empty one serves names without a prefix.
    :param grace: seconds for confirms when it stops.
    :param largest: bytes of a message's body, beyond which it is set aside unread.
    :param bus: where agents are that are not on RabbitMQ. What it hears goes to the exchange of signals.
    """

    def __init__(
        self,
        settings: AmqpSettings,
        kinds: Mapping[str, Kind],
        names: Names | None = None,
        *,
        grace: float = 5.0,
        largest: int = wire.MAX_BYTES,
        broker: Callable[..., Broker] = Broker,
        bus: Bus | None = None,
    ) -> None:
        self._names = names or Names()
        self._own = {self._names.launches, self._names.messages, self._names.events, self._names.schedule}
        self._kinds = kinds
        self._grace = grace
        self._largest = largest
        self._inbound: Inbound | None = None
        self._destinations: dict[str, None] = {}
        self._foreign: dict[str, set[str]] = {}  #: queues of others -> participants whose attempts go there
        self._absent: set[str] = set()  #: queues of others that were not there when they were looked at
        self._has_started = False
        self.broker = broker(settings, created=self._created)
        self._bus = bus

    async def start(self, inbound: Inbound) -> None:
        self._inbound = inbound
        names, broker = self._names, self.broker
        broker.declare(names.dead)
        broker.declare_exchange(names.signals)
        broker.declare_exchange(names.lifecycle)
        if names.exchange:
            broker.declare_exchange(names.exchange)
            for queue in (*self._own, names.dead):
                broker.bind(queue, names.exchange, queue)
        for queue, read in (
            (names.launches, _launch),
            (names.messages, _message),
            (names.events, self._event),
            (names.schedule, _timer),
        ):
            broker.consume(queue, self._taker(queue, read))
        await broker.start()
        if self._bus is not None:
            await self._bus.start(self._heard)
        self._has_started = True

    def pause(self) -> None:
        self.broker.stop_consuming()

    async def stop(self) -> None:
        if self._bus is not None:
            await self._bus.stop()
        await self.broker.stop(self._grace)

    # -- what comes in

    def _taker(self, queue: str, read: Callable[[Received], Any]) -> Callable[[Received], None]:
        def take(received: Received) -> None:
            assert self._inbound is not None, "deliveries come after the start"
            try:
                content = self._small(read, received)
            except wire.Malformed as malformed:
                content = malformed
            except Exception as error:  # a defect of ours: set aside, for otherwise it stays open for ever
                log.exception("a message could not be read", extra={"queue": queue})
                content = wire.Malformed(f"it could not be read: {type(error).__name__}: {error}")
            origin = received.headers.get(ORIGIN) if received.exchange else None
            self._inbound.received(
                Incoming(
                    queue,
                    received.body,
                    content,
                    received.message_id,
                    partial(_kept, received, self._names.signals),  # needed of few messages, and costs a little
                    received.ack,
                    origin if isinstance(origin, str) else None,
                    lambda: received.is_obsolete,
                    user=received.user_id,
                )
            )

        return take

    def _small(self, read: Callable[[Received], Any], received: Received) -> Any:
        size = len(received.body)
        if size > self._largest:
            raise wire.Malformed(f"the body has {size:,} bytes; {self._largest:,} are allowed")
        return read(received)

    def _event(self, received: Received) -> wire.EventMessage:
        given = (received.body, received.message_id, received.content_type, received.content_encoding)
        is_signal = received.exchange == self._names.signals
        name = received.routing_key if is_signal else received.headers.get(SIGNAL)
        return wire.decode_signal(name, *given) if isinstance(name, str) else wire.decode_event(*given)

    def _heard(self, name: str, body: bytes) -> None:
        """A signal of another bus: from here on it is one of ours."""
        properties = Properties(self._names.signals, uuid.uuid4().hex, "application/json", is_mandatory=False)
        self.broker.publish(_published(name, body, properties, None), lambda: None)

    def _created(self, queue: str) -> None:
        if self._inbound is None:
            return
        if queue == self._names.messages:
            if self._has_started:
                self._inbound.lost(None)
        elif queue in self._destinations:
            self._inbound.lost(queue)

    # -- what goes out

    def _kind(self, participant: str) -> Kind | None:
        prefix, colon, _ = participant.partition(":")
        return self._kinds.get(prefix if colon else "")

    def serves(self, participant: str) -> bool:
        return 0 < len(self.destination(participant).encode()) <= wire.MAX_NAME

    def destination(self, participant: str) -> str:
        kind = self._kind(participant)
        return "" if kind is None else kind.destination(participant)

    def outgoing(self, dispatch: Dispatch, instance: str, token: str) -> Outgoing:
        kind = self._kind(dispatch.participant)
        assert kind is not None, "what nobody serves is not sent"
        outgoing = kind.outgoing(dispatch, instance, token)
        if kind.is_foreign:
            self._know(outgoing.destination, dispatch.participant)
        return outgoing

    def revoke(self, attempts: Iterable[tuple[str, str]]) -> None:
        by_kind: dict[Kind, list[str]] = {}
        for participant, token in attempts:
            kind = self._kind(participant)
            if kind is not None:
                by_kind.setdefault(kind, []).append(token)
        for kind, tokens in by_kind.items():
            try:
                outgoing = kind.revocation(tokens)
            except Exception:  # whatever it is, the attempts are over all the same
                log.exception("attempts cannot be revoked", extra={"attempts": len(tokens)})
                continue
            if outgoing is not None:
                message = _published(outgoing.destination, outgoing.body, outgoing.properties, None)
                self.broker.publish_if_there(message)

    def announcement(self, key: str, body: bytes) -> Outgoing:
        properties = Properties(self._names.lifecycle, content_type="application/json", is_mandatory=False)
        return Outgoing(key, body, properties)

    def signal(self, name: str, body: bytes, id: str, origin: str) -> Outgoing:
        properties = Properties(
            self._names.signals,
            message_id=id,
            content_type="application/json",
            headers={ORIGIN: origin},
            is_mandatory=False,
        )
        return Outgoing(name, body, properties)

    def dead(self, body: bytes, reason: str, source: str, message_id: str) -> Outgoing:
        headers = {wire.REASON: reason[:_LONGEST_HEADER], wire.SOURCE: source}
        id = message_id if 0 < len(message_id.encode()) <= wire.MAX_NAME else None
        return Outgoing(self._names.dead, body, Properties(message_id=id, headers=headers))

    def publish(self, row: OutboxRow) -> None:
        properties = _properties.decode(row.properties)
        if row.attempt is not None and not properties.is_foreign:
            self._have(row.destination)
        inbound, number = self._inbound, row.number
        assert inbound is not None, "rows are published after the start"
        if self._bus is not None and properties.exchange == self._names.signals:
            self._bus.send(row.destination, row.body)
        self.broker.publish(
            _published(row.destination, row.body, properties, row.priority),
            lambda: inbound.confirmed(number),
            key=number,
            refused=lambda reason: inbound.refused(number, reason),
        )

    def _have(self, queue: str) -> None:
        if queue not in self._destinations:
            self._destinations[queue] = None
            self.broker.declare(queue)

    def _know(self, queue: str, participant: str) -> None:
        self._foreign.setdefault(queue, set()).add(participant)

    def discard(self, number: int) -> None:
        self.broker.discard(number)

    def missing(self) -> list[str]:
        return list(self.broker.state.waiting_unroutable)

    def reply(self, to: str, correlation_id: str | None, body: bytes) -> None:
        if to in self._own:
            log.warning("a question wants its answer in a queue of ours", extra={"queue": to})
            return
        properties = Properties(
            content_type="application/json", correlation_id=correlation_id, is_mandatory=False, is_persistent=False
        )
        self.broker.publish(_published(to, body, properties, None), lambda: None)

    def learn(self, participants: Iterable[str], events: Iterable[str]) -> None:
        for participant in participants:
            kind = self._kind(participant)
            queue = "" if kind is None else kind.destination(participant)
            if kind is not None and kind.is_foreign:
                self._know(queue, participant)
            elif queue:
                self._have(queue)
        names = list(events)
        for event in names:
            self.broker.bind(self._names.events, self._names.signals, event)
        if self._bus is not None:
            self._bus.learn(names)

    async def look(self) -> list[DestinationRow]:
        rows = []
        for queue in list(self._destinations | dict.fromkeys(self._foreign)):
            depth = await self.broker.depth(queue)
            consumers, ready = (0, 0) if depth is None else (depth.consumers, depth.messages)
            if queue in self._foreign:
                await self._look_after(queue, is_there=depth is not None)
            participants = " ".join(sorted(self._foreign.get(queue, ())))
            rows.append(DestinationRow(queue, consumers, ready, 0.0, participants=participants))
        return rows

    async def _look_after(self, queue: str, *, is_there: bool) -> None:
        """A queue of others is made by others, who tell nobody."""
        inbound = self._inbound
        assert inbound is not None, "queues are looked at after the start"
        if not is_there:
            self._absent.add(queue)
            inbound.gone(queue)
            return
        was_absent = queue in self._absent
        is_anew = await self.broker.is_anew(queue, _mark_of(self._names.messages, queue))
        self._absent.discard(queue)
        if is_anew or was_absent:
            inbound.back(queue, is_anew=is_anew is not False)


def _mark_of(messages: str, queue: str) -> str:
    """The exchange that marks a queue of others; daemons on other databases have other marks."""
    mark = f"{messages}.mark.{queue}"
    return mark if len(mark.encode()) <= wire.MAX_NAME else f"{messages}.mark.{sha256(queue.encode()).hexdigest()}"


def _launch(received: Received) -> wire.LaunchRequest:
    return wire.decode_launch(received.content_type, received.body, received.message_id, received.content_encoding)


def _message(received: Received) -> Any:
    return wire.decode_message(
        received.content_type,
        received.body,
        content_encoding=received.content_encoding,
        reply_to=received.reply_to,
        correlation_id=received.correlation_id,
    )


def _timer(received: Received) -> wire.OldTimer:
    return wire.decode_old_timer(received.body, received.content_type, received.content_encoding)


def _kept(received: Received, signals: str) -> bytes:
    """How it came; headers that are no JSON are told as text.

    It is replayed through the queue alone, not the exchange, where others would hear it twice: so a signal's name is a
    header.
    """
    headers = _plain(received.headers)
    if received.exchange == signals:
        headers[SIGNAL] = received.routing_key
    properties = Properties(
        exchange=received.exchange,
        message_id=received.message_id,
        content_type=received.content_type,
        content_encoding=received.content_encoding,
        correlation_id=received.correlation_id,
        type=received.type,
        headers=headers,
    )
    return msgspec.json.encode(properties)


def _plain(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): _scalar(value) for name, value in headers.items()}


def _scalar(value: Any) -> str | int | float | bool | None:
    """pika has an integer type of its own, for the broker's counters."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return int(value)
        case float() if math.isfinite(value):
            return value
    return str(value)


def _published(destination: str, body: bytes, properties: Properties, priority: int | None) -> Message:
    return Message.of(
        properties.routing_key or destination,
        body,
        exchange=properties.exchange,
        content_type=properties.content_type,
        content_encoding=properties.content_encoding,
        message_id=properties.message_id,
        correlation_id=properties.correlation_id,
        type=properties.type,
        expiration=properties.expiration,
        headers=properties.headers or None,
        priority=priority,
        is_persistent=properties.is_persistent,
        is_mandatory=properties.is_mandatory,
    )
