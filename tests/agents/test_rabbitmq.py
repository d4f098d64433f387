"""What is special to queues and signals on RabbitMQ (M-054…M-059)."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import aiormq
import pytest
from aiormq.exceptions import ProbableAuthenticationError
from back_ends import new_name, until, until_true

from bureaucrat.agents import MicroAgent, Queue, Signal, consumer, receiver
from bureaucrat.agents.broker import QueueException
from bureaucrat.agents.signal import SignalException
from bureaucrat.agents.tools import amqp, amqp_bus
from bureaucrat.agents.tools.amqp import AMQPBroker, AMQPSignalBus
from bureaucrat.errors import ConfigurationError


async def channel_of(url: str) -> Any:
    connection = await aiormq.connect(url)
    return await connection.channel()


async def test_what_a_consumer_does_not_acknowledge_goes_back_when_it_stops(vhost_url: str) -> None:
    """M-055."""
    queue, seen, broker = Queue(new_name()), [], AMQPBroker(vhost_url)

    class Agent(MicroAgent):
        @consumer(queue, autoack=False)
        async def take(self, amqp: Any, n: int) -> None:
            seen.append((n, amqp.routing_key, amqp.header.properties.content_type, amqp.body))

    agent = Agent(broker=broker)
    await agent.start()
    await getattr(broker, queue.name).send({"n": 1})
    await until(lambda: seen)
    await agent.stop()

    assert seen == [(1, queue.name, "application/json", b'{"n": 1}')]
    await until_true(lambda: _is(broker, queue, 1))
    await broker.close()


async def _is(broker: AMQPBroker, queue: Queue, length: int) -> bool:
    return await broker.queue_length(queue.name) == length


async def test_queues_are_durable_and_replicated_and_messages_persistent_and_named(vhost_url: str) -> None:
    """M-054: a defect of the original."""
    queue, broker = Queue(new_name()), AMQPBroker(vhost_url)
    await getattr(broker, queue.name).send({"n": 1}, properties={"priority": 2, "headers": {"a": "b"}})

    channel = await channel_of(vhost_url)
    same = {
        "x-queue-type": "quorum",
        "x-delivery-limit": 20,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": f"{queue.name}.dead",
    }
    await channel.queue_declare(queue.name, durable=True, arguments=same)
    await channel.queue_declare(f"{queue.name}.dead", durable=True, arguments={"x-queue-type": "quorum"})
    got = await channel.basic_get(queue.name)
    properties = got.header.properties

    assert (properties.delivery_mode, properties.content_type, properties.priority) == (2, "application/json", 2)
    properties.headers.pop("x-delivery-count")  # the server's
    assert (properties.headers, len(properties.message_id)) == ({"a": "b"}, 32)
    await channel.connection.close()
    await broker.close()


async def test_a_queue_that_exists_otherwise_is_used_with_a_warning(
    vhost_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    queue, taken, broker = Queue(new_name()), [], AMQPBroker(vhost_url)
    await broker.declare_queue(queue.name, durable=False, auto_delete=False)

    class Agent(MicroAgent):
        @consumer(queue)
        async def take(self, n: int, **_: Any) -> None:
            taken.append(n)

    await Agent(broker=broker).start()
    await getattr(broker, queue.name).send({"n": 1})

    await until(lambda: taken)
    assert f"queue {queue.name} exists otherwise, and is used as it is" in caplog.text
    await broker.close()


async def test_a_message_that_is_set_aside_says_why(vhost_url: str) -> None:
    queue, broker = Queue(new_name()), AMQPBroker(vhost_url)

    class Agent(MicroAgent):
        @consumer(queue, on_error="dead_letter")
        async def take(self, n: int, **_: Any) -> None:
            raise ValueError("no such mailbox")

    await Agent(broker=broker).start()
    await getattr(broker, queue.name).send({"n": 1}, properties={"headers": {"trace": "t"}})
    await until_true(lambda: _is(broker, Queue(f"{queue.name}.dead"), 1))
    channel = await channel_of(vhost_url)
    got = await channel.basic_get(f"{queue.name}.dead")

    assert json.loads(got.body) == {"n": 1}
    got.header.properties.headers.pop("x-delivery-count")  # the server's
    assert got.header.properties.headers == {"trace": "t", "bureaucrat-reason": "ValueError: no such mailbox"}
    await channel.connection.close()
    await broker.close()


async def test_a_queue_that_was_deleted_is_made_again_by_whoever_sends(vhost_url: str) -> None:
    queue, broker = Queue(new_name()), AMQPBroker(vhost_url)
    bound = getattr(broker, queue.name)
    await bound.send({"n": 1})
    channel = await channel_of(vhost_url)
    await channel.queue_delete(queue.name)

    await bound.send({"n": 2})

    await until_true(lambda: _is(broker, queue, 1))
    await channel.connection.close()
    await broker.close()


async def test_the_sending_channel_is_one_and_is_made_when_it_is_needed(vhost_url: str) -> None:
    """M-057."""
    broker = AMQPBroker(vhost_url)
    assert broker.sending_channel is None

    first, second = await asyncio.gather(broker.get_channel(), broker.get_channel())
    await first.close()
    third = await broker.get_channel()

    assert first is second
    assert third is not first
    assert third is broker.sending_channel
    await broker.close()


async def test_what_cannot_be_sent_in_time_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amqp, "_PATIENCE", 0.0)
    monkeypatch.setattr(amqp_bus, "_PATIENCE", 0.0)
    signal = Signal(new_name(), [])

    with pytest.raises(QueueException, match=r"RabbitMQ did not take a message of mailer: .*Connect call failed"):
        await AMQPBroker("amqp://127.0.0.1:1/").send("mailer", "{}")
    with pytest.raises(SignalException, match=f"RabbitMQ did not take signal {signal.name}: .*Connect call failed"):
        await getattr(AMQPSignalBus("amqp://127.0.0.1:1/"), signal.name).send("me")


@pytest.mark.parametrize("dsn", ["redis://localhost", "amqp:guest", "localhost"])
def test_a_url_that_is_none_is_refused_without_its_password(dsn: str) -> None:
    for kind in (AMQPBroker, AMQPSignalBus):
        with pytest.raises(ConfigurationError, match="is no URL of RabbitMQ; write amqp://user:password@host:port/"):
            kind(dsn)


async def test_who_may_not_log_in_is_told_at_once_and_not_tried_for_ever(vhost_url: str) -> None:
    queue, signal = Queue(new_name()), Signal(new_name(), [])
    wrong = vhost_url.replace("guest:guest", "guest:wrong")
    broker, bus = AMQPBroker(wrong), AMQPSignalBus(wrong)

    class Agent(MicroAgent):
        @consumer(queue)
        async def take(self, **_: Any) -> None:
            """Nothing."""

    class Other(MicroAgent):
        @receiver(signal)
        async def hear(self, **_: Any) -> None:
            """Nothing."""

    for agent in (Agent(broker=broker), Other(bus=bus)):
        with pytest.raises(ProbableAuthenticationError):
            await agent.start()


async def test_signals_are_messages_that_any_client_reads_and_writes(vhost_url: str) -> None:
    """docs/wire.rst: the routing key is the name, the body the arguments and ``sender``."""
    signal, heard = Signal("wire.signal", ["n"]), []

    class Agent(MicroAgent):
        @receiver(signal)
        async def hear(self, sender: str, **data: Any) -> None:
            data.pop("signal")
            heard.append((sender, data))

    bus: Any = AMQPSignalBus(vhost_url)
    await Agent(bus=bus).start()
    channel = await channel_of(vhost_url)
    queue = (await channel.queue_declare("", exclusive=True)).queue
    await channel.queue_bind(queue, "bureaucrat.signals", "#")

    await bus.wire_signal.send("me", n=1)
    for body in (b'{"n": 2}', b'{"n": 3, "sender": "shop"}', b"nonsense"):
        await channel.basic_publish(body, exchange="bureaucrat.signals", routing_key="wire.signal")
    await until(lambda: len(heard) == 3)
    got = await channel.basic_get(queue)

    assert heard == [("me", {"n": 1}), ("bureaucrat", {"n": 2}), ("shop", {"n": 3})]
    assert json.loads(got.body) == {"n": 1, "sender": "me"}
    assert (got.routing_key, got.header.properties.content_type) == ("wire.signal", "application/json")
    await channel.connection.close()
    await bus.close()


async def test_a_signal_may_have_an_exchange_of_its_own(vhost_url: str) -> None:
    signal, heard = Signal(new_name(), []), []

    class Agent(MicroAgent):
        @receiver(signal)
        async def hear(self, **_: Any) -> None:
            heard.append(self)

    ours, theirs = AMQPSignalBus(vhost_url, exchange="ours"), AMQPSignalBus(vhost_url)
    agents = [Agent(bus=ours), Agent(bus=theirs)]
    for agent in agents:
        await agent.start()

    await getattr(AMQPSignalBus(vhost_url, exchange="ours"), signal.name).send("me")
    await until(lambda: heard)

    assert heard == agents[:1]
    await ours.close()
    await theirs.close()


async def test_a_password_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    broker = AMQPBroker("amqp://shop:secret@127.0.0.1:1/")

    assert repr(broker) == "AMQPBroker(amqp://shop:***@127.0.0.1:1/)"
    assert repr(AMQPSignalBus("amqp://shop:secret@h/")) == "AMQPSignalBus(amqp://shop:***@h/, PUBSUB)"
