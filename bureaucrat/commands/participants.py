"""``bureaucrat participants``: who serves what: look at it, pause it, have it go on.

Rules: what is wrong is told below the list, each line with the command that helps.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from ..definition.problems import did_you_mean
from ..engine.bounds import Bound
from ..engine.orders import Pausing
from . import table
from .asking import ask
from .crowds import paused_by, resume
from .failure import Exit, Failure
from .order_options import order_options
from .served import Served, all_served
from .standing import silence
from .window import Window, at_window
from .wording import count, iso

_TITLES = ("PARTICIPANT", "KIND", "QUEUE", "CONSUMERS", "READY", "IN FLIGHT", "WAITING", "BOUND", "FAILING", "STATE")
_NONE = "-"


class _Listing(click.Group):
    """What is no command of the group is the name of a participant that is to be listed."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in context.help_option_names):
            args = ["list", *args]
        return super().parse_args(context, args)


@click.group(cls=_Listing, short_help="Who serves what.", subcommand_metavar="[NAME] | COMMAND [ARGS]...")
def participants() -> None:
    """List the participants, or NAME: queue, consumers, attempts, and what of it fails.

    \b
      bureaucrat participants
      bureaucrat participants charge
    """


@participants.command("list", short_help="List them; the same without a command.")
@click.argument("name", metavar="[NAME]", required=False)
@at_window
async def list_(window: Window, name: str | None) -> None:
    """List all participants that definitions name or attempts are for, or NAME.

    \b
      bureaucrat participants list
    """
    known = await all_served(window)
    wanted = None if name is None else window.bounds.name(name)
    found = [one for one in known if wanted in (None, one.name)]
    if wanted is not None and not found:
        close = did_you_mean(wanted, {one.name for one in known})
        see = f"see   {window.command('participants')}"
        raise Failure(Exit.REFUSED, f"no definition names a participant {wanted!r}{close}", see)
    if window.is_json:
        window.json({"participants": [_json(window, one) for one in found]})
    elif found:
        table.show(window.output, _TITLES, [_cells(window, one) for one in found], "STATE")
        for line in [line for one in found for line in _problems(window, one)]:
            window.line(line)
    else:
        window.line("no definition that is registered or runs names a participant")
        window.line(f"deploy one   {window.command('deploy', 'FILE')}")


def _cells(window: Window, one: Served) -> tuple[str, ...]:
    return (
        one.name,
        one.kind,
        one.queue or _NONE,
        _NONE if one.shown is None else f"{one.shown.consumers:,}",
        _NONE if one.shown is None else f"{one.shown.ready:,}",
        f"{one.in_flight:,}",
        f"{one.waiting:,}",
        _bound(one.bound) or _NONE,
        f"{one.retrying + one.incidents:,}",
        _state(window, one),
    )


def _bound(bound: Bound | None) -> str:
    """``20 in flight, 5/s``"""
    if bound is None:
        return ""
    most = "" if bound.max_in_flight is None else f"{bound.max_in_flight:,} in flight"
    return ", ".join(filter(None, (most, "" if bound.rate is None else str(bound.rate))))


def _state(window: Window, one: Served) -> str:
    if one.pause is not None:
        return f"paused since {window.times.at(one.pause.since)}"
    since = one.silent_since(window)
    if since is not None:
        return f"no consumer since {window.times.at(since)}"
    return "serves" if one.shown is not None and one.shown.consumers else _NONE


def _problems(window: Window, one: Served) -> Iterator[str]:
    """What is wrong, each with a command."""
    if one.pause is not None:
        paused = f"{one.name} is {paused_by(one.pause, window.times)}; {one.waiting:,} wait"
        yield f"{paused}   {resume(window, one.name)}"
    if one.silent_since(window) is not None and one.shown is not None:
        serve = window.broker_command("worker", "MODULE")
        if one.kind == "celery":
            serve = f"celery -A MODULE worker -Q {one.queue}"
        yield f"{one.name}: {silence(one.shown, window.now)}   {serve}"
    if one.incidents:
        yield f"{one.name}: {count(one.incidents, 'open incident')}   {window.command('ps', '--incidents')}"
    if one.retrying:
        yield f"{one.name}: {count(one.retrying, 'attempt')} failed, to be tried again   {window.command('ps')}"


def _json(window: Window, one: Served) -> dict[str, Any]:
    bound = one.bound or Bound()
    shown, pause = one.shown, one.pause
    return {
        "participant": one.name,
        "kind": one.kind,
        "queue": one.queue,
        "processes": list(one.processes),
        "consumers": None if shown is None else shown.consumers,
        "ready": None if shown is None else shown.ready,
        "seen": None if shown is None else iso(shown.checked),
        "silent_since": None if shown is None else iso(shown.silent_since),
        "is_stalled": one.silent_since(window) is not None,
        "in_flight": one.in_flight,
        "waiting": one.waiting,
        "max_in_flight": bound.max_in_flight,
        "rate": None if bound.rate is None else str(bound.rate),
        "retrying": one.retrying,
        "incidents": one.incidents,
        "paused": None if pause is None else {"who": pause.who, "since": iso(pause.since), "reason": pause.reason},
    }


def _ordering(verb: str, help: str) -> click.Command:
    async def work(window: Window, name: str, **given: Any) -> Exit:
        order = Pausing(given["person"], verb, name, given["reason"])
        done, refused = window.command("participants", name), window.command("participants")
        return await ask(window, order, given, done, refused)

    work.__name__, work.__doc__ = verb, help
    command: Any = order_options(at_window(work))
    command = click.argument("name", metavar="NAME")(command)
    return participants.command(verb, short_help=help.split("\n", 1)[0])(command)


_ordering(
    "pause",
    """Have the attempts for a participant wait in the outbox.

    Their timeout does not run. What the participant has got stays with it. Others do not wait.

    \b
      bureaucrat participants pause charge --reason "the bank is down"
    """,
)
_ordering(
    "resume",
    """Have the attempts for a paused participant leave.

    \b
      bureaucrat participants resume charge
    """,
)
