"""JSON from outside: bounded, and only what the engine can keep.

Rules: UTF-8 with or without its mark, at most :data:`MAX_BYTES`, at most :data:`MAX_DEPTH` lists and objects in each
other; no key twice in one object, no NaN, no integer beyond 64 bits, no half of a surrogate pair, no NUL. What msgspec
reads and the counts of a few bytes prove good is not looked at again; anything else, unless it is large and surely
bad, is read once more, slowly and exactly, to say what is wrong and where.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from ..core.values import MAX_INTEGER, MIN_INTEGER, complaint
from .malformed import Malformed, described, inside, shown

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_DEPTH: Final = 64

_EXACT: Final = 1024 * 1024  #: bytes up to which a body that is no JSON is read exactly
_MARK: Final = b"\xef\xbb\xbf"
_BODY: Final = "the body"
_DIGITS: Final = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER: Final = b"0" * 19  # as many digits as the first integer that does not fit has
_ESCAPES: Final = (b"\\u0000", b"\\u003a", b"\\u003A")  #: NUL, and the colons that are counted below
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def loads(body: bytes) -> Any:
    """The JSON value that a body is.

    :raises Malformed: it is none, or passes a bound; the reason names the place.
    """
    if len(body) > MAX_BYTES:
        raise Malformed(f"the body has {len(body):,} bytes; {MAX_BYTES:,} are allowed")
    if body.startswith(_MARK):
        body = body[len(_MARK) :]
    try:
        value = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(_told(body, error)) from None
    if not _is_surely_good(body, value):
        problem = _problem_of(body)
        if problem is not None:
            raise Malformed(problem)
    return value


def _told(body: bytes, error: Exception) -> str:
    """Why a body could not be read; of a large one, whose exact reading takes seconds, what msgspec says."""
    if len(body) <= _EXACT:
        return _problem_of(body) or f"the body is not JSON: {error}"
    return _DEEP if isinstance(error, RecursionError) else f"the body is not JSON: {error}"


def load_object(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is. Raises :class:`Malformed`."""
    value = loads(body)
    if type(value) is not dict:
        raise Malformed(f"the body is {described(value)}; an object is expected")
    return value


def _is_surely_good(body: bytes, value: Any) -> bool:
    """Whether nothing is in the body that msgspec lets pass and we do not.

    Written again without its white space, a value has as many colons as its source, unless one was written as an
    escape or a key stood there twice.
    """
    return not (
        (b"\\" in body and any(escape in body for escape in _ESCAPES))
        or _LONG_NUMBER in body.translate(_DIGITS)
        or (body.count(b"[") + body.count(b"{") > MAX_DEPTH and _is_too_deep(value))
        or _encode(value).count(b":") != body.count(b":")
    )


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for one in level
            for inner in (one.values() if type(one) is dict else one)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return False
    return True


# -- exactly


@dataclass(slots=True)
class _Refused:
    """Stands in a value for a part that is not allowed."""

    reason: str


def _problem_of(body: bytes) -> str | None:
    """What is wrong with a body, naming the place; None if nothing is."""
    try:
        text = body.decode("utf-8")
        value = _exact.decode(text)
    except UnicodeDecodeError as error:
        return f"the body is not UTF-8: byte 0x{body[error.start]:02X} at offset {error.start:,}"
    except json.JSONDecodeError as error:
        return (
            f"the body is not JSON: {error.msg.removesuffix(' at')} at line {error.lineno}, column {error.colno}"
            if text
            else _EMPTY
        )
    except RecursionError:
        return _DEEP
    return _problem(value, "", 0)


_EMPTY: Final = "the body is empty; JSON is expected"
_DEEP: Final = f"the body has more than {MAX_DEPTH} lists and objects in each other"


def _problem(value: Any, place: str, depth: int) -> str | None:
    if isinstance(value, dict | list):
        return _DEEP if depth == MAX_DEPTH else _problem_inside(value, place, depth + 1)
    if isinstance(value, _Refused):
        return f"{place or _BODY} {value.reason}"
    return complaint(value, place or _BODY)


def _problem_inside(value: dict[str, Any] | list[Any], place: str, depth: int) -> str | None:
    if isinstance(value, list):
        found = (_problem(item, f"{place}[{index}]", depth) for index, item in enumerate(value))
    else:
        found = (
            complaint(key, f"the key {inside(place, key)}") or _problem(item, inside(place, key), depth)
            for key, item in value.items()
        )
    return next((problem for problem in found if problem is not None), None)


def _object(pairs: list[tuple[str, Any]]) -> Any:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    doubled = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
    return _Refused(f"has the key {shown(doubled)} twice")


def _integer(text: str) -> Any:
    fits = len(text) <= len(_LONG_NUMBER) + 1 and MIN_INTEGER <= int(text) <= MAX_INTEGER
    return int(text) if fits else _Refused("is an integer beyond 64 bits")


def _constant(word: str) -> Any:
    return _Refused(f"is {word}, which JSON has no word for")


_exact: Final = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_constant=_constant)
