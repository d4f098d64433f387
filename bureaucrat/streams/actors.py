"""One running copy of an agent's function.

Rules: an actor has at most one event under way; whatever its function raises goes to the agent with that event; when it
is ended from outside, its event is handed to the actor that takes its place.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, Protocol

from . import current
from .channels import Channel, Source
from .events import Event
from .streams import Stream


class Owner(Protocol):
    """The agent of an actor."""

    fun: Callable[[Any], Any]

    async def yielded(self, event: Event | None, value: Any) -> None:
        """The function has yielded at this event."""

    async def ended(self, event: Event) -> None:
        """The function has done with this event."""

    async def failed(self, actor: Actor, error: BaseException) -> None:
        """The function has raised."""

    def by_key(self, name: str, partitions: int | None) -> Passage:
        """The topic for events that are sent on by another key."""

    def through(self, channel: Channel) -> Passage:
        """The way through a channel."""


class Actor:
    """Runs the function once."""

    def __init__(self, owner: Owner, index: int, source: Source, pending: Event | None = None) -> None:
        self.index = index
        self.source = source
        self.event: Event | None = None  #: that it is at
        self.pending = pending  #: the first that it gets
        self.task: asyncio.Task[None] | None = None
        self._owner = owner
        self._pumps: list[asyncio.Task[None]] = []
        self._made: Any = None  #: what the function has returned

    async def run(self) -> None:
        """Go through the stream until the function ends."""
        current.enter(self._owner)
        try:
            await self._run()
        except Exception as error:  # whatever an agent raises is for its error policy
            await self._owner.failed(self, error)
        else:
            await self.left()
        finally:
            for pump in self._pumps:
                pump.cancel()

    async def _run(self) -> None:
        made = self._made = self._owner.fun(Stream[Any](self.source, self))
        if not hasattr(made, "__aiter__"):
            await made
            return
        values: AsyncIterator[Any] = made
        async with aclosing(values) as open_values:  # type: ignore[type-var]  # an async generator
            async for value in open_values:
                await self._owner.yielded(self.event, value)

    def traceback(self) -> str:
        """Where its function is, the innermost call last."""
        lines = []
        at = self._made
        while at is not None:
            frame = getattr(at, "cr_frame", None) or getattr(at, "ag_frame", None)
            if frame is not None:
                lines += traceback.format_stack(frame, limit=1)
            at = getattr(at, "cr_await", None) or getattr(at, "ag_await", None)
        return "".join(lines)

    # -- what its streams tell it

    def again(self) -> Event | None:
        """The event that was not done by the actor before."""
        event, self.pending = self.pending, None
        return event

    async def reached(self, event: Event) -> None:
        self.event = event
        current.at(event)

    async def left(self) -> None:
        event, self.event = self.event, None
        current.at(None)
        if event is not None:
            await self._owner.ended(event)

    def regrouped(self, name: str, key: Callable[[Any], Any], stream: Stream[Any], partitions: int | None) -> Source:
        return self._send_on(self._owner.by_key(name, partitions), stream, key)

    def sent_through(self, channel: Channel, stream: Stream[Any]) -> Source:
        return self._send_on(self._owner.through(channel), stream, None)

    def _send_on(self, passage: Passage, stream: Stream[Any], key: Callable[[Any], Any] | None) -> Source:
        async def pump() -> None:
            while True:
                event = await stream.next_begun()
                try:
                    await passage.open()
                    found = event.key if key is None else key(event.value)
                    await passage.channel.send(key=found, value=event.value, headers=event.headers, reply=event.reply)
                except Exception as error:  # it is raised in the agent, at this event
                    event.thrown = error
                    passage.source.put_nowait(event)
                else:
                    event.end(is_done=True)

        self._pumps.append(asyncio.create_task(pump()))
        return passage.source


class Passage:
    """A channel between two streams of one agent."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.source: Source = asyncio.Queue()
        self._is_open = False

    async def open(self) -> None:
        """Have what is sent come to its queue."""
        if not self._is_open:
            self._is_open = True
            await self.channel.subscribe(self.source)
