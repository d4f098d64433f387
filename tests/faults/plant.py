"""All that is hurt: daemons, worker, customer, broker and database as processes of their own, with links between them.

Rules: every daemon has a link of its own to the broker and one to the database; the worker and the customer are
connected directly. Who has ended by itself (a start while the broker is away) is started again, as a service manager
does. What has happened is told by files that other processes write, never by what this one remembers.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pika
import psycopg
from links import Link, Links
from postgres import Postgres
from rabbit import Rabbit
from service import Client, Program, Service, keeping_worker, until

HERE = Path(__file__).parent
TESTS = HERE.parent
PARTICIPANTS = ("work", "shaky", "quick")
#: the last turn of each endless instance: its property in the process's own scope
TURNS = """SELECT instance, CAST(value AS INTEGER) FROM "values" WHERE branch = '' AND scope = 0 AND name = 'turns'"""
DAEMON_SETTINGS = "history = activity"
HEARTBEAT = 5  #: seconds, of the daemons' connections
SETTLED = 8.0  #: seconds; until then a queue of RabbitMQ may not survive a kill
_ROLE = "daemons"  #: who the daemons are in PostgreSQL, with the rights that the documentation says they need
_never = threading.Event()


@dataclass(frozen=True)
class Shape:
    """On what the daemons work, and how many there are."""

    storage: str  #: ``sqlite`` or ``postgresql``
    daemons: int

    def __str__(self) -> str:
        return f"{self.storage}-{self.daemons}"


class Plant:
    """Everything, running.

    :param instances: of the process that never ends until it is told to; so many are in flight at each fault.
    """

    def __init__(
        self, folder: Path, rabbit: Rabbit, postgres: Postgres | None, shape: Shape, instances: int, data: Path
    ) -> None:
        self.folder, self.rabbit, self.postgres, self.shape, self.instances = folder, rabbit, postgres, shape, instances
        self.vhost = rabbit.fresh_vhost()
        self.url = rabbit.vhost_url(self.vhost)
        self.renewed = time.monotonic()  #: when a queue may have been made anew
        self.links = Links()
        self.broker_links: list[Link] = []
        self.database_links: list[Link] = []
        self.database = "" if postgres is None else postgres.database_for(_ROLE)
        self.daemons = [self._daemon(number, data) for number in range(shape.daemons)]
        self._ledger_file = folder / "ledger"
        self._ledger = subprocess.Popen(
            [sys.executable, str(TESTS / "ledger.py"), str(self._ledger_file)], stdout=subprocess.PIPE, text=True
        )
        assert self._ledger.stdout is not None
        port = self._ledger.stdout.readline().strip()
        settings = folder / "worker.ini"
        settings.write_text(f"[amqp]\nurl = {self.url}\n")
        self.worker = keeping_worker(settings, folder / "worker.log", port)
        self._orders = folder / "orders"
        command = [sys.executable, str(HERE / "customer.py"), self.url, str(self._orders), "order"]
        self._customer = Program(command, folder / "customer.log")

    def _daemon(self, number: int, data: Path) -> Service:
        folder = (self.folder if self.postgres else data) / f"daemon-{number}"
        folder.mkdir()
        self.broker_links.append(self.links.to(self.rabbit.port))
        way = f"amqp://guest:guest@127.0.0.1:{self.broker_links[-1].port}/{self.vhost}"
        storage = asked = ""
        if self.postgres is not None:
            self.database_links.append(self.links.to(self.postgres.port))
            asked = self.postgres.url(self.database)
            storage = f"postgresql://{_ROLE}@127.0.0.1:{self.database_links[-1].port}/{self.database}"
        amqp = f"heartbeat = {HEARTBEAT}"
        return Service(folder, self.url, DAEMON_SETTINGS, amqp, login=way, storage=storage, asked=asked)

    # -- its life

    def start(self) -> None:
        """Everything, until all instances are in flight."""
        for daemon in self.daemons:
            daemon.start()
        self.worker.start()
        with Client(self.url) as client:
            definition = (TESTS / "acceptance" / "endless.xml").read_text()
            for number in range(self.instances):
                client.launch(definition, f"endless-{number}", fields={"number": number})
        until(lambda: self.in_flight() >= self.instances, "all are launched", 120)
        self._customer.start()
        self.renewed = time.monotonic()

    def settle(self) -> None:
        """Wait until every queue has some age: RabbitMQ 3.10 loses a quorum queue that is killed in its first seconds,
        and gives nothing of that name until it is deleted (``docs/reliability.rst``)."""
        _never.wait(max(self.renewed + SETTLED - time.monotonic(), 0.0))

    def keep(self) -> None:
        """Start again who has ended by itself."""
        for one in (*self.daemons, self.worker, self._customer):
            one.keep()

    def close(self) -> None:
        self._customer.kill()
        self.worker.kill()
        for daemon in self.daemons:
            daemon.kill()
        self._ledger.kill()
        self._ledger.wait()
        assert self._ledger.stdout is not None
        self._ledger.stdout.close()
        self.links.close()

    # -- what is seen of it

    def in_flight(self) -> int:
        """Instances that have not ended; -1 while the database cannot be asked."""
        with suppress(psycopg.OperationalError):
            found = self.daemons[0].rows("SELECT count(*) FROM instances WHERE ended IS NULL")
            return int(found[0][0]) if found else -1
        return -1

    def effects(self) -> int:
        """Bytes that the ledger has."""
        return self._ledger_file.stat().st_size if self._ledger_file.exists() else 0

    def is_well(self) -> bool:
        """Whether every daemon is ready."""
        self.keep()
        return all(daemon.is_up() for daemon in self.daemons)

    def worked(self, more: int, seconds: float = 120) -> None:
        """Wait until the ledger has so many bytes more."""
        enough = self.effects() + more

        def is_enough() -> bool:
            self.keep()
            return self.effects() > enough

        until(is_enough, f"{more} bytes of work are done", seconds)

    # -- the end

    def finish(self) -> None:
        """Tell all that it is enough, and wait until nothing is left to do."""
        until(self.is_well, "all daemons are up", 120)
        Path(f"{self._orders}.enough").touch()
        until(lambda: self._customer.has_ended, "the customer has all it ordered", 120)
        until(self._is_told, "it is said that it is enough", 60)
        until(self._has_ended, "every instance has ended", 240)
        until(lambda: not any(self.daemons[0].left().values()), "nothing is left in the database", 60)
        until(self._is_empty, "nothing is left in the queues", 60)

    def _is_told(self) -> bool:
        with suppress(pika.exceptions.AMQPError, OSError), Client(self.url) as client:
            client.publish("bureaucrat_events", b'{"event": "enough"}', "application/json", message_id="enough")
            return True
        return False

    def _has_ended(self) -> bool:
        self.keep()
        return self.in_flight() == 0

    def _is_empty(self) -> bool:
        return all(row.messages == 0 for row in self.rabbit.queues(self.vhost).values())

    def account(self) -> Account:
        """What became of everything."""
        launched = [f"endless-{number}" for number in range(self.instances)]
        lines = self._orders.read_text().splitlines() if self._orders.exists() else []
        ordered = [line.split()[1] for line in lines if line.startswith("ordered ")]
        daemon = self.daemons[0]
        statuses = dict(daemon.rows("SELECT id, status FROM instances"))
        turns = dict(daemon.rows(TURNS))
        done = Counter(_effects(self._ledger_file.read_text().splitlines()))
        wanted = {(id, name): turns.get(id, 1) for id in statuses for name in PARTICIPANTS}
        return Account(
            instances=len(launched) + len(ordered),
            ended=sum(statuses.get(id) == "completed" for id in (*launched, *ordered)),
            vanished=[id for id in (*launched, *ordered) if id not in statuses],
            stuck=sorted(id for id, status in statuses.items() if status != "completed"),
            lost=sorted(f"{one}" for one, times in wanted.items() if done[one] < times),
            doubled=sorted(f"{one}" for one, times in done.items() if times > wanted.get(one, 0)),
            attempts=sum(done.values()) + Path(f"{self._ledger_file}.again").stat().st_size,
            effects=sum(done.values()),
            alarms=daemon.alarms(),
            dead_letters=daemon.rows("SELECT reason FROM dead_letters"),
        )


def _effects(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    """The instance and the participant of each line of the ledger."""
    for line in lines:
        key, participant, _ = line.split()
        yield key.split("/")[0], participant


@dataclass(frozen=True)
class Account:
    """What became of everything; all but the figures should be empty."""

    instances: int  #: that were confirmed
    ended: int  #: of those
    vanished: list[str]  #: confirmed, and not there
    stuck: list[str]  #: there, and not completed
    lost: list[str]  #: an effect that is missing: the instance and the participant
    doubled: list[str]  #: an effect that was had more often than the process says
    attempts: int  #: that reached a participant
    effects: int
    alarms: list[dict[str, Any]]  #: what the doctor finds
    dead_letters: list[tuple[Any, ...]]

    @property
    def faults(self) -> dict[str, Any]:
        """What should be empty, and is not."""
        names = ("vanished", "stuck", "lost", "doubled", "alarms", "dead_letters")
        return {name: getattr(self, name) for name in names if getattr(self, name)}

    def __str__(self) -> str:
        return json.dumps(self.faults, indent=1, default=str)
