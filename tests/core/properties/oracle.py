"""A second interpreter, written from the language's text alone, as simple as it can be.

An activity that runs is a Python generator; it yields where it waits. Sequences are loops, faults and exits are Python
exceptions that unwind to a known target, a branch of ``all`` or ``any`` is a generator of its own (:class:`Task`). There
are no rows, no frames, no agenda: what the engine keeps by hand, Python's own stack keeps here.

Left out: reminders, ``due``, restarts, cron, compensation, messages of faults (only their codes are kept).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

DAY = 86_400.0
TIE = 0.002  #: seconds; closer timers have no order in the language
_PARTS = {"context", "condition", "input", "output", "form", "field", "start", "faults", "compensation", "reminder"}
_FUNCTIONS: dict[str, Any] = {"__builtins__": {}, "len": len, "str": str, "range": range}

Steps = Generator[None, Any, None]


class Tie(Exception):
    """Two timers are so close that their order is nobody's promise: the comparison ends here."""


class Refused(Exception):
    """A person's command that cannot be carried out."""


class Thrown(Exception):
    """A fault that arose while an activity worked."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Unwind(Exception):
    """Ends everything inside `target`, which then goes on as `how` says: ``end``, ``again``, ``handle``."""

    def __init__(self, target: Run, how: str, handler: Any = None, fault: dict[str, Any] | None = None) -> None:
        super().__init__(how)
        self.target, self.how, self.handler, self.fault = target, how, handler, fault


class Task:
    """A line of execution."""

    def __init__(self, parent: Task | None) -> None:
        self.parent = parent
        self.steps: Steps = iter(())  # type: ignore[assignment]


@dataclass(eq=False)
class Run:
    """One run of one activity: what a generator cannot keep in its local variables because others look at it."""

    element: Any
    path: str
    parent: Run | None
    task: Task
    began: int = 0  #: see :meth:`World.next`
    scope: dict[str, Any] | None = None
    declared: set[str] = field(default_factory=set)
    turn_began: int | None = None
    handling: dict[str, Any] | None = None  #: the fault whose handler runs
    own_fault: bool = False  #: it was thrown by this very activity
    waiting: str = ""  #: ``waiting``, ``retrying`` or ``incident``
    timers: dict[str, float] = field(default_factory=dict)
    kept_timers: set[tuple[str, float]] = field(default_factory=set)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    wait: dict[str, Any] | None = None  #: what an await waits for
    called: list[Instance] | None = None  #: whom a call waits for
    tries: int = 0
    incident: tuple[int, str, str] | None = None

    @property
    def tag(self) -> str:
        return str(self.element.tag)

    def outward(self) -> Iterator[Run]:
        here: Run | None = self
        while here is not None:
            yield here
            here = here.parent


def children(element: Any) -> list[Any]:
    return [child for child in element if child.tag not in _PARTS]


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def scalar(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | str) else None


class World:
    """Everything that runs: instances, events, mail between them, the clock."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.now = 0.0
        self.order = 0
        self.step = 0
        self.instances: list[Instance] = []
        self.sent: list[Sent] = []
        self.events: list[Event] = []
        self.unoffered: list[Event] = []
        self.mail: list[Callable[[], None]] = []
        self.fresh: list[Run] = []

    def next(self) -> int:
        """A number that grows: what began or was accepted earlier has the smaller one."""
        self.order += 1
        return self.order

    def begin(self) -> None:
        """The next input is applied. Whatever begins while it is has begun now: it has no inner time (L23)."""
        self.step = self.next()

    @property
    def first(self) -> Instance:
        return self.instances[0]

    # -- what happens

    def launch(self, fields: dict[str, Any]) -> None:
        instance = Instance(self, etree.fromstring(self.text), None, 0)
        instance.start(fields)
        self.settle()

    def answer(self, index: int, fields: dict[str, Any]) -> None:
        sent = self.sent[index]
        sent.instance.take(lambda: sent.instance.answer(sent, fields))
        self.settle()

    def event(self, name: str, body: dict[str, Any]) -> None:
        self.accept(name, body)
        self.settle()

    def accept(self, name: str, body: dict[str, Any]) -> None:
        event = Event(name, body, self.next())
        self.events.append(event)
        self.unoffered.append(event)

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while True:
            due = sorted(
                (when, id(run), kind, run, instance)
                for instance in self.instances
                for run in instance.live
                for kind, when in run.timers.items()
                if (kind, when) not in run.kept_timers and when < until + TIE
            )
            if not due:
                break
            when, _, kind, run, instance = due[0]
            if when > until - TIE or (len(due) > 1 and due[1][0] - when < TIE):
                raise Tie
            self.now = when
            instance.fire(run, kind)
            self.settle()
        self.now = until

    def command(self, command: Callable[[], None]) -> None:
        self.begin()
        command()
        self.settle()

    def settle(self) -> None:
        """What follows: kept inputs first, then mail, then events for waits that have just begun, then new events."""
        while True:
            releasing = [one for one in self.instances if one.kept and not one.is_held]
            if releasing:
                releasing[0].release()
            elif self.mail:
                self.mail.pop(0)()
            elif self.fresh:
                self._look_back()
            elif self.unoffered:
                self._offer(self.unoffered.pop(0))
            else:
                return

    def _look_back(self) -> None:
        fresh, self.fresh = self.fresh, []
        offers = [(run, event) for run in fresh for event in self.events if run.wait and is_for(run, event, self)]
        for run, event in offers:
            self._give(run, event)

    def _offer(self, event: Event) -> None:
        waits = [run for one in self.instances for run in one.live if run.wait and is_for(run, event, self)]
        for run in sorted(waits, key=lambda run: run.path):
            self._give(run, event)

    def _give(self, run: Run, event: Event) -> None:
        instance = self.owner(run)
        wait = run.wait
        instance.take(lambda: instance.offer(run, wait, event))

    def owner(self, run: Run) -> Instance:
        root = list(run.outward())[-1]
        return next(one for one in self.instances if one.root is root)


