"""Participants that are methods of agents: ``@participant`` in a class."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import Fault
from .signal import HasHandlers, handler_name


@dataclass(frozen=True)
class Served:
    """A method of an agent that does the actions of a participant."""

    agent: HasHandlers
    handler: Callable[..., Any]
    name: str  #: of the participant
    retries: int
    timeout: float | None  #: seconds that one call may take

    @property
    def key(self) -> str:
        """``Class.method``."""
        return f"{type(self.agent).__name__}.{handler_name(self.handler)}"

    @property
    def method(self) -> Callable[..., Any]:
        """What is called for an attempt: the method, with its retries and its timeout. It has the same signature."""
        if not self.retries and self.timeout is None:
            return self.handler
        if inspect.iscoroutinefunction(self.handler):

            @functools.wraps(self.handler)
            async def call_async(*arguments: Any, **named: Any) -> Any:
                return await self._call_async(*arguments, **named)

            return call_async

        @functools.wraps(self.handler)
        def call(*arguments: Any, **named: Any) -> Any:
            return self._call(*arguments, **named)

        return call

    async def _call_async(self, *arguments: Any, **named: Any) -> Any:
        for left in range(self.retries, -1, -1):
            try:
                async with asyncio.timeout(self.timeout):
                    return await self.handler(*arguments, **named)
            except Fault:
                raise  # a fault of the process: the work was done, and its result is no
            except Exception as error:  # whatever a method raises, it is tried again as often as it says
                if not left:
                    raise
                self._tell(error)
        raise AssertionError("the last call returns or raises")

    def _call(self, *arguments: Any, **named: Any) -> Any:
        for left in range(self.retries, -1, -1):
            try:
                return self.handler(*arguments, **named)
            except Fault:
                raise  # as above
            except Exception as error:  # the same, of one that is not async
                if not left:
                    raise
                self._tell(error)
        raise AssertionError("the last call returns or raises")

    def _tell(self, error: Exception) -> None:
        self.agent.log.warning("%s: %s: %s; called again", self.key, type(error).__name__, error)
