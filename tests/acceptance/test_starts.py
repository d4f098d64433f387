"""The daemon from a config.ini, on a real RabbitMQ: instances are started, and plain AMQP clients do their actions."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from service import MESSAGE, WORKITEM, Attempt, Client, Service, until

EXAMPLE = (Path(__file__).parents[2] / "processes" / "example1.xml").read_text()
CALLED = (
    '<process name="called"><context><property name="greeting" type="str"/><property name="answer" type="str"/>'
    '</context><action participant="participant2"/><assign property="answer">greeting</assign></process>'
)
ECHO = (
    '<process name="echo"><context><property name="n" type="int">1</property></context>'
    '<action participant="{}"/></process>'
)


class Participants:
    """Those of example1: ``participant1`` is a workitem client, ``participant2`` one of the old message format. Both
    answer in their own format whatever the attempt came in, and under either content type.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.trace: list[tuple[str, str, dict[str, Any]]] = []  #: who, at which activity, with which fields
        self.attempts: list[Attempt] = []

    def one(self) -> None:
        """Be `participant1` once: count, and bring the text of a process along."""
        attempt = self._take("participant1")
        attempt.answer(counter=attempt.fields.get("counter", 0) + 1, some_process=CALLED)

    def two(self) -> None:
        """Be `participant2` once: echo, as the original does."""
        attempt = self._take("participant2")
        target = attempt.header["target"]
        payload = {**attempt.fields, "status": "done", "inst:token": attempt.token}
        answer = {"name": "response", "target": target, "origin": target, "payload": payload}
        kind = (MESSAGE, WORKITEM, "application/json", None)[len(self.trace) % 4]
        self._client.publish("bureaucrat_msgs", json.dumps(answer), kind)
        attempt.ack()

    def _take(self, participant: str) -> Attempt:
        attempt = self._client.attempt(participant)
        self.attempts.append(attempt)
        self.trace.append((participant, attempt.header["target"].partition("_")[2], attempt.fields))
        return attempt

    def play(self) -> None:
        """Do every action of example1."""
        for turn in (self.one, self.two, self.two, *(self.one, self.two) * 4, self.two, self.two):
            turn()
        for turn in (self.one, self.two, self.two):
            turn()


@pytest.fixture
def participants(client: Client) -> Participants:
    return Participants(client)


#: what every action of example1 is sent; the later ones more
BASE = {
    "answered": "",
    "flag": False,
    "greeting": "hello world",
    "half": 0.5,
    "inst:name": "example1",
    "lengths": None,
    "number": 123456,
    "words": {"hello": ["world", "process"]},
}


def expected(instance: str) -> list[tuple[str, str, dict[str, Any]]]:
    """The whole trace of example1, up to the call: who, at which activity, with which fields."""
    base = {**BASE, "inst:id": instance}
    on = {**base, "some_process": CALLED}
    loop = [
        (participant, address, {**on, "counter": counter + step})
        for counter in range(4)
        for step, (participant, address) in enumerate([("participant1", "1_0"), ("participant2", "1_1")])
    ]
    items = [
        {"inst:current": word, "inst:iteration": number, "word": word}
        for number, word in ((1, "world"), (2, "process"))
    ]
    sides = {**on, "counter": 1, "lengths": [5, 7]}
    return [
        ("participant1", "0_0", base),
        ("participant2", "0_1", {**on, "counter": 1}),
        ("participant2", "0_2_1_0", {**on, "counter": 1}),
        *loop,
        *(("participant2", "2_0", {**on, "counter": 1, **item}) for item in items),
        ("participant1", "3_0", sides),
        ("participant2", "3_1", sides),
    ]


