"""``agent.test_context()``: an agent alone, with what a test puts in and what the agent yields."""

from __future__ import annotations

import asyncio
import time
import uuid
from types import TracebackType
from typing import Any, Protocol, Self

from .channels import Channel
from .envelopes import ReplyAddress
from .events import Event, Message


class Watched(Protocol):
    """An agent whose channel is one of the test's own."""

    name: str
    channel: Channel

    def watch(self, watcher: AgentUnderTest) -> None:
        """Have it told what happens to events."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class AgentUnderTest:
    """``async with agent.test_context() as a:``; `results` has what was yielded, by the offset of its event."""

    def __init__(self, agent: Watched) -> None:
        self.agent = agent
        self.results: dict[int, Any] = {}
        self.sent_offset = -1
        self.processed_offset = -1
        self._failure: BaseException | None = None
        self._waited: dict[int, asyncio.Future[None]] = {}

    async def __aenter__(self) -> Self:
        self.agent.watch(self)
        await self.agent.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.agent.stop()

    async def put(
        self,
        value: Any = None,
        key: Any = None,
        *,
        reply_to: Any = None,
        correlation_id: str | None = None,
        wait: bool = True,
    ) -> Event:
        """Put a value in; returns its event, by default when the agent has done with it.

        :raises BaseException: what the agent has raised, at this event or at one before.
        """
        if self._failure is not None:
            raise self._failure
        reply = None
        if reply_to is not None:
            topic = getattr(reply_to, "channel", reply_to)
            reply = ReplyAddress(str(topic), correlation_id or str(uuid.uuid4()))
        return await self._put(Event(key, value, self._message(), reply), wait=wait)

    async def throw(self, error: BaseException) -> None:
        """Raise an error in the agent, where it waits for the next event."""
        event = Event(None, None, self._message(), thrown=error)
        try:
            await self._put(event, wait=True)
        except type(error):
            return

    def _message(self) -> Message:
        self.sent_offset += 1
        return Message(self.agent.channel.name, 0, self.sent_offset, None, None, {}, time.time())

    async def _put(self, event: Event, *, wait: bool) -> Event:
        offset = event.message.offset
        done = self._waited[offset] = asyncio.get_running_loop().create_future()
        await self.agent.channel.put(event)
        if wait:
            await done
        return event

    # -- what the agent tells

    def yielded(self, event: Event, value: Any) -> None:
        """It has yielded at this event."""
        self.results[event.message.offset] = value

    def ended(self, event: Event, error: BaseException | None) -> None:
        """It has done with this event, or failed at it."""
        self.processed_offset = event.message.offset
        done = self._waited.pop(event.message.offset)
        self._failure = error
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
            done.exception()  # whoever waits for it gets it; if nobody does, the next put() raises it
