"""What a person asks of instances: cancel, suspend, resume, retry, skip, move, set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from ..core.messages import Cancel, Move, Resume, Retry, Set, Skip, Suspend
from ..core.values import complaint
from ..engine.orders import Asked
from ..ports import IncidentRow, InstanceRow
from .acting import Asking, Request, act
from .aim import Missed, incidents_in, target_in, waiting_in
from .choosing import Choice, choice_of, choosing
from .failure import Exit, Failure
from .fields import parse_fields
from .pace import rate
from .run import duration
from .window import Window, at_window, who

Command = TypeVar("Command", bound=Callable[..., Any])


def acting(command: Command) -> Command:
    """The options that all of these have."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return choosing(command)


_OPTIONS = (
    click.option("--cause", metavar="CAUSE", help="Those with an open incident of this cause (ps --incidents)."),
    click.option("--rate", callback=rate, metavar="N/s", help="No more than so many a second: 20/s, 5/m."),
    click.option("--first", type=click.IntRange(1), metavar="N", help="Only N of them."),
    click.option("--dry-run", "is_dry", is_flag=True, help="Say what would be asked, and ask nothing."),
    click.option("--reason", default="", metavar="TEXT", help="Why; it is kept with the order."),
    click.option("--who", "person", default=who, metavar="WHO", help="Who asks. Default: user@host."),
    click.option(
        "--timeout", callback=duration, default="5s", show_default=True, metavar="DURATION", help="How long to wait."
    ),
    click.option("--no-wait", "is_hasty", is_flag=True, help="Leave the order and do not wait for what comes of it."),
)


def request_of(
    verb: str,
    done: str,
    given: dict[str, Any],
    id: str | None,
    asking: Asking,
) -> Request:
    """What the options say."""
    choice = choice_of(given)
    if id is not None and (choice != Choice() or given["cause"]):
        raise Failure(Exit.INVALID, f"{verb} either the instance {id!r} or those that the options choose, not both")
    return Request(
        verb=verb,
        done=done,
        asking=asking,
        who=given["person"],
        id=id,
        choice=choice,
        is_for_incidents=verb == "retry",
        cause=given["cause"],
        first=given["first"],
        rate=given["rate"],
        is_dry=given["is_dry"],
        patience=None if given["is_hasty"] else given["timeout"],
    )


def _simple(verb: str, done: str, kind: type[Suspend] | type[Resume], help: str) -> click.Command:
    """A command that needs no more than the instance."""

    async def work(window: Window, id: str | None, **given: Any) -> Exit:
        async def asking(row: InstanceRow, incident: IncidentRow | None) -> list[tuple[Asked, str]]:
            return [(kind(given["reason"]), "")]

        return await act(window, request_of(verb, done, given, id, asking))

    work.__name__, work.__doc__ = verb, help
    short = help.split("\n", 1)[0]
    return click.command(short_help=short)(click.argument("id", required=False)(acting(at_window(work))))


@click.command(short_help="End instances: everything unfinished in them ends, no handler runs.")
@click.argument("id", required=False)
@click.option("--compensate", "undoes", is_flag=True, help="Run what was remembered first, newest first.")
@acting
@at_window
async def cancel(window: Window, id: str | None, undoes: bool, **given: Any) -> Exit:
    """End instances: everything unfinished in them ends, no handler runs.

    \b
      bureaucrat cancel 1017 --reason "ordered twice"
      bureaucrat cancel 1017 --compensate
      bureaucrat cancel --process order --since 2h --dry-run
    """

    async def asking(row: InstanceRow, incident: IncidentRow | None) -> list[tuple[Asked, str]]:
        return [(Cancel(given["reason"], undoes), "")]

    return await act(window, request_of("cancel", "canceled", given, id, asking))


suspend = _simple(
    "suspend",
    "suspended",
    Suspend,
    """Keep answers, events and timers of instances back until resume.

    \b
      bureaucrat suspend 1017 --reason "ticket 5521"
    """,
)
resume = _simple(
    "resume",
    "resumed",
    Resume,
    """Apply what was kept back, in order, and go on.

    \b
      bureaucrat resume 1017
      bureaucrat resume --process order --status suspended
    """,
)


