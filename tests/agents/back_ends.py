"""The servers that agents meet on, for tests that are the same for all of them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from bureaucrat.agents.broker import AbstractQueueBroker
from bureaucrat.agents.bus import AbstractSignalBus

#: seconds that anything may take on a busy machine
PATIENCE = 30.0


async def until(condition: Callable[[], Any], what: str = "it does not come") -> Any:
    """Wait until something is true."""
    async with asyncio.timeout(PATIENCE):
        while not (found := condition()):  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.005)
    assert found, what
    return found


async def until_true(condition: Callable[[], Awaitable[Any]]) -> Any:
    """The same for what is awaited."""
    async with asyncio.timeout(PATIENCE):
        while not (found := await condition()):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.005)
    return found


def new_name() -> str:
    """A name that no other test has: declarations are for the whole program."""
    return f"name_{uuid.uuid4().hex[:12]}"


@dataclass
class BackEnd:
    """Makes buses and brokers on one server, and closes them all."""

    name: str
    new_bus: Callable[..., AbstractSignalBus]
    new_broker: Callable[..., AbstractQueueBroker]
    dsn: str
    opened: list[AbstractSignalBus | AbstractQueueBroker] = field(default_factory=list)

    def bus(self, **named: Any) -> AbstractSignalBus:
        made = self.new_bus(self.dsn, **named)
        self.opened.append(made)
        return made

    def broker(self, **named: Any) -> AbstractQueueBroker:
        made = self.new_broker(self.dsn, **named)
        self.opened.append(made)
        return made

    async def close(self) -> None:
        for one in reversed(self.opened):
            await one.close()
