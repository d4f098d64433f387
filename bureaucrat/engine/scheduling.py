"""What a person asks of schedules: pause, resume, start one now.

Rules: what passes while a schedule is paused is not made up for; what is asked for starts also while it is.
"""

from __future__ import annotations

from dataclasses import replace

from ..definition.problems import did_you_mean
from ..errors import Refused
from ..ports import ScheduleRow, Writes
from .codec import decode, encode
from .orders import Scheduling
from .shell import Shell
from .ticks import instance_of


def name_of(row: ScheduleRow, of: int) -> str:
    """What people call a schedule: its process, and which it is if there are several."""
    return row.process if of == 1 else f"{row.process}#{row.number + 1}"


async def carry_out(order: Scheduling, shell: Shell, writes: Writes) -> list[str]:
    """Change the rows as a person asks; returns a line for each.

    :raises Refused: there is nothing of the kind, or nothing to change.
    """
    rows = [row for row in await shell.storage.schedules(order.process) if row.due is not None]
    wanted = [row for row in rows if order.number in (None, row.number)]
    if not wanted:
        raise Refused(await _missing(order, shell, len(rows)))
    told = []
    for row in wanted:
        name = name_of(row, len(rows))
        match order.what:
            case "pause":
                changed, said = _paused(row, name)
            case "resume":
                changed, said = await _resumed(row, name, shell)
            case _:
                changed, said = _run(row, name, shell.clock.now())
        if changed is not None:
            writes.schedules.append(changed)
        told.append(said)
    if not writes.schedules:
        raise Refused("\n".join(told))
    return told


async def _missing(order: Scheduling, shell: Shell, number: int) -> str:
    if number:
        return f"{order.process} has {number} schedule{'s' * (number > 1)}, and no number {(order.number or 0) + 1}"
    known = sorted({row.process for row in await shell.storage.schedules() if row.due is not None})
    if await shell.storage.registered(order.process) is not None:
        return f"the newest version of the process {order.process!r} has no schedule"
    return f"no process named {order.process[:200]!r} has a schedule{did_you_mean(order.process, known)}"


def _paused(row: ScheduleRow, name: str) -> tuple[ScheduleRow | None, str]:
    if row.paused:
        return None, f"{name} is paused already"
    return replace(row, changes=row.changes + 1, paused=True), f"{name} paused"


async def _resumed(row: ScheduleRow, name: str, shell: Shell) -> tuple[ScheduleRow | None, str]:
    if not row.paused:
        return None, f"{name} is not paused"
    definition = await shell.definitions.get(row.definition)
    due = definition.schedules[row.number].schedule.after(shell.clock.now())
    return replace(row, changes=row.changes + 1, paused=False, due=due), f"{name} resumed"


def _run(row: ScheduleRow, name: str, now: float) -> tuple[ScheduleRow | None, str]:
    asked = encode([*decode(row.asked), now])
    return replace(row, changes=row.changes + 1, asked=asked), f"{name} starts instance {instance_of(row, now)}"
