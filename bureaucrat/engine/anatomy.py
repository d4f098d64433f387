"""What must hold of the state of any instance, and what cannot be derived again when it does not.

Rules: pure; a state in which nothing is wrong here can be recounted (:mod:`.mending`); of one in which something is,
nothing is changed, because whatever is missing cannot be told from the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..core.activities import Action, All, Any, Await, Call, ParallelForeach
from ..core.activities.parallel import Forking
from ..core.activity import Activity, Place
from ..core.instance import ROOT, Branch, Copy, Frame
from ..core.messages import Continue, Ended
from ..core.states import FINAL, State
from ..core.table import Definition
from .picture import Note, Picture, note

_HOLD = (State.ACTIVE, State.HANDLING, State.INCIDENT)  #: what has something active inside it


def frames_of(picture: Picture) -> Iterator[tuple[Branch, Frame, Activity]]:
    """Every activation of a readable instance."""
    assert picture.copy is not None, "it is readable"
    assert picture.definition is not None, "its definition is there"
    for branch in picture.copy.branches.values():
        for frame in branch.frames:
            yield branch, frame, picture.definition.activities[frame.activity]


def children_of(copy: Copy, branch: Branch, frame: Frame) -> list[str]:
    """The branches alive below an activation."""
    return list(copy.children.get((branch.id, frame.activity), {}))


def structure(picture: Picture) -> list[Note]:
    """What no engine writes: frames that do not lie on each other as the definition says, branches without parents."""
    copy, definition = picture.copy, picture.definition
    assert copy is not None, "it is readable"
    assert definition is not None, "its definition is there"
    found = [*_tree(copy)]
    if not found:
        found = [text for branch in copy.branches.values() for text in _stack(copy, branch, definition)]
    activations = [frame.activation for branch in copy.branches.values() for frame in branch.frames]
    if not found and len(set(activations)) != len(activations):
        found.append("two of its activations have the same number")
    return [Note("structure", text) for text in found]


def _tree(copy: Copy) -> Iterator[str]:
    if ROOT not in copy.branches:
        if not copy.instance.has_ended:  # else it is being forgotten
            yield "its first branch is missing"
        return
    for branch in copy.branches.values():
        name = branch.id or "at the root"
        if not branch.frames and not copy.instance.has_ended:
            yield f"its branch {name} has nothing that is active"
        if branch.frames and copy.instance.has_ended and branch.id == ROOT:
            yield f"it is {copy.instance.status.value}, and something in it is still active"
        if branch.id == ROOT or copy.instance.has_ended:
            continue
        parent = copy.branches.get(branch.parent or ROOT)
        if parent is None:
            yield f"its branch {name} belongs to a branch that is missing"
        elif parent.frame_of(branch.owner) is None:
            yield f"its branch {name} belongs to an activity that is not active"


def _stack(copy: Copy, branch: Branch, definition: Definition) -> Iterator[str]:
    name, known = branch.id or "at the root", definition.activities
    if any(not 0 <= frame.activity < len(known) for frame in branch.frames):
        yield f"its branch {name} has an activity that its definition does not have"
        return
    for below, frame in zip(branch.frames, branch.frames[1:], strict=False):
        if known[frame.activity].parent != below.activity or below.state not in _HOLD:
            what = f"{known[frame.activity].label} inside {known[below.activity].label}, which is {below.state.value}"
            yield f"its branch {name} has {what}"
    for frame in branch.frames:
        is_odd = (frame.state is State.INCIDENT) is not bool(frame.incident) or frame.state in FINAL
        if is_odd or (frame.state is State.HANDLING and frame.fault is None):
            yield f"its branch {name} has {known[frame.activity].label} {frame.state.value}, which cannot be"
    if branch.frames and branch.frames[-1].attempts and not isinstance(known[branch.frames[-1].activity], Action):
        yield f"its branch {name} waits for an attempt of {known[branch.frames[-1].activity].label}, which has none"


def lost(picture: Picture) -> list[Note]:
    """Rows that are missing, as the rest shows: branches, incidents, compensations."""
    copy = picture.copy
    assert copy is not None, "it is readable"
    if copy.instance.has_ended:
        return []
    found = []
    for branch, frame, activity in frames_of(picture):
        problem = _join(picture, Place(branch, frame), activity)
        if problem:
            found.append(note("joins", problem, picture, branch, frame))
    rows = {row.number for row in picture.incidents}
    for branch, frame, _ in frames_of(picture):
        if frame.incident and frame.incident not in rows:
            found.append(note("incidents", "rests as an incident of which nothing is known", picture, branch, frame))
    kept, counted = len(copy.remembered), copy.instance.remembering
    if kept != counted:
        found.append(Note("remembered", f"it remembers {counted:,} compensations, and {kept:,} are there"))
    return found


def _join(picture: Picture, at: Place, activity: Activity) -> str:
    """Why the branches of an activation are not those that it has begun; empty: they are."""
    copy, definition, frame = picture.copy, picture.definition, at.frame
    assert copy is not None, "it is readable"
    assert definition is not None, "its definition is there"
    children = children_of(copy, at.branch, frame)
    begun = [id for id in children if not definition.root_of(id).is_reminder]
    if (
        isinstance(activity, Forking | ParallelForeach)
        and not at.is_item
        and frame.state in (State.ACTIVE, State.PAUSED)
    ):
        lost = frame.position + 1 - frame.turn - len(begun)
        what = f"has begun {frame.position + 1:,} branches; {frame.turn:,} have joined, {len(begun):,} are there"
        return f"{what}: {lost:,} lost" if lost > 0 else what if lost else ""
    return ""


def stuck(picture: Picture, called: dict[str, Picture]) -> list[Note]:
    """What is innermost, and waits for something that is not there and cannot be made again.

    :param called: the instances that it has called, as the same moment sees them.
    """
    copy = picture.copy
    assert copy is not None, "it is readable"
    found = []
    for branch, frame, activity in [] if copy.instance.has_ended else list(frames_of(picture)):
        if frame is branch.frames[-1] and not frame.incident and not _waits_inside(picture, branch, frame):
            problem = _nothing_wakes(picture, Place(branch, frame), activity, called)
            if problem:
                found.append(note("stuck", problem, picture, branch, frame))
    return found


def _waits_inside(picture: Picture, branch: Branch, frame: Frame) -> bool:
    """Whether it has branches that it goes on with; reminders are none."""
    assert picture.copy is not None, "it is readable"
    assert picture.definition is not None, "its definition is there"
    known = picture.definition
    return any(not known.root_of(id).is_reminder for id in children_of(picture.copy, branch, frame))


def _nothing_wakes(picture: Picture, at: Place, activity: Activity, called: dict[str, Picture]) -> str:
    branch, frame = at
    match frame.state:
        case State.RETRYING:
            return "" if frame.timers.keys() & {"retry"} else "is to be tried again, and no timer says when"
        case State.PAUSED:
            return ""  # what brings it back can be made again
        case State.WAITING if isinstance(activity, Action):
            return "" if branch.attempt is not None else "waits for an answer to no attempt"
        case State.WAITING if isinstance(activity, Await):
            return _unasked(picture, at, activity)
        case State.WAITING if isinstance(activity, Call):
            return _uncalled(picture, at, called)
        case State.WAITING:
            return "" if frame.timers else "waits for a timer that is not there"
    if isinstance(activity, All | Any | ParallelForeach):
        return ""  # its branches are counted
    return "is active, and nothing inside it is"


def is_awaited(picture: Picture, branch: Branch, frame: Frame) -> bool:
    """Whether there is the wait of an activation."""
    return any((row.branch, row.activation) == (branch.id, frame.activation) for row in picture.waits)


def _unasked(picture: Picture, at: Place, activity: Await) -> str:
    if activity.key is None or is_awaited(picture, at.branch, at.frame):
        return ""  # a wait without a key can be made again
    return f"waits for the event {at.frame.text}, and is not offered it: its wait is lost"


def _uncalled(picture: Picture, at: Place, called: dict[str, Picture]) -> str:
    frame = at.frame
    if picture.is_coming(Ended, frame.activation):
        return ""
    child = called.get(frame.text)
    if child is None or (child.row is None and not child.mail):
        return f"waits for the instance {frame.text}, which is not there"
    if child.row is None or child.copy is None:
        return ""  # it is about to start; or is told of itself
    caller = child.copy.instance.caller
    if caller is None or (caller.instance, caller.activation) != (picture.id, frame.activation):
        return f"waits for the instance {frame.text}, which somebody else has called"
    return ""


def paused(picture: Picture) -> list[tuple[Branch, Frame]]:
    """Loops that were cut, and that nothing brings back."""
    return [
        (branch, frame)
        for branch, frame, _ in frames_of(picture)
        if frame.state is State.PAUSED and not picture.is_coming(Continue, frame.activation)
    ]


def calls(picture: Picture) -> list[str]:
    """The instances that it has called and waits for."""
    if picture.copy is None or picture.definition is None or structure(picture):
        return []
    return [frame.text for _, frame, activity in frames_of(picture) if isinstance(activity, Call) and frame.text]
