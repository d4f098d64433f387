"""Attempts as messages to Celery's workers: what they hold, and where they go."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bureaucrat.config import Celery, Routing
from bureaucrat.core.effects import Dispatch
from bureaucrat.errors import ConfigurationError
from bureaucrat.participants.celery import CeleryTasks, Route, task_id

TOKEN = "i:3:1::signature"


def dispatch(**changed: Any) -> Dispatch:
    given: dict[str, Any] = {
        "branch": "",
        "activity": 1,
        "address": "i_0",
        "participant": "celery:shop.tasks.charge",
        "attempt": 3,
        "tries": 2,
        "key": "i/1",
        "fields": {"amount": 5},
    }
    return Dispatch(**given | changed)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder from which modules can be imported, and are forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", "") and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


def test_an_attempt_is_a_message_of_celerys_second_protocol() -> None:
    """B-047, in the protocol that Celery has now: the workitem is the one argument; what is ours are headers."""
    outgoing = CeleryTasks().outgoing(dispatch(), "i", TOKEN)
    args, kwargs, embed = json.loads(outgoing.body)
    properties = outgoing.properties

    header = {"message": "response", "target": "i_0", "origin": "i_0", "token": TOKEN, "key": "i/1"}
    header |= {"participant": "celery:shop.tasks.charge", "attempt": 2}
    assert args == [{"header": header, "fields": {"amount": 5}}]
    assert (kwargs, embed) == ({}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None})
    assert (outgoing.destination, properties.exchange, properties.routing_key) == ("celery", "", "")
    assert (properties.content_type, properties.content_encoding) == ("application/json", "utf-8")
    assert (properties.message_id, properties.correlation_id) == (TOKEN, task_id(TOKEN))
    assert properties.is_foreign
    told = ("lang", "task", "id", "root_id", "retries", "ignore_result", "argsrepr", "kwargsrepr", "origin")
    assert {name: properties.headers[name] for name in told} == {
        "lang": "py",
        "task": "shop.tasks.charge",
        "id": task_id(TOKEN),
        "root_id": task_id(TOKEN),
        "retries": 0,
        "ignore_result": True,
        "argsrepr": "(<i_0>,)",
        "kwargsrepr": "{}",
        "origin": "bureaucrat",
    }
    assert {name: value for name, value in properties.headers.items() if name.startswith("bureaucrat-")} == {
        "bureaucrat-token": TOKEN,
        "bureaucrat-key": "i/1",
        "bureaucrat-target": "i_0",
        "bureaucrat-participant": "celery:shop.tasks.charge",
        "bureaucrat-attempt": 2,
        "bureaucrat-arguments": "workitem",
        "bureaucrat-answers": "bureaucrat_msgs",
    }


def test_the_same_attempt_gives_the_same_message() -> None:
    """Whoever makes it, and whenever; another attempt has another id, which is a UUID as Celery's own are."""
    first, again = (CeleryTasks().outgoing(dispatch(), "i", TOKEN) for _ in range(2))

    assert first == again
    assert task_id("another") != task_id(TOKEN)
    assert str(uuid.UUID(task_id(TOKEN))) == task_id(TOKEN)


def test_the_workitem_has_the_old_form_where_that_is_set() -> None:
    """B-047: ``message_format = message``."""
    outgoing = CeleryTasks(format="message").outgoing(dispatch(), "i", TOKEN)

    (args, _, _) = json.loads(outgoing.body)
    body = {"amount": 5, "status": "done", "inst:token": TOKEN, "inst:key": "i/1"}
    assert args == [{"name": "response", "target": "i_0", "origin": "i_0", "payload": body}]


def test_a_task_that_was_written_without_us_is_called_by_its_own_arguments() -> None:
    """``arguments="kwargs"``: the fields, and nothing of ours among them; their values stand in no log."""
    kind = CeleryTasks(answers="answers")
    outgoing = kind.outgoing(dispatch(arguments="kwargs", result="receipt", fields={"b": 2, "a": "x"}), "i", TOKEN)

    args, kwargs, _ = json.loads(outgoing.body)
    headers = outgoing.properties.headers
    assert (args, kwargs) == ([], {"a": "x", "b": 2})
    assert (headers["argsrepr"], headers["kwargsrepr"]) == ("()", "{a, b}")
    assert [headers[f"bureaucrat-{name}"] for name in ("arguments", "result", "answers")] == [
        "kwargs",
        "receipt",
        "answers",
    ]


