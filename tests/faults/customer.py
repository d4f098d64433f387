"""A customer in a process of its own: orders, sees that the order is there, pays, and writes down what was confirmed.

Run as ``python customer.py URL FILE NAME``; it ends after the order at hand when there is a file ``FILE.enough``. Each
line of the file is on the disk before the customer goes on: ``ordered ID`` and ``paid ID``. What is not confirmed is
sent again with the same id, as a careful client does.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import pika  # noqa: E402
from service import Client, until  # noqa: E402

_PAUSE = 0.2
_never = threading.Event()


class Customer:
    """Orders one thing after the other."""

    def __init__(self, url: str, file: Path, name: str) -> None:
        self._url = url
        self._name = name
        self._enough = Path(f"{file}.enough")
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._client: Client | None = None
        self._definition = (HERE / "bought.xml").read_text()

    def buy(self) -> None:
        """Until it is enough."""
        for number in count():
            if self._enough.exists():
                return
            self._order(f"{self._name}-{number}")

    def _order(self, id: str) -> None:
        self._insist(lambda client: client.launch(self._definition, id, fields={"number": id}))
        self._write(f"ordered {id}\n")
        self._insist(lambda client: until(lambda: "status" in client.ask(id), "the order is there", 10))
        self._insist(lambda client: client.event("paid", {"number": id}, message_id=f"paid-{id}"))
        self._write(f"paid {id}\n")

    def _write(self, line: str) -> None:
        os.write(self._file, line.encode())
        os.fsync(self._file)

    def _insist(self, ask: Callable[[Client], Any]) -> None:
        """Again, on a new connection, until it is confirmed."""
        while True:
            try:
                self._client = self._client or Client(self._url)
                return ask(self._client)
            except (pika.exceptions.AMQPError, OSError, AssertionError):  # not confirmed, or not answered
                if self._client is not None:
                    self._client.close()
                self._client = None
                _never.wait(_PAUSE)


if __name__ == "__main__":
    Customer(sys.argv[1], Path(sys.argv[2]), sys.argv[3]).buy()
