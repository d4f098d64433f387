"""The daemon as its users run it: a process of its own, started from a config.ini, on a RabbitMQ of the tests' own."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pika
import psycopg
from rabbit import free_port

_STARTED = 60.0  #: seconds that a start may take on a busy machine
_PAUSE = 0.02
MESSAGE = "application/x-bureaucrat-message"
WORKITEM = "application/x-bureaucrat-workitem"
LAUNCH = "application/x-bureaucrat-launch"
QUESTION = "application/x-bureaucrat-question"
_never = threading.Event()


def until(holds: Callable[[], Any], what: str, seconds: float = _STARTED) -> Any:
    """Look again and again until something holds; what it gives."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, f"not so after {seconds:g} s: {what}"
        _never.wait(_PAUSE)
    return found


@dataclass
class Service:
    """A daemon with its folder.

    :param url: of the broker.
    :param login: the same for the daemon, as a user with the rights that it needs; empty: it logs in as everybody.
    :param storage: the URL of its database on PostgreSQL; empty: a file of SQLite in its folder.
    :param asked: the same for what the test asks of the database, if the daemon goes another way.
    """

    folder: Path
    url: str
    settings: str = ""  #: more lines for [bureaucrat]
    amqp: str = ""  #: more lines for [amqp]
    environment: dict[str, str] = field(default_factory=dict)
    login: str = ""
    storage: str = ""
    asked: str = ""
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.port = free_port()
        self.database = self.folder / "bureaucrat.db"
        self.config = self.folder / "config.ini"
        self.log = self.folder / "daemon.log"
        self.config.write_text(
            f"[amqp]\nurl = {self.login or self.url}\n{self.amqp}\n"
            f"[storage]\nurl = {self.storage or f'sqlite:///{self.database}'}\n"
            f"[health]\nlisten = 127.0.0.1:{self.port}\n[bureaucrat]\n{self.settings}\n"
            f"[log]\nfile = {self.folder / 'detached.log'}\n"
        )

    def begin(self) -> None:
        """Start it, and wait for nothing."""
        command = [sys.executable, "-m", "bureaucrat", "--foreground", "-c", str(self.config)]
        command += ["--pid-file", str(self.folder / "bureaucrat.pid")]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env={**os.environ, **self.environment}, stdout=log, stderr=subprocess.STDOUT
            )

    def start(self) -> Service:
        """Start it, and wait until it is ready."""
        self.begin()
        until(self.is_ready, "the daemon is ready", _STARTED)
        return self

    def keep(self) -> None:
        """Start it again if it has ended, as a service manager does."""
        if self.process is not None and self.process.poll() is not None:
            self.begin()

    def is_up(self) -> bool:
        """Whether it is ready; started again if it has ended."""
        self.keep()
        return self.get("/ready")[0] == 200

    def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the daemon ended:\n{self.log.read_text()[-3000:]}"
        status, _ = self.get("/ready")
        return status == 200

    def get(self, path: str) -> tuple[int, Any]:
        """Ask for its health: the status, and the JSON."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
        except OSError:
            return 0, None

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> int:
        """SIGTERM, and wait; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def metric(self, name: str) -> float:
        """A figure that /metrics shows."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        found = [line.rpartition(" ")[2] for line in lines if line.rpartition(" ")[0] == name]
        assert len(found) == 1, f"no figure {name}:\n" + "\n".join(lines)
        return float(found[0])

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What stands in its database."""
        if self.storage:
            with psycopg.connect(self.asked or self.storage, options="-c search_path=bureaucrat") as session:
                return session.execute(query.replace("?", "%s").encode(), values).fetchall()
        if not self.database.exists():
            return []
        with closing(sqlite3.connect(self.database, timeout=30)) as connection:
            return connection.execute(query, values).fetchall()

    def status(self, instance: str) -> str | None:
        """Of an instance; None if there is none."""
        found = self.rows("SELECT status FROM instances WHERE id = ?", instance)
        return found[0][0] if found else None

    def statuses(self) -> dict[str, int]:
        return dict(self.rows("SELECT status, count(*) FROM instances GROUP BY status"))

    def alarms(self) -> list[dict[str, Any]]:
        """What a doctor finds; not that the tests have their databases on some machine's ``/tmp``."""
        command = [sys.executable, "-m", "bureaucrat", "doctor", "-c", str(self.config), "--json"]
        ended = subprocess.run(
            command, env={**os.environ, **self.environment}, capture_output=True, text=True, timeout=60
        )
        assert ended.stdout, ended.stderr
        found = json.loads(ended.stdout)["findings"]
        return [one for one in found if one["check"] not in ("settings", "disk")]

    def left(self) -> dict[str, int]:
        """What nothing should be left in when everything has ended."""
        return {
            **{
                table: self.rows(f"SELECT count(*) FROM {table}")[0][0]
                for table in ("outbox", "mailbox", "waits", "dead_letters")
            },
            "timers": self.rows("SELECT count(*) FROM branches WHERE due IS NOT NULL")[0][0],
        }


