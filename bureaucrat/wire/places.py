"""Taking typed values out of JSON objects: what is missing or wrong is named by its place.

Rules: a reason names the place, what is there and what is expected; it never shows the value of a field.
"""

from __future__ import annotations

import re
from typing import Any, Final

from .malformed import Malformed, described, inside, shown

MAX_NAME: Final = 255  #: bytes of a routing key or a message id (a short string of AMQP 0-9-1, section 4.2.5.3)
MAX_TOKEN: Final = 1_024  #: characters: it names the branch, which may be 64 deep
_MAX_TARGET: Final = 1_024
_TARGET: Final = re.compile(r"[A-Za-z0-9.-][A-Za-z0-9._-]*")
_INSTANCE: Final = re.compile(r"[A-Za-z0-9.-]{1,64}")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")


def object_at(record: dict[str, Any], name: str, place: str = "") -> dict[str, Any]:
    """The object that a property must be."""
    value = record.get(name)
    if type(value) is not dict:
        raise _unexpected(record, name, place, "an object")
    return value


def text_at(record: dict[str, Any], name: str, place: str = "") -> str:
    """The text that a property must be."""
    value = record.get(name)
    if type(value) is not str:
        raise _unexpected(record, name, place, "text")
    return value


def optional_text(record: dict[str, Any], name: str, place: str = "", *, most: int) -> str | None:
    """The text of at most `most` characters that a property may be; None if it is null or not there."""
    value = record.get(name)
    if value is None:
        return None
    if type(value) is not str:
        raise _unexpected(record, name, place, "text or nothing")
    if len(value) > most:
        raise Malformed(f"{inside(place, name)} has {len(value):,} characters; {most:,} are allowed")
    return value


def optional_flag(record: dict[str, Any], name: str, place: str = "") -> bool:
    """Whether a flag is set; it is not where it is missing."""
    value = record.get(name, False)
    if not isinstance(value, bool):
        raise _unexpected(record, name, place, "true or false")
    return value


def number_at(record: dict[str, Any], name: str, place: str = "") -> float:
    """The number that a property must be."""
    value = record.get(name)
    if type(value) is not int and type(value) is not float:
        raise _unexpected(record, name, place, "a number")
    return value


def target_at(record: dict[str, Any], name: str, place: str = "") -> str:
    """The address that a property must be, by its shape."""
    target = text_at(record, name, place)
    if len(target) > _MAX_TARGET or not _TARGET.fullmatch(target):
        raise Malformed(
            f"{inside(place, name)} is {shown(target)}, which is no address: letters, digits, . - and _ only"
        )
    return target


def instance_at(record: dict[str, Any], name: str, place: str = "") -> str:
    """The id of an instance that a property must be, by its shape."""
    instance = text_at(record, name, place)
    if not _INSTANCE.fullmatch(instance):
        reason = "which is no id of an instance: 1 to 64 letters, digits, . and -"
        raise Malformed(f"{inside(place, name)} is {shown(instance)}, {reason}")
    return instance


def checked_name(text: Any, place: str) -> str:
    """A name that comes from outside: 1 to 255 bytes, no control characters."""
    if type(text) is not str:
        raise Malformed(f"{place} is {'missing' if text is None else 'no text'}; text is expected")
    if not text:
        raise Malformed(f"{place} is empty; 1 to {MAX_NAME} bytes are expected")
    if len(text) > MAX_NAME or len(text.encode("utf-8", "surrogatepass")) > MAX_NAME:
        raise Malformed(f"{place} has more than {MAX_NAME} bytes")
    if _CONTROL.search(text):
        raise Malformed(f"{place} is {shown(text)}; control characters are not allowed")
    return text


def checked_id(message_id: Any) -> str | None:
    """The message id that came with a body; None if there is none."""
    return None if message_id is None or message_id == "" else checked_name(message_id, "the message id")


def _unexpected(record: dict[str, Any], name: str, place: str, expected: str) -> Malformed:
    found = f"is {described(record[name])}" if name in record else "is missing"
    return Malformed(f"{inside(place, name)} {found}; {expected} is expected")
