"""Which instances a command is about: the options that choose some, as all commands have them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

import click

from ..core.durations import parse_duration
from ..core.states import Status
from ..definition.problems import did_you_mean
from ..ports import InstanceQuery, InstanceRow
from .window import Window

_PAGE = 500

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Choice:
    """What the options say."""

    process: str | None = None
    status: str | None = None
    outcome: str | None = None
    since: float | str | None = None  #: epoch seconds, or a length of time before now
    key: str | None = None
    incidents: bool = False
    stalled: bool = False

    @property
    def is_empty(self) -> bool:
        return self == Choice()

    def query(self, now: float, *, unfinished: bool, limit: int = _PAGE) -> InstanceQuery:
        """What is asked of storage."""
        since = now - parse_duration(self.since) if isinstance(self.since, str) else self.since
        return InstanceQuery(
            process=self.process,
            status=self.status,
            outcome=self.outcome,
            business_key=self.key,
            with_incidents=self.incidents,
            unfinished=unfinished,
            started_after=since,
            limit=limit,
        )


def choosing(command: Command) -> Command:
    """Add the options; their values come as one :class:`Choice`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def choice_of(given: dict[str, Any]) -> Choice:
    """Take the options' values out of a command's arguments."""
    return Choice(**{name: given.pop(name) for name in Choice.__slots__ if name in given})


def _status(context: click.Context, option: click.Parameter, text: str | None) -> str | None:
    known = [status.value for status in Status]
    if text is not None and text not in known:
        raise click.BadParameter(f"there is no status {text!r}{did_you_mean(text, known)}; write {', '.join(known)}")
    return text


def _since(context: click.Context, option: click.Parameter, text: str | None) -> float | str | None:
    """``2h``, ``7d``: so long ago; ``2026-11-25``, ``2026-11-25T13:05``: that instant, local without a zone."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        pass
    try:
        parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no length of time (2h, 7d) and no instant (2026-11-25T13:05)") from error
    return text


_OPTIONS = (
    click.option("--process", metavar="NAME", help="Instances of this process."),
    click.option("--status", callback=_status, metavar="STATUS", help=f"{', '.join(one.value for one in Status)}."),
    click.option("--outcome", metavar="WORD", help="Completed with this outcome."),
    click.option("--since", callback=_since, metavar="TIME", help="Started since: 2h, 7d, 2026-11-25T13:05."),
    click.option("--key", metavar="KEY", help="With this business key."),
)


async def all_of(window: Window, query: InstanceQuery) -> AsyncIterator[InstanceRow]:
    """Every instance that a query finds, newest first."""
    while page := await window.storage.instances(query):
        for row in page:
            yield row
        query = replace(query, before=page[-1].id)
