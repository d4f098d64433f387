"""How a request says where its reply goes, and what a reply looks like.

Rules: headers and records have the names that Faust gives them, so that agents of both understand each other; a reply
that is an error says so in a header of our own, and has no value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from .brokers import Outgoing
from .failures import AgentError, Malformed
from .records import BLESSED, Record, plain

REPLY_TO: Final = "Faust-Ag-ReplyTo"
REPLY_ID: Final = "Faust-Ag-CorrelationId"
PARTITIONS: Final = "Bureaucrat-ReplyPartitions"  #: of the topic of the reply
ADDRESS: Final = frozenset({REPLY_TO, REPLY_ID, PARTITIONS})
ERROR: Final = "Bureaucrat-Error"
_NAMES: Final = {"@ReqRepRequest": b"@ReqRepRequest", "@ReqRepResponse": b"@ReqRepResponse"}


class ReqRepRequest(Record, namespace="@ReqRepRequest"):
    """A request whose return address is not in headers."""

    value: Any
    reply_to: str
    correlation_id: str


class ReqRepResponse(Record, namespace="@ReqRepResponse"):
    """A reply."""

    key: Any = None
    value: Any = None
    correlation_id: str = ""


class _Failure(msgspec.Struct):
    agent: str
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class ReplyAddress:
    """Where a reply goes."""

    topic: str
    correlation_id: str
    partitions: int | None = None  #: of that topic, if who asks knows

    def headers(self) -> dict[str, bytes]:
        """As headers of the request."""
        found = {REPLY_TO: self.topic.encode(), REPLY_ID: self.correlation_id.encode()}
        return found if self.partitions is None else {**found, PARTITIONS: str(self.partitions).encode()}

    def envelope(self, value: Any) -> bytes:
        """Around the value of the request."""
        return ReqRepRequest(plain(value), self.topic, self.correlation_id).dumps()


def address_in(headers: dict[str, bytes]) -> ReplyAddress | None:
    """The return address in headers, if there is one."""
    if REPLY_TO not in headers:
        return None
    partitions = headers.get(PARTITIONS, b"").decode()
    return ReplyAddress(
        headers[REPLY_TO].decode(),
        headers.get(REPLY_ID, b"").decode(),
        int(partitions) if partitions.isdigit() else None,
    )


def opened(data: bytes | None) -> ReqRepRequest | ReqRepResponse | None:
    """The envelope that a message's value is, if it is one.

    :raises Malformed: it is said to be one, and is not.
    """
    if data is None or not any(name in data for name in _NAMES.values()):
        return None
    try:
        found = msgspec.json.decode(data)
    except msgspec.DecodeError:
        return None
    tag = found.get(BLESSED) if isinstance(found, dict) else None
    name = tag.get("ns") if isinstance(tag, dict) else None
    if name == "@ReqRepRequest":
        return ReqRepRequest.from_data(found)
    return ReqRepResponse.from_data(found) if name == "@ReqRepResponse" else None


def reply_of(key: Any, value: Any, correlation_id: str) -> bytes:
    """The value of a reply's message."""
    return ReqRepResponse(plain(key), plain(value), correlation_id).dumps()


def error_header(agent: str, error: BaseException) -> dict[str, bytes]:
    """The headers of a reply that is an error."""
    text = str(error)
    return {ERROR: msgspec.json.encode(_Failure(agent, type(error).__name__, text))}


def error_in(message: Outgoing) -> AgentError | None:
    """The error that a reply is, if it is one."""
    if ERROR not in message.headers:
        return None
    try:
        found = msgspec.json.decode(message.headers[ERROR], type=_Failure)
    except msgspec.MsgspecError as error:
        raise Malformed(f"the error of a reply cannot be read: {error}") from error
    return AgentError(found.agent, found.kind, found.message)
