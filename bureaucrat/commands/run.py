"""``bureaucrat run``: runs a process to its end before your eyes, and goes on where it was when it is run again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from ..core.durations import parse_duration
from ..core.table import Definition
from ..definition.limits import ReadLimits
from ..definition.problems import InvalidDefinition, did_you_mean
from ..definition.reader import read
from ..engine.registry import unregistrable
from ..errors import StorageUnavailable
from .failure import Exit, Failure
from .fields import parse_event, parse_fields
from .lint import explaining, files_in, problem_lines
from .modules import load_participants
from .plan import Plan, Result
from .progress import Output, standard, view_of
from .report import as_json, closing, exit_code
from .runner import Runner
from .tasks import add_celery
from .wording import count

_LIMITS = ReadLimits()


def duration(context: click.Context, option: click.Parameter, text: str | None) -> float | None:
    """The value of an option that is a duration."""
    try:
        return None if text is None else parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error), context, option) from error


@click.command(short_help="Run a process to its end, or go on with it.")
@click.argument("file", metavar="FILE")
@click.option(
    "-p",
    "--participants",
    "modules",
    multiple=True,
    metavar="MODULE",
    help="Who does the actions: a module's name or the path of its file. May be repeated.",
)
@click.option(
    "--with",
    "neighbours",
    multiple=True,
    metavar="FILE",
    help="Another process, to be called by its name; or a folder of them. May be repeated.",
)
@click.option(
    "-f",
    "--field",
    "fields",
    multiple=True,
    metavar="NAME=VALUE",
    help="A field to start with; NAME:int=5, :float, :bool, :json and :str give its type.",
)
@click.option(
    "--db",
    "database",
    metavar="FILE",
    help="The SQLite database. Run again with the same one to go on. Default: a temporary file.",
)
@click.option(
    "-e",
    "--event",
    "events",
    multiple=True,
    metavar="'NAME FIELD=VALUE after=2s'",
    help="An event to publish, some time after the start.",
)
@click.option(
    "--new", "is_new", is_flag=True, help="Start an instance even if there is an unfinished one to go on with."
)
@click.option(
    "--retry", "is_retry", is_flag=True, help="First try the incidents of the instances again that it goes on with."
)
@click.option(
    "--instances",
    type=click.IntRange(1, 100_000),
    default=1,
    metavar="N",
    help="Start N of them; {n} in a field's text is the number of each.",
)
@click.option(
    "--history",
    type=click.Choice(["none", "activity", "full"]),
    default="activity",
    show_default=True,
    help="How much of what happens is kept.",
)
@click.option("--timeout", callback=duration, metavar="DURATION", help="Give up waiting after this time (exit code 1).")
@click.option(
    "--json",
    "is_json",
    is_flag=True,
    help="Print one JSON object at the end and nothing else; progress goes to standard error.",
)
def run(**given: Any) -> None:
    """Run the process in FILE on an engine inside this program, with its state in an SQLite database.

    What is done is shown as it happens. Stop or kill it at any moment: run again with the same --db it goes on, and
    shows what was already done.

    Exit codes: 0 completed; 1 faulted, an incident, or given up waiting; 2 bad definition or arguments; 3 not
    started; 130 Ctrl-C; 143 SIGTERM.

    \b
      bureaucrat run processes/order.xml -p examples/participants.py \\
          -f order_id=1017 -e 'payment.authorized order_id=1017 after=2s' --db run.db
    """
    context = click.get_current_context()
    output = standard(given["is_json"])
    if given["is_json"]:
        context.with_resource(contextlib.redirect_stdout(sys.stderr))  # whatever participants print
    plan = _plan(given)
    result = _run(plan, output)
    _conclude(plan, result, output, given["is_json"])
    context.exit(exit_code(result))


def _plan(given: dict[str, Any]) -> Plan:
    """What the arguments ask for."""
    definition = definition_in(given["file"])
    database = given["database"]
    if database is not None and "://" in database:
        raise Failure(Exit.NOT_STARTED, "not started: run keeps its state in a SQLite file", "choose   --db FILE")
    neighbours = _neighbours(given["neighbours"])
    functions = load_participants(given["modules"])
    add_celery(functions, [definition, *neighbours.values()])
    return Plan(
        definition=definition,
        fields=parse_fields(definition, given["fields"]),
        neighbours=neighbours,
        events=tuple(parse_event(event) for event in given["events"]),
        functions=functions,
        modules=given["modules"],
        database=Path(database or Path(tempfile.mkdtemp(prefix="bureaucrat-")) / "run.db"),
        is_kept=database is not None,
        instances=given["instances"],
        is_new=given["is_new"],
        is_retry=given["is_retry"],
        history=given["history"],
        timeout=given["timeout"],
    )


def _neighbours(paths: tuple[str, ...]) -> dict[str, Definition]:
    """The processes that may be called by name, by their files."""
    found = {file: definition_in(file) for file in files_in(paths)}
    problems = unregistrable(found)
    if problems:
        raise Failure(Exit.INVALID, "not started: a process is called by its name", *problems)
    return found


def definition_in(file: str, undone: str = "not started", limits: ReadLimits = _LIMITS) -> Definition:
    """The definition in a file.

    :param undone: what does not happen to one that has problems.
    :raises Failure: it cannot be read, or has problems; with each of them.
    """
    path = Path(file)
    try:
        return read(path.read_bytes(), file=file, limits=limits)
    except OSError as error:
        near = [str(path.parent / one.name) for one in path.parent.glob("*.xml")] if path.parent.is_dir() else []
        raise Failure(Exit.INVALID, f"{file} cannot be read: {error.strerror}{did_you_mean(file, near)}") from error
    except InvalidDefinition as invalid:
        source = path.read_bytes().decode("utf-8", "replace")
        first = f"{undone}: {count(len(invalid.problems), 'problem')} in {file}"
        lines = [*problem_lines(invalid.problems, source), explaining(invalid.problems)]
        raise Failure(Exit.INVALID, first, *lines) from invalid


def _run(plan: Plan, output: Output) -> Result:
    keep = False
    try:
        result = asyncio.run(Runner(plan, lambda instances: view_of(output, instances)).run())
        keep = any(ending.can_go_on for ending in result.endings)
        return result
    except StorageUnavailable as error:
        choose = f"choose   another file than {plan.database}: --db FILE"
        raise Failure(Exit.NOT_STARTED, f"not started: {error}", choose) from error
    finally:
        if not plan.is_kept and not keep:
            shutil.rmtree(plan.database.parent, ignore_errors=True)


def _conclude(plan: Plan, result: Result, output: Output, is_json: bool) -> None:
    good = exit_code(result) is Exit.OK
    for number, line in enumerate(closing(plan, result)):
        output.line(line, ("bold green" if good else "bold red") if number == 0 else "")
    if is_json:
        assert sys.__stdout__ is not None
        sys.__stdout__.write(json.dumps(as_json(plan, result), ensure_ascii=True) + "\n")
    elif len(result.endings) == 1:
        fields = result.endings[0].fields
        if output.is_terminal:
            output.console.print_json(json.dumps(fields), indent=2)
        else:
            output.line(f"fields {json.dumps(fields, ensure_ascii=output.is_ascii)}")
