"""No secret is ever written: not by a daemon that logs everything, not by a worker, not by a command, not in an error.

Every secret is a word that is nowhere else. Whatever the programs print, log and keep is searched for all of them, also
as they look in a URL, in base64 and in JSON.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from postgres import Postgres
from rabbit import Rabbit
from service import Client, Service, until

LOGIN = f"login-{secrets.token_hex(8)}/%+"
STORAGE = f"storage-{secrets.token_hex(8)}@:"
HEADER = f"header-{secrets.token_hex(8)}"
SIGNING = base64.b64encode(f"signing-{secrets.token_hex(16)}".encode()).decode()
SECRETS = {"login": LOGIN, "storage": STORAGE, "header": HEADER, "signing": SIGNING}

ROLE = "secretive"
PROCESS = """<process name="p"><context><property name="n" type="int">0</property></context>
<action participant="service:charge"/></process>"""
REFUSAL = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
WORKER = "from bureaucrat import participant\n\n\n@participant('work')\ndef work():\n    raise OSError('no')\n"


def forms(secret: str) -> set[bytes]:
    """How it may look."""
    raw = secret.encode()
    told = {raw, quote(secret, safe="").encode(), json.dumps(secret)[1:-1].encode(), repr(secret)[1:-1].encode()}
    plain = b"\0someone\0" + raw  # of SASL
    return told | {base64.b64encode(raw), base64.b64encode(plain)}


def found_in(text: bytes) -> list[str]:
    """The secrets that a text has."""
    return [name for name, secret in SECRETS.items() if any(form in text for form in forms(secret))]


@pytest.fixture
def refusing() -> Iterator[tuple[int, list[bytes]]]:
    """An HTTP service that refuses whoever asks; its port, and the requests."""
    requests: list[bytes] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            with suppress(OSError):  # it is closed at the end
                while True:
                    connection, _ = server.accept()
                    with closing(connection):
                        requests.append(connection.recv(65_536))
                        connection.sendall(REFUSAL)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(server.getsockname()[1]), requests
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Where the secrets stand: files that nobody else may read, and the environment."""
    for name, text in (("storage", STORAGE), ("header", f"Authorization: Bearer {HEADER}\n"), ("signing", SIGNING)):
        (tmp_path / name).touch(0o600)
        (tmp_path / name).write_text(text)
    return {"BUREAUCRAT_AMQP_PASSWD": LOGIN, "CREDENTIALS_DIRECTORY": str(tmp_path)}


def _daemon(folder: Path, rabbit: Rabbit, postgres: Postgres, port: int, environment: dict[str, str]) -> Service:
    vhost, database = rabbit.fresh_vhost(), postgres.fresh_database()
    rabbit.ctl("add_user", "someone", LOGIN)
    rabbit.ctl("set_permissions", "-p", vhost, "someone", ".*", ".*", ".*")
    postgres.sql(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{STORAGE}'")
    postgres.sql(f"CREATE SCHEMA bureaucrat AUTHORIZATION {ROLE}", database)
    settings = (
        "history = full\n[services]\nallow = 127.0.0.1\n"
        f"[service:charge]\nurl = http://127.0.0.1:{port}/\nheaders = file:{folder}/header\n"
        "[security]\nsigning_key = credential:signing\n"
    )
    url = rabbit.vhost_url(vhost).replace("guest:guest@", "someone@")
    made = Service(
        folder,
        rabbit.vhost_url(vhost),
        settings,
        environment=environment,
        login=url,
        storage=postgres.url(database, ROLE),
        asked=postgres.url(database),
    )
    text = made.config.read_text()
    made.config.write_text(
        text.replace("[health]", f"password = file:{folder}/storage\n[health]").replace("[log]", "[log]\nlevel = DEBUG")
    )
    return made


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_found_however_it_is_written(name: str) -> None:
    """Else the search below would prove nothing."""
    texts = [b"x" + form + b"y" for form in forms(SECRETS[name])]

    assert [found_in(text) for text in texts] == [[name]] * len(texts)
    assert found_in(b"amqp://someone:***@localhost") == []


def test_no_secret_is_written_by_any_program(
    tmp_path: Path, rabbit: Rabbit, postgres: Postgres, refusing: tuple[int, list[bytes]], files: dict[str, str]
) -> None:
    port, requests = refusing
    service = _daemon(tmp_path, rabbit, postgres, port, files)
    database = service.storage.rpartition("/")[2]
    printed: dict[str, bytes] = {}

    def run(*arguments: str, **environment: str) -> None:
        command = [sys.executable, "-m", "bureaucrat", *arguments, "-c", str(service.config)]
        done = subprocess.run(command, env={**os.environ, **files, **environment}, capture_output=True, timeout=60)
        printed[" ".join(arguments)] = done.stdout + done.stderr

    try:
        service.start()
        with Client(service.url) as client:
            client.launch(PROCESS, "p-1")
            client.publish(client.messages, b"nonsense", "application/json", message_id="m1")
            until(lambda: service.rows("SELECT 1 FROM incidents WHERE instance = 'p-1'"), "the service refuses")
            until(lambda: service.rows("SELECT 1 FROM dead_letters"), "nonsense is set aside")
        for command in ("config", "ps", "ps --json", "show p-1", "show p-1 --fields --why test", "participants"):
            run(*command.split())
        for command in ("doctor", "doctor --json", "dead", "incidents", "definitions", "graph p-1", "cancel p-1"):
            run(*command.split())
        (tmp_path / "work.py").write_text(WORKER)
        run("worker", str(tmp_path / "work.py"), BUREAUCRAT_AMQP_PASSWD=f"not {LOGIN}")
        run("--foreground", "--pid-file", str(tmp_path / "other.pid"), BUREAUCRAT_AMQP_PASSWD=f"not {LOGIN}")
        (tmp_path / "storage").write_text(f"not {STORAGE}")
        run("launch", "nobody")
        health = [str(service.get(path)).encode() for path in ("/health", "/ready")]
        kept = [
            line
            for table in ("dead_letters", "incidents", "history", "audit", "settings")
            for line in postgres.sql(f"SELECT row_to_json(d) FROM bureaucrat.{table} AS d", database)
        ]
    finally:
        service.kill()
        postgres.sql(f"ALTER ROLE {ROLE} NOLOGIN")
        rabbit.ctl("delete_user", "someone")

    assert any(HEADER.encode() in request for request in requests)  # it was used
    assert found_in(service.log.read_bytes()) == []
    assert {name: found_in(text) for name, text in printed.items() if found_in(text)} == {}
    assert [found_in(text) for text in health] == [[], []]
    assert found_in("\n".join(kept).encode()) == []
    assert b"***" in printed["config"]
    assert sum(len(text) for text in printed.values()) > 3_000
    assert "DEBUG" in service.log.read_text()
