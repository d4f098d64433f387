"""Which triggers act: those of the newest version of each process, from the transaction on that makes it so (L80).

Rules: a schedule keeps its row, whatever version has it: what a person has paused stays paused, what waits in its queue
is started by the newest version. Its next tick is reckoned anew only if its times are others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..core.table import Definition
from ..core.triggers import CronStart
from ..ports import ScheduleRow, Writes


def switch(
    process: str, rows: Sequence[ScheduleRow], newest: tuple[int, Definition] | None, now: float, writes: Writes
) -> None:
    """Have the triggers of a version act, and no others.

    :param rows: the schedules of the process, as they are stored.
    :param newest: the version and its definition; None: nothing starts any more.
    """
    known = {row.number: row for row in rows}
    schedules = () if newest is None else newest[1].schedules
    for number, row in known.items():
        if number >= len(schedules) and row.due is not None:
            writes.schedules.append(replace(row, changes=row.changes + 1, due=None, queued=b"[]", asked=b"[]"))
    if newest is None:
        return
    for number, trigger in enumerate(schedules):
        writes.schedules.append(_row(process, number, known.get(number), newest, trigger, now))
    writes.event_starts += [(event, process) for event in dict.fromkeys(one.event for one in newest[1].event_starts)]


def _row(
    process: str, number: int, old: ScheduleRow | None, newest: tuple[int, Definition], trigger: CronStart, now: float
) -> ScheduleRow:
    version, definition = newest
    row = ScheduleRow(
        process,
        number,
        1,
        version,
        definition.hash,
        trigger.cron,
        trigger.timezone,
        trigger.overlap,
        trigger.missed,
        trigger.schedule.after(now),
    )
    if old is None:
        return row
    if old.due is not None and (old.cron, old.timezone) == (row.cron, row.timezone):
        row.due = old.due
    return replace(
        old,
        changes=old.changes + 1,
        version=version,
        definition=row.definition,
        cron=row.cron,
        timezone=row.timezone,
        overlap=row.overlap,
        missed=row.missed,
        due=row.due,
    )
