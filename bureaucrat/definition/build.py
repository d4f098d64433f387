"""From checked elements to the core's flat table of activities (L1).

Rules: nothing is checked here; number 0 is the process; a path counts activities only, a tail is the path below the
start of the branch, and a branch starts at the root, at each child of ``all`` and ``any``, at each item of a parallel
foreach and at each reminder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from bureaucrat.core import activities as core
from bureaucrat.core.activity import Activity, Assignment, Fields, Handler, Property, Reminder, Value
from bureaucrat.core.retries import RetryPolicy
from bureaucrat.core.triggers import CronStart, EventStart
from bureaucrat.cron import UTC, Cron

from .document import Node
from .grammar import ACTIVITIES

_FORKING: Final = ("all", "any")
_CHILDREN: Final = (*sorted(ACTIVITIES), "case", "default")
_HANDLERS: Final = ("fault-case", "fault-default")


@dataclass(slots=True)
class _Slot:
    """An activity's place in the table, known before the activity is made."""

    node: Node
    index: int
    parent: int
    slot: int
    path: str
    tail: str
    children: list[int] = field(default_factory=list)
    handlers: list[int] = field(default_factory=list)
    reminders: list[int] = field(default_factory=list)
    compensation: int | None = None


def build(root: Node) -> tuple[Activity, ...]:
    """The table of a document that has passed the checker."""
    table = _Table()
    table.place(root, -1, 0, "", "")
    return tuple(table.activity(slot) for slot in table.slots)


def schedules(root: Node) -> tuple[CronStart, ...]:
    """What starts the process by its ticks."""
    return tuple(_cron_start(node) for node in root.of("start") if "cron" in node.values)


def event_starts(root: Node) -> tuple[EventStart, ...]:
    """What starts the process by an event."""
    starts = [node for node in root.of("start") if "event" in node.values]
    return tuple(EventStart(node.values["event"], _conditions(node, "event-condition")) for node in starts)


def _cron_start(node: Node) -> CronStart:
    cron = _cron(node)
    given = _given(node, overlap="overlap", missed="missed")
    return CronStart(cron.expression, cron.zone.name, cron, **given)


class _Table:
    def __init__(self) -> None:
        self.slots: list[_Slot] = []
        self.ids: dict[str, int] = {}

    def place(self, node: Node, parent: int, number: int, path: str, tail: str) -> int:
        """Give a node and all that is inside it their places."""
        slot = _Slot(node, len(self.slots), parent, number, path, tail)
        self.slots.append(slot)
        if "id" in node.values:
            self.ids[node.values["id"]] = slot.index
        inside = "" if _forks_items(node) else tail
        for n, child in enumerate(node.of(*_CHILDREN)):
            below = "" if node.type in _FORKING else f"{inside}_{n}"
            slot.children.append(self.place(child, slot.index, n, f"{path}_{n}", below))
        for n, child in enumerate(_handlers(node)):
            name = f"_faults_{n}"
            slot.handlers.append(self.place(child, slot.index, n, path + name, inside + name))
        for n, child in enumerate(node.of("reminder")):
            slot.reminders.append(self.place(child, slot.index, n, f"{path}_reminders_{n}", ""))
        for n, child in enumerate(_inside(node, "compensation")):
            slot.compensation = self.place(child, slot.index, n, f"{path}_compensation_{n}", "")
        return slot.index

    def activity(self, slot: _Slot) -> Activity:
        node = slot.node
        common = {
            "index": slot.index,
            "path": slot.path,
            "tail": slot.tail,
            "parent": slot.parent,
            "slot": slot.slot,
            "children": tuple(slot.children),
            "line": node.line,
            "column": node.column,
            "id": node.values.get("id"),
            "name": node.values.get("name"),
            "timeout": node.values.get("timeout"),
            "due": node.values.get("due"),
            "handlers": self._handlers(slot),
            "reminders": self._reminders(slot),
            "is_reminder": node.type == "reminder",
            "compensation": slot.compensation,
            **_scope(node),
        }
        return _MAKERS[node.type](self, slot, common)

    def _handlers(self, slot: _Slot) -> tuple[Handler, ...]:
        """The core takes the first that fits, so the default goes last, wherever it stands (L90)."""
        nodes = [(self.slots[body].node, body) for body in slot.handlers]
        cases = [Handler(node.values["code"], body) for node, body in nodes if node.type == "fault-case"]
        return (*cases, *(Handler((), body) for node, body in nodes if node.type == "fault-default"))

    def _reminders(self, slot: _Slot) -> tuple[Reminder, ...]:
        return tuple(_reminder(self.slots[body].node, body) for body in slot.reminders)


