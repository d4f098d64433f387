"""Everybody with the rights of ``docs/operations.rst`` and no more, over TLS, and answers from whom they may come."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pika
import pytest
from celery_worker import CeleryWorker
from certificates import Authority, Certificate
from rabbit import Rabbit
from service import Attempt, Client, Service, until

from bureaucrat import Launcher
from bureaucrat.agents import MicroAgent, Queue, Signal, consumer
from bureaucrat.agents.tools.amqp import AMQPBroker, AMQPSignalBus
from bureaucrat.launcher.errors import InstanceCanceled

SETTINGS = """exchange = bureaucrat.in
[security]
signing_key = file:{folder}/signing-key
strict = yes
[participant:charge]
user = bureaucrat-worker
[participant:seen]
user = bureaucrat-worker
[celery]
queue = celery
"""
PARTICIPANTS = """
from bureaucrat import participant

@participant("charge")
def charge(amount):
    return {"charged": amount}
"""
TASKS = """
import os
import ssl
from celery import Celery
from bureaucrat.celery import install

app = Celery("shop", broker=os.environ["BROKER"])
app.conf.update(
    task_ignore_result=True, task_acks_late=True, worker_enable_remote_control=True,
    broker_use_ssl={"ca_certs": os.environ["CA"], "cert_reqs": ssl.CERT_REQUIRED, "server_hostname": "localhost"},
)
install(app, os.environ["SETTINGS"])

@app.task(name="shop.pack")
def pack(workitem):
    return {"packed": True}
"""
ORDER = """<process name="order">
  <action id="charge" participant="charge"/>
  <action id="pack" participant="celery:shop.pack"/>
  <await event="delivered" property="how"/>
</process>"""
PARCEL = '<process name="parcel"><await event="delivered" since="start"/></process>'


@dataclass
class Place:
    """A broker with TLS, the daemon, and everybody's URL and settings."""

    rabbit: Rabbit
    vhost: str
    port: int
    authority: Authority
    folder: Path
    service: Service
    certificate: Certificate  #: of the worker

    def url(self, user: str, *, password: str | None = None) -> str:
        login = user if password == "" else f"{user}:{password or user}"
        return f"amqps://{login}@localhost:{self.port}/{self.vhost}"

    def config(self, name: str, url: str, amqp: str = "") -> Path:
        """A file of settings for a program that is not the daemon."""
        file = self.folder / f"{name}.ini"
        file.write_text(
            f"[amqp]\nurl = {url}\nssl_ca = {self.authority.cert}\n{amqp}\n[bureaucrat]\nexchange = bureaucrat.in\n"
        )
        return file


