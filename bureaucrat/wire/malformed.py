"""What is wrong with a message, said so that its sender can mend it."""

from __future__ import annotations

from typing import Any

from ..errors import BureaucratError

_LONGEST = 60  # characters of a foreign text in a reason


class Malformed(BureaucratError):
    """A message is not what its queue carries. Its sender has to mend it; `reason` names the place and the remedy."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def shown(text: str) -> str:
    """A foreign text as it may stand in a reason: quoted, in ASCII, not long."""
    cut = text if len(text) <= _LONGEST else text[:_LONGEST]
    return ascii(cut) if cut is text else f"{cut!a} and {len(text) - _LONGEST:,} more characters"


def described(value: Any) -> str:
    """What kind of JSON a value is."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
    return "an object"


def inside(place: str, name: str) -> str:
    """The place of a property: ``payload.status``."""
    told = name if name.isidentifier() and len(name) <= _LONGEST else shown(name)
    return f"{place}.{told}" if place else told
