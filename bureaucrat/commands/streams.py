"""``bureaucrat streams -A MODULE``: workers of stream agents, what is sent to them, and the commands of an app."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import os
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import msgspec

from ..errors import BrokerUnavailable, BureaucratError
from ..streams import Agent, App
from ..streams.cli import Command, Parameter
from ..streams.records import models as all_models
from ..streams.records import options_of
from . import table
from .failure import Exit, Failure
from .stops import Stops
from .stream_apps import app_of, entity_of, model_of, read_value, unreachable, with_app

_LEVELS = click.Choice(["debug", "info", "warning", "error", "critical"], case_sensitive=False)
_loglevel = click.option("-l", "--loglevel", type=_LEVELS, help="What is logged.")
_logfile = click.option("-f", "--logfile", type=click.Path(path_type=Path), help="Where to, instead of standard error.")


class _Streams(click.Group):
    """Our commands, and those of the app."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        found = _app(ctx).commands.get(cmd_name.replace("-", "_"))
        return None if found is None else _made(_app(ctx), found)

    def list_commands(self, ctx: click.Context) -> list[str]:
        theirs = _app(ctx).commands if ctx.params.get("named") else {}
        return [*super().list_commands(ctx), *theirs]


def _app(context: click.Context) -> App:
    """The app that was named, loaded once."""
    group = context
    while not isinstance(group.command, _Streams):
        assert group.parent is not None, "it is a command of the group"
        group = group.parent
    if group.obj is None or not isinstance(group.obj, App):
        if workdir := group.params.get("workdir"):
            os.chdir(workdir)
        found = app_of(group.params.get("named"))
        found.conf.datadir = group.params.get("datadir") or found.conf.datadir
        group.obj = found
    app: App = group.obj
    return app


