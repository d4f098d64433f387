"""``bureaucrat explain``: the page on a code of a problem."""

from __future__ import annotations

import click

from ..definition.problems import explain as page
from .failure import Exit, Failure


@click.command(short_help="Explain the code of a problem.")
@click.argument("code", metavar="CODE")
def explain(code: str) -> None:
    """Show what a code of `bureaucrat lint` means, with a wrong and a right example.

    \b
      bureaucrat explain BX204
    """
    try:
        click.echo(page(code))
    except ValueError as error:
        raise Failure(Exit.INVALID, str(error)) from error
