"""Casts and asks a second of a stream agent on RabbitMQ, beside publishing and asking by FastStream."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from rabbit import Rabbit

PROGRAM = Path(__file__).parent / "streaming.py"


@dataclass(frozen=True)
class Streamed:
    """One run."""

    casts: float  #: a second
    asks: float  #: a second, one after another


def streamed(rabbit: Rabbit, who: str, casts: int, asks: int) -> Streamed:
    """Cast and ask, with a stream agent or a subscriber of FastStream."""
    url = rabbit.vhost_url(rabbit.fresh_vhost())
    command = [sys.executable, str(PROGRAM), who, url, str(casts), str(asks)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout
    casting, asking = map(float, told.split())
    return Streamed(casts / casting, asks / asking)
