"""Asking something of instances: of one, or of all that a filter or a cause chooses.

Rules: counts are honest: matched = done + refused + failed + not taken; what an engine refused is told with its reason;
nothing is changed by ``--dry-run``; an order that no engine took is not lost, and that is said.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..engine.orders import Asked, Order
from ..engine.registry import named
from ..ports import AuditRow, IncidentRow, InstanceQuery, InstanceRow
from .aim import Missed
from .causes import group_of, incidents_of
from .choosing import Choice, all_of
from .failure import Exit, Failure
from .finding import find, names
from .mailing import Mailing, nobody
from .pace import Pace
from .window import Window
from .wording import count, one_line

_SHOWN = 20  #: instances told of one by one

#: makes the messages for an instance, each with what it is about; of a cause also the incident is known
Asking = Callable[[InstanceRow, IncidentRow | None], Awaitable[list[tuple[Asked, str]]]]


@dataclass(slots=True)
class Request:
    """What a person asks, and of which instances."""

    verb: str  #: ``cancel``
    done: str  #: ``canceled``
    asking: Asking
    who: str
    id: str | None
    choice: Choice
    is_for_incidents: bool  #: of those that the choice finds, only such with open incidents
    cause: str | None
    first: int | None
    rate: float | None  #: orders a second; None: at once
    is_dry: bool
    patience: float | None  #: seconds to wait; None: do not


@dataclass(slots=True)
class Result:
    """What came of it for one instance."""

    row: InstanceRow
    what: str = ""  #: the activity it was about
    number: int | None = None  #: of the order
    outcome: str = "waiting"  #: or ``done``, ``refused``, ``failed``
    answer: str = ""


@dataclass(slots=True)
class Results:
    """What came of all of it."""

    matched: int
    every: list[Result] = field(default_factory=list)

    def number(self, outcome: str) -> int:
        return sum(one.outcome == outcome for one in self.every)


async def act(window: Window, request: Request) -> Exit:
    """Ask, wait, and say what came of it."""
    matched = await matched_by(window, request)
    if request.is_dry:
        return await _dry(window, request, matched)
    results, mailing = Results(matched), Mailing(window)
    pace = Pace(request.rate, asyncio.get_running_loop().time)
    async for row, incident in targets(window, request):
        await asyncio.sleep(pace.wait())
        asked = await _ask(mailing, request, row, incident)
        results.every += asked
        results.matched += len(asked) - 1
    if request.patience is not None:
        numbers = [one.number for one in results.every if one.number is not None]
        _settle(results, await mailing.outcomes(numbers, request.patience))
    _tell(window, request, results)
    return _exit(request, results)


async def matched_by(window: Window, request: Request) -> int:
    """How many instances (of a cause: incidents) the request is about."""
    if request.id is not None:
        return 1
    if request.cause is not None:
        return (await group_of(window, request.cause)).number
    if request.choice.is_empty:
        example = window.command(request.verb, "ID")
        raise Failure(
            Exit.INVALID,
            f"{request.verb} what? name an instance, or choose some with --process, --status, --since or --cause",
            f"one    {example}",
            f"which  {window.command('ps')}",
        )
    return await window.storage.number_of(await _query(window, request))


async def _query(window: Window, request: Request) -> InstanceQuery:
    query = replace(request.choice.query(window.now, unfinished=True), with_incidents=request.is_for_incidents)
    name, version = named(query.process or "")
    if version is None:
        return query
    row = await window.storage.registered(name, version)
    if row is None:
        known = window.command("definitions", name)
        raise Failure(Exit.REFUSED, f"there is no version {version} of the process {name!r}", f"see   {known}")
    return replace(query, process=name, definition=row.definition)


async def targets(window: Window, request: Request) -> AsyncIterator[tuple[InstanceRow, IncidentRow | None]]:
    """The instances, of a cause with the incident in each."""
    if request.id is not None:
        yield await find(window, request.id), None
    elif request.cause is not None:
        group = await group_of(window, request.cause)
        for incident in await incidents_of(window, group, request.first or group.number):
            row = await window.storage.instance(incident.instance)
            if row is not None:
                yield row, incident
    else:
        left = request.first
        async for row in all_of(window, await _query(window, request)):
            if left == 0:
                return
            left = None if left is None else left - 1
            yield row, None


async def _ask(mailing: Mailing, request: Request, row: InstanceRow, incident: IncidentRow | None) -> list[Result]:
    try:
        messages = await request.asking(row, incident)
    except Missed as missed:
        return [Result(row, outcome="refused", answer=str(missed))]
    return [Result(row, what, await mailing.post(row.id, Order(request.who, one))) for one, what in messages]


def _settle(results: Results, audits: dict[int, AuditRow]) -> None:
    for one in results.every:
        audit = audits.get(one.number) if one.number is not None else None
        if audit is not None:
            one.outcome, one.answer = audit.outcome, audit.answer


def _exit(request: Request, results: Results) -> Exit:
    if results.number("refused") or results.number("failed"):
        return Exit.REFUSED
    return Exit.UNFINISHED if results.number("waiting") and request.patience is not None else Exit.OK


# -- what is said


async def _dry(window: Window, request: Request, matched: int) -> Exit:
    asked = refused = 0
    lines = []
    async for row, incident in targets(window, request):
        name = name_of(row)
        try:
            messages = await request.asking(row, incident)
            asked += len(messages)
            matched += len(messages) - 1
            lines += [
                f"would {request.verb} {name}{_about(what)}   {row.process}, {row.status}" for _, what in messages
            ]
        except Missed as missed:
            refused += 1
            lines.append(f"{name}: refused: {missed}")
    if window.is_json:
        window.json({"matched": matched, "would": asked, "refused": refused})
        return Exit.REFUSED if refused else Exit.OK
    for line in lines[:_SHOWN]:
        window.line(line)
    if len(lines) > _SHOWN:
        window.line(f"and {len(lines) - _SHOWN:,} more")
    window.line(f"matched {matched:,}: would {request.verb} {asked:,}, refuse {refused:,}; nothing was changed")
    return Exit.REFUSED if refused else Exit.OK


def _tell(window: Window, request: Request, results: Results) -> None:
    if window.is_json:
        window.json(_as_json(results))
        return
    if request.id is not None:
        for one in results.every:
            _tell_one(window, request, one)
    else:
        for line in _reasons(results):
            window.line(line)
        window.line(_sum(results))
    waiting = [one for one in results.every if one.outcome == "waiting"]
    if waiting and request.patience is not None:
        window.line(nobody(len(waiting), request.patience))
    if waiting:
        window.line(f"see what comes of it   {_see(window, waiting)}")


def _see(window: Window, waiting: Sequence[Result]) -> str:
    return window.command("audit", *([name_of(waiting[0].row)] if len(waiting) == 1 else []))


def _tell_one(window: Window, request: Request, one: Result) -> None:
    name = name_of(one.row)
    match one.outcome:
        case "done":
            window.line(f"{name}: {request.done}{_about(one.what)}; the instance is {one.answer}")
        case "waiting":
            window.line(f"{name}: asked to {request.verb}{_about(one.what)}   order {one.number}")
        case _:
            answer = one.answer.replace("\n", "\n  ")
            window.line(f"{name}: {one.outcome}: {answer}", "bold red")
            window.line(f"why   {window.command('show', name)}")


def _about(what: str) -> str:
    return f" {what}" if what else ""


def name_of(row: InstanceRow) -> str:
    """What an instance is called in a command."""
    return row.business_key or row.id


def _sum(results: Results) -> str:
    asked = len(results.every)
    lead = f"matched {results.matched:,}" + (f", asked {asked:,}" if asked != results.matched else "")
    parts = [f"done {results.number('done'):,}", _refused(results), f"failed {results.number('failed'):,}"]
    if results.number("waiting"):
        parts.append(f"not taken {results.number('waiting'):,}")
    return f"{lead} = {' + '.join(parts)}"


def _refused(results: Results) -> str:
    reasons = Counter(one.answer for one in results.every if one.outcome == "refused")
    told = ", ".join(f"{number:,} {one_line(reason, 80)}" for reason, number in reasons.most_common(3))
    more = "" if len(reasons) <= 3 else f", and {count(len(reasons) - 3, 'other reason')}"
    return f"refused {reasons.total():,}" + (f" ({told}{more})" if told else "")


def _reasons(results: Results) -> list[str]:
    """The instances that refused."""
    bad = [one for one in results.every if one.outcome in ("refused", "failed")]
    called = names([one.row for one in bad])
    return [f"{called[one.row.id]}: {one.outcome}: {one_line(one.answer)}" for one in bad[:_SHOWN]]


def _as_json(results: Results) -> dict[str, Any]:
    return {
        "matched": results.matched,
        "asked": len(results.every),
        "done": results.number("done"),
        "refused": results.number("refused"),
        "failed": results.number("failed"),
        "waiting": results.number("waiting"),
        "results": [
            {
                "id": one.row.id,
                "key": one.row.business_key,
                "what": one.what,
                "order": one.number,
                "outcome": one.outcome,
                "answer": one.answer,
            }
            for one in results.every
        ],
    }
