"""``/health``, ``/ready`` and ``/metrics``, and what the server bears."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from service_manager import TIMEOUT

from bureaucrat.config import Address
from bureaucrat.daemon import health as module
from bureaucrat.daemon.health import Health, Status
from bureaucrat.daemon.metrics import FiguresCollector, registry_of
from bureaucrat.engine.figures import Figures
from bureaucrat.errors import ConfigurationError


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


@dataclass
class Served:
    """A server, its status to be changed at will."""

    status: Status = field(default_factory=lambda: Status(True, True))
    figures: Figures = field(default_factory=Figures)
    host: str = "127.0.0.1"

    def __post_init__(self) -> None:
        registry = CollectorRegistry()
        registry.register(FiguresCollector(self.figures))
        self.health = Health(Address(self.host, 0), lambda: self.status, registry)
        self.health.start()

    def connect(self) -> socket.socket:
        return socket.create_connection((self.host, self.health.port), TIMEOUT)

    def ask(self, path: str, method: str = "GET") -> tuple[HTTPResponse, bytes]:
        connection = HTTPConnection(self.host, self.health.port, timeout=TIMEOUT)
        connection.request(method, path)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer, body

    def json(self, path: str) -> tuple[int, dict[str, Any]]:
        answer, body = self.ask(path)
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.status, json.loads(body)


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.health.stop()


@pytest.mark.parametrize(
    ("status", "health", "ready"),
    [
        (
            Status(True, True, [], {"outbox": 3}),
            (200, {"status": "alive", "details": {"outbox": 3}}),
            (200, {"status": "ready", "reasons": []}),
        ),
        (
            Status(True, False, ["no broker"]),
            (200, {"status": "alive", "details": {}}),
            (503, {"status": "not ready", "reasons": ["no broker"]}),
        ),
        (
            Status(False, True),
            (503, {"status": "the event loop does not answer", "details": {}}),
            (503, {"status": "not ready", "reasons": ["the event loop does not answer"]}),
        ),
    ],
)
def test_health_and_readiness_are_two_questions(
    served: Served, status: Status, health: tuple[int, object], ready: tuple[int, object]
) -> None:
    """200 or 503, with what is known as JSON; a query is passed over."""
    served.status = status

    assert served.json("/health") == health
    assert served.json("/ready?verbose=1") == ready


def test_figures_are_metrics(served: Served) -> None:
    """In the text format of Prometheus; each counter and gauge with its explanation."""
    served.figures.accepted("bureaucrat_msgs")
    served.figures.accepted("bureaucrat_msgs")
    served.figures.accepted("bureaucrat")
    served.figures.attempts = 5
    served.figures.is_connected = True
    served.figures.due_late = 0.25
    served.figures.kept = {"charge": 7}
    served.figures.in_flight = {"charge": 20, "mail": 0}

    answer, body = served.ask("/metrics")

    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    lines = body.decode().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        'bureaucrat_messages_total{queue="bureaucrat_msgs"} 2.0',
        'bureaucrat_messages_total{queue="bureaucrat"} 1.0',
        'bureaucrat_attempts_waiting{participant="charge"} 7.0',
        'bureaucrat_attempts_in_flight{participant="charge"} 20.0',
        'bureaucrat_attempts_in_flight{participant="mail"} 0.0',
        "bureaucrat_dead_letters_total 0.0",
        "bureaucrat_attempts_total 5.0",
        "bureaucrat_answers_total 0.0",
        "bureaucrat_transitions_total 0.0",
        "bureaucrat_batches_total 0.0",
        "bureaucrat_messages_published_total 0.0",
        "bureaucrat_messages_unidentified_total 0.0",
        "bureaucrat_messages_repeated_total 0.0",
        "bureaucrat_messages_redone_total 0.0",
        "bureaucrat_messages_passed_over_total 0.0",
        "bureaucrat_answers_forged_total 0.0",
        "bureaucrat_outbox_rows 0.0",
        "bureaucrat_messages_waiting 0.0",
        "bureaucrat_unconfirmed 0.0",
        "bureaucrat_timers_late_seconds 0.25",
        "bureaucrat_incidents_open 0.0",
        "bureaucrat_broker_connected 1.0",
        "bureaucrat_broker_blocked 0.0",
        "bureaucrat_instances_cached 0.0",
    ]
    assert "# HELP bureaucrat_attempts_total Attempts handed to the transport." in lines
    assert "# TYPE bureaucrat_incidents_open gauge" in lines


def test_what_the_system_says_of_the_process_is_there_too() -> None:
    """Memory, processor time, descriptors."""
    names = {metric.name for metric in registry_of(Figures()).collect()}

    assert {"bureaucrat_messages", "process_resident_memory_bytes", "process_cpu_seconds"} <= names


@pytest.mark.parametrize(
    ("path", "method", "expected"),
    [
        ("/", "GET", 404),
        ("/health/", "GET", 404),
        ("/../etc/passwd", "GET", 404),
        ("/" + "x" * 5_000, "GET", 414),
        ("/health", "POST", 405),
        ("/metrics", "DELETE", 405),
        ("/health", "HEAD", 200),
        ("/metrics", "HEAD", 200),
        ("/none", "HEAD", 404),
    ],
)
def test_anything_else_is_refused(served: Served, path: str, method: str, expected: int) -> None:
    """And an answer to HEAD has no body. Nothing tells which Python runs."""
    answer, body = served.ask(path, method)

    assert answer.status == expected
    assert answer.headers["Server"] == "bureaucrat"
    assert method != "HEAD" or body == b""


def test_a_request_that_is_none_is_answered_or_cut(served: Served) -> None:
    """And the next one is served."""
    answers = []
    for sent in (b"\x00\x01\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b""):
        with served.connect() as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            answers.append(connection.makefile("rb").read())

    assert [b"Error code: 400" in answer for answer in answers] == [True, True, False, False]
    assert b"Error code: 505" in answers[2]
    assert answers[3] == b""
    assert served.json("/health")[0] == 200


def test_a_client_that_sends_slowly_is_cut(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline is for the whole request, however its bytes come."""
    monkeypatch.setattr(module, "_DEADLINE", 0.05)

    with served.connect() as connection:
        connection.sendall(b"GET /hea")
        assert connection.recv(100) == b""

    assert served.json("/health")[0] == 200


