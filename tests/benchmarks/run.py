"""``make bench``: what an action costs, beside the floor that nobody can go below.

First figure: durable actions a second, embedded. The engine runs instances of a sequence of no-op actions on
SQLite (``synchronous=FULL``) with participants in this process. The floor commits exactly the rows that such a run
committed, batch by batch, and does nothing else. Second figure: the same through RabbitMQ, with daemon and worker as
processes of their own; the floor is ``floor_loop.py``. Third: the same on PostgreSQL, and three daemons beside one.
Fourth: processes of five Celery tasks, beside chains of the same tasks, and the same process with our own worker.
Fifth: messages that an agent consumes, and casts and asks of a stream agent, beside FastStream. All is measured in
turn, several rounds; medians are printed.

    python tests/benchmarks/run.py [--rounds 5] [--instances 2000] [--actions 10] [--only KIND]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import resource
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bureaucrat.clock import SystemClock
from bureaucrat.definition.reader import read
from bureaucrat.embedded import embedded
from bureaucrat.engine.numbers import instance_id
from bureaucrat.engine.writes import Progress
from bureaucrat.functions import Functions
from bureaucrat.ports import Writes
from bureaucrat.storage.sqlite import SqliteStorage

TASKS = 5  #: in a chain of Celery's, and in the process beside it


@dataclass
class Figure:
    """One measured run."""

    actions: int
    seconds: float
    cpu: float
    transactions: int
    writes: list[Writes] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.actions / self.seconds


def definition(actions: int) -> str:
    body = '<action participant="nothing"/>' * actions
    return f'<process name="bench">{body}</process>'


@contextmanager
def recorded() -> Iterator[list[Writes]]:
    """Every batch that is committed meanwhile."""
    writes: list[Writes] = []
    batch = type(SqliteStorage.batch(SqliteStorage(Path(os.devnull))))
    commit = batch.commit

    async def record(self: object, written: Writes) -> None:
        writes.append(written)
        await commit(self, written)

    batch.commit = record
    try:
        yield writes
    finally:
        batch.commit = commit


async def engine_run(folder: Path, instances: int, actions: int) -> Figure:
    """Instances of a sequence of no-op actions, from the first launch to the last end."""
    ended = asyncio.Event()
    left = instances

    def observe(progress: list[Progress]) -> None:
        nonlocal left
        left -= sum(entry.what == "ended" for entry in progress)
        if not left:
            ended.set()

    def nothing() -> None:
        """The work of these actions."""

    process = read(definition(actions))
    clock = SystemClock()
    with recorded() as writes:
        async with embedded(folder / "bench.db", Functions.of({"nothing": nothing}), observe=observe) as engine:
            began, cpu = time.perf_counter(), cpu_seconds()
            fields = {"order_id": 1017, "customer": "ann@example.org", "amount": 120.5}
            await asyncio.gather(*(engine.launch(process, fields, instance_id(clock)) for _ in range(instances)))
            await ended.wait()
            seconds, cpu = time.perf_counter() - began, cpu_seconds() - cpu
    return Figure(instances * actions, seconds, cpu, len(writes), writes)


async def floor_run(folder: Path, figure: Figure) -> Figure:
    """The same rows in the same batches, and nothing else."""
    storage = SqliteStorage(folder / "floor.db")
    await storage.open()
    try:
        began, cpu = time.perf_counter(), cpu_seconds()
        for writes in figure.writes:
            async with storage.batch() as batch:
                await batch.commit(writes)
        seconds, cpu = time.perf_counter() - began, cpu_seconds() - cpu
    finally:
        await storage.close()
    return Figure(figure.actions, seconds, cpu, len(figure.writes))


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def rows(figure: Figure) -> dict[str, float]:
    """Rows written for an action, by kind."""
    counts: dict[str, int] = {}
    for writes in figure.writes:
        for name in writes.__slots__:
            counts[name] = counts.get(name, 0) + len(getattr(writes, name))
    return {name: count / figure.actions for name, count in counts.items() if count / figure.actions >= 0.005}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--instances", type=int, default=2_000)
    parser.add_argument("--actions", type=int, default=10)
    parser.add_argument("--only", choices=["embedded", "broker", "postgresql", "celery", "agents", "streams"])
    options = parser.parse_args()
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    print(f"{platform.machine()}, {os.cpu_count()} cores, {versions}")
    print(f"{options.instances} instances of {options.actions} actions, {options.rounds} rounds in turn\n")
    kinds = {
        "embedded": embedded_figures,
        "broker": broker_figures,
        "postgresql": postgresql_figures,
        "celery": celery_figures,
        "agents": agents_figures,
        "streams": streams_figures,
    }
    for name, figures in kinds.items():
        if options.only in (None, name):
            figures(options)


def embedded_figures(options: argparse.Namespace) -> None:
    """The engine in one process, on SQLite."""
    engines, floors = [], []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as name:
            engines.append(asyncio.run(engine_run(Path(name), options.instances, options.actions)))
            floors.append(asyncio.run(floor_run(Path(name), engines[-1])))
    report(engines, floors)


def broker_figures(options: argparse.Namespace) -> None:
    """The daemon and a worker on RabbitMQ and SQLite."""
    from broker import Rabbit, engine_rate, floor_rate  # here, because the first figure needs no broker

    rabbit = Rabbit().start()
    engines, floors = [], []
    try:
        for _ in range(options.rounds):
            engines.append(engine_rate(rabbit, definition(options.actions), options.instances, options.actions))
            floors.append(floor_rate(rabbit, options.instances, options.actions))
    finally:
        rabbit.remove()
    ratios = [engine.rate / floor for engine, floor in zip(engines, floors, strict=True)]
    print(f"\n{'':22}{'actions/s':>12}{'µs of CPU/action':>20}")
    rate, cpu = (statistics.median(getattr(one, name) for one in engines) for name in ("rate", "cpu"))
    print(f"{'through RabbitMQ':22}{rate:12,.0f}{cpu:20.1f}  (of the daemon)")
    print(f"{'floor loop':22}{statistics.median(floors):12,.0f}")
    print(f"\nRabbitMQ / floor: median {statistics.median(ratios):.2f} (min {min(ratios):.2f}, max {max(ratios):.2f})")


def postgresql_figures(options: argparse.Namespace) -> None:
    """One daemon and three on PostgreSQL: with many instances, with one that has many items at once; and a death."""
    from broker import Measured, Postgres, Rabbit, engine_rate, floor_rate, takeover_seconds  # for these figures only

    rabbit, postgres = Rabbit().start(), Postgres(durable=True).start()
    many = definition(options.actions), options.instances, options.actions
    items = options.instances
    hot = f'<process name="hot"><foreach select="= [n for n in range({items})]" as="n" parallel="yes">'
    hot += '<action participant="nothing"><input/><output/></action></foreach></process>'
    found: dict[str, list[Measured]] = {}
    floors: list[float] = []
    takeovers: list[float] = []
    try:
        for _ in range(options.rounds):
            for daemons in (1, 3):
                for name, what in (("many instances", many), ("one instance", (hot, 1, items))):
                    measured = engine_rate(rabbit, *what, postgres, daemons)
                    found.setdefault(f"{name}, {daemons}", []).append(measured)
            floors.append(floor_rate(rabbit, options.instances, options.actions, postgres))
            takeovers.append(takeover_seconds(rabbit, postgres))
    finally:
        postgres.remove()
        rabbit.remove()
    print(f"\n{'on PostgreSQL':22}{'actions/s':>12}{'µs of CPU/action':>20}{'beside the floor':>18}{'redone':>10}")
    for name, measured in found.items():
        ratios = [one.rate / floor for one, floor in zip(measured, floors, strict=True)]
        rate, cpu, redone = (
            statistics.median(getattr(one, each) for one in measured) for each in ("rate", "cpu", "redone")
        )
        print(f"{name:22}{rate:12,.0f}{cpu:20.1f}{statistics.median(ratios):18.2f}{redone:10.2%}")
    print(f"{'floor loop':22}{statistics.median(floors):12,.0f}")
    longest = f"median {statistics.median(takeovers):.2f} s, longest {max(takeovers):.2f} s"
    print(f"\nwhat was to be done by a daemon that is killed, the others do after: {longest}")


def celery_figures(options: argparse.Namespace) -> None:
    """Processes of Celery tasks, chains of the same tasks, and processes of our own worker's functions."""
    import broker  # here, because the first figure needs no broker
    import celery_chain

    rabbit = broker.Rabbit().start()
    rates: dict[str, list[float]] = {"chains, Celery alone": [], "processes, Celery": [], "processes, our worker": []}
    chains, engines, workers = rates.values()
    try:
        for _ in range(options.rounds):
            engines.append(celery_chain.engine_rate(rabbit, options.instances, TASKS))
            chains.append(celery_chain.chain_rate(rabbit, options.instances, TASKS))
            workers.append(broker.engine_rate(rabbit, definition(TASKS), options.instances, TASKS).rate)
    finally:
        rabbit.remove()
    print(f"\n{options.instances} of {TASKS} tasks, Celery's pool: {celery_chain.POOL} {celery_chain.PROCESSES}")
    print(f"{'':22}{'tasks/s':>12}{'beside chains':>20}")
    for name, figures in rates.items():
        ratios = [rate / chain for rate, chain in zip(figures, chains, strict=True)]
        spread = f"  (min {min(ratios):.2f}, max {max(ratios):.2f})"
        print(f"{name:22}{statistics.median(figures):12,.0f}{statistics.median(ratios):20.2f}{spread}")


