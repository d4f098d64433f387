"""The verbs of one step: starting, waiting, completing, writing.

:class:`Steps` is what :class:`bureaucrat.core.activity.Run` promises, without what ends things; that stands in
:mod:`bureaucrat.core.endings`.

Rules: whatever follows from a reaction is put on an agenda and done after it, so that no depth of a process is a depth
of calls; last in, first out, so that a branch goes as far as it can before its sibling starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from hashlib import blake2b
from typing import Any

from .activity import Activity, Fields, Place, Value
from .calendars import Zone, instant_of
from .context import Visible, digest_of, places, target
from .durations import parse_duration
from .effects import Effect, Emit, Proceed, Record, Subscribe
from .expressions import Expression
from .faults import EXPRESSION_ERROR, LIMIT_EXCEEDED, RUNAWAY_LOOP, UNDEFINED_PROPERTY, Thrown
from .instance import Branch, Copy, Frame, NeedBranches
from .limits import Limits
from .messages import Continue
from .states import FINAL, State, move
from .table import Definition
from .values import canonical, digest

TICK = 1e-6  #: seconds; clocks advance by at least as much from one step to the next

_IN_ORDER = (Emit, Subscribe)  #: told apart by their times (L62)


class Todo(Enum):
    """What the agenda can hold."""

    ENTER = auto()
    CHILD = auto()
    HANDLED = auto()
    FORK = auto()
    BODY = auto()
    JOINED = auto()


class Steps:
    """The state of one step, and its verbs."""

    def __init__(
        self, definition: Definition, copy: Copy, now: float, limits: Limits, unrecorded: frozenset[str]
    ) -> None:
        self.definition = definition
        self.copy = copy
        self.instance = copy.instance
        self.now = max(now, copy.instance.latest + TICK)  # the clocks of two engines may differ by more than a step
        self.limits = limits
        self.unrecorded = unrecorded
        self.effects: list[Effect] = []
        self.agenda: list[tuple[Todo, Place, Any]] = []
        self.given: dict[str, Any] = {}  #: the fields of a start
        self.turns = 0
        self._signals = 0
        self.wrote: dict[int, list[str]] = {}  #: activation -> names that it wrote in this step
        self._moved: dict[str, Branch] = {}  #: branches in which something started

    def moment(self) -> float:
        """The step's time, and a tick more for each signal so far: so "after" is told apart within a step (L62)."""
        return self.now + self._signals * TICK

    # -- reading

    def instance_id(self) -> str:
        return self.instance.id

    def depth(self) -> int:
        return self.instance.depth

    def started(self) -> float:
        return self.instance.started

    def address(self, at: Place) -> str:
        return self.definition.address(self.instance.id, at.branch.id, at.frame.activity)

    def key(self, at: Place) -> str:
        return f"{self.instance.id}/{at.frame.activation}"

    def property(self, at: Place, name: str) -> Any:
        try:
            return Visible(self.copy, at)[name]
        except KeyError:
            raise Thrown(UNDEFINED_PROPERTY, f"no property {name!r} is visible here") from None

    def evaluate(self, at: Place, expression: Expression, extra: Mapping[str, Any] | None = None) -> Any:
        return expression(Visible(self.copy, at), self.now, extra)

    def holds(self, at: Place, conditions: tuple[Expression, ...]) -> bool:
        return any(self.evaluate(at, condition) for condition in conditions)

    def value(self, at: Place, value: Value) -> Any:
        return value.literal if value.expression is None else self.evaluate(at, value.expression)

    def text(self, at: Place, value: Value) -> str:
        found = self.value(at, value)
        return found if isinstance(found, str) else canonical(found)

    def duration(self, at: Place, value: Value) -> float:
        if value.expression is None:
            return float(value.literal)
        found = self.evaluate(at, value.expression)
        try:
            return parse_duration(found if isinstance(found, str) else canonical(found))
        except ValueError as error:
            raise Thrown(EXPRESSION_ERROR, str(error)) from error

    def instant(self, at: Place, value: Value, zone: Zone | None) -> float:
        found = self.value(at, value)
        if isinstance(found, int | float) and not isinstance(found, bool):
            return float(found)
        try:
            return instant_of(found, zone)
        except ValueError as error:
            raise Thrown(EXPRESSION_ERROR, str(error)) from error

    def input(self, at: Place, fields: Fields) -> dict[str, Any]:
        given = Visible(self.copy, at).flat() if fields.all else {}
        for field in fields.fields:
            given[field.name] = self.evaluate(at, field.expression)
        return given

    def digest(self, value: Any) -> str:
        return digest(value)[0]

    def sending(self, at: Place, fields: Fields | None) -> tuple[dict[str, Any], dict[str, str]]:
        """What an attempt is sent, and the digest of each field; values that stand in a scope have theirs at hand."""
        given: dict[str, Any] = {}
        digests: dict[str, str] = {}
        if fields is None or fields.all:
            seen = Visible(self.copy, at)
            for depth, (level, scope) in reversed(list(enumerate(seen.levels))):
                if fields is None and depth in seen.items_at:
                    given.pop(self.definition.activities[seen.items_at[depth]].withheld or "", None)
                given.update(level)
                for name in level:
                    digests[name] = digest(level[name])[0] if scope is None else digest_of(scope, name)[0]
        for field in fields.fields if fields is not None else ():
            given[field.name] = value = self.evaluate(at, field.expression)
            digests[field.name] = digest(value)[0]
        names = sorted(given)  # see Visible.flat
        return {name: given[name] for name in names}, {name: digests[name] for name in names}

    def since_turn(self, at: Place) -> float:
        """When the innermost turn, item or scope around the activation began."""
        return next(
            frame.turned or frame.since
            for branch, frame in self.around(at)[1:]
            if frame.turned or frame.activity in branch.scopes
        )

    def child_of(self, at: Place, branch: Branch) -> int:
        return self.definition.root_of(branch.id).slot

    def owner(self, branch: Branch) -> Place:
        """The activation that forked a branch."""
        assert branch.parent is not None
        parent = self.copy.branches[branch.parent]
        frame = parent.frame_of(branch.owner)
        assert frame is not None
        return Place(parent, frame)

    def around(self, at: Place) -> list[Place]:
        """The activation and all that encloses it, innermost first."""
        return list(places(self.copy, at))

    # -- going on

    def touch(self, branch: Branch) -> None:
        self.copy.changes.touched[branch.id] = None

    def start(self, branch: Branch, index: int) -> Place:
        """Begin an activation on top of the branch."""
        at = self.push(branch, index)
        self.agenda.append((Todo.ENTER, at, None))
        return at

    def push(self, branch: Branch, index: int) -> Place:
        """A new activation on top of the branch, of which nothing is begun yet."""
        self.instance.activations += 1
        branch.spun += 1
        self._moved[branch.id] = branch
        at = Place(branch, Frame(index, self.instance.activations, self.moment()))
        branch.frames.append(at.frame)
        self.touch(branch)
        return at

    def unfold(self, at: Place) -> None:
        """Open its scope, arm its timers."""
        activity = self.definition.activities[at.frame.activity]
        self.record(at, "started")
        values = activity.initial()
        if values is not None and not (at.frame.activity == 0 and 0 in at.branch.scopes):
            self.open(at, values | self.given if at.frame.activity == 0 else values)
        if not at.is_item:  # they count from the start of the whole foreach
            self._arm(activity, at)

    def _arm(self, activity: Activity, at: Place) -> None:
        if activity.timeout is not None and activity.tag != "action":
            self.arm(at, "timeout", self.now + self.duration(at, activity.timeout))
        if activity.due is not None:
            self.arm(at, "due", self.now + self.duration(at, activity.due))
        for number, reminder in enumerate(activity.reminders):
            self.arm(at, f"reminder {number}", self.now + self.duration(at, reminder.after))

    def begin(self, at: Place, child: int) -> None:
        at.frame.position = child
        self.start(at.branch, self.definition.activities[at.frame.activity].children[child])

    def fork(self, at: Place, child: int, again: bool) -> None:
        if again:
            self.agenda.append((Todo.FORK, at, None))
        self.touch(at.branch)
        index = self.definition.activities[at.frame.activity].children[child]
        self._fork(at, index, f"_{child}")

    def fork_item(self, at: Place, number: int, again: bool) -> None:
        """Begin an item: an activation of the same activity, in a branch of its own."""
        if again:
            self.agenda.append((Todo.FORK, at, None))
        self.touch(at.branch)
        self._moved[at.branch.id] = at.branch
        self._fork(at, at.frame.activity, f".{number}")

    def _fork(self, at: Place, index: int, suffix: str) -> None:
        self.branch_off(at, index, at.branch.id + self.definition.activities[at.frame.activity].tail + suffix)

    def branch_off(self, at: Place, index: int, id: str) -> Place:
        """Begin an activation in a new branch of that id."""
        branch = self.copy.fork(at.branch.id, at.frame.activity, id)
        at.frame.open += 1
        return self.start(branch, index)

    def remind(self, at: Place, number: int) -> None:
        """Run a reminder, unless its last run is still under way (L7)."""
        activity = self.definition.activities[at.frame.activity]
        reminder = activity.reminders[number]
        own, suffix = at.branch.id + activity.tail, f"_reminders_{number}"
        if len(self.copy.children.get((at.branch.id, at.frame.activity), {})) != at.frame.open:
            raise NeedBranches(own)
        times = at.frame.reminded.get(str(number), 0)
        if own + suffix not in self.copy.branches:
            times = at.frame.reminded[str(number)] = times + 1
            self.record(at, "reminded", times=times)
            self._fork(at, reminder.body, suffix)
        if reminder.every is not None and (not reminder.times or times < reminder.times):
            self.arm(at, f"reminder {number}", self.now + max(self.duration(at, reminder.every), 1e-3))

    def state(self, at: Place, state: State) -> None:
        at.frame.state = move(at.frame.state, state)
        self.touch(at.branch)

    def arm(self, at: Place, kind: str, when: float) -> None:
        at.frame.timers[kind] = when
        self.touch(at.branch)

    def disarm(self, at: Place, kind: str) -> None:
        if at.frame.timers.pop(kind, None) is not None:
            self.touch(at.branch)

    def spin(self, at: Place) -> bool:
        """Account for a turn of a loop; False if the rest has to wait for a later batch (L70)."""
        at.branch.spun += 1
        if at.branch.spun > self.limits.max_transitions:
            raise Thrown(RUNAWAY_LOOP, f"{at.branch.spun} activities ran without anything to wait for")
        self.turns += 1
        self.touch(at.branch)
        if self.turns < self.limits.turns or at.frame.state is State.INCIDENT:
            return True  # a loop that a person goes on with by hand is not cut
        self.state(at, State.PAUSED)
        self.emit(Proceed(Continue(at.branch.id, at.frame.activity, at.frame.activation)))
        return False

    def rest(self) -> None:
        """The step is over: a branch that is not cut by its budget waits now, and counts from nothing (L70)."""
        for branch in self._moved.values():
            if branch.frames and branch.frames[-1].state is not State.PAUSED:
                branch.spun = 0

    def idle(self, at: Place) -> None:
        self.agenda.append((Todo.BODY, at, None))

    def next_attempt(self) -> int:
        self.instance.attempts += 1
        return self.instance.attempts

    def called_id(self, at: Place) -> str:
        """The id of the instance that a call starts: time-ordered, and the same whenever the step is repeated."""
        stamp = int(self.now * 1000).to_bytes(6)
        return (stamp + blake2b(self.key(at).encode(), digest_size=10).digest()).hex()

    # -- writing

    def write(self, at: Place, name: str, value: Any) -> None:
        branch, scope = target(self.copy, self.definition, at, name)
        self._store(branch, scope, name, value)
        self.wrote.setdefault(at.frame.activation, []).append(name)

    def merge(self, at: Place, fields: Mapping[str, Any]) -> None:
        for name, value in fields.items():
            self.write(at, name, value)

    def open(self, at: Place, values: dict[str, Any]) -> None:
        self._forget(at.branch, at.frame.activity)
        problem = self.excess(values)
        if problem is not None:
            raise Thrown(LIMIT_EXCEEDED, problem)
        self.open_unchecked(at, values)

    def open_unchecked(self, at: Place, values: dict[str, Any]) -> None:
        """Open a scope with values that were in others before."""
        digests = {name: digest(value) for name, value in values.items()}
        self.instance.size += sum(size for _, size in digests.values())
        self.copy.open(at.branch, at.frame.activity, values).digests.update(digests)
        self.touch(at.branch)

    def close(self, at: Place) -> None:
        for number in (at.frame.activity, ~at.frame.activity):
            self._forget(at.branch, number)

    def keep(self, at: Place, name: str, value: Any) -> None:
        if ~at.frame.activity not in at.branch.scopes:
            self.copy.open(at.branch, ~at.frame.activity, {})
        self._store(at.branch, ~at.frame.activity, name, value)

    def kept(self, at: Place) -> Mapping[str, Any]:
        return at.branch.scopes[~at.frame.activity].values

    def _store(self, branch: Branch, number: int, name: str, value: Any) -> None:
        scope = branch.scopes[number]
        old = digest_of(scope, name)[1] if name in scope.values else 0
        new = digest(value)
        self._account(name, new[1], old)
        self.copy.write(branch, number, name, value)
        scope.digests[name] = new

    def _account(self, name: str, size: int, old: int = 0) -> None:
        if size > self.limits.field_bytes:
            raise Thrown(LIMIT_EXCEEDED, f"{name!r} has {size:,} bytes; a field may have {self.limits.field_bytes:,}")
        total = self.instance.size + size - old
        if total > self.limits.total_bytes and size > old:
            limit = self.limits.total_bytes
            raise Thrown(LIMIT_EXCEEDED, f"with {name!r} all fields have {total:,} bytes; they may have {limit:,}")
        self.instance.size = total

    def excess(self, fields: Mapping[str, Any]) -> str | None:
        """Why fields are too large to be written; None if they are not. They count as if each were new."""
        before = self.instance.size
        try:
            for name, value in fields.items():
                self._account(name, digest(value)[1])
        except Thrown as thrown:
            return thrown.message
        finally:
            self.instance.size = before
        return None

    def _forget(self, branch: Branch, number: int) -> None:
        scope = branch.scopes.get(number)
        if scope is not None:
            self.instance.size -= sum(digest_of(scope, name)[1] for name in scope.values)
            self.copy.close(branch, number)
            self.touch(branch)

    def signal(self, name: str, body: dict[str, Any]) -> None:
        self._signals += 1
        self.emit(Emit(name, body, self.moment()))

    def emit(self, effect: Effect) -> None:
        self.effects.append(effect)
        if type(effect) in _IN_ORDER:
            self.instance.latest = self.moment()

    def record(self, at: Place, what: str, **detail: Any) -> None:
        self.record_of(at.branch.id, at.frame.activity, what, detail)

    def record_of(self, branch: str, activity: int, what: str, detail: dict[str, Any]) -> None:
        """Record something about an activity that need not be active."""
        self.instance.recorded += 1
        if what not in self.unrecorded:
            address = self.definition.address(self.instance.id, branch, activity)
            self.emit(Record(self.instance.recorded, what, activity, address, detail))

    def note(self, what: str, **detail: Any) -> None:
        """Record something about the whole instance."""
        self.instance.recorded += 1
        self.emit(Record(self.instance.recorded, what, None, self.instance.id, detail))


def is_over(at: Place) -> bool:
    """Whether the activation ended before its turn on the agenda came."""
    return at.frame.state in FINAL