@pytest.fixture(scope="module")
def place(rabbit: Rabbit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder, vhost = tmp_path_factory.mktemp("rights"), rabbit.fresh_vhost()
    authority = Authority(folder)
    server = authority.sign("server")
    port = rabbit.listen_encrypted(authority.cert, server.cert, server.key)
    key = folder / "signing-key"
    key.write_text("k" * 44 + "\n")
    key.chmod(0o600)
    login = f"amqps://bureaucrat-daemon:bureaucrat-daemon@localhost:{port}/{vhost}"
    amqp = f"ssl_ca = {authority.cert}"
    service = Service(folder, rabbit.vhost_url(vhost), SETTINGS.format(folder=folder), amqp, login=login)
    certificate = authority.sign("worker", of="bureaucrat-worker")
    try:
        service.start()
        yield Place(rabbit, vhost, port, authority, folder, service, certificate)
    finally:
        service.kill()


@pytest.fixture(scope="module")
def workers(place: Place) -> Iterator[None]:
    """One of ours, which logs in by its certificate, and one of Celery."""
    folder = place.folder / "celery"
    folder.mkdir()
    (place.folder / "shop_participants.py").write_text(PARTICIPANTS)
    files = f"ssl_cert = {place.certificate.cert}\nssl_key = {place.certificate.key}"
    config = place.config(
        "worker", place.url("bureaucrat-worker", password=""), f"topology = assume\nauth = external\n{files}"
    )
    command = [sys.executable, "-m", "bureaucrat", "worker", "shop_participants.py", "-c", str(config)]
    log = (place.folder / "worker.log").open("wb")
    ours = subprocess.Popen(command, cwd=place.folder, stdout=log, stderr=subprocess.STDOUT, env=dict(os.environ))
    url = place.url("bureaucrat-celery")
    settings = place.config("celery", url)
    environment = {"CA": str(place.authority.cert), "SETTINGS": str(settings)}
    celery = CeleryWorker(folder, url.replace("amqps:", "amqp:"), TASKS, environment=environment)
    try:
        celery.start()
        yield
    finally:
        log.close()
        ours.kill()
        ours.wait()
        celery.kill()


def test_an_order_goes_through_everybodys_hands(place: Place, workers: None) -> None:
    """Launcher, daemon, a worker, a worker of Celery and an event: a right that is missing stops it."""
    client = place.config("client", place.url("bureaucrat-client"))

    with Launcher(client) as launcher:
        order = launcher.launch(ORDER, {"amount": 3}, id="order-1")
        until(
            lambda: place.service.rows("SELECT 1 FROM waits"),
            f"it waits; {(place.folder / 'worker.log').read_text()[-2000:]}",
            60,
        )
        launcher.event("delivered", by="bike")
        result = launcher.result(order, timeout=30)

    assert (result.outcome, result.fields) == (
        "completed",
        {"amount": 3, "charged": 3, "packed": True, "how": {"by": "bike"}},
    )
    assert place.service.rows("SELECT reason FROM dead_letters") == []


def test_a_client_cancels(place: Place) -> None:
    with Launcher(place.config("client", place.url("bureaucrat-client"))) as launcher:
        launcher.launch('<process name="p"><delay duration="1h"/></process>', id="canceled-1")
        launcher.cancel("canceled-1")
        with pytest.raises(InstanceCanceled):
            launcher.result("canceled-1", timeout=30)


# -- what nobody may


def connect(place: Place, user: str) -> pika.BlockingConnection:
    return pika.BlockingConnection(pika.URLParameters(place.rabbit.vhost_url(place.vhost, user)))


def publish(exchange: str, key: str) -> Callable[[Any], object]:
    def act(channel: Any) -> object:
        channel.confirm_delivery()
        return channel.basic_publish(exchange, key, b"{}")

    return act


def take(queue: str) -> Callable[[Any], object]:
    return lambda channel: channel.basic_get(queue)


def declare(queue: str) -> Callable[[Any], object]:
    return lambda channel: channel.queue_declare(queue, durable=True)


def bind(queue: str, exchange: str) -> Callable[[Any], object]:
    return lambda channel: channel.queue_bind(queue, exchange, "#")


def _refusal(connection: pika.BlockingConnection, act: Callable[[Any], object]) -> str:
    try:
        act(connection.channel())
    except pika.exceptions.ChannelClosedByBroker as closed:
        return str(closed.reply_text)
    return "it may"


REFUSED: dict[str, list[Callable[[Any], object]]] = {
    "bureaucrat-worker": [
        publish("bureaucrat.in", "bureaucrat"),
        publish("bureaucrat.in", "bureaucrat_events"),
        publish("", "bureaucrat"),
        publish("", "worker_charge"),
        publish("bureaucrat.signals", "delivered"),
        take("worker_other"),
        take("bureaucrat_msgs"),
        take("bureaucrat_dead"),
        declare("worker_charge_too"),
        bind("worker_charge", "bureaucrat.lifecycle"),
    ],
    "bureaucrat-client": [
        publish("", "bureaucrat_msgs"),
        publish("bureaucrat.in", "bureaucrat_dead"),
        publish("bureaucrat.in", "bureaucrat_schedule"),
        publish("bureaucrat.lifecycle", "instance.completed.x"),
        take("worker_charge"),
        take("bureaucrat"),
        declare("mine"),
    ],
    "bureaucrat-celery": [
        publish("bureaucrat.in", "bureaucrat"),
        publish("", "celery"),
        take("bureaucrat_msgs"),
        take("worker_charge"),
    ],
    "bureaucrat-agent": [
        publish("bureaucrat.in", "bureaucrat_events"),
        publish("bureaucrat.lifecycle", "instance.completed.x"),
        take("worker_charge"),
        take("bureaucrat_msgs"),
        declare("mine"),
    ],
    "bureaucrat-observer": [
        publish("bureaucrat.in", "bureaucrat"),
        publish("bureaucrat.signals", "delivered"),
        publish("", "bureaucrat_msgs"),
        take("bureaucrat_dead"),
        declare("mine"),
    ],
    "bureaucrat-daemon": [declare("others"), take("celery"), publish("amq.topic", "x")],
}


@pytest.mark.parametrize("user", REFUSED)
def test_nobody_may_do_what_its_role_does_not(place: Place, user: str) -> None:
    place.rabbit.evaluate(
        "[rabbit_amqqueue:declare(rabbit_misc:r("
        f'<<"{place.vhost}">>, queue, N), true, false, [], none, <<"t">>) || N <- [<<"worker_other">>, <<"celery">>]].'
    )
    with connect(place, user) as connection:
        told = [_refusal(connection, act) for act in REFUSED[user]]

    assert ["ACCESS_REFUSED" in one for one in told] == [True] * len(REFUSED[user]), told


def test_an_observer_hears_notices(place: Place) -> None:
    with connect(place, "bureaucrat-observer") as connection, Client(place.service.url) as client:
        channel = connection.channel()
        queue = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(queue, "bureaucrat.lifecycle", "instance.#")
        client.launch('<process name="p"/>', "observed-1")
        until(lambda: channel.basic_get(queue)[0], "a notice comes")


async def test_an_agent_takes_messages_starts_a_process_and_wakes_it(place: Place) -> None:
    delivered, orders = Signal("delivered", ["how"]), Queue("shop_orders")
    url, begun = f"{place.url('bureaucrat-agent')}?cafile={place.authority.cert}", []

    class Agent(MicroAgent):
        @consumer(orders)
        async def begin(self, **_: Any) -> None:
            begun.append(await self.launch(PARCEL, {}))

    config = place.config("agent", place.url("bureaucrat-agent"))
    bus, broker = AMQPSignalBus(url), AMQPBroker(url, config=config)
    agent = Agent(bus=bus, broker=broker)
    await agent.start()
    await broker.shop_orders.send({"order": 1})
    await asyncio.to_thread(until, lambda: begun, "it is launched")
    await asyncio.to_thread(until, lambda: place.service.status(begun[0]) == "running", "it waits")
    await bus.delivered.send("agent", how="by bike")

    await asyncio.to_thread(until, lambda: place.service.status(begun[0]) == "completed", "it is woken")
    assert (delivered.name, orders.name) == ("delivered", "shop_orders")
    await agent.stop()
    await broker.close()
    await bus.close()


# -- who may answer


def answer(attempt: Attempt, id: str, **properties: Any) -> None:
    body = json.dumps({"header": attempt.header, "fields": {"charged": 0}})
    attempt.client.publish("bureaucrat_msgs", body, message_id=id, **properties)


def reason(place: Place, id: str) -> str:
    def told() -> Any:
        rows = place.service.rows("SELECT reason FROM dead_letters WHERE message_id = ?", id)
        return rows and rows[0][0]

    found: str = until(told, f"{id} is a dead letter")
    return found


def test_an_attempt_is_answered_by_its_user_alone(place: Place) -> None:
    """C13 and C14: with the very token; and nobody can pretend to be another."""
    forged = place.service.metric("bureaucrat_answers_forged_total")
    with Client(place.service.url) as thief:
        thief.launch('<process name="p"><action participant="ship"/></process>', "ship-1")
        shipping = thief.attempt("ship")
        answer(shipping, "silent")
        silent = reason(place, "silent")
        answer(shipping, "said", user_id="guest")
        assert thief.ended("ship-1")["fields"] == {"charged": 0}

        with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="user_id property set to 'bureaucrat-worker'"):
            answer(shipping, "pretending", user_id="bureaucrat-worker")

    assert "the answer does not say who sends it, and [security] strict is on" in silent
    assert place.service.metric("bureaucrat_answers_forged_total") == forged


def test_an_answer_for_another_is_a_dead_letter_and_counted(place: Place) -> None:
    """C13: somebody has seen the token of an attempt that is the worker's."""
    before = place.service.metric("bureaucrat_answers_forged_total")
    with Client(place.service.url) as thief:
        thief.launch('<process name="p"><action participant="seen"/></process>', "seen-1")
        seen = thief.attempt("seen")
        answer(seen, "thief", user_id="guest")
        told = reason(place, "thief")
        assert thief.ask("seen-1")["status"] == "running"

    assert "another user is to answer this attempt, and it comes from RabbitMQ's user guest" in told
    assert place.service.metric("bureaucrat_answers_forged_total") == before + 1