def agents_figures(options: argparse.Namespace) -> None:
    """An agent that consumes, beside FastStream."""
    import broker  # here, because the first figure needs no broker
    from agents import Consumed, consumed

    rabbit = broker.Rabbit().start()
    messages = options.instances * options.actions
    found: dict[str, list[Consumed]] = {"agent": [], "faststream": []}
    try:
        for _ in range(options.rounds):
            for who, measured in found.items():
                measured.append(consumed(rabbit, who, messages))
    finally:
        rabbit.remove()
    ratios = [ours.rate / theirs.rate for ours, theirs in zip(*found.values(), strict=True)]
    print(f"\n{messages:,} messages{'':8}{'messages/s':>12}{'µs of CPU/message':>20}")
    for who, measured in found.items():
        rate, cpu = (statistics.median(getattr(one, name) for one in measured) for name in ("rate", "cpu"))
        print(f"{who:22}{rate:12,.0f}{cpu:20.1f}")
    print(
        f"\nagent / FastStream: median {statistics.median(ratios):.2f} (min {min(ratios):.2f}, max {max(ratios):.2f})"
    )


def streams_figures(options: argparse.Namespace) -> None:
    """A stream agent that is cast to and asked, beside FastStream."""
    import broker  # here, because the first figure needs no broker
    from streams import Streamed, streamed

    rabbit = broker.Rabbit().start()
    casts, asks = options.instances * 2, options.instances // 2
    found: dict[str, list[Streamed]] = {"stream agent": [], "faststream": []}
    try:
        for _ in range(options.rounds):
            for who, measured in found.items():
                measured.append(streamed(rabbit, who.split()[-1], casts, asks))
    finally:
        rabbit.remove()
    print(f"\n{casts:,} casts, {asks:,} asks{'casts/s':>12}{'asks/s':>12}")
    for who, measured in found.items():
        rates = (statistics.median(getattr(one, name) for one in measured) for name in ("casts", "asks"))
        print(f"{who:22}{next(rates):12,.0f}{next(rates):12,.0f}")
    for name in ("casts", "asks"):
        ratios = [getattr(a, name) / getattr(b, name) for a, b in zip(*found.values(), strict=True)]
        print(
            f"{name}, stream agent / FastStream: median {statistics.median(ratios):.2f} "
            f"(min {min(ratios):.2f}, max {max(ratios):.2f})"
        )


def report(engines: list[Figure], floors: list[Figure]) -> None:
    ratios = [engine.rate / floor.rate for engine, floor in zip(engines, floors, strict=True)]
    print(f"{'':22}{'actions/s':>12}{'µs of CPU/action':>20}{'actions/commit':>18}")
    for name, figures in (("embedded engine", engines), ("bare commit loop", floors)):
        rate = statistics.median(figure.rate for figure in figures)
        cpu = statistics.median(figure.cpu / figure.actions * 1e6 for figure in figures)
        grouped = statistics.median(figure.actions / figure.transactions for figure in figures)
        print(f"{name:22}{rate:12,.0f}{cpu:20.1f}{grouped:18.0f}")
    print(f"\nengine / floor: median {statistics.median(ratios):.2f} (min {min(ratios):.2f}, max {max(ratios):.2f})")
    print("rows an action: " + ", ".join(f"{name} {count:.2f}" for name, count in rows(engines[-1]).items()))


if __name__ == "__main__":
    main()
