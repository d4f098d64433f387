"""Declarations of signals and queues, read from a file or from the web."""

from __future__ import annotations

import json
from collections import namedtuple
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final, Protocol
from urllib.request import urlopen

from .queue import Queue
from .signal import Signal

_TIMEOUT: Final = 10.0  #: seconds to read a declaration over HTTP
_TYPES: Final[dict[str, type]] = {
    "string": str,
    "number": int,
    "object": dict,
    "array": list,
    "boolean": bool,
    "null": type(None),
}


class Signals(Protocol):
    """All declared signals, as attributes of a named tuple."""

    def __getattr__(self, name: str) -> Signal: ...


class Queues(Protocol):
    """All declared queues, as attributes of a named tuple."""

    def __getattr__(self, name: str) -> Queue: ...


def load_signals(source: str) -> Signals:
    """Register the signals of a file.

    :param source: ``file:///path`` or ``file://relative/path``, or an address of the web.
    :returns: a named tuple of all signals that are registered.
    :raises ValueError: it is no such file; the text says what, and where in it.
    """
    _declare_signals(_loaded(source), source)
    return _signals()


def load_queues(source: str) -> Queues:
    """The same for queues."""
    _declare_queues(_loaded(source), source)
    return _queues()


def load_stuff(source: str) -> tuple[Signals, Queues]:
    """Both, from one file."""
    found = _loaded(source)
    _declare_signals(found, source)
    _declare_queues(found, source)
    return _signals(), _queues()


def _loaded(source: str) -> dict[str, Any]:
    try:
        if source.startswith("file://"):
            with open(source.removeprefix("file://"), "rb") as file:
                text = file.read()
        elif source.startswith(("http://", "https://")):
            with urlopen(source, timeout=_TIMEOUT) as response:
                text = response.read()
        else:
            raise ValueError(f"{source}: write file://PATH, or an address that begins with http:// or https://")
        found = json.loads(text)
    except OSError as error:
        raise ValueError(f"{source} cannot be read: {error}") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"{source} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f'{source} is no object; write {{"signals": […], "queues": […]}}')
    if "jsonlib" in found:
        jsonlib = import_module(found["jsonlib"])
        Signal.set_jsonlib(jsonlib)
        Queue.set_jsonlib(jsonlib)
    return found


def _declare_signals(found: dict[str, Any], source: str) -> None:
    for number, one in enumerate(_list_of(found, "signals", source)):
        where = f"{source}: signals[{number}]"
        name, given = _name_of(one, where), one.get("providing_args", [])
        if isinstance(given, dict):
            types = {argument: _types_of(kinds, f"{where}.{argument}") for argument, kinds in given.items()}
            Signal(name, list(given), types)
        else:
            Signal(name, list(given))


def _declare_queues(found: dict[str, Any], source: str) -> None:
    for number, one in enumerate(_list_of(found, "queues", source)):
        name = _name_of(one, f"{source}: queues[{number}]")
        Queue(name, one.get("exchange", ""), list(one.get("topics", [])))


def _list_of(found: dict[str, Any], key: str, source: str) -> list[Any]:
    given = found.get(key, [])
    if not isinstance(given, list):
        raise ValueError(f"{source}: {key} is no list")
    return given


def _name_of(one: Any, where: str) -> str:
    if not isinstance(one, dict) or not isinstance(one.get("name"), str) or not one["name"]:
        raise ValueError(f'{where} has no name; write {{"name": "…"}}')
    name: str = one["name"]
    return name


def _types_of(kinds: Any, where: str) -> tuple[type, ...]:
    given = kinds if isinstance(kinds, list) else [kinds]
    for kind in given:
        if kind not in _TYPES:
            raise ValueError(f"{where} is a {kind}; there are {', '.join(_TYPES)}")
    return tuple(_TYPES[kind] for kind in given)


def _signals() -> Signals:
    found: Signals = _tuple("Signals", {one.attribute: one for one in Signal.get_all().values()})
    return found


def _queues() -> Queues:
    found: Queues = _tuple("Queues", {one.attribute: one for one in Queue.get_all().values()})
    return found


def _tuple(name: str, values: Mapping[str, object]) -> Any:
    make: Any = namedtuple  # its fields are known when a file was read, and to no checker of types
    return make(name, values)(**values)