@click.group(cls=_Streams, short_help="Stream agents: workers, and what is sent to them.")
@click.option(
    "-A",
    "--app",
    "named",
    is_eager=True,
    metavar="MODULE[:APP]",
    help="The module of the app, or the path of its file.",
)
@click.option("-q/ ", "--quiet/--no-quiet", "is_quiet", help="Say nothing but what was asked for.")
@click.option("-W", "--workdir", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Work there.")
@click.option("-D", "--datadir", type=click.Path(path_type=Path), help="app.conf.datadir.")
@click.option("--json", "is_json", is_flag=True, help="Write JSON.")
@_loglevel
@_logfile
def streams(
    named: str | None,
    is_quiet: bool,
    workdir: Path | None,
    datadir: Path | None,
    is_json: bool,
    loglevel: str | None,
    logfile: Path | None,
) -> None:
    """Run stream agents, look at them, send to them; and the commands that an app has of its own.

    \b
      bureaucrat streams -A shop.scores worker
      bureaucrat streams -A shop.scores send @adding '{"a": 4, "b": 4}'
    """
    _log(loglevel, logfile)


def _log(level: str | None, file: Path | None) -> None:
    if level:
        logging.getLogger().setLevel(level.upper())
    if file:
        handler = logging.FileHandler(file)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logging.getLogger().handlers = [handler]


@streams.command(short_help="Serve the agents until it is stopped.")
@_loglevel
@_logfile
@click.option("--grace", default=20.0, show_default=True, metavar="SECONDS", help="For what is under way at the end.")
@click.pass_context
def worker(context: click.Context, loglevel: str | None, logfile: Path | None, grace: float) -> int:
    """Serve the agents of the app. Any number of workers share its partitions; one that dies loses nothing.

    It ends by Ctrl-C or SIGTERM, and with an error when an agent crashes it.
    """
    _log(loglevel, logfile)
    app = _app(context)
    is_quiet = bool(context.parent and context.parent.params.get("is_quiet"))
    return asyncio.run(_serve(app, grace, is_quiet=is_quiet))


async def _serve(app: App, grace: float, *, is_quiet: bool) -> int:
    told = asyncio.Event()
    with Stops(told):
        try:
            await app.start()
        except BrokerUnavailable as error:
            raise unreachable(error) from error
        except BureaucratError as error:
            raise Failure(Exit.NOT_STARTED, f"not started: {error}") from error
        if not is_quiet:
            click.echo(f"serving {', '.join(app.agents) or 'no agents'} of {app.id}; Ctrl-C stops")
        crash = asyncio.create_task(app.wait())
        stop = asyncio.create_task(told.wait())
        await asyncio.wait([crash, stop], return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        await app.stop(grace)
        if not crash.done():
            crash.cancel()
        elif (reason := crash.exception()) is not None:
            raise Failure(Exit.UNFINISHED, f"crashed: {type(reason).__name__}: {reason}") from reason
    return Exit.OK


def _show(context: click.Context, titles: list[str], rows: list[list[str]]) -> None:
    if context.parent and context.parent.params.get("is_json"):
        click.echo(json.dumps([dict(zip(titles, row, strict=True)) for row in rows]))
    else:
        click.echo("\n".join(table.plain([title.upper() for title in titles], rows)))


@streams.command(short_help="List the agents.")
@click.option("--local", "is_local", is_flag=True, help="Those that read a channel in memory, too.")
@click.pass_context
def agents(context: click.Context, is_local: bool) -> None:
    """The agents of the app, what they read, and what they are for."""
    app = _app(context)

    def row(name: str, agent: Agent) -> list[str]:
        return [name, ", ".join(agent.get_topic_names()), agent.help.split("\n")[0]]

    rows = [row(name, agent) for name, agent in sorted(app.agents.items()) if is_local or agent.get_topic_names()]
    _show(context, ["name", "topic", "help"], rows)


@streams.command(short_help="List the models.")
@click.pass_context
def models(context: click.Context) -> None:
    """The records that the app's modules declare."""
    _app(context)
    rows = [[options_of(one).namespace, (one.__doc__ or "").split("\n")[0]] for one in all_models()]
    _show(context, ["name", "help"], rows)


@streams.command(short_help="Show a model.")
@click.argument("name")
@click.pass_context
def model(context: click.Context, name: str) -> None:
    """The fields of a record: NAME is that of its class, or its namespace."""
    _app(context)
    rows = []
    for field in msgspec.structs.fields(model_of(name)):
        given = "*" if field.required else repr(field.default)
        rows.append([field.name, inspect.formatannotation(field.type), given])
    _show(context, ["field", "type", "default"], rows)


@streams.command(short_help="Send a message to an agent or a topic.")
@click.option("-K", "--key-type", help="A model.")
@click.option("--key-serializer")
@click.option("-V", "--value-type", help="A model.")
@click.option("--value-serializer")
@click.option("-k", "--key")
@click.option("--partition", type=int)
@click.option("-r", "--repeat", type=click.IntRange(1), default=1, help="How often.")
@click.option("--min-latency", type=float, default=0.0, metavar="SECONDS", help="Between two of them, at least.")
@click.option("--max-latency", type=float, default=0.0, metavar="SECONDS", help="And at most.")
@click.argument("entity")
@click.argument("value", required=False)
@click.pass_context
def send(context: click.Context, /, **given: Any) -> None:
    """Send VALUE, JSON or a text, to ENTITY: @agent, or the name of a topic. Where it went is printed as JSON."""
    app = _app(context)
    asyncio.run(with_app(app, lambda: _send(app, **given)))


async def _send(
    app: App,
    *,
    entity: str,
    value: str | None,
    key: str | None,
    partition: int | None,
    repeat: int,
    min_latency: float,
    max_latency: float,
    key_type: str | None,
    value_type: str | None,
    key_serializer: str | None,
    value_serializer: str | None,
) -> None:
    shape = {
        "key_type": key_type and model_of(key_type),
        "value_type": value_type and model_of(value_type),
        "key_serializer": key_serializer,
        "value_serializer": value_serializer,
    }
    topic = entity_of(app, entity, **shape)
    typed = None if value is None else read_value(value, topic.value_type)
    typed_key = key if key is None or topic.key_type is None else read_value(key, topic.key_type)
    for turn in range(repeat):
        if turn:
            await asyncio.sleep(random.uniform(min_latency, max(min_latency, max_latency)))
        sent = await topic.send(key=typed_key, value=typed, partition=partition)
        click.echo(json.dumps(asdict(sent)))


# -- commands of the app


def _made(app: App, command: Command) -> click.Command:
    """A command of the app, for click."""

    def run(**given: Any) -> None:
        asyncio.run(with_app(app, lambda: _called(command, given)))

    told = [f"{one.names[0].upper()}: {one.settings['help']}" for one in command.parameters if _is_explained(one)]
    text = "\n\n".join([command.help, "\b\n" + "\n".join(told)] if told else [command.help])
    return click.Command(command.name, params=[_parameter(one) for one in command.parameters], callback=run, help=text)


def _is_explained(parameter: Parameter) -> bool:
    return not parameter.is_option and "help" in parameter.settings


def _parameter(parameter: Parameter) -> click.Parameter:
    if parameter.is_option:
        return click.Option(parameter.names, **parameter.settings)
    return click.Argument(parameter.names, **{key: one for key, one in parameter.settings.items() if key != "help"})


async def _called(command: Command, given: dict[str, Any]) -> None:
    made = command.fun(**given)
    if inspect.isawaitable(made):
        await made
