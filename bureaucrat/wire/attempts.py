"""Attempts on their way to participants, and the answers back, in both formats.

Rules: the *workitem* format keeps what is ours in a header of its own, and a participant sends the header back as it
is; the *message* format of existing participants has it among the fields, under names that begin with ``inst:``, with
``status`` preset so that an unchanged echo means success (B-033, B-046, B-052).
"""

from __future__ import annotations

from typing import Any

import msgspec

from . import content
from .control import KEY, TOKEN, own_dropped
from .documents import load_object
from .malformed import Malformed
from .places import MAX_TOKEN, checked_id, object_at, optional_text, target_at
from .records import Attempt, Format

_MAX_KEY = 1_024  # characters
_encode = msgspec.json.Encoder().encode


def encode_attempt(
    fields: dict[str, Any],
    *,
    target: str,
    token: str,
    key: str,
    participant: str,
    attempt: int,
    format: Format = "workitem",
) -> tuple[str, bytes]:
    """Content type and body of an attempt."""
    if format == "message":
        body = {**fields, "status": "done", TOKEN: token, KEY: key}
        return content.MESSAGE, _encode({"name": "response", "target": target, "origin": target, "payload": body})
    header = _header(target, token, key, participant, attempt)
    return content.WORKITEM, _encode({"header": header, "fields": fields})


def decode_attempt(
    content_type: str | None, body: bytes, message_id: str | None = None, content_encoding: str | None = None
) -> Attempt:
    """An attempt, as a participant gets it.

    :raises Malformed: it is none.
    """
    kind = content.check_json(content_type, content_encoding)
    record = load_object(body)
    return attempt_of(record, message_id, is_message=kind == content.MESSAGE)


def attempt_of(record: dict[str, Any], message_id: str | None = None, *, is_message: bool = False) -> Attempt:
    """The same of JSON that was read already; `is_message`: it said so itself. Raises :class:`Malformed`."""
    if "header" in record and not (is_message and "name" in record):
        return _from_workitem(record, message_id)
    return _from_message(record, message_id)


def _from_workitem(record: dict[str, Any], message_id: str | None) -> Attempt:
    header = object_at(record, "header")
    attempt = header.get("attempt", 1)
    if type(attempt) is not int or attempt < 1:
        raise Malformed("header.attempt is no positive number")
    return Attempt(
        object_at(record, "fields"),
        target_at(header, "target", "header"),
        optional_text(header, "token", "header", most=MAX_TOKEN) or checked_id(message_id) or "",
        optional_text(header, "key", "header", most=_MAX_KEY) or "",
        optional_text(header, "participant", "header", most=_MAX_KEY) or "",
        attempt,
        "workitem",
    )


def _from_message(record: dict[str, Any], message_id: str | None) -> Attempt:
    body = object_at(record, "payload")
    fields = own_dropped(body)
    fields.pop("status", None)
    return Attempt(
        fields,
        target_at(record, "target"),
        optional_text(body, TOKEN, "payload", most=MAX_TOKEN) or checked_id(message_id) or "",
        optional_text(body, KEY, "payload", most=_MAX_KEY) or "",
        format="message",
    )


def encode_answer(attempt: Attempt, fields: dict[str, Any]) -> tuple[str, bytes]:
    """Content type and body of the answer to an attempt, in its format; the status is ``done`` unless it is given."""
    target = attempt.target
    if attempt.format == "message":
        own = {name: value for name, value in ((TOKEN, attempt.token), (KEY, attempt.key)) if value}
        body = {"status": "done", **fields, **own}
        return content.MESSAGE, _encode({"name": "response", "target": target, "origin": target, "payload": body})
    header = _header(target, attempt.token, attempt.key, attempt.participant, attempt.attempt)
    return content.WORKITEM, _encode({"header": header, "fields": {"status": "done", **fields}})


def returned_fields(returned: Any) -> Any:
    """Of a workitem that a function gives back, in either format, its fields; anything else as it is."""
    if not isinstance(returned, dict):
        return returned
    header, fields = returned.get("header"), returned.get("fields")
    if isinstance(header, dict) and isinstance(fields, dict) and header.get("message") == "response":
        return fields
    inner = returned.get("payload")
    if isinstance(inner, dict) and returned.get("name") == "response" and "target" in returned:
        return own_dropped(inner)
    return returned


def _header(target: str, token: str, key: str, participant: str, attempt: int) -> dict[str, Any]:
    return {
        "message": "response",
        "target": target,
        "origin": target,
        "token": token or None,
        "key": key,
        "participant": participant,
        "attempt": attempt,
    }