def test_a_token_that_is_longer_than_a_message_id_travels_as_a_header_alone() -> None:
    outgoing = CeleryTasks().outgoing(dispatch(), "i", "t" * 256)

    assert outgoing.properties.message_id is None
    assert outgoing.properties.headers["bureaucrat-token"] == "t" * 256


@pytest.mark.parametrize(
    ("settings", "route"),
    [
        (Celery(), Route("celery")),
        (Celery(queue="slow"), Route("slow")),
        (Celery(queue="slow", exchange="shop"), Route("slow", "shop")),
        (Celery(routing=Routing((("crm.*", "crm"), ("shop.tasks.*", "tills"), ("shop.*", "none")))), Route("tills")),
        (Celery(routing=Routing((("crm.*", "crm"),))), Route("celery")),
        (Celery(routing=Routing(is_by_first_part=True)), Route("shop", "shop")),
    ],
    ids=["default", "queue", "exchange", "pattern", "no pattern", "first part"],
)
def test_the_settings_say_where_a_task_goes(settings: Celery, route: Route) -> None:
    """B-048 is ``routing = first-part``."""
    kind = CeleryTasks(settings)

    assert kind.route("shop.tasks.charge") == route
    assert kind.destination("celery:shop.tasks.charge") == kind.destination("shop.tasks.charge") == route.queue


APP = """
from celery import Celery
from kombu import Exchange, Queue

app = Celery("proj")
app.conf.task_default_queue = "usual"
app.conf.task_queues = [
    Queue("usual", Exchange("usual"), "usual"),
    Queue("tills", Exchange("tills"), "tills"),
    Queue("mails", Exchange("all", "topic"), "mail.#"),
]
app.conf.task_create_missing_queues = False
app.conf.task_routes = [
    {"shop.*": {"queue": "tills"}, "mail.*": {"queue": "mails", "routing_key": "mail.now"}, "crm.*": "elsewhere"},
    {"direct.*": {"exchange": "direct", "routing_key": "now"}},
]
"""


@pytest.mark.parametrize(
    ("name", "route"),
    [
        ("other.anything", Route("usual")),
        ("shop.tasks.charge", Route("tills")),
        ("mail.send", Route("mails", "all", "mail.now")),
        ("direct.x", Route("now", "direct")),
        ("crm.sync", Route("")),
    ],
)
def test_an_app_says_where_its_tasks_go(project: Path, name: str, route: Route) -> None:
    """As it would send them itself. One that it does not know a queue for goes nowhere: an incident says so."""
    (project / "routing_proj.py").write_text(APP)

    assert CeleryTasks(Celery(app="routing_proj:app")).route(name) == route


@pytest.mark.parametrize(
    ("app", "reason"),
    [
        ("no_such_module:app", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("broken_proj", "SystemExit: no database"),
    ],
)
def test_an_app_that_cannot_be_imported_is_told(project: Path, app: str, reason: str) -> None:
    (project / "broken_proj.py").write_text("raise SystemExit('no database')")

    with pytest.raises(ConfigurationError) as caught:
        _ = CeleryTasks(Celery(app=app)).app
    assert str(caught.value) == f"the Celery app {app!r} cannot be imported: {reason}"


def test_without_celery_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no dependency of the daemon; an attempt for a task is then an incident that says this."""
    monkeypatch.setitem(sys.modules, "celery", None)

    with pytest.raises(ConfigurationError) as caught:
        CeleryTasks().outgoing(dispatch(), "i", TOKEN)
    assert str(caught.value) == "Celery is not installed beside the daemon: pip install 'bureaucrat-engine[celery]'"


def test_attempts_are_revoked_by_celerys_own_broadcast() -> None:
    """Several in one; what has begun goes on, and a worker that is not there misses nothing."""
    outgoing = CeleryTasks().revocation(["one", "two"])
    assert outgoing is not None
    properties = outgoing.properties

    assert json.loads(outgoing.body) == {
        "method": "revoke",
        "arguments": {"task_id": [task_id("one"), task_id("two")], "terminate": False, "signal": "SIGTERM"},
        "destination": None,
        "pattern": None,
        "matcher": None,
    }
    assert (properties.exchange, outgoing.destination, properties.content_type) == (
        "celery.pidbox",
        "",
        "application/json",
    )
    assert sorted(properties.headers) == ["clock", "expires"]
    assert not properties.is_mandatory
    assert not properties.is_persistent
