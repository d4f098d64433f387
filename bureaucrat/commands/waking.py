"""What wakes each active activity, or why nothing will: for ``bureaucrat show``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..core.activities import Action, Await, Call
from ..core.activity import Activity
from ..core.instance import Branch, Copy, Frame
from ..core.states import State
from ..ports import DestinationRow, IncidentRow, InstanceRow, WaitRow
from ..stores import destination_of
from .crowds import Crowd
from .rows import Row
from .story import Story
from .why import why
from .wording import Times, count, quoted, rough

_REMINDER = "reminder "


@dataclass(frozen=True, slots=True)
class Facts:
    """What is stored about an instance besides its copy."""

    waits: Sequence[WaitRow]
    incidents: Sequence[IncidentRow]
    unsent: frozenset[int]  #: numbers of attempts that are still in the outbox
    kept: Mapping[str, Crowd]  #: activities whose attempt is kept back, by address
    queues: Mapping[str, DestinationRow]
    called: Mapping[str, InstanceRow]  #: instances that it called


@dataclass(frozen=True, slots=True)
class Waking:
    """An active activity, and what wakes it."""

    label: str
    address: str
    texts: tuple[str, ...]


def wakings(story: Story, copy: Copy, facts: Facts, times: Times) -> list[Waking]:
    """Of all that is active, in the order of the branches."""
    rows = {row.address: row for row in story.open_all()}
    found = []
    for branch in copy.branches.values():
        for frame in branch.frames:
            activity = story.definition.activities[frame.activity]
            address = story.definition.address(story.instance, branch.id, frame.activity)
            is_leaf = frame is branch.frames[-1] and not frame.open
            texts = [*_wakes(activity, branch, frame, rows.get(address), facts, times)] if is_leaf else []
            texts += (
                [f"{facts.kept[address].text}; its time begins when it leaves"]
                if address in facts.kept and is_leaf
                else []
            )
            texts += _timers(frame, times)
            if texts:
                found.append(Waking(activity.label, address, tuple(texts)))
    return found


def _wakes(
    activity: Activity, branch: Branch, frame: Frame, row: Row | None, facts: Facts, times: Times
) -> Iterator[str]:
    if frame.state is State.INCIDENT:
        yield from _incident(activity, frame, facts, times)
    elif frame.state is State.PAUSED:
        yield "goes on with the next batch"
    elif isinstance(activity, Action):
        yield from _attempt(activity, frame, row, facts, times)
    elif isinstance(activity, Await):
        yield from _event(branch, frame, facts, times)
    elif isinstance(activity, Call) and frame.text:
        known = facts.called.get(frame.text)
        yield f"the end of instance {frame.text}, {known.status if known is not None else 'not started yet'}"


def _incident(activity: Activity, frame: Frame, facts: Facts, times: Times) -> Iterator[str]:
    for incident in facts.incidents:
        if incident.number == frame.incident:
            yield f"a person, since {times.ago(incident.opened)}: {why(activity, incident)}"


def _attempt(activity: Action, frame: Frame, row: Row | None, facts: Facts, times: Times) -> Iterator[str]:
    if frame.state is not State.WAITING:
        last = f", the last answered {quoted(frame.text)}" if frame.text else ""
        yield f"attempt {frame.tries + 1} of {activity.policy.retries + 1}{last}"
        return
    number = frame.attempts[-1].number
    asked = frame.since if row is None or row.asked is None else row.asked
    where = "still in the outbox" if number in facts.unsent else "handed over"
    of = f" of {activity.policy.retries + 1}" if activity.policy.retries else ""
    participant = activity.sent_to(frame)
    yield f"attempt {frame.tries}{of}: asked {participant} {times.ago(asked)}, token {number}, {where}"
    queue = destination_of(participant, facts.queues)
    if queue is not None:
        yield _queue(queue, times)


def _queue(queue: DestinationRow, times: Times) -> str:
    seen = f"seen {rough(times.now - queue.checked)} ago"
    waiting = f"{count(queue.ready, 'message')} in it"
    if queue.silent_since is not None:
        return f"queue {queue.name}: no consumer since {times.ago(queue.silent_since)}, {waiting}, {seen}"
    return f"queue {queue.name}: {count(queue.consumers, 'consumer')}, {waiting}, {seen}"


def _event(branch: Branch, frame: Frame, facts: Facts, times: Times) -> Iterator[str]:
    for wait in facts.waits:
        if (wait.branch, wait.activity) == (branch.id, frame.activity):
            key = f" with {wait.path}={wait.value}" if wait.path else ""
            yield f"event {wait.event}{key}, accepted after {times.at(wait.since)}"


def _timers(frame: Frame, times: Times) -> list[str]:
    found = []
    for kind, when in sorted(frame.timers.items(), key=lambda timer: timer[1]):
        match kind:
            case "timeout":
                found.append(f"else Timeout {times.ago(when)}")
            case "retry":
                found.append(f"again {times.ago(when)}")
            case "delay":
                found.append(f"goes on {times.ago(when)}")
            case "due":
                found.append(f"should have ended by {times.ago(when)}")
            case _:
                found.append(f"reminder {int(kind.removeprefix(_REMINDER)) + 1} {times.ago(when)}")
    return found
