"""How keys and values become bytes, and come back.

Rules: a type is a model, any annotation that msgspec knows, a codec, or the name of one; what cannot be read is
``Malformed`` and never half read; nothing is unpickled.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from .failures import ImproperlyConfigured, Malformed
from .records import converted, plain


@dataclass(frozen=True)
class Codec:
    """A way to write values as bytes. ``a | b`` writes with `a`, and what comes of it with `b`."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]

    def dumps(self, value: Any) -> bytes:
        """A value as bytes."""
        written = self.write(value)
        return written if isinstance(written, bytes) else bytes(written)

    def loads(self, data: bytes) -> Any:
        """The value of bytes.

        :raises Malformed: they are none of this codec.
        """
        try:
            return self.read(data)
        except (msgspec.MsgspecError, ValueError, binascii.Error) as error:
            raise Malformed(f"it cannot be read: {error}") from error

    def __or__(self, other: Codec) -> Codec:
        return Codec(lambda value: other.write(self.write(value)), lambda data: self.read(other.read(data)))


def _raw(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else msgspec.json.encode(plain(value))


_codecs: dict[str, Codec] = {
    "json": Codec(lambda value: msgspec.json.encode(plain(value)), msgspec.json.decode),
    "raw": Codec(_raw, bytes),
    "text": Codec(_raw, lambda data: data.decode()),
    "binary": Codec(base64.b64encode, lambda data: base64.b64decode(data, validate=True)),
}


def register(name: str, codec: Codec) -> None:
    """Have a codec by a name, for topics that name it."""
    _codecs[name] = codec


def codec_of(named: Codec | str) -> Codec:
    """The codec itself.

    :raises ImproperlyConfigured: none has this name.
    """
    if isinstance(named, Codec):
        return named
    if named not in _codecs:
        raise ImproperlyConfigured(f"there is no serializer {named!r}; there are {', '.join(sorted(_codecs))}")
    return _codecs[named]


@dataclass(frozen=True)
class Shape:
    """What the keys or the values of a topic are, and how they are written."""

    codec: Codec
    type: Any = None  #: None: whatever the codec reads

    @classmethod
    def of(cls, type_: Any, serializer: Codec | str | None, default: Codec | str) -> Shape:
        """Of what was given to a topic: a type, or in its place a codec; and a serializer.

        :raises ImproperlyConfigured: no codec has this name.
        """
        if isinstance(type_, Codec | str):
            return cls(codec_of(type_))
        if serializer is None and type_ in (str, bytes):
            return cls(codec_of("text" if type_ is str else "raw"))
        if serializer is None and type_ is not None:
            return cls(codec_of("json"), type_)
        return cls(codec_of(default if serializer is None else serializer), type_)

    def dumps(self, value: Any) -> bytes | None:
        """None is written as nothing."""
        return None if value is None else self.codec.dumps(value)

    def loads(self, data: bytes | None) -> Any:
        """The value of bytes.

        :raises Malformed: they are not of this shape.
        """
        if data is None:
            return None
        value = self.codec.loads(data)
        return value if self.type is None else converted(value, self.type)