def test_connections_beyond_the_bound_are_cut(served: Served) -> None:
    """Sixteen may wait; the next is closed at once, and a place that is free again is given away."""
    waiting = [served.connect() for _ in range(16)]
    for connection in waiting:
        connection.sendall(b"GET /health HTTP/1.0\r\n")

    with served.connect() as one_too_many:
        assert one_too_many.recv(100) == b""
    waiting[0].sendall(b"\r\n")
    first = waiting[0].makefile("rb").read()
    for connection in waiting:
        connection.close()

    assert first.startswith(b"HTTP/1.0 200 OK")


def test_a_request_is_logged_for_who_looks_closely(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG only."""
    caplog.set_level(logging.DEBUG, "bureaucrat.daemon.health")

    served.ask("/health")

    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [
        ("DEBUG", 'health: "GET /health HTTP/1.1" 200 -')
    ]


def test_an_address_in_use_is_told_with_the_setting(served: Served) -> None:
    """And what to do."""
    with pytest.raises(ConfigurationError) as caught:
        Health(Address("127.0.0.1", served.health.port), lambda: Status(True, True), CollectorRegistry())

    assert str(caught.value) == (
        f"nothing can listen on 127.0.0.1:{served.health.port} (Address already in use); "
        "choose another address for [health] listen, or switch it off: listen = off"
    )


def test_a_server_that_was_not_started_lets_go_of_its_address() -> None:
    """A later check may have failed."""
    health = Health(Address("127.0.0.1", 0), lambda: Status(True, True), CollectorRegistry())
    port = health.port

    health.stop()

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port))


def test_it_listens_on_ipv6() -> None:
    """``[::1]:9464``; where the system has no IPv6, that is told as any other address that cannot be used."""
    made: list[Served] = []
    with contextlib.suppress(ConfigurationError):
        made.append(Served(host="::1"))

    assert [one.json("/health")[0] for one in made] == ([200] if has_ipv6() else [])
    for one in made:
        one.health.stop()
