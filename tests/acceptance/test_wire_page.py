"""docs/wire.rst: examples are what ``bureaucrat.wire`` reads and writes; its participant works."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from service import Client, Service, until
from test_docs_examples import of_page

from bureaucrat import wire

PAGE = "docs/wire.rst"
TOKEN = "3f9c21aa:7:3::kX0cM5rq5mJm1vXy2cQ9cg"
TARGET = "3f9c21aa_2_0"
FIELDS = {"order_id": 1017, "amount": 120.5}
FAULT = {"code": "Unpaid", "message": "the card was refused"}
INCIDENT = {"address": TARGET, "kind": "fault", **FAULT, "opened": 1795261231.4}
DEAD = "process 'order' needs order_id; give every required property at the start"
WORKITEM = wire.Attempt(FIELDS, TARGET, TOKEN, "3f9c21aa/5", "charge", 2)
MESSAGE = wire.Attempt(FIELDS, TARGET, TOKEN, "3f9c21aa/5", format="message")
NOTICE = wire.Notice("instance.completed", "3f9c21aa", "order", "1017", "completed", "shipped", 1795261230.9)
OPENED = {"incident": 1, "address": TARGET, "kind": "error", "code": "ActionError", "message": "carrier: 503"}


def control(content_type: str) -> Callable[[bytes], Any]:
    return lambda body: wire.decode_message(content_type, body, reply_to="q", correlation_id="1")


_W, _M = "application/x-bureaucrat-workitem", "application/x-bureaucrat-message"
READ: dict[str, tuple[Callable[[bytes], Any], Any]] = {
    "attempt-workitem": (lambda body: wire.decode_attempt(_W, body), WORKITEM),
    "attempt-message": (lambda body: wire.decode_attempt(_M, body), MESSAGE),
    "answer-workitem": (control(_W), wire.Response(TARGET, TOKEN, {"status": "done", "payment": "P-88"})),
    "answer-message": (control(_M), wire.Response(TARGET, TOKEN, {"status": "done", "payment": "P-88"})),
    "answer-error": (
        control(_W),
        wire.Response(
            TARGET, TOKEN, {"status": "critical", "code": "CardRefused", "error": "the limit of this card is 1000"}
        ),
    ),
    "launch": (
        lambda body: wire.decode_launch("application/x-bureaucrat-launch", body, "A-7"),
        wire.LaunchRequest(
            "A-7",
            '<process name="hello"><action participant="greet"/></process>',
            fields={"name": "ann"},
            business_key="A-7",
        ),
    ),
    "event": (lambda body: wire.decode_event(body, "m1"), wire.EventMessage("m1", "payment.authorized", FIELDS)),
    "signal": (
        lambda body: wire.decode_signal("payment.authorized", body, "m1"),
        wire.EventMessage("m1", "payment.authorized", FIELDS),
    ),
    "terminate": (control(_M), wire.Terminate("3f9c21aa", "the customer changed their mind")),
    "question": (control("application/x-bureaucrat-question"), wire.Question("3f9c21aa", "q", "1")),
    "status": (
        wire.decode_status,
        wire.StatusAnswer(
            "3f9c21aa",
            True,
            "order",
            "1017",
            "faulted",
            started=1795261230.9,
            fields={"order_id": 1017},
            fault=FAULT,
            incidents=[INCIDENT],
        ),
    ),
    "status-unknown": (wire.decode_status, wire.StatusAnswer("3f9c21ab", False, dead=DEAD)),
    "notice": (wire.decode_notice, NOTICE),
    "notice-incident": (
        wire.decode_notice,
        wire.Notice("incident.opened", "3f9c21aa", "order", "1017", "running", None, 1795261230.9, more=OPENED),
    ),
    "old-timer": (wire.decode_old_timer, wire.OldTimer(TARGET, "timeout", 1795261230)),
}


def _attempt(format: wire.Format) -> tuple[str, bytes]:
    return wire.encode_attempt(
        FIELDS, target=TARGET, token=TOKEN, key="3f9c21aa/5", participant="charge", attempt=2, format=format
    )


#: what we write, from what was read
WRITTEN: dict[str, Callable[[Any], tuple[str, bytes]]] = {
    "attempt-workitem": lambda _: _attempt("workitem"),
    "attempt-message": lambda _: _attempt("message"),
    "answer-workitem": lambda answer: wire.encode_answer(WORKITEM, answer.fields),
    "launch": wire.encode_launch,
    "event": lambda event: wire.encode_event(event.name, event.body),
    "terminate": lambda found: wire.encode_terminate(found.target, found.reason),
    "question": lambda found: wire.encode_question(found.instance),
    "status": wire.encode_status,
    "status-unknown": wire.encode_status,
    "notice": wire.encode_notice,
    "notice-incident": wire.encode_notice,
}


def examples() -> dict[str, bytes]:
    return {block.name: block.text.encode() for block in of_page(PAGE) if block.language == "json"}


def test_every_example_is_looked_at() -> None:
    assert sorted(examples()) == sorted(READ)


@pytest.mark.parametrize("name", READ)
def test_an_example_is_read_as_the_page_says(name: str) -> None:
    """B-033, B-040, B-044, B-046, B-051: the whole record."""
    read, wanted = READ[name]

    assert read(examples()[name]) == wanted


@pytest.mark.parametrize("name", WRITTEN)
def test_an_example_is_what_we_write(name: str) -> None:
    """To the last key."""
    _, body = WRITTEN[name](READ[name][1])

    assert json.loads(body) == json.loads(examples()[name])


@pytest.fixture
def service(tmp_path: Path, vhost_url: str) -> Iterator[Service]:
    made = Service(tmp_path, vhost_url)
    yield made.start()
    made.kill()


def test_the_participant_of_the_page_serves(service: Service, tmp_path: Path) -> None:
    """T-006: with nothing but pika; its answer and its error come back to the process."""
    (snippet,) = [block.text for block in of_page(PAGE) if block.language == "python"]
    (tmp_path / "greeter.py").write_text(
        f"{snippet}\n\nimport sys\n\nserve(sys.argv[1], 'worker_greet', lambda key, fields: "
        "{'greeting': 'hello ' + fields['name'], 'seen': key})\n"
    )
    client = Client(service.url)
    for name in ('"ann"', "5"):
        text = (
            f'<process name="hello"><context><property name="name" type="json">{name}</property></context>'
            '<action participant="greet" retries="0"/></process>'
        )
        client.publish("bureaucrat", text)
    until(lambda: client.is_there("worker_greet"), "the queue of the participant is there")

    program = subprocess.Popen([sys.executable, str(tmp_path / "greeter.py"), service.url])
    try:
        until(lambda: service.statuses() == {"completed": 1, "running": 1}, "one greeting is written")
        until(lambda: service.rows("SELECT kind, code FROM incidents") == [("error", "ActionError")], "one is not")
    finally:
        program.kill()
        program.wait()
        client.close()
