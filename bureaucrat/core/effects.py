"""What a step wants done in the world: the effects that the engine commits and then carries out.

Rules: an effect is complete in itself (the engine never looks back into the state to carry it out) and is JSON
throughout. What only changes the instance's own records is no effect; it stands in
:class:`bureaucrat.core.instance.Changes`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .faults import Fault
from .instance import Caller
from .messages import Cancel, Continue, Ended, Input


@dataclass(slots=True)
class Dispatch:
    """Hand an attempt to a participant."""

    branch: str
    activity: int
    address: str
    participant: str  #: as the definition writes it, prefix included
    attempt: int  #: number of the token
    tries: int  #: which try of the activation it is, 1-based
    key: str
    fields: dict[str, Any]
    priority: int | None = None
    arguments: str = "workitem"  #: or ``kwargs``
    result: str | None = None  #: the name that takes whatever is returned
    again: bool = False  #: the same attempt was sent before


@dataclass(slots=True)
class Void:
    """An attempt was ended: do not send it if it was not sent yet, tell a participant that asks."""

    branch: str
    attempt: int
    activity: int = field(default=-1, compare=False)  #: what follows names whom it was for, beside which attempt it is
    participant: str = field(default="", compare=False)


@dataclass(slots=True)
class Subscribe:
    """An await waits for an event."""

    branch: str
    activity: int
    activation: int
    event: str
    path: str  #: which part of the event is compared; empty: none
    value: str  #: with what
    since: float  #: events accepted after this (epoch seconds)


@dataclass(slots=True)
class Unsubscribe:
    """An await does not wait any longer."""

    branch: str
    activity: int


@dataclass(slots=True)
class Consumed:
    """An event woke this activation: it is not offered to this instance again (L62)."""

    event: int
    branch: str
    activity: int


@dataclass(slots=True)
class Launch:
    """Start another instance."""

    instance: str
    process: str | None  #: a registered name, or ``name@version``
    definition: str | None  #: the definition's text
    fields: dict[str, Any]
    caller: Caller
    depth: int


@dataclass(slots=True)
class Tell:
    """A message for another instance."""

    instance: str
    message: Ended | Cancel


@dataclass(slots=True)
class Emit:
    """An event for every instance that waits for it, and the same signal on the bus."""

    name: str
    body: dict[str, Any]
    accepted: float  #: later than what began before it in the same step, earlier than what begins after it


@dataclass(slots=True)
class Hold:
    """Keep an input back until the instance goes on."""

    message: Input


@dataclass(slots=True)
class Proceed:
    """Bring this back to this instance in a later batch (L70)."""

    message: Continue


@dataclass(slots=True)
class OpenIncident:
    """Something needs a person."""

    number: int
    branch: str
    activity: int
    address: str
    kind: str  #: ``error``, ``fault``, ``engine``, ``unroutable``
    code: str
    message: str
    blocks: bool = False  #: it keeps the instance's inputs back


@dataclass(slots=True)
class CloseIncident:
    """An incident is over."""

    number: int
    how: str  #: ``retried``, ``skipped``, ``answered``, ``ended``


@dataclass(slots=True)
class Record:
    """One entry of the instance's history."""

    number: int
    what: str  #: a word of :data:`bureaucrat.core.records.WHAT`
    activity: int | None
    address: str
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Finish:
    """The instance has ended; its fields stay."""

    status: str
    outcome: str | None
    fault: Fault | None = None


@dataclass(slots=True)
class Relocate:
    """The instance has migrated: what stands in storage under an activity's place has another place now."""

    waits: list[tuple[str, int, str, int]] = field(default_factory=list)  #: branch and activity before, and now
    incidents: list[tuple[int, str, int, str]] = field(default_factory=list)  #: number; branch, activity, address now


@dataclass(slots=True)
class Refuse:
    """An operator's command cannot be carried out."""

    reason: str


Effect = (
    Dispatch
    | Void
    | Subscribe
    | Unsubscribe
    | Consumed
    | Launch
    | Tell
    | Emit
    | Hold
    | Proceed
    | OpenIncident
    | CloseIncident
    | Record
    | Finish
    | Relocate
    | Refuse
)
