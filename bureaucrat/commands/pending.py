"""What waits in a simulation, for a person who plays everybody: incidents, attempts, events and times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..core.activities import Action, Await, Delay
from ..core.context import is_reserved
from ..core.instance import Branch, Frame
from ..core.states import State
from ..ports import WaitRow
from ..testing import OpenAttempt, Simulation
from .wording import one_line, pairs, quoted, rough

_UNTIL = {"timeout": "else Timeout", "retry": "again", "delay": "goes on", "due": "overdue"}
_WIDEST = 100  #: characters of the fields that an attempt was sent


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that a person can bring about."""

    kind: str  #: ``incident``, ``attempt``, ``event`` or ``timer``
    label: str
    address: str  #: without the instance, if that is the one that was launched
    text: str
    event: str = ""  #: its name
    body: tuple[tuple[str, str], ...] = ()  #: what it must have
    until: float = 0.0  #: of a timer, epoch seconds


def pending(simulation: Simulation) -> list[Waiting]:
    """All of it, what needs a person first."""
    return [*_incidents(simulation), *(_attempt(simulation, one) for one in simulation.open), *_waits(simulation)]


def next_timer(simulation: Simulation) -> float | None:
    """When the next timer of any instance fires, in epoch seconds."""
    branches = (branch for id in _unfinished(simulation) for branch in simulation.copy(id).branches.values())
    return min((branch.due for branch in branches if branch.due is not None), default=None)


def _unfinished(simulation: Simulation) -> list[str]:
    return [id for id in simulation.instances() if not simulation.record(id).has_ended]


def _incidents(simulation: Simulation) -> Iterator[Waiting]:
    for one in simulation.incidents():
        label = simulation.definition.activities[one.activity].label
        address = one.address.removeprefix(simulation.instance)
        yield Waiting("incident", label, address, f"incident {one.code}: {quoted(one.message)}")


def _attempt(simulation: Simulation, attempt: OpenAttempt) -> Waiting:
    dispatch = attempt.dispatch
    activity = simulation.definition_of(attempt.instance).activities[dispatch.activity]
    retries = activity.policy.retries if isinstance(activity, Action) else 0
    of = f", attempt {dispatch.tries} of {retries + 1}" if retries else ""
    sent = {name: value for name, value in attempt.fields.items() if not is_reserved(name)}
    given = f"   {one_line(pairs(sent), _WIDEST)}" if sent else ""
    address = dispatch.address.removeprefix(simulation.instance)
    return Waiting("attempt", activity.label, address, f"asks {attempt.participant}{of}{given}")


def _waits(simulation: Simulation) -> Iterator[Waiting]:
    """Of every instance what waits for an event or a time."""
    for instance in _unfinished(simulation):
        waits = {(one.branch, one.activity): one for one in simulation.waits(instance)}
        for branch in simulation.copy(instance).branches.values():
            for frame in branch.frames[-1:]:
                yield from _wait(simulation, instance, branch, frame, waits.get((branch.id, frame.activity)))


def _wait(
    simulation: Simulation, instance: str, branch: Branch, frame: Frame, wait: WaitRow | None
) -> Iterator[Waiting]:
    definition = simulation.definition_of(instance)
    activity = definition.activities[frame.activity]
    address = definition.address(instance, branch.id, frame.activity).removeprefix(simulation.instance)
    until = _until(frame, simulation.clock.now())
    if wait is not None and isinstance(activity, Await):
        key = f"{wait.path}={wait.value}" if wait.path else ""
        body = ((wait.path, wait.value),) if wait.path and "." not in wait.path else ()
        text = ", ".join(filter(None, (f"event {wait.event}", key, until)))
        yield Waiting("event", activity.label, address, text, event=wait.event, body=body)
    elif frame.state is State.RETRYING or (isinstance(activity, Delay) and frame.state is State.WAITING):
        yield Waiting("timer", activity.label, address, until, until=min(frame.timers.values()))


def _until(frame: Frame, now: float) -> str:
    timers = sorted(frame.timers.items(), key=lambda timer: timer[1])
    return ", ".join(f"{_UNTIL.get(kind, kind)} in {rough(when - now)}" for kind, when in timers)
