"""The pid file: one daemon for each, and where to send a signal.

Rules: what counts is the lock, not the number, so that a file left by a dead process is no obstacle. The file is
removed while it is locked, and a lock on a file that was removed meanwhile is not accepted.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

DEFAULT = Path("/var/run/bureaucrat.pid")

_MODE = 0o644
_TRIES = 100


class AlreadyRunning(Exception):
    """Another process holds the pid file.

    :param pid: its number, if the file says one.
    """

    def __init__(self, path: Path, pid: int | None) -> None:
        super().__init__(path, pid)
        self.path = path
        self.pid = pid

    def __str__(self) -> str:
        return f"Already running according to {self.path}" + (f" (pid {self.pid})" if self.pid else "")


def default_path(state: Path) -> Path:
    """Where the pid file is if nothing is said: in /var/run, or in the state directory of who may not write there."""
    return DEFAULT if os.access(DEFAULT.parent, os.W_OK) else state / DEFAULT.name


class PidFile:
    """A lock on a file that holds the number of this process.

    :param path: where; made absolute, because a daemon changes its directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._file: int | None = None

    def lock(self) -> None:
        """Take the lock and write the number of this process.

        :raises AlreadyRunning: another process holds it.
        :raises OSError: the file cannot be written.
        """
        for _ in range(_TRIES):
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _MODE)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                pid = _number_in(file)
                os.close(file)
                raise AlreadyRunning(self.path, pid) from error
            if _is_at(file, self.path):
                self._file = file
                self.write()
                return
            os.close(file)  # whoever had it removed it between our two calls
        raise OSError(f"{self.path} is removed again and again")

    def write(self) -> None:
        """Write the number of this process: again after detaching, which changes it."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def fileno(self) -> int:
        """The descriptor that holds the lock."""
        assert self._file is not None, "it is not locked"
        return self._file

    def remove(self) -> None:
        """Remove the file and let go of the lock."""
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            self.path.unlink()
        os.close(self._file)
        self._file = None


def _number_in(file: int) -> int | None:
    text = os.pread(file, 32, 0).strip()
    return int(text) if text.isdigit() else None


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