class Program:
    """A process that is started again when it has ended, as a service manager does."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str] | None = None) -> None:
        self._command = command
        self._environment = {**os.environ, **(environment or {})}
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=subprocess.STDOUT)

    def keep(self) -> None:
        """Start it again if it has ended: a worker does not start while the broker is away."""
        if self._process is not None and self._process.poll() is not None:
            self.start()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def keeping_worker(config: Path, log: Path, ledger_port: str) -> Program:
    """``bureaucrat worker`` with the participants that keep a ledger."""
    command = [sys.executable, "-m", "bureaucrat", "worker", str(Path(__file__).parent / "keyed_participants.py")]
    return Program([*command, "-c", str(config)], log, {"LEDGER_PORT": ledger_port})


def goes_on(service: Service, client: Client) -> None:
    """Wait until a good message in each queue was handled."""
    id = f"good-{time.time_ns()}"
    client.launch('<process name="g"><await event="good" since="start"/></process>', id)
    until(lambda: service.status(id) == "running", "the next launch is handled")
    client.event("good", {})
    until(lambda: service.status(id) == "completed", "the next event is handled")


@dataclass
class Attempt:
    """An attempt as a participant gets it."""

    client: Client
    tag: int
    properties: Any
    content: dict[str, Any]

    @property
    def header(self) -> dict[str, Any]:
        """Of the workitem format."""
        found: dict[str, Any] = self.content["header"]
        return found

    @property
    def fields(self) -> dict[str, Any]:
        """Of the workitem format."""
        found: dict[str, Any] = self.content["fields"]
        return found

    @property
    def token(self) -> str:
        return str(self.properties.message_id)

    def answer(self, /, **changed: Any) -> None:
        """Send the header back as it came, and the fields with changes; and take the attempt from the queue."""
        body = {"header": self.header, "fields": {**self.fields, **changed}}
        self.client.publish(self.client.messages, json.dumps(body), WORKITEM)
        self.ack()

    def ack(self) -> None:
        self.client.channel.basic_ack(self.tag)


class Client:
    """A plain AMQP client, as anybody writes one."""

    launches = "bureaucrat"
    messages = "bureaucrat_msgs"
    events = "bureaucrat_events"

    def __init__(self, url: str) -> None:
        self._connection = pika.BlockingConnection(pika.URLParameters(url))
        self.channel = self._connection.channel()
        self.channel.confirm_delivery()
        self._answers = ""

    def publish(self, queue: str, body: bytes | str, content_type: str | None = None, **properties: Any) -> None:
        """Publish to the default exchange, persistent, and wait for the confirm."""
        self.channel.basic_publish(
            "",
            queue,
            body.encode() if isinstance(body, str) else body,
            pika.BasicProperties(delivery_mode=2, content_type=content_type, **properties),
            mandatory=True,
        )

    def launch(self, definition: str, id: str, **more: Any) -> None:
        """Have an instance started, by JSON."""
        self.publish(self.launches, json.dumps({"definition": definition, **more}), LAUNCH, message_id=id)

    def event(self, name: str, body: dict[str, Any], **properties: Any) -> None:
        """Report an event, as the README of the original does."""
        self.publish(self.events, json.dumps({"event": name, **body}), **properties)

    def get(self, queue: str, seconds: float = 20.0) -> tuple[Any, bytes]:
        """Take the next message of a queue: its properties, and its body."""

        def taken() -> Any:
            method, properties, body = self.channel.basic_get(queue, auto_ack=True)
            return None if method is None else (properties, body)

        return until(taken, f"something comes to {queue}", seconds)

    def attempt(self, participant: str) -> Attempt:
        """The next attempt for a participant."""
        queue = f"worker_{participant}"

        def taken() -> Any:
            if not self.depth(queue):
                return None  # a queue that was just declared may not be asked for a message yet
            method, properties, body = self.channel.basic_get(queue)
            return None if method is None else Attempt(self, method.delivery_tag, properties, json.loads(body))

        return until(taken, f"an attempt comes to {queue}")

    def ask(self, instance: str) -> dict[str, Any]:
        """How an instance is."""
        if not self._answers:
            self._answers = self.channel.queue_declare("", exclusive=True).method.queue
        body = json.dumps({"question": "status", "instance": instance})
        self.publish(self.messages, body, QUESTION, reply_to=self._answers, correlation_id=instance)
        properties, answer = self.get(self._answers)
        assert (properties.correlation_id, properties.content_type) == (instance, "application/json")
        found: dict[str, Any] = json.loads(answer)
        return found

    def ended(self, instance: str, status: str = "completed") -> dict[str, Any]:
        """Wait until an instance has a status; all that is told of it."""

        def told() -> Any:
            found = self.ask(instance)
            return found if found.get("status") == status else None

        return until(told, f"{instance} is {status}")

    def is_there(self, queue: str) -> bool:
        """Whether there is such a queue."""
        return self.depth(queue) is not None

    def depth(self, queue: str) -> int | None:
        """How many messages are ready in a queue; None if there is none."""
        channel = self._connection.channel()
        try:
            found = channel.queue_declare(queue, passive=True)
        except pika.exceptions.ChannelClosedByBroker:
            return None
        channel.close()
        return int(found.method.message_count)

    def wait(self, seconds: float) -> None:
        """Let so much time pass, for things that the broker tells nobody of."""
        self._connection.sleep(seconds)

    def close(self) -> None:
        with suppress(pika.exceptions.AMQPError):  # the broker may have gone before
            self._connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
