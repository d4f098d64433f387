"""Content types: what is read, and what is never even looked at.

Rules: a content type tells what the sender meant; the shape of the body tells what it is. What could run code or grow
when it is decoded is refused by its name alone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from .malformed import Malformed, shown

WORKITEM: Final = "application/x-bureaucrat-workitem"
MESSAGE: Final = "application/x-bureaucrat-message"
LAUNCH: Final = "application/x-bureaucrat-launch"
QUESTION: Final = "application/x-bureaucrat-question"
JSON: Final = "application/json"

#: headers of a message in the queue of dead letters: what is wrong with it, and the queue it came from
REASON: Final = "bureaucrat-reason"
SOURCE: Final = "bureaucrat-source"

#: read as JSON; a text or bytes of no stated kind are what many clients send by default
_READ: Final = frozenset({"", WORKITEM, MESSAGE, LAUNCH, QUESTION, JSON, "text/json", "text/plain"}) | frozenset(
    {"application/octet-stream", "application/x-json"}
)
_UNREAD: Final = ("pickle", "python-serialize", "yaml", "msgpack", "messagepack", "gzip", "zip", "compress", "x-tar")
_PLAIN: Final = frozenset({"", "utf-8", "utf8", "us-ascii", "ascii", "identity"})


def check_encoding(content_type: str | None, content_encoding: str | None) -> str:
    """The content type without its parameters, in small letters.

    :raises Malformed: a body that is said to be of this type or encoding is not read.
    """
    kind, _, parameters = (content_type or "").partition(";")
    kind = kind.strip().lower()
    if any(word in kind for word in _UNREAD):
        raise Malformed(f"the content type {shown(kind)} is never read; send JSON as {JSON}")
    for encoding in (content_encoding or "", _charset(parameters)):
        if encoding.strip().lower() not in _PLAIN:
            raise Malformed(f"the encoding {shown(encoding)} is not read; send UTF-8, not compressed")
    return kind


@lru_cache(maxsize=64)  # every message has one, and few differ
def check_json(content_type: str | None, content_encoding: str | None) -> str:
    """As :func:`check_encoding`, of a body that can only be JSON."""
    kind = check_encoding(content_type, content_encoding)
    if kind not in _READ and not kind.endswith("+json"):
        raise Malformed(f"the content type {shown(kind)} is not known here; send JSON as {JSON}")
    return kind


def _charset(parameters: str) -> str:
    name, _, value = parameters.strip().partition("=")
    return value.strip('" ') if name.strip().lower() == "charset" else ""
