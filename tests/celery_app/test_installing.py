"""``install``: where answers go, what it says when a worker starts, and functions by their signature."""

from __future__ import annotations

import json
import ssl
import threading
from pathlib import Path
from typing import Any

import pika
import pytest
from celery import Celery, signals

import bureaucrat.celery
from bureaucrat import Workitem
from bureaucrat.amqp.settings import AmqpSettings
from bureaucrat.amqp.tls import Tls
from bureaucrat.celery.installing import _as_celery_does, _settings, dangers
from bureaucrat.celery.sending import Sender
from bureaucrat.errors import ConfigurationError
from bureaucrat.launcher.settings import settings_of
from bureaucrat.wire import Asked, decode_message, encode_attempt, load_object

ASKED = Asked("t", "k", "i_0", "celery:shop.any", 1, "workitem", None, "answers")


def passes(workitem: Any) -> None: ...


def app_of(broker: str = "amqp://shop:secret@mq1/prod", **settings: Any) -> Celery:
    app = Celery("shop", set_as_current=False, broker=broker)
    app.conf.update(settings)
    app.task(name="shop.any", shared=False)(passes)
    return app


def test_answers_go_to_the_apps_own_broker_unless_another_is_named(tmp_path: Path) -> None:
    """A URL, the daemon's file of settings, or the dict of a launcher."""
    (tmp_path / "config.ini").write_text("[amqp]\nurl = amqp://b@mq2/x\n")
    app = app_of("pyamqp://shop:s%23@mq1:5673//")

    assert _settings(app, None).amqp.url == "amqp://shop:s%23@mq1:5673//"
    assert _settings(app, None).amqp.parameters("").virtual_host == "/"
    assert _settings(app, "amqps://a@mq3/y").amqp.url == "amqps://a@mq3/y"
    assert _settings(app, str(tmp_path / "config.ini")).amqp.url.endswith("@mq2/x")
    assert _settings(app, {"host": "mq4"}) == settings_of({"host": "mq4"})


def test_tls_is_what_celery_is_told_of_it() -> None:
    """``broker_use_ssl`` and ``broker_login_method``; another broker than the app's has its own."""
    files = {"ca_certs": "ca.pem", "certfile": "a.pem", "keyfile": "a.key", "server_hostname": "mq"}
    app = app_of(broker_use_ssl={**files, "cert_reqs": ssl.CERT_REQUIRED}, broker_login_method="EXTERNAL")
    unchecked = app_of(broker_use_ssl={"cert_reqs": ssl.CERT_NONE})

    settings = _as_celery_does(app, "amqp://mq1")

    assert (settings.url.partition(":")[0], settings.auth) == ("amqps", "external")
    assert settings.tls == Tls(Path("ca.pem"), Path("a.pem"), Path("a.key"), True, "mq")
    assert _settings(unchecked, None).amqp.tls == Tls(is_verified=False)
    assert _settings(app_of(broker_use_ssl=True), None).amqp.url.startswith("amqps:")
    assert _settings(app, "amqp://a@mq3/y").amqp == AmqpSettings("amqp://a@mq3/y")


@pytest.mark.parametrize(("broker", "amqp"), [("redis://:secret@r1/0", None), ("amqp://x", "http://y")])
def test_what_is_no_rabbitmq_is_refused_without_its_password(broker: str, amqp: str | None) -> None:
    with pytest.raises(
        ConfigurationError, match=r"is no RabbitMQ; say where the daemon's is: install\(app, amqp="
    ) as caught:
        bureaucrat.celery.install(app_of(broker), amqp)
    assert "secret" not in str(caught.value)


def test_it_is_installed_once_and_speaks_when_a_worker_starts(caplog: pytest.LogCaptureFixture) -> None:
    """Of its own app; requests of each task answer then; no setting is changed."""
    app, other = app_of(), app_of()
    before = dict(app.conf.table())
    receivers = len(signals.worker_init.receivers)

    bureaucrat.celery.install(app)
    bureaucrat.celery.install(app)
    for one in (other, app):
        signals.worker_init.send(sender=type("Worker", (), {"app": one})())

    assert len(signals.worker_init.receivers) == receivers + 1
    assert isinstance(other.tasks["shop.any"].Request, str)
    assert app.tasks["shop.any"].Request.__name__ == "AnsweringRequest"
    assert [record.getMessage() for record in caplog.records] == dangers(app)
    assert dict(app.conf.table()) == before


