"""Signals: what agents tell each other over a bus, declared once for a whole project."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

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


class JSONLib(Protocol):
    """A module that reads and writes JSON, as Python's does."""

    def dumps(self, data: Any, /) -> Any:
        """JSON of a value."""

    def loads(self, text: Any, /) -> Any:
        """The value of JSON."""


class HasHandlers(Protocol):
    """What receivers and consumers need of their agent."""

    log: logging.Logger


@dataclass(frozen=True)
class Signal:
    """The declaration of a signal. Making one registers it for the whole program.

    :param name: letters and underscores; also the names of events of processes, with dots.
    :param providing_args: the names of its arguments. Others than these are a warning, and delivered.
    :param type_map: the types of arguments by name. Values of other types are a warning, and delivered.
    """

    name: str
    providing_args: list[str]
    type_map: dict[str, tuple[type, ...]] | None = None

    _registered: ClassVar[dict[str, Signal]] = {}
    _jsonlib: ClassVar[JSONLib] = json

    def __post_init__(self) -> None:
        Signal._registered[self.name] = self

    @property
    def attribute(self) -> str:
        """Its name as an attribute of a bus: ``order_paid`` of ``order.paid``."""
        return self.name.replace(".", "_").replace("-", "_")

    @classmethod
    def set_jsonlib(cls, jsonlib: JSONLib) -> None:
        """Have all signals written and read by another module than Python's ``json``."""
        cls._jsonlib = jsonlib

    @classmethod
    def get(cls, name: str) -> Signal:
        """A signal by its name, or by its name as an attribute.

        :raises SignalNotFound: there is none.
        """
        found = cls._registered.get(name)
        if found is None:
            found = next((one for one in cls._registered.values() if one.attribute == name), None)
        if found is None:
            raise SignalNotFound(f"no signal {name!r} is declared; declare it in the file given to load_signals()")
        return found

    @classmethod
    def get_all(cls) -> dict[str, Signal]:
        """All signals by name."""
        return dict(cls._registered)

    def make_channel_name(self, channel_prefix: str, sender: str = "*") -> str:
        """``prefix:name:sender``; without a sender the pattern of all senders."""
        return f"{channel_prefix}:{self.name}:{sender}"

    def serialize(self, data: dict[str, Any]) -> str:
        """JSON of the arguments.

        :raises SerializingError: they are no JSON.
        """
        return dumped(self._jsonlib, data, f"signal {self.name}", SerializingError)

    def deserialize(self, data: str) -> dict[str, Any]:
        """The arguments in JSON.

        :raises SerializingError: it is none, or no object.
        """
        return loaded(self._jsonlib, data, f"signal {self.name}", SerializingError)

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


def dumped(jsonlib: JSONLib, data: Any, what: str, error: type[Exception]) -> str:
    """JSON of a value, or the error that says of what."""
    try:
        text = jsonlib.dumps(data)
    except (TypeError, ValueError) as problem:
        raise error(f"{what} cannot be sent: {problem}") from problem
    return text.decode() if isinstance(text, bytes) else str(text)


def loaded(jsonlib: JSONLib, text: str | bytes, what: str, error: type[Exception]) -> dict[str, Any]:
    """The object in JSON, or the error that says of what."""
    try:
        value = jsonlib.loads(text)
    except (TypeError, ValueError) as problem:
        raise error(f"{what} is no JSON: {problem}") from problem
    if not isinstance(value, dict):
        raise error(f"{what} is a {type(value).__name__}, not an object")
    return value


def _is_of(value: Any, types: tuple[type, ...]) -> bool:
    if isinstance(value, bool):  # a kind of int in Python, and none in JSON
        return bool in types
    return isinstance(value, types)
