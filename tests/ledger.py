"""A ledger in a process of its own: it keeps each key once, and is asked over a socket.

Run as ``python ledger.py FILE``; prints the port it listens on. A client sends ``key effect`` lines and reads ``new``
or ``known`` for each. A line is in the file, and on the disk, before it is acknowledged. What is known already is
counted: a byte each in FILE.again.
"""

from __future__ import annotations

import os
import socketserver
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import ClassVar


class Ledger(socketserver.StreamRequestHandler):
    """One client's connection."""

    lock: ClassVar[threading.Lock] = threading.Lock()
    known: ClassVar[set[str]] = set()
    file: ClassVar[int] = -1
    again: ClassVar[int] = -1

    def handle(self) -> None:
        with suppress(ConnectionError):  # its client was killed
            self._keep_all()

    def _keep_all(self) -> None:
        for line in self.rfile:
            if not line.endswith(b"\n"):
                return  # half a line: its client was killed before it could be acknowledged
            key = line.split()[0].decode()
            with self.lock:
                is_new = key not in self.known
                if is_new:
                    os.write(self.file, line)
                    os.fsync(self.file)
                    self.known.add(key)
                else:
                    os.write(self.again, b".")
            self.wfile.write(b"new\n" if is_new else b"known\n")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128


def main(path: Path) -> None:
    Ledger.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    Ledger.again = os.open(f"{path}.again", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with Server(("127.0.0.1", 0), Ledger) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
