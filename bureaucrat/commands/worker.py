"""``bureaucrat worker``: serves the participants of a module from RabbitMQ, until it is told to stop."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import click

from ..core.durations import parse_duration
from .failure import Exit, Failure
from .modules import load_participants
from .options import config_option, settings


def _duration(context: click.Context, option: click.Parameter, text: str) -> float:
    """The value of an option that is a duration, in seconds."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error), context, option) from error


@click.command(short_help="Serve participants from RabbitMQ.")
@click.argument("modules", metavar="MODULE...", nargs=-1, required=True)
@config_option
@click.option(
    "--amqp",
    "url",
    metavar="URL",
    help="Where RabbitMQ is. Default: what the settings say, where a password is seen by nobody else.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    default=16,
    show_default=True,
    metavar="N",
    help="How many sync functions run at once.",
)
@click.option(
    "--prefetch",
    type=click.IntRange(1, 2000),
    metavar="N",
    help="How many attempts of one participant are here at once, waiting ones and async ones included. "
    "Default: eight times the concurrency. Less spreads long work over more workers.",
)
@click.option(
    "--grace",
    callback=_duration,
    default="25s",
    show_default=True,
    metavar="DURATION",
    help="How long what is under way may take when the worker is stopped; the rest is given back.",
)
@click.option("-v", "--verbose", "is_verbose", is_flag=True, help="Show each attempt.")
def worker(
    modules: tuple[str, ...],
    config: Path | None,
    url: str | None,
    concurrency: int,
    prefetch: int | None,
    grace: float,
    is_verbose: bool,
) -> int:
    """Serve the @participant functions of each MODULE: its name, or the path of its file.

    Each is fed by the queue worker_<name>. Any number of workers may serve the same; one that is killed loses nothing:
    what it had not answered goes to another. Ctrl-C or SIGTERM stops it, a second one at once.

    \b
      bureaucrat worker myproject.participants -c config.ini
    """
    from ..amqp import AmqpSettings
    from .serving import (  # here, because the other commands start faster without RabbitMQ's client
        Serving,
        worker_settings,
    )

    functions = load_participants(modules)
    if not functions.own:
        serve = "serve them with Celery:   celery -A MODULE worker"
        raise Failure(Exit.NOT_STARTED, f"not started: {', '.join(modules)} has Celery tasks only", serve)
    found = settings(config)
    amqp = AmqpSettings.of(found)
    serving = Serving(
        functions,
        amqp if url is None else replace(amqp, url=url),
        worker_settings(found, concurrency=concurrency, prefetch=prefetch),
        is_verbose,
    )
    asyncio.run(serving.run(grace))
    return Exit.OK
