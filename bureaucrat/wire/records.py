"""What messages say, once they are read.

Rules: plain data, slotted; each is made from a body by one ``decode_…`` and, where we send it, made into one by one
``encode_…``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Format = Literal["workitem", "message"]


@dataclass(slots=True)
class Response:
    """A participant's answer; `status`, `error` and `code` are still among the fields."""

    target: str  #: address of the activity
    token: str | None  #: None: the participant did not send it back
    fields: dict[str, Any]


@dataclass(slots=True)
class Terminate:
    """Somebody wants an instance canceled; existing clients call it so."""

    target: str
    reason: str = ""
    compensate: bool = False  #: what it remembers runs first


@dataclass(slots=True)
class OldTimer:
    """A timer that an existing client registers."""

    target: str
    code: str
    instant: float  #: epoch seconds; in the past: now


@dataclass(slots=True)
class Question:
    """Somebody asks how an instance is."""

    instance: str
    reply_to: str  #: the queue that is answered to
    correlation_id: str | None = None


@dataclass(slots=True)
class LaunchRequest:
    """Somebody wants an instance started: of a definition that is sent along, or of a process by its name."""

    id: str | None  #: the instance's id, if the sender wants a certain one
    definition: str | None = None
    process: str | None = None
    version: int | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    business_key: str | None = None


@dataclass(slots=True)
class EventMessage:
    """An event from outside."""

    id: str | None
    name: str
    body: dict[str, Any]


@dataclass(slots=True)
class Attempt:
    """One dispatch of an action, as a participant gets it."""

    fields: dict[str, Any]
    target: str
    token: str = ""  #: empty: the sender knows no tokens
    key: str = ""
    participant: str = ""  #: empty: not said; the queue tells
    attempt: int = 1
    format: Format = "workitem"


@dataclass(slots=True)
class StatusAnswer:
    """How an instance is."""

    instance: str
    known: bool
    process: str | None = None
    business_key: str | None = None
    status: str | None = None
    outcome: str | None = None
    started: float | None = None  #: epoch seconds
    ended: float | None = None
    fields: dict[str, Any] = field(default_factory=dict)  #: the process's own scope
    fault: dict[str, str] | None = None  #: `code` and `message`
    incidents: list[dict[str, Any]] = field(default_factory=list)  #: `address`, `kind`, `code`, `message`, `opened`
    dead: str | None = None  #: if not known: why its launch became a dead letter


@dataclass(slots=True)
class Notice:
    """Something in the life of an instance, for whoever listens."""

    notice: str  #: ``instance.completed``, …
    instance: str
    process: str | None = None
    business_key: str | None = None
    status: str | None = None
    outcome: str | None = None
    at: float | None = None  #: epoch seconds
    more: dict[str, Any] = field(default_factory=dict)  #: what only some notices have

    @property
    def routing_key(self) -> str:
        """Under which it is published: ``instance.completed.<instance>``."""
        return f"{self.notice}.{self.instance}"
