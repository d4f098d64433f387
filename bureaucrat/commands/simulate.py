"""``bureaucrat simulate``: play a process in virtual time, and write what happened as a test for pytest."""

from __future__ import annotations

import sys

import click

from .failure import Failure
from .fields import check_required, parse_fields
from .progress import Output
from .run import definition_in
from .session import Session
from .theatre import Prompt, Stage


@click.command(short_help="Play a process in virtual time, or write a test of an instance.")
@click.argument("file", required=False)
@click.option("--with", "others", multiple=True, metavar="FILE", help="A process that can be called by its name.")
@click.option("-f", "--field", "fields", multiple=True, metavar="NAME=VALUE", help="A field of the instance.")
@click.pass_context
def simulate(context: click.Context, file: str | None, others: tuple[str, ...], fields: tuple[str, ...]) -> None:
    """Play the process in FILE: you are every participant, the events and the clock; nothing else runs.

    Commands come from the terminal, or from a pipe, where the first that cannot be done ends it with its exit code.
    ``help`` lists them.

    \b
      bureaucrat simulate processes/order.xml -f order_id=1017
      bureaucrat simulate processes/order.xml -f order_id=1017 < story.txt
    """
    assert file is not None
    play(context, file, others, fields)


def play(context: click.Context, file: str, others: tuple[str, ...], fields: tuple[str, ...]) -> None:
    """Drive a simulation by commands."""
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
        try:
            if not stage.line(line, is_echoed=True):
                break
        except Failure as failure:
            click.echo(f"bureaucrat: {failure.lines[0]}", err=True)
            context.exit(failure.code)