@click.command(short_help="Try an incident again.")
@click.argument("id", required=False)
@click.argument("activity", required=False)
@click.option("--set", "words", multiple=True, metavar="NAME=VALUE", help="Change a field first. May be repeated.")
@acting
@at_window
async def retry(window: Window, id: str | None, activity: str | None, words: tuple[str, ...], **given: Any) -> Exit:
    """Try the open incidents of ID again, or that of one ACTIVITY, named by its id or address.

    \b
      bureaucrat retry 1017
      bureaucrat retry 1017 ship --set host=b.example
      bureaucrat retry --cause c3f1 --first 1
    """

    async def asking(row: InstanceRow, incident: IncidentRow | None) -> list[tuple[Asked, str]]:
        fields = await _fields(window, row, words, "--set ")
        spots = await incidents_in(window, row, activity if incident is None else incident.address)
        reason, definition = given["reason"], row.definition
        return [
            (Retry(one.branch, one.activity.index, fields, reason, definition), one.activity.label) for one in spots
        ]

    return await act(window, request_of("retry", "retried", given, id, asking))


@click.command(short_help="Complete an activity by hand.")
@click.argument("words", metavar="[ID] [ACTIVITY] [NAME=VALUE]...", nargs=-1)
@acting
@at_window
async def skip(window: Window, words: tuple[str, ...], **given: Any) -> Exit:
    """Complete an activity of ID by hand and go on, with these fields changed: its incident, or the one that waits.

    \b
      bureaucrat skip 1017 parcel=DHL-4711
      bureaucrat skip 1017 payment --reason "paid in cash"
    """
    id, rest = _id_of(words, given)
    named = [word for word in rest if "=" not in word]
    if len(named) > 1:
        raise Failure(Exit.INVALID, f"one activity at a time, not {', '.join(named)}; a field is NAME=VALUE")

    async def asking(row: InstanceRow, incident: IncidentRow | None) -> list[tuple[Asked, str]]:
        fields = await _fields(window, row, [word for word in rest if "=" in word], "")
        word = next(iter(named), None if incident is None else incident.address)
        spot = await waiting_in(window, row, word)
        order = Skip(spot.branch, spot.activity.index, fields, given["reason"], row.definition)
        return [(order, spot.activity.label)]

    return await act(window, request_of("skip", "skipped", given, id, asking))


@click.command(short_help="End an activity, and start another in its place.")
@click.argument("id", required=False)
@click.option("--end", metavar="ACTIVITY", help="Which one ends. Default: the incident, or the one that waits.")
@click.option("--start", required=True, metavar="ACTIVITY", help="Which one starts, by its id or address.")
@acting
@at_window
async def move(window: Window, id: str | None, end: str | None, start: str, **given: Any) -> Exit:
    """End an activity of ID and start another one in its place, or the same again. No handler runs.

    \b
      bureaucrat move 1017 --end payment --start ship --reason "paid in cash"
      bureaucrat move --process order --end reserve --start reserve --dry-run
    """

    async def asking(row: InstanceRow, incident: IncidentRow | None) -> list[tuple[Asked, str]]:
        spot = await waiting_in(window, row, end or (None if incident is None else incident.address))
        target = target_in(await window.definitions.get(row.definition), start)
        order = Move(spot.branch, spot.activity.index, target.index, given["reason"], row.definition)
        return [(order, f"{spot.activity.label} to {target.label}")]

    return await act(window, request_of("move", "moved", given, id, asking))


@click.command("set", short_help="Change fields.")
@click.argument("words", metavar="[ID] NAME=VALUE...", nargs=-1)
@acting
@at_window
async def set_(window: Window, words: tuple[str, ...], **given: Any) -> Exit:
    """Change fields of the process's own scope.

    \b
      bureaucrat set 1017 amount=99.5 --reason "price was wrong"
    """
    id, rest = _id_of(words, given)
    if not rest:
        raise Failure(Exit.INVALID, f"set what? for example   {window.command('set', id or 'ID', 'NAME=VALUE')}")

    async def asking(row: InstanceRow, incident: IncidentRow | None) -> list[tuple[Asked, str]]:
        fields = await _fields(window, row, rest, "")
        return [(Set(fields, given["reason"]), ", ".join(fields))]

    return await act(window, request_of("set", "changed", given, id, asking))


def _id_of(words: Sequence[str], given: dict[str, Any]) -> tuple[str | None, Sequence[str]]:
    """The first word is the instance, unless options choose some."""
    is_chosen = given["cause"] or any(given[name] for name in Choice.__slots__ if name in given)
    if is_chosen:
        return None, words
    return (words[0], words[1:]) if words else (None, ())


async def _fields(window: Window, row: InstanceRow, words: Sequence[str], option: str) -> dict[str, Any]:
    """The fields that words give, with the types that the process declares."""
    fields = parse_fields(await window.definitions.get(row.definition), words, option)
    problem = complaint(fields)
    if problem is not None:
        raise Missed(f"the fields are no JSON: {problem}")
    return fields
