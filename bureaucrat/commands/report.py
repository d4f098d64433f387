"""What a run says at its beginning and at its end: lines for people, or one JSON object.

Rules: counts are of what really happened; whatever is unfinished is followed by the command that goes on, ready to
paste.
"""

from __future__ import annotations

from typing import Any

from .. import __version__
from ..core.activities import Action
from ..definition.problems import closest
from ..ports import IncidentRow
from .failure import Exit
from .plain import waiting
from .plan import Ending, Plan, Result
from .story import Story
from .why import why
from .wording import clock, command, count, pairs, rough

_NO_ROW = frozenset({"process", "case", "block", "compensation"})
_MOST_SHOWN = 10  #: instances told of one by one


# -- the beginning


def opening(plan: Plan, stories: list[Story], before: int, foreign: int) -> list[str]:
    """What is known before anything happens."""
    definition = plan.definition
    activities = [one for one in definition.activities if one.tag not in _NO_ROW]
    database = plan.database if plan.is_kept else "in a temporary file"
    modules = f", participants {', '.join(plan.modules)}" if plan.modules else ""
    what = f"{definition.name} ({definition.file}, {count(len(activities), 'activity', 'activities')})"
    lines = [f"bureaucrat {__version__}   {what}   SQLite {database}{modules}"]
    lines += _instances(plan, stories, before)
    if foreign:
        lines.append(f"{count(foreign, 'unfinished instance')} of other processes in this database run, too")
    return lines + [f"! {line}" for line in _unserved(plan)]


def _instances(plan: Plan, stories: list[Story], before: int) -> list[str]:
    if len(stories) > 1:
        fresh = len(stories) - before
        parts = [f"goes on with {before:,}" if before else "", f"starts {fresh:,}" if fresh else ""]
        return [f"{count(len(stories), 'instance')}: {', '.join(filter(None, parts))}"]
    story = stories[0]
    if not before:
        return [f"instance {story.instance}   {pairs(dict(plan.fields))}".rstrip()]
    lines = [
        f"goes on with instance {story.instance} ({story.name}), "
        f"started {clock(story.started)[:8]}   --new starts another"
    ]
    if story.definition.hash != plan.definition.hash:
        lines.append(f"! it goes on with the definition it was started with; {plan.definition.file} has changed since")
    return lines


def _unserved(plan: Plan) -> list[str]:
    """Participants that the definition names and no module serves."""
    lines = []
    for definition in (plan.definition, *plan.neighbours.values()):
        for activity in definition.activities:
            name = activity.participant.literal if isinstance(activity, Action) else None
            if name is not None and plan.functions.find(name) is None:
                lines.append(f"{definition.file}:{activity.line}  nobody serves {name!r}{_served(plan, name)}")
    return lines


def _served(plan: Plan, name: str) -> str:
    """Who is there, and who was probably meant."""
    names = sorted(plan.functions.by_name)
    if not names:
        return "; no module was given: --participants MODULE"
    close = closest(name, names)
    modules = ", ".join(plan.modules)
    return f"; {modules} serves {', '.join(names)}" + (f"; did you mean {close}?" if close else "")


# -- the end


def exit_code(result: Result) -> Exit:
    """0 if everything has completed."""
    if all(ending.is_completed for ending in result.endings):
        return Exit.OK
    return result.stopped or Exit.UNFINISHED


def closing(plan: Plan, result: Result) -> list[str]:
    """The summary, and for what is unfinished why, where, and how to go on."""
    lines = [_summary(result)]
    unfinished = [ending for ending in result.endings if not ending.is_completed]
    for ending in unfinished[:_MOST_SHOWN]:
        lines += _where(plan, ending, result)
    if len(unfinished) > _MOST_SHOWN:
        lines.append(f"and {len(unfinished) - _MOST_SHOWN:,} more")
    if any(ending.can_go_on for ending in unfinished):
        lines.append(f"go on   {continuing(plan, result)}")
        if not plan.is_kept:
            lines.append(f"        what is unfinished is kept in {plan.database}; name it yourself with --db FILE")
    return lines