def test_a_bare_document_runs_with_participants_of_both_formats(
    service: Service, client: Client, participants: Participants
) -> None:
    """B-026, B-027, B-031, B-032, B-036, B-046, B-050, B-051, B-052, B-110, B-111: clients of the original need the
    queues only. The whole trace: order, addresses, fields, headers; all, await and signal, delay, call.
    """
    client.publish("bureaucrat", EXAMPLE, message_id="example-1")
    participants.play()
    told = client.ended("example-1")

    *trace, last = participants.trace
    assert trace == expected("example-1")
    called = last[2].pop("inst:id")
    assert last == ("participant2", "0", {"answer": "", "greeting": "hello world", "inst:name": "called"})
    assert [one.content for one in participants.attempts] == [
        {
            "header": {
                "message": "response",
                "target": f"{instance}_{address}",
                "origin": f"{instance}_{address}",
                "token": attempt.token,
                "key": attempt.header["key"],
                "participant": participant,
                "attempt": 1,
            },
            "fields": fields,
        }
        for attempt, (participant, address, fields), instance in zip(
            participants.attempts, participants.trace, ["example-1"] * 15 + [called], strict=True
        )
    ]
    assert (
        len({one.token for one in participants.attempts})
        == len({one.header["key"] for one in participants.attempts})
        == 16
    )
    assert {
        (one.properties.content_type, one.properties.content_encoding, one.properties.delivery_mode)
        for one in participants.attempts
    } == {(WORKITEM, "utf-8", 2)}
    assert told.pop("started") < told.pop("ended")
    assert told == {
        "instance": "example-1",
        "known": True,
        "process": "example1",
        "business_key": None,
        "status": "completed",
        "outcome": "completed",
        "fields": {
            **{name: value for name, value in BASE.items() if name != "inst:name"},
            "answered": "hello world",
            "counter": 2,
            "lengths": [5, 7],
            "some_process": CALLED,
        },
        "fault": None,
        "incidents": [],
    }
    until(lambda: not any(service.left().values()), "nothing is left")


@pytest.mark.parametrize("start", ["", "\ufeff", "\n  "])
def test_a_document_without_an_id_gets_one(service: Service, client: Client, start: str) -> None:
    """B-031, B-032, B-107: the properties of the README's example are enough; a tool may save with a mark."""
    name = f"nameless{len(start)}{start.isspace()}"

    client.publish("bureaucrat", start + ECHO.format(name))
    attempt = client.attempt(name)
    attempt.answer()

    (instance,) = re.fullmatch("([0-9a-f]{32})_0", attempt.header["target"]).groups()
    assert client.ended(instance)["process"] == "echo"


def test_a_launch_by_json_brings_fields_and_business_key(client: Client) -> None:
    client.launch(ECHO.format("json"), "json-1", fields={"n": 5, "more": [1]}, business_key="order 17")
    client.attempt("json").answer(n=6)
    told = client.ended("json-1")

    assert (told["fields"], told["business_key"]) == ({"n": 6, "more": [1]}, "order 17")


def test_an_id_that_is_none_of_ours_starts_one_instance_all_the_same(client: Client, service: Service) -> None:
    """L1: its uuid5 stands for it; twice is once."""
    for _ in range(2):
        client.launch(ECHO.format("strange"), "order no. 17/b")
    attempt = client.attempt("strange")
    attempt.answer()
    instance = uuid.uuid5(uuid.NAMESPACE_URL, "order no. 17/b").hex

    assert attempt.header["target"] == f"{instance}_0"
    assert client.ended(instance)["process"] == "echo"
    assert client.depth("worker_strange") == 0


def test_a_participant_of_the_prefix_worker_has_the_same_queue(client: Client) -> None:
    """``worker:x`` and ``x`` are one."""
    client.launch(ECHO.format("worker:prefixed"), "prefixed-1")

    attempt = client.attempt("prefixed")

    assert attempt.header["participant"] == "worker:prefixed"
    attempt.answer()
    client.ended("prefixed-1")


def test_a_participant_whose_kind_nobody_serves_is_an_incident(client: Client) -> None:
    client.launch(ECHO.format("telex:somebody"), "unroutable-1")

    until(lambda: client.ask("unroutable-1").get("incidents"), "there is an incident")

    (incident,) = client.ask("unroutable-1")["incidents"]
    assert incident.pop("opened") > 0
    assert incident == {
        "address": "unroutable-1_0",
        "kind": "unroutable",
        "code": "Unroutable",
        "message": "nobody serves the participant 'telex:somebody'",
    }


def test_a_participant_that_is_computed_gets_a_queue_when_it_is_needed(client: Client) -> None:
    client.launch(ECHO.format("= 'computed' + str(n)"), "computed-1")
    client.attempt("computed1").answer()
    client.ended("computed-1")


def test_what_nobody_knows_is_answered_so(client: Client) -> None:
    """A question is answered whatever it asks for."""
    assert client.ask("nobody") == {"instance": "nobody", "known": False, "dead": None}
