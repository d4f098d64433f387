"""What may be wrong with one instance, and with those it has to do with.

Rules: an instance is judged on what one moment sees of it, of its caller and of what it has called; what can be derived
is mended by an order (:mod:`bureaucrat.engine.mending`), of the rest a command is named that starts the activity again
or ends it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from ..core.messages import Cancel
from ..core.states import Status
from ..engine import anatomy
from ..engine.definitions import Definitions
from ..engine.mending import mend, published
from ..engine.picture import Note, Picture, pictures
from ..ports import InstanceQuery, Storage
from .findings import Finding, Remedy, Severity

_MEND = Remedy(says="derives it anew, in a transaction of the daemon")
_RESTORE = "restore a backup of the database (docs/operations.rst, Backup)"


@dataclass(frozen=True, slots=True)
class Means:
    """What judging needs."""

    storage: Storage
    definitions: Definitions
    now: float
    silent: Collection[str] = ()  #: participants whose queue is empty and has had no consumer for long


async def judged(means: Means, ids: Sequence[str]) -> dict[str, tuple[Picture, list[Finding]]]:
    """These instances with what is wrong with each."""
    seen = await pictures(means.storage, means.definitions, ids)
    near = {other for picture in seen.values() for other in _relations(picture)}
    if near:  # again, together with those: a moment later it may be another state
        seen = await pictures(means.storage, means.definitions, list(dict.fromkeys([*ids, *sorted(near)])))
    found = {}
    for id in ids:
        findings = [*await _unique(means, seen[id]), *_judged(means, seen[id], seen)]
        found[id] = seen[id], findings
    return found


def _relations(picture: Picture) -> list[str]:
    copy = picture.copy
    if copy is None or copy.instance.has_ended:
        return []
    caller = copy.instance.caller
    return [*anatomy.calls(picture), *([] if caller is None else [caller.instance])]


def _judged(means: Means, picture: Picture, seen: dict[str, Picture]) -> Iterator[Finding]:
    if picture.unreadable:
        yield from (broken(picture, one, Remedy(says=_RESTORE)) for one in picture.unreadable)
        return
    if picture.copy is not None and picture.definition is not None:
        odd = anatomy.structure(picture)
        yield from (broken(picture, one, *_giving_up(picture)) for one in odd)
        if odd:
            return
        yield from (broken(picture, one, *_by_hand(picture, one)) for one in anatomy.lost(picture))
        yield from (broken(picture, one, *_by_hand(picture, one)) for one in anatomy.stuck(picture, seen))
        yield from _fixed(picture)
        yield from _uncalled(picture, seen)
        yield from _unheard(means, picture)
    for one in mend(picture, seen, means.now).notes:
        severity = Severity.ATTENTION if one.check in ("strays", "ended", "outbox") else Severity.BROKEN
        yield Finding(one.check, severity, one.text, picture.id, (_MEND,), is_mendable=True)


def broken(picture: Picture, one: Note, *remedies: Remedy) -> Finding:
    """A finding that no order mends."""
    return Finding(one.check, Severity.BROKEN, one.text, picture.id, remedies)


def _by_hand(picture: Picture, one: Note) -> tuple[Remedy, ...]:
    """What a person can do about one activity, or about the whole."""
    if not one.word or picture.copy is None or picture.copy.instance.has_ended:
        return _giving_up(picture)
    if one.word == "_":
        return _giving_up(picture)
    again = ("move", picture.id, "--end", one.word, "--start", one.start)
    return Remedy(again, "begins it again"), Remedy(("skip", picture.id, one.word), "completes it by hand")


def _giving_up(picture: Picture) -> tuple[Remedy, ...]:
    if picture.copy is None or picture.copy.instance.has_ended:
        return (Remedy(says=_RESTORE),)
    return Remedy(says=_RESTORE), Remedy(("cancel", picture.id), "or gives it up")


def _fixed(picture: Picture) -> Iterator[Finding]:
    """What of the guard row no engine ever changes."""
    row, copy = picture.row, picture.copy
    assert row is not None, "it was read"
    assert copy is not None, "it was read"
    of = copy.instance
    pairs = {"process": (row.process, of.process), "started": (row.started, of.started)}
    pairs["is_unique"] = row.is_unique, of.unique
    for name, (was, is_) in pairs.items():
        if was != is_:
            text = f"it is found by {name} {was!r}, and its state says {is_!r}"
            yield Finding("columns", Severity.ATTENTION, text, picture.id, _giving_up(picture))


def _uncalled(picture: Picture, seen: dict[str, Picture]) -> Iterator[Finding]:
    """Whether whoever called it still waits for it."""
    copy = picture.copy
    assert copy is not None, "it was read"
    caller = copy.instance.caller
    if caller is None or copy.instance.has_ended or copy.instance.status is Status.COMPENSATING:
        return
    if any(isinstance(getattr(message, "message", message), Cancel) for _, message in picture.mail):
        return
    other = seen.get(caller.instance)
    if other is not None and other.row is not None and (other.copy is None or other.definition is None):
        return  # it is told of itself
    if other is None or other.copy is None:
        problem = "is not there"
    elif other.copy.instance.has_ended:
        problem = f"is {other.copy.instance.status.value}"
    elif any(
        frame.activation == caller.activation and frame.text == picture.id
        for branch in other.copy.branches.values()
        for frame in branch.frames
    ):
        return
    else:
        problem = "waits for it no longer"
    remedy = Remedy(("cancel", picture.id), "ends it, as its caller would have")
    text = f"it was called by {caller.instance}, which {problem}"
    yield Finding("calls", Severity.BROKEN, text, picture.id, (remedy,))


def _unheard(means: Means, picture: Picture) -> Iterator[Finding]:
    """Attempts that are in no queue and with nobody."""
    for branch, attempt in published(picture):
        participant = picture.branches[branch].participant
        if participant and participant in means.silent:
            text = f"its attempt {attempt} for {participant} is in no queue, and nobody is there who could have it"
            remedy = Remedy(says="sends it again, with the same key and token")
            yield Finding("attempts", Severity.ATTENTION, text, picture.id, (remedy,), is_mendable=True, resends=True)


async def _unique(means: Means, picture: Picture) -> list[Finding]:
    """Whether another unfinished instance has its unique key."""
    row = picture.row
    if row is None or row.claim is None or row.ended is not None:
        return []
    query = InstanceQuery(process=row.process, business_key=row.business_key, unfinished=True, limit=3)
    others = [one.id for one in await means.storage.instances(query) if one.is_unique and one.id < row.id]
    if not others:
        return []
    text = f"its key {row.business_key} is unique in {row.process}, and the unfinished instance {others[0]} has it, too"
    return [Finding("unique", Severity.BROKEN, text, row.id, (Remedy(("cancel", row.id), "ends the newer one"),))]
