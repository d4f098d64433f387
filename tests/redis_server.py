"""A Redis server of the tests' own, that they may stop, kill and start again.

Rules: its port and data are its own; the Debian package's program starts it, without its service; what it has
acknowledged survives a kill.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

_STARTED = 30.0  #: seconds
_PAUSE = 0.02


class NotInstalled(Exception):
    """There is no Redis on this machine; ``make services`` installs it."""


class RedisServer:
    """One server."""

    def __init__(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise NotInstalled("there is no redis-server on this machine: make services")
        self._program = program
        self._home = Path(tempfile.mkdtemp(prefix="bureaucrat-redis-"))
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port = int(taken.getsockname()[1])
        self._server: subprocess.Popen[bytes] | None = None

    def url(self, database: int = 0) -> str:
        """Of one of its sixteen databases."""
        return f"redis://127.0.0.1:{self.port}/{database}"

    def start(self) -> RedisServer:
        """Start it, also again; returns when it answers."""
        options = ["--bind", "127.0.0.1", "--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        with (self._home / "out").open("ab") as out:
            self._server = subprocess.Popen(
                [self._program, "--port", str(self.port), "--dir", str(self._home), *options], stdout=out, stderr=out
            )
        until = time.monotonic() + _STARTED
        while not self._answers():
            assert self._server.poll() is None, (self._home / "out").read_text(errors="replace")[-2000:]
            assert time.monotonic() < until, "Redis does not start"
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._server.wait(_PAUSE)
        return self

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5) as asked:
            asked.sendall(b"PING\r\n")
            return asked.recv(5) == b"+PONG"
        return False

    def kill(self) -> None:
        """SIGKILL."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def remove(self) -> None:
        """End it and delete what it has."""
        self.kill()
        shutil.rmtree(self._home, ignore_errors=True)
