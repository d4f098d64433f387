"""What a branch sees and where it writes (language, section 2).

Rules: reading takes the innermost scope that has the name, writing the innermost that declares it; a name nobody
declares goes to the process's own scope, or stays with the item inside a foreach (L10). Names beginning ``inst:`` are
the engine's (L13).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .activity import Place
from .instance import ROOT, Branch, Copy, Scope
from .states import State
from .table import Definition
from .values import digest

RESERVED_PREFIX = "inst:"
FAULT = "inst:fault"
CURRENT = "inst:current"
ITERATION = "inst:iteration"
SELECTION = "inst:selection"
INSTANCE_ID = "inst:id"
INSTANCE_NAME = "inst:name"
TICK = "inst:tick"
STATUS = "status"


def is_reserved(name: str) -> bool:
    """Whether a definition, an answer or a launch may not set the name (L13)."""
    return name == STATUS or name.startswith(RESERVED_PREFIX)


def places(copy: Copy, at: Place) -> Iterator[Place]:
    """The activation and everything around it, innermost first, across branches."""
    branch, frame = at
    while True:
        inside = True
        for around in reversed(branch.frames):
            inside = inside and around is not frame
            if not inside:
                yield Place(branch, around)
        if branch.parent is None:
            return
        owner = branch.owner
        branch = copy.branches[branch.parent]
        found = branch.frame_of(owner)
        assert found is not None, f"branch {branch.id!r} has no frame of activity {owner}"
        frame = found


class Visible(Mapping[str, Any]):
    """All scopes a place sees, as one mapping; nothing is copied."""

    __slots__ = ("_selection", "items_at", "levels")

    def __init__(self, copy: Copy, at: Place) -> None:
        #: values, and the scope they stand in (None: the engine's own), innermost first
        self.levels: list[tuple[Mapping[str, Any], Scope | None]] = []
        #: level of the scope of each item around that is a branch, and the foreach's number
        self.items_at: dict[int, int] = {}
        self._selection: Mapping[str, Any] = {}
        for branch, frame in places(copy, at):
            scopes = branch.scopes
            if frame.state is State.HANDLING and frame.fault is not None:
                self.levels.append(({FAULT: frame.fault.fields()}, None))
            if frame.activity in scopes:
                if branch.owner == frame.activity:
                    self.items_at[len(self.levels)] = frame.activity
                scope = scopes[frame.activity]
                self.levels.append((scope.values, scope))
            if not self._selection and ~frame.activity in scopes:
                self._selection = scopes[~frame.activity].values
        if copy.own is None:
            own: dict[str, Any] = {INSTANCE_ID: copy.instance.id, INSTANCE_NAME: copy.instance.process}
            copy.own = Scope(own if copy.instance.tick is None else {**own, TICK: copy.instance.tick})
        self.levels.append((copy.own.values, copy.own))

    def __getitem__(self, name: str) -> Any:
        for level, _ in self.levels:
            if name in level:
                return level[name]
        if name == SELECTION:  # too large to travel with every item, so it is in no level
            return self._selection[name]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.flat())

    def __len__(self) -> int:
        return len(self.flat())

    def flat(self) -> dict[str, Any]:
        """One dict: inner scopes over outer ones; by name, because storage does not keep the order of writing."""
        merged: dict[str, Any] = {}
        for level, _ in reversed(self.levels):
            merged.update(level)
        return {name: merged[name] for name in sorted(merged)}


def target(copy: Copy, definition: Definition, at: Place, name: str) -> tuple[Branch, int]:
    """The scope that a write to `name` goes to: its branch and its number (L10)."""
    item: tuple[Branch, int] | None = None
    for branch, frame in places(copy, at):
        activity = definition.activities[frame.activity]
        if frame.activity not in branch.scopes:
            continue
        if name in activity.declares or (activity.holds_snapshot and name in branch.scopes[frame.activity].values):
            return branch, frame.activity
        if item is None and activity.is_loop_item:
            item = branch, frame.activity
    return item or (copy.branches[ROOT], 0)


def digest_of(scope: Scope, name: str) -> tuple[str, int]:
    """Digest and size of a value of a scope, computed once per change."""
    known = scope.digests.get(name)
    if known is None:
        known = scope.digests[name] = digest(scope.values[name])
    return known
