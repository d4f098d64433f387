"""Which instance is meant: by its id, any unique prefix of it, its business key, or ``name=value``.

Rules: a whole id is that instance; a business key comes before a prefix, an unfinished instance before one that has
ended; nothing is guessed: what fits several is answered with all of them, what fits none with what is nearest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..definition.problems import closest
from ..ports import InstanceQuery, InstanceRow
from .failure import Exit, Failure
from .window import Window

_MOST_SHOWN = 10
_RECENT = 1000  #: instances among which a near name is looked for
_SHORTEST = 14  #: digits of an id: the milliseconds are in the first twelve


async def find(window: Window, wanted: str) -> InstanceRow:
    """The one instance that is meant.

    :raises Failure: there is none, or there are several.
    """
    exact = await window.storage.instance(wanted)
    if exact is not None:
        return exact
    found = await _by_key(window, wanted) or await _by_name(window, wanted) or await _by_prefix(window, wanted)
    if len(found) == 1:
        return found[0]
    if found:
        lines = [f"{wanted!r} fits {'more than ten' if len(found) > _MOST_SHOWN else len(found)} instances; name one:"]
        raise Failure(Exit.REFUSED, *lines, *(_candidate(window, row) for row in found[:_MOST_SHOWN]))
    near = closest(wanted, await _recent_names(window))
    known = (
        f"did you mean   {window.command('show', near)}" if near else f"see            {window.command('ps', '--all')}"
    )
    raise Failure(Exit.REFUSED, f"no instance has an id or a business key {wanted!r}", known)


async def _by_key(window: Window, key: str) -> list[InstanceRow]:
    for is_unfinished in (True, False):
        query = InstanceQuery(business_key=key, unfinished=is_unfinished, limit=_MOST_SHOWN + 1)
        found = await window.storage.instances(query)
        if found:
            return found
    return []


async def _by_name(window: Window, wanted: str) -> list[InstanceRow]:
    """``order_id=1017``: a business key, with the property that gives it; or ``order=1017``, with its process."""
    name, equals, key = wanted.partition("=")
    if not equals:
        return []
    return [row for row in await _by_key(window, key) if name in await _names_of(window, row)]


async def _names_of(window: Window, row: InstanceRow) -> frozenset[str]:
    value = (await window.definitions.get(row.definition)).business_key
    names = frozenset() if value is None or value.expression is None else value.expression.names
    return names | {row.process}


async def _by_prefix(window: Window, prefix: str) -> list[InstanceRow]:
    return await window.storage.instances(InstanceQuery(prefix=prefix, limit=_MOST_SHOWN + 1)) if prefix else []


async def _recent_names(window: Window) -> list[str]:
    rows = await window.storage.instances(InstanceQuery(limit=_RECENT))
    return [row.business_key or row.id for row in rows]


def _candidate(window: Window, row: InstanceRow) -> str:
    key = f"   key {row.business_key}" if row.business_key else ""
    return f"{row.id}   {row.process}   {row.status}{key}   started {window.times.at(row.started)}"


def names(rows: Sequence[InstanceRow]) -> dict[str, str]:
    """What each instance is called in a list, by id: its business key, or as much of its id as tells it apart."""
    keys = [row.business_key for row in rows]
    ids = [row.id for row in rows]
    return {
        row.id: row.business_key if row.business_key and keys.count(row.business_key) == 1 else prefix(row.id, ids)
        for row in rows
    }


def prefix(id: str, others: Iterable[str]) -> str:
    """The first digits of an id that none of the others begins with, 14 at least."""
    same = [_common(id, other) for other in others if other != id]
    return id[: max([_SHORTEST, *(length + 1 for length in same)])]


def _common(one: str, other: str) -> int:
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
