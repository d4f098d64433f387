"""Durable actions a second through RabbitMQ, by the real daemon and the real worker, beside the floor loop.

Daemon, worker and RabbitMQ are processes of their own, as its users run them; instances of a sequence of no-op actions
are launched over the broker, and the time is taken from the first launch to the last end. The floor is
``floor_loop.py``, on the same broker, in turn.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pika

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "acceptance")]

from postgres import Postgres  # noqa: E402
from rabbit import Rabbit  # noqa: E402
from service import Client, Service, until  # noqa: E402

from bureaucrat import wire  # noqa: E402

WORKER = "from bureaucrat import participant\n\n\n@participant('nothing')\ndef nothing():\n    pass\n"
FIELDS = {"order_id": 1017, "customer": "ann@example.org", "amount": 120.5}
FLOOR = HERE / "floor_loop.py"
PREFETCH = "500"


@contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Python program of its own, while the context lasts."""
    with subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@dataclass(frozen=True)
class Measured:
    """One run of daemons."""

    rate: float  #: actions a second
    cpu: float  #: of all daemons, for one action, in microseconds
    redone: float  #: messages that were done again, since another daemon was first, for each transition


def engine_rate(
    rabbit: Rabbit, definition: str, instances: int, actions: int, postgres: Postgres | None = None, daemons: int = 1
) -> Measured:
    """Actions through daemons and a worker; without a PostgreSQL on SQLite."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        url = rabbit.vhost_url(rabbit.fresh_vhost())
        storage = "" if postgres is None else postgres.url(postgres.fresh_database())
        services = []
        for number in range(daemons):
            (folder / f"{number}").mkdir()
            services.append(Service(folder / f"{number}", url, settings="history = activity", storage=storage))
            stack.callback(services[-1].kill)
            services[-1].start()
        first = services[0]
        (folder / "participants.py").write_text(WORKER)
        client = stack.enter_context(Client(url))
        worker = ["-m", "bureaucrat", "worker", str(folder / "participants.py"), "-c", str(first.config)]
        stack.enter_context(program(*worker, "--prefetch", PREFETCH))
        launch(client, definition, 1, "warm")
        until(lambda: ended(first) == 1, "the first has ended")
        cpu = sum(_cpu(one) for one in services)
        began = time.perf_counter()
        launch(client, definition, instances, "run")
        until(lambda: ended(first) == instances + 1, "all have ended", 300)
        seconds = time.perf_counter() - began
        cpu = sum(_cpu(one) for one in services) - cpu
        redone, transitions = (
            sum(one.metric(f"bureaucrat_{name}_total") for one in services)
            for name in ("messages_redone", "transitions")
        )
    done = instances * actions
    return Measured(done / seconds, cpu / done * 1e6, redone / transitions)


def takeover_seconds(rabbit: Rabbit, postgres: Postgres, instances: int = 60, delay: int = 3) -> float:
    """How late the latest timer fires when one of three daemons is killed as they become due: those that it has armed
    are the others' to find."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        url, storage = rabbit.vhost_url(rabbit.fresh_vhost()), postgres.url(postgres.fresh_database())
        services = []
        for number in range(3):
            (folder := Path(name) / f"{number}").mkdir()
            services.append(Service(folder, url, storage=storage))
            stack.callback(services[-1].kill)
            services[-1].start()
        client = stack.enter_context(Client(url))
        launch(client, f'<process name="late"><delay duration="{delay}s"/></process>', instances, "late")
        witness, victim = services[0], services[1]
        due = "SELECT count(*), min(due), extract(epoch FROM clock_timestamp()) FROM branches WHERE due IS NOT NULL"
        until(lambda: witness.rows(due)[0][0] == instances, "all wait")
        assert victim.metric("bureaucrat_transitions_total") > 0
        _, first, now = witness.rows(due)[0]
        time.sleep(max(float(first) - float(now), 0.0))
        victim.kill()
        until(lambda: ended(witness) == instances, "all have ended", 60)
        return float(witness.rows(f"SELECT max(ended - started) - {delay} FROM instances")[0][0])


def launch(client: Client, definition: str, instances: int, name: str) -> None:
    content_type, body = wire.encode_launch(wire.LaunchRequest(None, definition=definition, fields=FIELDS))
    for number in range(instances):
        properties = pika.BasicProperties(delivery_mode=2, content_type=content_type, message_id=f"{name}-{number}")
        client.channel.basic_publish("", "bureaucrat", body, properties)


def ended(service: Service) -> int:
    with suppress(sqlite3.OperationalError):
        return int(service.rows("SELECT count(*) FROM instances WHERE ended IS NOT NULL")[0][0])
    return 0


def _cpu(service: Service) -> float:
    assert service.process is not None
    fields = Path(f"/proc/{service.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def floor_rate(rabbit: Rabbit, instances: int, actions: int, postgres: Postgres | None = None) -> float:
    """Actions a second of the floor loop; without a PostgreSQL on SQLite."""
    url = rabbit.vhost_url(rabbit.fresh_vhost())
    client = Client(url)
    for queue in ("floor_out", "floor_back"):
        client.channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
    client.close()
    with tempfile.TemporaryDirectory() as name, program(str(FLOOR), "echo", url):
        database = str(Path(name) / "floor.db") if postgres is None else postgres.url(postgres.fresh_database())
        loop = [sys.executable, str(FLOOR), "loop", url, database, str(instances), str(actions)]
        seconds = float(subprocess.run(loop, check=True, capture_output=True, text=True, timeout=300).stdout)
    return instances * actions / seconds
