"""What the oracle is made of: lines of execution, runs of activities, what unwinds them, events and dispatches."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .oracle import World
    from .oracle_instance import Instance

DAY = 86_400.0
TIE = 0.002  #: seconds; closer timers have no order in the language
PARTS = {"context", "condition", "input", "output", "form", "field", "start", "faults", "compensation", "reminder"}
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
class Memory:
    """A run that has completed and can be undone."""

    number: int
    body: Any
    path: str
    element: Any
    scopes: list[tuple[Run, dict[str, Any], dict[str, Any]]]  #: whose, the scope itself, a copy of it; innermost first


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
    number: int | None = None  #: of an item of a parallel foreach, from 0; its element is that of the foreach
    collected: dict[int, Any] = field(default_factory=dict)  #: of a foreach, by item
    items: list[Any] = field(default_factory=list)
    turn: int = 0
    held: list[Memory] = field(default_factory=list)  #: what was done inside it and can be undone
    mark: int = 0  #: the number of the one before this turn
    is_handled: bool = False  #: a handler of its own has completed it
    in_loop: bool = False  #: a compensation of something inside a foreach

    @property
    def is_item(self) -> bool:
        return self.number is not None

    @property
    def is_parallel(self) -> bool:
        """A parallel foreach, or an item of one."""
        return self.tag == "foreach" and self.element.get("parallel", "no") != "no"

    @property
    def tag(self) -> str:
        return str(self.element.tag)

    def outward(self) -> Iterator[Run]:
        here: Run | None = self
        while here is not None:
            yield here
            here = here.parent


def compensation_of(element: Any) -> Any:
    found = [*element.findall("compensation"), *element.findall("context/compensation")]
    return found[0] if found else None


def children(element: Any) -> list[Any]:
    return [child for child in element if child.tag not in PARTS]


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def scalar(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | str) else None


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

    @property
    def is_waited_for(self) -> bool:
        run = self.run
        return run in self.instance.live and run.waiting == "waiting" and run.attempts[-1]["number"] == self.number


def is_for(run: Run, event: Event, world: World) -> bool:
    wait = run.wait
    if wait is None or wait["event"] != event.name or event.accepted <= wait["since"]:
        return False
    if world.owner(run) in event.woken:
        return False
    return not wait["key"] or scalar(event.body.get(wait["key"])) == wait["value"]
