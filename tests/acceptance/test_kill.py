"""``kill -9`` of ``bureaucrat run`` at random moments: nothing is lost, nothing has its effect twice."""

from __future__ import annotations

import os
import random
import selectors
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

HERE = Path(__file__).parent
INSTANCES = 200
KILLS = 100
#: participant -> activations in one instance: five turns of the loop
EFFECTS = {"work": 5 * (1 + 1 + 2), "shaky": 5, "quick": 5 * 2}


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


def run(database: Path, port: str) -> subprocess.Popen[bytes]:
    """`bureaucrat run` of all instances; on a database that has some it goes on with those."""
    command = [sys.executable, "-m", "bureaucrat", "run", str(HERE / "killed.xml"), "--db", str(database), "--json"]
    command += ["--participants", str(HERE.parent / "keyed_participants.py"), "--instances", str(INSTANCES)]
    environment = os.environ | {"LEDGER_PORT": port}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def waited(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait until the process has said something on its error output, then for `seconds`; whether it still runs."""
    with selectors.DefaultSelector() as selector:
        assert process.stderr is not None
        selector.register(process.stderr, selectors.EVENT_READ)
        selector.select(timeout=30)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def unfinished(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        query = "SELECT count(*) FROM instances WHERE status NOT IN ('completed', 'failed', 'canceled')"
        return int(connection.execute(query).fetchone()[0])


def test_kills_at_random_moments_lose_nothing_and_double_nothing(tmp_path: Path, ledger: tuple[str, Path]) -> None:
    port, file = ledger
    database = tmp_path / "killed.db"
    moments = random.Random(20_261_121)
    in_flight = []

    for _ in range(KILLS):
        process = run(database, port)
        was_running = waited(process, moments.uniform(0.0, 0.25))
        process.kill()
        process.communicate()
        if was_running:
            in_flight.append(unfinished(database))
    last = run(database, port)
    _, errors = last.communicate(timeout=300)

    assert last.returncode == 0, errors.decode()[-2000:]
    assert len(in_flight) == KILLS, "the work was done before the last kill: the test proved too little"
    assert sum(count >= 100 for count in in_flight) >= KILLS * 0.9
    with closing(sqlite3.connect(database)) as connection:
        ended = connection.execute("SELECT status, count(*) FROM instances GROUP BY status").fetchall()
        left = {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("outbox", "mailbox", "waits", "dead_letters")
        }
        timers = connection.execute("SELECT count(*) FROM branches WHERE due IS NOT NULL").fetchone()[0]
    assert ended == [("completed", INSTANCES)]
    assert left == {"outbox": 0, "mailbox": 0, "waits": 0, "dead_letters": 0}
    assert timers == 0
    effects = Counter(line.split()[1] for line in file.read_text().splitlines())
    assert effects == {participant: count * INSTANCES for participant, count in EFFECTS.items()}
