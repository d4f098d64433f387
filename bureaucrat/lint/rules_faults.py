"""Warnings about faults: thrown and handled nowhere, handled and thrown nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from bureaucrat.core.activities import Action, Call, Compensate, Throw
from bureaucrat.core.activity import Activity
from bureaucrat.core.faults import TIMEOUT
from bureaucrat.definition.problems import closest

from .facts import PERSON, Facts, Finding, called


def fault_is_not_handled(facts: Facts) -> Iterator[Finding]:
    """A fault whose code no case around it names: a person decides, or a default has it whose cases are nearly so."""
    for activity in facts.activities:
        if not isinstance(activity, Throw) or not isinstance(activity.code.literal, str):
            continue
        if facts.is_compensation(activity.index):
            continue  # who runs it handles it
        code = activity.code.literal
        taker = facts.taker(activity.index, code)
        near = closest(code, _codes_around(facts, activity.index))
        meant = f'; did you mean "{near}"?' if near else ""
        if taker is None:
            reason = f'nothing around handles the fault "{code}"{meant}'
            become = "the instance will be faulted until a person decides, a called one throws it at its caller"
            remedy = "" if meant else f'; add a <case code="{code}"> if that is not meant'
            yield Finding(activity.line, activity.column, "BX512", f"{reason}: {become}{remedy}")
        elif near and code not in taker.codes:
            line = facts.activities[taker.body].line
            reason = f'the fault "{code}" has no <case> around it and ends in the <default> on line {line}'
            yield Finding(activity.line, activity.column, "BX512", f"{reason}{meant}")


def _codes_around(facts: Facts, index: int) -> list[str]:
    codes = {code for one in facts.with_around(index) for handler in one.handlers for code in handler.codes}
    return sorted(codes)


def timeout_never_comes(facts: Facts) -> Iterator[Finding]:
    """A handler of ``Timeout`` that no timeout reaches."""
    reached: set[int] = set()
    for activity in facts.activities:
        if _may_time_out(activity):
            taker = facts.taker(activity.index, TIMEOUT)
            if taker is not None:
                reached.add(taker.body)
    for activity in facts.activities:
        for handler in activity.handlers:
            if TIMEOUT in handler.codes and handler.body not in reached:
                here = facts.activities[handler.body]
                reason = f"no Timeout comes here: {_why(facts, activity)}"
                yield Finding(here.line, here.column, "BX517", f"{reason}; give what waits a timeout, or remove this")


def _why(facts: Facts, activity: Activity) -> str:
    times = [facts.activities[one] for one in facts.inside(activity.index) if _may_time_out(facts.activities[one])]
    if times:
        return f"that of the {called(times[0])} ends elsewhere"
    if isinstance(activity, Action) and activity.exhausted == "incident":
        return 'with exhausted="incident" it is an incident'
    return f"nothing in the {called(activity)} has a timeout"


def _may_time_out(activity: Activity) -> bool:
    """Whether it may throw ``Timeout``; an action has a time to answer even without the attribute (L35)."""
    match activity:
        case Action():
            if activity.exhausted == "incident":
                return False
            return activity.timeout is not None or not str(activity.participant.literal or "").startswith(PERSON)
        case Call() | Compensate():
            return True
        case Throw():
            return activity.code.literal in (None, TIMEOUT)
    return activity.timeout is not None