def _summary(result: Result) -> str:
    families = [story for ending in result.endings for story in ending.story.family()]
    actions = sum(story.actions for story in families)
    before = sum(story.actions_before for story in families)
    retries = sum(story.retries for story in families)
    opened = sum(story.opened for story in families)
    counts = [
        count(actions, "action") + (f" ({before:,} before)" if before else ""),
        count(retries, "retry", "retries"),
        count(opened, "incident"),
    ]
    work = f"{count(result.changes, 'change')} in {count(result.transactions, 'transaction')}"
    durable = f"; {work}, each on disk before the next step" if result.transactions else ""
    return f"{_ended(result)}   {', '.join(counts)}{durable}"


def _ended(result: Result) -> str:
    took = rough(result.ended - result.started)
    if len(result.endings) > 1:
        completed = sum(ending.is_completed for ending in result.endings)
        return f"{completed:,} of {len(result.endings):,} completed in {took}"
    ending = result.endings[0]
    story = ending.story
    if ending.is_completed:
        since = rough((story.ended or result.ended) - story.started)
        time = f"{since} after its start, {took} of it now" if result.before else since
        return f"completed in {time}, outcome {ending.outcome}"
    if result.stopped:
        return f"stopped by {'SIGTERM' if result.stopped is Exit.STOPPED else 'Ctrl-C'} after {took}"
    if result.gave_up:
        return f"not completed in {took}, the time it was given"
    return f"{ending.status if story.ended else 'needs a person'} after {took}"


def _where(plan: Plan, ending: Ending, result: Result) -> list[str]:
    """Where an instance stands and why."""
    story = ending.story
    lines = [f"{story.name} is {ending.status}" if story.ended else f"{story.name}"]
    told = set()
    for owner, incident in ending.incidents:
        told.add(incident.address)
        lines.append(f"  ! {_incident(plan, owner, incident)}")
    for one in story.family():
        for row in one.open_rows():
            if row.address not in told and row.address.startswith(one.instance):
                lines.append(f"    {row.label} ({one.place(row.activity.index)}): {waiting(row, result.ended)}")
    return lines


def _incident(plan: Plan, story: Story, incident: IncidentRow) -> str:
    activity = story.definition.activities[incident.activity]
    name = activity.participant.literal if isinstance(activity, Action) else None
    served = "" if name is None else _served(plan, name)
    return f"{activity.label} ({story.place(incident.activity)}): {why(activity, incident, served)}"


def continuing(plan: Plan, result: Result) -> str:
    """The command that goes on."""
    arguments = ["run", plan.definition.file]
    for module in plan.modules:
        arguments += ["--participants", module]
    for file in plan.neighbours:
        arguments += ["--with", file]
    arguments += ["--db", str(plan.database)]
    for event in result.events:
        arguments += ["--event", event.argument]
    if plan.history != "activity":
        arguments += ["--history", plan.history]
    if any(ending.incidents for ending in result.endings):
        arguments.append("--retry")
    return command(arguments)


# -- for programs


def as_json(plan: Plan, result: Result) -> dict[str, Any]:
    """The one object of ``--json``; with several instances they stand in ``instances``."""
    found = [_ending_json(ending) for ending in result.endings]
    whole: dict[str, Any] = found[0] if len(found) == 1 else {"instances": found}
    if any(ending.can_go_on for ending in result.endings):
        whole["continue"] = continuing(plan, result)
    return whole


def _ending_json(ending: Ending) -> dict[str, Any]:
    story = ending.story
    return {
        "id": story.instance,
        "process": story.definition.name,
        "key": story.key,
        "status": ending.status,
        "outcome": ending.outcome,
        "fields": ending.fields,
        "incidents": [_incident_json(owner, incident) for owner, incident in ending.incidents],
    }


def _incident_json(story: Story, incident: IncidentRow) -> dict[str, Any]:
    activity = story.definition.activities[incident.activity]
    return {
        "instance": incident.instance,
        "activity": activity.label,
        "address": incident.address,
        "place": story.place(incident.activity),
        "kind": incident.kind,
        "code": incident.code,
        "message": incident.message,
    }
