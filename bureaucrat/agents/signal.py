"""Signals: what agents tell each other over a bus, declared once for a whole project."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from .declared import Declared

if TYPE_CHECKING:
    import logging

#: What a handler may give back, to be the answer of a call; any other JSON is sent as well.
Answer = Any


class SignalException(Exception):
    """Something is wrong with a signal."""


class SignalNotFound(SignalException):
    """No signal of this name was declared."""


class SerializingError(SignalException):
    """What is sent is no JSON, or what came is none."""


class HasHandlers(Protocol):
    """What receivers and consumers need of their agent."""

    log: logging.Logger


@dataclass(frozen=True)
class Signal(Declared):
    """The declaration of a signal. Making one registers it for the whole program.

    :param name: letters and underscores; also the names of events of processes, with dots.
    :param providing_args: the names of its arguments. Others than these are a warning, and delivered.
    :param type_map: the types of arguments by name. Values of other types are a warning, and delivered.
    """

    name: str
    providing_args: list[str]
    type_map: dict[str, tuple[type, ...]] | None = None

    what: ClassVar[str] = "signal"
    missing: ClassVar[type[Exception]] = SignalNotFound
    unserializable: ClassVar[type[Exception]] = SerializingError
    _registered: ClassVar[dict[str, Any]] = {}

    def make_channel_name(self, channel_prefix: str, sender: str = "*") -> str:
        """``prefix:name:sender``; without a sender the pattern of all senders."""
        return f"{channel_prefix}:{self.name}:{sender}"

    def complaints(self, data: dict[str, Any]) -> list[str]:
        """What is not as declared: missing and unknown arguments, and values of other types."""
        found = []
        declared = set(self.providing_args)
        if missing := sorted(declared - data.keys()):
            found.append(f"without {', '.join(missing)}")
        if unknown := sorted(data.keys() - declared):
            found.append(f"with {', '.join(unknown)}, not declared")
        for name, types in (self.type_map or {}).items():
            if name in data and not _is_of(data[name], types):
                names = " or ".join("null" if one is type(None) else one.__name__ for one in types)
                found.append(f"{name} is a {type(data[name]).__name__}, declared {names}")
        return found


@dataclass(frozen=True)
class Receiver:
    """A method of an agent that hears a signal."""

    agent: HasHandlers
    handler: Callable[..., Awaitable[Answer]]
    signal: Signal
    timeout: float  #: seconds

    @property
    def key(self) -> str:
        """``Class.method``: the name of its answer."""
        return f"{type(self.agent).__name__}.{handler_name(self.handler)}"


@dataclass(frozen=True, slots=True)
class Address:
    """A channel's name, taken apart: ``prefix:name:sender#request``."""

    prefix: str
    name: str
    sender: str
    request: str | None = field(default=None)  #: of a call: where its answers belong

    @classmethod
    def of(cls, channel: str) -> Address:
        """Take a name apart.

        :raises SignalException: it is none.
        """
        parts = channel.split(":", 2)
        if len(parts) < 3:
            raise SignalException(f"{channel!r} is no channel; channels are called prefix:signal:sender")
        sender, _, request = parts[2].partition("#")
        return cls(parts[0], parts[1], sender, request or None)


def handler_name(handler: Callable[..., Any]) -> str:
    """What a handler is called."""
    return str(getattr(handler, "__name__", handler))


def _is_of(value: Any, types: tuple[type, ...]) -> bool:
    if isinstance(value, bool):  # a kind of int in Python, and none in JSON
        return bool in types
    return isinstance(value, types)
