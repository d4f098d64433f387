"""Queues on Kafka (M-007, M-060): the broker of librdkafka, which speaks Kafka's protocol on a port."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from back_ends import new_name, until
from kafka_server import KafkaServer

from bureaucrat.agents import MicroAgent, Queue, consumer
from bureaucrat.agents.tools.kafka import KafkaBroker
from bureaucrat.errors import ConfigurationError


@pytest.fixture(scope="module")
def server() -> Iterator[KafkaServer]:
    """A broker for all tests of this file."""
    made = KafkaServer()
    yield made
    made.remove()


@pytest.fixture
def kafka(server: KafkaServer) -> str:
    """Where it listens."""
    return server.url


def taking(queue: Queue, taken: list[Any], **options: Any) -> type[MicroAgent]:
    class Taking(MicroAgent):
        @consumer(queue, **options)
        async def take(self, kafka: ConsumerRecord, **data: Any) -> None:
            taken.append((data, kafka.topic))
            if data.get("fail"):
                raise ValueError("as told")

    return Taking


async def dead(url: str, queue: Queue) -> tuple[bytes, dict[str, bytes]]:
    """The first message that was set aside."""
    client = AIOKafkaConsumer(
        f"{queue.name}.dead", bootstrap_servers=url.removeprefix("kafka://"), auto_offset_reset="earliest"
    )
    await client.start()
    try:
        async with asyncio.timeout(30):
            found = await client.getone()
    finally:
        await client.stop()
    return found.value, dict(found.headers)


async def test_messages_are_taken_with_their_record_and_those_of_one_key_in_order(kafka: str) -> None:
    """M-007, M-060."""
    queue, taken, broker = Queue(new_name()), [], KafkaBroker(kafka)
    await taking(queue, taken)(broker=broker).start()

    for number in range(20):
        await getattr(broker, queue.name).send({"n": number}, key="one")

    await until(lambda: len(taken) == 20)
    assert taken == [({"n": number}, queue.name) for number in range(20)]
    assert await getattr(broker, queue.name).length() == 0
    await broker.close()


async def test_what_was_handled_is_not_delivered_again_and_the_rest_is(kafka: str) -> None:
    queue, first, second = Queue(new_name()), [], []
    broker = KafkaBroker(kafka)
    agent = taking(queue, first)(broker=broker)
    await agent.start()
    await getattr(broker, queue.name).send({"n": 1})
    await until(lambda: first)
    await agent.stop()

    await getattr(broker, queue.name).send({"n": 2})
    await taking(queue, second)(broker=broker).start()

    await until(lambda: second)
    assert second == [({"n": 2}, queue.name)]
    await broker.close()


async def test_what_is_at_work_when_an_agent_stops_is_delivered_to_another(kafka: str) -> None:
    queue, taken, begun, never = Queue(new_name()), [], asyncio.Event(), asyncio.Event()

    class Stuck(MicroAgent):
        @consumer(queue)
        async def take(self, **_: Any) -> None:
            begun.set()
            await never.wait()

    broker = KafkaBroker(kafka)
    agent = Stuck(broker=broker)
    await agent.start()
    await getattr(broker, queue.name).send({"n": 1})
    await begun.wait()
    await agent.stop()

    await taking(queue, taken)(broker=broker).start()

    await until(lambda: taken)
    assert taken == [({"n": 1}, queue.name)]
    await broker.close()


async def test_a_message_that_an_agent_had_when_it_was_killed_goes_to_another(kafka: str) -> None:
    queue, taken, broker = Queue(new_name()), [], KafkaBroker(kafka)
    kind = f"{KafkaBroker.__module__}.KafkaBroker"
    program = [sys.executable, str(Path(__file__).parent / "dying_consumer.py"), kind, kafka, queue.name]

    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as dying:  # noqa: ASYNC220 - it begins at once
        await getattr(broker, queue.name).send({"n": 7})
        assert dying.stdout is not None
        assert await asyncio.to_thread(dying.stdout.readline) == "7\n"
        dying.kill()
    await taking(queue, taken)(broker=broker).start()

    await until(lambda: taken)
    assert taken == [({"n": 7}, queue.name)]
    await broker.close()


async def test_a_server_that_goes_down_in_the_middle_loses_no_message(
    server: KafkaServer, caplog: pytest.LogCaptureFixture
) -> None:
    queue, taken, broker = Queue(new_name()), [], KafkaBroker(server.url)
    await taking(queue, taken)(broker=broker).start()
    bound = getattr(broker, queue.name)

    async def send_all() -> None:
        for number in range(300):
            await bound.send({"n": number}, key="one")

    sending = asyncio.create_task(send_all())
    await until(lambda: len(taken) > 50)
    server.go_down()
    await until(lambda: "Unable connect" in caplog.text)
    server.come_up()
    await sending

    await until(lambda: {each["n"] for each, _ in taken} == set(range(300)))
    await broker.close()


@pytest.mark.parametrize(
    ("options", "tries"), [({"attempts": 3, "backoff": 0.001}, 3), ({"on_error": "dead_letter"}, 1)]
)
async def test_a_message_that_fails_is_set_aside_with_the_reason(
    kafka: str, options: dict[str, Any], tries: int
) -> None:
    queue, taken, broker = Queue(new_name()), [], KafkaBroker(kafka)
    await taking(queue, taken, **options)(broker=broker).start()

    await getattr(broker, queue.name).send({"fail": True}, key="k")
    await getattr(broker, queue.name).send({"n": 2}, key="k")

    await until(lambda: ({"n": 2}, queue.name) in taken)
    assert len(taken) == tries + 1
    assert await dead(kafka, queue) == (b'{"fail": true}', {"bureaucrat-reason": b"ValueError: as told"})
    await broker.close()


async def test_messages_wait_for_a_server_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    broker = KafkaBroker("kafka://127.0.0.1:1")
    queue = Queue(new_name())
    starting = asyncio.create_task(taking(queue, [])(broker=broker).start())
    sending = asyncio.create_task(getattr(broker, queue.name).send({"n": 1}))

    await until(lambda: "is not read" in caplog.text and "is sent again" in caplog.text)

    assert not starting.done()
    for one in (starting, sending):
        one.cancel()
    await asyncio.gather(starting, sending, return_exceptions=True)
    await broker.close()


@pytest.mark.parametrize("dsn", ["localhost:9092", "amqp://localhost", "kafka://"])
def test_a_url_that_is_none_is_refused(dsn: str) -> None:
    with pytest.raises(ConfigurationError, match=f"'{dsn}' is no URL of Kafka; write kafka://host:9092"):
        KafkaBroker(dsn)


def test_several_servers_may_be_named() -> None:
    assert KafkaBroker("kafka://one,two:1234")._servers == ["one:9092", "two:1234"]
