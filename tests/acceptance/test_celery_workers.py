"""Tasks that end in every way there is, on every pool: each instance ends, or is an incident that says why."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from celery_worker import CeleryWorker
from rabbit import Rabbit
from service import MESSAGE, Client, Service, until

SHOP = Path(__file__).with_name("celery_shop.py").read_text()
SETTINGS = "message_format = workitem\nanswer_timeout = 10m"
PROCESS = '<process name="p"><context><property name="n" type="int">1</property></context>{}</process>'
ACTION = '<action id="a" participant="celery:shop.{}" {}/>'


class Installation:
    """A daemon, and a worker with one kind of pool."""

    def __init__(self, service: Service, worker: CeleryWorker, client: Client) -> None:
        self.service = service
        self.worker = worker
        self.client = client
        self._number = 0

    def end_of(self, task: str, attributes: str = "") -> dict[str, Any]:
        """Start an instance of one action, and wait until it has ended or needs a person."""
        self._number += 1
        id = f"{task.replace('_', '-')}-{self._number}"
        self.client.launch(PROCESS.format(ACTION.format(task, attributes)), id)
        return self.rested(id)

    def rested(self, id: str) -> dict[str, Any]:
        def rested() -> Any:
            told = self.client.ask(id)
            errors = [one for one in told.get("incidents", ()) if one["kind"] == "error"]
            return told if errors or told.get("status") in ("completed", "faulted") else None

        found: dict[str, Any] = until(rested, f"{id} rests; the worker says:\n{self.worker.said[-2000:]}")
        return found


TERMINATE = {"name": "terminate", "target": "canceled-1", "origin": "", "payload": {}}
FLAGGED = "Tasks flagged as revoked: "
IGNORED = "the task ended with Ignore, as one does that replaces itself; what becomes of it is not known here"
POOLS = [("prefork", 2), ("solo", 1), ("threads", 4), ("gevent", 4)]


def installation_of(folder: Path, url: str, pool: str, concurrency: int, **environment: str) -> Installation:
    """Daemon and worker, started."""
    folders = {name: folder / name for name in ("daemon", "celery", "ledger")}
    for one in folders.values():
        one.mkdir()
    service = Service(folders["daemon"], url, SETTINGS)
    worker = CeleryWorker(
        folders["celery"],
        url,
        SHOP,
        pool,
        concurrency,
        "shop",
        environment={"LEDGER": str(folders["ledger"]), **environment},
    )
    try:
        service.start()
        worker.start()
        return Installation(service, worker, Client(url))
    except BaseException:
        worker.kill()
        service.kill()
        raise


def stop(made: Installation) -> None:
    made.client.close()
    made.worker.kill()
    made.service.kill()


@pytest.fixture(scope="module", params=POOLS, ids=lambda pool: pool[0])
def any_pool(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, rabbit: Rabbit
) -> Iterator[Installation]:
    url = rabbit.vhost_url(rabbit.fresh_vhost())
    made = installation_of(tmp_path_factory.mktemp("installation"), url, *request.param)
    try:
        yield made
    finally:
        stop(made)


@pytest.mark.parametrize(
    ("task", "n"),
    [("whole", 2), ("changes", 2), ("nothing", 3), ("by_name", 4), ("bound", 5), ("third_time", 2)],
)
def test_what_a_task_returns_is_merged(any_pool: Installation, task: str, n: int) -> None:
    """The workitem, changes, or nothing; by the function's signature; after retries of Celery's, which are silent."""
    told = any_pool.end_of(task)

    assert (told["status"], told["fields"]["n"]) == ("completed", n)
    assert any_pool.service.rows("SELECT count(*) FROM dead_letters") == [(0,)]


def test_a_task_written_without_us_is_called_as_it_is(any_pool: Installation) -> None:
    """By its own arguments; what it returns has the name that the action gives; key and token are headers."""
    action = '<action participant="celery:shop.{}" arguments="kwargs" result="{}"><input>{}</input></action>'
    first = action.format("foreign", "total", '<field name="price">n + 20</field>')
    second = action.format("headers", "seen", '<field name="n">n</field>')
    any_pool.client.launch(PROCESS.format(first + second), "foreign-1")
    told = any_pool.rested("foreign-1")

    names = ["answers", "arguments", "attempt", "key", "participant", "result", "target", "token"]
    assert told["fields"]["total"] == 42
    assert told["fields"]["seen"][0] == [f"bureaucrat-{name}" for name in names]
    assert told["fields"]["seen"][1].startswith("foreign-1/")


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("raises", "OSError: no paper"),
        ("never", "OSError: never"),
        ("nonsense", "TypeError: it returned a str; return a dict of changed fields, or nothing"),
        ("no_json", "TypeError: it answered what is no JSON: n is nan, which JSON has no word for"),
        ("rejects", "the task was rejected: no such customer"),
        (
            "ignores",
            "the task ended with Ignore, as one does that replaces itself; what becomes of it is not known here",
        ),
        ("revokes", "the Celery task was revoked"),
        ("unknown", "NotRegistered: the worker shop@{host} knows no Celery task 'shop.unknown'"),
    ],
)
def test_what_a_task_cannot_do_is_an_incident_that_says_why(any_pool: Installation, task: str, message: str) -> None:
    """L32, L33: used-up retries of the action; of Celery's own only the last is told."""
    (incident,) = any_pool.end_of(task)["incidents"]

    assert (incident["kind"], incident["code"]) == ("error", "ActionError")
    assert incident["message"] == message.format(host=_host(incident["message"]))


