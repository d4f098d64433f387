"""The state of one instance, as the core changes it and as storage keeps it.

Purpose: one guard record (:class:`Instance`), one small record per branch (:class:`Branch`, its line of active
activations as a stack of :class:`Frame`), and the values of the open scopes apart from both, so that a step writes what
it changed and nothing else.

Rules:

- plain data; the only logic here keeps the books of what changed since the last commit (:class:`Changes`);
- a scope is named by (branch, index of the activity that opened it); what a loop keeps for itself (the selected list,
  collected values) stands in the scope numbered ``~index``, so that one turn never rewrites it;
- timers stand in the frame they belong to; a branch is due at the earliest of them;
- nothing here knows time, identity or chance.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .faults import Fault
from .remembered import Remembered
from .states import ENDED, State, Status

ROOT = ""  #: the id of an instance's first branch


@dataclass(slots=True)
class Caller:
    """Where a called instance answers to: the activation of the ``call`` that started it."""

    instance: str
    branch: str
    activity: int
    activation: int


@dataclass(slots=True)
class Instance:
    """The guard record: what every step of the instance reads and most steps change."""

    id: str
    process: str
    definition: str  #: hash of the definition's canonical form
    started: float  #: epoch seconds
    status: Status = Status.RUNNING
    suspended: bool = False
    blocking: int = 0  #: open incidents that keep its inputs back (kinds fault and engine)
    incidents: int = 0  #: open incidents of every kind
    held: int = 0  #: inputs kept back, not yet applied
    branches: int = 0  #: branches alive
    activations: int = 0  #: activations so far; number n has the key ``<id>/<n>``
    attempts: int = 0  #: dispatches so far; never reset, so that a token is never used twice (L30)
    opened: int = 0  #: incidents opened so far
    recorded: int = 0  #: history entries so far
    migrations: int = 0  #: how often its definition was changed
    size: int = 0  #: bytes of all values, as canonical JSON
    remembered: int = 0  #: compensations remembered so far; numbers them
    remembering: int = 0  #: of these, how many are remembered still
    remembered_bytes: int = 0  #: of the snapshots of these
    compensating: bool = False  #: it is being canceled, and what it remembers runs first (L110)
    depth: int = 0  #: how many callers are above it
    caller: Caller | None = None
    business_key: str | None = None
    unique: bool = False  #: no other unfinished one of its process has this key (L83)
    ended: float | None = None
    outcome: str | None = None
    fault: Fault | None = None
    tick: float | None = None  #: for which tick of a schedule it was started, in epoch seconds (L80)
    latest: float = 0.0  #: when it signaled or began to wait for an event last; no step of it is before that

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED

    @property
    def is_held(self) -> bool:
        """Whether answers, events and timers are kept back instead of being applied (L91, L110)."""
        return self.suspended or self.blocking > 0


@dataclass(slots=True)
class Attempt:
    """One dispatch of an action."""

    number: int  #: the instance's dispatch counter, in the token
    sent: dict[str, str] | None  #: digest of each field sent; None: the same as the attempt before
    to: str | None = None  #: the participant, where an expression names it


@dataclass(slots=True, eq=False)
class Frame:
    """One activation: one run of one activity."""

    activity: int  #: index in the definition's table
    activation: int
    since: float  #: when it started
    state: State = State.ACTIVE
    position: int = -1  #: the child that runs, or was started last
    turn: int = 0  #: turn of a while, item of a foreach, 1-based; of one with branches: how many have joined
    turned: float = 0.0  #: when that turn began
    mark: int = 0  #: the compensation that was remembered last before that turn
    kept: int = 0  #: at most so many compensations are remembered inside it (in its turn) and nowhere further in
    undoing: str = ""  #: the branch of the compensation that it runs
    tries: int = 0  #: attempts under the present retry policy
    open: int = 0  #: branches alive below it
    incident: int = 0  #: number of its open incident
    blocks: bool = False  #: its incident keeps the instance's inputs back
    own: bool = False  #: the fault it handles was its own, not one of something inside it
    text: str = ""  #: an action's last error; a call's called instance; an await's event
    timers: dict[str, float] = field(default_factory=dict)  #: kind -> epoch seconds
    reminded: dict[str, int] = field(default_factory=dict)  #: reminder -> times it ran
    attempts: list[Attempt] = field(default_factory=list)
    fault: Fault | None = None  #: what its handler handles, or what its incident is about


@dataclass(slots=True, eq=False)
class Scope:
    """The values of one open scope, with what canonical JSON says of each (computed when first asked for)."""

    values: dict[str, Any]
    digests: dict[str, tuple[str, int]] = field(default_factory=dict)  #: name -> (digest, bytes)


@dataclass(slots=True, eq=False)
class Branch:
    """One line of sequential execution: the root, a child of all/any, an item, a reminder."""

    id: str
    parent: str | None = None
    owner: int = -1  #: index of the activity that forked it, in the parent's branch
    spun: int = 0  #: transitions since it last waited (L70)
    passed: float = 0.0  #: its timers up to here are kept back as inputs (L110)
    frames: list[Frame] = field(default_factory=list)
    scopes: dict[int, Scope] = field(default_factory=dict)

    def frame_of(self, activity: int) -> Frame | None:
        """The active frame of that activity in this branch, if there is one."""
        for frame in reversed(self.frames):
            if frame.activity == activity:
                return frame
        return None

    @property
    def item(self) -> int:
        """The number of the item that it is, from 1; its id ends with it (L1)."""
        return int(self.id.rpartition(".")[2])

    @property
    def due(self) -> float | None:
        """When the earliest of its timers fires, in epoch seconds; None without timers."""
        times = [at for frame in self.frames for at in frame.timers.values() if at > self.passed]
        return min(times, default=None)

    @property
    def attempt(self) -> int | None:
        """The number of the attempt it waits for, if it waits for one."""
        leaf = self.frames[-1] if self.frames else None
        if leaf is None or leaf.state is not State.WAITING or not leaf.attempts:
            return None
        return leaf.attempts[-1].number


@dataclass(slots=True)
class Changes:
    """What differs from what storage holds. Dicts serve as ordered sets, so that nothing depends on hash order."""

    touched: dict[str, None] = field(default_factory=dict)  #: branches to write
    removed: dict[str, None] = field(default_factory=dict)  #: branches to delete, with values and waits
    opened: dict[tuple[str, int], None] = field(default_factory=dict)  #: scopes to write whole
    closed: dict[tuple[str, int], None] = field(default_factory=dict)  #: scopes to delete
    written: dict[tuple[str, int, str], None] = field(default_factory=dict)  #: values to write
    remembered: dict[int, None] = field(default_factory=dict)  #: compensations to write, by number
    forgotten: dict[int, None] = field(default_factory=dict)  #: compensations to delete
    forgot_all: bool = False  #: delete every one of the instance


class NeedBranches(Exception):
    """The step needs branches that were not loaded: every one below `branch` (its id, a prefix of theirs).

    The instance given to the step is spoilt; load again, with these, and repeat.
    """

    def __init__(self, branch: str) -> None:
        super().__init__(branch)
        self.branch = branch


class NeedRemembered(Exception):
    """The step needs more of the remembered compensations than were loaded; the newest come first.

    As with :class:`NeedBranches`, load again, with more of these, and repeat.
    """


@dataclass(slots=True)
class Copy:
    """An instance in memory: its guard record, the branches loaded so far, and what has changed."""

    instance: Instance
    branches: dict[str, Branch] = field(default_factory=dict)
    children: dict[tuple[str, int], dict[str, None]] = field(default_factory=dict)  #: (branch, owner) -> branches
    remembered: dict[int, Remembered] = field(default_factory=dict)  #: the newest, or all, oldest first
    remembered_in: dict[str, dict[int, Remembered]] = field(default_factory=dict)  #: the same, by branch
    changes: Changes = field(default_factory=Changes)
    own: Scope | None = None  #: what every branch sees of the instance itself; it never changes

    @property
    def remembers_all(self) -> bool:
        """Whether every compensation that the instance remembers is loaded."""
        return len(self.remembered) == self.instance.remembering

    def remember(self, entry: Remembered) -> None:
        """Keep a compensation; its number is the highest so far."""
        self.recall(entry)
        self.instance.remembering += 1
        self.instance.remembered_bytes += entry.size
        self.changes.remembered[entry.number] = None

    def recall(self, entry: Remembered) -> None:
        """Take a loaded compensation in, the oldest first."""
        self.remembered[entry.number] = entry
        self.remembered_in.setdefault(entry.branch, {})[entry.number] = entry

    def forget(self, entry: Remembered) -> None:
        """Keep a compensation no longer."""
        del self.remembered[entry.number]
        in_branch = self.remembered_in[entry.branch]
        del in_branch[entry.number]
        if not in_branch:
            del self.remembered_in[entry.branch]
        self.instance.remembering -= 1
        self.instance.remembered_bytes -= entry.size
        if entry.number in self.changes.remembered:
            del self.changes.remembered[entry.number]
        else:
            self.changes.forgotten[entry.number] = None

    def forget_all(self) -> None:
        """Keep no compensation any longer, loaded or not."""
        if self.instance.remembering:
            self.remembered.clear()
            self.remembered_in.clear()
            self.changes.remembered.clear()
            self.changes.forgotten.clear()
            self.changes.forgot_all = True
            self.instance.remembering = self.instance.remembered_bytes = 0

    def add(self, branch: Branch) -> None:
        """Take a loaded branch in."""
        self.branches[branch.id] = branch
        if branch.parent is not None:
            self.children.setdefault((branch.parent, branch.owner), {})[branch.id] = None

    def fork(self, parent: str, owner: int, id: str) -> Branch:
        """Make a new branch below the frame of activity `owner`."""
        branch = Branch(id, parent, owner)
        self.add(branch)
        self.instance.branches += 1
        self.changes.removed.pop(id, None)
        self.changes.touched[id] = None
        return branch

    def remove(self, branch: Branch) -> None:
        """Forget a branch; its frames and scopes are closed."""
        assert branch.parent is not None, "the root stays"
        del self.branches[branch.id]
        del self.children[branch.parent, branch.owner][branch.id]
        self.instance.branches -= 1
        self.changes.touched.pop(branch.id, None)
        self.changes.removed[branch.id] = None

    def open(self, branch: Branch, scope: int, values: dict[str, Any]) -> Scope:
        """Open a scope that is not open."""
        branch.scopes[scope] = opened = Scope(values)
        self.changes.opened[branch.id, scope] = None
        return opened

    def close(self, branch: Branch, scope: int) -> None:
        """Close a scope: its values are gone."""
        gone = branch.scopes.pop(scope)
        key = (branch.id, scope)
        self.changes.opened.pop(key, None)
        for name in gone.values:
            self.changes.written.pop((*key, name), None)
        self.changes.closed[key] = None

    def write(self, branch: Branch, scope: int, name: str, value: Any) -> None:
        """Set one value of an open scope."""
        target = branch.scopes[scope]
        target.values[name] = value
        target.digests.pop(name, None)
        if (branch.id, scope) not in self.changes.opened:
            self.changes.written[branch.id, scope, name] = None
