"""Why an instance stands where it stands, and the commands that would move it, ready to paste."""

from __future__ import annotations

from ..core.activities import Await, Call, Delay
from ..core.activity import Activity
from ..core.instance import Frame
from ..engine.codec import decode
from ..ports import HistoryRow, IncidentRow, InstanceQuery, InstanceRow, RememberedRow, WaitRow
from ..stores import destination_of
from .plain import waiting
from .rows import Mark, Row
from .seen import Seen
from .standing import is_stalled, silence
from .why import why
from .window import Window
from .wording import count, one_line, quoted

#: a reason, and commands with what each does
Remedy = tuple[str, list[tuple[str, str]]]

_MOST = 5  # activities that are explained


async def called(window: Window, row: InstanceRow) -> str:
    """What to call it in a command: its business key if no other has it, else its id."""
    if row.business_key is None or row.ended is not None:
        return row.id
    query = InstanceQuery(business_key=row.business_key, unfinished=True)
    return row.business_key if await window.storage.number_of(query) == 1 else row.id


async def remedies(window: Window, seen: Seen) -> list[Remedy]:
    """The reasons, what needs a person first."""
    row = seen.row
    if row.ended is not None:
        fault = seen.copy.instance.fault
        return [] if fault is None else [(f"fault {fault.code}: {quoted(fault.message)}", [])]
    name = await called(window, row)
    found = [_incident(window, seen, name, one) for one in seen.incidents[:_MOST]]
    if found:
        found[-1][1].extend(_ends(window, seen, name))
    if row.status == "suspended":
        found.append(_suspended(window, seen, name))
    if row.status == "compensating":
        found.append(_compensating(window, seen, name))
    if not found:
        found = [_activity(window, seen, name, one) for one in seen.story.open_rows()[:_MOST]]
    return found


def _incident(window: Window, seen: Seen, name: str, incident: IncidentRow) -> Remedy:
    activity = seen.story.definition.activities[incident.activity]
    text = f"{activity.label} ({seen.story.place(incident.activity)}): {why(activity, incident)}"
    which = [word_for(activity, incident.address, seen.row.id)] if len(seen.incidents) > 1 else []
    retry = (window.command("retry", name, *which), "try again, its policy from the start")
    skip = (window.command("skip", name, *which), "it was done by hand: go on; NAME=VALUE sets fields")
    return text, [retry] if incident.kind == "engine" else [retry, skip]


def word_for(activity: Activity, address: str, instance: str) -> str:
    """What names an activation in a command: the activity's id, or where it stands."""
    is_plain = activity.id is not None and "." not in address.removeprefix(instance)
    return str(activity.id) if is_plain else address.removeprefix(instance) or "_"


def _suspended(window: Window, seen: Seen, name: str) -> Remedy:
    done = [one.who for one in seen.orders if (one.command, one.outcome) == ("suspend", "done")]
    person = next(iter(done), "somebody")
    reason = next((_reason(one) for one in reversed(seen.history) if one.what == "suspended"), "")
    kept = f"; kept back: {count(seen.row.held, 'input')}" if seen.row.held else ""
    commands = [(window.command("resume", name), "go on"), (window.command("cancel", name), "give up")]
    return f"{person} has suspended it{reason}{kept}", commands


def _ends(window: Window, seen: Seen, name: str) -> list[tuple[str, str]]:
    """How to give an instance up: as it is, or with what can be undone."""
    ends = [(window.command("cancel", name), "give up")]
    runs = list(dict.fromkeys(label for one in seen.remembered for label in _steps(seen, one)))
    if runs and not seen.copy.instance.compensating:
        shown = ", ".join(runs[:_MOST]) + (" …" if len(runs) > _MOST else "")
        ends.append((window.command("cancel", name, "--compensate"), f"give up: runs {shown}"))
    return ends


def _steps(seen: Seen, remembered: RememberedRow) -> list[str]:
    """What the compensation of an activity does."""
    activities = seen.story.definition.activities
    body = activities[remembered.activity].compensation
    return [] if body is None else [activities[child].label for child in activities[body].children]


def _compensating(window: Window, seen: Seen, name: str) -> Remedy:
    reason = next(
        (_reason(one) for one in reversed(seen.history) if one.what == "canceled" and one.activity is None), ""
    )
    left = seen.copy.instance.remembering
    text = f"it is being canceled{reason}; what it has done is compensated, {left:,} still to come"
    return text, [(window.command("cancel", name), "end it at once, and leave the rest as it is")]


def _reason(row: HistoryRow) -> str:
    detail = decode(row.detail)
    return f": {quoted(detail['reason'])}" if detail.get("reason") else ""


def _activity(window: Window, seen: Seen, name: str, row: Row) -> Remedy:
    place = seen.story.place(row.activity.index)
    queue = destination_of(row.participant, seen.facts.queues)
    crowd = seen.facts.kept.get(row.address)
    is_paused = crowd is not None and bool(crowd.paused)
    if queue is not None and not is_paused and is_stalled(window, row, seen.facts.queues):
        serve = window.broker_command("worker", "MODULE")
        if queue.participants:
            serve = f"celery -A MODULE worker -Q {queue.name}"
        return f"{row.label} ({place}): {silence(queue, window.now)}", [
            (serve, f"serve {row.participant}"),
            (window.command("cancel", name), "give up"),
        ]
    if crowd is not None:
        return f"{row.label} ({place}): {crowd.text}", crowd.remedies(window)
    text = f"{row.label} ({place}): {one_line(waiting(row, window.now))}"
    return text, _moves(window, seen, name, row)


def _moves(window: Window, seen: Seen, name: str, row: Row) -> list[tuple[str, str]]:
    skip = (window.command("skip", name, word_for(row.activity, row.address, seen.row.id)), "go on without waiting")
    if row.mark is Mark.ACTIVE and not isinstance(row.activity, Call):
        return []
    match row.activity:
        case Await():
            wait = next((one for one in seen.facts.waits if _is_of(seen, one, row)), None)
            event = [] if wait is None else [wait.event, *([f"{wait.path}={wait.value}"] if wait.path else [])]
            return [(window.command("event", *event), "the event it waits for"), skip] if event else [skip]
        case Call():
            return [(window.command("show", one), "the instance it called") for one in _called_by(seen, row)]
        case Delay():
            return [skip]
    return []


def _is_of(seen: Seen, wait: WaitRow, row: Row) -> bool:
    return seen.story.definition.address(seen.row.id, wait.branch, wait.activity) == row.address


def _called_by(seen: Seen, row: Row) -> list[str]:
    frames: list[Frame] = [frame for branch in seen.copy.branches.values() for frame in branch.frames]
    return [frame.text for frame in frames if frame.activity == row.activity.index and frame.text in seen.facts.called]
