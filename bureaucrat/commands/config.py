"""``bureaucrat config``: every value in force, and where it comes from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import click

from ..config import Config, Setting, load
from ..errors import ConfigurationError
from .failure import Exit
from .options import config_option

_WIDEST = 60  #: characters of a value that may push the sources to the right


@click.command("config", short_help="Show the settings in force and where each comes from.")
@config_option
@click.option("--json", "is_json", is_flag=True, help="For programs.")
@click.pass_context
def config(context: click.Context, config: Path | None, is_json: bool) -> None:
    """Show every setting in force and its source: default, file and line, or environment variable.

    Passwords are shown as ***. Exit code 0: the settings can be used; 2: they have problems, all of which are listed.

    \b
      bureaucrat config -c /etc/bureaucrat/config.ini
    """
    try:
        found = load(config, os.environ)
    except ConfigurationError as error:
        if is_json:
            click.echo(json.dumps({"problems": error.problems}, indent=2, ensure_ascii=False))
        for problem in () if is_json else error.problems:
            click.echo(f"! {problem}")
        context.exit(Exit.INVALID)
    if is_json:
        click.echo(json.dumps(_document(found), indent=2, ensure_ascii=False))
    else:
        for line in _lines(found):
            click.echo(line)


def _in_force(found: Config) -> list[Setting]:
    return [one for one in found.settings if one.is_in_force]


def _document(found: Config) -> dict[str, object]:
    rows = [
        {"section": one.key.section, "name": one.key.name, "value": one.shown, "source": one.source}
        | {"variable": one.key.variable}
        for one in _in_force(found)
    ]
    return {"file": str(found.file) if found.file else None, "settings": rows, "problems": []}


def _lines(found: Config) -> Iterator[str]:
    rows = _in_force(found)
    heading = max(len(one.key.section) for one in rows) + 4
    name = max(len(one.key.name) for one in rows) + 2
    value = min(max(len(one.shown) for one in rows), _WIDEST) + 2
    for section, of_section in groupby(rows, lambda one: one.key.section):
        first = f"[{section}]"
        for one in of_section:
            yield f"{first:<{heading}}{one.key.name:<{name}}{one.shown:<{value}}{one.source}"
            first = ""
    if found.logging:
        first = f"[{next(iter(found.logging))}]"
        yield f"{first} … {len(found.logging)} sections of logging.config decide about logs, not [log]"
