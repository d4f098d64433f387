"""``bureaucrat show``: one instance: why it stands where it stands, what wakes it, and what it has done."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import click
from rich.text import Text

from ..core.values import digest
from ..engine.codec import decode
from ..engine.orders import Looked
from ..ports import HistoryRow
from . import table
from .failure import Exit
from .finding import find
from .mailing import post
from .remedies import remedies
from .seen import Seen, see
from .tree import Tree
from .waking import Waking
from .window import Window, at_window, who
from .wording import count, iso, one_line, pairs, quoted, rough, size

_ORDERS = 3  #: of people, the newest
_WAKINGS = 12  #: of what is active; parallel items can be very many
_UNDOABLE = 8  #: names of activities that can be compensated
_WIDEST = 160  #: characters of a record's detail


@click.command(short_help="Show one instance: why it waits, what wakes it, what it did.")
@click.argument("id")
@click.option("--fields", "with_fields", is_flag=True, help="The values, too. That they were shown is kept.")
@click.option("--history", "with_history", is_flag=True, help="Every record of its history that is kept.")
@click.option("--who", "person", metavar="WHO", default=who, help="Who looks. Default: user@host.")
@at_window
async def show(window: Window, id: str, with_fields: bool, with_history: bool, person: str) -> Exit | None:
    """Show the instance ID: its id, the beginning of it, its business key, or NAME=VALUE.

    \b
      bureaucrat show 1017
      bureaucrat show order_id=1017 --history
    """
    row = await find(window, id)
    seen = await see(window, row)
    if with_fields:
        await post(window, row.id, Looked(person, "fields"))
    if window.is_json:
        window.json(await as_json(window, seen, with_fields, with_history))
        return None
    _head(window, seen)
    await _why(window, seen)
    _tree(window, seen)
    _wakes(window, seen)
    _remembered(window, seen)
    _fields(window, seen, with_fields)
    _others(window, seen)
    if with_history:
        _history(window, seen, with_fields)
    return None


# -- for people


def headline(window: Window, seen: Seen) -> str:
    """Which instance it is, its state, and since when."""
    row, standing = seen.row, seen.standing
    key = f"   key {row.business_key}" if row.business_key else ""
    version = f"@{seen.version}" if seen.version is not None else ""
    since = f"{window.times.at(standing.since)} ({rough(window.now - standing.since)})"
    state = f"{standing.word} since {since}"
    if row.ended is not None:
        outcome = f", outcome {row.outcome}" if row.outcome else ""
        state = f"{row.status} {window.times.ago(row.ended)} after {rough(row.ended - row.started)}{outcome}"
    started = window.times.at(row.started)
    return f"{row.process}{version}{key}   id {row.id}   {state}   started {started}"


def _head(window: Window, seen: Seen) -> None:
    window.line(headline(window, seen), "bold red" if seen.standing.word.isupper() else "bold")
    if seen.caller is not None:
        window.line(f"called by instance {seen.caller}   {window.command('show', seen.caller)}")


async def _why(window: Window, seen: Seen) -> None:
    found = await remedies(window, seen)
    width = max((len(line) for _, commands in found for line, _ in commands), default=0)
    for number, (text, commands) in enumerate(found):
        window.line(f"{'why' if not number else '   '}   {text}")
        for line, does in commands:
            window.line(f"      {line.ljust(width)}   {does}")


def _tree(window: Window, seen: Seen) -> None:
    window.line(seen.row.process)
    tree = Tree(seen.story.definition, is_ascii=window.output.is_ascii, began=window.times.at)
    for line in tree.draw(seen.story.rows, seen.row.ended or window.now):
        _drawn(window, line)


def _drawn(window: Window, line: Text) -> None:
    if window.output.is_terminal:
        window.output.console.print(line, no_wrap=True, overflow="ellipsis", crop=True)
    else:
        window.line(line.plain.rstrip())


def _wakes(window: Window, seen: Seen) -> None:
    urgent = {incident.address for incident in seen.incidents}
    shown = sorted(seen.wakings, key=lambda one: one.address not in urgent)[:_WAKINGS]
    labels = [_label(seen, one) for one in shown]
    width = max(map(len, labels), default=0)
    for number, waking in enumerate(shown):
        for place, text in enumerate(waking.texts):
            label = labels[number] if not place else ""
            window.line(f"{'wakes' if not number and not place else '     '}   {label.ljust(width)}   {text}")
    if len(seen.wakings) > len(shown):
        window.line(f"        {len(seen.wakings) - len(shown):,} more")


def _label(seen: Seen, waking: Waking) -> str:
    """What is active, with its place if there are others like it."""
    path = waking.address.removeprefix(seen.row.id)
    return f"{waking.label} {path}" if "." in path else waking.label


def _remembered(window: Window, seen: Seen) -> None:
    total = seen.copy.instance.remembering
    if not total:
        return
    labels = [seen.story.definition.activities[one.activity].label for one in seen.remembered]
    names = [f"{label} ×{many}" if many > 1 else label for label, many in Counter(labels).items()]
    shown = ", ".join(names[:_UNDOABLE]) + (" …" if len(names) > _UNDOABLE or total > len(labels) else "")
    window.line(f"can be undone   {shown}   ({total:,}, newest first)")


def _fields(window: Window, seen: Seen, with_fields: bool) -> None:
    sizes = [digest(value)[1] for value in seen.fields.values()]
    if not sizes:
        window.line("fields   none")
    elif with_fields:
        window.line(f"fields   {len(sizes)}, {size(sum(sizes))}")
        for name, value in seen.fields.items():
            window.line(f"  {name}={json.dumps(value, ensure_ascii=window.output.is_ascii)}")
    else:
        told = f"({len(sizes)}, {size(sum(sizes))}; --fields shows them, --history every record)"
        window.line(f"fields   {' '.join(seen.fields)}   {told}")


def _others(window: Window, seen: Seen) -> None:
    if seen.same:
        window.line(f"same cause   {count(seen.same, 'other')}   {window.command('ps', '--incidents')}")
    for number, audit in enumerate(seen.orders[:_ORDERS]):
        reason = f" {quoted(audit.reason)}" if audit.reason else ""
        told = f"{window.times.at(audit.at)} {audit.command} by {audit.who}{reason}: {audit.outcome}"
        window.line(f"{'audit' if not number else '     '}   {told}")


def _history(window: Window, seen: Seen, with_values: bool) -> None:
    labels = seen.story.definition.activities
    rows = [
        (
            str(row.number),
            window.times.at(row.at),
            row.what,
            "" if row.activity is None else labels[row.activity].label,
            one_line(_detail(row, with_values), _WIDEST),
        )
        for row in seen.history
    ]
    table.show(window.output, ("NUMBER", "AT", "WHAT", "ACTIVITY", "DETAIL"), rows, "DETAIL")


def _detail(row: HistoryRow, with_values: bool) -> str:
    """What a record says; values only if they were asked for."""
    detail = decode(row.detail)
    if not isinstance(detail, dict):  # an input: the message itself
        return row.detail.decode() if with_values else str(detail[0])
    detail.pop("since", None)  # the tree has it
    detail = {name: round(value, 3) if isinstance(value, float) else value for name, value in detail.items()}
    if not with_values:
        detail = {name: sorted(value) if isinstance(value, dict) else value for name, value in detail.items()}
    return pairs(detail)


# -- for programs


async def as_json(window: Window, seen: Seen, with_fields: bool, with_history: bool) -> dict[str, Any]:
    """The instance as one object."""
    whole = seen.as_json()
    whole["fields"] = seen.fields if with_fields else sorted(seen.fields)
    whole["why"] = [
        {"text": text, "commands": [line for line, _ in commands]} for text, commands in await remedies(window, seen)
    ]
    if with_history:
        whole["history"] = [
            {
                "number": row.number,
                "at": iso(row.at),
                "what": row.what,
                "address": row.address,
                "detail": decode(row.detail) if with_fields else _detail(row, False),
            }
            for row in seen.history
        ]
    return whole
