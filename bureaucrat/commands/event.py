"""``bureaucrat event``: reports an event, and says whom it woke and what it started, or who waits for one like it."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from ..core.activities.await_ import event_value
from ..core.values import complaint
from ..definition.problems import closest
from ..engine.orders import Happened
from ..ports import EventRow, WaitRow
from .failure import Exit, Failure
from .fields import parse_body
from .mailing import Mailing, nobody
from .run import duration
from .window import Window, at_window, who

_LOOK = 0.05  #: seconds between two looks
_SHOWN = 10
_STARTED = "started"


@click.command(short_help="Report an event, and see whom it wakes.")
@click.argument("name")
@click.argument("words", metavar="[NAME=VALUE]...", nargs=-1)
@click.option("--id", "id", default="", metavar="ID", help="Its id: an event with an id is accepted once.")
@click.option("--reason", default="", metavar="TEXT", help="Why; it is kept with the order.")
@click.option("--who", "person", default=who, metavar="WHO", help="Who reports it. Default: user@host.")
@click.option(
    "--timeout", callback=duration, default="5s", show_default=True, metavar="DURATION", help="How long to wait."
)
@click.option("--no-wait", "is_hasty", is_flag=True, help="Leave it and do not wait for whom it wakes.")
@at_window
async def event(window: Window, name: str, words: tuple[str, ...], **given: Any) -> Exit:
    """Report that the event NAME has happened, with this body. What reads as JSON is JSON, everything else is text.

    \b
      bureaucrat event payment.authorized order_id=1017
    """
    body = parse_body(words)
    problem = complaint(body)
    if problem is not None:
        raise Failure(Exit.INVALID, f"the event is no JSON: {problem}")
    near = await _near(window, name, body)
    mailing = Mailing(window)
    number = await mailing.post("", Happened(given["person"], name, body, given["id"], given["reason"]))
    if given["is_hasty"]:
        _say(window, number, "waiting", f"asked   order {number}", [])
        return Exit.OK
    audits = await mailing.outcomes([number], given["timeout"])
    if number not in audits:
        text = nobody(1, given["timeout"])
        _say(window, number, "waiting", text, [f"see what comes of it   {window.command('audit')}"])
        return Exit.UNFINISHED
    if audits[number].outcome != "done":
        _say(window, number, audits[number].outcome, f"{audits[number].outcome}: {audits[number].answer}", [])
        return Exit.REFUSED
    return await _woken(window, number, given["id"] or str(number), given["timeout"], near)


def _say(
    window: Window, number: int, outcome: str, text: str, lines: list[str], woke: list[dict[str, str]] | None = None
) -> None:
    if window.is_json:
        window.json({"order": number, "outcome": outcome, "answer": text, "woke": woke or []})
        return
    for line in (text, *lines):
        window.line(line)


# -- whom it woke


async def _woken(window: Window, number: int, id: str, patience: float, near: list[str]) -> Exit:
    found = await _offered(window, id, patience)
    if found is None:
        text = "accepted; it is still being offered"
        _say(window, number, "done", text, [f"see   {window.command('ps')}"])
        return Exit.OK
    woken = await window.storage.woken_by(found.number, 10_000)
    told = [await _place(window, instance, activity) for instance, _, activity in woken[:_SHOWN]]
    woke = [{"instance": instance, "activity": one} for (instance, _, _), (_, one) in zip(woken, told, strict=False)]
    if woken:
        lines = [
            f"  {name} {'at ' + label if activity else label}"
            for (_, _, activity), (name, label) in zip(woken, told, strict=False)
        ]
        rest = [f"  and {len(woken) - _SHOWN:,} more"] if len(woken) > _SHOWN else []
        _say(window, number, "done", _counted([activity for _, _, activity in woken]), [*lines, *rest], woke)
    else:
        _say(
            window, number, "done", f"nobody waits for {found.name} like this; it is kept for whoever asks later", near
        )
    return Exit.OK


def _counted(activities: list[int]) -> str:
    """How many waits it woke, and how many instances it started: those have consumed it as a whole."""
    started = activities.count(0)
    parts = [(len(activities) - started, "woke"), (started, "started")]
    return ", ".join(f"{what} {number:,}" for number, what in parts if number)


async def _offered(window: Window, id: str, patience: float) -> EventRow | None:
    """The event, once it was offered to everybody who waits; None if that takes too long."""
    loop = asyncio.get_running_loop()
    until = loop.time() + patience
    while True:
        found = await window.storage.event(id)
        if found is not None and found.cursor is None:
            return found
        if loop.time() >= until:
            return None
        await asyncio.sleep(_LOOK)


async def _place(window: Window, instance: str, activity: int) -> tuple[str, str]:
    row = await window.storage.instance(instance)
    if row is None:
        return instance, str(activity)
    name = f"{row.process} {row.business_key or row.id}"
    if activity == 0:
        return name, _STARTED
    activities = (await window.definitions.get(row.definition)).activities
    if activity >= len(activities):  # of the definition that it ran before it migrated
        return name, str(activity)
    return name, activities[activity].label


# -- who waits for something like it


async def _near(window: Window, name: str, body: dict[str, Any]) -> list[str]:
    """Lines about waits that this event would not wake, but one like it."""
    awaited = await window.storage.awaited()
    meant = name if name in awaited else closest(name, awaited)
    if meant is None:
        return [f"  awaited are {', '.join(awaited[:_SHOWN])}"] if awaited else ["  nothing waits for any event"]
    paths = await window.storage.paths(meant)
    keys = [("", "")] if "" in paths else []
    for path in filter(None, paths):
        value = event_value(body, path)
        if value is not None:
            keys.append((path, value))
    waits = await window.storage.waits(meant, keys, "", _SHOWN) if keys else []
    if waits and meant != name:
        return [await _wait(window, wait) for wait in waits] + [_meant(window, meant, waits[0])]
    compared = " or ".join(path for path in paths if path)
    return [f"  {meant} is awaited with {compared or 'any body'}; look   {window.command('ps')}"]


async def _wait(window: Window, wait: WaitRow) -> str:
    name, label = await _place(window, wait.instance, wait.activity)
    key = f" with {wait.path}={wait.value}" if wait.path else ""
    return f"  {name} waits for {wait.event}{key} at {label}"


def _meant(window: Window, meant: str, wait: WaitRow) -> str:
    words = [f"{wait.path}={wait.value}"] if wait.path else []
    return f"did you mean   {window.command('event', meant, *words)}"
