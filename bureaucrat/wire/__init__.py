"""The wire formats: bytes in, records out, and the other way round.

Rules: pure: nothing here knows a broker; whatever the bytes, only :class:`Malformed` leaves, and its reason names the
place. What a field holds is never part of a reason.
"""

from .attempts import attempt_of, decode_attempt, encode_answer, encode_attempt, returned_fields
from .clients import (
    decode_event,
    decode_launch,
    decode_notice,
    decode_signal,
    decode_status,
    encode_event,
    encode_launch,
    encode_notice,
    encode_status,
)
from .content import REASON, SOURCE
from .control import decode_message, decode_old_timer, encode_question, encode_terminate
from .documents import MAX_BYTES, MAX_DEPTH, load_object, loads
from .headers import PARTICIPANT, Asked, asked_of, attempt_headers
from .malformed import Malformed
from .places import MAX_NAME
from .records import (
    Attempt,
    EventMessage,
    Format,
    LaunchRequest,
    Notice,
    OldTimer,
    Question,
    Response,
    StatusAnswer,
    Terminate,
)

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_NAME",
    "PARTICIPANT",
    "REASON",
    "SOURCE",
    "Asked",
    "Attempt",
    "EventMessage",
    "Format",
    "LaunchRequest",
    "Malformed",
    "Notice",
    "OldTimer",
    "Question",
    "Response",
    "StatusAnswer",
    "Terminate",
    "asked_of",
    "attempt_headers",
    "attempt_of",
    "decode_attempt",
    "decode_event",
    "decode_launch",
    "decode_message",
    "decode_notice",
    "decode_old_timer",
    "decode_signal",
    "decode_status",
    "encode_answer",
    "encode_attempt",
    "encode_event",
    "encode_launch",
    "encode_notice",
    "encode_question",
    "encode_status",
    "encode_terminate",
    "load_object",
    "loads",
    "returned_fields",
]
