"""Faults inside a process: data that travels outward until a handler takes it (language, section 6).

Rules: a process fault is data, never a Python error of ours; :class:`Thrown` carries one through a single step and
never leaves :mod:`bureaucrat.core`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: Codes the engine itself throws (L93).
ACTION_ERROR = "ActionError"
TIMEOUT = "Timeout"
EXPRESSION_ERROR = "ExpressionError"
UNDEFINED_PROPERTY = "UndefinedProperty"
UNKNOWN_PROCESS = "UnknownProcess"
INVALID_DEFINITION = "InvalidDefinition"
RUNAWAY_LOOP = "RunawayLoop"
LIMIT_EXCEEDED = "LimitExceeded"
NOT_UNIQUE = "NotUnique"

ENGINE_CODES = (
    ACTION_ERROR,
    TIMEOUT,
    EXPRESSION_ERROR,
    UNDEFINED_PROPERTY,
    UNKNOWN_PROCESS,
    INVALID_DEFINITION,
    RUNAWAY_LOOP,
    LIMIT_EXCEEDED,
    NOT_UNIQUE,
)


class Thrown(Exception):
    """A fault on its way from where it arose to the activation that throws it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


@dataclass(slots=True)
class Fault:
    """What handlers see as ``inst:fault`` (L13)."""

    code: str
    message: str
    activity: str  #: address of the activation that threw
    attempt: int = 0  #: which attempt of an action, 1-based; 0 for everything else
    cause: Fault | None = None  #: the fault whose handler threw this one (L92)

    def fields(self) -> dict[str, Any]:
        """The JSON a process sees."""
        return {
            "code": self.code,
            "message": self.message,
            "activity": self.activity,
            "attempt": self.attempt,
            "cause": None if self.cause is None else self.cause.fields(),
        }
