"""Events, signals, notices, timers and ends, as clients of the broker see them."""

from __future__ import annotations

import json
import time
from typing import Any

import pika
import pytest
from service import MESSAGE, Client, Service, until

SETTINGS = "history = full\n"  # which tells of answers that came too late
ACTION = '<action id="go" participant="{}"/>'


def awaiting(event: str, more: str = "") -> str:
    """A process that waits for one event and keeps its body."""
    return (
        '<process name="w"><context><property name="found" type="json"/><property name="order_id" type="str"/>'
        f'</context><await id="wait" event="{event}" property="found" {more}/></process>'
    )


def waits(service: Service, *instances: str) -> None:
    """Until these wait for their event."""

    def all_wait() -> bool:
        found = {instance for (instance,) in service.rows("SELECT instance FROM waits WHERE fresh = 0")}
        return found >= set(instances)

    until(all_wait, f"{instances} wait")


class Listener:
    """Hears what is published to a topic exchange."""

    def __init__(self, client: Client, exchange: str, key: str = "#") -> None:
        self._client = client
        self._queue = client.channel.queue_declare("", exclusive=True).method.queue
        client.channel.queue_bind(self._queue, exchange, key)

    def hear(self) -> tuple[Any, Any, Any]:
        """The next message: delivery, properties, content."""

        def taken() -> Any:
            method, properties, body = self._client.channel.basic_get(self._queue, auto_ack=True)
            return None if method is None else (method, properties, json.loads(body))

        return until(taken, "something is published")


# -- events


def test_an_event_wakes_all_that_wait_for_it(service: Service, client: Client) -> None:
    """B-028, B-040, B-041, B-042, B-108: as the README publishes it; all keys but ``event`` are its body."""
    for instance in ("fan-1", "fan-2"):
        client.launch(awaiting("fake_event_name"), instance)
    waits(service, "fan-1", "fan-2")
    client.publish("bureaucrat_events", json.dumps({"event": "fake_event_name", "other_data": "some data"}))

    for instance in ("fan-1", "fan-2"):
        assert client.ended(instance)["fields"]["found"] == {"other_data": "some data"}


def test_an_event_with_a_key_wakes_the_one_it_is_for(service: Service, client: Client) -> None:
    for number in ("17", "18"):
        client.launch(awaiting("paid", 'key="order_id"'), f"keyed-{number}", fields={"order_id": number})
    waits(service, "keyed-17", "keyed-18")
    client.event("paid", {"order_id": 18, "amount": 5})

    assert client.ended("keyed-18")["fields"]["found"] == {"order_id": 18, "amount": 5}
    assert client.ask("keyed-17")["status"] == "running"


def test_an_event_that_comes_before_the_await_is_kept(service: Service, client: Client) -> None:
    """Defect 12 of the original; with a key from the start of the instance on."""
    text = awaiting("early", 'key="order_id"').replace("<await", ACTION.format("early") + "<await")
    client.launch(text, "early-1", fields={"order_id": "1"})
    attempt = client.attempt("early")
    client.event("early", {"order_id": "1", "n": 1})
    until(lambda: service.rows("SELECT 1 FROM events WHERE name = 'early' AND cursor IS NULL"), "it is accepted")
    attempt.answer()

    assert client.ended("early-1")["fields"]["found"] == {"order_id": "1", "n": 1}


def test_an_event_before_the_wait_does_not_count_without_a_key(service: Service, client: Client) -> None:
    """B-043 as the language has it (L62): kept, and not for those who begin to wait later."""
    client.event("gone", {"n": 1})
    until(lambda: service.rows("SELECT 1 FROM events WHERE name = 'gone' AND cursor IS NULL"), "it is accepted")
    client.launch(awaiting("gone"), "gone-1")
    waits(service, "gone-1")
    client.event("gone", {"n": 2})

    assert client.ended("gone-1")["fields"]["found"] == {"n": 2}


def test_an_event_is_accepted_once_by_its_message_id(service: Service, client: Client) -> None:
    """Also among others, and again after it was handled."""
    before = service.metric("bureaucrat_messages_unidentified_total")
    for _ in range(3):
        client.event("twice", {"n": 1}, message_id="event-1")
        client.event("twice", {"n": 2}, message_id="event-2")
    client.event("twice", {"n": 3})
    until(lambda: service.rows("SELECT 1 FROM events WHERE body LIKE '%3%' AND name = 'twice'"), "the last came")
    client.event("twice", {"n": 1}, message_id="event-1")
    client.event("twice", {"n": 4})
    until(lambda: service.rows("SELECT 1 FROM events WHERE body LIKE '%4%' AND name = 'twice'"), "the last came")

    bodies = [json.loads(body)["n"] for (body,) in service.rows("SELECT body FROM events WHERE name = 'twice'")]
    assert sorted(bodies) == [1, 2, 3, 4]
    assert service.metric("bureaucrat_messages_unidentified_total") - before == 2


