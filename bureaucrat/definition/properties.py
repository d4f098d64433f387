"""The text of a ``<property>``, by its type (L11).

Rules: what comes out is JSON as the core keeps it; empty text is the empty string for ``str`` and nothing (None) for
the others; white space around counts for ``str`` only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from bureaucrat.core.values import complaint

from .problems import quoted
from .values import Refused

_WHITE: Final = " \t\n\r"
_BOOLS: Final = {"1": True, "true": True, "0": False, "false": False}
_PYTHON: Final = {"none": "null", "null": "null", "true": "true", "false": "false", "undefined": "null"}
_DEEPEST: Final = 100  # lists and objects inside each other
_LONGEST: Final = 400  # characters of a number; no float has more


class _Wrong(ValueError):
    """Why a text is no JSON of ours."""


def parse_property(type: str, text: str) -> Any:
    """The initial value that the text of a property of that type stands for. Raises :class:`Refused`."""
    if type == "str":
        return text
    bare = text.strip(_WHITE)
    return _READERS[type](bare) if bare else None


def _number(read: Callable[[str], Any], what: str, text: str) -> Any:
    try:
        if len(text) > _LONGEST:
            raise ValueError
        value = read(text)
    except ValueError as error:
        raise Refused("BX206", f"{quoted(text)} is no {what}") from error
    wrong = complaint(value)
    if wrong:
        raise Refused("BX206", f"{quoted(text)} cannot be kept: {wrong}")
    return value


def _int(text: str) -> Any:
    return _number(int, 'int: write digits, such as 42, or choose type="str"', text)


def _float(text: str) -> Any:
    return _number(float, 'float: write a number, such as 0.5, or choose type="str"', text)


def _bool(text: str) -> Any:
    if text not in _BOOLS:
        close = f"; you mean {text.lower()}" if text.lower() in _BOOLS else ""
        raise Refused("BX206", f"{quoted(text)} is no bool: write 1, 0, true or false{close}")
    return _BOOLS[text]


def _json(text: str) -> Any:
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer)
        if _is_deep(value):
            raise _Wrong(f"it is nested deeper than {_DEEPEST}")
    except json.JSONDecodeError as error:
        place, advice = _advice(text, error.pos)
        where = f"at character {place + 1}"
        what = f"no JSON {where}: {advice}" if advice else f"no JSON: {error.msg} {where}"
        raise Refused("BX206", f"{quoted(text)} is {what}", place) from error
    except RecursionError as error:
        raise Refused("BX206", f"{quoted(text)} is no JSON of ours: it is nested deeper than {_DEEPEST}") from error
    except _Wrong as error:
        raise Refused("BX206", f"{quoted(text)} is no JSON of ours: {error}") from error
    wrong = complaint(value)
    if wrong:
        raise Refused("BX206", f"{quoted(text)} is no JSON of ours: {wrong}")
    return value


def _advice(text: str, place: int) -> tuple[int, str]:
    """Where a text ceases to be JSON, and what to write instead of what Python would read; empty if it is neither."""
    before, rest = text[:place].rstrip(), text[place:]
    comma = len(before) - 1 if before.endswith(",") else place
    if re.match(r",\s*[\]}]", text[comma:]):
        return comma, "remove the comma before the bracket"
    if rest.startswith("'"):
        return place, "write texts and keys in double quotes, not in single ones"
    word = re.match(r"[A-Za-z]+", rest)
    meant = _PYTHON.get(word[0].lower(), "") if word else ""
    return place, f"write {meant}" if meant else ""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Wrong(f"the key {quoted(key)} is there twice, remove one")
        found[key] = value
    return found


def _constant(name: str) -> Any:
    raise _Wrong(f"{name} has no place in JSON, write null")


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST:
        raise _Wrong("it holds an integer beyond 64 bits")
    return int(digits)


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST + 1):
        level = [part for one in level for part in _parts(one)]
    return bool(level)


def _parts(value: Any) -> list[Any]:
    match value:
        case list():
            return value
        case dict():
            return list(value.values())
    return []


_READERS: Final[Mapping[str, Callable[[str], Any]]] = MappingProxyType(
    {"int": _int, "float": _float, "bool": _bool, "json": _json}
)
