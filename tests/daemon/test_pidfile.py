"""The pid file: a lock, a number, and its end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from service_manager import ROOT

from bureaucrat.daemon import pidfile
from bureaucrat.daemon.pidfile import AlreadyRunning, PidFile, default_path

HOLD = """
import sys
from pathlib import Path
from bureaucrat.daemon.pidfile import PidFile
PidFile(Path(sys.argv[1])).lock()
print("locked", flush=True)
sys.stdin.read()
"""


def hold(path: Path) -> subprocess.Popen[str]:
    """Another process that holds the file until its standard input ends."""
    command = [sys.executable, "-c", HOLD, str(path)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    return process


def test_it_holds_our_number_and_is_removed(tmp_path: Path) -> None:
    """B-006: while it is locked it is there."""
    file = PidFile(tmp_path / "b.pid")

    file.lock()
    text = (tmp_path / "b.pid").read_text()
    file.remove()
    file.remove()

    assert text == f"{os.getpid()}\n"
    assert list(tmp_path.iterdir()) == []


def test_another_process_is_told_who_has_it(tmp_path: Path) -> None:
    """B-006: the words of the original, and the pid."""
    path = tmp_path / "b.pid"
    with hold(path) as other:
        with pytest.raises(AlreadyRunning) as caught:
            PidFile(path).lock()
        pid = other.pid

        assert str(caught.value) == f"Already running according to {path} (pid {pid})"
        assert (caught.value.path, caught.value.pid) == (path, pid)
        assert path.read_text() == f"{pid}\n"
        other.communicate("")

    PidFile(path).lock()  # the lock ended with its process, which left the file
    assert path.read_text() == f"{os.getpid()}\n"


def test_a_file_that_says_nothing_names_nobody(tmp_path: Path) -> None:
    """The lock counts, not the text."""
    path = tmp_path / "b.pid"
    first = PidFile(path)
    first.lock()
    path.write_text("who?")

    with pytest.raises(AlreadyRunning) as caught:
        PidFile(path).lock()

    assert str(caught.value) == f"Already running according to {path}"
    first.remove()


def test_a_longer_number_leaves_nothing_behind(tmp_path: Path) -> None:
    """The text of a dead process is replaced, whatever its length."""
    path = tmp_path / "b.pid"
    path.write_text("1234567890123\n")
    file = PidFile(path)

    file.lock()

    assert path.read_text() == f"{os.getpid()}\n"
    file.remove()


def test_a_file_that_was_removed_meanwhile_is_not_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between opening and locking, its owner may have removed it: the lock would be on nothing."""
    path = tmp_path / "b.pid"
    locked: list[int] = []
    flock = pidfile.fcntl.flock

    def flock_late(file: int, operation: int) -> None:
        if not locked:
            path.unlink()
        locked.append(file)
        flock(file, operation)

    monkeypatch.setattr(pidfile.fcntl, "flock", flock_late)
    file = PidFile(path)

    file.lock()

    assert len(locked) == 2
    assert path.read_text() == f"{os.getpid()}\n"
    file.remove()


def test_a_file_that_never_stays_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No loop for ever."""
    path = tmp_path / "b.pid"
    monkeypatch.setattr(pidfile.fcntl, "flock", lambda file, operation: path.unlink())

    with pytest.raises(OSError, match="is removed again and again"):
        PidFile(path).lock()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """A pid file in a directory of others must not overwrite what a link leads to."""
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "b.pid").symlink_to("precious")

    with pytest.raises(OSError, match="symbolic links"):
        PidFile(tmp_path / "b.pid").lock()

    assert (tmp_path / "precious").read_text() == "precious"


def test_a_relative_path_outlives_a_change_of_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon leaves its directory."""
    monkeypatch.chdir(tmp_path)
    file = PidFile(Path("b.pid"))
    file.lock()
    monkeypatch.chdir("/")

    file.remove()

    assert list(tmp_path.iterdir()) == []


def test_without_a_lock_nothing_is_written_or_removed(tmp_path: Path) -> None:
    """The file of another process stays."""
    (tmp_path / "b.pid").write_text("1\n")
    file = PidFile(tmp_path / "b.pid")

    file.write()
    file.remove()

    assert (tmp_path / "b.pid").read_text() == "1\n"


def test_the_default_is_where_the_original_had_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """B-005: for who may write there; the others have it in their state directory."""
    assert Path("/var/run/bureaucrat.pid") == pidfile.DEFAULT

    monkeypatch.setattr(pidfile, "DEFAULT", tmp_path / "b.pid")
    assert default_path(Path("/state")) == tmp_path / "b.pid"
    monkeypatch.setattr(pidfile, "DEFAULT", tmp_path / "none" / "b.pid")
    assert default_path(Path("/state")) == Path("/state/b.pid")
