"""The module of a Celery app whose tasks write each call into a file, on the disk before they go on. It is copied."""

import hashlib
import os
import random
import signal
from pathlib import Path

from celery import Celery

import bureaucrat.celery

app = Celery("keeper", broker=os.environ["BROKER"])
app.conf.task_acks_late = True
app.conf.task_reject_on_worker_lost = True
app.conf.worker_prefetch_multiplier = 4
app.conf.broker_transport_options = {"confirm_publish": True, "confirm_timeout": 10}
bureaucrat.celery.install(app)


def toil():
    hashlib.pbkdf2_hmac("sha256", b"work", b"salt", random.randrange(1, 40_000))


@app.task(bind=True)
def step(self, n):
    """Half of the time before the effect, half of it after: a kill may hit on either side."""
    toil()
    given = self.request.headers
    line = f"{given['bureaucrat-key']} {given['bureaucrat-target']} {n}\n"
    ledger = os.open(os.environ["LEDGER"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.write(ledger, line.encode())
        os.fsync(ledger)
    finally:
        os.close(ledger)
    if given["bureaucrat-target"] == os.environ["ENDS"] and Path(os.environ["LEDGER"]).read_text().count(line) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    toil()
    return n + 1
