"""``bureaucrat simulate``: play a process in virtual time, and write what happened as a test for pytest."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from ..engine.orders import Looked
from .failure import Exit, Failure
from .fields import check_required, parse_fields
from .finding import find
from .mailing import post
from .progress import Output
from .recorded import record
from .run import definition_in
from .session import Session
from .theatre import Prompt, Stage
from .window import Window, at_window, who

_NEEDS_ONE = "write a FILE to play, or --from ID to write a test of an instance"


def _or_play(stored: Callable[..., None]) -> Callable[..., None]:
    """To play a file needs no database."""

    @wraps(stored)
    def start(
        file: str | None, wanted: str | None, others: tuple[str, ...], fields: tuple[str, ...], **given: Any
    ) -> None:
        if (file is None) == (wanted is None):
            raise Failure(Exit.INVALID, _NEEDS_ONE)
        if file is None:
            stored(wanted=wanted, **given)
        elif given["target"] is not None:
            raise Failure(Exit.INVALID, "-o is for --from; a session is written by its command save FILE")
        else:
            _play(file, others, fields)

    return start


@click.command(short_help="Play a process in virtual time, or write a test of an instance.")
@click.argument("file", required=False)
@click.option("--with", "others", multiple=True, metavar="FILE", help="A process that can be called by its name.")
@click.option("-f", "--field", "fields", multiple=True, metavar="NAME=VALUE", help="A field of the instance.")
@click.option("--from", "wanted", metavar="ID", help="Write what this instance has done as a test for pytest.")
@click.option("-o", "--output", "target", metavar="FILE", help="The test's file. Default: standard output.")
@click.option("--who", "person", metavar="WHO", default=who, help="Who looks at the values. Default: user@host.")
@_or_play
@at_window
async def simulate(window: Window, wanted: str, target: str | None, person: str) -> Exit | None:
    """Play the process in FILE: you are every participant, the events and the clock; nothing else runs.

    Commands come from the terminal, or from a pipe, where the first that cannot be done ends it with its exit code.
    ``help`` lists them.

    With --from the history of an instance is played again, and written as a test for pytest; that somebody has looked
    at its values is kept.

    \b
      bureaucrat simulate processes/order.xml -f order_id=1017
      bureaucrat simulate processes/order.xml -f order_id=1017 < story.txt
      bureaucrat simulate --from 1017 -o test_order_1017.py
    """
    row = await find(window, wanted)
    recording = await record(window, row)
    await post(window, row.id, Looked(person, "history"))
    text = recording.scenario.text()
    if target is None:
        click.echo(text, nl=False)
    else:
        _write(target, text)
        window.line(f"{target}   {len(recording.scenario.calls)} calls")
        window.line(f"run   pytest {target}")
    for note in recording.scenario.notes:
        click.echo(f"bureaucrat: {note}", err=True)
    return None if recording.is_same else Exit.UNFINISHED


def _write(target: str, text: str) -> None:
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        lines = (f"{target} cannot be written: {error.strerror}", "choose   another file: -o FILE")
        raise Failure(Exit.NOT_STARTED, *lines) from error


def _play(file: str, others: tuple[str, ...], fields: tuple[str, ...]) -> None:
    """Drive a simulation by commands.

    :raises Failure: a command of a script cannot be done.
    """
    definition = definition_in(file)
    given = parse_fields(definition, fields)
    check_required(definition, given)
    session = Session(definition, file, [(other, definition_in(other)) for other in others], given)
    stage = Stage(session, Output(sys.stdout))
    if sys.stdin.isatty():
        Prompt(stage).cmdloop()
        return
    stage.open()
    for line in sys.stdin:
        if not stage.line(line, is_echoed=True):
            break