def _host(message: str) -> str:
    return message.partition("@")[2].partition(" ")[0]


@pytest.mark.parametrize(("task", "message"), [("throws", "over the limit"), ("declines", "Declined: no cover")])
def test_a_fault_of_a_task_is_a_fault_of_the_process(any_pool: Installation, task: str, message: str) -> None:
    """L32: ``Fault``, and the classes that ``install`` was told of."""
    told = any_pool.end_of(task)

    assert (told["status"], told["fault"]) == ("faulted", {"code": "CardRefused", "message": message})


def test_an_error_is_tried_again_by_the_action(any_pool: Installation) -> None:
    """L33: a task that fails is another attempt, another message, the same key."""
    (incident,) = any_pool.end_of("raises", 'retries="1" delay="0"')["incidents"]

    assert incident["message"] == "OSError: no paper"


def test_a_connection_that_was_lost_is_opened_again(any_pool: Installation, rabbit: Rabbit) -> None:
    """Of the worker, of the daemon and the one for answers; after a first answer, so that it was there."""
    first = any_pool.end_of("changes")
    any_pool.client.close()
    rabbit.close_connections(any_pool.service.url.rpartition("/")[2])
    any_pool.client = Client(any_pool.service.url)
    second = any_pool.end_of("changes")

    assert [told["status"] for told in (first, second)] == ["completed", "completed"]


@pytest.mark.parametrize("any_pool", [("gevent", 4)], indirect=True, ids=["gevent"])
def test_a_greenlet_acknowledges_when_its_answer_is_confirmed(any_pool: Installation, rabbit: Rabbit) -> None:
    """While the broker takes no messages it waits, and others go on."""
    ledger, vhost = Path(any_pool.worker.environment["LEDGER"]), any_pool.service.url.rpartition("/")[2]
    turns = ledger / "turns"
    any_pool.client.launch(PROCESS.format(ACTION.format("holds_up", "")), "waits-1")
    any_pool.client.launch(PROCESS.format(ACTION.format("counts_for_ever", "")), "counts-1")
    until(lambda: turns.exists(), "both have begun")
    rabbit.block()
    try:
        (ledger / "go-on").touch()
        until(lambda: "an answer waits" in any_pool.worker.said, "the answer is not confirmed")
        unacknowledged, counted = rabbit.queues(vhost)["celery"].messages, turns.stat().st_size
        until(lambda: turns.stat().st_size > counted, "the other greenlet goes on")
    finally:
        rabbit.unblock()
    (ledger / "enough").touch()

    assert [any_pool.rested(name)["status"] for name in ("waits-1", "counts-1")] == ["completed", "completed"]
    assert unacknowledged == 2


@pytest.mark.parametrize("any_pool", [("gevent", 4)], indirect=True, ids=["gevent"])
@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("leaves", "SystemExit: 3"),
        ("far_too_slow", "the Celery task has exceeded its time limit of 1 s"),
        ("terminated", "the Celery task was terminated"),
    ],
)
def test_a_greenlet_that_is_ended_is_an_incident_that_says_why(any_pool: Installation, task: str, message: str) -> None:
    (incident,) = any_pool.end_of(task)["incidents"]

    assert incident["message"] == message


# -- what ends a process of the pool, or the whole worker


@pytest.fixture(scope="module")
def prefork(tmp_path_factory: pytest.TempPathFactory, rabbit: Rabbit) -> Iterator[Installation]:
    url = rabbit.vhost_url(rabbit.fresh_vhost())
    made = installation_of(tmp_path_factory.mktemp("installation"), url, "prefork", 2)
    try:
        yield made
    finally:
        stop(made)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("leaves", "SystemExit: 3"),
        ("too_slow", "SoftTimeLimitExceeded: SoftTimeLimitExceeded()"),
        ("far_too_slow", "the Celery task has exceeded its time limit of 1 s"),
        ("exits_always", "the process that worked on it was lost: Worker exited prematurely: exitcode 1 Job: #."),
        ("lost", "the process that worked on it was lost: Worker exited prematurely: signal 9 (SIGKILL) Job: #."),
        ("terminated", "the Celery task was terminated"),
    ],
)
def test_a_task_that_is_ended_is_an_incident_that_says_why(prefork: Installation, task: str, message: str) -> None:
    """By itself, a time limit, a kill, a command. One that has ended two processes is not given to a third."""
    (incident,) = prefork.end_of(task)["incidents"]

    assert (incident["kind"], incident["code"]) == ("error", "ActionError")
    assert re.sub(r"Job: \d+", "Job: #", incident["message"]) == message


