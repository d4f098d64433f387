"""One step: a message comes in, the instance changes, effects come out.

Rules:

- deterministic: the same definition, instance, message and time give the same state and effects, in any process;
- it touches one instance only, and does no I/O;
- when a :class:`~bureaucrat.core.instance.NeedBranches` (or any other exception) leaves it, the copy it was given is
  spoilt and must be dropped;
- an instance that is suspended or faulted keeps its inputs back, in order, and applies them before any newer one
  (L91, L110).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .activity import Place, Run
from .context import is_reserved
from .effects import Effect, Hold, Refuse
from .faults import Thrown
from .instance import ROOT, Branch, Copy
from .limits import Limits
from .messages import (
    Alarm,
    Answer,
    Cancel,
    Continue,
    Ended,
    Input,
    Message,
    Migrate,
    Move,
    Offer,
    Redispatch,
    Resume,
    Retry,
    Set,
    Skip,
    Start,
    Stuck,
    Suspend,
    TimerFired,
    Unsent,
)
from .run import Todo, is_over
from .seeking import Seeking
from .states import State
from .table import Definition

_DEFAULT = Limits()
#: what an activation whose fault handler has taken over does not do any more
_NOT_WHILE_HANDLING = frozenset({Todo.FORK, Todo.BODY, Todo.JOINED})

#: what an activation does whose timeout may run out
_WITH_A_TIMER = frozenset({State.ACTIVE, State.WAITING, State.PAUSED})


def step(
    definition: Definition,
    copy: Copy,
    message: Message,
    now: float,
    *,
    limits: Limits = _DEFAULT,
    released: bool = False,
    unrecorded: frozenset[str] = frozenset(),
    target: Definition | None = None,
) -> list[Effect]:
    """Apply one message.

    :param copy: the instance with at least the addressed branch and its ancestors loaded; changed in place.
    :param now: epoch seconds; the only time the process knows.
    :param released: the message was kept back before, and its turn has come.
    :param unrecorded: words of the history that nobody wants to have: they are counted, and no effects.
    :param target: the definition that a :class:`~bureaucrat.core.messages.Migrate` names.
    :returns: effects in the order they arose.
    """
    run = _Step(definition, copy, now, limits, unrecorded)
    copy.instance.recorded += 1  # the input itself; the engine writes it if the history is to be full
    if isinstance(message, Input):
        run.take(message, released)
    else:
        run.obey(message, target)
    run.rest()
    return run.effects


class _Step(Seeking):
    """Finds what a message is for, and works the agenda off."""

    # -- inputs

    def take(self, message: Input, released: bool) -> None:
        instance = self.instance
        if not instance.has_ended and (instance.is_held or (instance.held and not released)):
            self._hold(message, released)
            return
        instance.held -= released
        if instance.has_ended or self.is_astray(message):
            self.late(message)
        else:
            self._give(message)

    def _hold(self, message: Input, released: bool) -> None:
        if isinstance(message, TimerFired) and not released:
            branch = self.copy.branches.get(message.branch)
            if branch is None or branch.due is None or branch.due > message.at:
                return
            branch.passed = message.at
            self.touch(branch)
        self.instance.held += not released
        self.emit(Hold(message if released else self.numbered(message)))

    def _give(self, message: Input) -> None:
        match message:
            case TimerFired() | Redispatch():
                branch = self.seek_branch(message)
                if branch is not None:
                    self._wake(branch, message)
            case Answer() | Offer() | Ended() | Continue():  # pragma: no branch
                at = self.seek(message)
                if at is None:
                    self.late(message)
                else:
                    self._tell(at, message)

    def _wake(self, branch: Branch, message: TimerFired | Redispatch) -> None:
        if isinstance(message, TimerFired):
            self._fire(branch, message.at)
            return
        leaf = Place(branch, branch.frames[-1])
        self.touch(branch)  # what was sent may differ now
        self.react(leaf, lambda run: self.activity(leaf).on_redispatch(run, leaf))

    def _tell(self, at: Place, message: Answer | Offer | Ended | Continue) -> None:
        activity = self.activity(at)
        match message:
            case Answer() if at.frame.attempts:
                self.react(at, lambda run: activity.on_answer(run, at, message))
            case Offer() if at.frame.state is State.WAITING:
                self.react(at, lambda run: activity.on_offer(run, at, message))
            case Ended() if at.frame.state is State.WAITING:
                self.react(at, lambda run: activity.on_ended(run, at, message))
            case Continue() if at.frame.state is State.PAUSED and at.frame.activation == message.activation:
                self.state(at, State.ACTIVE)
                self.react(at, lambda run: activity.on_continue(run, at))
            case _:
                self.late(message)

    def _fire(self, branch: Branch, at: float) -> None:
        """Fire the timers that have run out, earliest first and the innermost of equals, each to its end."""
        if branch.passed:
            branch.passed = 0.0
            self.touch(branch)
        while branch.frames:
            due = [
                (when, -depth, kind)
                for depth, frame in enumerate(branch.frames)
                for kind, when in frame.timers.items()
                if when <= at
            ]
            if not due:
                return
            _, depth, kind = min(due)
            place = Place(branch, branch.frames[-depth])
            self.disarm(place, kind)
            self.react(place, partial(self._timer, at=place, kind=kind))

    def _timer(self, run: Run, at: Place, kind: str) -> None:
        activity = self.activity(at)
        if kind == "timeout":
            activity.on_timeout(run, at)
        elif kind == "due":
            self.record(at, "overdue")
        elif kind.startswith("reminder "):
            self.remind(at, int(kind.removeprefix("reminder ")))
        else:
            activity.on_timer(run, at, kind)

    # -- commands

    def obey(self, message: Message, target: Definition | None) -> None:
        if isinstance(message, Start):
            self._start(message)
        elif self.instance.has_ended:
            self.emit(Refuse(f"the instance is {self.instance.status.value}"))
        else:
            self._command(message, target)

    def _command(self, message: Message, target: Definition | None) -> None:
        match message:
            case Cancel():
                self._cancel(message)
            case Suspend():
                self._suspend(True, message.reason)
            case Resume():
                self._suspend(False, message.reason)
            case Set():
                self._set(Place(self.copy.branches[ROOT], self.copy.branches[ROOT].frames[0]), message.fields)
            case Stuck():
                self._stuck(message)
            case Unsent():
                self._unsent(message)
            case Alarm():
                self._alarm(message)
            case Migrate():
                assert target is not None, "whoever gives the message gives the definition, too"
                self.migrate(message, target)
                self.work()
            case Retry() | Skip() | Move():  # pragma: no branch
                self._repair(message)

    def _start(self, message: Start) -> None:
        root = Branch(ROOT)
        self.copy.add(root)
        self.instance.branches = 1
        self.note("launched", process=self.instance.process)
        for name, value in message.fields.items():
            if is_reserved(name):
                self.note("warning", message=f"the start sets {name!r}, which is reserved; it was dropped")
            else:
                self.given[name] = value
        self.start(root, 0)
        self.work()

    def _cancel(self, message: Cancel) -> None:
        if message.compensate and self.instance.compensating:
            self.emit(Refuse("it runs its compensations already; cancel it without them to end it at once"))
            return
        self.note("canceled", reason=message.reason)
        if message.compensate:
            self.compensate_all()
            self.work()
        else:
            self.cancel()

    def _suspend(self, suspended: bool, reason: str) -> None:
        if self.instance.suspended is suspended:
            self.emit(Refuse(f"the instance is {'already' if suspended else 'not'} suspended"))
            return
        self.instance.suspended = suspended
        self.note("suspended" if suspended else "resumed", reason=reason)
        self.show_status()

    def _set(self, at: Place, fields: dict[str, Any]) -> None:
        refused = [name for name in fields if is_reserved(name)]
        problem = self.excess(fields)
        if refused:
            self.emit(Refuse(f"{', '.join(refused)} cannot be set: the names are reserved"))
        elif problem is not None:
            self.emit(Refuse(problem))
        else:
            self.note("changed", names=sorted(fields))
            self.merge(at, fields)

    def _stuck(self, message: Stuck) -> None:
        branch = self.seek_branch(message) or self.copy.branches[ROOT]
        if message.attempt is not None and branch.attempt != message.attempt:
            return
        frame = (None if message.attempt else branch.frame_of(message.activity)) or branch.frames[-1]
        if not frame.incident:
            at = Place(branch, frame)
            self.incident(at, message.kind, message.kind.capitalize(), message.message)

    def _unsent(self, message: Unsent) -> None:
        branch = self.seek_branch(message)
        if branch is not None and branch.attempt == message.attempt:
            leaf = Place(branch, branch.frames[-1])
            self.react(leaf, lambda run: self.activity(leaf).on_unsent(run, leaf))
        else:
            self.emit(Refuse(f"attempt {message.attempt} is waited for no longer"))

    def _alarm(self, message: Alarm) -> None:
        if self._is_elsewhere(message):
            return
        branch = self.copy.branches.get(message.branch)
        frame = None if branch is None else branch.frame_of(message.activity)
        if branch is None or frame is None:
            self.emit(Refuse("the activity is not active any more"))
            return
        if frame.state not in _WITH_A_TIMER:
            self.emit(Refuse(f"the activity is {frame.state.value}; no timer of it can run out now"))
            return
        at, when = Place(branch, frame), max(message.at, self.now)
        self.react(at, lambda run: self.activity(at).on_alarm(run, at, when))

    def _repair(self, message: Retry | Skip | Move) -> None:
        if self._is_elsewhere(message):
            return
        branch = self.copy.branches.get(message.branch)
        frame = None if branch is None else branch.frame_of(message.activity)
        if branch is None or frame is None:
            self.emit(Refuse("the activity is not active any more"))
            return
        at = Place(branch, frame)
        if self.instance.suspended:
            self.emit(Refuse("the instance is suspended; resume it first"))
        elif self.instance.compensating and frame.activity == 0:
            self.emit(Refuse("the instance is being canceled; what can be retried or skipped is in its compensations"))
        elif isinstance(message, Skip):
            self._skip(at, message)
        elif isinstance(message, Move):
            self.move(at, message.to, message.reason)
            self.work()
        elif not frame.incident:
            self.emit(Refuse(f"{self.activity(at).label} is no incident; it is {frame.state.value}"))
        else:
            self._retry(at, message)

    def _is_elsewhere(self, message: Alarm | Retry | Skip | Move) -> bool:
        """Whether its place is of a definition that the instance ran before; then it is refused."""
        if message.definition in ("", self.instance.definition):
            return False
        self.emit(Refuse("the instance runs another definition now; look again"))
        return True

    def _skip(self, at: Place, message: Skip) -> None:
        if at.frame.state is State.HANDLING:
            self.emit(Refuse("its fault handler runs; skip what waits inside it"))
            return
        if message.fields:
            self._set(at, message.fields)
        if not any(isinstance(effect, Refuse) for effect in self.effects):
            self.react(at, lambda run: self.skip(at))

    def _retry(self, at: Place, message: Retry) -> None:
        if message.fields:
            self._set(at, message.fields)
        if any(isinstance(effect, Refuse) for effect in self.effects):
            return
        was_fault = at.frame.fault is not None
        self.close_incident(at, "retried")
        if was_fault:
            self.restart(at)
            self.work()
        else:
            self.react(at, lambda run: self.activity(at).on_retry(run, at))

    # -- the agenda

    def react(self, at: Place, reaction: Callable[[Run], None]) -> None:
        """Run one reaction, then whatever follows from it."""
        try:
            reaction(self)
        except Thrown as thrown:
            self._throw(at, thrown)
        self.work()

    def _throw(self, at: Place, thrown: Thrown) -> None:
        self.throw(at, thrown.code, thrown.message)

    def work(self) -> None:
        """Do what is on the agenda until nothing is left."""
        while self.agenda:
            todo, at, argument = self.agenda.pop()
            if is_over(at) or (todo in _NOT_WHILE_HANDLING and at.frame.state is State.HANDLING):
                continue
            try:
                self._do(todo, at, argument)
            except Thrown as thrown:
                self._throw(at, thrown)

    def enter(self, at: Place) -> None:
        """Let it react to its start."""
        self.unfold(at)
        self.activity(at).on_start(self, at)

    def _do(self, todo: Todo, at: Place, argument: Any) -> None:
        activity = self.activity(at)
        match todo:
            case Todo.ENTER:
                self.enter(at)
            case Todo.FORK:
                activity.on_fork(self, at)
            case Todo.BODY:
                activity.on_body(self, at)
            case Todo.JOINED:
                activity.on_joined(self, at, argument)
            case Todo.HANDLED:
                self.handled = at.frame
                if at.frame.state is State.HANDLING:  # an incident of its own stays one until a person decides
                    self.state(at, State.ACTIVE)
                    at.frame.fault = None
                try:
                    activity.on_handled(self, at)
                finally:
                    self.handled = None
            case Todo.CHILD:  # pragma: no branch
                activity.on_child(self, at, argument)
