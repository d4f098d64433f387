"""The options of commands that leave an order in the mailbox: why, who, and how long what comes of it is waited for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from .run import duration
from .window import who

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--reason", default="", metavar="TEXT", help="Why; it is kept with the order."),
    click.option("--who", "person", default=who, metavar="WHO", help="Who asks. Default: user@host."),
    click.option(
        "--timeout", callback=duration, default="5s", show_default=True, metavar="DURATION", help="How long to wait."
    ),
    click.option("--no-wait", "is_hasty", is_flag=True, help="Leave the order and do not wait for what comes of it."),
)


def order_options(command: Command) -> Command:
    """Add them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