def test_a_task_whose_process_was_killed_is_done_again(prefork: Installation) -> None:
    """By Celery, with ``reject_on_worker_lost``: no attempt of the action is used up."""
    told = prefork.end_of("killed_once")

    assert (told["status"], told["fields"]) == ("completed", {"n": 3})


def test_what_is_done_once_is_not_done_again_after_a_kill_before_its_answer(prefork: Installation) -> None:
    """Between commit and acknowledgement: Celery does it again, and the answer is that of the first time."""
    ledger = Path(prefork.worker.environment["LEDGER"])

    told = prefork.end_of("pays_once")

    assert (told["status"], told["fields"]) == ("completed", {"n": 1})
    assert len((ledger / "killed").read_text()) == 2
    with closing(sqlite3.connect(ledger / "accounts.db")) as accounts:
        ((key, number),) = accounts.execute("SELECT key, count(*) FROM payments").fetchall()
        assert number == 1
        assert accounts.execute("SELECT id, answer FROM bureaucrat_once").fetchall() == [(key, '{"n": 1}')]


def test_what_was_canceled_is_not_begun(prefork: Installation) -> None:
    """Canceling an activity revokes the task, if no process has begun with it."""
    ledger, client = Path(prefork.worker.environment["LEDGER"]), prefork.client
    before = prefork.worker.said.count(FLAGGED)
    for number in range(2):  # as many as the worker does at once
        client.launch(PROCESS.format(ACTION.format("holds_up", "")), f"holds-up-{number}")
    until(lambda: prefork.service.rows("SELECT count(*) FROM outbox") == [(0,)], "all was sent")
    client.launch(PROCESS.format(ACTION.format("counted", "")), "canceled-1")
    until(lambda: prefork.service.status("canceled-1") == "running", "it has started")
    until(lambda: prefork.service.rows("SELECT count(*) FROM outbox") == [(0,)], "all was sent")
    client.publish("bureaucrat_msgs", json.dumps(TERMINATE), MESSAGE)
    client.ended("canceled-1", "canceled")
    until(lambda: prefork.worker.said.count(FLAGGED) > before, "the worker was told")
    (ledger / "go-on").touch()
    client.ended("holds-up-0")
    until(lambda: "Discarding revoked task: shop.counted" in prefork.worker.said, "it was discarded")

    assert [path.name for path in ledger.iterdir() if path.name.startswith("canceled")] == []


def test_what_was_in_a_queue_that_is_deleted_and_made_again_is_sent_again(
    prefork: Installation, rabbit: Rabbit
) -> None:
    """By the worker, who tells nobody: the daemon sees that it is another one."""
    service, vhost = prefork.service, prefork.service.url.rpartition("/")[2]
    assert prefork.end_of("changes")["status"] == "completed"
    until(lambda: service.rows("SELECT 1 FROM destinations WHERE name = 'celery'"), "the queue was looked at")
    prefork.worker.stop()
    prefork.client.launch(PROCESS.format(ACTION.format("changes", "")), "lost-1")
    until(lambda: rabbit.queues(vhost)["celery"].messages == 1, "the attempt lies in the queue")
    until(lambda: service.rows("SELECT count(*) FROM outbox") == [(0,)], "nothing knows of it but the instance")

    rabbit.delete_queue("celery", vhost)
    prefork.worker.start()

    assert prefork.rested("lost-1")["status"] == "completed"


MANY = 12
CHAIN = '<process name="p"><context><property name="n" type="int">0</property></context>{}</process>'.format(
    '<action participant="celery:shop.counted"/>' * 3
)


def test_workers_that_are_killed_and_restarted_in_the_middle_lose_nothing(prefork: Installation) -> None:
    """The whole worker, again and again: each instance ends, and no continuation happens twice."""
    names = [f"many-{number}" for number in range(MANY)]
    for name in names:
        prefork.client.launch(CHAIN, name)
    for ended in (MANY // 4, MANY // 2):
        until(lambda: prefork.service.statuses().get("completed", 0) >= ended, "some have ended")  # noqa: B023
        prefork.worker.kill()
        prefork.worker.start()
    told = [prefork.rested(name) for name in names]

    assert [(one["status"], one["fields"]) for one in told] == [("completed", {"n": 3})] * MANY
