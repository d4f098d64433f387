"""The daemon from a config.ini, on a real RabbitMQ, with plain AMQP clients around it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from service import Client, Service, until

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "processes" / "example1.xml").read_text()
CALLED = (
    '<process name="called"><context><property name="greeting" type="str"/><property name="answer" type="str"/>'
    '</context><action participant="participant2"/><assign property="answer">greeting</assign></process>'
)
MESSAGE = "application/x-bureaucrat-message"
WORKITEM = "application/x-bureaucrat-workitem"


@pytest.fixture
def service(tmp_path: Path, vhost_url: str) -> Iterator[Service]:
    """A daemon that is ready."""
    made = Service(tmp_path, vhost_url)
    yield made.start()
    made.kill()


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    made = Client(service.url)
    yield made
    made.close()


def serve(client: Client, queues: list[str], answers: int) -> list[tuple[str, str]]:
    """Be the participants of example1 until so many attempts were answered; who was asked, at which activity.

    ``participant1`` is a workitem client, ``participant2`` (odd attempts) one of the old message format: both formats
    are answered, whatever the attempt came in.
    """
    trace: list[tuple[str, str]] = []

    def attempt() -> Any:
        for queue in queues:
            method, properties, body = client.channel.basic_get(queue)
            if method is not None:
                return queue, method, properties, json.loads(body)
        return None

    while len(trace) < answers:
        queue, method, properties, workitem = until(attempt, f"attempt {len(trace) + 1} comes")
        assert properties.content_type == WORKITEM
        assert properties.delivery_mode == 2
        header, fields = workitem["header"], workitem["fields"]
        assert properties.message_id == header["token"]
        trace.append((queue.removeprefix("worker_"), header["target"].partition("_")[2]))
        if queue == "worker_participant1":
            fields["counter"] = fields.get("counter", 0) + 1
            fields["some_process"] = CALLED
            client.publish("bureaucrat_msgs", json.dumps({"header": header, "fields": fields}), WORKITEM)
        else:
            payload = {**fields, "status": "done", "inst:token": header["token"]}
            answer = {"name": "response", "target": header["target"], "origin": header["target"], "payload": payload}
            client.publish("bureaucrat_msgs", json.dumps(answer), MESSAGE)
        client.channel.basic_ack(method.delivery_tag)
    return trace


QUEUES = ["worker_participant1", "worker_participant2"]
FIRST = [("participant1", "0_0"), ("participant2", "0_1"), ("participant2", "0_2_1_0")]
LOOP = [("participant1", "1_0"), ("participant2", "1_1")] * 4
#: the children of the foreach, of `all`, and of the called instance
REST = [("participant2", "2_0")] * 2


def test_a_bare_document_starts_the_example_and_runs_to_its_end(service: Service, client: Client) -> None:
    """B-026, B-031, B-032, B-046, B-051, B-052: seed clients need nothing but the queues and the two formats."""
    client.publish("bureaucrat", EXAMPLE)
    until(lambda: all(map(client.is_there, QUEUES)), "the participants' queues are declared")

    first = serve(client, QUEUES, len(FIRST) + len(LOOP) + len(REST))
    side = serve(client, QUEUES, 2)
    last = serve(client, QUEUES, 1)

    assert first == FIRST + LOOP + REST
    assert sorted(side) == [("participant1", "3_0"), ("participant2", "3_1")]
    assert last == [("participant2", "0")]
    until(lambda: service.statuses() == {"completed": 2}, "both instances have completed")
    until(lambda: not any(service.left().values()), "nothing is left")