def test_settings_that_lose_work_are_named_with_the_remedy() -> None:
    late: dict[str, Any] = {"task_acks_late": True}
    confirms: dict[str, Any] = {"broker_transport_options": {"confirm_publish": True, "confirm_timeout": 10}}
    lost = {"task_reject_on_worker_lost": True}

    def found(**settings: Any) -> list[str]:
        return [line.partition(":")[0] for line in dangers(app_of(**settings))]

    assert found() == ["acks_late is off (shop.any)", "confirm_publish is off"]
    assert found(**late, **confirms) == ["reject_on_worker_lost is off (shop.any)"]
    assert found(**late, **lost, **confirms) == []
    assert found(**late, **lost, broker_transport_options={"confirm_publish": True}) == [
        "confirm_publish has no confirm_timeout"
    ]
    assert found(**late, **lost, **confirms, accept_content=["pickle"]) == ["accept_content has no json"]


def test_many_names_are_cut() -> None:
    app = app_of(broker_transport_options={"confirm_publish": True, "confirm_timeout": 10})
    for number in range(4):
        app.task(name=f"shop.t{number}", shared=False)(passes)

    assert dangers(app)[0].startswith("acks_late is off (shop.any, shop.t0, shop.t1 and 2 more): ")


# -- functions by their signature


def given(form: str = "workitem") -> dict[str, Any]:
    _, body = encode_attempt(
        {"n": 2}, target="i_0", token="t", key="k", participant="celery:shop.any", attempt=3, format=form
    )
    return load_object(body)


@pytest.mark.parametrize("form", ["workitem", "message"])
def test_a_function_gets_fields_by_its_parameters(form: str) -> None:
    """And the workitem, and with ``bind=True`` the task; it gives back a workitem in the form that came."""

    @bureaucrat.celery.workitem_task
    def double(n: int, workitem: Workitem, unit: str = "EUR") -> dict[str, Any]:
        return {"n": n * 2, "seen": [workitem.key, unit]}

    @bureaucrat.celery.workitem_task
    def bound(task: str, fields: dict[str, Any]) -> None:
        fields["n"] = task

    returned = [double(given(form)), bound("itself", given(form))]

    answers = [decode_message(None, json.dumps(one).encode()) for one in returned]
    assert [one.fields for one in answers] == [
        {"status": "done", "n": 4, "seen": ["k", "EUR"]},
        {"status": "done", "n": "itself"},
    ]
    assert {(one.target, one.token) for one in answers} == {("i_0", "t")}
    assert (double.__name__, double.__module__) == ("double", __name__)


def test_a_coroutine_is_refused() -> None:
    with pytest.raises(TypeError, match="work is async, and Celery calls functions"):

        @bureaucrat.celery.workitem_task
        async def work(n: int) -> None: ...


# -- sending


def test_an_answer_is_published_until_it_is_confirmed(vhost_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Its queue is made while it waits; in the main process a thread goes on."""

    sender = Sender(settings_of({"url": vhost_url}))
    channel = pika.BlockingConnection(pika.URLParameters(vhost_url)).channel()
    pauses = iter([lambda: None, lambda: channel.queue_declare("answers", durable=True)])
    sender.pause = lambda seconds: next(pauses)()  # type: ignore[method-assign]

    sender.send(ASKED, {"n": 1})
    sender.send_soon(ASKED, {"n": 2})

    sender.close()
    bodies = [channel.basic_get("answers", auto_ack=True)[2] for _ in range(2)]
    channel.connection.close()
    answers = [decode_message(None, body) for body in bodies]
    assert [(one.target, one.token, one.fields["n"]) for one in answers] == [("i_0", "t", 1), ("i_0", "t", 2)]
    assert len(caplog.records) == 2
    assert "an answer waits: there is no queue 'answers'" in caplog.records[0].getMessage()


def test_the_main_process_waits_a_little_and_leaves_the_rest_to_a_thread(vhost_url: str) -> None:
    """It keeps the worker's own connection alive."""

    came, go = threading.Event(), threading.Event()
    sender = Sender(settings_of({"url": vhost_url}), patience=0)

    def pause(seconds: float) -> None:
        came.set()
        assert go.wait(20)

    sender.pause = pause  # type: ignore[method-assign]
    sender.send_soon(ASKED, {"n": 1})
    assert came.wait(20)
    channel = pika.BlockingConnection(pika.URLParameters(vhost_url)).channel()
    channel.queue_declare("answers", durable=True)
    go.set()

    _, _, body = next(channel.consume("answers", inactivity_timeout=20))
    channel.connection.close()
    sender.close()
    sender.close()
    assert decode_message(None, body).fields["n"] == 1
