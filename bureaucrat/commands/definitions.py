"""``bureaucrat definitions``: the processes that are registered, and how many instances run each version."""

from __future__ import annotations

from typing import Any

import click

from ..definition.problems import did_you_mean
from ..ports import VersionRow
from . import table
from .failure import Exit, Failure
from .window import Window, at_window
from .wording import iso


@click.command(short_help="The processes that can be started by name.")
@click.argument("name", required=False)
@at_window
async def definitions(window: Window, name: str | None) -> None:
    """List the versions of all registered processes, or of the process NAME: since when, by whom, and how many
    unfinished instances run each. Starts by name take the newest.

    \b
      bureaucrat definitions
      bureaucrat definitions order
    """
    known = await window.storage.versions()
    rows = [row for row in known if name in (None, row.name)]
    if name is not None and not rows:
        close = did_you_mean(name, {row.name for row in known})
        raise Failure(Exit.REFUSED, f"no process named {name!r} is registered{close}", _advice(window, bool(known)))
    running = await window.storage.running()
    last = {(row.name, row.definition): row.version for row in rows}
    newest = {row.name: row.version for row in rows if not row.retired}
    if window.is_json:
        window.json({"definitions": [_json(row, running, newest) for row in rows]})
        return
    if not rows:
        window.line("no process is registered yet")
        window.line(_advice(window, False))
        return
    cells = [
        (
            row.name,
            str(row.version),
            window.times.at(row.deployed),
            row.who,
            _running(row, running, last[row.name, row.definition]),
            _state(row, newest),
        )
        for row in rows
    ]
    table.show(window.output, ("PROCESS", "VERSION", "DEPLOYED", "BY", "RUNNING", "STATE"), cells, "BY")


def _advice(window: Window, is_known: bool) -> str:
    return f"see   {window.command('definitions')}" if is_known else f"deploy   {window.command('deploy', 'FILE')}"


def _running(row: VersionRow, running: dict[str, int], last: int) -> str:
    """How many run it; of versions with the same content they are counted at the last."""
    return f"{running.get(row.definition, 0):,}" if row.version == last else f"see {last}"


def _state(row: VersionRow, newest: dict[str, int]) -> str:
    if row.retired:
        return "undeployed"
    return "newest" if newest.get(row.name) == row.version else ""


def _json(row: VersionRow, running: dict[str, int], newest: dict[str, int]) -> dict[str, Any]:
    return {
        "name": row.name,
        "version": row.version,
        "definition": row.definition,
        "deployed": iso(row.deployed),
        "by": row.who,
        "running": running.get(row.definition, 0),
        "retired": row.retired,
        "newest": newest.get(row.name) == row.version,
    }