def _forks_items(node: Node) -> bool:
    return node.type == "foreach" and node.values.get("parallel", "no") != "no"


def _inside(node: Node, type: str) -> list[Node]:
    """What stands directly in the activity or in its context."""
    return [found for place in (node, *node.of("context")) for found in place.of(type)]


def _handlers(node: Node) -> list[Node]:
    return [handler for faults in _inside(node, "faults") for handler in faults.of(*_HANDLERS)]


def _reminder(node: Node, body: int) -> Reminder:
    every = node.values.get("every")
    return Reminder(body, node.values["after"], every, node.values.get("times", 1 if every is None else 0))


def _scope(node: Node) -> dict[str, Any]:
    """What the activity's context declares; the process always has one."""
    contexts = node.of("context")
    properties = tuple(_property(one) for context in contexts for one in context.of("property"))
    names = {one.name for one in properties}
    if node.type == "foreach" and "as" in node.values:
        names.add(node.values["as"])
    return {"scope": properties if contexts or node.type == "process" else None, "declares": frozenset(names)}


def _property(node: Node) -> Property:
    values = node.values
    required = values.get("required", False)
    return Property(
        values["name"], values["type"], None if required else node.content, required, node.line, node.column
    )


def _fields(nodes: list[Node], all: bool = False) -> Fields:
    return Fields(tuple(Assignment(node.values["name"], node.content) for node in nodes), all)


def _exchange(node: Node, tag: str, type: str) -> Fields | None:
    return next((_fields(one.of(type), one.values.get("all", False)) for one in node.of(tag)), None)


def _conditions(node: Node, type: str = "condition") -> tuple[Any, ...]:
    return tuple(condition.content for condition in node.of(type))


def _given(node: Node, **names: str) -> dict[str, Any]:
    """Arguments for the attributes that are there; the core's defaults stand for the others."""
    return {argument: node.values[name] for argument, name in names.items() if name in node.values}


# -- one maker for each type

_Maker = Callable[[_Table, _Slot, dict[str, Any]], Activity]


def _plain(kind: type[Activity]) -> _Maker:
    return lambda table, slot, common: kind(**common)


def _action(table: _Table, slot: _Slot, common: dict[str, Any]) -> Activity:
    node = slot.node
    names = ("retries", "delay", "backoff", "max_delay", "jitter")
    return core.Action(
        **common,
        participant=node.values["participant"],
        policy=RetryPolicy(**_given(node, **{name: name for name in names})),
        exhausted=node.values.get("exhausted"),
        given=_exchange(node, "input", "field"),
        output=_exchange(node, "output", "output-field"),
        priority=node.values.get("priority"),
        arguments=node.values.get("arguments", "workitem"),
        result=node.values.get("result"),
        form=tuple(_form_field(one) for form in node.of("form") for one in form.of("form-field")),
    )


def _form_field(node: Node) -> dict[str, Any]:
    return {"type": "str", "label": node.values["name"], "required": False, **node.values}


def _switch(table: _Table, slot: _Slot, common: dict[str, Any]) -> Activity:
    cases = tuple(_conditions(table.slots[child].node) for child in slot.children)
    return core.Switch(**common, cases=cases)


def _case(table: _Table, slot: _Slot, common: dict[str, Any]) -> Activity:
    return core.Case(**common, conditions=_conditions(slot.node))


def _while(table: _Table, slot: _Slot, common: dict[str, Any]) -> Activity:
    return core.While(**common, conditions=_conditions(slot.node))


def _foreach(table: _Table, slot: _Slot, common: dict[str, Any]) -> Activity:
    node = slot.node
    given = _given(node, select="select", alias="as", collect="collect", item_value="value")
    if not _forks_items(node):
        return core.Foreach(**common, **given)
    places = node.values["parallel"]
    most = None if places == "yes" else int(places)
    return core.ParallelForeach(**common, **given, most=most, selected=_selected(node.attributes["select"]))


