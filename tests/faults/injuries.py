"""What is done to a plant. An injury returns when the healing may begin: what it has taken away is back by then.

Rules: each is a function of a plant and a generator of chance; whom it hits, and how long, is drawn from that; none
looks at what the daemons make of it.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from links import Link
from plant import HEARTBEAT, Plant
from service import Service

Chance = random.Random
BEYOND_LOCKS = (5.5, 8.0)  #: seconds; the database ends a transaction that idles for 5
BEYOND_HEARTBEATS = (2.2 * HEARTBEAT, 3.0 * HEARTBEAT)
OUTAGE = (0.5, 4.0)
_never = threading.Event()
#: for two at once. Its threads live as long as we do, for a server that one of them starts would die with it
_hands = ThreadPoolExecutor(2)


@dataclass(frozen=True)
class Injury:
    """One kind of fault."""

    name: str
    family: str  #: daemon, worker, broker, database, link or disk
    inflict: Callable[[Plant, Chance], None]
    storage: str = ""  #: it needs this one
    is_slow: bool = False  #: it takes more than ten seconds


def _last(span: tuple[float, float], chance: Chance) -> None:
    """Let time pass: how long a fault lasts is part of it."""
    _never.wait(chance.uniform(*span))


# -- programs


def _kill_daemon(plant: Plant, chance: Chance) -> None:
    daemon = chance.choice(plant.daemons)
    daemon.kill()
    daemon.begin()


def _kill_all_daemons(plant: Plant, chance: Chance) -> None:
    for daemon in plant.daemons:
        daemon.kill()
    for daemon in plant.daemons:
        daemon.begin()


def _stop_daemon(plant: Plant, chance: Chance) -> None:
    daemon = chance.choice(plant.daemons)
    with suppress(ProcessLookupError):
        os.kill(daemon.pid, signal.SIGTERM)
    assert daemon.process is not None
    daemon.process.wait(60)
    daemon.begin()


def _frozen(span: tuple[float, float]) -> Callable[[Plant, Chance], None]:
    def freeze(plant: Plant, chance: Chance) -> None:
        daemon: Service = chance.choice(plant.daemons)
        with suppress(ProcessLookupError):
            os.kill(daemon.pid, signal.SIGSTOP)
            _last(span, chance)
            os.kill(daemon.pid, signal.SIGCONT)

    return freeze


def _kill_worker(plant: Plant, chance: Chance) -> None:
    plant.worker.kill()
    plant.worker.start()


def _freeze_worker(plant: Plant, chance: Chance) -> None:
    with suppress(ProcessLookupError):
        os.kill(plant.worker.pid, signal.SIGSTOP)
        _last(BEYOND_LOCKS, chance)
        os.kill(plant.worker.pid, signal.SIGCONT)


# -- the broker


def _kill_broker(plant: Plant, chance: Chance) -> None:
    plant.settle()
    plant.rabbit.kill()
    plant.rabbit.start()


def _restart_broker(plant: Plant, chance: Chance) -> None:
    plant.settle()
    plant.rabbit.stop()
    _last(OUTAGE, chance)
    plant.rabbit.start()


def _freeze_broker(plant: Plant, chance: Chance) -> None:
    plant.rabbit.freeze()
    _last(OUTAGE, chance)
    plant.rabbit.thaw()


def _short_of_memory(plant: Plant, chance: Chance) -> None:
    plant.rabbit.block()
    _last(OUTAGE, chance)
    plant.rabbit.unblock()


def _close_connections(plant: Plant, chance: Chance) -> None:
    plant.rabbit.close_connections(plant.vhost)


def _delete_queue(plant: Plant, chance: Chance) -> None:
    """Of the attempts or of the answers: what was in it is lost, and its consumers are canceled by the server."""
    queue = chance.choice(["worker_work", "worker_shaky", "worker_quick"])
    if queue in plant.rabbit.queues(plant.vhost):
        plant.rabbit.delete_queue(queue, plant.vhost)
        plant.renewed = time.monotonic()


# -- the database


def _kill_database(plant: Plant, chance: Chance) -> None:
    assert plant.postgres is not None
    plant.postgres.kill()
    _last(OUTAGE, chance)
    plant.postgres.start()


def _restart_database(plant: Plant, chance: Chance) -> None:
    assert plant.postgres is not None
    plant.postgres.stop()
    plant.postgres.start()


def _freeze_database(plant: Plant, chance: Chance) -> None:
    assert plant.postgres is not None
    plant.postgres.freeze()
    _last(OUTAGE, chance)
    plant.postgres.thaw()


_OTHERS = "pid <> pg_backend_pid() AND application_name = 'bureaucrat'"


def _end_sessions(plant: Plant, chance: Chance) -> None:
    """At once, whatever they do: some are within their COMMIT."""
    assert plant.postgres is not None
    for _ in range(chance.randint(1, 5)):
        plant.postgres.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {_OTHERS}", plant.database)


def _no_connections(plant: Plant, chance: Chance) -> None:
    """The server takes no more of this database, and those that the daemons had are ended."""
    assert plant.postgres is not None
    plant.postgres.sql(f"ALTER DATABASE {plant.database} CONNECTION LIMIT 0")
    _end_sessions(plant, chance)
    _last(OUTAGE, chance)
    plant.postgres.sql(f"ALTER DATABASE {plant.database} CONNECTION LIMIT -1")


# -- links


def _links(plant: Plant, chance: Chance) -> Link:
    return chance.choice([*plant.broker_links, *plant.database_links])


def _cut(plant: Plant, chance: Chance) -> None:
    _links(plant, chance).cut()


def _cut_within(plant: Plant, chance: Chance) -> None:
    for _ in range(chance.randint(1, 3)):
        _links(plant, chance).cut_within()


def _held(span: tuple[float, float]) -> Callable[[Plant, Chance], None]:
    def hold(plant: Plant, chance: Chance) -> None:
        link = _links(plant, chance)
        link.hold()
        _last(span, chance)
        link.mend()

    return hold


def _slow(plant: Plant, chance: Chance) -> None:
    link = _links(plant, chance)
    link.slow(chance.uniform(0.02, 0.3))
    _last(OUTAGE, chance)
    link.mend()


# -- the disk


def _full_disk(plant: Plant, chance: Chance) -> None:
    """Something else takes all that is left of the file system that the database is on."""
    ballast = plant.daemons[0].folder / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(65_536))
    _last(OUTAGE, chance)
    ballast.unlink()


SINGLE = (
    Injury("daemon killed", "daemon", _kill_daemon),
    Injury("all daemons killed", "daemon", _kill_all_daemons),
    Injury("daemon stopped", "daemon", _stop_daemon),
    Injury("daemon frozen beyond locks", "daemon", _frozen(BEYOND_LOCKS)),
    Injury("daemon frozen beyond heartbeats", "daemon", _frozen(BEYOND_HEARTBEATS), is_slow=True),
    Injury("worker killed", "worker", _kill_worker),
    Injury("worker frozen", "worker", _freeze_worker),
    Injury("RabbitMQ killed", "broker", _kill_broker),
    Injury("RabbitMQ restarted", "broker", _restart_broker),
    Injury("RabbitMQ frozen", "broker", _freeze_broker),
    Injury("RabbitMQ short of memory", "broker", _short_of_memory),
    Injury("connections closed by RabbitMQ", "broker", _close_connections),
    Injury("queue of attempts deleted", "broker", _delete_queue),
    Injury("PostgreSQL killed", "database", _kill_database, "postgresql"),
    Injury("PostgreSQL restarted", "database", _restart_database, "postgresql"),
    Injury("PostgreSQL frozen", "database", _freeze_database, "postgresql"),
    Injury("sessions ended by PostgreSQL", "database", _end_sessions, "postgresql"),
    Injury("PostgreSQL out of connections", "database", _no_connections, "postgresql"),
    Injury("link cut", "link", _cut),
    Injury("link cut within a frame", "link", _cut_within),
    Injury("link silent", "link", _held(OUTAGE)),
    Injury("link silent beyond heartbeats", "link", _held(BEYOND_HEARTBEATS), is_slow=True),
    Injury("link slow", "link", _slow),
    Injury("disk full", "disk", _full_disk, "sqlite"),
)
BY_NAME = {one.name: one for one in SINGLE}


def both(first: Injury, second: Injury) -> Injury:
    """Two at once."""

    def inflict(plant: Plant, chance: Chance) -> None:
        dice = [random.Random(chance.random()) for _ in range(2)]
        done = [_hands.submit(one.inflict, plant, die) for one, die in zip((first, second), dice, strict=True)]
        for one in done:
            one.result()

    return Injury(f"{first.name} + {second.name}", "two at once", inflict)


def goes_with(first: Injury, second: Injury) -> bool:
    """Whether two may happen at once: not two of one server, of which each counts on finding it there."""
    return first.family != second.family or first.family == "link"
