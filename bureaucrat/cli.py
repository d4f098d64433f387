"""The command line: ``bureaucrat``.

Rules: a user never sees a traceback unless ``--debug`` asks for it; what went wrong goes to standard error, its first
line with the program's name; exit codes are those of :class:`bureaucrat.commands.failure.Exit`. A command is imported
when it is used, and nothing that it does not need.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import __version__
from .commands.failure import Exit, Failure
from .commands.late import Late
from .commands.options import CONFIG_HELP, Common, problem_lines
from .commands.wording import command
from .errors import ConfigurationError

if TYPE_CHECKING:
    from .commands.window import Surroundings

_DEBUG = "--debug"
_UNIX_ONLY = ("fcntl", "daemon", "pwd", "resource")  #: modules that the daemon needs


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
    options_metavar="[options]",
    subcommand_metavar="[COMMAND [ARGS]...]",
)
@click.version_option(__version__, prog_name="bureaucrat", message="%(prog)s %(version)s")
@click.option(_DEBUG, is_flag=True, expose_value=False, help="Show the traceback of whatever goes wrong.")
@click.option("-f", "--foreground", is_flag=True, help="Don't daemonize: stay in the foreground.")
@click.option("-c", "--config", type=click.Path(path_type=Path), metavar="CONFIG", help=CONFIG_HELP)
@click.option("-p", "--pid-file", type=click.Path(path_type=Path), metavar="PIDFILE", help="Path to the pid file.")
@click.pass_context
def cli(context: click.Context, foreground: bool, config: Path | None, pid_file: Path | None) -> int | None:
    """Processes that go on where they were: run them, check them.

    Without a command it is the daemon: it detaches and serves RabbitMQ until it is stopped.
    """
    context.obj = Common(config)
    if context.invoked_subcommand is None:
        return _daemon(config, foreground, pid_file)
    if foreground or pid_file:
        given = "--foreground" if foreground else "--pid-file"
        raise click.UsageError(f"{given} is for the daemon, which is started without a command")
    return None


def _daemon(config: Path | None, foreground: bool, pid_file: Path | None) -> int:
    from .config import load

    try:
        from .daemon import main as daemon
    except ModuleNotFoundError as error:
        if error.name not in _UNIX_ONLY:
            raise
        raise Failure(
            Exit.NOT_STARTED,
            f"not started: the daemon is for Unix; this system has no {error.name}",
            "without  bureaucrat run FILE        one process in one program, on any system",
        ) from error
    try:
        found = load(config, os.environ)
    except ConfigurationError as error:
        first, *rest = problem_lines(error)
        look = "check    " + command(["config", *(["-c", str(config)] if config else [])])
        raise Failure(Exit.NOT_STARTED, f"not started: {first}", *rest, look) from error
    return daemon(found, foreground=foreground, pid_file=pid_file)


#: Each with the module that it stands in, and its own short help.
_COMMANDS = (
    Late("agents", "agents", "Run agents."),
    Late("audit", "audit", "What people have asked, and what came of it."),
    Late("cancel", "ordering", "End instances: everything unfinished in them ends, no handler runs."),
    Late("config", "config", "Show the settings in force and where each comes from."),
    Late("dead", "dead", "Messages that no instance took."),
    Late("definitions", "definitions", "The processes that can be started by name."),
    Late("deploy", "deploy", "Register processes, to be started by name."),
    Late("doctor", "doctor", "Look for what is wrong in a database and around it, and mend it."),
    Late("event", "event", "Report an event, and see whom it wakes."),
    Late("explain", "explain", "Explain the code of a problem."),
    Late("graph", "graph", "Draw a definition, with the state of an instance."),
    Late("launch", "launch", "Have the daemon start an instance."),
    Late("lint", "lint", "Check definitions."),
    Late("migrate", "migrating", "Have instances go on by another version of their process."),
    Late("move", "ordering", "End an activity, and start another in its place."),
    Late("participants", "participants", "Who serves what."),
    Late("ps", "ps", "List instances: where they are, and what they wait for."),
    Late("resume", "ordering", "Apply what was kept back, in order, and go on."),
    Late("retry", "ordering", "Try an incident again."),
    Late("run", "run", "Run a process to its end, or go on with it."),
    Late("schedules", "schedules", "What starts by the clock."),
    Late("set", "ordering", "Change fields.", attribute="set_"),
    Late("show", "show", "Show one instance: why it waits, what wakes it, what it did."),
    Late("simulate", "simulate", "Play a process in virtual time, or write a test of an instance."),
    Late("skip", "ordering", "Complete an activity by hand."),
    Late("streams", "streams", "Stream agents: workers, and what is sent to them."),
    Late("suspend", "ordering", "Keep answers, events and timers of instances back until resume."),
    Late("undeploy", "deploy", "Have a process started no more."),
    Late("web", "web", "Serve the HTTP door: services, workflows, events."),
    Late("worker", "worker", "Serve participants from RabbitMQ."),
)
for _command in _COMMANDS:
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None, surroundings: Surroundings | None = None) -> int:
    """The program.

    :param surroundings: what commands find around them, if it is not the machine's.
    :returns: its exit code.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    is_debug = _DEBUG in given
    given = [one for one in given if one != _DEBUG]
    _log(is_debug)
    try:
        around = None if surroundings is None else click.Context(cli, obj=surroundings)
        return int(cli.main(given, prog_name="bureaucrat", standalone_mode=False, parent=around) or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except Failure as failure:
        _complain(failure, is_debug)
        return failure.code
    except BrokenPipeError:
        sys.stderr.close()  # nobody reads any more; nothing is left to say
        return Exit.UNFINISHED
    except Exception as error:  # the last resort: whatever it is, a user gets one line and an exit code
        return _unexpected(error, is_debug)


class _OneLine(logging.Formatter):
    """What the program logs, without tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        text = f"bureaucrat: {record.levelname.lower()}: {record.getMessage()}"
        error = record.exc_info[1] if record.exc_info else getattr(record, "reason", None)
        return f"{text}: {error}" if error else text


def _log(is_debug: bool) -> None:
    handler = logging.StreamHandler()
    if not is_debug:
        handler.setFormatter(_OneLine())
    logging.basicConfig(level=logging.DEBUG if is_debug else logging.WARNING, handlers=[handler], force=True)
    # pika logs each failed attempt at length; we log what changes
    logging.getLogger("pika").setLevel(logging.NOTSET if is_debug else logging.CRITICAL)


def _complain(failure: Failure, is_debug: bool) -> None:
    if is_debug:
        traceback.print_exception(failure)
    first, *rest = failure.lines
    click.echo(f"bureaucrat: {first}", err=True)
    for line in rest:
        click.echo(f"  {line}", err=True)


def _unexpected(error: Exception, is_debug: bool) -> int:
    if isinstance(error.__cause__, KeyboardInterrupt) or isinstance(error.__context__, KeyboardInterrupt):
        click.echo("bureaucrat: stopped by Ctrl-C", err=True)
        return Exit.INTERRUPTED
    if is_debug:
        traceback.print_exception(error)
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    text = " ".join(str(error).split()) or "no more is known"
    again = "" if is_debug else "; the same with --debug shows where"
    click.echo(f"bureaucrat: unexpected {type(error).__name__}: {text}{again}", err=True)
    return Exit.NOT_STARTED


if __name__ == "__main__":
    sys.exit(main())
