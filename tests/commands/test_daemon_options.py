"""``bureaucrat`` without a command is the daemon: its options, and starts that fail."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest
from command_shell import Shell


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_help_shows_the_options_of_the_daemon_and_the_commands(shell: Shell) -> None:
    """B-002: it begins with the usage that the original's documentation shows; B-003 to B-005: its options."""
    lines = shell.run("--help").stdout.splitlines()

    assert lines[0] == "Usage: bureaucrat [options] [COMMAND [ARGS]...]"
    for option in ("-h, --help", "-f, --foreground", "-c, --config CONFIG", "-p, --pid-file PIDFILE"):
        assert any(line.startswith(f"  {option} ") for line in lines), option
    assert {"config", "explain", "lint", "run"} <= {line.split()[0] for line in lines if line.startswith("  ")}


def test_problems_of_the_settings_are_told_before_anything_begins(shell: Shell) -> None:
    """F1: exit code 3; all of them, and the command that shows more."""
    shell.write("config.ini", "[bureaucrat]\nmesage_queue = x\nhistory = all\n")

    ended = shell.run("-f", "-c", "config.ini")

    assert ended.returncode == 3
    first, *rest, last = ended.stderr.splitlines()
    assert first == "bureaucrat: not started: the settings have 2 problems"
    assert rest == [
        "  config.ini:2  [bureaucrat] mesage_queue is unknown; did you mean message_queue?",
        "  config.ini:3  [bureaucrat] history = all: must be none, activity or full; for example: history = activity",
    ]
    assert last.startswith("  check    ")
    assert last.endswith(" config -c config.ini")


def test_a_missing_file_is_told(shell: Shell) -> None:
    """The path given by ``-c`` must exist."""
    ended = shell.run("--foreground", "--config=none.ini")

    assert ended.returncode == 3
    assert ended.stderr.splitlines()[0] == (
        "bureaucrat: not started: there is no file none.ini; check the path given by --config"
    )


def test_a_broker_that_cannot_be_reached_is_told_with_place_and_remedy(shell: Shell) -> None:
    """The place of the setting, what to look at, and what goes without it. Nothing is left behind."""
    port = free_port()
    shell.write(
        "config.ini",
        f"[amqp]\nhost = 127.0.0.1\nport = {port}\n[storage]\nurl = sqlite:///b.db\n[health]\nlisten = off\n"
        f"[log]\nfile = {shell.folder.parent / 'b.log'}\n",
    )

    ended = shell.run("-c", "config.ini", "-p", "b.pid")

    assert ended.returncode == 3
    first, place, check, without = ended.stderr.splitlines()
    assert first == (
        f"bureaucrat: not started: no use of RabbitMQ at amqp://guest:***@127.0.0.1:{port}/%2F: "
        "connection refused (tried 3 times)"
    )
    assert place == "  from     config.ini:2  [amqp] host"
    assert check.startswith("  check    rabbitmqctl status ")
    assert check.endswith(" config -c config.ini")
    assert without == "  without  bureaucrat run FILE         one process in one program, no broker"
    assert [path.name for path in shell.folder.iterdir()] == ["config.ini"]


@pytest.mark.parametrize(("option", "name"), [(["-f"], "--foreground"), (["-p", "x"], "--pid-file")])
def test_an_option_of_the_daemon_before_a_command_is_refused(shell: Shell, option: list[str], name: str) -> None:
    """It would mean nothing."""
    ended = shell.run(*option, "explain", "BX204")

    assert ended.returncode == 2
    assert f"Error: {name} is for the daemon, which is started without a command" in ended.stderr


@pytest.mark.parametrize("module", ["fcntl", "daemon"])
def test_a_system_without_daemons_says_so(module: str) -> None:
    """Windows has no fcntl: a message, no traceback."""
    program = f"import sys; sys.modules['{module}'] = None; from bureaucrat.cli import main; sys.exit(main(['-f']))"

    ended = subprocess.run([sys.executable, "-Wignore", "-c", program], capture_output=True, text=True, timeout=60)

    assert ended.returncode == 3
    assert ended.stderr.splitlines() == [
        f"bureaucrat: not started: the daemon is for Unix; this system has no {module}",
        "  without  bureaucrat run FILE        one process in one program, on any system",
    ]


def test_a_library_that_is_missing_is_not_taken_for_another_system() -> None:
    """It is told as what it is."""
    program = "import sys; sys.modules['prometheus_client'] = None; from bureaucrat.cli import main; sys.exit(main([]))"

    ended = subprocess.run([sys.executable, "-Wignore", "-c", program], capture_output=True, text=True, timeout=60)

    assert ended.returncode == 3
    assert ended.stderr.startswith("bureaucrat: unexpected ModuleNotFoundError: ")
