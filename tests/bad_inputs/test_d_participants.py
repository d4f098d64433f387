"""Bad answers of participants and HTTP services, one by one, to a real daemon that must do what comes next."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest
from service import WORKITEM, Attempt, Client, Service, until

SETTINGS = """history = full
[services]
allow = 127.0.0.1
timeout = 2s
response = 100KiB
[service:hidden]
url = http://127.0.0.1:1/
[limits]
field = 1MiB
fields = 2MiB
"""
WORK = '<process name="p"><action participant="work"/></process>'
_never = threading.Event()


def answered(client: Client, id: str, fields: dict[str, object]) -> None:
    """Launch, take the attempt, and answer it with these fields only."""
    client.launch(WORK, id)
    attempt = client.attempt("work")
    client.publish(client.messages, json.dumps({"header": attempt.header, "fields": fields}), WORKITEM)
    attempt.ack()


def incident(service: Service, id: str) -> tuple[str, str, str]:
    """Wait for the incident of an instance: its kind, code and message."""
    query = "SELECT kind, code, message FROM incidents WHERE instance = ?"
    ((kind, code, message),) = until(lambda: service.rows(query, id), f"{id} is an incident")
    return kind, code, message


@pytest.mark.parametrize("status", ["maybe", 42, ["done"]])
def test_d1_a_status_that_there_is_not_is_an_incident_that_names_it(
    service: Service, client: Client, status: object
) -> None:
    id = f"d1-{str(status)[:3].strip('[')}".replace("'", "")
    answered(client, id, {"status": status})

    kind, _, message = incident(service, id)

    assert kind == "error"
    assert json.dumps(status).strip('"[]') in message or repr(status) in message


@pytest.mark.parametrize("given", [{}, {"status": None}])
def test_d1_no_status_is_done(service: Service, client: Client, given: dict[str, object]) -> None:
    id = f"d1-none-{len(given)}"
    answered(client, id, {"paid": True, **given})

    assert client.ended(id)["fields"] == {"paid": True}


def test_d2_reserved_names_are_not_written_and_a_field_that_is_too_large_is_a_fault(
    service: Service, client: Client
) -> None:
    answered(client, "d2-names", {"inst:fault": {"code": "X"}, "__proto__": {"a": 1}})
    answered(client, "d2-large", {"text": "x" * (5 << 20)})

    _, code, message = incident(service, "d2-large")
    assert client.ended("d2-names")["fields"] == {"__proto__": {"a": 1}}
    assert (code, "a field may have 1,048,576" in message) == ("LimitExceeded", True)


def test_d3_fields_that_are_too_large_together_are_a_fault(service: Service, client: Client) -> None:
    answered(client, "d3", {f"text{number}": "x" * 900_000 for number in range(3)})

    _, code, message = incident(service, "d3")

    assert (code, "they may have 2,097,152" in message) == ("LimitExceeded", True)


def test_d4_an_answer_after_the_deadline_changes_nothing(service: Service, client: Client) -> None:
    definition = """<process name="p"><context><property name="late" type="bool">0</property></context>
    <action participant="work" timeout="100ms"><faults><case code="Timeout"/></faults></action></process>"""
    client.launch(definition, "d4")
    attempt = client.attempt("work")
    until(lambda: service.status("d4") == "completed", "the time is over")
    attempt.answer(late=True)

    until(lambda: service.rows("SELECT 1 FROM history WHERE instance = 'd4' AND what = 'late'"), "it is late")
    assert client.ended("d4")["fields"] == {"late": False}
    assert service.rows("SELECT reason FROM dead_letters WHERE message_id = 'd4'") == []


def test_d5_who_never_answers_is_tried_again_and_is_a_fault_in_the_end(service: Service, client: Client) -> None:
    definition = WORK.replace('"work"/>', '"work" timeout="100ms" retries="2" delay="10ms"/>')
    client.launch(definition, "d5")
    attempts: list[Attempt] = [client.attempt("work") for _ in range(3)]
    _, code, _ = incident(service, "d5")
    for one in attempts:
        one.ack()

    assert code == "Timeout"
    assert len({one.header["key"] for one in attempts}) == 1
    assert len({one.token for one in attempts}) == 3


# -- HTTP services


@pytest.fixture
def heads() -> list[bytes]:
    """The beginning of each request."""
    return []


@pytest.fixture
def port(heads: list[bytes]) -> Iterator[Callable[[Callable[[socket.socket], None]], int]]:
    """Serves each connection by a function, on a port of its own."""
    servers: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def begin(serve: Callable[[socket.socket], None]) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def run() -> None:
            with suppress(OSError):  # it is closed at the end
                while True:
                    connection, _ = server.accept()
                    with closing(connection), suppress(OSError):  # whoever asked has had enough
                        heads.append(connection.recv(65_536))
                        serve(connection)

        threads.append(threading.Thread(target=run, daemon=True))
        threads[-1].start()
        return int(server.getsockname()[1])

    yield begin
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
    for thread in threads:
        thread.join(10)


def _whole(status: str, body: bytes, headers: str = "") -> Callable[[socket.socket], None]:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n"
    return lambda connection: connection.sendall(head.encode() + body)


def _endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        connection.sendall(b" " * 65_536)


def _drop_by_drop(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        _never.wait(0.5)


JSON = "Content-Type: application/json\r\n"
#: the response, the incident's code, and what it says
RESPONSES = {
    "html": (_whole("200 OK", b"<html>", "Content-Type: text/html\r\n"), "", "JSON"),
    "500": (_whole("500 Oops", b"{}", JSON), "", "HTTP 500 Oops"),
    "404": (_whole("404 Not Found", b"{}", JSON), "HttpError", "HTTP 404 Not Found"),
    "redirect": (
        _whole("301 Moved", b"", "Location: http://169.254.169.254/latest/meta-data\r\n"),
        "HttpError",
        "HTTP 301 Moved",
    ),
    "endless": (_endless, "", "larger than response in [services]"),
    "slow": (_drop_by_drop, "", "2 s"),
    "bomb": (_whole("200 OK", gzip.compress(b" " * (64 << 20)), f"{JSON}Content-Encoding: gzip\r\n"), "", ""),
    "nonsense": (lambda connection: connection.sendall(b"\x00\xff\r\n\r\n"), "", ""),
    "nothing": (lambda connection: None, "", ""),
    "header": (_whole("200 OK", b"{}", "X: " + "y" * 100_000 + "\r\n"), "", ""),
}


@pytest.mark.parametrize("case", RESPONSES)
def test_d7_a_response_that_cannot_be_used_ends_the_attempt_with_the_reason(
    service: Service, client: Client, port: Callable[[Callable[[socket.socket], None]], int], case: str
) -> None:
    serve, code, told = RESPONSES[case]
    url = f"http://127.0.0.1:{port(serve)}/charge"

    client.launch(f'<process name="p"><action participant="{url}"/></process>', f"d7-{case}")

    _, found, message = incident(service, f"d7-{case}")
    assert told in message
    assert not code or found == code


@pytest.mark.parametrize(
    ("case", "participant", "told"),
    [
        ("not-registered", "service:nobody", "[service:nobody]"),
        ("not-allowed", "http://10.0.0.1/", "allow"),
        ("hexadecimal", "http://0x0a000001/", "allow"),
        ("metadata", "http://169.254.169.254/latest/meta-data", "allow"),
        ("mapped", "http://[::ffff:10.0.0.1]/", "allow"),
    ],
)
def test_d8_an_address_that_is_not_allowed_is_not_connected_to(
    service: Service, client: Client, case: str, participant: str, told: str
) -> None:
    client.launch(f'<process name="p"><action participant="{participant}"/></process>', f"d8-{case}")

    kind, _, message = incident(service, f"d8-{case}")

    assert kind == "unroutable"
    assert told in message


def test_d8_another_scheme_is_no_way_to_a_participant(service: Service, client: Client) -> None:
    client.launch('<process name="p"><action participant="file:///etc/passwd"/></process>', "d8-file")

    kind, _, message = incident(service, "d8-file")

    assert (kind, "file:///etc/passwd" in message) == ("unroutable", True)


def test_d10_what_is_in_fields_never_becomes_a_header(
    service: Service, client: Client, port: Callable[[Callable[[socket.socket], None]], int], heads: list[bytes]
) -> None:
    """Keys and addresses are ours; a field with a line's end travels in the body only."""
    url = f"http://127.0.0.1:{port(_whole('200 OK', b'{}', JSON))}/charge"
    definition = f"""<process name="p" key="evil"><context><property name="evil" type="str" required="yes"/></context>
    <action participant="{url}"/></process>"""
    client.launch(definition, "d10", fields={"evil": "a\r\nX-Injected: yes"})

    assert client.ended("d10")["fields"]["evil"] == "a\r\nX-Injected: yes"
    assert len(heads) == 1
    assert b"\r\nX-Injected" not in heads[0]
    assert b"Idempotency-Key: d10/" in heads[0]
