"""``call``: starts another instance and waits for its end (L50)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..activity import Activity, Fields, Place, Run, Value
from ..effects import Launch, Tell
from ..faults import INVALID_DEFINITION, LIMIT_EXCEEDED, Thrown
from ..instance import Caller
from ..messages import Cancel, Ended
from ..states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Activity):
    """The called process has a context of its own; only ``<output>`` brings something back."""

    tag: ClassVar[str] = "call"

    process: Value  #: ``name``, ``name@version``; what a name means is decided when the called instance starts
    variable: str | None = None  #: of ``$variable``: the property that holds the definition's text
    given: Fields = Fields()
    output: Fields = Fields()

    def on_start(self, run: Run, at: Place) -> None:
        if run.depth() + 1 > run.limits.call_depth:
            raise Thrown(LIMIT_EXCEEDED, f"{run.limits.call_depth} processes call each other")
        definition = self._definition(run, at) if self.variable else None
        process = None if self.variable else run.text(at, self.process)
        fields = run.input(at, self.given)
        caller = Caller(run.instance_id(), at.branch.id, self.index, at.frame.activation)
        at.frame.text = run.called_id(at)
        run.emit(Launch(at.frame.text, process, definition, fields, caller, run.depth() + 1))
        run.state(at, State.WAITING)

    def _definition(self, run: Run, at: Place) -> str:
        assert self.variable is not None
        text = run.property(at, self.variable)
        if not isinstance(text, str):
            raise Thrown(INVALID_DEFINITION, f"${self.variable} holds no text but a {type(text).__name__}")
        return text

    def on_ended(self, run: Run, at: Place, ended: Ended) -> None:
        if ended.activation != at.frame.activation or at.frame.state is not State.WAITING:
            run.record(at, "late", message="Ended")
            return
        at.frame.text = ""
        if ended.fault is not None:
            run.throw(at, ended.fault.code, ended.fault.message)
            return
        extra = {"answer": ended.fields}
        for field in self.output.fields:
            run.write(at, field.name, run.evaluate(at, field.expression, extra))
        run.complete(at)

    def on_release(self, run: Run, at: Place) -> None:
        if at.frame.text:
            run.emit(Tell(at.frame.text, Cancel("its caller has ended the call", compensate=run.is_undoing())))
