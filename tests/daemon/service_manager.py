"""What stands around a daemon in these tests: a service manager that hears it, and a folder of its own."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

PROGRAM = Path(__file__).parent / "frame_program.py"
ROOT = PROGRAM.parent.parent.parent
TIMEOUT = 30.0  #: seconds; nothing here takes nearly as long


class Manager:
    """Listens where ``NOTIFY_SOCKET`` says.

    :param name: of a socket; one that begins with ``@`` is abstract.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + name[1:] if name.startswith("@") else name)
        self._socket.settimeout(TIMEOUT)

    def hear(self) -> list[str]:
        """The lines of the next message."""
        return self._socket.recv(65_536).decode().split("\n")

    def until(self, line: str) -> list[list[str]]:
        """Every message up to the one with this line."""
        heard = [self.hear()]
        while line not in heard[-1]:
            heard.append(self.hear())
        return heard

    def close(self) -> None:
        self._socket.close()


@dataclass
class Place:
    """A folder with a config file, in which daemons are started."""

    folder: Path
    manager: Manager
    pids: list[int] = field(default_factory=list)

    @property
    def pid_file(self) -> Path:
        return self.folder / "b.pid"

    @property
    def log(self) -> Path:
        return self.folder / "b.log"

    def configure(self, text: str = "") -> None:
        """The settings: the database and the log are here, and nothing listens unless the text says so."""
        if "[health]" not in text:
            text += "\n[health]\nlisten = off\n"
        if "[storage]" not in text:
            text += f"\n[storage]\nurl = sqlite:///{self.folder}/b.db\n"
        if "[log]" not in text:
            text += f"\n[log]\nfile = {self.log}\n"
        (self.folder / "config.ini").write_text(text, encoding="utf-8")

    def start(self, service: str, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        """Start a daemon."""
        if not (self.folder / "config.ini").exists():
            self.configure()
        command = [sys.executable, str(PROGRAM), service, "--config", "config.ini", "--pid-file", "b.pid", *arguments]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "NOTIFY_SOCKET": self.manager.name} | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.pids.append(process.pid)
        return process

    def run(self, service: str, *arguments: str, **environ: str) -> tuple[int, list[str]]:
        """Start one and wait for the end of what was started; its exit code and its lines."""
        process = self.start(service, *arguments, **environ)
        return end_of(process)

    def detach(self, service: str = "idle") -> int:
        """Start one that detaches, until it is ready; its pid."""
        assert self.run(service) == (0, [])
        self.manager.until("READY=1")
        self.pids.append(int(self.pid_file.read_text()))
        return self.pids[-1]

    def close(self) -> None:
        """End what is left."""
        for pid in self.pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def end_of(process: subprocess.Popen[str]) -> tuple[int, list[str]]:
    """The exit code and the lines of a process."""
    output, _ = process.communicate(timeout=TIMEOUT)
    return process.returncode, output.splitlines()


def wait_for_end(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that is not our child, and wait until it has ended."""
    descriptor = os.pidfd_open(pid)
    try:
        os.kill(pid, number)
        ended, _, _ = select.select([descriptor], [], [], TIMEOUT)
        assert ended, f"{pid} did not end after {number.name}"
    finally:
        os.close(descriptor)
