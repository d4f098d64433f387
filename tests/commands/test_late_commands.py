"""Commands are imported when they are used, with what they need and no more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from bureaucrat.cli import cli
from bureaucrat.commands.late import Late

ROOT = Path(__file__).parent.parent.parent
BROKER = {"pika"}
CELERY = {"celery", "kombu", "vine", "billiard"}
DAEMON = {"prometheus_client", "daemon"}
SERVICES = {"aiohttp"}
DEFINITIONS = {"lxml", "croniter"}
DATABASE = {"sqlite3", "filelock"}
TERMINAL = {"rich"}

ALL = BROKER | CELERY | DAEMON | SERVICES | DEFINITIONS | DATABASE | TERMINAL
#: What the program has before it knows which command it is asked for.
FRAME = {"failure", "late", "options", "wording"}


def loaded_by(*arguments: str) -> set[str]:
    """The modules that a program has loaded for a command; what every program here has, coverage's say, is left out."""
    program = (
        f"import sys; before = set(sys.modules); from bureaucrat.cli import main; main({list(arguments)!r}); "
        "sys.stdout.flush(); print(); print(*sys.modules.keys() - before)"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return set(ended.stdout.splitlines()[-1].split())


def test_what_a_list_of_commands_says_is_what_the_commands_say() -> None:
    """Their names and short helps, without a command being imported for it."""
    late = [command for command in cli.commands.values() if isinstance(command, Late)]

    listed = {command.name: command.get_short_help_str(1000) for command in late}

    own = {command.load().name: command.load().get_short_help_str(1000) for command in late}
    assert set(listed) == set(cli.commands)
    assert listed == own


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["lnit"]])
def test_what_is_no_command_imports_none(arguments: list[str]) -> None:
    """The version, the list of commands and a misspelt name need nothing."""
    loaded = loaded_by(*arguments)

    commands = {name.split(".")[2] for name in loaded if name.startswith("bureaucrat.commands.")}
    assert commands == FRAME
    assert (
        loaded & (ALL | {"asyncio", "msgspec", "bureaucrat.core", "bureaucrat.definition", "bureaucrat.config"})
        == set()
    )


@pytest.mark.parametrize(
    ("arguments", "needed", "unneeded"),
    [
        (
            ["run", "processes/order.xml", "-p", "examples/participants.py", "--timeout", "1ms", "-f", "order_id=1"],
            "bureaucrat.embedded",
            BROKER | CELERY | DAEMON | SERVICES,
        ),
        (["lint", "processes/order.xml"], "bureaucrat.lint", ALL - DEFINITIONS),
        (["ps", "--db", "there-is-none.db"], "bureaucrat.stores", BROKER | CELERY | DAEMON | SERVICES),
        (["worker", "examples/participants.py", "--amqp", "amqp://127.0.0.1:1/"], "pika", ALL - BROKER),
        (["-f", "-c", "there-is-none.ini"], "bureaucrat.daemon.service", CELERY | SERVICES | TERMINAL),
    ],
    ids=["run", "lint", "ps", "worker", "the daemon"],
)
def test_a_command_imports_what_it_needs(arguments: list[str], needed: str, unneeded: set[str]) -> None:
    """Who runs a process needs no broker, who serves participants no database."""
    loaded = loaded_by(*arguments)

    assert needed in loaded
    assert loaded & unneeded == set()


def test_a_misspelt_command_is_told_the_one_that_was_meant() -> None:
    """As if all had been imported."""
    program = "import sys; from bureaucrat.cli import main; sys.exit(main(['lnit']))"

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)

    assert ended.returncode == 2
    assert "No such command 'lnit'. Did you mean 'lint'?" in ended.stderr


def test_a_shell_completes_the_options_of_a_command() -> None:
    """They are the command's own."""
    shell = ShellComplete(cli, {}, "bureaucrat", "_BUREAUCRAT_COMPLETE")

    commands = shell.get_completions([], "si")
    options = shell.get_completions(["run"], "--ti")

    assert [(found.value, found.help) for found in commands] == [
        ("simulate", "Play a process in virtual time, or write a test of an instance.")
    ]
    assert [found.value for found in options] == ["--timeout"]
