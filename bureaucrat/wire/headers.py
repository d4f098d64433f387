"""An attempt's own data as headers of a message whose body is somebody else's, as that of a Celery task.

Rules: only what an answer needs and what tells a repetition; the headers travel wherever the message does, and who
finds them can answer without reading the body.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .records import Attempt

TOKEN: Final = "bureaucrat-token"
KEY: Final = "bureaucrat-key"
TARGET: Final = "bureaucrat-target"
PARTICIPANT: Final = "bureaucrat-participant"
ATTEMPT: Final = "bureaucrat-attempt"
ARGUMENTS: Final = "bureaucrat-arguments"
RESULT: Final = "bureaucrat-result"
ANSWERS: Final = "bureaucrat-answers"


@dataclass(slots=True)
class Asked:
    """What somebody is asked for, without the fields."""

    token: str
    key: str
    target: str
    participant: str
    attempt: int
    arguments: str  #: ``workitem`` or ``kwargs``
    result: str | None  #: the name that takes whatever is returned
    answers: str  #: the queue to answer to

    def with_fields(self, fields: dict[str, Any]) -> Attempt:
        """The attempt as a participant of ours gets it."""
        return Attempt(fields, self.target, self.token, self.key, self.participant, self.attempt)


def attempt_headers(asked: Asked) -> dict[str, Any]:
    """The headers that say so."""
    found: dict[str, Any] = {
        TOKEN: asked.token,
        KEY: asked.key,
        TARGET: asked.target,
        PARTICIPANT: asked.participant,
        ATTEMPT: asked.attempt,
        ARGUMENTS: asked.arguments,
        ANSWERS: asked.answers,
    }
    return found if asked.result is None else {**found, RESULT: asked.result}


def asked_of(headers: Mapping[str, Any]) -> Asked | None:
    """What these headers say; None if they are of no attempt."""
    texts = [headers.get(name) for name in (TOKEN, KEY, TARGET, PARTICIPANT, ARGUMENTS, ANSWERS)]
    number, result = headers.get(ATTEMPT), headers.get(RESULT)
    if not all(isinstance(text, str) for text in texts) or not isinstance(number, int):
        return None
    token, key, target, participant, arguments, answers = (str(text) for text in texts)
    return Asked(token, key, target, participant, number, arguments, None if result is None else str(result), answers)
