"""``kill -9`` of daemon, Celery worker and single processes of its pool, while processes of five Celery tasks run.

Nothing hangs, every instance ends, nothing goes on twice, and a task that ran twice carried the same key. The whole
suite runs a few instances; ``FULL=1`` a thousand.
"""

from __future__ import annotations

import functools
import os
import random
import signal
from collections import Counter, defaultdict
from pathlib import Path

from celery_worker import CeleryWorker
from rabbit import Rabbit
from service import Client, Service, until

HERE = Path(__file__).parent
TASKS = 5
FULL = bool(os.environ.get("FULL"))
INSTANCES, KILLS = (1_000, 45) if FULL else (100, 9)
MOST_BETWEEN = 20  #: calls between two kills, and those that are made while the daemon starts
LONGEST = 600 if FULL else 120
ENDS = "five-0_2"  #: kills its process after its effect, the first time
KINDS = ("worker", "daemon", "process")
ACTION = """
<action participant="celery:keeper.step" arguments="kwargs" result="n" retries="5" delay="100ms">
  <input><field name="n">n</field></input>
</action>
"""
PROCESS = f"""
<process name="five">
  <context><property name="n" type="int">0</property></context>
  {ACTION * TASKS}
</process>
"""
COMPLETED = "SELECT instance, address, count(*) FROM history WHERE what = 'completed' GROUP BY instance, address"


def pool_of(worker: CeleryWorker) -> list[int]:
    """The processes that do its work; none while it starts."""
    assert worker.process is not None
    pid = worker.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill(kind: str, service: Service, worker: CeleryWorker, chance: random.Random) -> None:
    """SIGKILL, and a new start that nobody waits for."""
    match kind:
        case "worker":
            worker.kill()
            worker.begin()
        case "daemon":
            service.kill()
            service.begin()
        case "process":
            os.kill(chance.choice(until(lambda: pool_of(worker), "the pool has processes")), signal.SIGKILL)


def test_kills_of_daemon_and_celery_worker_lose_nothing_and_continue_nothing_twice(
    tmp_path: Path, rabbit: Rabbit
) -> None:
    url = rabbit.vhost_url(rabbit.fresh_vhost())
    ledger = tmp_path / "ledger"
    ledger.touch()
    folders = [tmp_path / "daemon", tmp_path / "celery"]
    for folder in folders:
        folder.mkdir()
    service = Service(folders[0], url, "history = activity")
    text = (HERE / "celery_keeper.py").read_text()
    environment = {"LEDGER": str(ledger), "ENDS": ENDS}
    worker = CeleryWorker(folders[1], url, text, "prefork", 2, "keeper", environment=environment)
    chance = random.Random(20_261_126)
    names = [f"five-{number}" for number in range(INSTANCES)]

    def calls() -> list[list[str]]:
        return [line.split() for line in ledger.read_text().splitlines()]

    try:
        service.start()
        worker.begin()
        with Client(url) as client:
            for name in names:
                client.launch(PROCESS, name)
        for number in range(KILLS):
            enough = len(calls()) + chance.randint(1, MOST_BETWEEN)

            def is_enough(enough: int = enough) -> bool:
                service.keep()
                assert service.statuses() != {"completed": INSTANCES}, "all have completed before the last kill"
                return len(calls()) >= enough

            until(is_enough, "work is done between two kills", 60)
            kill(KINDS[number % len(KINDS)], service, worker, chance)
        until(lambda: service.is_up() and service.statuses() == {"completed": INSTANCES}, "all have completed", LONGEST)
        until(lambda: not any(service.left().values()), "nothing is left")
        queues = functools.partial(rabbit.queues, url.rpartition("/")[2])
        until(lambda: all(row.messages == 0 for row in queues().values()), "no message is left", 60)
    finally:
        worker.kill()
        service.kill()

    keys = defaultdict(set)
    for key, target, n in calls():
        keys[target, n].add(key)
    assert set(keys) == {(f"{name}_{n}", str(n)) for name in names for n in range(TASKS)}
    assert {len(each) for each in keys.values()} == {1}
    assert [target for _, target, _ in calls()].count(ENDS) >= 2, "one has certainly run twice"
    completed = Counter({(instance, address): count for instance, address, count in service.rows(COMPLETED)})
    assert set(completed.values()) == {1}
    assert len(completed) >= INSTANCES * TASKS
    assert service.rows("SELECT count(*) FROM dead_letters") == [(0,)]
