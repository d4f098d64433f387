"""A bus and a broker within one program: for tests, and for agents that need no server.

Rules: buses and brokers with the same ``dsn`` meet; nothing is kept when the program ends.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any
from weakref import WeakSet, WeakValueDictionary

from ..broker import DEAD, AbstractQueueBroker, Policy
from ..bus import AbstractSignalBus
from ..serving import Served
from ..signal import Address
from .pulling import Pulling


@dataclass(frozen=True, slots=True, order=True)
class _Message:
    order: int  #: one that is put back has its place again
    text: str
    attempt: int = 1


class _Hub:
    """What buses and brokers of one dsn share."""

    def __init__(self) -> None:
        self.buses: WeakSet[MemorySignalBus] = WeakSet()
        self.lines: defaultdict[str, asyncio.PriorityQueue[_Message]] = defaultdict(asyncio.PriorityQueue)
        self._orders = count()

    def put(self, name: str, text: str) -> None:
        self.lines[name].put_nowait(_Message(next(self._orders), text))


_hubs: WeakValueDictionary[str, _Hub] = WeakValueDictionary()


def _hub_of(dsn: str) -> _Hub:
    hub = _hubs.get(dsn)
    if hub is None:
        hub = _hubs[dsn] = _Hub()
    return hub


class MemorySignalBus(AbstractSignalBus):
    """Signals within one program.

    :param dsn: such as ``memory://shop``.
    """

    def __init__(self, dsn: str = "memory://", *arguments: Any, **named: Any) -> None:
        super().__init__(dsn, *arguments, **named)
        self._hub = _hub_of(dsn)
        self._hub.buses.add(self)
        self._heard: set[str] = set()

    async def send(self, channel: str, message: str) -> bool:
        address = Address.of(channel)
        hearing = [bus for bus in self._hub.buses if bus.prefix == address.prefix and address.name in bus._heard]
        for bus in hearing:
            asyncio.get_running_loop().call_soon(bus.receiver, channel, message)
        return bool(hearing)

    async def bind(self, signal: str) -> None:
        self._heard.add(signal)

    async def unbind(self, signal: str) -> None:
        self._heard.discard(signal)

    async def close(self) -> None:
        self._heard.clear()
        self._hub.buses.discard(self)


class MemoryBroker(AbstractQueueBroker):
    """Queues within one program.

    :param dsn: such as ``memory://shop``.
    """

    def __init__(self, dsn: str = "memory://", *arguments: Any, **named: Any) -> None:
        super().__init__(dsn, *arguments, **named)
        self._hub = _hub_of(dsn)
        self._pulling: dict[str, Pulling[_Message]] = {}

    async def send(self, name: str, message: str, **kwargs: Any) -> None:
        self._hub.put(name, message)

    async def queue_length(self, name: str, **options: Any) -> int:
        return self._hub.lines[name].qsize()

    async def bind(self, name: str) -> None:
        async def handle(message: _Message) -> None:
            await self._handle(name, message)

        self._pulling[name] = Pulling(self._hub.lines[name].get, handle, Policy.of(self._bindings[name]).prefetch)

    async def _handle(self, name: str, message: _Message) -> None:
        attempt, is_over = message.attempt, False
        try:
            while not is_over:
                verdict = await self.handle(self._bindings[name], message.text, attempt)
                is_over = verdict.kind in ("done", "drop", "dead_letter")
                attempt += verdict.kind == "retry"
                if verdict.kind == "dead_letter":
                    self._hub.put(name + DEAD, message.text)
                await asyncio.sleep(verdict.pause)
        finally:
            if not is_over:  # the agent stops: it goes back
                self._hub.lines[name].put_nowait(replace(message, attempt=attempt))

    async def unbind(self, name: str, grace: float = 0.0) -> None:
        await self._pulling.pop(name).stop(grace)

    async def serve(self, served: Sequence[Served]) -> None:
        """Whoever runs processes in the same program calls ``agent.participants`` itself."""

    async def close(self) -> None:
        for name in list(self._pulling):
            await self.unbind(name)
