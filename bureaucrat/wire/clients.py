"""What clients send and get besides answers: launches, events, signals, notices, how an instance is.

Rules: what we take is checked key by key; what we send to clients may have more keys in a later version, and is read
without minding those.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from dataclasses import fields as fields_of
from typing import Any, Final, TypeVar

import msgspec

from . import content
from .documents import MAX_BYTES, load_object
from .malformed import Malformed, shown
from .places import checked_id, checked_name, object_at, optional_text, text_at
from .records import EventMessage, LaunchRequest, Notice, StatusAnswer

_MARK: Final = b"\xef\xbb\xbf"
_MARKUP: Final = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*<")
_LAUNCH_KEYS: Final = ("process", "version", "definition", "fields", "business_key")
_UNKNOWN_KEYS: Final = ("instance", "known", "dead")
T = TypeVar("T")
_encode = msgspec.json.Encoder().encode
#: what a definition that comes as it is may say of itself; a text within JSON is text already
_ENCODING: Final = re.compile(rb"""<\?xml[^>]*?\bencoding\s*=\s*["']([^"'>]*)["']""")
_READ: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


def decode_launch(
    content_type: str | None, body: bytes, message_id: str | None = None, content_encoding: str | None = None
) -> LaunchRequest:
    """A wish to have an instance started: JSON, or the bare XML of a definition (B-031).

    :raises Malformed: it is neither.
    """
    kind = content.check_encoding(content_type, content_encoding)
    id = checked_id(message_id)
    if _MARKUP.match(body):
        return LaunchRequest(id, definition=_text(body))
    content.check_json(kind, None)
    record = load_object(body)
    unknown = [key for key in record if key not in _LAUNCH_KEYS]
    if unknown:
        raise Malformed(f"the key {shown(unknown[0])} is not known; known are {', '.join(_LAUNCH_KEYS)}")
    return LaunchRequest(
        id,
        definition=_either(record),
        process=checked_name(record["process"], "process") if "process" in record else None,
        version=_version(record),
        fields=object_at(record, "fields") if record.get("fields") is not None else {},
        business_key=optional_text(record, "business_key", most=1_024),
    )


def _text(body: bytes) -> str:
    if len(body) > MAX_BYTES:
        raise Malformed(f"the body has {len(body):,} bytes; {MAX_BYTES:,} are allowed")
    declared = _ENCODING.match(body.removeprefix(_MARK))
    name = declared[1].decode("ascii", "replace") if declared else "utf-8"
    if name.lower() not in _READ:
        raise Malformed(f"encoding={shown(name)} is not read; send UTF-8, and say so or nothing")
    try:
        return body.removeprefix(_MARK).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"the body is not UTF-8: byte 0x{body[error.start]:02X} at offset {error.start:,}") from None


def _either(record: dict[str, Any]) -> str | None:
    """The definition, if that is how the process is given."""
    given = [key for key in ("process", "definition") if key in record]
    if len(given) != 1:
        found = "both process and definition are" if given else "neither process nor definition is"
        raise Malformed(f"{found} given; one of them is expected")
    return text_at(record, "definition") if given == ["definition"] else None


def _version(record: dict[str, Any]) -> int | None:
    version = record.get("version")
    if version is None:
        return None
    if type(version) is not int or version < 1:
        raise Malformed("version is no positive number")
    if "process" not in record:
        raise Malformed("version is given without process; a definition that is sent along has none")
    return version


def encode_launch(request: LaunchRequest) -> tuple[str, bytes]:
    """Content type and body of a launch; its id travels as the message id."""
    record = {key: value for key, value in asdict(request).items() if key != "id" and value is not None}
    if not request.fields:
        del record["fields"]
    return content.LAUNCH, _encode(record)


def decode_event(
    body: bytes, message_id: str | None = None, content_type: str | None = None, content_encoding: str | None = None
) -> EventMessage:
    """An event from the queue of events (B-040). Raises :class:`Malformed`."""
    content.check_json(content_type, content_encoding)
    record = load_object(body)
    name = checked_name(record.pop("event", None), "event")
    return EventMessage(checked_id(message_id), name, record)


def decode_signal(
    routing_key: str,
    body: bytes,
    message_id: str | None = None,
    content_type: str | None = None,
    content_encoding: str | None = None,
) -> EventMessage:
    """An event from the agents' bus: the routing key is its name. Raises :class:`Malformed`."""
    content.check_json(content_type, content_encoding)
    name = checked_name(routing_key, "the routing key")
    return EventMessage(checked_id(message_id), name, load_object(body))


def encode_event(name: str, body: dict[str, Any]) -> tuple[str, bytes]:
    """Content type and body of an event; its id travels as the message id."""
    return content.JSON, _encode({**body, "event": name})


def decode_status(body: bytes) -> StatusAnswer:
    """How an instance is, as the daemon answered. Raises :class:`Malformed`."""
    return _converted(load_object(body), StatusAnswer)


def encode_status(answer: StatusAnswer) -> tuple[str, bytes]:
    """Content type and body of the answer to a question."""
    keys = [one.name for one in fields_of(answer)]
    wanted = [key for key in keys if key != "dead"] if answer.known else _UNKNOWN_KEYS
    return content.JSON, _encode({key: getattr(answer, key) for key in wanted})


def decode_notice(body: bytes) -> Notice:
    """A notice, as the daemon published it. Raises :class:`Malformed`."""
    record = load_object(body)
    known = {one.name for one in fields_of(Notice)} - {"more"}
    more = {key: value for key, value in record.items() if key not in known}
    return _converted({**{key: record[key] for key in known & record.keys()}, "more": more}, Notice)


def encode_notice(notice: Notice) -> tuple[str, bytes]:
    """Content type and body of a notice."""
    record = {one.name: getattr(notice, one.name) for one in fields_of(notice) if one.name != "more"}
    return content.JSON, _encode({**notice.more, **record})


def _converted(record: dict[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(record, kind)
    except msgspec.ValidationError as error:
        raise Malformed(str(error)) from None
