"""Where everything that is active in an instance is in a new definition; or why that is nowhere (L112).

Rules:

- every active activity must have a place, or the plan is refused whole, with a reason for each;
- what is around an active activity must be the same, but for sequences: one that is new is opened, one that is gone is
  left, unless that would lose values;
- nothing is changed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..activities import Sequence
from ..activity import Activity, Place
from ..instance import ROOT, Branch, Copy
from ..states import State
from ..table import Definition, numbers_in
from .keeping import Kept, keep, same_numbers
from .matching import Matching, relation, word_of


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an activity cannot go along."""

    address: str  #: of the activation; of the instance, if it is about all of it
    label: str
    reason: str

    def __str__(self) -> str:
        return f"{self.label}: {self.reason}"


@dataclass(slots=True)
class Plan:
    """Where everything goes."""

    matching: Matching
    refusals: list[Refusal] = field(default_factory=list)
    #: branch -> for each of its frames the sequences to be opened for it, and its activity; None: it is left
    ways: dict[str, list[list[int] | None]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  #: old id of a branch -> new one
    kept: Kept = field(default_factory=dict)  #: what is remembered, by number

    @property
    def is_refused(self) -> bool:
        return bool(self.refusals)

    def places(self, copy: Copy) -> Iterator[tuple[Branch, Activity, Activity | None]]:
        """What holds nothing active, with what it was and what it will be (None: it has no place)."""
        old, new = self.matching.old.activities, self.matching.new.activities
        for branch in copy.branches.values():
            for frame in branch.frames[-1:]:
                there = self.matching.pairs.get(frame.activity)
                yield branch, old[frame.activity], None if there is None else new[there]


def plan(matching: Matching, copy: Copy) -> Plan:
    """Find a place for everything.

    :param copy: the instance with every branch loaded; it is not changed.
    """
    return _Planner(matching, copy).made()


class _Planner:
    def __init__(self, matching: Matching, copy: Copy) -> None:
        self.matching = matching
        self.copy = copy
        self.old = matching.old
        self.new = matching.new
        self.plan = Plan(matching)
        self.homes: dict[tuple[str, int], int] = {}  #: (branch, old index) -> its new index, None if it is left

    def made(self) -> Plan:
        self._check_instance()
        waiting = [ROOT]
        while waiting:  # what is around comes first
            id = waiting.pop(0)
            self._branch(self.copy.branches[id])
            waiting += [below for key, inside in self.copy.children.items() if key[0] == id for below in inside]
        self.plan.kept, reasons = keep(self.matching, self.copy)
        for index, reason in reasons.items():
            one = self.old.activities[index]
            label = f"{one.label} ({one.path or 'process'}, line {one.line})"
            self.plan.refusals.append(Refusal(self.copy.instance.id, label, reason))
        return self.plan

    def _check_instance(self) -> None:
        instance, called = self.copy.instance, self.matching.called
        if self.new.name != self.old.name:
            self._refuse_all(f"{called} is another process: {self.new.name!r}, not {self.old.name!r}")
        elif self.new.hash == self.old.hash:
            self._refuse_all(f"it runs {called} already")
        elif instance.compensating:
            self._refuse_all("it is being canceled, and compensates as it is")
        missing = self.new.missing(self.copy.branches[ROOT].scopes[0].values)
        if missing:
            names = ", ".join(missing)
            remedy = f"bureaucrat set {instance.id} {missing[0]}=…"
            self._refuse_all(f"{called} needs {names}, and there is no such value; set it first: {remedy}")

    def _refuse_all(self, reason: str) -> None:
        self.plan.refusals.append(Refusal(self.copy.instance.id, self.old.name, reason))

    def _refuse(self, branch: Branch, activity: Activity, reason: str) -> None:
        address = self.old.address(self.copy.instance.id, branch.id, activity.index)
        path = address.removeprefix(self.copy.instance.id) or "process"
        label = f"{activity.label} ({path}, line {activity.line})"
        self.plan.refusals.append(Refusal(address, label, reason))

    def _branch(self, branch: Branch) -> None:
        """All frames of one branch; those around it have their places by now."""
        outer: int | None = None
        if branch.parent is not None:
            outer = self.homes.get((branch.parent, branch.owner))
            if outer is None or branch.parent not in self.plan.names:
                self.plan.ways[branch.id] = []  # what is around it was refused, and that is enough to know
                return
        ways: list[list[int] | None] = []
        for frame in branch.frames:
            refused = len(self.plan.refusals)
            ways.append(way := self._way(Place(branch, frame), outer))
            if way:
                outer = self.homes[branch.id, frame.activity] = way[-1]
            elif len(self.plan.refusals) > refused:
                outer = None  # what is inside it is not blamed for that
        self.plan.ways[branch.id] = ways
        self._name(branch, next((way[0] for way in ways if way), None))

    def _way(self, at: Place, outer: int | None) -> list[int] | None:
        """What is to be opened for an activation, and what it becomes; None if it is left, or refused."""
        index = at.frame.activity
        activity, there = self.old.activities[index], self.matching.pairs.get(index)
        if there is None:
            reason = self._why_not_left(at, activity)
            if reason is not None:
                self._refuse(at.branch, activity, reason)
            return None
        if at.frame.state is State.HANDLING and not at.is_item and self._handles_elsewhere(activity, there):
            self._refuse(at.branch, activity, "its fault handler runs, and would run in another branch there")
            return None
        if activity.holds_snapshot and not same_numbers(self.matching, index, there):
            self._refuse(at.branch, activity, f"what it compensates is inside something else in {self.matching.called}")
            return None
        if at.is_item or outer is None or activity.holds_snapshot:
            return [there]
        way, inner = [there], self.new.activities[there]
        while inner.parent != outer:
            inner = self.new.activities[max(inner.parent, 0)]
            if type(inner) is not Sequence or relation(self.new, self.new.activities[way[0]]) != "child":
                self._refuse(at.branch, activity, self._elsewhere(there, outer))
                return None
            way.insert(0, inner.index)
        return way

    def _handles_elsewhere(self, activity: Activity, there: int) -> bool:
        """Whether a handler of a whole parallel loop needs a branch in one of the definitions only."""
        return activity.forks_items and bool(activity.tail) != bool(self.new.activities[there].tail)

    def _elsewhere(self, there: int, outer: int) -> str:
        """Why a place is out of reach: what is around it does not run."""
        around = self.new.activities[self.new.activities[there].parent]
        here = self.new.activities[outer]
        called = self.matching.called
        return (
            f"at {called}:{self.new.activities[there].line} it is in {_named(around)} of line {around.line}, "
            f"and here in what becomes {_named(here)} of line {here.line}; only sequences may differ around "
            "what is active"
        )

    def _why_not_left(self, at: Place, activity: Activity) -> str | None:
        """Why something active that has no place may not be gone; None of a sequence around what goes on."""
        reason = self.matching.reasons[activity.index]
        is_around = at.branch.frames[-1] is not at.frame and at.frame.state is State.ACTIVE and not at.frame.open
        if type(activity) is not Sequence or not is_around:
            return reason
        scope = at.branch.scopes.get(activity.index)
        if scope is None or not scope.values or activity.index in self.matching.dropped:
            return None
        names = ", ".join(sorted(scope.values))
        return f"{reason}; or have it left, and lose its values {names}: {word_of(activity)} = drop"

    def _name(self, branch: Branch, root: int | None) -> None:
        """The new id of a branch."""
        if branch.parent is None:
            self.plan.names[ROOT] = ROOT
            return
        outer = self.homes[branch.parent, branch.owner]
        own = self.plan.names[branch.parent] + self.new.activities[outer].tail
        if root is None:
            return
        is_item = root == outer
        name = own + (f".{branch.item}" if is_item else _suffix(self.new, self.new.activities[root]))
        if self.new.activities[root].holds_snapshot:  # it is called after what it compensates
            name = self.new.address_in(root, numbers_in(branch.id))
        if name in self.plan.names.values():
            first = self.old.activities[branch.frames[0].activity]
            place = f"{self.matching.called}:{self.new.activities[root].line}"
            self._refuse(branch, first, f"it runs beside others here and with one of them one after another at {place}")
        self.plan.names[branch.id] = name


def _named(activity: Activity) -> str:
    return f"the {activity.tag} {word_of(activity)}" if activity.index else "the process"


def _suffix(definition: Definition, root: Activity) -> str:
    kind = relation(definition, root)
    if kind == "reminder":
        return f"_reminders_{root.slot}"
    return f"_{root.slot}" if kind == "child" else ""
