"""``await``: waits for an event (L60–L63)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..activity import Activity, Place, Run, Value
from ..effects import Consumed, Subscribe, Unsubscribe
from ..expressions import Expression
from ..faults import EXPRESSION_ERROR, UNDEFINED_PROPERTY, Thrown
from ..messages import Offer
from ..states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Await(Activity):
    """An event that fails the conditions leaves it waiting."""

    tag: ClassVar[str] = "await"

    event: Value
    conditions: tuple[Expression, ...] = ()
    key: str | None = None  #: dotted path into the event
    equals: Expression | None = None  #: with what; default: the property of the key's name
    since: str = "wait"  #: or ``start``, ``turn``
    property: str | None = None  #: takes the event's body

    def on_start(self, run: Run, at: Place) -> None:
        wait = self.wait(run, at, run.moment())
        at.frame.text = wait.event
        run.emit(wait)
        run.state(at, State.WAITING)

    def wait(self, run: Run, at: Place, began: float) -> Subscribe:
        """What it waits for."""
        return Subscribe(
            branch=at.branch.id,
            activity=self.index,
            activation=at.frame.activation,
            event=run.text(at, self.event),
            path=self.key or "",
            value=self._wanted(run, at) if self.key else "",
            since=self._since(run, at, began),
        )

    def terms(self) -> tuple[object, ...]:
        """What makes up a wait, as the author wrote it."""
        written = [self.event.literal, self.event.expression and self.event.expression.source]
        return (*written, self.key, self.equals and self.equals.source, self.since)

    def _since(self, run: Run, at: Place, began: float) -> float:
        match self.since:
            case "start":
                return run.started()
            case "turn":
                return run.since_turn(at)
        return began

    def _wanted(self, run: Run, at: Place) -> str:
        assert self.key is not None
        value = _dig(run, at, self.key) if self.equals is None else run.evaluate(at, self.equals)
        text = scalar(value)
        if text is None:
            raise Thrown(EXPRESSION_ERROR, f"key {self.key!r} compares scalars, and here it is {value!r}")
        return text

    def on_offer(self, run: Run, at: Place, offer: Offer) -> None:
        if offer.activation != at.frame.activation or not self._matches(run, at, offer):
            return
        run.emit(Consumed(offer.event, at.branch.id, self.index))
        self.on_release(run, at)
        if self.property is not None:
            run.write(at, self.property, offer.body)
        run.complete(at)

    def _matches(self, run: Run, at: Place, offer: Offer) -> bool:
        for condition in self.conditions:
            try:
                if run.evaluate(at, condition, {"event": offer.body}):
                    return True
            except Thrown as thrown:  # an error in an await's condition means "does not match" (L22)
                run.record(at, "condition", code=thrown.code, message=thrown.message, event=offer.event)
        return not self.conditions

    def on_release(self, run: Run, at: Place) -> None:
        run.emit(Unsubscribe(at.branch.id, self.index))


def scalar(value: Any) -> str | None:
    """A scalar as events are compared by it (L61); None for what is no scalar."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | str():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
    return None


def _dig(run: Run, at: Place, path: str) -> Any:
    first, *rest = path.split(".")
    here = run.property(at, first)
    for part in rest:
        if not isinstance(here, dict) or part not in here:
            raise Thrown(UNDEFINED_PROPERTY, f"no property {path!r} to compare the event's {path!r} with")
        here = here[part]
    return here


def event_value(body: dict[str, Any], path: str) -> str | None:
    """What an event has at a dotted path, as it is compared; None if it has no scalar there."""
    here: Any = body
    for part in path.split("."):
        if not isinstance(here, dict) or part not in here:
            return None
        here = here[part]
    return scalar(here)
