"""A stream agent that is a participant, and a topic that a ``<signal>`` feeds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from service import Client, Service
from waiting import until

from bureaucrat import streams as faust
from bureaucrat import wire
from bureaucrat.streams import App
from bureaucrat.streams.brokers import AttemptReceived
from bureaucrat.streams.memory import MemoryBroker

PROCESS = """<process name="scoring">
  <context>
    <property name="amount" type="json">120</property>
    <property name="score" type="json">0</property>
  </context>
  <action participant="score" retries="0"/>
  <signal event="scored"><field name="customer">"ann"</field><field name="score">score</field></signal>
</process>"""


class Order(faust.Record):
    amount: int


class Score(faust.Record):
    score: float


def scoring(app: App) -> faust.Agent:
    @app.agent(participant="worker:score", value_type=Order, name="score")
    async def score(stream: faust.StreamT[Order]) -> AsyncIterable[Score]:
        async for order in stream:
            yield Score(100 / order.amount)

    return score


def listening(app: App) -> list[tuple[Any, Any]]:
    """Key and value of what a signal brings."""
    heard: list[tuple[Any, Any]] = []
    topic = app.topic("scores", key_type=str, partitions=2)
    app.signal("scored", topic, key="customer")

    @app.agent(topic, name="scores")
    async def scores(stream: faust.StreamT[Any]) -> None:
        async for key, value in stream.items():
            heard.append((key, value))

    return heard


@pytest.fixture
def service(tmp_path: Path, vhost_url: str) -> Iterator[Service]:
    made = Service(tmp_path, vhost_url)
    yield made.start()
    made.kill()


async def test_a_process_has_a_stream_agent_act_and_feeds_a_topic(service: Service) -> None:
    """On RabbitMQ, with the daemon: fields in, yielded fields out, and the signal goes on with its key."""
    app = App("shop", broker=service.url)
    scoring(app)
    heard = listening(app)

    async with app:
        client = Client(service.url)
        client.publish("bureaucrat", PROCESS)
        client.close()
        await until(lambda: bool(heard), "the process has acted and signaled")
        await until(lambda: service.statuses() == {"completed": 1}, "it is completed")

    assert heard == [("ann", {"customer": "ann", "score": 100 / 120})]


def broker_of(app: App) -> MemoryBroker:
    assert isinstance(app._broker, MemoryBroker)
    return app._broker


async def test_whatever_the_agent_raises_is_its_answer() -> None:
    """Once for each attempt; what is no attempt is set aside."""
    app = App("shop", broker="memory://")
    scoring(app)
    done: list[str] = []

    def put(token: str, fields: dict[str, Any]) -> None:
        kind, body = wire.encode_attempt(
            fields, target="t", token=token, key="k", participant="score", attempt=1, format="workitem"
        )
        broker_of(app).world.attempts["worker_score"](AttemptReceived(kind, body, token, lambda: done.append(token)))

    async with app:
        put("a", {"amount": 50})
        put("b", {"amount": 0})
        put("c", {"amount": "much"})
        broker_of(app).world.attempts["worker_score"](
            AttemptReceived("application/json", b"[]", "d", lambda: done.append("d"))
        )
        await until(lambda: len(done) == 4, "all are answered")
        answers = {id: (queue, json.loads(body)) for queue, _, body, id in broker_of(app).world.answers}

    assert {id: (queue, body["fields"]) for id, (queue, body) in answers.items() if id != "d"} == {
        "a:answer": ("bureaucrat_msgs", {"status": "done", "score": 2.0}),
        "b:answer": ("bureaucrat_msgs", {"status": "error", "error": "ZeroDivisionError: division by zero"}),
        "c:answer": (
            "bureaucrat_msgs",
            {"status": "error", "error": "Malformed: it is no Order: Expected `int`, got `str` - at `$.amount`"},
        ),
    }
    assert answers["d"] == ("bureaucrat_dead", [])


async def test_an_agent_that_yields_nothing_has_done_its_action() -> None:
    """With no fields changed."""
    app = App("shop", broker="memory://")
    done = asyncio.Event()

    @app.agent(participant="note")
    async def note(stream: faust.StreamT[Any]) -> None:
        async for _ in stream:
            pass

    async with app:
        kind, body = wire.encode_attempt(
            {"n": 1}, target="t", token="a", key="k", participant="note", attempt=1, format="message"
        )
        broker_of(app).world.attempts["worker_note"](AttemptReceived(kind, body, "a", done.set))
        await done.wait()
        ((_, _, answer, _),) = broker_of(app).world.answers

    assert json.loads(answer)["payload"] == {"status": "done", "inst:token": "a", "inst:key": "k"}


async def test_a_signal_that_is_none_is_set_aside() -> None:
    """And holds up nothing."""
    app = App("shop", broker="memory://")
    heard = listening(app)
    dead: list[Any] = []

    @app.agent(app.topic("scores.dead", partitions=1, value_serializer="raw"), name="dead")
    async def looks(stream: faust.StreamT[bytes]) -> None:
        async for value in stream:
            dead.append(value)

    async with app:
        broker_of(app).signal("scored", b"[1]")
        broker_of(app).signal("scored", b'{"customer": "bob"}', "m1")
        await until(lambda: bool(heard and dead), "both are there")

    assert (heard, dead) == ([("bob", {"customer": "bob"})], [b"[1]"])
