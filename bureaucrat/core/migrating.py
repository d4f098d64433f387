"""``migrate``: an instance goes on by another definition (L112).

Rules:

- the plan is made of the state as it is now; either all of it is carried out or nothing;
- timers keep their due times, attempts their numbers and tokens, activations theirs: what comes for one of them finds
  it by its number, wherever it is now (:mod:`.seeking`);
- what is new inside something that runs already begins with its next activation; only sequences around what is active
  are opened now.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from .activities import Action, Await
from .activities.parallel import Forking
from .activity import Activity, Place
from .effects import Refuse, Relocate, Subscribe
from .faults import Thrown
from .instance import Branch, Frame, NeedBranches, NeedRemembered, Scope
from .messages import Migrate
from .migration import Plan, Unclear, match, plan
from .migration.keeping import Kept
from .migration.matching import relation
from .moving import Moving
from .run import is_over
from .states import State
from .table import Definition


@dataclass(slots=True)
class _Work:
    """A plan that is being carried out."""

    plan: Plan
    new: Definition
    pairs: dict[int, int]
    waits: dict[int, Subscribe]  #: activation -> the wait that begins anew
    relocate: Relocate = field(default_factory=Relocate)
    opened: list[Place] = field(default_factory=list)  #: sequences that are new


class Migrating(Moving):
    """The verb that migrates."""

    def migrate(self, message: Migrate, target: Definition) -> None:
        """Go on by another definition, or refuse, with every reason; what follows from it stands on the agenda."""
        if len(self.copy.branches) < self.instance.branches:
            raise NeedBranches("")
        if not self.copy.remembers_all:
            raise NeedRemembered
        try:
            found = plan(match(self.definition, target, message.given, message.called), self.copy)
        except Unclear as unclear:
            self.emit(Refuse("\n".join(unclear.problems)))
            return
        reasons = [str(refusal) for refusal in found.refusals]
        waits = {} if reasons else self._new_waits(found, reasons)
        if reasons:
            self.emit(Refuse("\n".join(reasons)))
        else:
            self._carry_out(_Work(found, target, found.matching.pairs, waits), message)

    def _new_waits(self, found: Plan, reasons: list[str]) -> dict[int, Subscribe]:
        """The waits of which the new definition says something else."""
        waits: dict[int, Subscribe] = {}
        for branch in self.copy.branches.values():
            at = Place(branch, branch.frames[-1])
            old, way = self.activity(at), found.ways[branch.id][-1] or [at.frame.activity]
            new = found.matching.new.activities[way[-1]]
            if at.frame.state is not State.WAITING or not isinstance(old, Await) or not isinstance(new, Await):
                continue
            if old.terms() == new.terms():
                continue
            try:
                waits[at.frame.activation] = new.wait(self, at, at.frame.since)
            except Thrown as thrown:
                place = f"{found.matching.called}:{new.line}"
                reasons.append(f"{old.label}: what it waits for at {place} cannot be computed: {thrown.message}")
        return waits

    def _carry_out(self, work: _Work, message: Migrate) -> None:
        old = self.definition
        for branch in self.copy.branches.values():
            ways = zip(reversed(branch.frames), reversed(work.plan.ways[branch.id]), strict=True)
            for at in (Place(branch, frame) for frame, way in ways if way is None):
                self.close(at)
                self.pass_up(at)
        stacks = [(branch, self._stack(work, branch)) for branch in self.copy.branches.values()]
        self._rename(work, stacks)
        self._keep(work.plan.kept)
        self.definition, self.instance.definition = work.new, work.new.hash
        self.instance.migrations += 1
        places = [work.pairs.get(activity.index, -1) for activity in old.activities]
        self.note(
            "migrated",
            called=message.called,
            who=message.who,
            reason=message.reason,
            old=old.hash,
            new=work.new.hash,
            places=places,
        )
        self.emit(work.relocate)
        for wait in work.waits.values():
            self.emit(wait)
        self._open_scopes(work)

    # -- frames

    def _stack(self, work: _Work, branch: Branch) -> list[Frame]:
        """The frames of a branch as they will be."""
        frames: list[Frame] = []
        for frame, way in zip(branch.frames, work.plan.ways[branch.id], strict=True):
            for index in way or ():
                if index == (way or [])[-1]:
                    self._adapt(work, Place(branch, frame), index)
                    frames.append(frame)
                else:
                    self.instance.activations += 1
                    frames.append(Frame(index, self.instance.activations, self.moment()))
                    work.opened.append(Place(branch, frames[-1]))
        return frames

    def _adapt(self, work: _Work, at: Place, there: int) -> None:
        """Bring what a frame keeps of its activity in line with the new one."""
        frame, old, new = at.frame, self.activity(at), work.new.activities[there]
        place = work.plan.names[at.branch.id], there
        if isinstance(old, Await):
            work.relocate.waits.append((at.branch.id, old.index, *place))
        wait = work.waits.get(frame.activation)
        if wait is not None:
            wait.branch, frame.text = place[0], wait.event
        if frame.incident:
            address = work.new.address(self.instance.id, *place)
            work.relocate.incidents.append((frame.incident, *place, address))
        if isinstance(old, Action) and isinstance(new, Action):
            _keep_participant(frame, old, new)
        if isinstance(new, Forking) and frame.state is not State.HANDLING:
            self._rejoin(at, new)
        frame.undoing = work.plan.names.get(frame.undoing, frame.undoing)
        _renumber_reminders(frame, old, new, work.pairs)
        frame.activity = there

    def _rejoin(self, at: Place, new: Forking) -> None:
        """Count what does not run as joined: what has completed, and what is new."""
        inside = self.copy.children.get((at.branch.id, at.frame.activity), {})
        running = sum(not self.definition.root_of(id).is_reminder for id in inside)
        at.frame.position, at.frame.turn = len(new.children) - 1, len(new.children) - running

    # -- branches

    def _rename(self, work: _Work, stacks: list[tuple[Branch, list[Frame]]]) -> None:
        """Give every branch its new id, its frames and its scopes, and keep the books of it."""
        copy, changes, names = self.copy, self.copy.changes, work.plan.names
        before = list(copy.branches)
        copy.branches.clear()
        copy.children.clear()
        for branch, frames in stacks:
            scopes = _renumbered(branch.scopes, work.pairs)
            if names[branch.id] != branch.id or list(scopes) != list(branch.scopes):
                changes.closed.update(((branch.id, number), None) for number in branch.scopes)
                changes.opened.update(((names[branch.id], number), None) for number in scopes)
            branch.id, branch.scopes, branch.frames = names[branch.id], scopes, frames
            if branch.parent is not None:
                branch.parent, branch.owner = names[branch.parent], work.pairs[branch.owner]
            _reposition(work.new, frames)
            copy.add(branch)
            self.touch(branch)
        changes.removed.update((id, None) for id in before if id not in copy.branches)

    def _keep(self, kept: Kept) -> None:
        """Give what is remembered its new places."""
        copy = self.copy
        before = list(copy.remembered.values())
        for entry in before:
            place = kept[entry.number]
            if place is None:
                copy.forget(entry)
            elif place != (entry.branch, entry.activity):
                entry.branch, entry.activity = place
                copy.changes.forgotten[entry.number] = copy.changes.remembered[entry.number] = None
        copy.remembered_in.clear()
        for entry in list(copy.remembered.values()):
            copy.recall(entry)

    def _open_scopes(self, work: _Work) -> None:
        """Open sequences that are new; give what is open what its context declares besides."""
        opened = {id(at.frame) for at in work.opened}
        kept = [Place(branch, frame) for branch in self.copy.branches.values() for frame in branch.frames]
        for at in (*(one for one in kept if id(one.frame) not in opened), *work.opened):
            if is_over(at):
                continue
            try:
                if id(at.frame) in opened:
                    self.unfold(at)
                else:
                    self._complete_scope(at)
            except Thrown as thrown:
                self.throw(at, thrown.code, thrown.message)

    def _complete_scope(self, at: Place) -> None:
        number = at.frame.activity
        scope = at.branch.scopes.get(number)
        values = self.activity(at).completed({} if scope is None else scope.values)
        if values is None:
            return
        if scope is None:
            self.open(at, values)
            return
        for name in values:
            if name not in scope.values:
                self._store(at.branch, number, name, values[name])
                self.touch(at.branch)


def _renumbered(scopes: dict[int, Scope], pairs: dict[int, int]) -> dict[int, Scope]:
    """Scopes under their new numbers; what a loop keeps for itself stands under the complement."""
    return {pairs[number] if number >= 0 else ~pairs[~number]: scope for number, scope in scopes.items()}


def _reposition(new: Definition, frames: list[Frame]) -> None:
    """Which child runs in each of these."""
    for frame, inner in pairwise(frames):
        child = new.activities[inner.activity]
        if relation(new, child) == "child":
            frame.position = child.slot


def _keep_participant(frame: Frame, old: Action, new: Action) -> None:
    """Attempts stay with whom they were sent to."""
    literal = None if new.participant.expression is not None else str(new.participant.literal)
    for attempt in frame.attempts:
        to = attempt.to or str(old.participant.literal)
        attempt.to = None if to == literal else to


def _renumber_reminders(frame: Frame, old: Activity, new: Activity, pairs: dict[int, int]) -> None:
    """The timers and counts of reminders, without those that are gone."""
    bodies = [reminder.body for reminder in new.reminders]
    numbers = {
        str(number): str(bodies.index(pairs[reminder.body]))
        for number, reminder in enumerate(old.reminders)
        if pairs.get(reminder.body) in bodies
    }
    timers = {}
    for kind, when in frame.timers.items():
        number = kind.removeprefix("reminder ")
        if number == kind:
            timers[kind] = when
        elif number in numbers:
            timers[f"reminder {numbers[number]}"] = when
    frame.timers = timers
    frame.reminded = {numbers[number]: times for number, times in frame.reminded.items() if number in numbers}
