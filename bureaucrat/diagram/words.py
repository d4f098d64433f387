"""What is written on each activity of a drawing: one title, and short details below it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from ..core.activities import (
    Action,
    All,
    Any,
    Assign,
    Await,
    Call,
    Case,
    Compensate,
    Delay,
    Exit,
    Foreach,
    ParallelForeach,
    Process,
    Signal,
    Throw,
    While,
)
from ..core.activity import Activity, Handler, Reminder, Value
from ..core.expressions import Expression
from ..core.table import Definition
from ..cron import Cron

_PATH = re.compile(r"context((?:\['\w+'\])+)")  #: what the reader makes of a dotted path
_UNITS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "m"), (1.0, "s"))


def title(definition: Definition, activity: Activity) -> str:
    """What people call it, as everywhere; of what has no name, what it does."""
    match activity:
        case Process():
            return activity.name or definition.name
        case Case() if activity.label == activity.tag:
            return conditions(activity.conditions) or "default"
        case Assign() if activity.label == activity.tag:
            return f"{activity.property} = {_source(activity.expression)}"
        case Delay() if activity.label == activity.tag:
            return _delay(activity)
        case Await() | Signal() if activity.label == activity.tag:
            return f"{activity.tag} {value(activity.event)}"
        case Call() if activity.label == activity.tag:
            return f"call {value(activity.process)}"
        case Exit() if activity.label == activity.tag and activity.outcome is not None:
            return f"exit {value(activity.outcome)}"
        case Throw() if activity.label == activity.tag:
            return f"fault {value(activity.code)}"
    return activity.label


def details(definition: Definition, activity: Activity) -> tuple[str, ...]:
    """What else is to know of it, a line each."""
    shown = title(definition, activity)
    found = [activity.name] if activity.id and activity.name else []
    found += _own(definition, activity, shown)
    limits = [*_limits(activity)]
    return (*found, *([", ".join(limits)] if limits else []))


def handler(one: Handler) -> str:
    """``on Timeout, CardRefused``"""
    return f"on {', '.join(one.codes)}" if one.codes else "on any other fault"


def reminder(one: Reminder) -> str:
    """``after 2d, every 1d, 10 times``"""
    parts = [f"after {duration(one.after)}"]
    if one.every is not None:
        parts.append(f"every {duration(one.every)}")
        if one.times:
            parts.append(f"{one.times} times")
    return ", ".join(parts)


def _own(definition: Definition, activity: Activity, shown: str) -> list[str]:
    match activity:
        case Process():
            return [*_key(definition), *_starts(definition)]
        case Action():
            name = value(activity.participant)
            return [name] if name != shown else []
        case Await():
            return _await(activity, shown)
        case Delay():
            return [_delay(activity)] if shown != _delay(activity) else []
        case Call():
            return [f"process {value(activity.process)}"] if shown == activity.label else []
        case Signal():
            return [f"event {value(activity.event)}"] if shown == activity.label else []
        case Compensate():
            target = activity.target
            return ["what was done, newest first"] if target is None else [f"of {definition.activities[target].label}"]
        case Exit():
            return _exit(definition, activity, shown)
        case Throw():
            code = [f"fault {value(activity.code)}"] if shown == activity.label else []
            return code + ([value(activity.message)] if activity.message.literal != "" else [])
        case Assign():
            return [f"{activity.property} = {_source(activity.expression)}"] if shown == activity.label else []
        case Case():
            return [conditions(activity.conditions) or "default"] if shown == activity.label else []
    return _loops(activity)


def _loops(activity: Activity) -> list[str]:
    match activity:
        case While():
            return [f"while {conditions(activity.conditions)}"]
        case Foreach():
            found = [f"{activity.alias or 'item'} in {_source(activity.select)}"]
            if isinstance(activity, ParallelForeach):
                found.append("side by side" if activity.most is None else f"side by side, at most {activity.most:,}")
            if activity.collect:
                found.append(f"collects {activity.collect}")
            return found
        case All():
            return ["every branch"]
        case Any():
            return ["the first branch ends the others"] + ([f"winner {activity.winner}"] if activity.winner else [])
    return []


def _key(definition: Definition) -> Iterator[str]:
    if definition.business_key is not None:
        key = value(definition.business_key)
        name = key[1:] if key[1:].replace(".", "").isidentifier() else key
        yield f"key {name}{', unique' if definition.unique else ''}"


def _starts(definition: Definition) -> Iterator[str]:
    for schedule in definition.schedules:
        yield f"starts by cron {schedule.cron} {schedule.timezone}"
    for start in definition.event_starts:
        yield f"starts by event {start.event}" + (f" if {conditions(start.conditions)}" if start.conditions else "")


def _await(activity: Await, shown: str) -> list[str]:
    found = [] if shown != activity.label else [f"event {value(activity.event)}"]
    if activity.key:
        equals = "" if activity.equals is None else f" = {_source(activity.equals)}"
        found.append(f"key {activity.key}{equals}")
    if activity.conditions:
        found.append(f"if {conditions(activity.conditions)}")
    return found


def _exit(definition: Definition, activity: Exit, shown: str) -> list[str]:
    outcome = activity.outcome
    found = [f"outcome {value(outcome)}"] if outcome is not None and shown == activity.label else []
    if activity.target:
        found.append(f"ends {title(definition, definition.activities[activity.target])}")
    return found


def _delay(activity: Delay) -> str:
    if activity.duration is not None:
        return f"wait {duration(activity.duration)}"
    if isinstance(activity.cron, Cron):
        return f"wait for cron {activity.cron.expression}"
    assert activity.until is not None, "the checker asks for one of the three"
    instant = activity.until.literal
    if isinstance(instant, float | int):
        return f"wait until {datetime.fromtimestamp(instant, UTC):%Y-%m-%d %H:%M:%S}Z"
    return f"wait until {value(activity.until)}"


def _limits(activity: Activity) -> Iterator[str]:
    if isinstance(activity, Action) and activity.policy.retries:
        yield "1 retry" if activity.policy.retries == 1 else f"{activity.policy.retries} retries"
    if activity.timeout is not None:
        yield f"timeout {duration(activity.timeout)}"
    if activity.due is not None:
        yield f"due {duration(activity.due)}"


def conditions(found: Iterable[Expression]) -> str:
    """``a > 1 or b``"""
    return " or ".join(_source(one) for one in found)


def value(found: Value) -> str:
    """A literal, or the expression behind ``=``."""
    return str(found.literal) if found.expression is None else f"={_source(found.expression)}"


def duration(found: Value) -> str:
    """``1d12h``, ``300ms``, ``=wait``"""
    if not isinstance(found.literal, float | int):
        return value(found)
    rest, parts = float(found.literal), ""
    for seconds, unit in _UNITS[:-1]:
        whole, rest = divmod(rest, seconds)
        parts += f"{int(whole)}{unit}" if whole else ""
    if 0 < rest < 1 and not parts:
        return f"{rest * 1000:g}ms"
    return parts + (f"{rest:g}s" if rest or not parts else "")


def _source(expression: Expression) -> str:
    """As the author wrote it, on one line."""
    source = " ".join(expression.source.split())
    path = _PATH.fullmatch(source)
    return source if path is None else path[1][2:-2].replace("']['", ".")
