"""The daemon as a service: what it tells of itself, how it starts, and how it ends."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from rabbit import Rabbit
from service import Client, Service, until

SETTINGS = "stalled_after = 2s\n"
ACTION = '<process name="p"><action id="ask" participant="{}"/></process>'
QUEUES = ["bureaucrat", "bureaucrat_msgs", "bureaucrat_events", "bureaucrat_schedule", "bureaucrat_dead"]


def command(service: Service, *options: str, pid_file: str = "other.pid") -> subprocess.CompletedProcess[str]:
    """Start a daemon with the settings of another one, and wait for the end of what was started."""
    line = [sys.executable, "-m", "bureaucrat", *options, "-c", str(service.config)]
    return subprocess.run(
        [*line, "--pid-file", str(service.folder / pid_file)], capture_output=True, text=True, timeout=60
    )


# -- what it tells


def test_it_is_alive_and_ready(service: Service) -> None:
    status, health = service.get("/health")
    assert (status, health["status"], health["details"]["queues_missing"]) == (200, "alive", [])
    assert service.get("/ready") == (200, {"status": "ready", "reasons": []})


def test_the_figures_tell_of_the_work(service: Service, client: Client) -> None:
    """Each is what was done, no more and no less."""
    names = {
        'bureaucrat_messages_total{queue="bureaucrat"}': 3,
        'bureaucrat_messages_total{queue="bureaucrat_events"}': 3,
        "bureaucrat_attempts_total": 4,
        "bureaucrat_answers_total": 4,
        "bureaucrat_answers_forged_total": 1,
        "bureaucrat_messages_unidentified_total": 1,
        "bureaucrat_messages_repeated_total": 1,
        "bureaucrat_dead_letters_total": 2,
        "bureaucrat_incidents_open": 1,
    }
    before = {name: service.metric(name) if "queue=" not in name else 0.0 for name in names}
    for number in (1, 2, 3):
        client.launch(ACTION.format("figured"), f"figured-{number}")
    for status in ("done", "error", "done"):
        client.attempt("figured").answer(status=status, error="x")
    client.event("figured", {})
    for _ in range(2):
        client.event("figured", {}, message_id="figured")
    forged = {"header": {"message": "response", "target": "figured-1_0", "token": "forged"}, "fields": {}}
    client.publish("bureaucrat_msgs", json.dumps(forged))
    client.publish("bureaucrat_msgs", "no JSON")
    client.launch('<process name="p"/>', "figured-1")  # it is there already
    until(lambda: service.statuses() == {"completed": 2, "running": 1}, "two are done, one is an incident")
    until(lambda: service.metric("bureaucrat_instances_cached") == 1, "one is in memory")
    until(lambda: service.metric("bureaucrat_outbox_rows") == 0, "all is published")

    names['bureaucrat_messages_total{queue="bureaucrat"}'] = 4
    names["bureaucrat_attempts_total"] = names["bureaucrat_answers_total"] = 3

    def counted() -> dict[str, float]:
        return {name: service.metric(name) - before[name] for name in names}

    until(lambda: counted() == names, f"the figures are right: {counted()}", 10)
    assert service.metric("bureaucrat_transitions_total") > 6
    assert service.metric("bureaucrat_batches_total") > 0
    assert service.metric("bureaucrat_messages_published_total") > 0
    assert service.metric("bureaucrat_broker_connected") == 1
    assert service.metric("bureaucrat_broker_blocked") == 0
    assert service.metric("process_resident_memory_bytes") > 1e6


def test_an_incident_that_is_over_is_not_counted(service: Service, client: Client) -> None:
    before = service.metric("bureaucrat_incidents_open")
    client.launch(ACTION.format("over"), "over-1")
    client.attempt("over").answer(status="error", error="x")
    until(lambda: service.metric("bureaucrat_incidents_open") == before + 1, "it is counted")
    terminate = {"name": "terminate", "target": "over-1", "origin": "", "payload": {}}
    client.publish("bureaucrat_msgs", json.dumps(terminate))

    until(lambda: service.metric("bureaucrat_incidents_open") == before, "it is over")


def test_attempts_that_nobody_takes_are_announced(service: Service, client: Client) -> None:
    """L35: when its queue had no consumer for `stalled_after`; the row says since when, until a worker comes."""
    heard = client.channel.queue_declare("", exclusive=True).method.queue
    client.channel.queue_bind(heard, "bureaucrat.lifecycle", "activity.stalled.stalled-1")
    client.launch(ACTION.format("stalled"), "stalled-1", business_key="k")
    properties, body = client.get(heard)
    query = "SELECT consumers, ready, silent_since FROM destinations WHERE name = 'worker_stalled'"
    ((consumers, ready, since),) = service.rows(query)
    notice = json.loads(body)

    assert consumers == 0
    assert ready >= 1  # the same attempt may be there again: its queue was made while it left
    assert notice.pop("at") - since >= 2
    assert notice == {
        "notice": "activity.stalled",
        "instance": "stalled-1",
        "process": "p",
        "business_key": "k",
        "status": "running",
        "outcome": None,
        "address": "stalled-1_0",
        "queue": "worker_stalled",
        "since": since,
    }
    assert properties.content_type == "application/json"

    client.channel.basic_consume("worker_stalled", lambda *_: None, auto_ack=True)
    until(lambda: service.rows(query) == [(1, 0, None)], "a worker has come")


# -- its start


def test_a_second_daemon_on_the_database_is_refused(service: Service) -> None:
    """B-006 F5: whatever its pid file is; before it detaches, with the pid of the first."""
    for options in (["--foreground"], []):
        refused = command(service, *options)

        assert refused.returncode == 3
        assert f"process {service.pid}" in refused.stdout + refused.stderr
        assert str(service.database) in refused.stdout + refused.stderr
    assert service.get("/ready")[0] == 200


@pytest.fixture
def free(tmp_path: Path, rabbit: Rabbit) -> Iterator[Service]:
    """A daemon that was not started, on a virtual host of its own."""
    made = Service(tmp_path, rabbit.vhost_url(rabbit.fresh_vhost()))
    yield made
    made.kill()
    for pid_file in tmp_path.glob("*.pid"):  # of one that has detached
        with suppress(ProcessLookupError, ValueError):
            os.kill(int(pid_file.read_text()), signal.SIGKILL)


def wait_for_end(pid: int, number: signal.Signals) -> None:
    descriptor = os.pidfd_open(pid)
    try:
        os.kill(pid, number)
        ended, _, _ = select.select([descriptor], [], [], 30)
        assert ended, f"{pid} did not end after {number.name}"
    finally:
        os.close(descriptor)


def test_it_detaches_and_serves(free: Service) -> None:
    """B-001, B-004, B-005, B-007, B-011: pid file, log file; ended by its signal it leaves nothing."""
    started = command(free, pid_file="b.pid")
    assert (started.returncode, started.stdout, started.stderr) == (0, "", "")
    until(lambda: free.get("/ready")[0] == 200, "it is ready")
    pid = int((free.folder / "b.pid").read_text())
    with Client(free.url) as client:
        client.launch(ACTION.format("x"), "detached-1")
        client.attempt("x").answer()
        assert client.ended("detached-1")["status"] == "completed"

    wait_for_end(pid, signal.SIGTERM)

    log = (free.folder / "detached.log").read_text()
    assert " ready broker=amqp://guest:***@127.0.0.1:" in log
    assert "stopped code=0" in log
    assert not (free.folder / "b.pid").exists()


def make(client: Client) -> None:
    """Make what the daemon needs, as an administrator does."""
    for queue in QUEUES:
        client.channel.queue_declare(queue, durable=True)
    for exchange in ("bureaucrat.signals", "bureaucrat.lifecycle"):
        client.channel.exchange_declare(exchange, "topic", durable=True)


def test_topology_verify_refuses_to_start_without_its_queues(free: Service) -> None:
    """It says what is missing and where that is set, before it detaches; with the queues it starts."""
    free.amqp = "topology = verify"
    free.__post_init__()
    for options in (["--foreground"], []):
        refused = command(free, *options)

        assert refused.returncode == 3
        assert "topology = verify" in refused.stdout + refused.stderr
        assert "bureaucrat" in refused.stdout + refused.stderr
    with Client(free.url) as client:
        make(client)
    free.start()


def test_topology_assume_touches_nothing(free: Service) -> None:
    """What is missing is missed, and used as soon as somebody has made it."""
    free.amqp = "topology = assume"
    free.__post_init__()
    free.begin()
    with Client(free.url) as client:
        until(lambda: "RabbitMQ is away" in str(free.get("/ready")), "it waits")
        assert not any(client.is_there(queue) for queue in QUEUES)
        make(client)
        until(free.is_ready, "it has found its queues")
        client.launch(ACTION.format("late"), "assumed-1")
        until(lambda: free.get("/health")[1]["details"]["queues_missing"] == ["worker_late"], "it misses the queue")
        client.channel.queue_declare("worker_late", durable=True)
        client.attempt("late").answer()

        assert client.ended("assumed-1")["status"] == "completed"


# -- its end


def test_work_in_flight_is_not_lost_by_a_stop(free: Service) -> None:
    """B-008: it ends within its grace, with exit code 0; the next one goes on where it was."""
    number = 300
    free.start()
    seen: list[Any] = []
    with Client(free.url) as client:

        def answer_up_to(count: int) -> None:
            while len(seen) < count:
                attempt = client.attempt("many")
                seen.append(attempt.fields["one"])
                attempt.answer(done=True)

        for one in range(number):
            client.launch(ACTION.format("many"), f"many-{one}", fields={"one": one})
        until(lambda: (client.depth("worker_many") or 0) > 50, "attempts are on their way")
        answer_up_to(50)
        code = free.stop()
        log = free.log.read_text()
        free.start()
        answer_up_to(number)
        until(lambda: free.statuses() == {"completed": number}, "all have completed", 180.0)
        until(lambda: not any(free.left().values()), "nothing is left")
        assert client.depth("worker_many") == 0

    assert code == 0, log
    assert "it did not stop in time" not in log
    assert sorted(seen) == list(range(number))