def test_an_event_whose_condition_fails_leaves_the_await_waiting(service: Service, client: Client) -> None:
    """Defect 11 of the original."""
    text = awaiting("big").replace("/></process>", "><condition>event['n'] > 1</condition></await></process>")
    client.launch(text, "big-1")
    waits(service, "big-1")
    for number in (0, 1, 2):
        client.event("big", {"n": number})

    assert client.ended("big-1")["fields"]["found"] == {"n": 2}


# -- signals


def test_a_signal_reaches_the_bus_and_its_echo_wakes_nobody_twice(service: Service, client: Client) -> None:
    """B-042; what is published to ``bureaucrat.signals`` is told once, and our own comes back unheard."""
    heard = Listener(client, "bureaucrat.signals")
    receiver = (
        '<process name="r"><context><property name="got" type="json">[]</property></context>'
        '<while><condition>True</condition><await event="ping" since="turn" property="one"/>'
        '<assign property="got">got + [one]</assign></while></process>'
    )
    client.launch(receiver, "receiver-1")
    waits(service, "receiver-1")
    echoes = service.metric('bureaucrat_messages_total{queue="bureaucrat_events"}')
    client.launch('<process name="s"><signal event="ping"><field name="n">1</field></signal></process>', "sender-1")

    method, properties, content = heard.hear()
    until(lambda: service.metric('bureaucrat_messages_total{queue="bureaucrat_events"}') > echoes, "the echo came")
    until(lambda: client.ask("receiver-1")["fields"]["got"], "it was woken")
    client.channel.basic_publish("bureaucrat.signals", "ping", b'{"n": 2}')
    until(lambda: len(client.ask("receiver-1")["fields"]["got"]) > 1, "it was woken from outside")

    assert (method.exchange, method.routing_key, content) == ("bureaucrat.signals", "ping", {"n": 1})
    assert (properties.content_type, properties.delivery_mode) == ("application/json", 2)
    ((number,),) = service.rows("SELECT number FROM events WHERE name = 'ping' ORDER BY number LIMIT 1")
    ((origin,),) = service.rows("SELECT value FROM settings WHERE name = 'database_id'")
    assert properties.message_id
    assert properties.headers == {"bureaucrat-origin": origin}
    assert number
    assert client.ask("receiver-1")["fields"]["got"] == [{"n": 1}, {"n": 2}]


def test_a_signal_of_another_engine_wakes_those_who_wait(service: Service, client: Client) -> None:
    """The routing key is its name."""
    client.launch(awaiting("elsewhere"), "elsewhere-1")
    waits(service, "elsewhere-1")
    another = pika.BasicProperties(headers={"bureaucrat-origin": "another"}, message_id="signal-1")

    def is_taken() -> bool:
        try:
            client.channel.basic_publish("bureaucrat.signals", "elsewhere", b'{"n": 1}', another, mandatory=True)
        except pika.exceptions.UnroutableError:
            return False
        return True

    until(is_taken, "its queue is bound")

    assert client.ended("elsewhere-1")["fields"]["found"] == {"n": 1}


# -- notices


@pytest.fixture
def notices(client: Client) -> Listener:
    return Listener(client, "bureaucrat.lifecycle")


def test_the_life_of_an_instance_is_announced(client: Client, notices: Listener) -> None:
    """B-097, B-039: whoever wants to know listens; each notice whole."""
    before = time.time()
    client.launch(
        f'<process name="told">{ACTION.format("told")}<exit outcome="fine"/></process>', "told-1", business_key="k"
    )
    started = notices.hear()
    client.attempt("told").answer()
    completed = notices.hear()

    common = {"instance": "told-1", "process": "told", "business_key": "k"}
    for (method, properties, content), notice in ((started, "started"), (completed, "completed")):
        assert method.routing_key == f"instance.{notice}.told-1"
        assert (properties.content_type, properties.delivery_mode) == ("application/json", 2)
        assert before <= content.pop("at") <= time.time()
    assert started[2] == {**common, "notice": "instance.started", "status": "running", "outcome": None}
    assert completed[2] == {**common, "notice": "instance.completed", "status": "completed", "outcome": "fine"}


