"""``bureaucrat launch``: has the daemon start an instance, and with ``--wait`` shows how it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import config_option
from .run import duration
from .window import Surroundings


@click.command(short_help="Have the daemon start an instance.")
@click.argument("what", metavar="FILE|NAME[@VERSION]")
@click.option(
    "-f",
    "--field",
    "words",
    multiple=True,
    metavar="NAME=VALUE",
    help="A field to start with; NAME:int=5, :float, :bool, :json and :str give its type.",
)
@click.option("--id", "id", metavar="ID", help="The instance's id: launched twice with one id, it is started once.")
@click.option("--key", metavar="KEY", help="Its business key, if the process names none.")
@click.option("--version", type=click.IntRange(1), metavar="N", help="Of a process by name; default: the newest.")
@click.option("--wait", "is_waiting", is_flag=True, help="Wait for its end, and show what came of it.")
@click.option("--timeout", callback=duration, default="60s", show_default=True, metavar="DURATION", help="How long.")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object and nothing else.")
@config_option
@click.pass_context
def launch(context: click.Context, /, **given: Any) -> None:
    """Have the daemon start an instance of the definition in FILE, or of the process NAME that was deployed.

    \b
      bureaucrat launch processes/order.xml -f order_id=1017
      bureaucrat launch processes/order.xml -f order_id=1017 --wait
      bureaucrat launch order@3 -f order_id=1017
    """
    from .launching import Launching  # with it comes the client of the broker, which no other command needs

    config: Path | None = given["config"]
    surroundings = context.find_object(Surroundings) or Surroundings()
    context.exit(Launching(given, None if config is None else str(config), surroundings.launcher).run())
