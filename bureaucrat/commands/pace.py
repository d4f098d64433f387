"""How many a second: an order every so often, so that many of them do not come at once."""

from __future__ import annotations

import re
from collections.abc import Callable

import click

_RATE = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?:/(?P<unit>[smh]))?")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def rate(context: click.Context, option: click.Parameter, text: str | None) -> float | None:
    """``20/s``, ``5/m``: so many a second."""
    found = None if text is None else _RATE.fullmatch(text)
    if text is None:
        return None
    if found is None or not float(found["number"]):
        raise click.BadParameter(f"{text!r} is no rate; write 20/s, 5/m or 100/h")
    return float(found["number"]) / _SECONDS[found["unit"] or "s"]


class Pace:
    """Tells when the next may go.

    :param rate: how many a second; None: at once.
    :param time: tells seconds.
    """

    def __init__(self, rate: float | None, time: Callable[[], float]) -> None:
        self._time = time
        self._step = 0.0 if rate is None else 1.0 / rate
        self._next = 0.0

    def wait(self) -> float:
        """Seconds until the next may go, which is taken to go then."""
        now = self._time()
        start = max(now, self._next)
        self._next = start + self._step
        return start - now
