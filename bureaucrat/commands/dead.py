"""``bureaucrat dead``: messages that no instance took: look at them, give them in again, or forget them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ..engine.codec import decode
from ..engine.orders import Drop, Looked, Ordered, Replay
from ..ports import DeadRow
from . import table
from .failure import Exit, Failure
from .mailing import Mailing, nobody, post
from .order_options import order_options
from .window import Window, at_window, who
from .wording import count, iso, one_line, pairs, size

_PREVIEW = 4_000  #: characters of a body


@click.group(short_help="Messages that no instance took.")
def dead() -> None:
    """Messages that no instance took, each with the reason."""


@dead.command("list", short_help="List them, newest first.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most.")
@click.option("--message-id", metavar="ID", help="Only messages with this id.")
@at_window
async def list_(window: Window, limit: int, message_id: str | None) -> None:
    """List dead letters, newest first.

    \b
      bureaucrat dead list
    """
    found = await window.storage.dead_letters(limit, message_id)
    total = (await window.storage.counts())["dead_letters"]
    if window.is_json:
        window.json({"letters": [_json(one) for one in found], "total": total})
        return
    rows = [
        (str(one.number), window.times.at(one.at), one.source, size(len(one.body)), one_line(one.reason))
        for one in found
    ]
    if rows:
        table.show(window.output, ("LETTER", "AT", "FROM", "SIZE", "REASON"), rows, "REASON")
    window.line(f"{len(rows):,} of {count(total, 'dead letter')}")
    if rows:
        window.line(f"look   {window.command('dead', 'show', rows[0][0])}")


@dead.command("show", short_help="Show one.")
@click.argument("letter", type=int)
@click.option("--body", "with_body", is_flag=True, help="The body, too. That it was shown is kept.")
@click.option("--who", "person", default=who, metavar="WHO", help="Who looks. Default: user@host.")
@at_window
async def show(window: Window, letter: int, with_body: bool, person: str) -> None:
    """Show the dead letter of that number.

    \b
      bureaucrat dead show 31337 --body
    """
    row = await _letter(window, letter)
    if with_body:
        await post(window, "", Looked(person, f"dead letter {letter}"))
    text = row.body.decode("utf-8", "replace")
    if window.is_json:
        window.json(_json(row) | ({"body": text} if with_body else {}))
        return
    whole = "" if row.is_whole else ", only the beginning was kept"
    window.line(f"letter {row.number}   {window.times.ago(row.at)}   from {row.source}", "bold")
    window.line(f"why          {row.reason}")
    window.line(f"message id   {row.message_id or 'none'}")
    window.line(f"properties   {pairs(_set(decode(row.properties))) or 'none'}")
    window.line(f"body         {size(len(row.body))}{whole}" + ("" if with_body else "; --body shows it"))
    if with_body:
        window.line(text[:_PREVIEW] + ("…" if len(text) > _PREVIEW else ""))
    if row.is_whole:
        window.line(f"again        {window.command('dead', 'replay', str(letter))}")
    window.line(f"forget       {window.command('dead', 'drop', str(letter))}")


def _set(properties: dict[str, Any]) -> dict[str, Any]:
    """What a message's sender has set."""
    return {name: value for name, value in properties.items() if value not in (None, "", {}) and name[:3] != "is_"}


def _ordering(verb: str, make: Callable[..., Ordered], help: str) -> click.Command:
    async def work(
        window: Window, letters: tuple[int, ...], person: str, reason: str, is_hasty: bool, **given: Any
    ) -> Exit:
        rows = [await _letter(window, letter) for letter in letters]
        for row in rows:
            if make is Replay and not row.is_whole:
                text = f"of dead letter {row.number} only the beginning was kept"
                see = f"see   {window.command('dead', 'show', str(row.number))}"
                raise Failure(Exit.REFUSED, f"{text}; whoever sent it has to send it again", see)
        mailing = Mailing(window)
        numbers = [await mailing.post("", make(person, row.number, reason)) for row in rows]
        return await _tell(
            window, mailing, dict(zip(numbers, letters, strict=True)), None if is_hasty else given["timeout"]
        )

    work.__name__, work.__doc__ = verb, help
    command: Any = order_options(at_window(work))
    command = click.argument("letters", metavar="LETTER...", type=int, nargs=-1, required=True)(command)
    return dead.command(verb, short_help=help.split("\n", 1)[0])(command)


_ordering(
    "replay",
    Replay,
    """Give dead letters in again, as if they came now.

    \b
      bureaucrat dead replay 31337
    """,
)
_ordering(
    "drop",
    Drop,
    """Forget dead letters.

    \b
      bureaucrat dead drop 31337 --reason "a test of ours"
    """,
)


async def _tell(window: Window, mailing: Mailing, letters: dict[int, int], patience: float | None) -> Exit:
    found = {} if patience is None else await mailing.outcomes(list(letters), patience)
    outcomes = {number: found[number].outcome if number in found else "waiting" for number in letters}
    if window.is_json:
        results = [
            {
                "letter": letter,
                "order": number,
                "outcome": outcomes[number],
                "answer": getattr(found.get(number), "answer", ""),
            }
            for number, letter in letters.items()
        ]
        window.json({"results": results})
    else:
        for number, letter in letters.items():
            text = f"{outcomes[number]}: {found[number].answer}" if number in found else f"asked   order {number}"
            window.line(f"{letter}: {text}")
        if patience is not None and len(found) < len(letters):
            window.line(nobody(len(letters) - len(found), patience))
        if len(found) < len(letters):
            window.line(f"see what comes of it   {window.command('audit')}")
    if any(outcome in ("refused", "failed") for outcome in outcomes.values()):
        return Exit.REFUSED
    return Exit.UNFINISHED if patience is not None and len(found) < len(letters) else Exit.OK


async def _letter(window: Window, number: int) -> DeadRow:
    row = await window.storage.dead_letter(number)
    if row is None:
        text = f"there is no dead letter {number}; it was replayed or dropped, or never was"
        raise Failure(Exit.REFUSED, text, f"see   {window.command('dead', 'list')}")
    return row


def _json(row: DeadRow) -> dict[str, Any]:
    return {
        "letter": row.number,
        "at": iso(row.at),
        "from": row.source,
        "reason": row.reason,
        "message_id": row.message_id,
        "size": len(row.body),
        "whole": row.is_whole,
        "properties": decode(row.properties),
    }
