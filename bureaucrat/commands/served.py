"""Who serves what: each participant with its queue, its attempts, its bound, and what of it fails.

Rules: a participant is listed if a definition that is registered or runs names it, if attempts are for it, or if it is
paused; however it is written, it is one. What an expression will name is not known before an attempt is for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from ..core.activities import Action
from ..core.states import State
from ..definition.problems import InvalidDefinition
from ..engine.bounds import Bound
from ..engine.codec import leaf_of
from ..engine.pausing import named
from ..errors import UnknownDefinition
from ..ports import BranchRow, DestinationRow, PauseRow
from ..stores import kind_of, queue_of_kind
from .crowds import count_crowds
from .standing import queues_of
from .window import Window

_LOOKED_AT = 10_000  #: timers, the earliest ones, among which attempts that are to be tried again are looked for
_PAGE = 1_000


@dataclass(slots=True)
class Served:
    """One participant."""

    name: str
    kind: str
    queue: str | None  #: None: it is not known where its attempts go
    processes: Sequence[str]  #: whose definitions name it
    shown: DestinationRow | None  #: what the broker last showed of the queue
    bound: Bound | None
    in_flight: int = 0
    waiting: int = 0  #: attempts that wait for leave
    retrying: int = 0
    incidents: int = 0
    pause: PauseRow | None = None

    def silent_since(self, window: Window) -> float | None:
        """Since when nobody has consumed its queue, if that is long."""
        since = None if self.shown is None else self.shown.silent_since
        return None if since is None or window.now - since < window.stalled_after else since


@dataclass(slots=True)
class _Failing:
    retrying: Counter[str] = field(default_factory=Counter)
    incidents: Counter[str] = field(default_factory=Counter)


async def all_served(window: Window) -> list[Served]:
    """Every participant, by name."""
    bounds, queues = window.bounds, await queues_of(window)
    processes = await named(window.storage, window.definitions, bounds)
    pauses = {row.participant: row for row in await window.storage.pauses()}
    asked = [name for name in await window.storage.asked() if name]
    crowds = await count_crowds(window, asked, {})
    failing = await _failing(window)
    found = []
    for name in sorted({*processes, *pauses, *crowds}):
        crowd = crowds.get(name)
        one = _at(name, queues, processes.get(name, ()), bounds.of(name))
        one.in_flight, one.waiting = (0, 0) if crowd is None else (crowd.in_flight, crowd.kept)
        one.retrying, one.incidents = failing.retrying[name], failing.incidents[name]
        one.pause = pauses.get(name)
        found.append(one)
    return found


def _at(name: str, queues: Mapping[str, DestinationRow], processes: Sequence[str], bound: Bound | None) -> Served:
    kind = kind_of(name, queues)
    queue = queue_of_kind(kind, name, queues)
    return Served(name, kind, queue, processes, queues.get(queue or ""), bound)


async def _failing(window: Window) -> _Failing:
    """How many attempts are to be tried again, and how many activities rest as incidents, by participant.

    Of an incident whose participant an expression names it is not known whose it is.
    """
    found = _Failing()
    for cause in await window.storage.causes():
        activity = await _action(window, cause.definition, cause.activity)
        if activity is not None and activity.participant.expression is None:
            found.incidents[window.bounds.name(str(activity.participant.literal))] += cause.number
    due = await window.storage.due(inf, _LOOKED_AT)
    for start in range(0, len(due), _PAGE):
        page = due[start : start + _PAGE]
        batch = window.storage.batch()
        loaded = await batch.load([(one.instance, [one.branch]) for one in page])
        rows = await batch.lock([one.instance for one in page])
        for branch in loaded.branches:
            if branch.attempt is None and branch.instance in rows:
                found.retrying.update(await _retrying(window, branch, rows[branch.instance].definition))
    return found


async def _retrying(window: Window, branch: BranchRow, definition: str) -> list[str]:
    """The participant that a branch will ask again, if that is what it waits for."""
    leaf = leaf_of(branch)
    if leaf is None or leaf.state is not State.RETRYING:
        return []
    activity = await _action(window, definition, leaf.activity)
    return [] if activity is None else [window.bounds.name(activity.sent_to(leaf))]


async def _action(window: Window, definition: str, number: int) -> Action | None:
    try:
        found = (await window.definitions.get(definition)).activities[number]
    except (UnknownDefinition, InvalidDefinition):
        return None
    return found if isinstance(found, Action) else None
