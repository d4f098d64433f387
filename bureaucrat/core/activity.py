"""What every activity is, and what it may do when something happens to it.

An :class:`Activity` is one element of a definition: frozen data with its reactions. :class:`Run` lists the verbs that a
reaction has at hand; :mod:`bureaucrat.core.step` implements them.

Rules:

- an activity never sees another instance, a clock or a file; all it can do is a verb of :class:`Run`;
- activities name each other by their index in the definition's table, never by text;
- a reaction raises :class:`~bureaucrat.core.faults.Thrown` to throw a fault at its own activation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Protocol

from .calendars import Zone
from .effects import Effect
from .expressions import Expression
from .instance import Branch, Frame
from .limits import Limits
from .messages import Answer, Ended, Offer
from .states import State


@dataclass(frozen=True, slots=True)
class Value:
    """An attribute that takes a literal, or an expression after ``=`` (L3)."""

    literal: Any = None
    expression: Expression | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """One ``<field name="x">expression</field>``."""

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Fields:
    """An ``<input>`` or ``<output>``: only these, or these on top of all that is visible."""

    fields: tuple[Assignment, ...] = ()
    all: bool = False


@dataclass(frozen=True, slots=True)
class Property:
    """One ``<property>`` of a ``<context>``."""

    name: str
    type: str
    initial: Any = None
    required: bool = False
    line: int = 0
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Handler:
    """One ``<case>`` or ``<default>`` of a ``<faults>``: which codes, and the activity that handles them."""

    codes: tuple[str, ...]  #: empty: every code
    body: int


@dataclass(frozen=True, slots=True)
class Reminder:
    """One ``<reminder>`` (L7)."""

    body: int
    after: Value
    every: Value | None = None
    times: int = 1


class Place(NamedTuple):
    """An activation and the branch it runs in."""

    branch: Branch
    frame: Frame

    @property
    def is_item(self) -> bool:
        """Whether it is an item of a parallel foreach: an activation of the foreach, the first of its own branch."""
        return self.branch.owner == self.frame.activity


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One element of a definition."""

    tag: ClassVar[str]
    is_complex: ClassVar[bool] = False  #: it holds activities

    index: int
    path: str = ""  #: ``_2_0``: child indexes below the process (L1)
    tail: str = ""  #: the part of the path below the start of its branch
    parent: int = -1
    slot: int = 0  #: its place among its parent's children
    children: tuple[int, ...] = ()
    line: int = 0
    column: int = field(default=0, compare=False)
    id: str | None = None
    name: str | None = None
    timeout: Value | None = None
    due: Value | None = None
    scope: tuple[Property, ...] | None = None  #: what its ``<context>`` declares; None: it opens no scope
    declares: frozenset[str] = frozenset()  #: names that are written to its scope (L10)
    handlers: tuple[Handler, ...] = ()
    reminders: tuple[Reminder, ...] = ()
    is_reminder: bool = False  #: it is the body of a reminder: its faults go no further (L7)
    compensation: int | None = None  #: the body of its ``<compensation>`` (L100)

    @property
    def label(self) -> str:
        """What people call it: its id, else its name, else what it does."""
        return self.id or self.name or self.tag

    @property
    def is_loop_item(self) -> bool:
        """Whether undeclared names written inside it stay inside it (L10)."""
        return False

    @property
    def forks_items(self) -> bool:
        """Whether each of its items is a branch, begun by an activation of the same activity (L41)."""
        return False

    @property
    def remembers_turns(self) -> bool:
        """Whether its compensation is remembered for each of its turns or items, not for the whole of it (L100)."""
        return False

    @property
    def is_scope(self) -> bool:
        """Whether it is what a ``<compensate/>`` inside it means by the enclosing scope (L101)."""
        opens = self.scope is not None or bool(self.handlers) or self.compensation is not None
        return self.is_complex and opens

    @property
    def holds_snapshot(self) -> bool:
        """Whether its scope began with a snapshot: then a name that is there is written there."""
        return False

    @property
    def withheld(self) -> str | None:
        """Of one that forks items: a name from around that no action inside is sent unless it asks for it (L43)."""
        raise NotImplementedError

    def initial(self) -> dict[str, Any] | None:
        """The values of the scope it opens when it starts; None if it opens none."""
        if self.scope is None:
            return None
        return {p.name: p.initial for p in self.scope if not p.required}

    def completed(self, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """What its scope should have, of which these values are there, when the definition changes while it runs."""
        return self.initial()

    def on_start(self, run: Run, at: Place) -> None:
        """It was just started; its scope is open and its timers run."""
        raise NotImplementedError

    def on_child(self, run: Run, at: Place, child: int) -> None:
        """The child at that slot, in the same branch, has completed."""
        raise NotImplementedError

    def on_body(self, run: Run, at: Place) -> None:
        """All its children have completed, or it has none."""
        raise NotImplementedError

    def on_joined(self, run: Run, at: Place, branch: Branch) -> None:
        """A branch it forked has completed and is gone."""
        raise NotImplementedError

    def on_fork(self, run: Run, at: Place) -> None:
        """The branch it forked last has gone as far as it can for now."""
        raise NotImplementedError

    def on_answer(self, run: Run, at: Place, answer: Answer) -> None:
        """A participant answered one of its attempts."""
        raise NotImplementedError

    def on_offer(self, run: Run, at: Place, offer: Offer) -> None:
        """An event it may be waiting for was published."""
        raise NotImplementedError

    def on_ended(self, run: Run, at: Place, ended: Ended) -> None:
        """The instance it called has ended."""
        raise NotImplementedError

    def on_timer(self, run: Run, at: Place, kind: str) -> None:
        """A timer of its own kinds fired."""
        raise NotImplementedError

    def on_continue(self, run: Run, at: Place) -> None:
        """It was cut by its budget and may go on (L70)."""
        raise NotImplementedError

    def on_timeout(self, run: Run, at: Place) -> None:
        """Its ``timeout`` ran out: the same as if it had thrown ``Timeout`` itself (L4)."""
        run.throw(at, "Timeout", f"{self.label} took longer than its timeout")

    def on_handled(self, run: Run, at: Place) -> None:
        """A fault handler of its own has completed: so has it (L90)."""
        run.complete(at)

    def on_release(self, run: Run, at: Place) -> None:
        """It is being ended, or a handler takes its place: let go of what it waits for outside."""

    def on_skip(self, run: Run, at: Place) -> None:
        """A person completes it by hand; all that was inside it has ended (L111)."""
        run.complete(at)

    def on_retry(self, run: Run, at: Place) -> None:
        """A person wants its incident of kind *error* tried again (L111)."""
        run.restart(at)

    def on_redispatch(self, run: Run, at: Place) -> None:
        """What it sent may be lost: send it again, the same."""

    def on_unsent(self, run: Run, at: Place) -> None:
        """What it wants sent is still with us: begin to count its time now."""
        raise NotImplementedError

    def on_alarm(self, run: Run, at: Place, when: float) -> None:
        """An existing client sets its timer (epoch seconds)."""
        run.arm(at, "timeout", when)


class Run(Protocol):
    """The verbs of a reaction."""

    now: float
    limits: Limits

    # what it reads
    def moment(self) -> float: ...
    def instance_id(self) -> str: ...
    def property(self, at: Place, name: str) -> Any: ...
    def evaluate(self, at: Place, expression: Expression, extra: Mapping[str, Any] | None = None) -> Any: ...
    def holds(self, at: Place, conditions: tuple[Expression, ...]) -> bool: ...
    def value(self, at: Place, value: Value) -> Any: ...
    def text(self, at: Place, value: Value) -> str: ...
    def duration(self, at: Place, value: Value) -> float: ...
    def instant(self, at: Place, value: Value, zone: Zone | None) -> float: ...
    def input(self, at: Place, fields: Fields) -> dict[str, Any]: ...
    def digest(self, value: Any) -> str: ...
    def sending(self, at: Place, fields: Fields | None) -> tuple[dict[str, Any], dict[str, str]]: ...
    def address(self, at: Place) -> str: ...
    def key(self, at: Place) -> str: ...
    def started(self) -> float: ...
    def since_turn(self, at: Place) -> float: ...
    def child_of(self, at: Place, branch: Branch) -> int: ...
    def owner(self, branch: Branch) -> Place: ...

    # what it does to itself
    def state(self, at: Place, state: State) -> None: ...
    def begin(self, at: Place, child: int) -> None: ...
    def complete(self, at: Place) -> None: ...
    def throw(self, at: Place, code: str, message: str) -> None: ...
    def incident(self, at: Place, kind: str, code: str, message: str) -> None: ...
    def restart(self, at: Place) -> None: ...
    def cancel(self) -> None: ...
    def undo(self, at: Place, scope: int | None) -> bool: ...
    def is_undoing(self) -> bool: ...
    def begin_turn(self, at: Place) -> None: ...
    def end_turn(self, at: Place) -> None: ...
    def arm(self, at: Place, kind: str, when: float) -> None: ...
    def disarm(self, at: Place, kind: str) -> None: ...
    def fork(self, at: Place, child: int, again: bool) -> None: ...
    def fork_item(self, at: Place, number: int, again: bool) -> None: ...
    def end_inside(self, at: Place) -> None: ...
    def exit(self, at: Place, scope: int, outcome: str | None) -> None: ...
    def spin(self, at: Place) -> bool: ...
    def idle(self, at: Place) -> None: ...

    # what it writes
    def write(self, at: Place, name: str, value: Any) -> None: ...
    def merge(self, at: Place, fields: Mapping[str, Any]) -> None: ...
    def open(self, at: Place, values: dict[str, Any]) -> None: ...
    def close(self, at: Place) -> None: ...
    def keep(self, at: Place, name: str, value: Any) -> None: ...
    def kept(self, at: Place) -> Mapping[str, Any]: ...
    def next_attempt(self) -> int: ...
    def called_id(self, at: Place) -> str: ...
    def depth(self) -> int: ...
    def emit(self, effect: Effect) -> None: ...
    def signal(self, name: str, body: dict[str, Any]) -> None: ...
    def record(self, at: Place, what: str, **detail: Any) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequential(Activity):
    """An activity whose children run one after another in its own branch."""

    is_complex: ClassVar[bool] = True

    def on_start(self, run: Run, at: Place) -> None:
        self._next(run, at, 0)

    def on_child(self, run: Run, at: Place, child: int) -> None:
        self._next(run, at, child + 1)

    def _next(self, run: Run, at: Place, child: int) -> None:
        if child < len(self.children):
            run.begin(at, child)
        else:
            self.on_body(run, at)

    def on_body(self, run: Run, at: Place) -> None:
        run.complete(at)
