"""``bureaucrat agents``: runs the agents of modules of settings, each in a process of its own."""

from __future__ import annotations

from pathlib import Path

import click

from ..agents.launcher import AgentsManager, load_configuration
from .failure import Exit, Failure
from .modules import search_here


@click.command(short_help="Run agents.")
@click.argument("modules", metavar="MODULE...", nargs=-1, required=True)
@click.option(
    "--listen", metavar="HOST:PORT", help="Where /health and /ready are told over HTTP, such as 127.0.0.1:8081."
)
def agents(modules: tuple[str, ...], listen: str | None) -> int:
    """Run the agents of each MODULE: the dotted name of a module with AGENT, BUS and BROKER.

    Each runs in a process of its own. When one ends, all end; one with "restart": "one" is begun again alone, after
    1 s, 2 s and so on, up to 30 s. Ctrl-C or SIGTERM ends them all in good order.

    \b
      bureaucrat agents myproject.settings
    """
    search_here(Path.cwd())
    try:
        found = [one for module in modules for one in load_configuration(module)]
        manager = AgentsManager(found, modules=modules, listen=_address(listen), tell=click.echo)
        code = manager.start()
    except (ImportError, ValueError, OSError) as error:
        raise Failure(Exit.NOT_STARTED, f"not started: {error}") from error
    click.echo("Exit")
    return code


def _address(listen: str | None) -> tuple[str, int] | None:
    if listen is None:
        return None
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal():
        raise click.BadParameter(f"{listen} is no HOST:PORT", param_hint="--listen")
    return host.strip("[]"), int(port)
