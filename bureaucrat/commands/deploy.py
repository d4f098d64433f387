"""``bureaucrat deploy`` and ``undeploy``: which processes can be started by name.

Rules: every file is checked before anything is asked for; one order registers them all, or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from ..core.table import Definition
from ..definition.limits import ReadLimits
from ..definition.problems import InvalidDefinition, Problem
from ..definition.reader import read
from ..engine.orders import Deploy, Undeploy
from ..engine.registry import MOST_VERSION, named, unregistrable
from ..lint import warnings_of
from .failure import Exit, Failure
from .lint import explaining, files_in, problem_lines
from .mailing import Mailing, nobody
from .order_options import order_options
from .window import Window, at_window
from .wording import command, count

_MOST_WARNINGS = 3  #: that are shown; for all of them there is `bureaucrat lint`


@click.command(short_help="Register processes, to be started by name.")
@click.argument("paths", metavar="FILE...", nargs=-1, required=True)
@click.option("--version", type=click.IntRange(1, MOST_VERSION), metavar="N", help="Their version. Default: the next.")
@order_options
@at_window
async def deploy(window: Window, paths: tuple[str, ...], version: int | None, **given: Any) -> Exit:
    """Register the process in each FILE (or in all *.xml of a folder) under its name, with the next version.

    Starts by name take the newest version; what runs goes on with its own. What is registered already stays as it is.

    \b
      bureaucrat deploy processes/order.xml
      bureaucrat deploy processes/ --reason "release 17"
    """
    definitions = _checked(dict.fromkeys(files_in(paths)), window.limits)
    files = {file: definition.source for file, definition in definitions.items()}
    warnings = [warning for definition in definitions.values() for warning in warnings_of(definition)]
    if not window.is_json:
        _warn(window, warnings, paths)
    return await _ask(window, Deploy(given["person"], files, version, given["reason"]), given, warnings)


@click.command(short_help="Have a process started no more.")
@click.argument("what", metavar="NAME[@VERSION]")
@order_options
@at_window
async def undeploy(window: Window, what: str, **given: Any) -> Exit:
    """Have nothing started any more by the process NAME, or by one version of it. What runs goes on.

    \b
      bureaucrat undeploy order@3 --reason "loses parcels"
    """
    name, version = named(what)
    return await _ask(window, Undeploy(given["person"], name, version, given["reason"]), given)


def _checked(files: Iterable[str], limits: ReadLimits) -> dict[str, Definition]:
    """The definitions in some files.

    :raises Failure: with every problem of every file.
    """
    definitions: dict[str, Definition] = {}
    found: list[tuple[list[Problem], str]] = []
    for file in files:
        source = _bytes_of(file)
        try:
            definitions[file] = read(source, file=file, limits=limits)
        except InvalidDefinition as invalid:
            found.append((invalid.problems, source.decode("utf-8", "replace")))
    lines = [line for problems, source in found for line in problem_lines(problems, source)]
    unnamed = unregistrable(definitions)
    more = [explaining(problems) for problems, _ in found[-1:]]
    total = sum(len(problems) for problems, _ in found) + len(unnamed)
    if total:
        raise Failure(Exit.INVALID, f"nothing was deployed: {count(total, 'problem')}", *lines, *unnamed, *more)
    return definitions


def _warn(window: Window, warnings: list[Problem], paths: tuple[str, ...]) -> None:
    """The first warnings; none of them keeps anything from being registered."""
    for warning in warnings[:_MOST_WARNINGS]:
        window.line(warning.row())
    more = len(warnings) - _MOST_WARNINGS
    if more > 0:
        window.line(f"{count(more, 'more warning')}   {command(['lint', *paths])}")


def _bytes_of(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise Failure(Exit.INVALID, f"{file} cannot be read: {error.strerror}") from error


async def _ask(
    window: Window, order: Deploy | Undeploy, given: dict[str, Any], warnings: Sequence[Problem] | None = None
) -> Exit:
    """Leave the order, and say what came of it."""
    mailing = Mailing(window)
    number = await mailing.post("", order)
    patience: float = given["timeout"]
    found = {} if given["is_hasty"] else await mailing.outcomes([number], patience)
    if number in found:
        _say(window, number, found[number].outcome, found[number].answer, warnings)
        return Exit.OK if found[number].outcome == "done" else Exit.REFUSED
    if given["is_hasty"]:
        _say(window, number, "waiting", f"asked   order {number}", warnings)
        return Exit.OK
    _say(window, number, "waiting", nobody(1, patience), warnings)
    return Exit.UNFINISHED


def _say(window: Window, number: int, outcome: str, answer: str, warnings: Sequence[Problem] | None) -> None:
    lines = answer.splitlines()
    if window.is_json:
        versions = [line.split()[0] for line in lines] if outcome == "done" else []
        told = {} if warnings is None else {"warnings": [str(warning) for warning in warnings]}
        window.json({"order": number, "outcome": outcome, "answer": answer, "versions": versions, **told})
        return
    if outcome in ("refused", "failed"):
        window.line(f"{outcome}, and nothing was changed:")
    for line in lines:
        window.line(line)
    if outcome == "done":
        window.line(f"see   {window.command('definitions')}")
    elif outcome == "waiting":
        window.line(f"see what comes of it   {window.command('audit')}")
