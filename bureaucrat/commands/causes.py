"""Incidents by cause: what is the same in many of them is shown once, and can be named by one word.

Rules: a cause is process, activity, kind, code and message; the instance, the item and the definition's version are
not part of it. Its name is a digest of these, so it stays the same from one look to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from ..core.table import static_path
from ..ports import Cause, IncidentRow
from .failure import Exit, Failure
from .window import Window
from .wording import one_line

_DIGITS = 4  # of the digest, at least


@dataclass(slots=True)
class Group:
    """Open incidents of one cause."""

    name: str
    parts: list[Cause]  #: one for each definition's version

    @property
    def newest(self) -> Cause:
        return max(self.parts, key=lambda part: part.last)

    @property
    def number(self) -> int:
        return sum(part.number for part in self.parts)

    @property
    def first(self) -> float:
        return min(part.first for part in self.parts)

    @property
    def last(self) -> float:
        return max(part.last for part in self.parts)

    @property
    def text(self) -> str:
        """``carrier: 503 Service Unavailable``, with its code if that says more."""
        one = self.newest
        message = one_line(one.message)
        return message if one.kind == "unroutable" or one.code == "ActionError" else f"{one.code}: {message}"


async def groups(window: Window) -> list[Group]:
    """All causes, the most frequent first."""
    found: dict[str, list[Cause]] = {}
    for cause in await window.storage.causes():
        found.setdefault(_digest(cause), []).append(cause)
    length = _DIGITS
    while len({digest[:length] for digest in found}) < len(found):
        length += 1
    made = [Group("c" + digest[:length], parts) for digest, parts in found.items()]
    return sorted(made, key=lambda group: (-group.number, -group.last, group.name))


async def group_of(window: Window, name: str) -> Group:
    """The cause of that name.

    :raises Failure: there is none, or there are several.
    """
    everything = await groups(window)
    found = [group for group in everything if group.name.startswith(name)] if len(name) > 1 else []
    if len(found) == 1:
        return found[0]
    see = f"see   {window.command('ps', '--incidents')}"
    if found:
        raise Failure(Exit.REFUSED, f"{name!r} fits {len(found)} causes: {', '.join(one.name for one in found)}", see)
    raise Failure(Exit.REFUSED, f"no open incident has the cause {name!r}", see)


async def incidents_of(window: Window, group: Group, limit: int) -> list[IncidentRow]:
    """Open incidents of a cause, in the order they were opened."""
    found: list[IncidentRow] = []
    for part in group.parts:
        found += await window.storage.incidents_of(part, limit)
    return sorted(found, key=lambda row: (row.opened, row.instance, row.number))[:limit]


def _digest(cause: Cause) -> str:
    same: Sequence[str] = (cause.process, place(cause), cause.kind, cause.code, cause.message)
    return sha256("\0".join(same).encode("utf-8", "surrogatepass")).hexdigest()


def place(cause: Cause) -> str:
    """The activity's address without the instance and the numbers of items."""
    return static_path(cause.address.removeprefix(cause.instance))
