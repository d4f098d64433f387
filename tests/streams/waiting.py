"""Waiting for what an asyncio program brings about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_DEADLINE = 20.0  #: seconds on a busy machine


async def until(condition: Callable[[], bool], what: str) -> None:
    """Return when a condition holds."""
    try:
        async with asyncio.timeout(_DEADLINE):
            while not condition():  # noqa: ASYNC110 (nothing else is told when it holds)
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"it has not come about: {what}") from None