def _selected(text: str) -> str | None:
    """The property that a list is taken from: the first of a path, or an expression that is nothing but a name."""
    bare = text.strip()
    name = bare.removeprefix("=").strip() if bare.startswith("=") else bare.split(".")[0]
    return name if name.isidentifier() or not bare.startswith("=") else None


def _any(table: _Table, slot: _Slot, common: dict[str, Any]) -> Activity:
    nodes = [table.slots[child].node for child in slot.children]
    labels = tuple(node.values.get("id") or node.tag for node in nodes)
    return core.Any(**common, labels=labels, winner=slot.node.values.get("winner"))


def _call(table: _Table, slot: _Slot, common: dict[str, Any]) -> Activity:
    node = slot.node
    process = node.values["process"]
    is_text = process.expression is None and process.literal.startswith("$")
    return core.Call(
        **common,
        process=process,
        variable=process.literal[1:] if is_text else None,
        given=_exchange(node, "input", "field") or Fields(),
        output=_exchange(node, "output", "output-field") or Fields(),
    )


def _delay(table: _Table, slot: _Slot, common: dict[str, Any]) -> Activity:
    node = slot.node
    given = _given(node, duration="duration", until="until", zone="timezone")
    until = given.get("until")
    if until is not None and isinstance(until.literal, datetime):
        given["until"] = Value(given["zone"].instant(until.literal))
    return core.Delay(**common, **given, cron=_cron(node) if "cron" in node.values else None)


def _cron(node: Node) -> Cron:
    return Cron(node.values["cron"], node.values.get("timezone", UTC))


def _await(table: _Table, slot: _Slot, common: dict[str, Any]) -> Activity:
    given = _given(slot.node, event="event", key="key", equals="equals", property="property")
    since = slot.node.values.get("since", "start" if "key" in given else "wait")
    return core.Await(**common, **given, since=since, conditions=_conditions(slot.node, "event-condition"))


def _signal(table: _Table, slot: _Slot, common: dict[str, Any]) -> Activity:
    return core.Signal(**common, event=slot.node.values["event"], body=_fields(slot.node.of("field")))


def _exit(table: _Table, slot: _Slot, common: dict[str, Any]) -> Activity:
    scope = slot.node.values.get("scope")
    target = 0 if scope is None else table.ids[scope]
    return core.Exit(**common, target=target, outcome=slot.node.values.get("outcome"))


def _compensate(table: _Table, slot: _Slot, common: dict[str, Any]) -> Activity:
    scope = slot.node.values.get("scope")
    return core.Compensate(**common, target=None if scope is None else table.ids[scope])


def _compensation(table: _Table, slot: _Slot, common: dict[str, Any]) -> Activity:
    around, is_item = slot.parent, False
    while around >= 0:
        is_item = is_item or table.slots[around].node.type == "foreach"
        around = table.slots[around].parent
    return core.Compensation(**common, in_loop=is_item)


def _fault(table: _Table, slot: _Slot, common: dict[str, Any]) -> Activity:
    return core.Throw(**common, **_given(slot.node, code="code", message="message"))


def _assign(table: _Table, slot: _Slot, common: dict[str, Any]) -> Activity:
    return core.Assign(**common, property=slot.node.values["property"], expression=slot.node.content)


_MAKERS: Final[Mapping[str, _Maker]] = MappingProxyType(
    {
        "process": _plain(core.Process),
        "sequence": _plain(core.Sequence),
        "fault-case": _plain(core.Block),
        "fault-default": _plain(core.Block),
        "reminder": _plain(core.Block),
        "all": _plain(core.All),
        "any": _any,
        "action": _action,
        "switch": _switch,
        "case": _case,
        "default": _case,
        "while": _while,
        "foreach": _foreach,
        "call": _call,
        "delay": _delay,
        "await": _await,
        "signal": _signal,
        "exit": _exit,
        "compensate": _compensate,
        "compensation": _compensation,
        "fault": _fault,
        "assign": _assign,
    }
)
