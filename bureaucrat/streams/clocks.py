"""Timers, ticks of cron expressions, and what runs beside the agents."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ..cron import Cron, normalized, zone_of
from .failures import ImproperlyConfigured


@dataclass(frozen=True)
class Beside:
    """A function that a worker runs beside its agents."""

    fun: Callable[..., Any]
    pause: Callable[[float], float] | None = None  #: seconds from an instant to the next call; None: it is called once
    on_leader: bool = False  #: only on the first of the workers

    async def run(
        self,
        app: Any,
        is_leader: Callable[[], bool],
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Call it, once or again and again."""
        if self.pause is None:
            await called(self.fun, app)
            return
        while True:
            await sleep(self.pause(now()))
            if is_leader() or not self.on_leader:
                await called(self.fun, app)


async def called(fun: Callable[..., Any], app: Any) -> None:
    """Call a function, sync or async, with the app if it takes one."""
    made = fun(app) if inspect.signature(fun).parameters else fun()
    if inspect.isawaitable(made):
        await made


def seconds_of(interval: Any) -> float:
    """An interval in seconds or as a ``timedelta``."""
    return float(interval.total_seconds() if hasattr(interval, "total_seconds") else interval)


def every(interval: float) -> Callable[[float], float]:
    """The pause of a timer."""
    return lambda now: interval


def ticking(expression: str, timezone: str) -> Callable[[float], float]:
    """The pause until the next tick.

    :raises ImproperlyConfigured: the expression or the zone is none.
    """
    zone = zone_of(timezone)
    if zone is None:
        raise ImproperlyConfigured(f"there is no time zone {timezone!r}; write Europe/Berlin, for example")
    try:
        cron = Cron(normalized(expression), zone)
    except ValueError as error:
        raise ImproperlyConfigured(f"{expression!r} {error}") from error
    return lambda now: cron.after(now) - now
