"""How things end: completing, throwing, exiting, canceling, incidents.

Rules: whatever ends, ends with all that is unfinished inside it, innermost first, in the same step (L90); a fault looks
outward for a handler before anything ends (L90, L91); a branch that is needed and not loaded is asked for
(:class:`~bureaucrat.core.instance.NeedBranches`).
"""

from __future__ import annotations

from .activity import Activity, Handler, Place
from .effects import CloseIncident, Finish, OpenIncident, Tell
from .faults import Fault, Thrown
from .instance import ROOT, Branch, NeedBranches
from .messages import Ended
from .remembering import Remembering
from .run import Todo
from .states import State, Status, move

CANCELED = "Canceled"  #: thrown at a call whose called instance a person canceled


class Endings(Remembering):
    """The verbs that end things."""

    def complete(self, at: Place) -> None:
        branch = at.branch
        self.end_inside(at)
        try:
            self.remember_completed(at)
        except Thrown as thrown:
            self.throw(at, thrown.code, thrown.message)
            return
        self._leave(at, State.COMPLETED)
        if branch.frames:
            outer = Place(branch, branch.frames[-1])
            is_handler = self._handles(outer, at)
            self.agenda.append((Todo.HANDLED if is_handler else Todo.CHILD, outer, self.activity(at).slot))
        elif branch.id == ROOT:
            self.finish(Status.COMPLETED)
        else:
            self._join(at)

    def _handles(self, outer: Place, at: Place) -> bool:
        """Whether an activation is one of the fault handlers of another."""
        return any(handler.body == at.frame.activity for handler in self.activity(outer).handlers)

    def _join(self, at: Place) -> None:
        """The first activation of a branch has completed, and so has the branch."""
        branch = at.branch
        owner = self.owner(branch)
        self.copy.remove(branch)
        owner.frame.open -= 1
        self.touch(owner.branch)
        if self._handles(owner, at):
            self.agenda.append((Todo.HANDLED, owner, None))
        elif not self.activity(at).is_reminder:
            self.agenda.append((Todo.JOINED, owner, branch))

    def _leave(self, at: Place, state: State) -> None:
        """Take the innermost activation off its branch."""
        assert at.branch.frames[-1] is at.frame, "an activation ends after all that is inside it"
        self.close_incident(at, "answered" if state is State.COMPLETED else "ended")
        if at.frame.activity != 0:
            self.close(at)
        at.frame.state = move(at.frame.state, state)
        wrote = self.wrote.pop(at.frame.activation, None)
        self.record(at, state.value, since=at.frame.since, tries=at.frame.tries, **({"wrote": wrote} if wrote else {}))
        self.pass_up(at)
        at.branch.frames.pop()
        self.touch(at.branch)

    def end_inside(self, at: Place) -> None:
        """End everything unfinished inside an activation, but not itself."""
        branch, frame = at
        while branch.frames[-1] is not frame:
            self._end(Place(branch, branch.frames[-1]))
        inside = self.copy.children.get((branch.id, frame.activity), {})
        if len(inside) != frame.open:
            raise NeedBranches(frame.undoing or branch.id + self.activity(at).tail)
        for below in sorted((self.copy.branches[id] for id in inside), key=_begun):
            while below.frames:
                self._end(Place(below, below.frames[-1]))
            self.copy.remove(below)
            frame.open -= 1
            self.touch(branch)

    def _end(self, at: Place) -> None:
        self.end_inside(at)
        self.activity(at).on_release(self, at)
        self._leave(at, State.CANCELED)

    def restart(self, at: Place) -> None:
        """End an activation and begin a new one of the same activity in its place."""
        self._end(at)
        self.start(at.branch, at.frame.activity)

    def exit(self, at: Place, scope: int, outcome: str | None) -> None:
        around = next(one for one in self.around(at) if one.frame.activity == scope and not one.is_item)
        if outcome is not None:
            self.instance.outcome = outcome
        self._leave(at, State.COMPLETED)
        self.complete(around)

    def skip(self, at: Place) -> None:
        """Complete an activation by hand."""
        self.end_inside(at)
        self.activity(at).on_release(self, at)
        self.close_incident(at, "skipped")
        self.activity(at).on_skip(self, at)

    # -- faults

    def throw(self, at: Place, code: str, message: str) -> None:
        fault = Fault(code, message, self.address(at), at.frame.tries)
        for place in self.around(at):
            frame, activity = place.frame, self.activity(place)
            is_again = frame is at.frame and not frame.own
            if frame.state is State.HANDLING and not is_again:
                fault.cause = fault.cause or frame.fault
            elif self._is_asked(place, at) and (handler := _handler(activity, code)) is not None:
                self._catch(place, handler, fault, own=frame.activity == at.frame.activity)
                return
            if activity.is_reminder and frame is place.branch.frames[0]:
                self.incident(at, "fault", code, message, fault=fault, blocks=False)
                return
        if self.instance.caller is not None and not self.instance.compensating:
            self._end(self._root())
            self.finish(Status.FAILED, fault)
        else:
            self.incident(at, "fault", code, message, fault=fault, blocks=True)

    def _is_asked(self, around: Place, at: Place) -> bool:
        """Whether a fault may be caught there: of a parallel foreach an item handles what is thrown inside it, and the
        foreach what it throws itself or on behalf of an item (L41). Of a process that is being canceled no handler
        runs (L110)."""
        if self.instance.compensating and around.frame.activity == 0:
            return False
        is_own = around.frame.activity == at.frame.activity
        return not self.activity(around).forks_items or is_own is not around.is_item

    def _catch(self, at: Place, handler: Handler, fault: Fault, own: bool) -> None:
        self.end_inside(at)
        activity = self.activity(at)
        activity.on_release(self, at)
        self.close_incident(at, "ended")
        if own or not activity.is_loop_item:
            at.frame.timers.clear()
        if at.frame.state is State.HANDLING:
            self.state(at, State.ACTIVE)
        self.state(at, State.HANDLING)
        at.frame.fault, at.frame.own = fault, own
        self.record(at, "caught", code=fault.code, message=fault.message, thrown_at=fault.activity)
        if activity.forks_items and activity.tail and not at.is_item:
            self._fork(at, handler.body, "")  # its handlers have tails for the branch of an item, so they need one
        else:
            self.start(at.branch, handler.body)

    def incident(
        self,
        at: Place,
        kind: str,
        code: str,
        message: str,
        *,
        fault: Fault | None = None,
        blocks: bool | None = None,
    ) -> None:
        """Let the activation rest until a person decides."""
        if blocks is False:
            self.end_inside(at)
        frame = at.frame
        was_incident = frame.state is State.INCIDENT  # a new reason takes the place of the old one
        self.close_incident(at, "ended")
        for timer in tuple(frame.timers):
            if timer != "due" and not timer.startswith("reminder "):
                self.disarm(at, timer)  # it rests (L33): nothing of its own goes on
        self.instance.opened += 1
        self.instance.incidents += 1
        frame.incident, frame.fault = self.instance.opened, fault
        frame.blocks = kind == "engine" if blocks is None else blocks
        self.instance.blocking += frame.blocks
        at.frame.state = frame.state if was_incident else move(frame.state, State.INCIDENT)
        self.touch(at.branch)
        self.record(at, "incident", number=frame.incident, kind=kind, code=code, message=message)
        address = self.address(at)
        opened = OpenIncident(frame.incident, at.branch.id, frame.activity, address, kind, code, message, frame.blocks)
        self.emit(opened)
        self.show_status()

    def close_incident(self, at: Place, how: str) -> None:
        """If the activation is an incident, it is one no more."""
        frame = at.frame
        if not frame.incident:
            return
        self.emit(CloseIncident(frame.incident, how))
        self.record(at, "resolved", number=frame.incident, how=how)
        self.instance.incidents -= 1
        self.instance.blocking -= frame.blocks
        frame.incident, frame.blocks, frame.fault = 0, False, None
        self.show_status()

    # -- the instance

    def show_status(self) -> None:
        """Bring the status in line with what keeps the instance back."""
        if self.instance.suspended:
            self.instance.status = Status.SUSPENDED
        elif self.instance.blocking:
            self.instance.status = Status.FAULTED
        else:
            self.instance.status = Status.COMPENSATING if self.instance.compensating else Status.RUNNING

    def _root(self) -> Place:
        root = self.copy.branches[ROOT]
        return Place(root, root.frames[0])

    def cancel(self) -> None:
        self.instance.compensating = False
        self._end(self._root())
        self.finish(Status.CANCELED)

    def compensate_all(self) -> None:
        """End what is unfinished, and run all that is remembered before the instance ends canceled (L110)."""
        root = self._root()
        self.instance.compensating, self.instance.suspended = True, False
        self.gives_up = True
        self.end_inside(root)
        self.gives_up = False
        self.close_incident(root, "ended")
        root.frame.timers.clear()
        root.frame.state, root.frame.fault, root.frame.turn = State.ACTIVE, None, 0
        self.show_status()
        self.activity(root).on_continue(self, root)

    def finish(self, status: Status, fault: Fault | None = None) -> None:
        """The instance has ended; the values of the process's own scope stay."""
        instance = self.instance
        self.agenda.clear()
        self.copy.forget_all()
        instance.compensating = False
        instance.status, instance.ended, instance.suspended = status, self.now, False
        instance.outcome = (instance.outcome or "completed") if status is Status.COMPLETED else instance.outcome
        instance.fault = fault
        self.note("ended", status=status.value, outcome=instance.outcome)
        self.emit(Finish(status.value, instance.outcome, fault))
        if instance.caller is not None:
            self._tell_caller(status, fault)

    def _tell_caller(self, status: Status, fault: Fault | None) -> None:
        caller = self.instance.caller
        assert caller is not None
        if status is Status.CANCELED:
            fault = Fault(CANCELED, "the called process was canceled", self.instance.id)
        fields = dict(self.copy.branches[ROOT].scopes[0].values)
        self.emit(Tell(caller.instance, Ended(caller.branch, caller.activity, caller.activation, fields, fault)))


def _begun(branch: Branch) -> int:
    """What orders branches alike whether they were loaded or are still in memory."""
    return min((frame.activation for frame in branch.frames), default=0)


def _handler(activity: Activity, code: str) -> Handler | None:
    """The first case that names the code, else the default (L90)."""
    for handler in activity.handlers:
        if not handler.codes or code in handler.codes:
            return handler
    return None
