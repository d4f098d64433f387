"""``bureaucrat ps``: the instances, each with why it waits and what wakes it; or the incidents, by cause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from ..ports import InstanceQuery
from . import table
from .causes import Group, groups
from .choosing import choice_of, choosing
from .crowds import resume
from .failure import Exit
from .finding import names
from .standing import Standing, Word, standings
from .window import Window, at_window
from .wording import count, iso, one_line, rough

_STYLES = {Word.INCIDENT: "bold red", Word.STALLED: "bold yellow"}
_WIDEST = 100  #: characters of a cause in a pipe
_STILL = 300.0  #: seconds after which a cause no longer counts as happening now


@click.command(short_help="List instances: where they are, and what they wait for.")
@choosing
@click.option("--incidents", is_flag=True, help="Open incidents by cause: how many, since when, one to look at.")
@click.option("--with-incidents", is_flag=True, help="Instances that have an open incident.")
@click.option("--all", "is_all", is_flag=True, help="Those that have ended, too. Default: unfinished ones.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most.")
@at_window
async def ps(window: Window, **given: Any) -> Exit | None:
    """List the newest instances: unfinished ones, unless a filter asks for others.

    \b
      bureaucrat ps
      bureaucrat ps --process order --status completed --since 7d
      bureaucrat ps --incidents
    """
    is_by_cause, limit, is_all = given.pop("incidents"), given.pop("limit"), given.pop("is_all")
    choice = choice_of({**given, "incidents": given["with_incidents"]})
    if is_by_cause:
        await _by_cause(window, limit)
        return None
    is_unfinished = not is_all and choice.outcome is None and choice.status not in ("completed", "canceled", "failed")
    query = choice.query(window.now, unfinished=is_unfinished, limit=limit)
    found = await standings(window, await window.storage.instances(query))
    await (_as_json if window.is_json else _as_list)(window, found, query)
    return None


# -- instances


async def _as_list(window: Window, found: Sequence[Standing], query: InstanceQuery) -> None:
    called = names([one.row for one in found])
    rows = [_row(window, one, called[one.row.id]) for one in found]
    if rows:
        styles = [_STYLES.get(Word(one.word), "") if one.row.ended is None else "dim" for one in found]
        table.show(window.output, ("KEY", "PROCESS", "STATE", "AT", "WAITS FOR", "SINCE"), rows, "WAITS FOR", styles)
    window.line(await _foot(window, found, query))
    for line in _remedies(window, found, called):
        window.line(line)


def _row(window: Window, one: Standing, name: str) -> tuple[str, ...]:
    since = rough(window.now - one.since)
    return name, one.row.process, one.word, one.at, one_line(one.waits), since


async def _foot(window: Window, found: Sequence[Standing], query: InstanceQuery) -> str:
    statuses = await window.storage.statuses()
    matched = await window.storage.number_of(query)
    incidents = sum(cause.number for cause in await window.storage.causes())
    stalled = sum(bool(one.stalled) for one in found)
    counts = "   ".join(f"{status} {number:,}" for status, number in sorted(statuses.items()))
    parts = [
        f"{len(found):,} of {matched:,}",
        counts,
        f"incidents {incidents:,}",
        f"stalled {stalled:,} of those shown",
    ]
    return "   ".join(filter(None, parts))


def _remedies(window: Window, found: Sequence[Standing], called: dict[str, str]) -> list[str]:
    """What to do about what does not go on by itself."""
    lines = []
    if any(one.incidents for one in found):
        lines.append(f"by cause   {window.command('ps', '--incidents')}")
    paused = dict.fromkeys(one.paused for one in found if one.paused)
    lines += [f"go on      {resume(window, name)}" for name in paused]
    first = next((one for one in found if one.stalled or one.incidents), None)
    if first is not None:
        lines.append(f"why        {window.command('show', called[first.row.id])}")
    return lines


async def _as_json(window: Window, found: Sequence[Standing], query: InstanceQuery) -> None:
    window.json(
        {
            "instances": [as_json(one) for one in found],
            "matched": await window.storage.number_of(query),
            "statuses": await window.storage.statuses(),
            "incidents": sum(cause.number for cause in await window.storage.causes()),
        }
    )


def as_json(one: Standing) -> dict[str, Any]:
    """An instance for programs."""
    row = one.row
    return {
        "id": row.id,
        "process": row.process,
        "key": row.business_key,
        "status": row.status,
        "state": one.word,
        "at": one.at,
        "waits_for": one.waits,
        "since": iso(one.since),
        "started": iso(row.started),
        "ended": iso(row.ended),
        "outcome": row.outcome,
        "incidents": row.incidents,
        "held": row.held,
    }


# -- incidents


async def _by_cause(window: Window, limit: int) -> None:
    found = await groups(window)
    if window.is_json:
        window.json({"causes": [await _cause_json(window, group) for group in found]})
        return
    if not found:
        window.line("no open incidents")
        return
    rows = [await _cause_row(window, group) for group in found[:limit]]
    table.show(window.output, ("CAUSE", "WHAT", "AT", "COUNT", "FIRST", "LAST", "EXAMPLE"), rows, "WHAT")
    total = sum(group.number for group in found)
    window.line(f"{count(total, 'open incident')} of {count(len(found), 'cause')}, {len(rows)} shown")
    name = found[0].name
    window.line(f"look    {window.command('show', rows[0][-1])}")
    window.line(f"retry   {window.command('retry', '--cause', name, '--first', '1')}")


async def _cause_row(window: Window, group: Group) -> tuple[str, ...]:
    return (
        group.name,
        one_line(group.text, _WIDEST),
        await _where(window, group),
        f"{group.number:,}",
        window.times.at(group.first),
        _last(window, group),
        await _example(window, group),
    )


def _last(window: Window, group: Group) -> str:
    is_now = group.number > 1 and window.now - group.last < _STILL
    return window.times.at(group.last) + (f" still happening, {rough(window.now - group.last)} ago" if is_now else "")


async def _where(window: Window, group: Group) -> str:
    one = group.newest
    definition = await window.definitions.get(one.definition)
    return f"{one.process} {definition.activities[one.activity].label}"


async def _example(window: Window, group: Group) -> str:
    row = await window.storage.instance(group.newest.instance)
    return group.newest.instance if row is None or not row.business_key else row.business_key


async def _cause_json(window: Window, group: Group) -> dict[str, Any]:
    one = group.newest
    definition = await window.definitions.get(one.definition)
    return {
        "cause": group.name,
        "process": one.process,
        "activity": definition.activities[one.activity].label,
        "kind": one.kind,
        "code": one.code,
        "message": one.message,
        "count": group.number,
        "first": iso(group.first),
        "last": iso(group.last),
        "example": one.instance,
    }
