"""A courier in memory, with the whole contract of one on a broker, and an engine that works on it.

What comes in is read by the functions of :mod:`bureaucrat.wire`, as a broker's messages are; what goes out stands in
lists, for the test to look at. Rows are confirmed at once, or when the test says so.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from world import World

from bureaucrat import wire
from bureaucrat.core.effects import Dispatch
from bureaucrat.engine.engine import Engine
from bureaucrat.engine.settings import Settings
from bureaucrat.errors import BrokerUnavailable, StorageUnavailable
from bureaucrat.ports import Courier, DestinationRow, Inbound, Incoming, OutboxRow, Outgoing, Properties

LAUNCHES, MESSAGES, EVENTS, TIMERS, DEAD = "launches", "messages", "events", "timers", "dead"
NOTICES, SIGNALS = "bureaucrat.lifecycle", "bureaucrat.signals"


@dataclass(eq=False)
class Handed:
    """A message that was handed in, and how often it was settled."""

    content: Any
    settled: int = 0
    is_obsolete: bool = False  #: the broker delivers it again


@dataclass(frozen=True)
class Sent:
    """An outbox row as the broker saw it."""

    number: int
    destination: str
    body: Any
    properties: Properties
    priority: int | None

    @property
    def token(self) -> str:
        """Of an attempt."""
        return str(self.body["header"]["token"])


class MemoryCourier:
    """A broker that does what the test says."""

    def __init__(self) -> None:
        self.inbound: Inbound | None = None
        self.sent: list[Sent] = []  #: whatever was published, each time
        self.unconfirmed: list[int] = []  #: published, and the broker has not said that it has them
        self.is_away = False  #: nothing leaves; what is published waits here
        self.backlog: list[OutboxRow] = []
        self.absent: set[str] = set()  #: queues that are not there: what is for them waits here
        self.refuses: set[str] = set()  #: destinations that nothing can be sent to, such as names that are too long
        self.confirms = True  #: whether rows are confirmed at once
        self.discarded: list[int] = []
        self.revoked: list[tuple[str, str]] = []  #: participants and tokens
        self.replies: list[tuple[str, str | None, Any]] = []
        self.learned: list[tuple[list[str], list[str]]] = []
        self.shown: dict[str, tuple[int, int]] = {}  #: queue -> consumers, ready
        self.is_blind = False  #: the broker is not there to be looked at
        self.unknown: set[str] = set()  #: participants of no known kind
        self.is_paused = False
        self.is_stopped = False
        self.changed = asyncio.Event()
        self.user: str | None = None  #: who sends what comes in

    # -- the contract

    async def start(self, inbound: Inbound) -> None:
        if self.is_blind:
            raise BrokerUnavailable("the broker is away")
        self.inbound = inbound

    def pause(self) -> None:
        self.is_paused = True

    async def stop(self) -> None:
        self.confirm()
        self.is_stopped = True

    def serves(self, participant: str) -> bool:
        return participant not in self.unknown

    def outgoing(self, dispatch: Dispatch, instance: str, token: str) -> Outgoing:
        kind, body = wire.encode_attempt(
            dispatch.fields,
            target=dispatch.address,
            token=token,
            key=dispatch.key,
            participant=dispatch.participant,
            attempt=dispatch.tries,
        )
        destination = self.destination(dispatch.participant)
        if len(destination) > 255:
            raise ValueError(f"no queue has a name of {len(destination)} characters")
        return Outgoing(destination, body, Properties(message_id=token, content_type=kind))

    def destination(self, participant: str) -> str:
        return f"worker_{participant}"

    def revoke(self, attempts: Iterable[tuple[str, str]]) -> None:
        self.revoked += attempts

    def announcement(self, key: str, body: bytes) -> Outgoing:
        return Outgoing(key, body, Properties(exchange=NOTICES, content_type="application/json", is_mandatory=False))

    def signal(self, name: str, body: bytes, id: str, origin: str) -> Outgoing:
        headers = {"bureaucrat-origin": origin}
        return Outgoing(name, body, Properties(exchange=SIGNALS, message_id=id, headers=headers, is_mandatory=False))

    def dead(self, body: bytes, reason: str, source: str, message_id: str) -> Outgoing:
        headers = {"reason": reason, "source": source}
        return Outgoing(DEAD, body, Properties(message_id=message_id or None, headers=headers))

    def publish(self, row: OutboxRow) -> None:
        if self.is_away or row.destination in self.absent:
            self.backlog.append(row)
            return
        if row.destination in self.refuses:
            self.inbound.refused(row.number, "it is too long")
            return
        properties = msgspec.json.decode(row.properties, type=Properties)
        self.sent.append(Sent(row.number, row.destination, _read(row.body), properties, row.priority))
        self.unconfirmed.append(row.number)
        self.changed.set()
        if self.confirms:
            self.confirm()

    def discard(self, number: int) -> None:
        self.discarded.append(number)
        self.backlog = [row for row in self.backlog if row.number != number]

    def missing(self) -> set[str]:
        return self.absent

    def reply(self, to: str, correlation_id: str | None, body: bytes) -> None:
        self.replies.append((to, correlation_id, msgspec.json.decode(body)))
        self.changed.set()

    def learn(self, participants: Iterable[str], events: Iterable[str]) -> None:
        self.learned.append((list(participants), list(events)))

    async def look(self) -> list[DestinationRow]:
        self.changed.set()
        if self.is_blind:
            raise BrokerUnavailable("the broker is away")
        return [DestinationRow(name, consumers, ready, 0.0) for name, (consumers, ready) in self.shown.items()]

    # -- what the test makes the broker do

    def confirm(self) -> None:
        """Say of everything that was published that it is safe."""
        numbers, self.unconfirmed = self.unconfirmed, []
        for number in numbers:
            self.inbound.confirmed(number)

    def back(self) -> None:
        """The broker is there again; what waited here leaves."""
        self.is_away = False
        waiting, self.backlog = self.backlog, []
        for row in waiting:
            self.publish(row)

    def lose(self, destination: str | None) -> None:
        """A queue had to be made anew."""
        self.inbound.lost(destination)

    # -- what comes in

    def hand_in(
        self, source: str, read: Callable[[], Any], body: bytes, id: str | None = None, origin: str | None = None
    ) -> Handed:
        """A message comes; what cannot be read comes as that."""
        try:
            content = read()
        except wire.Malformed as malformed:
            content = malformed
        handed = Handed(content)

        def settle() -> None:
            handed.settled += 1
            self.changed.set()

        properties = msgspec.json.encode(Properties(message_id=id))
        self.inbound.received(
            Incoming(
                source,
                body,
                content,
                id,
                lambda: properties,
                settle,
                origin,
                lambda: handed.is_obsolete,
                user=self.user,
            )
        )
        return handed

    def launch(self, text: str, id: str | None = None, **more: Any) -> Handed:
        """A definition comes, with fields and perhaps a business key."""
        kind, body = wire.encode_launch(wire.LaunchRequest(id, definition=text, **more))
        return self.launch_body(kind, body, id)

    def launch_body(self, kind: str | None, body: bytes, id: str | None = None) -> Handed:
        return self.hand_in(LAUNCHES, lambda: wire.decode_launch(kind, body, id), body, id)

    def message(self, body: Any, id: str | None = None, **properties: Any) -> Handed:
        """Something comes on the queue of answers and control."""
        text = body if isinstance(body, bytes) else msgspec.json.encode(body)
        kind = properties.pop("kind", None)
        return self.hand_in(MESSAGES, lambda: wire.decode_message(kind, text, **properties), text, id)

    def answer(self, sent: Sent, **fields: Any) -> Handed:
        """A participant answers an attempt, with the header as it came."""
        return self.message({"header": sent.body["header"], "fields": fields})

    def untokened(self, target: str, **fields: Any) -> Handed:
        """An existing participant answers, which knows of no token."""
        return self.message({"name": "response", "target": target, "origin": target, "payload": fields})

    def cancel(self, target: str, reason: str = "") -> Handed:
        return self.message(wire.encode_terminate(target, reason)[1])

    def ask(self, instance: str, to: str = "me", number: str | None = "1") -> Handed:
        kind, body = wire.encode_question(instance)
        return self.message(body, kind=kind, reply_to=to, correlation_id=number)

    def event(self, name: str, id: str | None = None, **body: Any) -> Handed:
        text = wire.encode_event(name, body)[1]
        return self.hand_in(EVENTS, lambda: wire.decode_event(text, id), text, id)

    def bus(self, sent: Sent) -> Handed:
        """What was published as a signal comes from the bus."""
        text, id = msgspec.json.encode(sent.body), sent.properties.message_id
        origin = sent.properties.headers["bureaucrat-origin"]
        return self.hand_in(EVENTS, lambda: wire.decode_signal(sent.destination, text, id), text, id, origin)

    def old_timer(self, target: str, instant: float) -> Handed:
        body = msgspec.json.encode({"instant": instant, "code": "timeout", "target": target})
        return self.hand_in(TIMERS, lambda: wire.decode_old_timer(body), body)

    # -- what went out

    def attempts(self, participant: str = "work") -> list[Sent]:
        return [one for one in self.sent if one.destination == self.destination(participant)]

    def notices(self) -> list[tuple[str, Any]]:
        """Routing keys and bodies."""
        return [(one.destination, one.body) for one in self.sent if one.properties.exchange == NOTICES]

    def signals(self) -> list[Sent]:
        return [one for one in self.sent if one.properties.exchange == SIGNALS]

    def dead_copies(self) -> list[Sent]:
        return [one for one in self.sent if one.destination == DEAD]


def _read(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body


def _settings() -> Settings:
    return Settings(history="full", sweep=0.0, look=0.0)


@dataclass
class Office(World):
    """An engine on a memory courier."""

    courier: MemoryCourier = field(default_factory=MemoryCourier)
    settings: Settings = field(default_factory=_settings)
    running: asyncio.Task[None] | None = None

    def carrier(self) -> Courier:
        """What the engine is given: the broker's courier, or one around it."""
        return self.courier

    async def start(self) -> Engine:
        """A new engine on the same storage and broker, as after a restart; it does not run yet."""
        self.engine = Engine(
            self.storage,
            read=lambda text: self.read(text),
            clock=self.clock,
            numbers=self.numbers,
            settings=self.settings,
            observe=self._observe,
            courier=self.carrier(),
        )
        await self.engine.start()
        return self.engine

    async def run(self) -> Engine:
        """A new engine that runs."""
        engine = await self.start()
        self.running = asyncio.create_task(engine.run())
        return engine

    async def restart(self) -> Engine:
        """The process dies without a word, and another one comes; what it had not settled comes no more."""
        await self.die()
        sent, learned = self.courier.sent, self.courier.learned
        self.courier = MemoryCourier()
        self.courier.sent, self.courier.learned = sent, learned
        return await self.run()

    async def die(self) -> None:
        if self.running is not None:
            self.running.cancel()
            await asyncio.gather(self.running, return_exceptions=True)
            self.running = None

    async def stop(self) -> None:
        """Let the engine end; what it raises is raised here."""
        self.engine.stop()
        running, self.running = self.running, None
        await running

    async def until_true(self, condition: Callable[[], object]) -> None:
        """Let the engine work until something is so."""
        async with asyncio.timeout(10):
            while not condition():
                if self.running is not None and self.running.done():
                    self.running.result()
                    raise AssertionError("the engine has ended")
                await asyncio.sleep(0)

    async def settled(self, *handed: Handed) -> None:
        """Let the engine work until these were settled."""
        await self.until_true(lambda: all(one.settled for one in handed))

    async def sent(self, count: int, participant: str = "work") -> list[Sent]:
        """Let the engine work until so many attempts have left for a participant."""
        await self.until_true(lambda: len(self.courier.attempts(participant)) >= count)
        return self.courier.attempts(participant)

    async def swept(self, times: int = 2) -> None:
        """Let the engine work until it has swept so often; what is to be done in memory is done by then."""
        for _ in range(times):
            await self.until_true(self._is_quiet)
            with contextlib.suppress(StorageUnavailable):
                await self.engine.sweep()
        await self.until_true(self._is_quiet)

    def _is_quiet(self) -> bool:
        exchange = self.engine._exchange
        is_taken = not exchange._intake._waiting or exchange.outbox.is_full
        return is_taken and self.engine._pipeline.is_idle and self.engine._alone.is_idle

    async def letters(self) -> list[tuple[str, str, str]]:
        """Source, message id and reason of each dead letter, oldest first."""
        return [(one.source, one.message_id, one.reason) for one in reversed(await self.storage.dead_letters())]

    async def rows(self, *tables: str) -> dict[str, int]:
        counts = await self.storage.counts()
        return {name: counts[name] for name in tables}

    async def emptied(self, *tables: str) -> None:
        """Let the engine work until these tables are empty."""
        async with asyncio.timeout(10):
            while any((await self.rows(*tables)).values()):
                await self.until_true(lambda: True)
                await asyncio.sleep(0)
