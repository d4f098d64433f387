"""``bureaucrat lint``: every problem of every definition, each with its place and what to write instead."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import click

from ..definition.problems import InvalidDefinition, Problem
from ..definition.reader import read
from ..definition.schema import schema_files
from ..lint import warnings_of
from .failure import Exit, Failure
from .wording import count

_WIDEST = 110  #: characters of a source line
_LEAD = 30  #: of them before the place


def _show_schema(context: click.Context, option: click.Parameter, is_wanted: bool) -> None:
    if is_wanted:
        click.echo(schema_files()[0])
        context.exit(Exit.OK)


@click.command(short_help="Check definitions.")
@click.argument("paths", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--schema",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_schema,
    help="Print the path of the XSD of definitions, for editors, and nothing else.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="text for people, json for programs, github for annotations of a pull request.",
)
@click.option("--strict", "is_strict", is_flag=True, help="Exit code 2 for warnings, too.")
@click.pass_context
def lint(context: click.Context, paths: tuple[str, ...], form: str, is_strict: bool) -> None:
    """Check process definitions: files, or folders in which every *.xml is looked for.

    All problems of all files are shown, and warnings about what is allowed and probably not meant. Exit code 0: no
    errors; 2: errors.

    \b
      bureaucrat lint processes/
      bureaucrat explain BX204
    """
    files = list(dict.fromkeys(files_in(paths)))
    found = {file: _problems(file) for file in files}
    problems = [problem for of_file, _ in found.values() for problem in of_file]
    match form:
        case "json":
            click.echo(json.dumps([asdict(problem) for problem in problems], indent=2))
        case "github":
            for problem in problems:
                click.echo(_annotation(problem))
        case _:
            for of_file, source in found.values():
                for line in problem_lines(of_file, source, _width(problems)):
                    click.echo(line)
            click.echo(_summary(problems, len(files)))
    if any(is_strict or problem.severity == "error" for problem in problems):
        context.exit(Exit.INVALID)


def files_in(paths: Iterable[str]) -> Iterator[str]:
    """The files of that name, and every ``*.xml`` in the folders.

    :raises Failure: there is none.
    """
    for name in paths:
        path = Path(name)
        if path.is_dir():
            inside = sorted(str(one) for one in path.rglob("*.xml"))
            if not inside:
                raise Failure(Exit.INVALID, f"there is no *.xml in {name}")
            yield from inside
        elif path.exists():
            yield name
        else:
            raise Failure(Exit.INVALID, f"there is no file {name}")


def _problems(file: str) -> tuple[list[Problem], str]:
    """The problems of a file, warnings if there are no others, and its text."""
    try:
        source = Path(file).read_bytes()
    except OSError as error:
        raise Failure(Exit.INVALID, f"{file} cannot be read: {error.strerror}") from error
    try:
        definition = read(source, file=file)
    except InvalidDefinition as invalid:
        return invalid.problems, source.decode("utf-8", "replace")
    return warnings_of(definition), definition.source


def _width(problems: list[Problem]) -> int:
    return max((len(problem.location) for problem in problems), default=0)


def problem_lines(problems: list[Problem], source: str, width: int = 0) -> list[str]:
    """Each problem with the line of the source it is about, and a caret below the place."""
    width = width or _width(problems)
    rows = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines = []
    for problem in problems:
        lines.append(problem.row(width))
        if problem.line <= len(rows):
            lines += _excerpt(rows[problem.line - 1], problem.line, problem.column)
    return lines


def explaining(problems: list[Problem]) -> str:
    """The command that says more about the last of some problems."""
    return f"more   bureaucrat explain {problems[-1].code}"


def _excerpt(row: str, line: int, column: int) -> list[str]:
    """The source line, cut around the place, and the caret."""
    row = "".join(one if one.isprintable() else " " for one in row.rstrip())
    if not row:
        return []
    place = min(column - 1, len(row))
    begin = max(place - _LEAD, 0) if len(row) > _WIDEST else len(row) - len(row.lstrip())
    begin = min(begin, place)
    shown = row[begin : begin + _WIDEST]
    lead = f"{line:>8} | "
    return [f"{lead}{shown}", " " * (len(lead) + place - begin) + "^"]


def _summary(problems: list[Problem], files: int) -> str:
    if not problems:
        return f"{count(files, 'file')}, no problems"
    errors = sum(problem.severity == "error" for problem in problems)
    affected = len({problem.file for problem in problems})
    counts = f"{count(errors, 'error')}, {count(len(problems) - errors, 'warning')}"
    where = f"in {affected} of {count(files, 'file')}"
    return f"{counts} {where}.   bureaucrat explain {problems[-1].code}   --format json|github"


def _annotation(problem: Problem) -> str:
    """A line that GitHub shows at its place in a pull request."""
    file = _escaped(problem.file).replace(":", "%3A").replace(",", "%2C")
    place = f"file={file},line={problem.line},col={problem.column},title={problem.code}"
    return f"::{problem.severity} {place}::{_escaped(problem.message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