def test_an_incident_and_a_fault_are_announced(client: Client, notices: Listener) -> None:
    """B-098: a fault that nobody handles is both."""
    client.launch('<process name="bad"><fault code="Bad" message="very"/></process>', "bad-1")
    heard = [notices.hear()[2] for _ in range(3)]
    for one in heard:
        del one["at"]

    common = {"instance": "bad-1", "process": "bad", "business_key": None, "outcome": None}
    number = heard[1]["incident"]
    detail = {"incident": number, "address": "bad-1_0", "kind": "fault", "code": "Bad", "message": "very"}
    assert heard == [
        {**common, "notice": "instance.started", "status": heard[0]["status"]},
        {**common, **detail, "notice": "incident.opened", "status": "faulted"},
        {**common, **detail, "notice": "instance.faulted", "status": "faulted"},
    ]


def test_an_activity_that_is_overdue_is_announced(client: Client, notices: Listener) -> None:
    client.launch('<process name="late"><await id="a" event="never" due="0.2"/></process>', "late-1")
    notices.hear()
    _, _, content = notices.hear()

    assert content.pop("at") > 0
    assert content == {
        "notice": "activity.overdue",
        "instance": "late-1",
        "process": "late",
        "business_key": None,
        "status": "running",
        "outcome": None,
        "address": "late-1_0",
    }


# -- timers and ends


def test_an_old_client_ends_a_delay_by_a_timer(service: Service, client: Client) -> None:
    """B-029, B-044, B-045: on the queue of timers, when its instant has come."""
    client.launch('<process name="d"><delay id="long" duration="1d"/></process>', "timer-1")
    until(lambda: service.status("timer-1") == "running", "it has begun")
    instant = int(time.time()) + 1
    timer = {"instant": instant, "code": "timeout", "target": "timer-1_0"}
    client.publish("bureaucrat_schedule", json.dumps(timer), "application/json", content_encoding="utf-8")

    assert client.ended("timer-1")["ended"] >= instant


def test_a_timeout_message_ends_a_delay_at_once(service: Service, client: Client) -> None:
    """B-037, B-045: what the original sends itself when a timer is due."""
    client.launch('<process name="d"><delay id="long" duration="1d"/></process>', "timer-2")
    until(lambda: service.status("timer-2") == "running", "it has begun")
    message = {"name": "timeout", "target": "timer-2_0", "origin": "", "payload": {}}
    client.publish("bureaucrat_msgs", json.dumps(message), MESSAGE)

    client.ended("timer-2")


def terminate(client: Client, target: str, **payload: Any) -> None:
    message = {"name": "terminate", "target": target, "origin": "", "payload": payload}
    client.publish("bureaucrat_msgs", json.dumps(message), MESSAGE)


def test_an_instance_is_canceled_by_a_message(service: Service, client: Client, notices: Listener) -> None:
    """B-096, B-109, defect 5 of the original: also the called instance ends; an answer that comes later is nothing."""
    inner = f'<process name="in">{ACTION.format("inner")}</process>'
    text = '<context><property name="text" type="str" required="yes"/></context><call process="$text"/>'
    client.launch(f'<process name="out">{text}</process>', "cancel-1", fields={"text": inner})
    attempt = client.attempt("inner")
    called = attempt.header["target"].partition("_")[0]
    terminate(client, "cancel-1", reason="nobody wants it")
    told = client.ended("cancel-1", "canceled")
    client.ended(called, "canceled")
    attempt.answer(a=1)

    assert (told["fault"], told["incidents"]) == (None, [])
    assert {notices.hear()[0].routing_key for _ in range(4)} == {
        "instance.started.cancel-1",
        f"instance.started.{called}",
        "instance.canceled.cancel-1",
        f"instance.canceled.{called}",
    }
    until(
        lambda: service.rows("SELECT 1 FROM history WHERE instance = ? AND what = 'late'", called),
        "the answer was late",
    )


def test_a_cancel_may_come_before_its_launch(service: Service, client: Client) -> None:
    """B-096: they come through different queues."""
    before = service.metric('bureaucrat_messages_total{queue="bureaucrat_msgs"}')
    terminate(client, "early-cancel")
    until(lambda: service.metric('bureaucrat_messages_total{queue="bureaucrat_msgs"}') > before, "it came")
    client.launch(f'<process name="p">{ACTION.format("nobody")}</process>', "early-cancel")

    client.ended("early-cancel", "canceled")


def test_terminate_of_an_ended_instance_changes_nothing(client: Client) -> None:
    """B-087: it is over."""
    client.launch('<process name="p"/>', "over-1")
    client.ended("over-1")
    terminate(client, "over-1")
    client.launch('<process name="p"/>', "over-2")
    client.ended("over-2")

    assert client.ask("over-1")["status"] == "completed"
