"""What may be wrong with the history of an instance that keeps all of it."""

from __future__ import annotations

from ..core.instance import ROOT
from ..core.limits import Limits
from ..engine.definitions import Definitions
from ..engine.picture import Picture, pictures
from ..ports import Storage
from .findings import Finding, Remedy, Severity
from .replay import differences, replayed

_LONGEST = 1_000_000  #: entries; a longer history is not applied again


async def of_history(
    picture: Picture, storage: Storage, definitions: Definitions, limits: Limits
) -> tuple[list[Finding], bool]:
    """What is wrong, and whether the history was applied again."""
    if not _is_full(picture):
        return [], False
    found = _gaps(picture)
    if found or picture.copy is None or ROOT not in picture.copy.branches or picture.copy.instance.recorded > _LONGEST:
        return found, False
    problem = await _differs(picture, storage, definitions, limits)
    if problem:  # a moment later it may be gone, or have lost what is old
        second = (await pictures(storage, definitions, [picture.id]))[picture.id]
        is_there = _is_full(second) and second.copy is not None and ROOT in second.copy.branches
        problem = await _differs(second, storage, definitions, limits) if is_there and not _gaps(second) else ""
    if not problem:
        return [], True
    look = Remedy(("show", picture.id, "--history"), "shows what has happened")
    return [Finding("replay", Severity.BROKEN, problem, picture.id, (look,))], True


def _is_full(picture: Picture) -> bool:
    """Whether its history is kept from the first input on."""
    span = picture.span
    return span is not None and (span.first, span.begins) == (1, "input") and picture.copy is not None


def _gaps(picture: Picture) -> list[Finding]:
    span, copy = picture.span, picture.copy
    assert span is not None, "it was looked at"
    assert copy is not None, "it was looked at"
    missing = copy.instance.recorded - span.rows
    if not missing:
        return []
    what = f"{missing:,} of the {copy.instance.recorded:,} entries of its history are missing"
    text = f"{what}, unless [bureaucrat] history was changed while it ran; it cannot be applied again"
    return [Finding("history", Severity.ATTENTION, text, picture.id, (Remedy(("show", picture.id, "--history")),))]


async def _differs(picture: Picture, storage: Storage, definitions: Definitions, limits: Limits) -> str:
    assert picture.copy is not None, "it was read"
    try:
        again = await replayed(picture.copy.instance, storage, definitions, limits)
    except Exception as error:  # whatever it is: of a damaged history anything can be raised
        what = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return f"its history cannot be applied again: {what}"
    odd = differences(picture.copy, again)
    return f"its history, applied again, gives another state: {', '.join(odd[:8])} differ" if odd else ""
