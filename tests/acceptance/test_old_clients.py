"""Clients of the original, with a daemon that writes their format to queues of other names."""

from __future__ import annotations

import json
import traceback
from importlib.metadata import entry_points

import pika
import pytest
from service import MESSAGE, Client, Service, until

from bureaucrat.message import Message

USER = "guest"  #: the documented rights are for queues of the default names
SETTINGS = """message_format = message
launch_queue = launches
message_queue = answers
event_queue = happened
schedule_queue = timers
dead_queue = graves
"""


class BaseWorker:
    """A worker as taskqueue has them: one queue, one answer to each message, whatever happens (T-005, T-006, T-007)."""

    ACCEPT = ["*/*"]

    def __init__(self, client: Client, name: str, results_routing_key: str) -> None:
        self._client = client
        self.name = name
        self.results_routing_key = results_routing_key

    def handle_task(self, workitem: Message) -> Message:
        raise NotImplementedError

    def report_results(self, workitem: Message) -> None:
        self._client.channel.basic_publish(
            "",
            self.results_routing_key,
            workitem.dumps(),
            pika.BasicProperties(delivery_mode=2, content_type=workitem.mime_type),
        )

    def work(self) -> None:
        """Take one message from ``worker_<name>``, and answer it."""
        attempt = self._client.attempt(self.name)
        workitem = Message.loads(json.dumps(attempt.content))
        try:
            workitem = self.handle_task(workitem)
        except Exception as error:  # as taskqueue does: the workitem says what went wrong
            workitem.payload.update(status="error", error=str(error), trace=traceback.format_exc())
        self.report_results(workitem)
        attempt.ack()


class Counting(BaseWorker):
    def handle_task(self, workitem: Message) -> Message:
        workitem.payload["counter"] += 1
        return workitem


class Echoing(BaseWorker):
    def handle_task(self, workitem: Message) -> Message:
        return workitem


class Failing(BaseWorker):
    def handle_task(self, workitem: Message) -> Message:
        raise ConnectionError("no paper")


@pytest.fixture
def old(client: Client) -> Client:
    """A client that knows the other names."""
    client.launches, client.messages, client.events = "launches", "answers", "happened"
    return client


def one_action(participant: str, properties: str = "") -> str:
    return f'<process name="old"><context>{properties}</context><action participant="{participant}"/></process>'


def test_an_attempt_in_the_message_format(old: Client) -> None:
    """B-033, B-034, B-046: the whole message; ``status`` is preset, what is ours begins with ``inst:``."""
    old.publish("launches", one_action("whole", '<property name="n" type="int">1</property>'), message_id="old-1")
    attempt = old.attempt("whole")

    properties, key = attempt.properties, attempt.content["payload"]["inst:key"]
    assert (properties.content_type, properties.content_encoding, properties.delivery_mode) == (MESSAGE, "utf-8", 2)
    assert isinstance(key, str)
    assert attempt.content == {
        "name": "response",
        "target": "old-1_0",
        "origin": "old-1_0",
        "payload": {
            "n": 1,
            "status": "done",
            "inst:id": "old-1",
            "inst:name": "old",
            "inst:token": properties.message_id,
            "inst:key": key,
        },
    }


def test_workers_of_taskqueue_do_the_actions(old: Client) -> None:
    """T-005, T-006, B-022, B-052, B-111: an unchanged echo means success; ``results_routing_key`` is where it goes."""
    text = (
        '<process name="p"><context><property name="counter" type="int">0</property></context>'
        '<action participant="counting"/><action participant="echoing"/></process>'
    )
    old.publish("launches", text, message_id="taskqueue-1")
    Counting(old, "counting", "answers").work()
    Echoing(old, "echoing", "answers").work()

    assert old.ended("taskqueue-1")["fields"] == {"counter": 1}


def test_a_worker_of_taskqueue_that_raises_is_an_incident(old: Client) -> None:
    """B-053, T-005: with the text of the exception."""
    old.publish("launches", one_action("failing"), message_id="taskqueue-2")
    Failing(old, "failing", "answers").work()

    until(lambda: old.ask("taskqueue-2").get("incidents"), "there is an incident")
    (incident,) = old.ask("taskqueue-2")["incidents"]
    assert (incident["kind"], incident["message"]) == ("error", "no paper")


def test_a_field_of_the_process_that_is_called_like_ours_gives_way(old: Client) -> None:
    """B-052, L13: a start may bring ``status``; the participant gets ours, and the process keeps nothing of it."""
    old.launch(one_action("shadowed"), "shadowed-1", fields={"status": "mine", "a": 1})
    attempt = old.attempt("shadowed")
    assert attempt.content["payload"]["status"] == "done"
    old.publish("answers", json.dumps(attempt.content), MESSAGE)

    assert old.ended("shadowed-1")["fields"] == {"a": 1}


def test_events_and_timers_come_through_queues_of_other_names(service: Service, old: Client) -> None:
    """B-024, B-041, B-044, B-096."""
    old.launch('<process name="p"><await event="e" since="start"/><delay duration="1h"/></process>', "named-1")
    old.launch('<process name="p"><delay duration="1h"/></process>', "named-2")
    until(lambda: service.status("named-2") == "running", "both have begun")
    old.event("e", {})
    due = "SELECT due FROM branches WHERE instance = 'named-1' AND due IS NOT NULL"
    until(lambda: service.rows(due), "its delay has begun")
    old.publish("timers", json.dumps({"instant": 0, "code": "timeout", "target": "named-1_1"}), "application/json")
    terminate = {"name": "terminate", "target": "named-2", "origin": "", "payload": {}}
    old.publish("answers", json.dumps(terminate), MESSAGE)

    assert old.ended("named-1")["status"] == "completed"
    assert old.ended("named-2", "canceled")["status"] == "canceled"


def test_a_dead_letter_goes_to_the_queue_of_another_name(old: Client) -> None:
    """B-038: what cannot be read is kept, with the reason."""
    old.publish("answers", "no json")

    properties, body = old.get("graves")
    assert body == b"no json"
    assert properties.headers["bureaucrat-source"] == "answers"


def test_taskqueue_finds_the_class_of_the_message_format() -> None:
    """B-014: it looks for the class of a content type among the entry points of this group."""
    (found,) = entry_points(group="workitems", name=MESSAGE)

    assert found.load() is Message


def test_nothing_of_the_default_names_was_declared(old: Client) -> None:
    """B-022, B-024."""
    names = ["bureaucrat", "bureaucrat_msgs", "bureaucrat_events", "bureaucrat_schedule", "bureaucrat_dead"]
    assert not any(old.is_there(name) for name in names)
