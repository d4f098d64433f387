"""``action``: hands the visible fields to a participant and waits for the answer (L30–L35)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..activity import Activity, Fields, Place, Run, Value
from ..context import STATUS, is_reserved
from ..effects import Dispatch, Void
from ..faults import ACTION_ERROR, EXPRESSION_ERROR, TIMEOUT, Thrown
from ..instance import Attempt, Frame
from ..messages import Answer
from ..retries import RetryPolicy
from ..states import State

AGAIN = "retry"  #: the timer between two attempts
ATTEMPT = "timeout"  #: an action's timeout is its attempt's
BAD_ANSWER = "BadAnswer"  #: code of the incident that an unknown status makes (L31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action(Activity):
    """``timeout`` limits each attempt, not the activation."""

    tag: ClassVar[str] = "action"

    participant: Value
    policy: RetryPolicy = RetryPolicy()
    exhausted: str | None = None  #: ``incident`` or ``fault``: overrides L33
    given: Fields | None = None  #: ``<input>``; None: all that is visible
    output: Fields | None = None
    priority: Value | None = None
    arguments: str = "workitem"
    result: str | None = None
    form: tuple[dict[str, Any], ...] = ()

    @property
    def label(self) -> str:
        return self.id or self.name or (self.tag if self.participant.expression else str(self.participant.literal))

    def on_start(self, run: Run, at: Place) -> None:
        self._dispatch(run, at, run.next_attempt())

    def _dispatch(self, run: Run, at: Place, number: int, again: bool = False) -> None:
        participant = run.text(at, self.participant)
        priority = None if self.priority is None else _priority(run.value(at, self.priority))
        fields, sent = run.sending(at, self.given)
        at.frame.tries += not again
        is_same = bool(at.frame.attempts) and sent == _sent(at.frame.attempts)
        if not (again and is_same):
            to = participant if self.participant.expression is not None else None
            at.frame.attempts.append(Attempt(number, None if is_same else sent, to))
        if not again:  # clocks run on over a restart
            self._arm(run, at, participant)
        run.emit(
            Dispatch(
                branch=at.branch.id,
                activity=self.index,
                address=run.address(at),
                participant=participant,
                attempt=number,
                tries=at.frame.tries,
                key=run.key(at),
                fields=fields,
                priority=priority,
                arguments=self.arguments,
                result=self.result,
                again=again,
            )
        )
        run.record(at, "dispatched", participant=participant, attempt=at.frame.tries, number=number)
        if at.frame.state is not State.WAITING:
            run.state(at, State.WAITING)

    def _arm(self, run: Run, at: Place, participant: str) -> None:
        if self.timeout is not None:
            run.arm(at, ATTEMPT, run.now + run.duration(at, self.timeout))
        elif not participant.startswith("human:"):
            run.arm(at, ATTEMPT, run.now + run.limits.answer_timeout)

    def on_redispatch(self, run: Run, at: Place) -> None:
        if at.frame.state is State.WAITING:
            self._dispatch(run, at, at.frame.attempts[-1].number, again=True)

    def on_unsent(self, run: Run, at: Place) -> None:
        self._arm(run, at, self.sent_to(at.frame))

    def sent_to(self, frame: Frame) -> str:
        """The participant that the last attempt of an activation is for."""
        return frame.attempts[-1].to or str(self.participant.literal)

    def on_answer(self, run: Run, at: Place, answer: Answer) -> None:
        numbers = [attempt.number for attempt in at.frame.attempts]
        waits = at.frame.state is State.WAITING
        number = numbers[-1] if answer.attempt is None and waits else answer.attempt
        if number not in numbers or at.frame.fault is not None:
            run.record(at, "late", number=number)
            return
        fields = dict(answer.fields)
        status = fields.pop(STATUS, None)
        if status in (None, "done"):
            self._done(run, at, number, fields)
        elif not waits or number != numbers[-1]:
            run.record(at, "late", number=number, status=_text(status))
        elif status == "error":
            self._failed(run, at, _text(fields.get("error")))
        elif status == "critical":
            run.throw(at, _text(fields.get("code")) or ACTION_ERROR, _text(fields.get("error")))
        else:
            known = "the engine knows done, error and critical"
            self._rest(run, at, BAD_ANSWER, f"the participant answered the status {status!r}; {known}")

    def _done(self, run: Run, at: Place, number: int, fields: dict[str, Any]) -> None:
        if self.output is not None:
            extra = {"answer": fields}
            changed = {f.name: run.evaluate(at, f.expression, extra) for f in self.output.fields}
        else:
            changed = self._changed(run, at, number, fields)
        run.record(at, "answered", attempt=at.frame.tries, changed=changed)
        run.merge(at, changed)
        if at.frame.state is State.WAITING and number != at.frame.attempts[-1].number:
            self.on_release(run, at)  # an earlier attempt was faster than the present one
        run.complete(at)

    def _changed(self, run: Run, at: Place, number: int, fields: dict[str, Any]) -> dict[str, Any]:
        """Only what was added or changed since any time that this attempt was sent (L14)."""
        changed = {}
        sendings = _sendings(at.frame.attempts, number)
        for name, value in fields.items():
            digest = run.digest(value)
            if any(sent.get(name) == digest for sent in sendings):
                continue
            if is_reserved(name):
                run.record(at, "warning", message=f"the answer sets {name!r}, which is reserved; it was dropped")
                continue
            changed[name] = value
        return changed

    def _failed(self, run: Run, at: Place, error: str) -> None:
        at.frame.text = error
        if at.frame.tries > self.policy.retries:
            if self.exhausted == "fault":
                run.throw(at, ACTION_ERROR, error)
            else:
                self._rest(run, at, ACTION_ERROR, error)
            return
        self._again(run, at, error)

    def _again(self, run: Run, at: Place, error: str) -> None:
        wait = self.policy.wait(at.frame.tries, f"{run.key(at)}/{at.frame.tries}")
        run.record(at, "failed", attempt=at.frame.tries, of=self.policy.retries + 1, error=error, wait=wait)
        run.disarm(at, ATTEMPT)
        run.arm(at, AGAIN, run.now + wait)
        run.state(at, State.RETRYING)

    def _rest(self, run: Run, at: Place, code: str, message: str) -> None:
        run.incident(at, "error", code, message)

    def on_timer(self, run: Run, at: Place, kind: str) -> None:
        self._dispatch(run, at, run.next_attempt())

    def on_timeout(self, run: Run, at: Place) -> None:
        self._void(run, at)
        message = f"{self.label} had no answer in time"
        at.frame.text = message
        if at.frame.tries <= self.policy.retries:
            self._again(run, at, message)
        elif self.exhausted == "incident":
            self._rest(run, at, TIMEOUT, message)
        else:
            run.throw(at, TIMEOUT, message)

    def on_retry(self, run: Run, at: Place) -> None:
        at.frame.tries = 0
        self._dispatch(run, at, run.next_attempt())

    def on_release(self, run: Run, at: Place) -> None:
        if at.frame.state is State.WAITING:
            self._void(run, at)

    def _void(self, run: Run, at: Place) -> None:
        run.emit(Void(at.branch.id, at.frame.attempts[-1].number, self.index, self.sent_to(at.frame)))


def _priority(value: Any) -> int:
    if not isinstance(value, int | float) or value not in range(10):
        raise Thrown(EXPRESSION_ERROR, f"{value!r} is no priority: a whole number from 0 to 9")
    return int(value)


def _sent(attempts: list[Attempt]) -> dict[str, str]:
    """What the last of these attempts was sent."""
    return next(attempt.sent for attempt in reversed(attempts) if attempt.sent is not None)


def _sendings(attempts: list[Attempt], number: int) -> list[dict[str, str]]:
    """What each dispatch of one attempt was sent: more than one if it was dispatched again."""
    sendings = []
    for place, attempt in enumerate(attempts, 1):
        if attempt.number == number:
            sendings.append(_sent(attempts[:place]))
    return sendings


def _text(value: Any) -> str:
    return "" if value is None else str(value)[:10_000]
