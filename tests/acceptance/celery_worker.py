"""A worker of Celery as its users run it: a process of its own, started from a module."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from service import until

_ENDS = 30.0  #: seconds that a warm shutdown may take on a busy machine


@dataclass
class CeleryWorker:
    """A worker with its folder.

    :param url: of the broker; the module has it as ``os.environ["BROKER"]``.
    :param text: the module, whose app is called ``app``.
    """

    folder: Path
    url: str
    text: str
    pool: str = "solo"
    concurrency: int = 1
    module: str = "proj"
    options: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.log = self.folder / "celery.log"
        (self.folder / f"{self.module}.py").write_text(self.text)

    def begin(self) -> None:
        """Start it, and wait for nothing."""
        command = [sys.executable, "-m", "celery", "-A", self.module, "worker", "-n", f"{self.module}@%h"]
        command += ["-l", "INFO", "-P", self.pool, "-c", str(self.concurrency)]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        environment = {**os.environ, "BROKER": self.url, "C_FORCE_ROOT": "1", **self.environment}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *self.options],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start(self) -> CeleryWorker:
        """Start it, and wait until it takes work."""
        seen = self.log.stat().st_size if self.log.exists() else 0
        self.begin()

        def is_ready() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, f"the worker ended:\n{self.said[-3000:]}"
            return " ready." in self.log.read_bytes()[seen:].decode()

        until(is_ready, "the worker is ready")
        return self

    @property
    def said(self) -> str:
        """What it has logged."""
        return self.log.read_text()

    def kill(self) -> None:
        """SIGKILL, to the worker and all processes of its pool."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):  # it has ended before
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self) -> int:
        """SIGTERM: it finishes what is under way; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_ENDS)
