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
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pika

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

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


def engine_rate(rabbit: Rabbit, definition: str, instances: int, actions: int) -> tuple[float, float]:
    """Actions a second through daemon and worker; and the daemon's processor time for one, in microseconds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        service = Service(folder, rabbit.vhost_url(rabbit.fresh_vhost()), settings="history = activity")
        (folder / "participants.py").write_text(WORKER)
        service.start()
        client = Client(service.url)
        worker = ["-m", "bureaucrat", "worker", str(folder / "participants.py"), "-c", str(service.config)]
        try:
            with program(*worker, "--prefetch", PREFETCH):
                launch(client, definition, 1, "warm")
                until(lambda: ended(service) == 1, "the first has ended")
                before = _cpu(service)
                began = time.perf_counter()
                launch(client, definition, instances, "run")
                until(lambda: ended(service) == instances + 1, "all have ended", 300)
                seconds = time.perf_counter() - began
                cpu = _cpu(service) - before
        finally:
            client.close()
            service.kill()
    return instances * actions / seconds, cpu / (instances * actions) * 1e6


def launch(client: Client, definition: str, instances: int, name: str) -> None:
    content_type, body = wire.encode_launch(wire.LaunchRequest(None, definition=definition, fields=FIELDS))
    for number in range(instances):
        properties = pika.BasicProperties(delivery_mode=2, content_type=content_type, message_id=f"{name}-{number}")
        client.channel.basic_publish("", "bureaucrat", body, properties)


def ended(service: Service) -> int:
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(service.database, timeout=5)) as connection:
        return int(connection.execute("SELECT count(*) FROM instances WHERE ended IS NOT NULL").fetchone()[0])
    return 0


def _cpu(service: Service) -> float:
    assert service.process is not None
    fields = Path(f"/proc/{service.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def floor_rate(rabbit: Rabbit, instances: int, actions: int) -> float:
    """Actions a second of the floor loop."""
    url = rabbit.vhost_url(rabbit.fresh_vhost())
    client = Client(url)
    for queue in ("floor_out", "floor_back"):
        client.channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
    client.close()
    with tempfile.TemporaryDirectory() as name, program(str(FLOOR), "echo", url):
        loop = [sys.executable, str(FLOOR), "loop", url, str(Path(name) / "floor.db"), str(instances), str(actions)]
        seconds = float(subprocess.run(loop, check=True, capture_output=True, text=True, timeout=300).stdout)
    return instances * actions / seconds
