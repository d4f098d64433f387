"""What each activity does in the oracle: a generator that yields where it waits; and what it reads and writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from lxml import etree

from .oracle_runs import DAY, Run, Sent, Steps, Task, Thrown, Unwind, canonical, children, scalar

if TYPE_CHECKING:
    from .oracle import World
    from .oracle_instance import Instance

_FUNCTIONS: dict[str, Any] = {"__builtins__": {}, "len": len, "str": str, "range": range}


class Activities:
    """The half of an instance that knows the activities."""

    world: World
    root: Run
    depth: int
    outcome: str | None
    live: list[Run]
    run: Callable[..., Steps]
    open: Callable[..., None]
    throw: Callable[[Run, str], Steps]
    incident: Callable[[Run, str, str], None]
    take: Callable[[Callable[[], None]], None]
    ended: Callable[..., None]
    start: Callable[[dict[str, Any]], None]
    end_turn: Callable[[Run], None]
    gives_up: bool
    compensating: bool
    remembered: int

    # -- values

    def visible(self, me: Run) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for place in reversed(list(me.outward())):
            seen.update(place.scope or {})
            if place.handling is not None:
                seen["inst:fault"] = place.handling
        return seen

    def sendable(self, me: Run) -> dict[str, Any]:
        """What is visible, without the lists that parallel items are taken from (L43)."""
        seen: dict[str, Any] = {}
        for place in reversed(list(me.outward())):
            if place.is_item:
                seen.pop(place.element.get("select").removeprefix("="), None)
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
            if (place.tag == "foreach" or place.in_loop) and item is self.root:
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
            me.turn_began = self.world.next()
            me.mark = self.remembered
            yield from self.do_sequence(me)
            self.end_turn(me)

    def do_foreach(self, me: Run) -> Steps:
        if me.is_item:
            yield from self.item(me)
            return
        select = me.element.get("select")
        selected = self.evaluate(me, select[1:] if select.startswith("=") else select)
        if not isinstance(selected, list | dict):
            raise Thrown("ExpressionError")
        me.items, me.turn, me.collected = list(selected), 0, {}
        yield from self.parallel_items(me) if me.is_parallel else self.foreach_items(me)
        if me.element.get("collect"):
            got = [me.collected.get(number) for number in range(len(me.items))]
            self.write(me, me.element.get("collect"), got)

    def foreach_items(self, me: Run) -> Steps:
        while me.turn < len(me.items):
            self.open_item(me, me.items[me.turn], me.turn)
            yield from self.do_sequence(me)
            self.collect(me)
            self.end_turn(me)
        me.scope = None

    def open_item(self, me: Run, item: Any, number: int) -> None:
        me.turn_began = self.world.next()
        me.mark, me.is_handled = 0 if me.is_item else self.remembered, False
        me.scope = None
        if me.element.find("context") is not None:
            self.open(me)
        me.scope = {**(me.scope or {}), "inst:current": item, "inst:iteration": number + 1}
        if me.element.get("as"):
            me.scope[me.element.get("as")] = item

    def foreach_goes_on(self, me: Run) -> Steps:
        """After a handler of an item."""
        self.collect(me)
        if me.is_item:
            return
        yield from self.foreach_items(me)
        if me.element.get("collect"):
            self.write(me, me.element.get("collect"), [me.collected.get(number) for number in range(len(me.items))])

    def collect(self, me: Run) -> None:
        me.turn += 1
        loop, number = (me.parent, me.number) if me.is_item else (me, me.turn - 1)
        if me.element.get("collect"):
            loop.collected[number] = self.evaluate(me, me.element.get("value"))  # type: ignore[union-attr, index]

    def parallel_items(self, me: Run) -> Steps:
        """Each item a task; the next one starts when there is a place for it."""
        places = me.element.get("parallel")
        most = len(me.items) if places == "yes" else int(places)
        tasks: list[Task] = []
        live: set[Task] = set()
        try:
            while True:
                while len(tasks) < len(me.items) and len(live) < most:
                    number, task = len(tasks), Task(me.task)
                    run = Run(me.element, f"{me.path}.{number + 1}", me, task, number=number)
                    task.steps = self.run(run)
                    tasks.append(task)
                    try:
                        next(task.steps)
                        live.add(task)
                    except StopIteration:
                        continue
                if not live:
                    return
                ended = yield
                live.discard(ended)
        finally:
            for task in reversed(tasks):
                task.steps.close()

    def item(self, me: Run) -> Steps:
        assert me.parent is not None
        assert me.number is not None
        self.open_item(me, me.parent.items[me.number], me.number)
        yield from self.do_sequence(me)
        self.collect(me)

    def skipped_item(self, me: Run) -> None:
        try:
            self.collect(me)
        except Thrown:
            return

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
        scope = me.element.get("scope")
        around = (one for one in me.outward() if scope and one.element.get("id") == scope and not one.is_item)
        target = next(around, self.root)
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
        times = {"wait": self.world.next(), "start": self.started, "turn": around.turn_began or around.began}
        me.wait = {
            "event": self.value(me, me.element.get("event")),
            "key": key,
            "value": value,
            "since": times[since],
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
            undo = self.gives_up
            self.world.mail.extend(lambda one=one: one.has_ended or self._cancel_called(one, undo) for one in child)
        if code is not None:
            yield from self.throw(me, code)
        for one in me.element.iterfind("output/field"):
            self.write(me, one.get("name"), self.evaluate(me, one.text, answer=answer))

    def _start_called(self, me: Run, text: str, fields: dict[str, Any], child: list[Instance]) -> None:
        if not text.startswith("<process"):
            self.take(lambda: self.ended(me, child, "InvalidDefinition", {}))
            return
        instance = type(self)(self.world, etree.fromstring(text), (self, me, child), self.depth + 1)
        child.append(instance)
        instance.start(fields)
        if me.called is not child:
            undo = self.compensating
            self.world.mail.append(lambda: instance.has_ended or self._cancel_called(instance, undo))

    def _cancel_called(self, instance: Instance, undo: bool) -> None:
        self.world.begin()
        if not (undo and instance.compensating):
            instance.cancel(undo)

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
        fields = self.input(me, self.sendable(me))
        me.tries += 1
        self.dispatches += 1
        number = self.dispatches
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
