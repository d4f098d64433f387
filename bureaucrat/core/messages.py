"""What can happen to one instance: the messages that :func:`bureaucrat.core.step.step` takes.

Rules: a message names the activation it is for by branch and activity index (and, where it could be stale, by the
number of the activation or attempt); it carries plain JSON; it is never changed. Slotted, not frozen: frozen costs five
times as much to make.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .faults import Fault


@dataclass(slots=True)
class Start:
    """Begin the process with these fields."""

    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Answer:
    """A participant's answer to one attempt."""

    branch: str
    activity: int
    attempt: int | None  #: None: it came without a token; taken if the activation waits for an answer
    fields: dict[str, Any] = field(default_factory=dict)  #: `status`, `error`, `code` still in it (L31)
    definition: str = ""  #: without a token: hash of the one that the place is meant in; empty: whatever is run


@dataclass(slots=True)
class Offer:
    """An event that a wait of this instance asked for."""

    branch: str
    activity: int
    activation: int
    event: int  #: the event's number in storage
    name: str
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class TimerFired:
    """The timers of a branch up to `at` (epoch seconds) have run out."""

    branch: str
    at: float
    activation: int = 0  #: once it is kept back: the innermost one of the branch then


@dataclass(slots=True)
class Ended:
    """An instance that this one called has ended."""

    branch: str
    activity: int
    activation: int
    fields: dict[str, Any] = field(default_factory=dict)  #: the called process's own scope
    fault: Fault | None = None


@dataclass(slots=True)
class Continue:
    """A loop that was cut by its budget may go on (L70)."""

    branch: str
    activity: int
    activation: int


@dataclass(slots=True)
class Redispatch:
    """The transport may have lost what the branch waits for: send the same attempt again."""

    branch: str
    attempt: int = 0  #: its number; 0: whatever the branch waits for


@dataclass(slots=True)
class Stuck:
    """The engine cannot go on with something of this instance: make it an incident."""

    branch: str
    activity: int
    kind: str  #: ``engine`` keeps the instance's inputs back; ``unroutable`` does not
    message: str
    attempt: int | None = None  #: only if it waits for this attempt


@dataclass(slots=True)
class Unsent:
    """The attempt has not left the outbox yet: its time begins anew, so that a broker's outage costs no tries."""

    branch: str
    attempt: int


@dataclass(slots=True)
class Alarm:
    """An existing client asks for a timeout of an activity: a delay ends then, any other activity times out."""

    branch: str
    activity: int
    at: float  #: epoch seconds
    definition: str = ""  #: as for :class:`Retry`


@dataclass(slots=True)
class Cancel:
    """End everything (L110)."""

    reason: str = ""
    compensate: bool = False  #: run what is remembered first


@dataclass(slots=True)
class Suspend:
    """Keep answers, events and timers back (L110)."""

    reason: str = ""


@dataclass(slots=True)
class Resume:
    """Apply what was kept back, in order, and go on."""

    reason: str = ""


@dataclass(slots=True)
class Retry:
    """Try the activity with the incident again (L111)."""

    branch: str
    activity: int
    fields: dict[str, Any] = field(default_factory=dict)  #: set first
    reason: str = ""
    definition: str = ""  #: hash of the one that the place is meant in; empty: whatever the instance runs


@dataclass(slots=True)
class Skip:
    """Complete an activity by hand, with these fields (L111)."""

    branch: str
    activity: int
    fields: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    definition: str = ""  #: as for :class:`Retry`


@dataclass(slots=True)
class Move:
    """End an activation, and start another activity in its place (L111)."""

    branch: str
    activity: int
    to: int  #: index of the activity to start
    reason: str = ""
    definition: str = ""  #: as for :class:`Retry`


@dataclass(slots=True)
class Set:
    """Change fields of the process's own scope (L111)."""

    fields: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


@dataclass(slots=True)
class Migrate:
    """Go on by another definition (L112)."""

    to: str  #: its hash
    text: str = ""  #: itself, if it may not be stored yet
    given: dict[str, str] = field(default_factory=dict)  #: a plan: what becomes what, by ids and addresses
    called: str = "new"  #: what people call it: ``order@3``, a file
    who: str = ""
    reason: str = ""


#: kept back while an instance is suspended or faulted
Input = Answer | Offer | TimerFired | Ended | Continue | Redispatch
#: never kept back
Command = Start | Stuck | Unsent | Alarm | Cancel | Suspend | Resume | Retry | Skip | Move | Migrate | Set
Message = Input | Command
