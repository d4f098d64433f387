"""What of an instance can be derived from the rest of it, and is wrong: counters, columns, rows that nobody has use
for, messages that somebody waits for.

Rules: pure; nothing is guessed: what is lost stays lost, and is told of (:mod:`.anatomy`); an instance whose branches
are counted anew can be acted on by a person, and goes no further than before. What is written is guarded by the
version, as every other change of an instance.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..core.activities import Action, Await
from ..core.activity import Place
from ..core.effects import Launch
from ..core.endings import CANCELED
from ..core.faults import Fault
from ..core.instance import ROOT, Branch, Copy, Frame, Instance
from ..core.limits import Limits
from ..core.messages import Continue, Ended
from ..core.run import Steps
from ..core.states import State, Status
from ..core.values import digest
from ..ports import InstanceRow, WaitRow, Writes
from .anatomy import calls, children_of, frames_of, is_awaited, lost, paused, structure
from .codec import Mail, encode_branch, encode_instance
from .picture import Note, Picture, note

SETTLED = 60.0  #: seconds after which a row that nobody has use for is no longer somebody's who is just at work on it
#: columns of the guard row that a batch may change
_LISTED = ("definition", "status", "business_key", "ended", "outcome", "incidents", "held", "releasable")


@dataclass(slots=True)
class Mended:
    """What is wrong, and what makes it right."""

    notes: list[Note] = field(default_factory=list)
    writes: Writes = field(default_factory=Writes)
    owed: list[tuple[str, Mail]] = field(default_factory=list)  #: messages that are on no way, by instance


def mend(picture: Picture, called: dict[str, Picture], now: float) -> Mended:
    """Derive what can be. The picture's copy is changed by it.

    :param called: the instances that it has called, as the same moment sees them.
    """
    made = Mended()
    if picture.row is None:
        _ownerless(picture, made)
    elif picture.copy is not None and picture.definition is not None and not structure(picture):
        missing = {one.check for one in lost(picture)}
        _Mending(picture, picture.copy, picture.row, now, made, missing).all(called)
    return made


def published(picture: Picture) -> list[tuple[str, int]]:
    """The attempts that it waits for and that have left, each with its branch."""
    if picture.copy is None or picture.copy.instance.has_ended:
        return []
    unsent = {row.attempt for row in picture.outbox}
    waiting = [(branch.id, branch.attempt) for branch in picture.copy.branches.values()]
    return [(id, number) for id, number in waiting if number is not None and number not in unsent]


def _ownerless(picture: Picture, made: Mended) -> None:
    """What belongs to an instance that is not there."""
    if any(isinstance(message, Launch) for _, message in picture.mail):
        return  # it is about to start
    branches = [*picture.branches, *(row.branch for row in picture.values), *(row.branch for row in picture.waits)]
    made.writes.branches_gone = [(picture.id, id) for id in dict.fromkeys(branches)]
    made.writes.forgotten = [(picture.id,)] if picture.remembered else []
    made.writes.incidents_closed = [(row.instance, row.number, row.opened, "ended") for row in picture.incidents]
    if not made.writes.is_empty:
        made.notes.append(Note("strays", "there are rows of it, but no such instance"))


@dataclass(slots=True)
class _Mending:
    """The instance at hand."""

    picture: Picture
    copy: Copy
    row: InstanceRow
    now: float
    made: Mended
    missing: set[str]  #: checks that have found rows missing
    recounted: set[str] = field(default_factory=set)  #: branches with an activation whose count was wrong

    def all(self, called: dict[str, Picture]) -> None:
        self._rows()
        if not self.copy.instance.has_ended:
            self._waits()
            self._messages(called)
            self._frames()
        self._guard()
        self._columns()
        if self.made.notes:
            self.copy.instance.recorded += 1  # for the entry of the history that tells of it
            self.made.writes.instances.append(encode_instance(self.copy.instance, self.row.version + 1))

    def _note(self, check: str, text: str) -> None:
        self.made.notes.append(Note(check, text))

    # -- rows that nobody has use for

    def _rows(self) -> None:
        picture, writes, instance = self.picture, self.made.writes, self.copy.instance
        if instance.has_ended:
            gone = [id for id in picture.branches if id != ROOT]
            writes.branches_gone += [(picture.id, id) for id in gone]
            if gone:
                self._note("ended", f"it is {instance.status.value}, and {len(gone):,} of its branches are still there")
            for id in gone:
                self.copy.branches.pop(id)
            if picture.remembered:
                writes.forgotten.append((picture.id,))
                self._note("ended", f"it is {instance.status.value}, and still remembers compensations")
                self.copy.remembered.clear()
        known = self.copy.branches.keys()
        ownerless = {row.branch for row in picture.values} | {row.branch for row in picture.waits}
        ownerless -= known | {id for _, id in writes.branches_gone}
        if "joins" in self.missing:
            ownerless = set()  # they may tell a person what was in the branches that are lost
        writes.branches_gone += [(picture.id, id) for id in sorted(ownerless)]
        if ownerless:
            self._note("strays", f"there are values or waits of {len(ownerless):,} branches that it does not have")
        self._scopes()
        self._outbox()
        self._incidents()

    def _scopes(self) -> None:
        for branch in self.copy.branches.values():
            active = {frame.activity for frame in branch.frames} | ({0} if branch.id == ROOT else set())
            for number in [one for one in branch.scopes if (one if one >= 0 else ~one) not in active]:
                self.made.writes.scopes_gone.append((self.picture.id, branch.id, number))
                self._note(
                    "strays", f"there are values of a scope in branch {branch.id or 'at the root'} that is closed"
                )
                del branch.scopes[number]

    def _outbox(self) -> None:
        attempts = self.picture.attempts
        for row in self.picture.outbox:
            if row.attempt not in attempts and self.now - row.at > SETTLED:
                self.made.writes.outbox_gone.append(row.number)
                self._note("outbox", f"its attempt {row.attempt} is to be published, and nothing waits for the answer")

    def _incidents(self) -> None:
        open = {frame.incident for branch in self.copy.branches.values() for frame in branch.frames}
        for row in self.picture.incidents:
            if row.number not in open:
                self.made.writes.incidents_closed.append((row.instance, row.number, self.now, "ended"))
                self._note(
                    "incidents", f"its incident {row.number} ({row.message[:100]}) is open, and nothing rests on it"
                )

    # -- what it waits for

    def _waits(self) -> None:
        picture, writes = self.picture, self.made.writes
        active = {
            (branch.id, frame.activity, frame.activation)
            for branch, frame, activity in frames_of(picture)
            if isinstance(activity, Await)  # also one that rests as an incident
        }
        for row in picture.waits:
            is_odd = (row.branch, row.activity, row.activation) not in active
            if is_odd and row.branch in self.copy.branches:
                writes.waits_gone.append((row.instance, row.branch, row.activity))
                self._note("waits", f"it is offered the event {row.event}, and nothing in it waits for that")
        for branch, frame, activity in frames_of(picture):
            is_here = isinstance(activity, Await) and frame.state is State.WAITING
            if (
                is_here
                and isinstance(activity, Await)
                and activity.key is None
                and not is_awaited(picture, branch, frame)
            ):
                since = self._since(Place(branch, frame), activity)
                row = WaitRow(picture.id, branch.id, frame.activity, frame.activation, frame.text, "", "", since)
                writes.waits.append(row)
                what = f"waits for the event {frame.text}, and is not offered it: its wait is lost"
                self.made.notes.append(note("waits", what, picture, branch, frame))

    def _since(self, at: Place, activity: Await) -> float:
        assert self.picture.definition is not None, "its definition is there"
        match activity.since:
            case "start":
                return self.copy.instance.started
            case "turn":
                return Steps(self.picture.definition, self.copy, self.now, Limits(), frozenset()).since_turn(at)
        return at.frame.since

    def _messages(self, called: dict[str, Picture]) -> None:
        for branch, frame in paused(self.picture):
            self.made.owed.append((self.picture.id, Continue(branch.id, frame.activity, frame.activation)))
            what = "was cut by its budget, and nothing brings it back"
            self.made.notes.append(note("stuck", what, self.picture, branch, frame))
        wanted = set(calls(self.picture))
        for branch, frame, _ in frames_of(self.picture):
            child = called.get(frame.text) if frame.text in wanted and frame.state is State.WAITING else None
            if child is None or self.picture.is_coming(Ended, frame.activation):
                continue
            message = ending_of(child, self.picture.id, branch, frame)
            if message is not None:
                self.made.owed.append((self.picture.id, message))
                what = f"waits for the instance {child.id}, which has ended, and is not told"
                self.made.notes.append(note("calls", what, self.picture, branch, frame))

    # -- counters

    def _frames(self) -> None:
        for branch, frame, _ in frames_of(self.picture):
            alive = len(children_of(self.copy, branch, frame))
            if frame.open != alive:
                what = f"counts {frame.open:,} branches, and has {alive:,}"
                self.made.notes.append(note("joins", what, self.picture, branch, frame))
                frame.open = alive
                self.recounted.add(branch.id)

    def _guard(self) -> None:
        instance = self.copy.instance
        for name, is_, words in self._counted(instance):
            if getattr(instance, name) != is_:
                self._note("counters", f"it counts {getattr(instance, name):,} {words}, and has {is_:,}")
                setattr(instance, name, is_)
        for name, least, words in self._highest(instance):
            if getattr(instance, name) < least:
                self._note(
                    "counters", f"its last {words} is number {getattr(instance, name):,}, and there is {least:,}"
                )
                setattr(instance, name, least)
        if not instance.has_ended and instance.status is not _status(instance):
            self._note("counters", f"it is said to be {instance.status.value}, and is {_status(instance).value}")
            instance.status = _status(instance)

    def _counted(self, instance: Instance) -> Iterable[tuple[str, int, str]]:
        copy, picture = self.copy, self.picture
        yield "held", sum(row.held for row, _ in picture.mail), "messages that are kept back"
        if instance.has_ended:
            return  # of one that is being forgotten some rows may be gone
        frames = [frame for branch in copy.branches.values() for frame in branch.frames]
        scopes = [scope for branch in copy.branches.values() for scope in branch.scopes.values()]
        yield "branches", len(copy.branches), "branches"
        yield "incidents", sum(bool(frame.incident) for frame in frames), "open incidents"
        yield "blocking", sum(frame.blocks for frame in frames), "incidents that hold it"
        yield "size", sum(digest(value)[1] for scope in scopes for value in scope.values.values()), "bytes of fields"
        if "remembered" not in self.missing:
            yield "remembered_bytes", sum(one.size for one in copy.remembered.values()), "bytes of compensations"

    def _highest(self, instance: Instance) -> Iterable[tuple[str, int, str]]:
        frames = [frame for branch in self.copy.branches.values() for frame in branch.frames]
        span = self.picture.span
        attempts = [attempt.number for frame in frames for attempt in frame.attempts]
        yield "activations", max((frame.activation for frame in frames), default=0), "activation"
        yield "attempts", max(attempts, default=0), "attempt"
        yield "opened", max((frame.incident for frame in frames), default=0), "incident"
        yield "remembered", max(self.copy.remembered, default=0), "compensation"
        yield "recorded", max(0 if span is None else span.last, self.row.version), "history entry"

    # -- columns

    def _columns(self) -> None:
        is_recounted = any(one.check == "counters" for one in self.made.notes)
        derived = encode_instance(self.copy.instance, self.row.version + 1)
        for name in _LISTED:
            was, is_ = getattr(self.row, name), getattr(derived, name)
            if was != is_ and not is_recounted:  # of what is recounted, it is said already
                self._note("columns", f"it is found by {name} {was!r}, and its state says {is_!r}")
        for branch in self.copy.branches.values():
            self._branch(branch)

    def _branch(self, branch: Branch) -> None:
        was = self.picture.branches[branch.id]
        derived = encode_branch(self.picture.id, branch, self._asked(branch))
        name = branch.id or "at the root"
        if was.due != derived.due:
            self._note("timers", f"its branch {name} is woken {_at(was.due)}, and its timers say {_at(derived.due)}")
        if was.attempt != derived.attempt:
            is_ = "no attempt" if derived.attempt is None else f"attempt {derived.attempt}"
            self._note("attempts", f"its branch {name} is found by the attempt {was.attempt}, and waits for {is_}")
        is_counted = was.participant in ("", derived.participant)  # '': it was written when nobody kept that
        if not is_counted:
            is_ = derived.participant or "nobody"
            self._note("attempts", f"its branch {name} is counted for {was.participant}, and waits for {is_}")
        is_found = (was.due, was.attempt) == (derived.due, derived.attempt) and is_counted
        if not is_found or branch.id in self.recounted:
            self.made.writes.branches.append(derived)

    def _asked(self, branch: Branch) -> str:
        if branch.attempt is None or self.picture.definition is None:
            return ""
        leaf = branch.frames[-1]
        activity = self.picture.definition.activities[leaf.activity]
        assert isinstance(activity, Action), "only actions have attempts"
        return activity.sent_to(leaf)


def ending_of(child: Picture, caller: str, branch: Branch, frame: Frame) -> Ended | None:
    """What a called instance that has ended tells its caller; None: it has not, or somebody else has called it."""
    copy = child.copy
    if copy is None or not copy.instance.has_ended or copy.instance.caller is None or ROOT not in copy.branches:
        return None
    if (copy.instance.caller.instance, copy.instance.caller.activation) != (caller, frame.activation):
        return None
    fault = copy.instance.fault
    if copy.instance.status is Status.CANCELED:
        fault = Fault(CANCELED, "the called process was canceled", child.id)
    scope = copy.branches[ROOT].scopes.get(0)
    return Ended(branch.id, frame.activity, frame.activation, {} if scope is None else dict(scope.values), fault)


def _at(instant: float | None) -> str:
    return "never" if instant is None else f"at {instant:.3f}"


def _status(instance: Instance) -> Status:
    """What the rest of the record says that an unfinished instance is."""
    if instance.suspended:
        return Status.SUSPENDED
    if instance.blocking:
        return Status.FAULTED
    return Status.COMPENSATING if instance.compensating else Status.RUNNING
