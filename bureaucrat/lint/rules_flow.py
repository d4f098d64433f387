"""Warnings about what runs when: what never runs, what may wait for ever, what a race does not end."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from bureaucrat.core.activities import (
    Action,
    All,
    Any,
    Await,
    Call,
    Case,
    Compensate,
    Delay,
    Exit,
    Foreach,
    Switch,
    Throw,
    While,
)
from bureaucrat.core.activity import Activity, Sequential
from bureaucrat.core.expressions import Expression

from .facts import PERSON, Facts, Finding, called


def activity_never_runs(facts: Facts) -> Iterator[Finding]:
    """An activity that stands after one which never completes: an exit, a fault, a loop without an end."""
    ends = _Ends(facts)
    for activity in facts.activities:
        if not isinstance(activity, Sequential):
            continue
        for child, following in zip(activity.children, activity.children[1:], strict=False):
            if not ends.may_complete(child):
                here, there = facts.activities[following], facts.activities[child]
                reason = f"this never runs: the {called(there)} never completes"
                remedy = "remove it, or move it to where it can run"
                yield Finding(here.line, here.column, "BX505", f"{reason}; {remedy}")
                break


def case_never_runs(facts: Facts) -> Iterator[Finding]:
    """A case behind one whose condition always holds."""
    for activity in facts.activities:
        if not isinstance(activity, Switch):
            continue
        always: Activity | None = None
        for child, conditions in zip(activity.children, activity.cases, strict=True):
            if always is not None:
                here = facts.activities[child]
                reason = f"this never runs: the condition of the {called(always)} always holds"
                yield Finding(here.line, here.column, "BX505", f"{reason}; make that one the <default>")
                break
            if _is_always_true(conditions):
                always = facts.activities[child]


class _Ends:
    """Which activities can complete, so that what stands after them runs."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._known: dict[int, bool] = {}
        self._left: set[int] = {one.target for one in facts.activities if isinstance(one, Exit)}

    def may_complete(self, index: int) -> bool:
        found = self._known.get(index)
        if found is None:
            found = self._known[index] = self._may(self._facts.activities[index])
        return found

    def _may(self, activity: Activity) -> bool:
        if activity.index in self._left or any(self.may_complete(one.body) for one in activity.handlers):
            return True
        inside = [self.may_complete(child) for child in activity.children]
        match activity:
            case Exit():
                return False
            case Throw():
                return self._may_rest(activity)
            case While():
                return not _is_always_true(activity.conditions)
            case Foreach():
                return True
            case Switch():
                return any(inside) or all(activity.cases)
            case Any():
                return any(inside) or not inside
            case All() | Sequential():
                return all(inside)
        return True

    def _may_rest(self, fault: Throw) -> bool:
        """Whether it may become an incident: a person may skip it, and what stands after it runs."""
        code = fault.code.literal
        return not isinstance(code, str) or self._facts.taker(fault.index, code) is None


def _is_always_true(conditions: tuple[Expression, ...]) -> bool:
    return any(_literal(condition) for condition in conditions)


def _literal(condition: Expression) -> bool:
    """Whether the condition is a literal that counts as true."""
    try:
        return bool(ast.literal_eval(condition.source.strip()))
    except (ValueError, SyntaxError):
        return False


def process_calls_itself(facts: Facts) -> Iterator[Finding]:
    """A call that names the process it stands in."""
    for activity in facts.activities:
        if isinstance(activity, Call) and activity.process.literal == facts.definition.name:
            reason = "the process calls itself; after 64 calls inside each other that throws LimitExceeded"
            yield Finding(activity.line, activity.column, "BX504", f"{reason}: see to it that a condition ends it")


def wait_has_no_end(facts: Facts) -> Iterator[Finding]:
    """A wait for an event or a person that nothing ends, and of which nobody is told."""
    for activity in facts.activities:
        if _waits_for_somebody(activity) and not _is_watched(facts, activity):
            what = "event" if isinstance(activity, Await) else "answer"
            reason = f"if the {what} never comes, this waits for ever and nobody is told"
            remedy = 'give it a timeout="…", a due="…" or a <reminder>, or one to what is around'
            yield Finding(activity.line, activity.column, "BX511", f"{reason}: {remedy}")


def _waits_for_somebody(activity: Activity) -> bool:
    match activity:
        case Await():
            return True
        case Action(timeout=None):
            return str(activity.participant.literal or "").startswith(PERSON)
    return False


def _is_watched(facts: Facts, activity: Activity) -> bool:
    """Whether a time is set for the activity or for one around it; a handler's time is not that of its activity."""
    below = -1
    for one in facts.with_around(activity.index):
        is_handled = any(handler.body == below for handler in one.handlers) or one.compensation == below
        if not is_handled and (one.timeout or one.due or one.reminders):
            return True
        if isinstance(one, Any) and not is_handled and any(_ends(facts, child) for child in one.children):
            return True
        below = one.index
    return False


def _ends(facts: Facts, index: int) -> bool:
    """Whether a branch of a race comes to its end by itself."""
    return not any(_may_hang(facts, one, index) for one in facts.inside(index))


def _may_hang(facts: Facts, index: int, branch: int) -> bool:
    """Whether it waits without a time, and not in a race inside the branch that ends by itself."""
    activity = facts.activities[index]
    if not _waits_for_somebody(activity) or activity.timeout:
        return False
    races = (one for one in facts.around(index) if isinstance(one, Any) and one.index in facts.inside(branch))
    return not any(
        any(index in facts.inside(child) for child in race.children) and any(_ends(facts, one) for one in race.children)
        for race in races
    )


def race_goes_on_after_the_wait(facts: Facts) -> Iterator[Finding]:
    """Work behind a wait in a branch of ``any``: the others race on until it is done."""
    for race in facts.activities:
        if not isinstance(race, Any):
            continue
        for branch in race.children:
            found = _work_after_wait(facts, facts.activities[branch])
            if found is not None:
                wait, work = found
                reason = f"the race goes on while this runs, for the {called(wait)} does not end it alone"
                remedy = f"put it after the {called(race)}, in a <switch> on its winner"
                yield Finding(work.line, work.column, "BX513", f"{reason}: {remedy}")


def _work_after_wait(facts: Facts, branch: Activity) -> tuple[Activity, Activity] | None:
    """The first wait among the children of a branch, and the first after it that takes time."""
    if not isinstance(branch, Sequential) or isinstance(branch, While | Foreach | Case):
        return None
    wait: Activity | None = None
    for child in branch.children:
        here = facts.activities[child]
        if wait is None:
            wait = here if isinstance(here, Await | Delay) else None
        elif any(
            isinstance(facts.activities[one], Action | Call | Compensate | Await | Delay) for one in facts.inside(child)
        ):
            return wait, here
    return None
