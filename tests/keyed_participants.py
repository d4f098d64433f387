"""Participants whose effect is a line in a ledger that another process keeps, once for each key."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import threading
from typing import Any

from bureaucrat import Workitem, participant

_connections = threading.local()


def _record(workitem: Workitem) -> None:
    if not hasattr(_connections, "stream"):
        port = int(os.environ["LEDGER_PORT"])
        _connections.stream = socket.create_connection(("127.0.0.1", port)).makefile("rwb")
    stream = _connections.stream
    stream.write(f"{workitem.key} {workitem.participant} {workitem.target}\n".encode())
    stream.flush()
    assert stream.readline() in (b"new\n", b"known\n")


def _toil() -> None:
    hashlib.pbkdf2_hmac("sha256", b"work", b"salt", random.randrange(1, 20_000))


@participant("work")
def work(workitem: Workitem) -> dict[str, Any]:
    """Half of the time before the effect, half of it after: a kill may hit on either side."""
    _toil()
    _record(workitem)
    _toil()
    return {"done": workitem.fields.get("done", 0) + 1}


@participant("shaky")
def shaky(workitem: Workitem) -> None:
    """Its first attempt fails, after its effect."""
    _record(workitem)
    if workitem.attempt == 1:
        raise ConnectionError("gateway timeout")


@participant("quick")
async def quick(workitem: Workitem) -> None:
    """Runs on the event loop."""
    _record(workitem)
