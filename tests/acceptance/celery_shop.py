"""The module of a Celery app whose tasks end in every way there is. It is copied beside a worker, which imports it."""

import os
import signal
import sqlite3
import sys
import threading
from pathlib import Path

from celery import Celery, signals
from celery.exceptions import Ignore, Reject

import bureaucrat.celery
from bureaucrat import Fault, Once, Workitem


class Declined(Exception):
    """Raised by a library that knows nothing of processes."""


app = Celery("shop", broker=os.environ["BROKER"])
app.conf.task_acks_late = os.environ.get("EARLY") is None
app.conf.task_reject_on_worker_lost = True
app.conf.worker_prefetch_multiplier = 1
app.conf.broker_transport_options = {"confirm_publish": True, "confirm_timeout": 10}


@signals.task_success.connect
def dies_before_it_answers(sender=None, **_):
    """Heard before the receiver of ``install``: what the function did is committed, and nobody knows."""
    if sender.name == "shop.pays_once" and times("killed") == 1:
        os.kill(os.getpid(), signal.SIGKILL)


bureaucrat.celery.install(app, faults={Declined: "CardRefused"})

_for_ever = threading.Event()


def times(key: str) -> int:
    """How often this was called with a key, whichever process was."""
    ledger = Path(os.environ["LEDGER"]) / key.replace("/", "-")
    with ledger.open("a") as written:
        written.write("x")
    return len(ledger.read_text())


def accounts():
    connection = sqlite3.connect(Path(os.environ["LEDGER"]) / "accounts.db", timeout=30)
    connection.execute("CREATE TABLE IF NOT EXISTS payments (key TEXT)")
    connection.execute(once.ddl("sqlite").replace("TABLE", "TABLE IF NOT EXISTS"))
    return connection


once = Once(accounts)


@app.task
@bureaucrat.celery.workitem_task(once=once)
def pays_once(connection, workitem, n):
    connection.execute("INSERT INTO payments VALUES (?)", [workitem.key])
    return {"n": times("pays-once")}


@app.task
def whole(workitem):
    workitem["fields"]["n"] += 1
    return workitem


@app.task
def changes(workitem):
    return {"n": 2, "more": [workitem["header"]["attempt"]]}


@app.task
def nothing(workitem):
    workitem["fields"]["n"] = 3


@app.task
@bureaucrat.celery.workitem_task
def by_name(n, workitem: Workitem, unit="EUR"):
    return {"n": n * 4, "seen": f"{n} {unit} {workitem.key} {workitem.attempt}"}


@app.task(bind=True)
@bureaucrat.celery.workitem_task
def bound(self, fields):
    fields["n"] = self.request.retries + 5


@app.task
def foreign(price, tax=2):
    return price * tax


@app.task(bind=True)
def headers(self, n):
    given = self.request.headers
    return sorted(name for name in given if name.startswith("bureaucrat-")), given["bureaucrat-key"]


@app.task
def raises(workitem):
    raise OSError("no paper")


@app.task
def throws(workitem):
    raise Fault("CardRefused", "over the limit")


@app.task
def declines(workitem):
    raise Declined("no cover")


@app.task
def nonsense(workitem):
    return "paid"


@app.task
def no_json(workitem):
    return {"n": float("nan")}


@app.task
def leaves(workitem):
    sys.exit(3)


@app.task
def rejects(workitem):
    raise Reject("no such customer", requeue=False)


@app.task
def ignores(workitem):
    raise Ignore


@app.task(bind=True, max_retries=2, default_retry_delay=0)
def third_time(self, workitem):
    if self.request.retries < 2:
        raise self.retry(exc=OSError("not yet"), countdown=0)
    return {"n": self.request.retries}


@app.task(autoretry_for=(OSError,), max_retries=1, retry_backoff=False, retry_jitter=False, default_retry_delay=0)
def never(workitem):
    raise OSError("never")


@app.task(bind=True)
def revokes(self, workitem):
    self.app.control.revoke(self.request.id)
    raise self.retry(countdown=1)


@app.task(soft_time_limit=1)
def too_slow(workitem):
    _for_ever.wait(60)


@app.task(time_limit=1)
def far_too_slow(workitem):
    _for_ever.wait(60)


@app.task
def exits_always(workitem):
    os._exit(1)


@app.task
def killed_once(workitem):
    if times(workitem["header"]["key"]) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"n": times(workitem["header"]["key"])}


@app.task(bind=True)
def terminated(self, workitem):
    self.app.control.revoke(self.request.id, terminate=True, signal="SIGKILL")
    _for_ever.wait(60)


@app.task(reject_on_worker_lost=False)
def lost(workitem):
    os.kill(os.getpid(), signal.SIGKILL)


@app.task
def holds_up(workitem):
    while not Path(os.environ["LEDGER"], "go-on").exists():
        _for_ever.wait(0.05)


@app.task
def counts_for_ever(workitem):
    while not Path(os.environ["LEDGER"], "enough").exists():
        times("turns")
        _for_ever.wait(0.05)


@app.task
def counted(workitem):
    times(workitem["header"]["key"])
    _for_ever.wait(0.05)
    return {"n": workitem["fields"]["n"] + 1}
