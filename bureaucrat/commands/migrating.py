"""``bureaucrat migrate``: instances go on by another definition (L112).

Rules: what is shown before is planned here, of the state as it is stored; what counts is planned again by the engine,
of the state as it is then; a plan that makes no sense for the definitions themselves asks nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from ..core.activity import Activity
from ..core.instance import Copy
from ..core.messages import Migrate
from ..core.migration import Matching, Plan, Unclear, match, plan
from ..core.migration.matching import subject, text_of
from ..core.table import Definition
from ..definition.problems import InvalidDefinition
from ..definition.reader import read
from ..engine.codec import add_remembered
from ..engine.orders import Asked
from ..engine.registry import named
from ..ports import IncidentRow, InstanceRow
from .acting import Request, act, matched_by, targets
from .failure import Exit, Failure
from .lint import problem_lines
from .ordering import acting, request_of
from .planfile import plan_of
from .stored import copy_of
from .window import Window, at_window
from .wording import count, rough

_MOST = 20  #: lines of one kind
_HIDDEN = frozenset({"process", "case", "block"})


@click.command(short_help="Have instances go on by another version of their process.")
@click.argument("id", metavar="[ID|NAME@VERSION]", required=False)
@click.option("--to", required=True, metavar="NAME@VERSION|FILE", help="The definition they go on by.")
@click.option("--plan", "file", metavar="FILE", help="What becomes what, a line each: OLD = NEW, or OLD = drop.")
@click.option("--map", "maps", multiple=True, metavar="OLD=NEW", help="The same, one. May be repeated.")
@acting
@at_window
async def migrate(window: Window, id: str | None, to: str, file: str | None, maps: Sequence[str], **given: Any) -> Exit:
    """Have the instance ID, or all of NAME@VERSION, or those that the options choose, go on by another definition.

    Activities are found by their ids. Everything that is active must have a place; else the instance refuses.

    \b
      bureaucrat migrate order@2 --to order@3 --dry-run
      bureaucrat migrate order@2 --to order@3 --map send-sms=invoice --first 1 --reason "ticket 5521"
      bureaucrat migrate 1017 --to processes/order.xml --plan order-2-3.plan
    """
    if id is not None and named(id)[1] is not None:
        given["process"], id = id, None
    wanted = _Wanted(await _target(window, to), plan_of(file, maps))

    async def asking(row: InstanceRow, incident: IncidentRow | None) -> list[tuple[Asked, str]]:
        wanted.matching(await window.definitions.get(row.definition))
        target = wanted.target
        order = Migrate(
            target.definition.hash, target.text, wanted.given, target.called, given["person"], given["reason"]
        )
        return [(order, f"to {target.called}")]

    request = request_of("migrate", "migrated", given, id, asking)
    if request.is_dry:
        return await _dry(window, request, wanted)
    code = await act(window, request)
    if not window.is_json:
        await _tell_back(window, wanted, id)
    return code


# -- what is wanted


@dataclass(frozen=True, slots=True)
class _Target:
    """The definition to go on by."""

    definition: Definition
    called: str
    text: str = ""  #: itself, if no engine may know it yet


@dataclass(slots=True)
class _Wanted:
    """What becomes what, for each definition that instances run."""

    target: _Target
    given: dict[str, str]
    found: dict[str, Matching] = field(default_factory=dict)  #: by hash

    def matching(self, old: Definition) -> Matching:
        """Who is who.

        :raises Failure: the plan does not fit the two definitions.
        """
        if old.hash not in self.found:
            try:
                self.found[old.hash] = match(old, self.target.definition, self.given, self.target.called)
            except Unclear as unclear:
                raise Failure(Exit.INVALID, "the plan does not fit", *unclear.problems) from unclear
        return self.found[old.hash]


async def _target(window: Window, word: str) -> _Target:
    definition = _read(word)
    if definition is not None:
        is_stored = await window.storage.definition(definition.hash) is not None
        return _Target(definition, word, "" if is_stored else definition.source)
    stored = await window.storage.definition(word)
    if stored is not None:
        return _Target(await window.definitions.get(word), word[:12])
    name, version = named(word)
    row = await window.storage.registered(name, version)
    if row is None:
        raise Failure(
            Exit.REFUSED,
            f"{word} is no registered version of a process, and no file",
            f"see      {window.command('definitions')}",
            f"deploy   {window.command('deploy', 'FILE')}",
        )
    return _Target(await window.definitions.get(row.definition), f"{row.name}@{row.version}")


def _read(file: str) -> Definition | None:
    """The definition in a file; None if there is no such file."""
    try:
        source = Path(file).read_bytes()
    except OSError:
        return None
    try:
        return read(source, file=file)
    except InvalidDefinition as invalid:
        lines = problem_lines(invalid.problems, source.decode("utf-8", "replace"))
        problems = count(len(invalid.problems), "problem")
        raise Failure(Exit.INVALID, f"nothing was asked: {problems}", *lines) from invalid


# -- what would be


@dataclass(slots=True)
class _Outlook:
    """What is seen of all instances together."""

    places: Counter[tuple[str, str]] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    would: int = 0
    refused: int = 0

    def take(self, found: Plan, copy: Copy) -> None:
        if found.is_refused:
            self.refused += 1
            self.reasons.update({str(refusal) for refusal in found.refusals})
            return
        self.would += 1
        for branch, was, will in found.places(copy):
            if will is not None and not branch.frames[-1].open:
                self.places[_placed(was), _placed(will)] += 1


async def _dry(window: Window, request: Request, wanted: _Wanted) -> Exit:
    matched, outlook = await matched_by(window, request), _Outlook()
    async for row, _ in targets(window, request):
        copy = await copy_of(window.storage, row.id)
        if row.ended is not None or copy is None:
            outlook.refused += 1
            outlook.reasons[f"the instance is {row.status}"] += 1
            continue
        add_remembered(copy, await window.storage.remembered(row.id, copy.instance.remembering))
        outlook.take(plan(wanted.matching(await window.definitions.get(row.definition)), copy), copy)
    if window.is_json:
        window.json(_as_json(wanted, outlook, matched))
    else:
        _tell_changes(window, wanted)
        _tell_outlook(window, outlook, matched)
        await _tell_back(window, wanted, request.id)
    return Exit.REFUSED if outlook.refused else Exit.OK


def _tell_changes(window: Window, wanted: _Wanted) -> None:
    called = wanted.target.called
    for matching in wanted.found.values():
        lines = [f"+ {one.label} ({called}:{one.line})" for one in _shown(matching.added)]
        lines += [f"- {one.label} (line {one.line})" for one in _shown(matching.removed)]
        lines += _changes(matching)
        for number, line in enumerate(lines[:_MOST]):
            window.line(f"{'changes' if not number else '       '}   {line}")
        if len(lines) > _MOST:
            window.line(f"          and {len(lines) - _MOST:,} more")


def _tell_outlook(window: Window, outlook: _Outlook, matched: int) -> None:
    width = max((len(was) for was, _ in outlook.places), default=0)
    for number, ((was, will), times) in enumerate(outlook.places.most_common(_MOST)):
        window.line(f"{'where' if not number else '     '}   {times:>7,}   {was.ljust(width)}   becomes {will}")
    for number, (reason, times) in enumerate(outlook.reasons.most_common(_MOST)):
        window.line(f"{'refused' if not number else '       '} {times:>7,}   {reason}")
    for kind, many in (("places", outlook.places), ("reasons", outlook.reasons)):
        if len(many) > _MOST:
            window.line(f"and {len(many) - _MOST:,} more {kind}")
    told = f"would migrate {outlook.would:,}, refuse {outlook.refused:,}; nothing was changed"
    window.line(f"matched {matched:,}: {told}")


async def _tell_back(window: Window, wanted: _Wanted, id: str | None) -> None:
    """How the same is undone."""
    for matching in wanted.found.values():
        maps = [word for old, new in matching.inverse().items() for word in ("--map", f"{old}={new}")]
        to = await _name_of(window, matching.old)
        window.line(f"back   {window.command('migrate', id or 'ID', '--to', to, *maps)}")


async def _name_of(window: Window, definition: Definition) -> str:
    """What a definition is called: by its last version, or its hash."""
    rows = await window.storage.versions(definition.name)
    versions = [row.version for row in rows if row.definition == definition.hash]
    return f"{definition.name}@{versions[-1]}" if versions else definition.hash


def _changes(matching: Matching) -> list[str]:
    """What differs of those that are in both."""
    found = []
    for old, new in sorted(matching.pairs.items()):
        was, will = matching.old.activities[old], matching.new.activities[new]
        before, after = subject(matching.old, was), subject(matching.new, will)
        if before != after:
            found.append(f"~ {was.label} {before or 'nothing'} becomes {after or 'nothing'}")
        if _timeout(was) != _timeout(will):
            found.append(f"~ {was.label} timeout {_timeout(was)} becomes {_timeout(will)}")
    return found


def _timeout(activity: Activity) -> str:
    value = activity.timeout
    if value is None:
        return "none"
    return rough(float(value.literal)) if value.expression is None else text_of(value)


def _shown(activities: Sequence[Activity]) -> list[Activity]:
    return [one for one in activities if one.tag not in _HIDDEN]


def _placed(activity: Activity) -> str:
    """An activity for people, with its place if it has no id."""
    return activity.label if activity.id else f"{activity.label} {activity.path or '_'}"


def _as_json(wanted: _Wanted, outlook: _Outlook, matched: int) -> dict[str, Any]:
    return {
        "matched": matched,
        "would": outlook.would,
        "refused": outlook.refused,
        "places": [{"from": was, "to": will, "number": times} for (was, will), times in outlook.places.most_common()],
        "reasons": [{"reason": reason, "number": times} for reason, times in outlook.reasons.most_common()],
        "definitions": [
            {
                "from": matching.old.hash,
                "to": matching.new.hash,
                "added": [one.label for one in _shown(matching.added)],
                "removed": [one.label for one in _shown(matching.removed)],
                "changes": _changes(matching),
                "inverse": matching.inverse(),
            }
            for matching in wanted.found.values()
        ],
    }
