"""The courier on RabbitMQ, on a broker that notes what it is asked for: what it reads and what it writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from bureaucrat import wire
from bureaucrat.amqp import AmqpSettings, Message, Received
from bureaucrat.amqp.topology import Depth
from bureaucrat.core.effects import Dispatch
from bureaucrat.participants.taskqueue import TaskQueue
from bureaucrat.ports import DestinationRow, Incoming, OutboxRow, Outgoing, Properties
from bureaucrat.transports.amqp import AmqpCourier, Names


class NotingBroker:
    """Takes everything and does nothing."""

    def __init__(self, settings: AmqpSettings, *, created: Callable[[str], None]) -> None:
        self.created = created
        self.takers: dict[str, Callable[[Received], None]] = {}
        self.declared: list[str] = []
        self.published: list[tuple[Message, object]] = []
        self.refusals: dict[object, Callable[[str], None]] = {}
        self.depths: dict[str, Depth] = {}
        self.marks: dict[str, str] = {}  #: those that are there, and their queues
        self.may_mark = True

    async def start(self) -> None: ...

    def declare(self, queue: str) -> None:
        self.declared.append(queue)

    def declare_exchange(self, exchange: str) -> None: ...

    def publish(
        self,
        message: Message,
        confirmed: Callable[[], None],
        *,
        key: object = None,
        refused: Callable[[str], None] | None = None,
    ) -> None:
        self.published.append((message, key))
        self.refusals[key] = refused

    def consume(self, queue: str, received: Callable[[Received], None]) -> None:
        self.takers[queue] = received

    def publish_if_there(self, message: Message) -> None:
        self.published.append((message, None))

    async def depth(self, queue: str) -> Depth | None:
        return self.depths.get(queue)

    async def is_anew(self, queue: str, mark: str) -> bool | None:
        is_new = mark not in self.marks
        self.marks[mark] = queue
        return is_new if self.may_mark else None


class Engine:
    """What the courier tells."""

    def __init__(self) -> None:
        self.incoming: list[Incoming] = []
        self.refusals: list[tuple[int, str]] = []
        self.others: list[object] = []  #: what it is told of queues of others

    def gone(self, destination: str) -> None:
        self.others.append(destination)

    def back(self, destination: str, *, is_anew: bool) -> None:
        self.others.append((destination, is_anew))

    def received(self, incoming: Incoming) -> None:
        self.incoming.append(incoming)

    def refused(self, number: int, reason: str) -> None:
        self.refusals.append((number, reason))


class Acks:
    """Of a channel."""

    def __init__(self) -> None:
        self.acked: list[int] = []
        self.is_over = False

    def ack(self, tag: int) -> None:
        self.acked.append(tag)

    def requeue(self, tag: int) -> None: ...


@pytest.fixture
async def courier() -> AmqpCourier:
    """One that has started; its broker is a :class:`NotingBroker`."""
    made = AmqpCourier(AmqpSettings(), {}, broker=NotingBroker)
    await made.start(Engine())
    return made


def deliver(courier: AmqpCourier, queue: str, body: bytes, **properties: Any) -> Incoming:
    """A message comes; what the engine was handed."""
    given = dict.fromkeys(("content_type", "content_encoding", "message_id", "correlation_id", "reply_to", "type"))
    given |= {"user_id": None, "headers": {}, "exchange": "", "routing_key": queue} | properties
    received = Received(queue=queue, body=body, is_redelivered=False, _tag=1, _channel=Acks(), **given)
    courier.broker.takers[queue](received)
    return courier._inbound.incoming[-1]


async def test_a_defect_in_reading_makes_a_message_malformed_and_loses_none(
    courier: AmqpCourier, caplog: pytest.LogCaptureFixture
) -> None:
    """The engine sets it aside; it would stay open otherwise, and count against the prefetch for ever."""
    incoming = deliver(courier, Names().messages, b"{}", content_type=17)

    assert isinstance(incoming.content, wire.Malformed)
    assert incoming.content.reason == "it could not be read: AttributeError: 'int' object has no attribute 'partition'"
    assert [record.getMessage() for record in caplog.records] == ["a message could not be read"]


async def test_a_message_that_is_too_large_is_set_aside_unread() -> None:
    """L120: of as many bytes as are allowed it is read, of one more it is not."""
    courier = AmqpCourier(AmqpSettings(), {}, broker=NotingBroker, largest=40)
    await courier.start(Engine())
    body = b'{"event": "paid", "x": "%s"}'

    fits = deliver(courier, Names().events, body % (b"y" * 14), message_id="m")
    large = deliver(courier, Names().events, body % (b"y" * 15), message_id="m")

    assert (len(fits.body), fits.content.name) == (40, "paid")
    assert isinstance(large.content, wire.Malformed)
    assert large.content.reason == "the body has 41 bytes; 40 are allowed"


async def test_the_engine_is_told_of_a_row_that_can_never_be_sent(courier: AmqpCourier) -> None:
    courier.publish(OutboxRow(7, "q" * 256, b"", 0.0))

    courier.broker.refusals[7]("it is too long")

    assert courier._inbound.refusals == [(7, "it is too long")]


async def test_a_dead_letter_whose_id_is_too_long_is_copied_without_it(courier: AmqpCourier) -> None:
    """Spelled out, an id of any bytes may be longer than it was."""
    ids = [courier.dead(b"", "no", "q", id).properties.message_id for id in ("", "m", "x" * 255, "ä" * 128)]

    assert ids == [None, "m", "x" * 255, None]


@pytest.mark.parametrize(
    ("exchange", "event"),
    [(Names().signals, wire.EventMessage("m", "paid", {"event": "x"})), ("own", wire.EventMessage("m", "x", {}))],
)
async def test_a_dead_letter_from_an_exchange_is_the_same_event_when_it_is_replayed(
    courier: AmqpCourier, exchange: str, event: wire.EventMessage
) -> None:
    """It comes back through the queue alone, which knows no routing key; of a signal that is the name."""
    came = deliver(courier, Names().events, b"nonsense", exchange=exchange, routing_key="paid", message_id="m")
    kept = msgspec.json.decode(came.properties(), type=Properties)
    courier.publish(
        OutboxRow(7, Names().events, b'{"event": "x"}', 0.0, properties=msgspec.json.encode(replace(kept, exchange="")))
    )
    message, _ = courier.broker.published[-1]

    again = deliver(
        courier, message.routing_key, message.body, headers=message.properties.headers or {}, message_id="m"
    )

    assert again.content == event


async def test_a_question_is_answered_to_its_queue_but_to_none_of_ours(courier: AmqpCourier) -> None:
    """Who may ask must not be able to put messages where launches, answers and events are taken from."""
    for queue in ("amq.gen-7", Names().launches, Names().messages, Names().events, Names().schedule):
        courier.reply(queue, "c", b"{}")

    assert [message.routing_key for message, _ in courier.broker.published] == ["amq.gen-7"]


class ForeignKind:
    """Its queues are somebody else's."""

    is_foreign = True

    def __init__(self, queue: str = "celery") -> None:
        self._queue = queue

    def destination(self, participant: str) -> str:
        return self._queue

    def outgoing(self, dispatch: Dispatch, instance: str, token: str) -> Outgoing:
        return Outgoing("celery", b"", Properties(exchange="all", routing_key="now", is_foreign=True))

    def revocation(self, tokens: list[str]) -> Outgoing | None:
        if tokens == ["bad"]:
            raise ValueError
        return Outgoing("", ",".join(tokens).encode(), Properties(exchange="pidbox"))


