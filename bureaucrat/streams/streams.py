"""Streams: what an agent's function goes through.

Rules: the event before is done when the next one is asked for; an event whose partition has gone to another worker is
passed over, that worker gets it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Generic, Protocol, TypeVar

from .channels import Channel, Source
from .events import Event

T = TypeVar("T")


class Reader(Protocol):
    """Who goes through a stream: an actor."""

    def again(self) -> Event | None:
        """The event to begin with, because the actor before has not done with it."""

    async def reached(self, event: Event) -> None:
        """It is at this event from now on."""

    async def left(self) -> None:
        """It has done with the event that it was at."""

    def regrouped(self, name: str, key: Callable[[Any], Any], stream: Any, partitions: int | None) -> Source:
        """Where the events of a stream come when they are sent on by another key."""

    def sent_through(self, channel: Channel, stream: Any) -> Source:
        """Where the events of a stream come when they are sent through a channel."""


class Stream(Generic[T]):
    """Values of one topic or channel, ``async for value in stream``."""

    def __init__(self, source: Source, reader: Reader, wanted: tuple[Callable[[Any], bool], ...] = ()) -> None:
        self._source = source
        self._reader = reader
        self._wanted = wanted

    def __aiter__(self) -> AsyncIterator[T]:
        return self._values()

    async def _values(self) -> AsyncIterator[T]:
        async for event in self.events():
            yield event.value

    async def events(self) -> AsyncIterator[Event]:
        """The events instead of their values."""
        while True:
            await self._reader.left()
            event = self._reader.again() or await self.next_begun()
            await self._reader.reached(event)
            if event.thrown is not None:
                raise event.thrown
            if all(wanted(event.value) for wanted in self._wanted):
                yield event

    async def items(self) -> AsyncIterator[tuple[Any, T]]:
        """Keys and values."""
        async for event in self.events():
            yield event.key, event.value

    async def next_begun(self) -> Event:
        """The next event that is still ours."""
        while True:
            event = await self._source.get()
            if event.begin():
                return event

    def filter(self, wanted: Callable[[T], bool]) -> Stream[T]:
        """Only the values for which a function says so."""
        return Stream(self._source, self._reader, (*self._wanted, wanted))

    def group_by(self, key: Any, *, name: str | None = None, partitions: int | None = None) -> Stream[T]:
        """The same values, sent on by another key: those with the same one come to the same agent.

        :param key: a field of the model, ``BankTransfer.account_id``, or a function of the value.
        :param name: of the key; needed for a function without one.
        """
        field = getattr(key, "__name__", "")
        if hasattr(key, "__objclass__"):
            source = self._reader.regrouped(name or field, lambda value: getattr(value, field), self, partitions)
        else:
            named = name or (field if field != "<lambda>" else "")
            if not named:
                raise TypeError("group_by() needs name= for a function that has none")
            source = self._reader.regrouped(named, key, self, partitions)
        return Stream(source, self._reader)

    def through(self, channel: Channel) -> Stream[T]:
        """The same values, sent through a topic or channel."""
        return Stream(self._reader.sent_through(channel, self), self._reader)
