"""Decorators that declare what a method of an agent is for, and the hooks of its life.

Rules: a decorator marks a function and nothing else. A class inherits the marks of its bases; a method that overrides
one keeps the marks of the method it overrides, unless it has marks of its own.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from ..functions import participant as _participant
from ..once import Once
from .ending import end
from .queue import Queue
from .signal import Signal

_MARKS: Final = "__bureaucrat_agent__"
LABELS: Final = ("pre_start", "post_start", "pre_stop", "server")

F = TypeVar("F", bound=Callable[..., Any])
H = TypeVar("H", bound=Callable[..., Awaitable[Any]])


class ServerInterrupt(Exception):
    """Raised by a server of an agent: it ends, and with it the agent, in good order."""


@dataclass(frozen=True, slots=True)
class Periodic:
    """A method is called again and again; seconds."""

    period: float
    timeout: float
    start_after: float


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A method is called by a schedule."""

    spec: str
    timeout: float  #: seconds


@dataclass(frozen=True, slots=True)
class Receives:
    """A method hears signals."""

    signals: tuple[Signal, ...]
    timeout: float  #: seconds


@dataclass(frozen=True, slots=True)
class Consumes:
    """A method takes messages."""

    queue: Queue
    timeout: float  #: seconds
    options: dict[str, Any]
    dto_class: type | None
    dto_name: str | None


@dataclass(frozen=True, slots=True)
class On:
    """A method is called at a moment of the agent's life."""

    label: str


@dataclass(frozen=True, slots=True)
class Serves:
    """A method does actions of processes."""

    name: str
    retries: int
    timeout: float | None  #: seconds


Mark = Periodic | Scheduled | Receives | Consumes | On | Serves


def periodic(period: int | float, timeout: int | float = 1, start_after: int | float = 0) -> Callable[[H], H]:
    """Call a method again and again.

    :param period: seconds between two calls. They may overlap.
    :param timeout: seconds that a call may take.
    :param start_after: seconds before the first one.
    """
    assert period > 0.001, "period must be more than 0.001 s"
    assert timeout > 0.001, "timeout must be more than 0.001 s"
    assert start_after >= 0, "start_after must be 0 s or more"
    return _marking(Periodic(period, timeout, start_after))


def cron(spec: str, timeout: int | float = 1) -> Callable[[H], H]:
    """Call a method by a schedule.

    :param spec: five fields as in crontab(5), or ``@daily`` and the like; times are of UTC.
    :param timeout: seconds that a call may take.
    """
    assert timeout > 0.001, "timeout must be more than 0.001 s"
    return _marking(Scheduled(spec, timeout))


def receiver(*signals: Signal, timeout: int | float = 60) -> Callable[[H], H]:
    """Have a method hear signals. It is called with ``signal``, ``sender`` and the signal's arguments.

    :param timeout: seconds that a call may take.
    """
    return _marking(Receives(signals, timeout))


def consumer(
    queue: Queue,
    timeout: int | float = 60,
    dto_class: type | None = None,
    dto_name: str | None = None,
    **options: Any,
) -> Callable[[H], H]:
    """Have a method take the messages of a queue, each as keyword arguments. A queue has one consumer in a program.

    :param timeout: seconds that a call may take.
    :param dto_class: made of the message and given as ``dto``, or as `dto_name`, beside it.
    :param options: ``on_error``: ``retry`` (the default), ``requeue``, ``dead_letter`` or ``drop``; ``attempts`` and
        ``backoff`` of ``retry``: how many calls in all, and the seconds before the second, by the square of the number
        before later ones; ``prefetch``: how many messages are here at once; ``autoack`` of RabbitMQ: False if the
        method acknowledges.
    """
    return _marking(Consumes(queue, timeout, options, dto_class, dto_name))


def on(label: str) -> Callable[[F], F]:
    """Call a method at a moment of the agent's life: ``pre_start``, ``post_start``, ``pre_stop``; or as a ``server``.

    A server is awaited as long as the agent lives; if it raises :class:`ServerInterrupt` the agent ends.
    """
    assert label in LABELS, "Bad label"
    return _marking(On(label))


def participant(
    name: str, *, retries: int = 0, timeout: int | float | None = None, once: Once | bool | None = None
) -> Callable[[F], F]:
    """Have a method do the actions of a participant, as :func:`bureaucrat.participant` has a function.

    :param retries: how often the agent itself calls it again before it answers that it failed.
    :param timeout: seconds that a call of an async method may take.
    """

    def mark(function: F) -> F:
        return _marking(Serves(name, retries, timeout))(_participant(name, once=once)(function))

    return mark


def _marking(mark: Mark) -> Callable[[F], F]:
    def add(function: F) -> F:
        setattr(function, _MARKS, (*getattr(function, _MARKS, ()), mark))
        return function

    return add


def marks_of(kind: type) -> dict[str, tuple[Mark, ...]]:
    """The marks of a class's methods, those of its bases first."""
    found: dict[str, tuple[Mark, ...]] = {}
    for one in reversed(kind.__mro__):
        for name, value in vars(one).items():
            if marks := getattr(value, _MARKS, ()):
                found.pop(name, None)
                found[name] = marks
            elif name in found and not callable(value):
                del found[name]  # overridden by what is no method
    return found


@dataclass(slots=True)
class Hooks:
    """What is called at the moments of an agent's life."""

    by_label: dict[str, list[Callable[[], Any]]] = field(default_factory=lambda: {label: [] for label in LABELS})

    async def pre_start(self) -> None:
        """Before it hears and takes anything."""
        await self._call("pre_start")

    async def post_start(self) -> None:
        """When it hears and takes."""
        await self._call("post_start")

    async def pre_stop(self) -> None:
        """Before it ends."""
        await self._call("pre_stop")

    @property
    def servers(self) -> list[Callable[[], Any]]:
        """What is awaited as long as it lives."""
        return self.by_label["server"]

    async def serve(self) -> None:
        """Await all servers together. The first that raises ends the others.

        :raises ServerInterrupt: one has ended in good order.
        :raises Exception: whatever one raises.
        """
        running = [asyncio.ensure_future(_awaited(server)) for server in self.servers]
        try:
            await asyncio.gather(*running)
        finally:
            await end(running)

    async def _call(self, label: str) -> None:
        for function in self.by_label[label]:
            await _awaited(function)


async def _awaited(function: Callable[[], Any]) -> None:
    given = function()
    if inspect.isawaitable(given):
        await given
