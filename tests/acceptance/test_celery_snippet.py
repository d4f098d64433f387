"""The README of the original, followed to the letter: workitems go to Celery, and its handler sends results back.

Real Celery, RabbitMQ and daemon; nothing of ours is in the worker.
"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from celery_worker import CeleryWorker
from rabbit import Rabbit
from service import MESSAGE, WORKITEM, Client, Service, until

#: As it stands there.
SNIPPET = """
        import pika
        import json
        from celery.signals import task_success

        @task_success.connect
        def handle_task_success(sender=None, **kwargs):
            \"\"\"Report task results back to workflow engine.\"\"\"

            parameters = pika.ConnectionParameters(host="localhost")
            connection = pika.BlockingConnection(parameters)
            channel = connection.channel()
            channel.basic_publish(exchange='',
                                  routing_key='bureaucrat_msgs',
                                  body=json.dumps(kwargs["result"]),
                                  properties=pika.BasicProperties(
                                      delivery_mode=2,
                                      content_type='application/x-bureaucrat-workitem'
                                  ))
            connection.close()
"""

#: The tests' broker is not at the port that the README takes for granted.
PLACE = """
import pika

pika.connection.Parameters.DEFAULT_PORT = {port}
pika.connection.Parameters.DEFAULT_VIRTUAL_HOST = {vhost!r}
"""

TASKS = """
import os

from celery import Celery

app = Celery(__name__, broker=os.environ["BROKER"])
app.conf.task_ignore_result = True
app.conf.task_default_queue = {queue!r}


@app.task
def charge(workitem):
    fields = workitem["fields"] if "fields" in workitem else workitem["payload"]
    fields["paid"] = fields["amount"] * 2
    return workitem


@app.task
def refuse(workitem):
    fields = workitem["fields"] if "fields" in workitem else workitem["payload"]
    fields.update(status="critical", code="CardRefused", error="over the limit")
    return workitem
"""

SETTINGS = """
taskqueue_type = celery
message_format = {}
stalled_after = 1s
[celery]
routing = proj.* = proj, late.* = late
"""

PROCESS = """
<process name="sale">
  <faults><case code="CardRefused"><assign property="refused">context["inst:fault"]["message"]</assign></case></faults>
  <action participant="{charge}"/>
  <action participant="proj.refuse"/>
</process>
"""


def worker_of(folder: Path, url: str, content_type: str, module: str) -> CeleryWorker:
    """With the tasks and the snippet, its queue called as its module."""
    parts = urlsplit(url)
    place = PLACE.format(port=parts.port, vhost=parts.path.removeprefix("/"))
    handler = textwrap.dedent(SNIPPET).replace(WORKITEM, content_type)
    return CeleryWorker(folder, url, place + TASKS.format(queue=module) + handler, module=module)


@pytest.fixture(scope="module", params=[("workitem", WORKITEM), ("message", MESSAGE)], ids=["workitem", "message"])
def installation(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, rabbit: Rabbit
) -> Iterator[Service]:
    """A daemon that writes one of the formats, and a worker that answers with one of the content types."""
    form, content_type = request.param
    url = rabbit.vhost_url(rabbit.fresh_vhost())
    service = Service(tmp_path_factory.mktemp("daemon"), url, SETTINGS.format(form))
    worker = worker_of(tmp_path_factory.mktemp("celery"), url, content_type, "proj")
    try:
        service.start()
        worker.start()
        yield service
    finally:
        worker.kill()
        service.kill()


@pytest.mark.parametrize("charge", ["proj.charge", "celery:proj.charge"])
def test_the_readme_of_the_original_works_to_the_letter(installation: Service, charge: str) -> None:
    """B-047, B-049, B-050, B-052, B-054: with both content types, with and without the prefix."""
    with Client(installation.url) as client:
        id = f"sale-{charge.replace(':', '-')}"
        client.launch(PROCESS.format(charge=charge), id, fields={"amount": 21})
        told = client.ended(id)

    assert told["fields"] == {"amount": 21, "paid": 42, "refused": "over the limit"}
    nothing = {"outbox": 0, "mailbox": 0, "waits": 0, "dead_letters": 0, "timers": 0}
    until(lambda: installation.left() == nothing, "nothing is left")


def _why(service: Service, id: str) -> str:
    """What ``show`` says first of why an instance waits."""
    command = [sys.executable, "-m", "bureaucrat", "show", id, "--json", "-c", str(service.config)]
    shown = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return str(shown["why"][0]["text"])


def test_an_attempt_waits_for_a_worker_that_was_never_started(
    installation: Service, tmp_path: Path, rabbit: Rabbit
) -> None:
    """L35: it is stalled, and its queue named; the worker then declares the queue in its own way, which is not ours."""
    process = '<process name="late"><action id="charge" participant="celery:late.charge"/></process>'
    vhost = installation.url.rpartition("/")[2]
    worker = worker_of(tmp_path, installation.url, WORKITEM, "late")
    with Client(installation.url) as client:
        client.launch(process, "late-1", fields={"amount": 4})
        until(lambda: "no consumer on queue late for" in _why(installation, "late-1"), "it is stalled")
        was_there = client.is_there("late")
        try:
            worker.start()
            told = client.ended("late-1")
        finally:
            worker.kill()
    kinds = dict(line.split("\t") for line in rabbit.ctl("list_queues", "-p", vhost, "name", "type").splitlines())

    assert not was_there
    assert told["fields"] == {"amount": 4, "paid": 8}
    assert (kinds["late"], kinds["bureaucrat_msgs"]) == ("classic", "quorum")
