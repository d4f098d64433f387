"""What comes on the queue of answers and control, and on that of old timers.

Rules: the content type is a hint; the shape of the body decides, for the answers of existing participants carry either
type. From outside only answers, ``terminate``, old timers and questions are taken.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from . import content
from .documents import load_object
from .malformed import Malformed, shown
from .places import (
    MAX_TOKEN,
    checked_name,
    instance_at,
    number_at,
    object_at,
    optional_flag,
    optional_text,
    target_at,
    text_at,
)
from .records import OldTimer, Question, Response, Terminate

#: fields that carry what is ours; they are not the process's
RESERVED: Final = "inst:"
TOKEN: Final = "inst:token"
KEY: Final = "inst:key"

_LAST_INSTANT: Final = 253_402_300_800  # the year 10000, which Python's dates do not have
_MAX_REASON: Final = 1_000  # characters
_encode = msgspec.json.Encoder().encode

Control = Response | Terminate | OldTimer | Question


def decode_message(
    content_type: str | None,
    body: bytes,
    *,
    content_encoding: str | None = None,
    reply_to: str | None = None,
    correlation_id: str | None = None,
) -> Control:
    """What a message on the queue of answers and control says.

    :raises Malformed: nothing that is taken from outside.
    """
    kind = content.check_json(content_type, content_encoding)
    record = load_object(body)
    if "question" in record and (kind == content.QUESTION or "name" not in record):
        return _question(record, reply_to, correlation_id)
    if "header" in record and (kind != content.MESSAGE or "name" not in record):
        return _workitem(record)
    if "instant" in record and "name" not in record:
        return _timer(record)
    return _message(record)


def decode_old_timer(body: bytes, content_type: str | None = None, content_encoding: str | None = None) -> OldTimer:
    """A timer that an existing client registers (B-044). Raises :class:`Malformed`."""
    content.check_json(content_type, content_encoding)
    return _timer(load_object(body))


def own_dropped(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields without those that carry what is ours."""
    return {name: value for name, value in fields.items() if not name.startswith(RESERVED)}


def _workitem(record: dict[str, Any]) -> Response:
    header = object_at(record, "header")
    fields = object_at(record, "fields")
    message = text_at(header, "message", "header")
    if message != "response":
        raise Malformed(f"header.message is {shown(message)}; 'response' is expected")
    target = target_at(header, "target", "header")
    return Response(target, optional_text(header, "token", "header", most=MAX_TOKEN), own_dropped(fields))


def _message(record: dict[str, Any]) -> Control:
    name = text_at(record, "name")
    target = target_at(record, "target")
    body = object_at(record, "payload")
    match name:
        case "response":
            return Response(target, optional_text(body, TOKEN, "payload", most=MAX_TOKEN), own_dropped(body))
        case "terminate":
            reason = optional_text(body, "reason", "payload", most=_MAX_REASON) or ""
            return Terminate(target, reason, optional_flag(body, "compensate", "payload"))
        case "timeout":
            return OldTimer(target, name, 0)
    raise Malformed(f"name is {shown(name)}; 'response', 'terminate' or 'timeout' is expected")


def _timer(record: dict[str, Any]) -> OldTimer:
    instant = number_at(record, "instant")
    if instant >= _LAST_INSTANT:
        raise Malformed("instant is beyond the year 9999; seconds since 1970 are expected")
    code = text_at(record, "code")
    if code != "timeout":
        raise Malformed(f"code is {shown(code)}; 'timeout' is expected")
    return OldTimer(target_at(record, "target"), code, instant)


def _question(record: dict[str, Any], reply_to: str | None, correlation_id: str | None) -> Question:
    asked = text_at(record, "question")
    if asked != "status":
        raise Malformed(f"question is {shown(asked)}; 'status' is expected")
    number = None if correlation_id is None else checked_name(correlation_id, "the property correlation_id")
    return Question(instance_at(record, "instance"), checked_name(reply_to, "the property reply_to"), number)


def encode_terminate(target: str, reason: str = "", compensate: bool = False) -> tuple[str, bytes]:
    """Content type and body of the wish to have an instance canceled (B-096)."""
    body: dict[str, Any] = {"reason": reason[:_MAX_REASON]} if reason else {}
    if compensate:
        body["compensate"] = True
    return content.MESSAGE, _encode({"name": "terminate", "target": target, "origin": "", "payload": body})


def encode_question(instance: str) -> tuple[str, bytes]:
    """Content type and body of the question how an instance is."""
    return content.QUESTION, _encode({"question": "status", "instance": instance})
