"""The states of an activation and of an instance, and the one table of legal transitions.

Rules: nothing else in the project names a next state without asking :func:`move`; a final state has no successor;
endings happen in one step, so there is no "ending" state (language, section 10).
"""

from enum import StrEnum


class State(StrEnum):
    """What one activation (one run of one activity) is doing."""

    ACTIVE = "active"  #: a complex activity: its children run; a simple one: it is being started
    WAITING = "waiting"  #: for an answer, an event, a timer, a called instance
    RETRYING = "retrying"  #: an action between two attempts
    PAUSED = "paused"  #: a loop cut by its budget; goes on with the next batch (L70)
    HANDLING = "handling"  #: one of its fault handlers runs
    INCIDENT = "incident"  #: rests until a person decides
    COMPLETED = "completed"
    CANCELED = "canceled"


class Status(StrEnum):
    """What a whole instance is doing."""

    RUNNING = "running"
    SUSPENDED = "suspended"
    COMPENSATING = "compensating"  #: it is being canceled, and what it remembers runs first (L110)
    FAULTED = "faulted"  #: an unhandled fault; its inputs are kept until somebody decides (L91)
    COMPLETED = "completed"
    FAILED = "failed"  #: a called instance that ended with a fault and threw it at its caller (L91)
    CANCELED = "canceled"


_ENDS = frozenset({State.COMPLETED, State.CANCELED})

TRANSITIONS: dict[State, frozenset[State]] = {
    State.ACTIVE: frozenset({State.WAITING, State.PAUSED, State.HANDLING, State.INCIDENT}) | _ENDS,
    State.WAITING: frozenset({State.RETRYING, State.HANDLING, State.INCIDENT}) | _ENDS,
    State.RETRYING: frozenset({State.WAITING, State.HANDLING, State.INCIDENT}) | _ENDS,
    State.PAUSED: frozenset({State.ACTIVE, State.HANDLING, State.INCIDENT}) | _ENDS,
    State.HANDLING: frozenset({State.ACTIVE, State.INCIDENT}) | _ENDS,
    State.INCIDENT: frozenset({State.WAITING, State.HANDLING}) | _ENDS,
    State.COMPLETED: frozenset(),
    State.CANCELED: frozenset(),
}

FINAL = _ENDS
ENDED = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELED})


class IllegalTransition(AssertionError):
    """The engine tried to move an activation in a way the table forbids: a defect of ours, never of a definition."""


def move(old: State, new: State) -> State:
    """Return `new` if the table allows it after `old`."""
    if new not in TRANSITIONS[old]:
        raise IllegalTransition(f"{old} -> {new}")
    return new
