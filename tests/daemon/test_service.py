"""The frame of the daemon, in processes of its own: start, detach, signals, end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from urllib.request import urlopen

import pytest
from service_manager import TIMEOUT, Place, end_of, wait_for_end

from bureaucrat import __version__

SIGNALS = [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]
_STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def without_time(lines: list[str]) -> list[str]:
    """The lines of a log after the first, which is always the same."""
    first, *rest = [_STAMP.sub("", line) for line in lines]
    assert first.startswith("INFO bureaucrat.daemon.service starting version=")
    return rest


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_ends_it_cleanly(place: Place, number: signal.Signals) -> None:
    """B-008, B-003: within 5 s, with exit code 0; in the foreground its log is on the terminal."""
    process = place.start("idle", "--foreground")
    heard = place.manager.until("READY=1")
    assert heard == [["READY=1", "STATUS=idle"]]
    assert place.manager.hear() == ["STATUS=nothing to do"]
    assert place.pid_file.read_text() == f"{process.pid}\n"
    before = time.monotonic()

    process.send_signal(number)
    code, lines = end_of(process)

    assert time.monotonic() - before < 5
    assert code == 0
    assert without_time(lines) == [
        f"INFO bureaucrat.daemon.service stopping signal={number.name}",
        "INFO bureaucrat.daemon.service stopped code=0",
    ]
    assert all(_STAMP.match(line) for line in lines)
    assert ["STOPPING=1", "STATUS=stopping"] in place.manager.until("STOPPING=1")
    assert not place.pid_file.exists()
    assert not place.log.exists()


def test_a_second_signal_changes_nothing(place: Place) -> None:
    """A service manager may send SIGTERM and SIGHUP together."""
    process = place.start("deaf", "--foreground", BUREAUCRAT_BUREAUCRAT_STOP_GRACE="300ms")
    place.manager.until("READY=1")

    process.send_signal(signal.SIGTERM)
    place.manager.until("STOPPING=1")
    process.send_signal(signal.SIGHUP)

    code, lines = end_of(process)
    assert code == 1
    assert [line for line in without_time(lines) if " stopping" in line] == [
        "INFO bureaucrat.daemon.service stopping signal=SIGTERM"
    ]


def test_it_detaches(place: Place) -> None:
    """B-007: another process, in a session of its own, without terminal, streams and directory; B-005: its pid."""
    port = free_port()
    place.configure(f"[health]\nlisten = 127.0.0.1:{port}\n[log]\nlevel = INFO\nfile = b.log\n")

    pid = place.detach()

    assert pid not in place.pids[:-1]
    assert os.getsid(pid) not in (pid, os.getsid(0))
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert {os.readlink(f"/proc/{pid}/fd/{number}") for number in range(3)} == {"/dev/null"}
    with urlopen(f"http://127.0.0.1:{port}/health", timeout=TIMEOUT) as answer:
        assert json.load(answer) == {"status": "alive", "details": {"pid": pid}}
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=TIMEOUT) as answer:
        assert 'bureaucrat_messages_total{queue="bureaucrat_msgs"} 1.0' in answer.read().decode().splitlines()

    wait_for_end(pid, signal.SIGTERM)

    assert without_time(place.log.read_text().splitlines()) == [
        "INFO bureaucrat.daemon.service stopping signal=SIGTERM",
        "INFO bureaucrat.daemon.service stopped code=0",
    ]
    assert not place.pid_file.exists()


def test_a_second_daemon_is_refused(place: Place) -> None:
    """B-006: by the lock on the pid file, detached or not; the first goes on."""
    pid = place.detach()

    code, lines = place.run("idle")

    assert code == 3
    assert lines == [
        f"not started: Already running according to {place.pid_file} (pid {pid})",
        "from     --pid-file",
        f"check    ps -p {pid}",
        f"stop     kill {pid}",
        "or       another file with --pid-file",
    ]
    wait_for_end(pid, signal.SIGTERM)


def test_the_file_of_a_dead_daemon_is_no_obstacle(place: Place) -> None:
    """kill -9 leaves it; the lock is gone."""
    pid = place.detach()
    wait_for_end(pid, signal.SIGKILL)
    assert place.pid_file.read_text() == f"{pid}\n"

    other = place.detach()

    assert place.pid_file.read_text() == f"{other}\n"
    assert other != pid
    wait_for_end(other, signal.SIGHUP)


def test_what_does_not_end_is_ended(place: Place) -> None:
    """After ``stop_grace``; exit code 1."""
    process = place.start("deaf", "--foreground", BUREAUCRAT_BUREAUCRAT_STOP_GRACE="100ms")
    place.manager.until("READY=1")

    process.send_signal(signal.SIGTERM)

    code, lines = end_of(process)
    assert code == 1
    assert without_time(lines)[1:] == [
        "ERROR bureaucrat.daemon.service it did not stop in time and is ended seconds=0.1",
        "INFO bureaucrat.daemon.service stopped code=1",
    ]
    assert not place.pid_file.exists()


def test_a_defect_is_in_the_log_with_its_traceback(place: Place) -> None:
    """Exit code 1; each line of the traceback is indented, so that no text in it looks like a record."""
    code, lines = place.run("broken", "--foreground")

    assert code == 1
    first, *trace, last = without_time(lines)
    assert first == "ERROR bureaucrat.daemon.service it cannot go on"
    assert all(line.startswith("    ") for line in trace)
    assert trace[-2:] == ["    RuntimeError: a defect", "    of ours"]
    assert last == "INFO bureaucrat.daemon.service stopped code=1"


def test_what_the_service_cannot_use_is_in_the_log(place: Place) -> None:
    """Exit code 3, no traceback."""
    code, lines = place.run("refused", "--foreground")

    assert code == 3
    assert without_time(lines) == [
        'ERROR bureaucrat.daemon.service it cannot serve reason="the database is locked"',
        "INFO bureaucrat.daemon.service stopped code=3",
    ]


def test_a_service_that_ends_by_itself_ends_the_daemon(place: Place) -> None:
    """With exit code 0."""
    code, lines = place.run("short", "--foreground")

    assert (code, without_time(lines)) == (0, ["INFO bureaucrat.daemon.service stopped code=0"])


def test_the_first_line_of_the_log_says_what_was_started(place: Place) -> None:
    """Version, process, and what it works on; no password."""
    process = place.start("short", "--foreground")

    _, lines = end_of(process)

    assert _STAMP.sub("", lines[0]) == (
        f"INFO bureaucrat.daemon.service starting version={__version__} pid={process.pid} config=config.ini "
        f"database={place.folder}/b.db broker=amqp://guest:***@localhost:5672/%2F health=off"
    )


def test_the_watchdog_hears_of_it(place: Place) -> None:
    """Three times in each interval."""
    process = place.start("idle", "--foreground", WATCHDOG_USEC="300000")

    heard = place.manager.until("WATCHDOG=1")

    assert heard == [["READY=1", "STATUS=idle"], ["STATUS=nothing to do"], ["WATCHDOG=1"]]
    process.send_signal(signal.SIGTERM)
    assert end_of(process)[0] == 0


def test_a_failed_check_leaves_nothing_behind(place: Place) -> None:
    """Neither pid file nor an address in use nor a daemon."""
    port = free_port()
    place.configure(f"[amqp]\nvhost = away\n[health]\nlisten = 127.0.0.1:{port}\n")

    code, lines = place.run("idle")

    assert (code, lines[0]) == (3, "not started: no RabbitMQ at amqp://away")
    assert not place.pid_file.exists()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port))


def test_the_logging_sections_of_the_file_are_used(place: Place) -> None:
    """B-011: formatters, handlers and loggers; their file stays open when the daemon detaches."""
    place.configure("""
[formatters]
keys = plain
[formatter_plain]
format = %(levelname)s: %(message)s
[handlers]
keys = kept
[handler_kept]
class = FileHandler
formatter = plain
args = ("own.log",)
[loggers]
keys = root
[logger_root]
level = INFO
handlers = kept
""")

    wait_for_end(place.detach(), signal.SIGTERM)

    assert (place.folder / "own.log").read_text() == "INFO: starting\nINFO: stopping\nINFO: stopped\n"
    assert not place.log.exists()