@dataclass(eq=False)
class Event:
    name: str
    body: dict[str, Any]
    accepted: int
    woken: list[Instance] = field(default_factory=list)


@dataclass(eq=False)
class Sent:
    """One dispatch of an action."""

    instance: Instance
    run: Run
    number: int
    participant: str
    fields: dict[str, Any]


def is_for(run: Run, event: Event, world: World) -> bool:
    wait = run.wait
    if wait is None or wait["event"] != event.name or event.accepted <= wait["since"]:
        return False
    if world.owner(run) in event.woken:
        return False
    return not wait["key"] or scalar(event.body.get(wait["key"])) == wait["value"]


class Instance:
    """One running copy of a definition."""

    def __init__(self, world: World, element: Any, caller: tuple[Instance, Run, list[Instance]] | None, depth: int) -> None:
        self.world = world
        self.caller = caller
        self.depth = depth
        self.status = "running"
        self.outcome: str | None = None
        self.suspended = False
        self.live: list[Run] = []
        self.kept: list[Callable[[], None]] = []
        self.opened = 0
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
        return "faulted" if self.is_held else "running"

    def waiting(self) -> list[tuple[str, str]]:
        return sorted((run.path, "incident" if run.incident else run.waiting) for run in self.live if run.incident or run.waiting)

    def incidents(self) -> list[tuple[str, str, str]]:
        """Oldest first: where, kind, code."""
        found = sorted((run.incident, run.path) for run in self.live if run.incident)
        return [(path, kind, code) for (_, kind, code), path in found]

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

    def cancel(self) -> None:
        if self.has_ended:
            raise Refused
        self.root.task.steps.close()
        self._finish("canceled")

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
        self.root.task.steps = self.run(self.root, fields)
        self.resume(self.root.task, next)

    def resume(self, task: Task | None, how: Callable[[Steps], Any]) -> None:
        """Let a task go on, and whoever waits for it."""
        try:
            how(task.steps)
        except StopIteration:
            if task.parent is None:
                self._finish("completed")
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
        me.began = self.world.step
        try:
            steps = self._begin(me, given)
            while True:
                try:
                    yield from self._throwing(me, steps)
                    return
                except Unwind as unwind:
                    if unwind.target is not me or unwind.how == "failed":
                        raise
                    me.incident, me.waiting, me.wait, me.attempts = None, "", None, []
                    if unwind.how == "end":
                        return
                    if unwind.how == "again":
                        me.timers.clear()
                        me.handling, me.tries, me.turn_began, me.began = None, 0, None, self.world.step
                        steps = self._begin(me, None)
                    else:
                        steps = self._handle(me, unwind)
        finally:
            self.live.remove(me)

    def _throwing(self, me: Run, steps: Steps) -> Steps:
        """What goes wrong in the activity's own work is thrown at it."""
        try:
            yield from steps
        except Thrown as thrown:
            yield from self.throw(me, thrown.code)

    def _begin(self, me: Run, given: dict[str, Any] | None) -> Steps:
        if me.tag not in ("foreach", "action", "assign"):
            self.open(me, given)
        timeout = me.element.get("timeout")
        if timeout and me.tag != "action":
            me.timers["timeout"] = self.world.now + float(timeout)
        tag = {"case": "sequence", "default": "sequence", "process": "sequence"}.get(me.tag, me.tag)
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
        me.handling, me.own_fault = unwind.fault, unwind.fault["thrower"] is me  # type: ignore[index]
        if me.own_fault or me.tag != "foreach":
            me.timers.clear()
        yield from self.run(Run(handler, f"{me.path}_faults_{number}", me, me.task))
        own, me.handling = me.own_fault, None
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
        if self.caller is not None:
            return Unwind(self.root, "failed", None, fault)
        self.incident(me, "fault", code)
        return None

    def incident(self, me: Run, kind: str, code: str) -> None:
        self.opened += 1
        me.incident = (self.opened, kind, code)

    # -- values

    def visible(self, me: Run) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for place in reversed(list(me.outward())):
            seen.update(place.scope or {})
            if place.handling is not None:
                seen["inst:fault"] = place.handling
        return seen

    def write(self, me: Run, name: str, value: Any) -> None:
        item = self.root
        for place in me.outward():
            if place.scope is None:
                continue
            if name in place.declared:
                place.scope[name] = value
                return
            if place.tag == "foreach" and item is self.root:
                item = place
        assert item.scope is not None
        item.scope[name] = value

    def evaluate(self, me: Run, text: str, **extra: Any) -> Any:
        seen = self.visible(me)
        try:
            value = eval(text.strip(), _FUNCTIONS, {**seen, "context": seen, **extra})
            return json.loads(json.dumps(value if not isinstance(value, range) else list(value)))
        except (KeyError, NameError) as error:
            raise Thrown("UndefinedProperty") from error
        except Exception as error:
            raise Thrown("ExpressionError") from error

    def value(self, me: Run, text: str) -> str:
        if not text.startswith("="):
            return text
        value = self.evaluate(me, text[1:])
        return value if isinstance(value, str) else canonical(value)

    def holds(self, me: Run, element: Any) -> bool:
        return any(self.evaluate(me, one.text) for one in element.findall("condition"))

    def child(self, me: Run, number: int, task: Task | None = None) -> Run:
        return Run(children(me.element)[number], f"{me.path}_{number}", me, task or me.task)

    # -- the activities

    def do_sequence(self, me: Run) -> Steps:
        for number in range(len(children(me.element))):
            yield from self.run(self.child(me, number))

    def do_switch(self, me: Run) -> Steps:
        for number, case in enumerate(children(me.element)):
            if case.tag == "default" or self.holds(me, case):
                yield from self.run(self.child(me, number))
                return

    def do_while(self, me: Run) -> Steps:
        while self.holds(me, me.element):
            me.turn_began = self.world.step
            yield from self.do_sequence(me)

    def do_foreach(self, me: Run) -> Steps:
        select = me.element.get("select")
        selected = self.evaluate(me, select[1:] if select.startswith("=") else select)
        if not isinstance(selected, list | dict):
            raise Thrown("ExpressionError")
        me.items, me.number, me.collected = list(selected), 0, []  # type: ignore[attr-defined]
        yield from self.foreach_items(me)

    def foreach_items(self, me: Run) -> Steps:
        while me.number < len(me.items):  # type: ignore[attr-defined]
            item = me.items[me.number]  # type: ignore[attr-defined]
            me.turn_began = self.world.step
            me.scope = None
            if me.element.find("context") is not None:
                self.open(me)
            me.scope = {**(me.scope or {}), "inst:current": item, "inst:iteration": me.number + 1}  # type: ignore[attr-defined]
            if me.element.get("as"):
                me.scope[me.element.get("as")] = item
            yield from self.do_sequence(me)
            self.collect(me)
        me.scope = None
        if me.element.get("collect"):
            self.write(me, me.element.get("collect"), me.collected)  # type: ignore[attr-defined]

    def foreach_goes_on(self, me: Run) -> Steps:
        self.collect(me)
        yield from self.foreach_items(me)

    def collect(self, me: Run) -> None:
        me.number += 1  # type: ignore[attr-defined]
        if me.element.get("collect"):
            me.collected.append(self.evaluate(me, me.element.get("value")))  # type: ignore[attr-defined]

    def _branches(self, me: Run, is_race: bool) -> Generator[None, Any, int | None]:
        """Run every child as a task; in a race until one has completed, whose number is returned."""
        tasks: list[Task] = []
        live: set[Task] = set()
        try:
            for number in range(len(children(me.element))):
                task = Task(me.task)
                task.steps = self.run(self.child(me, number, task))
                tasks.append(task)
                try:
                    next(task.steps)
                    live.add(task)
                except StopIteration:
                    if is_race:
                        return number
            while live:
                ended = yield
                if ended in live:
                    live.remove(ended)
                    if is_race:
                        return tasks.index(ended)
            return None
        finally:
            for task in reversed(tasks):
                task.steps.close()

    def do_all(self, me: Run) -> Steps:
        yield from self._branches(me, is_race=False)

    def do_any(self, me: Run) -> Steps:
        first = yield from self._branches(me, is_race=True)
        if me.element.get("winner") and first is not None:
            child = children(me.element)[first]
            self.write(me, me.element.get("winner"), child.get("id") or child.tag)

    def do_assign(self, me: Run) -> Steps:
        texts = [me.element.text or "", *(part.tail or "" for part in me.element)]
        self.write(me, me.element.get("property"), self.evaluate(me, "".join(texts)))
        yield from ()

    def do_fault(self, me: Run) -> Steps:
        yield from self.throw(me, self.value(me, me.element.get("code", "terminate")))

    def do_exit(self, me: Run) -> Steps:
        target = next(
            (one for one in me.outward() if me.element.get("scope") and one.element.get("id") == me.element.get("scope")),
            self.root,
        )
        if me.element.get("outcome") is not None:
            self.outcome = self.value(me, me.element.get("outcome"))
        raise Unwind(target, "end")
        yield

    def do_signal(self, me: Run) -> Steps:
        body = {one.get("name"): self.evaluate(me, one.text) for one in me.element.findall("field")}
        self.world.accept(self.value(me, me.element.get("event")), body)
        yield from ()

    def do_delay(self, me: Run) -> Steps:
        me.timers["delay"] = self.world.now + float(me.element.get("duration"))
        me.waiting = "waiting"
        yield

    def do_await(self, me: Run) -> Steps:
        key = me.element.get("key")
        since = me.element.get("since", "start" if key else "wait")
        around = next(one for one in me.outward() if one is not me and (one.scope is not None or one.turn_began))
        value = None
        if key:
            value = scalar(self.evaluate(me, f"context[{key!r}]"))
            if value is None:
                raise Thrown("ExpressionError")
        me.wait = {
            "event": self.value(me, me.element.get("event")),
            "key": key,
            "value": value,
            "since": {"wait": self.world.next(), "start": self.root.began, "turn": around.turn_began or around.began}[since],
        }
        me.waiting = "waiting"
        self.world.fresh.append(me)
        event = yield
        me.wait, me.waiting = None, ""
        if me.element.get("property"):
            self.write(me, me.element.get("property"), event.body)

    def do_call(self, me: Run) -> Steps:
        text = self.evaluate(me, f"context[{me.element.get('process')[1:]!r}]")
        if not isinstance(text, str):
            raise Thrown("InvalidDefinition")
        fields = self.input(me, {})
        child: list[Instance] = []
        self.world.mail.append(lambda: self._start_called(me, text, fields, child))
        me.waiting, me.called = "waiting", child
        try:
            code, answer = yield
            child.clear()
        finally:
            me.waiting, me.called = "", None
            self.world.mail.extend(lambda one=one: one.has_ended or self._cancel_called(one) for one in child)
        if code is not None:
            yield from self.throw(me, code)
        for one in me.element.iterfind("output/field"):
            self.write(me, one.get("name"), self.evaluate(me, one.text, answer=answer))

    def _start_called(self, me: Run, text: str, fields: dict[str, Any], child: list[Instance]) -> None:
        if not text.startswith("<process"):
            self.take(lambda: self.ended(me, child, "InvalidDefinition", {}))
            return
        instance = Instance(self.world, etree.fromstring(text), (self, me, child), self.depth + 1)
        child.append(instance)
        instance.start(fields)
        if me.called is not child:
            self.world.mail.append(lambda: instance.has_ended or self._cancel_called(instance))

    def _cancel_called(self, instance: Instance) -> None:
        self.world.begin()
        instance.cancel()

    def input(self, me: Run, default: dict[str, Any]) -> dict[str, Any]:
        element = me.element.find("input")
        if element is None:
            return default
        given = self.visible(me) if element.get("all") else {}
        for one in element.findall("field"):
            given[one.get("name")] = self.evaluate(me, one.text)
        return given

    def do_action(self, me: Run) -> Steps:
        element = me.element
        retries = int(element.get("retries", 0))
        while True:
            self._dispatch(me)
            while True:
                got = yield
                if isinstance(got, tuple) and got[0] == "done":
                    self._answered(me, got[1], got[2])
                    return
                if got == "again":
                    me.tries = 0
                    break
                if got == "retry":
                    break
                if isinstance(got, tuple) and got[0] == "critical":
                    yield from self.throw(me, got[1].get("code") or "ActionError")
                if isinstance(got, tuple) and got[0] != "error":
                    me.timers.clear()
                    self.incident(me, "error", "BadAnswer")
                    continue
                me.timers.clear()
                code = "Timeout" if got == "timeout" else "ActionError"
                if me.tries <= retries:
                    wait = float(element.get("delay", 1)) * float(element.get("backoff", 2)) ** (me.tries - 1)
                    me.timers["retry"] = self.world.now + min(wait, 300.0)
                    me.waiting = "retrying"
                elif element.get("exhausted", "fault" if code == "Timeout" else "incident") == "fault":
                    yield from self.throw(me, code)
                else:
                    self.incident(me, "error", code)

    def _dispatch(self, me: Run) -> None:
        participant = self.value(me, me.element.get("participant"))
        fields = self.input(me, self.visible(me))
        me.tries += 1
        number = sum(one.instance is self for one in self.world.sent) + 1
        me.attempts.append({"number": number, "fields": json.loads(json.dumps(fields, default=str))})
        if me.element.get("timeout"):
            me.timers["timeout"] = self.world.now + float(me.element.get("timeout"))
        elif not participant.startswith("human:"):
            me.timers["timeout"] = self.world.now + DAY
        me.waiting = "waiting"
        self.world.sent.append(Sent(self, me, number, participant, dict(fields)))

    def _answered(self, me: Run, fields: dict[str, Any], number: int) -> None:
        if me.element.find("output") is not None:
            changed = {
                one.get("name"): self.evaluate(me, one.text, answer=fields)
                for one in me.element.iterfind("output/field")
            }
        else:
            sent = next(one["fields"] for one in me.attempts if one["number"] == number)
            changed = {
                name: value
                for name, value in fields.items()
                if not name.startswith("inst:") and (name not in sent or canonical(sent[name]) != canonical(value))
            }
        for name, value in changed.items():
            self.write(me, name, value)
