"""``bureaucrat schedules``: what starts by the clock: look at it, pause it, resume it, start one now.

Rules: a schedule is called by its process; one of several by ``NAME#2``, as the list shows it.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import click

from ..definition.problems import did_you_mean
from ..engine.codec import decode
from ..engine.orders import Scheduling
from ..engine.scheduling import name_of
from ..ports import ScheduleRow
from . import table
from .asking import ask
from .failure import Exit, Failure
from .order_options import order_options
from .window import Window, at_window
from .wording import iso

_ONE_OF = re.compile(r"(?P<process>.+)#(?P<number>[1-9][0-9]{0,3})")
_TITLES = ("SCHEDULE", "VERSION", "TIMES", "NEXT", "LAST", "INSTANCE", "OVERLAP", "MISSED", "QUEUED", "SKIPPED")
_NONE = "-"


@click.group(short_help="What starts by the clock.")
def schedules() -> None:
    """The schedules of registered processes: what each <start cron> of the newest version does, and has done."""


@schedules.command("list", short_help="List them, with what comes next.")
@click.argument("process", metavar="[PROCESS]", required=False)
@at_window
async def list_(window: Window, process: str | None) -> None:
    """List all schedules, or those of PROCESS: when each ticks next, what it started last, and what waits.

    \b
      bureaucrat schedules list
    """
    known = [row for row in await window.storage.schedules() if row.due is not None]
    rows = [row for row in known if process in (None, row.process)]
    if process is not None and not rows:
        close = did_you_mean(process, {row.process for row in known})
        see = f"see   {window.command('schedules', 'list') if known else window.command('definitions')}"
        raise Failure(Exit.REFUSED, f"no process named {process!r} has a schedule{close}", see)
    if window.is_json:
        window.json({"schedules": [await _json(window, row) for row in rows]})
    elif rows:
        several = Counter(row.process for row in rows)
        cells = [_cells(window, row, several[row.process]) for row in rows]
        table.show(window.output, _TITLES, cells, "TIMES")
    else:
        window.line("no process that is registered has a schedule")
        window.line(f"deploy one with <start cron=…>   {window.command('deploy', 'FILE')}")


def _cells(window: Window, row: ScheduleRow, of: int) -> tuple[str, ...]:
    return (
        name_of(row, of),
        str(row.version),
        f"{row.cron} {row.timezone}",
        "paused" if row.paused or row.due is None else window.times.ago(row.due),
        _NONE if row.started is None else window.times.at(row.started),
        row.instance or _NONE,
        row.overlap,
        row.missed,
        f"{len(decode(row.queued)):,}",
        f"{row.skipped:,}",
    )


async def _json(window: Window, row: ScheduleRow) -> dict[str, Any]:
    started = None if row.instance is None else await window.storage.instance(row.instance)
    return {
        "process": row.process,
        "number": row.number + 1,
        "version": row.version,
        "cron": row.cron,
        "timezone": row.timezone,
        "overlap": row.overlap,
        "missed": row.missed,
        "next": None if row.paused else iso(row.due),
        "paused": row.paused,
        "last": iso(row.started),
        "instance": row.instance,
        "status": None if started is None else started.status,
        "queued": [iso(tick) for tick in decode(row.queued)],
        "skipped": row.skipped,
    }


def _ordering(verb: str, help: str) -> click.Command:
    async def work(window: Window, what: str, **given: Any) -> Exit:
        process, number = await _named(window, what)
        order = Scheduling(given["person"], verb, process, number, given["reason"])
        done, refused = window.command("schedules", "list", process), window.command("schedules", "list")
        return await ask(window, order, given, done, refused)

    work.__name__, work.__doc__ = verb, help
    command: Any = order_options(at_window(work))
    command = click.argument("what", metavar="PROCESS[#N]")(command)
    return schedules.command(verb, short_help=help.split("\n", 1)[0])(command)


_ordering(
    "pause",
    """Have a schedule start nothing any more.

    What passes until it is resumed is not made up for.

    \b
      bureaucrat schedules pause nightly --reason "the warehouse moves"
    """,
)
_ordering(
    "resume",
    """Have a paused schedule go on, with its next tick.

    \b
      bureaucrat schedules resume nightly
    """,
)
_ordering(
    "run",
    """Start an instance now, whatever else runs, also while the schedule is paused.

    \b
      bureaucrat schedules run nightly
    """,
)


async def _named(window: Window, what: str) -> tuple[str, int | None]:
    """The process, and which of its schedules is meant; None: all."""
    found = _ONE_OF.fullmatch(what)
    if found is None or await window.storage.schedules(what):
        return what, None
    return found["process"], int(found["number"]) - 1
