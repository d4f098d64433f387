"""Ending asyncio tasks for certain."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, Final

_PATIENCE: Final = 1.0  #: seconds in which a cancellation has its effect
_TRIES: Final = 10

_log = logging.getLogger("bureaucrat.agents")


async def end(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancel tasks, and again if they have not ended: clients of servers swallow a cancellation now and then.

    What they raise is nobody's business any more. What goes on all the same after ten seconds is left to itself.
    """
    given = [one for one in tasks if one is not asyncio.current_task()]
    left = {one for one in given if not one.done()}
    for _ in range(_TRIES):
        for one in left:
            one.cancel()
        if left:
            _, left = await asyncio.wait(left, timeout=_PATIENCE)
    for one in left:
        _log.error("it was canceled %d times and goes on: %r", _TRIES, one)
    await asyncio.gather(*(one for one in given if one.done()), return_exceptions=True)
