"""``bureaucrat audit``: what people have asked, when and why, and what came of it."""

from __future__ import annotations

import click

from ..engine.codec import decode
from ..ports import AuditRow
from . import table
from .finding import find
from .mailing import waiting
from .window import Window, at_window
from .wording import iso


@click.command(short_help="What people have asked, and what came of it.")
@click.argument("id", required=False)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most.")
@at_window
async def audit(window: Window, id: str | None, limit: int) -> None:
    """List the orders of people, newest first; with ID those for one instance.

    \b
      bureaucrat audit 1017
    """
    instance = None if id is None else (await find(window, id)).id
    found = [*await waiting(window, instance), *await window.storage.audits(instance, limit)][:limit]
    if window.is_json:
        window.json({"orders": [_json(one) for one in found]})
        return
    if not found:
        window.line("nobody has asked anything yet")
        return
    rows = [
        (
            window.times.at(one.at),
            one.who,
            one.command,
            _about(one),
            one.outcome,
            _answer(one),
            one.reason,
        )
        for one in found
    ]
    table.show(window.output, ("AT", "WHO", "COMMAND", "INSTANCE", "OUTCOME", "ANSWER", "REASON"), rows, "ANSWER")


def _about(row: AuditRow) -> str:
    """The instance; of what is for none, what it is about."""
    if row.instance:
        return row.instance
    detail = decode(row.detail)
    about = detail.get("name") or detail.get("participant") or detail.get("letter")
    return str(about or ", ".join(detail.get("files", ())))


def _answer(row: AuditRow) -> str:
    """On one line."""
    return "; ".join(row.answer.splitlines())


def _json(row: AuditRow) -> dict[str, object]:
    return {
        "order": row.number,
        "at": iso(row.at),
        "who": row.who,
        "command": row.command,
        "instance": row.instance or None,
        "outcome": row.outcome,
        "answer": row.answer,
        "reason": row.reason,
    }
