"""``kill -9`` of daemon, worker and RabbitMQ at random moments: nothing is lost, nothing is done twice.

The whole suite runs a quarter of the kills; ``FULL=1`` all 200.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from rabbit import Rabbit
from service import Client, Service, keeping_worker, until

from bureaucrat import wire

HERE = Path(__file__).parent
INSTANCES = 500
FULL = bool(os.environ.get("FULL"))
KILLS = {"daemon": 100, "worker": 88, "broker": 12} if FULL else {"daemon": 25, "worker": 22, "broker": 3}
IN_FLIGHT = 100
HIT_READY = 0.7  #: of the daemons that are killed so many are at work; the others may still be starting
MOST_BETWEEN = 3_000  #: bytes in the ledger between two kills, which is about 60 effects
PARTICIPANTS = ("work", "shaky", "quick")
#: the last turn of each instance: its property in the process's own scope
TURNS = """SELECT CAST(value AS INTEGER) FROM "values" WHERE branch = '' AND scope = 0 AND name = 'turns'"""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A ledger in a process of its own: its port, and its file."""
    file = tmp_path / "ledger"
    with subprocess.Popen(
        [sys.executable, HERE.parent / "ledger.py", file], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip(), file
        server.kill()


def launch(client: Client, numbers: range) -> None:
    definition = (HERE / "endless.xml").read_text()
    for number in numbers:
        content_type, body = wire.encode_launch(
            wire.LaunchRequest(None, definition=definition, fields={"number": number})
        )
        client.publish("bureaucrat", body, content_type, message_id=f"endless-{number}")


def in_flight(service: Service) -> int:
    """Instances that have not ended."""
    return service.rows("SELECT count(*) FROM instances WHERE ended IS NULL")[0][0]


def effects(file: Path) -> Counter[str]:
    return Counter(line.split()[1] for line in file.read_text().splitlines())


def test_kills_of_daemon_worker_and_broker_lose_nothing_and_double_nothing(
    tmp_path: Path, ledger: tuple[str, Path], mortal_rabbit: Rabbit
) -> None:
    port, file = ledger
    service = Service(tmp_path, mortal_rabbit.url)
    worker = keeping_worker(service.config, service.folder / "worker.log", port)
    chance = random.Random(20_261_125)
    kills = [kind for kind, count in KILLS.items() for _ in range(count)]
    chance.shuffle(kills)
    landed = []

    service.start()
    worker.start()
    client = Client(service.url)
    launch(client, range(INSTANCES))
    client.close()
    until(lambda: in_flight(service) == INSTANCES, "all are launched")
    try:
        for kind in kills:
            enough = file.stat().st_size + chance.randint(1, MOST_BETWEEN)

            def is_enough(enough: int = enough) -> bool:
                worker.keep()
                service.keep()
                return file.stat().st_size > enough

            until(is_enough, "work is done between two kills", 120)
            if kind == "daemon" and chance.random() < HIT_READY:
                until(service.is_up, "the daemon is up")
            landed.append(in_flight(service))
            match kind:
                case "daemon":
                    service.kill()
                    service.begin()
                case "worker":
                    worker.kill()
                    worker.start()
                case "broker":
                    mortal_rabbit.kill()
                    mortal_rabbit.start()
        worker.keep()
        until(service.is_up, "the daemon is up")
        under_load = service.alarms()
        client = Client(service.url)
        client.publish("bureaucrat_events", b'{"event": "enough"}', "application/json", message_id="enough")
        client.close()
        until(lambda: service.statuses() == {"completed": INSTANCES}, "all have completed", 180)
        until(lambda: not any(service.left().values()), "nothing is left")
        alarms = service.alarms()
        until(lambda: all(row.messages == 0 for row in mortal_rabbit.queues().values()), "no message is left", 60)
    finally:
        service.kill()
        worker.kill()

    assert (under_load, alarms) == ([], [])
    assert len(landed) == sum(KILLS.values())
    assert min(landed) >= IN_FLIGHT
    turns = sum(value for (value,) in service.rows(TURNS))
    assert effects(file) == dict.fromkeys(PARTICIPANTS, turns)
