"""Methods of agents that are called by the clock.

Rules: the next call is arranged before a call begins, so that a slow one holds none up; whatever a call raises is
logged on the agent's logger, and the next one comes all the same.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC as _UTC
from datetime import datetime
from typing import Any

from croniter import croniter

from ..cron import SHORTHANDS, Cron, normalized
from ..cron import UTC as UTC_CLOCKS
from .ending import end
from .signal import HasHandlers, handler_name

Call = Callable[[], Awaitable[None]]
_Values = frozenset[int]


@dataclass(frozen=True)
class CRON:
    """A cron expression and the values that its fields take. On weekdays 0 is Sunday, and never 7."""

    spec: str
    minutes: _Values
    hours: _Values
    days: _Values
    months: _Values
    weekdays: _Values


def cron_parser(spec: str) -> CRON:
    """Read a cron expression: five fields as in crontab(5), names of days and months, or ``@daily`` and the like.

    :raises ValueError: it is none; the text says what is wrong.
    """
    bare = spec.strip().lower()
    try:
        expression = normalized(SHORTHANDS.get(bare, spec))
    except ValueError as error:
        raise ValueError(f"{spec!r} {error}") from error
    fields, _ = croniter.expand(expression)[:2]
    ranges = (range(60), range(24), range(1, 32), range(1, 13), range(7))
    values = [_values(given, all) for given, all in zip(fields, ranges, strict=False)]
    return CRON(expression, *values)


def _values(given: list[Any], all: range) -> _Values:
    """croniter writes ``*`` for all values, and ``l`` for a month's last day."""
    return frozenset(all) if given == ["*"] else frozenset(one for one in given if isinstance(one, int))


def next_moment(cron: CRON, now: datetime) -> datetime:
    """The first moment of a schedule after a time, of UTC."""
    moment = now if now.tzinfo is not None else now.replace(tzinfo=_UTC)
    found = datetime.fromtimestamp(Cron(cron.spec, UTC_CLOCKS).after(moment.timestamp()), _UTC)
    return found if now.tzinfo is not None else found.replace(tzinfo=None)


@dataclass(eq=False)
class _Timed(ABC):
    """What both kinds do."""

    agent: HasHandlers
    handler: Call

    _next: asyncio.TimerHandle | None = field(default=None, init=False)
    _calls: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    @property
    def name(self) -> str:
        return handler_name(self.handler)

    def _arrange(self, seconds: float, timeout: float, period: Callable[[], float]) -> None:
        self._next = asyncio.get_running_loop().call_later(seconds, self._fire, timeout, period)

    def _fire(self, timeout: float, period: Callable[[], float]) -> None:
        self._arrange(period(), timeout, period)
        call = asyncio.get_running_loop().create_task(self._call(timeout))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _call(self, seconds: float) -> None:
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                await self.handler()
        except Exception:  # whatever a method raises, its next call comes
            text = f"its call took more than {seconds} s" if limit.expired() else "its call failed"
            self.agent.log.exception("%s: %s", self.name, text)

    @abstractmethod
    def start(self) -> None:
        """Begin."""

    async def stop(self) -> None:
        """Arrange no call any more, and end those under way."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        await end(list(self._calls))


@dataclass(eq=False)
class PeriodicTask(_Timed):
    """A method that is called every `period` seconds."""

    period: float
    timeout: float
    start_after: float

    def start(self) -> None:
        """Begin, `start_after` seconds from now."""
        self._arrange(self.start_after, self.timeout, lambda: self.period)


@dataclass(eq=False)
class CRONTask(_Timed):
    """A method that is called by a schedule."""

    cron: CRON
    timeout: float

    _moment: datetime | None = field(default=None, init=False)  # the last that was arranged: a loop may wake too early

    @property
    def start_after(self) -> float:
        """Seconds to the next moment."""
        return self.period

    @property
    def period(self) -> float:
        """Seconds to the next moment."""
        now = datetime.now(_UTC)
        return (next_moment(self.cron, now) - now).total_seconds()

    def start(self) -> None:
        """Begin with the next moment."""
        self._arrange(self._seconds(), self.timeout, self._seconds)

    def _seconds(self) -> float:
        now = datetime.now(_UTC)
        self._moment = next_moment(self.cron, now if self._moment is None else max(now, self._moment))
        return (self._moment - now).total_seconds()