async def test_a_queue_of_somebody_else_is_looked_at_and_never_declared() -> None:
    """Its owner declares it with arguments of their own, and could not any more; it is told whose attempts go there."""
    courier = AmqpCourier(AmqpSettings(), {"": ForeignKind()}, broker=NotingBroker)
    await courier.start(Engine())
    declared = list(courier.broker.declared)
    courier.broker.depths = {"celery": Depth(messages=3, consumers=2)}

    courier.learn(["shop.tasks.charge"], [])
    outgoing = courier.outgoing(Dispatch("", 0, "i_0", "shop.tasks.ship", 1, 1, "k", {}), "i", "token")
    properties = msgspec.json.encode(outgoing.properties)
    courier.publish(OutboxRow(7, outgoing.destination, b"", 0.0, "i", attempt=1, properties=properties))
    message, _ = courier.broker.published[-1]

    assert courier.broker.declared == declared
    assert (message.exchange, message.routing_key) == ("all", "now")
    assert await courier.look() == [DestinationRow("celery", 2, 3, 0.0, None, "shop.tasks.charge shop.tasks.ship")]


@pytest.mark.parametrize(
    ("may_mark", "told"),
    [(True, [("celery", True), "celery", "celery", ("celery", True), ("celery", True), "celery", ("celery", False)]),
     (False, ["celery", "celery", ("celery", True), "celery", ("celery", True)])],
)  # fmt: skip
async def test_a_queue_of_somebody_else_that_is_made_again_is_told_of(may_mark: bool, told: list[object]) -> None:
    """By its mark, which goes with the queue; where we may not mark it, if it was looked for in vain between."""
    courier, engine = AmqpCourier(AmqpSettings(), {"": ForeignKind()}, broker=NotingBroker), Engine()
    await courier.start(engine)
    courier.learn(["shop.tasks.charge"], [])
    broker, depth = courier.broker, Depth(messages=3, consumers=2)
    broker.may_mark = may_mark

    async def look(*, is_there: bool, is_marked: bool) -> None:
        broker.depths = {"celery": depth} if is_there else {}
        broker.marks = {"bureaucrat_msgs.mark.celery": "celery"} if is_marked else {}
        await courier.look()

    await look(is_there=True, is_marked=False)
    await look(is_there=True, is_marked=True)
    await look(is_there=False, is_marked=False)
    await look(is_there=False, is_marked=False)
    await look(is_there=True, is_marked=False)
    await look(is_there=True, is_marked=False)
    await look(is_there=False, is_marked=True)
    await look(is_there=True, is_marked=True)

    assert engine.others == told


async def test_the_mark_of_a_queue_with_a_long_name_has_a_name_that_amqp_can_carry() -> None:
    courier = AmqpCourier(AmqpSettings(), {"": ForeignKind("q" * 255)}, broker=NotingBroker)
    await courier.start(Engine())
    courier.learn(["shop.tasks.charge"], [])
    courier.broker.depths = {"q" * 255: Depth(messages=0, consumers=0)}

    await courier.look()

    assert [(len(mark), queue) for mark, queue in courier.broker.marks.items()] == [(85, "q" * 255)]


async def test_attempts_are_revoked_where_somebody_can_be_told(caplog: pytest.LogCaptureFixture) -> None:
    """One message for all of a kind; what goes wrong with it harms nobody."""
    courier = AmqpCourier(AmqpSettings(), {"celery": ForeignKind(), "": TaskQueue()}, broker=NotingBroker)
    await courier.start(Engine())

    courier.revoke([("celery:a", "1"), ("charge", "2"), ("celery:b", "3"), ("none:c", "4")])
    courier.revoke([("celery:a", "bad")])

    assert [(one.exchange, one.body) for one, _ in courier.broker.published] == [("pidbox", b"1,3")]
    assert [record.getMessage() for record in caplog.records] == ["attempts cannot be revoked"]
