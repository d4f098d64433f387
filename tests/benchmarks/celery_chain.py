"""Celery tasks a second: as processes, through the daemon, and as chains of the same no-op tasks, by Celery alone.

Both have a worker of their own with the same module, settings and pool, on a virtual host of their own. A handler in
the worker, which both pay for, adds a byte to a file for each task that has ended. A chain has ended when its tasks
have, an instance when the database says so. The time is taken from the first launch to the last end.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from broker import Client, Rabbit, Service, ended, launch, until
from celery import Celery, chain
from celery_worker import CeleryWorker

TASK = "bench.nothing"
WORKER = '''
import os
from celery import Celery, signals
import bureaucrat.celery

app = Celery("bench", broker=os.environ["BROKER"])
app.conf.task_acks_late = True
app.conf.task_reject_on_worker_lost = True
app.conf.task_ignore_result = True
app.conf.worker_prefetch_multiplier = 100
app.conf.broker_transport_options = {"confirm_publish": True, "confirm_timeout": 10}
bureaucrat.celery.install(app)
count = os.open(os.environ["COUNT"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

@app.task
def nothing(workitem=None):
    """The work of these actions."""

@signals.task_postrun.connect
def ended(**_):
    os.write(count, b"x")
'''
POOL, PROCESSES = "prefork", 2
LONGEST = 600


@contextmanager
def celery_worker(folder: Path, url: str) -> Iterator[Path]:
    """A Celery worker that is ready, while the context lasts; the file that counts."""
    count = folder / "count"
    count.touch()
    options = ["--loglevel", "WARNING"]
    (folder / "celery").mkdir()
    worker = CeleryWorker(
        folder / "celery", url, WORKER, POOL, PROCESSES, "bench", options, environment={"COUNT": str(count)}
    )
    try:
        worker.begin()
        yield count
    finally:
        worker.kill()


def definition(actions: int) -> str:
    """The process of the same Celery tasks."""
    return f'<process name="bench">{f"""<action participant="celery:{TASK}"/>""" * actions}</process>'


def engine_rate(rabbit: Rabbit, instances: int, actions: int) -> float:
    """Celery tasks a second, as the actions of processes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        service = Service(folder, rabbit.vhost_url(rabbit.fresh_vhost()), settings="history = activity")
        try:
            service.start()
            with celery_worker(folder, service.url), Client(service.url) as client:
                launch(client, definition(actions), 1, "warm")
                until(lambda: ended(service) == 1, "the first has ended")
                began = time.perf_counter()
                launch(client, definition(actions), instances, "run")
                until(lambda: ended(service) == instances + 1, "all have ended", LONGEST)
                seconds = time.perf_counter() - began
            statuses = service.statuses()
            assert statuses == {"completed": instances + 1}, statuses
        finally:
            service.kill()
    return instances * actions / seconds


def chain_rate(rabbit: Rabbit, instances: int, actions: int) -> float:
    """Celery tasks a second, as those of chains."""
    url = rabbit.vhost_url(rabbit.fresh_vhost())
    with (
        tempfile.TemporaryDirectory() as name,
        celery_worker(Path(name), url) as count,
        Celery("bench", broker=url, set_as_current=False) as app,
    ):
        app.conf.task_ignore_result = True
        app.conf.broker_transport_options = {"confirm_publish": True, "confirm_timeout": 10}
        tasks = [app.signature(TASK, immutable=True)] * actions
        chain(*tasks, app=app).apply_async()
        until(lambda: count.stat().st_size == actions, "the first has ended")
        began = time.perf_counter()
        for _ in range(instances):
            chain(*tasks, app=app).apply_async()
        until(lambda: count.stat().st_size == (instances + 1) * actions, "all have ended", LONGEST)
        seconds = time.perf_counter() - began
    return instances * actions / seconds
