"""One instance in the oracle: its inputs, commands, faults and values."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bureaucrat.core.table import static_path

from .oracle_activities import Activities
from .oracle_runs import Event, Refused, Run, Sent, Steps, Task, Thrown, Unwind
from .oracle_undoing import Undoing

if TYPE_CHECKING:
    from .oracle import World


class Instance(Undoing, Activities):
    """One running copy of a definition."""

    def __init__(
        self, world: World, element: Any, caller: tuple[Instance, Run, list[Instance]] | None, depth: int
    ) -> None:
        self.world = world
        self.caller = caller
        self.depth = depth
        self.status = "running"
        self.outcome: str | None = None
        self.suspended = False
        self.compensating = False
        self.gives_up = False
        self.remembered = 0
        self.live: list[Run] = []
        self.kept: list[Callable[[], None]] = []
        self.opened = 0
        self.dispatches = 0
        self.started = 0
        task = Task(None)
        self.root = Run(element, "", None, task)
        world.instances.append(self)

    # -- what one sees

    @property
    def has_ended(self) -> bool:
        return self.status in ("completed", "failed", "canceled")

    @property
    def is_held(self) -> bool:
        blocked = any(run.incident and run.incident[1] == "fault" for run in self.live)
        return not self.has_ended and (self.suspended or blocked)

    def shown_status(self) -> str:
        if self.has_ended:
            return self.status
        if self.suspended:
            return "suspended"
        if self.is_held:
            return "faulted"
        return "compensating" if self.compensating else "running"

    def waiting(self) -> list[tuple[str, str]]:
        states = ((run.path, "incident" if run.incident else run.waiting) for run in self.live)
        return sorted((static_path(path), state) for path, state in states if state)

    def incidents(self) -> list[tuple[str, str, str]]:
        """Oldest first: where, kind, code."""
        found = sorted((run.incident, run.path) for run in self.live if run.incident)
        return [(static_path(path), kind, code) for (_, kind, code), path in found]

    # -- inputs

    def take(self, input: Callable[[], None]) -> None:
        """An answer, event or timer: applied now, or kept while the instance is held or has older ones to apply."""
        self.world.begin()
        if not self.has_ended and (self.is_held or self.kept):
            self.kept.append(input)
        else:
            input()

    def release(self) -> None:
        while self.kept and not self.is_held:
            self.world.begin()
            self.kept.pop(0)()

    def fire(self, run: Run, kind: str) -> None:
        when = run.timers[kind]
        if self.is_held or self.kept:
            run.kept_timers.add((kind, when))
        self.take(lambda: self._fire(run, kind, when))

    def _fire(self, run: Run, kind: str, when: float) -> None:
        if run not in self.live or run.timers.get(kind) != when:
            return
        del run.timers[kind]
        run.kept_timers.discard((kind, when))
        if kind == "timeout" and run.tag != "action":
            self.throw_from_outside(run, "Timeout")
        else:
            self.resume(run.task, lambda steps: steps.send(kind))

    def answer(self, sent: Sent, fields: dict[str, Any]) -> None:
        run = sent.run
        if run not in self.live or sent.number not in (one["number"] for one in run.attempts):
            return
        if run.handling is not None or (run.incident and run.incident[1] == "fault"):
            return
        fields = dict(fields)
        status = fields.pop("status", "done")
        is_present = run.waiting == "waiting" and not run.incident and sent.number == run.attempts[-1]["number"]
        if status == "done" or is_present:
            self.resume(run.task, lambda steps: steps.send((status, fields, sent.number)))

    def offer(self, run: Run, wait: Any, event: Event) -> None:
        if run not in self.live or run.wait is not wait or run.incident or self.has_ended:
            return
        conditions = run.element.findall("condition")
        for condition in conditions:
            try:
                if self.evaluate(run, condition.text, event=event.body):
                    break
            except Thrown:
                continue
        else:
            if conditions:
                return
        event.woken.append(self)
        self.resume(run.task, lambda steps: steps.send(event))

    def ended(self, run: Run, called: list[Instance], code: str | None, fields: dict[str, Any]) -> None:
        if run in self.live and run.called is called and not run.incident:
            self.resume(run.task, lambda steps: steps.send((code, fields)))

    # -- commands

    def cancel(self, compensate: bool = False) -> None:
        if self.has_ended or (compensate and self.compensating):
            raise Refused
        self.gives_up = compensate
        self.root.task.steps.close()
        self.gives_up = False
        if not compensate:
            self._finish("canceled")
            return
        self.compensating, self.suspended = True, False
        self.root.incident, self.root.handling, self.root.turn = None, None, 0
        self.root.timers.clear()
        self.root.task.steps = self.undo_all()
        self.resume(self.root.task, next)

    def suspend(self) -> None:
        if self.has_ended or self.suspended:
            raise Refused
        self.suspended = True

    def resume_all(self) -> None:
        if self.has_ended or not self.suspended:
            raise Refused
        self.suspended = False

    def set(self, fields: dict[str, Any]) -> None:
        if self.has_ended:
            raise Refused
        assert self.root.scope is not None
        self.root.scope.update(fields)

    def retry(self, run: Run, fields: dict[str, Any]) -> None:
        if self.has_ended or self.suspended or run.incident is None:
            raise Refused
        for name, value in fields.items():
            self.write(run, name, value)
        kind = run.incident[1]
        run.incident = None
        if kind == "fault":
            self.resume(run.task, lambda steps: steps.throw(Unwind(run, "again")))
        else:
            self.resume(run.task, lambda steps: steps.send("again"))

    def skip(self, run: Run, fields: dict[str, Any]) -> None:
        if self.has_ended or self.suspended:
            raise Refused
        for name, value in fields.items():
            self.write(run, name, value)
        self.resume(run.task, lambda steps: steps.throw(Unwind(run, "end")))

    # -- running

    def start(self, fields: dict[str, Any]) -> None:
        self.world.begin()
        self.started = self.world.step
        self.root.task.steps = self.run(self.root, fields)
        self.resume(self.root.task, next)

    def resume(self, task: Task | None, how: Callable[[Steps], Any]) -> None:
        """Let a task go on, and whoever waits for it."""
        try:
            how(task.steps)
        except StopIteration:
            if task.parent is None:
                self._finish("canceled" if self.compensating else "completed")
            else:
                self.resume(task.parent, lambda steps: steps.send(task))
        except Unwind as unwind:
            if task.parent is None:
                self._finish("failed", unwind.fault)
            else:
                outer = unwind
                self.resume(task.parent, lambda steps: steps.throw(outer))

    def _finish(self, status: str, fault: dict[str, Any] | None = None) -> None:
        self.status = status
        if status == "completed":
            self.outcome = self.outcome or "completed"
        if self.caller is not None:
            caller, run, called = self.caller
            code = {"completed": None, "failed": (fault or {}).get("code"), "canceled": "Canceled"}[status]
            fields = dict(self.root.scope or {})
            self.world.mail.append(lambda: caller.take(lambda: caller.ended(run, called, code, fields)))

    def run(self, me: Run, given: dict[str, Any] | None = None) -> Steps:
        """One activation of an activity, with its handlers; again if a person wants so."""
        self.live.append(me)
        me.began = self.world.next()
        try:
            steps = self._begin(me, given)
            while True:
                try:
                    yield from self._throwing(me, steps)
                    self.remember(me)
                    return
                except Unwind as unwind:
                    if unwind.target is not me or unwind.how == "failed":
                        raise
                    me.incident, me.waiting, me.wait, me.attempts = None, "", None, []
                    if unwind.how == "end":
                        if me.is_item:
                            self.skipped_item(me)
                        self.remember(me)
                        return
                    if unwind.how == "again":
                        me.timers.clear()
                        me.is_handled = False
                        me.handling, me.tries, me.turn_began, me.began = None, 0, None, self.world.next()
                        steps = self._begin(me, None)
                    else:
                        steps = self._handle(me, unwind)
        finally:
            self.live.remove(me)
            if me.parent is not None:
                me.parent.held += me.held

    def _throwing(self, me: Run, steps: Steps) -> Steps:
        """What goes wrong in the activity's own work is thrown at it."""
        try:
            yield from steps
        except Thrown as thrown:
            yield from self.throw(me, thrown.code)

    def _begin(self, me: Run, given: dict[str, Any] | None) -> Steps:
        if me.tag not in ("foreach", "action", "assign", "compensation"):
            self.open(me, given)
        timeout = me.element.get("timeout")
        if timeout and me.tag != "action" and not me.is_item:
            me.timers["timeout"] = self.world.now + float(timeout)
        tag = dict.fromkeys(("case", "default", "process", "compensation"), "sequence").get(me.tag, me.tag)
        yield from getattr(self, f"do_{tag}")(me)

    def open(self, me: Run, given: dict[str, Any] | None = None) -> None:
        """Open the scope its context declares; the process keeps what it has."""
        context = me.element.find("context")
        if me.parent is None and me.scope is not None:
            return
        if context is None and me.parent is not None:
            return
        me.scope = {}
        for one in context.findall("property") if context is not None else ():
            text = one.text or ""
            read = {"int": int, "str": str, "json": json.loads}[one.get("type")]
            me.declared.add(one.get("name"))
            me.scope[one.get("name")] = read(text)
        me.scope.update(given or {})

    def _handle(self, me: Run, unwind: Unwind) -> Steps:
        number, handler = unwind.handler
        me.handling, me.own_fault = unwind.fault, unwind.fault["thrower"].element is me.element  # type: ignore[index]
        if me.own_fault or me.tag != "foreach":
            me.timers.clear()
        yield from self.run(Run(handler, f"{me.path}_faults_{number}", me, me.task))
        own, me.handling = me.own_fault, None
        me.is_handled = True
        if me.tag == "foreach" and not own:
            yield from self.foreach_goes_on(me)

    # -- faults

    def handlers(self, me: Run) -> list[Any]:
        faults = [*me.element.findall("faults"), *me.element.findall("context/faults")]
        return list(faults[0]) if faults else []

    def find(self, me: Run, code: str) -> tuple[Run, Any] | None:
        """The handler for a fault, and whose it is (L90, L92)."""
        for place in me.outward():
            if place.handling is not None and not (place is me and not place.own_fault):
                continue
            if self.compensating and place is self.root:
                continue
            is_own = place.element is me.element
            if place.is_parallel and is_own is place.is_item:
                continue  # an item handles what is thrown inside it, the foreach what it throws itself
            for number, case in enumerate(self.handlers(place)):
                codes = [one.strip() for one in case.get("code", "").split(",")]
                if case.tag == "default" or code in codes:
                    return place, (number, case)
        return None

    def throw(self, me: Run, code: str) -> Steps:
        """A fault thrown by what runs."""
        unwind = self._thrown(me, code)
        if unwind is not None:
            raise unwind
        me.waiting = ""
        while True:
            yield

    def throw_from_outside(self, me: Run, code: str) -> None:
        """A fault thrown at what waits: its timeout."""
        unwind = self._thrown(me, code)
        if unwind is not None:
            self.resume(unwind.target.task, lambda steps: steps.throw(unwind))

    def _thrown(self, me: Run, code: str) -> Unwind | None:
        fault = {"code": code, "thrower": me}
        found = self.find(me, code)
        if found is not None:
            return Unwind(found[0], "handle", found[1], fault)
        if self.caller is not None and not self.compensating:
            return Unwind(self.root, "failed", None, fault)
        self.incident(me, "fault", code)
        return None

    def incident(self, me: Run, kind: str, code: str) -> None:
        self.opened += 1
        me.incident = (self.opened, kind, code)
