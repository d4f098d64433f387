"""Progress as plain lines: one for each change, for pipes, files and terminals that can do no more.

``12:00:05.310 order 1017 capture attempt 1 error "gateway timeout", again in 0.2 s``
"""

from __future__ import annotations

from collections.abc import Iterator

from ..core.activities import Action, Await, Call, Delay, Foreach
from ..core.table import static_path
from ..engine.writes import Progress
from .items import item_of
from .rows import Mark, Row
from .story import Story
from .wording import clock, count, one_line, pairs, quoted, rough, seconds, value


def line(story: Story, entry: Progress, row: Row | None) -> str | None:
    """The line for one entry; None if it has none."""
    text = _whole(story, entry) if row is None else _of_row(story, entry, row)
    return None if text is None else f"{clock(entry.at)} {story.name} {text}"


def _whole(story: Story, entry: Progress) -> str | None:
    detail = entry.detail
    match entry.what:
        case "launched":
            return "started"
        case "ended" if story.status == "completed":
            return f"completed in {rough(entry.at - story.started)}, outcome {story.outcome}"
        case "ended":
            return f"ended: {story.status}"
        case "warning":
            return f"warning: {detail['message']}"
        case "incident":
            return f"INCIDENT {detail['code']}: {quoted(str(detail['message']))}"
        case "caught" if entry.activity is not None:
            where = "" if entry.activity == 0 else f"{story.definition.activities[entry.activity].label} "
            return f"{where}caught {detail['code']}: {quoted(str(detail['message']))}"
        case "overdue":
            return entry.what
        case "migrated":
            return f"migrated to {detail['called']}"
        case "moved":
            return f"moved {detail['ended']} to {detail['started']}"
        case "canceled" | "suspended" | "resumed" | "changed" | "mended" if entry.activity is None:
            return entry.what
        case "compensating" if entry.activity is not None:
            return f"{story.definition.activities[entry.activity].label} is compensated"
    return None


def _of_row(story: Story, entry: Progress, row: Row) -> str | None:
    text = _change(entry, row)
    return None if text is None else f"{row.label}{_number(story, row)} {text}"


def _number(story: Story, row: Row) -> str:
    """Of which item it is, where several are under way at once."""
    item = item_of(row.address[len(story.instance) :])
    around = story.definition.activities[story.definition.paths[static_path(item)]]
    return f" {item.rpartition('.')[2]}" if around.forks_items and not row.item else ""


def _change(entry: Progress, row: Row) -> str | None:
    detail = entry.detail
    match entry.what:
        case "started":
            return _started(entry.at, row)
        case "dispatched":
            attempt = f"attempt {detail['attempt']}" + (f" of {row.of}" if row.of > 1 else "")
            return f"{attempt} asks {detail['participant']}{' again' if row.is_again else ''}"
        case "failed":
            wait = rough(float(str(detail["wait"])))
            return f"attempt {detail['attempt']} error {quoted(str(detail['error']))}, again in {wait}"
        case "completed":
            return _completed(row)
        case "canceled":
            return f"canceled after {seconds((row.ended or entry.at) - row.since)}"
        case "caught":
            return f"caught {detail['code']}: {quoted(str(detail['message']))}"
        case "incident":
            return f"INCIDENT {detail['code']}: {quoted(str(detail['message']))}"
        case "resolved":
            return f"incident {detail['how']}"
        case "reminded":
            return f"reminder {detail['times']}"
        case "overdue":
            return "overdue"
        case "warning":
            return f"warning: {detail['message']}"
    return None


def _started(at: float, row: Row) -> str | None:
    if row.activity.children and not isinstance(row.activity, Action):
        return "begins"
    if isinstance(row.activity, Await | Delay | Call):
        waits = row.waits or (
            f"process {value(row.activity.process.literal)}" if isinstance(row.activity, Call) else ""
        )
        until = f"{row.then} in {rough(row.until - at)}" if row.until is not None else ""
        text = ", ".join(filter(None, (f"waits for {waits}" if waits else "waits", until)))
        return text if row.is_open else None
    return None


def _completed(row: Row) -> str:
    ended = row.ended or row.since
    parts = [f"done in {seconds(ended - row.since)}"]
    if row.turns:
        parts[0] += f", {turns(row)}"
    if row.changed:
        parts.append(pairs(row.changed))
    return "   ".join(parts)


def turns(row: Row) -> str:
    """How often the inside of a loop has begun."""
    return count(row.turns, "item" if isinstance(row.activity, Foreach) else "turn")


def before(story: Story) -> Iterator[str]:
    """The lines of what an earlier run did."""
    yield from _before(story, story.rows)


def _before(story: Story, rows: list[Row]) -> Iterator[str]:
    for row in rows:
        yield from _before(story, row.rows)
        if not row.is_open:
            word = _completed(row) if row.mark is Mark.DONE else "canceled"
            yield f"{clock(row.ended or row.since)} {story.name} {row.label}{_number(story, row)} {word}   (before)"


def waiting(row: Row, now: float) -> str:
    """Where an open row stands, and what wakes it."""
    if row.mark is Mark.INCIDENT:
        return f"incident: {one_line(row.waits)}"
    until = f"{row.then} in {rough(row.until - now)}" if row.until is not None else ""
    if isinstance(row.activity, Action):
        last = f"last {quoted(row.failures[-1].error)}, " if row.failures else ""
        state = until or f"attempt {row.tries or 1} asked {row.participant} {rough(now - (row.asked or row.since))} ago"
        return last + state
    return ", ".join(filter(None, (row.waits, until))) or f"active for {rough(now - row.since)}"
