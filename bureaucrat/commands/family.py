"""An instance and those that it has called, with all that is stored of them, in the order in which it happened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..core.activities import Call
from ..core.instance import Caller, Copy
from ..core.table import Definition
from ..engine.codec import decode
from ..engine.registry import named
from ..ports import HistoryRow, InstanceQuery, InstanceRow
from .stored import copy_of, history_of
from .window import Window

_STAMP = 12  #: digits of a called instance's id that are the time of the call
_NEAR = 2  #: milliseconds within which it is looked for
_MOST = 1000  #: instances that were started within one millisecond


#: the text of a definition, and the version under which it is registered
Process = tuple[str, int]


@dataclass(slots=True)
class Member:
    """One instance."""

    row: InstanceRow
    copy: Copy
    definition: Definition
    source: str
    history: list[HistoryRow]
    versions: list[int] = field(default_factory=list)  #: under which its definition is registered

    @property
    def caller(self) -> Caller | None:
        return self.copy.instance.caller


@dataclass(frozen=True, slots=True)
class Family:
    """All that is known of an instance and those it has called."""

    members: Sequence[Member]  #: the instance first
    others: Sequence[Process]  #: what they call by its name
    answer_timeout: float  #: seconds; the setting


async def family(window: Window, row: InstanceRow) -> Family:
    """The instance, and those it has called that are still stored."""
    members = await _members(window, row)
    return Family(members, await _processes(window, members), window.answer_timeout)


async def _members(window: Window, row: InstanceRow) -> list[Member]:
    found = [await _member(window, row)]
    for member in found:
        known = {one.row.id for one in found}
        for stamp in dict.fromkeys(_stamps(member)):
            for called in await window.storage.instances(InstanceQuery(prefix=stamp, limit=_MOST)):
                if called.id not in known:
                    candidate = await _member(window, called)
                    if candidate.caller is not None and candidate.caller.instance == member.row.id:
                        known.add(called.id)
                        found.append(candidate)
    return found


async def _processes(window: Window, members: Sequence[Member]) -> list[Process]:
    """What these instances call by its name: the versions that they did call, else the newest; older ones first."""
    found = {(one.row.process, version): one.source for one in members[1:] for version in one.versions}
    known = {name for name, _ in found}
    definitions = [member.definition for member in members]
    for definition in definitions:
        for name, version in _named_in(definition):
            row = await window.storage.registered(name, version) if name not in known else None
            stored = None if row is None else await window.storage.definition(row.definition)
            if row is not None and stored is not None and (name, row.version) not in found:
                found[name, row.version] = stored.source
                definitions.append(await window.definitions.get(row.definition))
    return [(found[key], key[1]) for key in sorted(found)]


def _named_in(definition: Definition) -> Iterator[tuple[str, int | None]]:
    for one in definition.activities:
        if isinstance(one, Call) and one.variable is None and one.process.literal is not None:
            yield named(str(one.process.literal))


async def _member(window: Window, row: InstanceRow) -> Member:
    copy = await copy_of(window.storage, row.id)
    assert copy is not None, "it was found a moment ago"
    stored = await window.storage.definition(row.definition)
    assert stored is not None, "what an instance runs is stored with it"
    versions = [one.version for one in await window.storage.versions(row.process) if one.definition == row.definition]
    definition = await window.definitions.get(row.definition)
    history = await history_of(window.storage, row.id)
    return Member(row, copy, definition, stored.source, history, versions)


def _stamps(member: Member) -> Iterator[str]:
    """How the ids of instances begin that it may have called: with the time of the call."""
    calls = {one.index for one in member.definition.activities if isinstance(one, Call)}
    for row in member.history if calls else ():
        if row.activity in calls:
            yield from _around(decode(row.detail).get("since", row.at))
    for branch in member.copy.branches.values():
        for frame in branch.frames:
            if frame.activity in calls and frame.text:
                yield frame.text


def _around(at: float) -> Iterator[str]:
    milliseconds = int(at * 1000)
    for near in range(milliseconds - _NEAR, milliseconds + _NEAR + 1):
        yield near.to_bytes(_STAMP // 2).hex()
