"""What the core asks of JSON: a canonical text, a short digest of it, and whether a value is JSON at all.

Rules: values are JSON (L11): no NaN, no integer beyond 64 bits, keys are text; two equal values have one digest in any
process. A digest is the canonical text itself where that is short, so that small values cost no hashing.
"""

from __future__ import annotations

import json
import math
from base64 import b64encode
from hashlib import blake2b
from json.encoder import encode_basestring
from typing import Any

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
_SHORT = 22  # characters; as long as 128 bits in base 64

MAX_INTEGER = 2**63 - 1
MIN_INTEGER = -(2**63)


def canonical(value: Any) -> str:
    """The one text of a JSON value: sorted keys, no spaces."""
    return _encode(value)


def digest(value: Any) -> tuple[str, int]:
    """A digest that differs when the value does (128 bits), and the canonical text's length in bytes."""
    kind = type(value)
    if kind is str:
        text = encode_basestring(value)
    elif kind is int:
        text = str(value)
    else:
        text = _encode(value)
    raw = text.encode(errors="surrogatepass")
    if len(text) <= _SHORT:
        return text, len(raw)
    return "#" + b64encode(blake2b(raw, digest_size=16).digest()).decode().rstrip("="), len(raw)


def complaint(value: Any, path: str = "") -> str | None:
    """Why a value is not JSON as the engine keeps it, naming the place; None if it is."""
    match value:
        case None | bool():
            return None
        case int():
            inside = MIN_INTEGER <= value <= MAX_INTEGER
            return None if inside else f"{path or 'the value'} is an integer beyond 64 bits"
        case float():
            return None if math.isfinite(value) else f"{path or 'the value'} is {value}, which JSON has no word for"
        case str():
            return _text_complaint(value, path)
        case list() | tuple():
            return _first(complaint(item, f"{path}[{place}]") for place, item in enumerate(value))
        case dict():
            return _first(_pair_complaint(key, item, path) for key, item in value.items())
    return f"{path or 'the value'} is a {type(value).__name__}, which is no JSON"


def _pair_complaint(key: Any, value: Any, path: str) -> str | None:
    if not isinstance(key, str):
        return f"{path or 'the value'} has the key {key!r}, which is no text"
    return _text_complaint(key, path) or complaint(value, f"{path}.{key}" if path else key)


def _text_complaint(text: str, path: str) -> str | None:
    if "\x00" in text:
        return f"{path or 'the value'} contains a NUL character"
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        return f"{path or 'the value'} contains half of a surrogate pair"
    return None


def _first(complaints: Any) -> str | None:
    return next((one for one in complaints if one), None)
