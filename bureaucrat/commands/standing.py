"""Where an instance stands: its state, at which activity, what it waits for and since when.

Rules: of many instances all is read with as few queries as there can be; what wakes an activity is said, or why nothing
will.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ..core.activities import Action, Foreach
from ..core.context import SELECTION
from ..core.instance import Copy
from ..engine.codec import add_loaded, decode_instance
from ..ports import DestinationRow, IncidentRow, InstanceRow, Loaded
from ..stores import destination_of
from .crowds import Crowd, crowds_of, kept_back
from .plain import waiting
from .rows import Mark, Row
from .story import Story
from .why import why
from .window import Window
from .wording import rough


class Word(StrEnum):
    """What a list says about an unfinished instance; of one that has ended it says the status."""

    INCIDENT = "INCIDENT"
    STALLED = "STALLED"
    SUSPENDED = "suspended"
    COMPENSATING = "compensating"
    RUNNING = "running"
    RETRYING = "retrying"
    WAITING = "waiting"


@dataclass(slots=True)
class Standing:
    """Where one instance stands."""

    row: InstanceRow
    word: str
    since: float  #: epoch seconds
    at: str = ""
    waits: str = ""
    incidents: list[IncidentRow] = field(default_factory=list)
    stalled: list[Row] = field(default_factory=list)
    paused: str = ""  #: the participant that is paused, if that is what it waits for


async def standings(window: Window, rows: Sequence[InstanceRow]) -> list[Standing]:
    """Of several instances."""
    queues, crowds = await queues_of(window), await crowds_of(window)
    copies = await _copies(window, [row for row in rows if row.ended is None])
    return [await _standing(window, row, copies.get(row.id), queues, crowds) for row in rows]


async def queues_of(window: Window) -> dict[str, DestinationRow]:
    """What is known of the queues that attempts are sent to."""
    return {one.name: one for one in await window.storage.destinations()}


async def _copies(window: Window, rows: Sequence[InstanceRow]) -> dict[str, Copy]:
    loaded = await window.storage.batch().load([(row.id, None) for row in rows])
    own = {row.id: Loaded() for row in rows}
    for branch in loaded.branches:
        own[branch.instance].branches.append(branch)
    for value in loaded.values:
        own[value.instance].values.append(value)
    copies = {row.id: Copy(decode_instance(row)) for row in rows}
    for id, copy in copies.items():
        add_loaded(copy, own[id])
    return copies


async def _standing(
    window: Window,
    row: InstanceRow,
    copy: Copy | None,
    queues: Mapping[str, DestinationRow],
    crowds: Mapping[str, Crowd],
) -> Standing:
    if copy is None:
        return Standing(row, row.status, row.ended or row.started, f"outcome {row.outcome}" if row.outcome else "")
    definition = await window.definitions.get(row.definition)
    story = Story(row.id, definition, row.business_key, row.started)
    story.restore([], copy)
    incidents = await window.storage.incidents(row.id) if row.incidents else []
    story.look_ahead(copy, await window.storage.waits_of(row.id), incidents)
    kept = await kept_back(window, story, copy, crowds)
    return judged(window, row, story, copy, incidents, queues, kept)


def judged(
    window: Window,
    row: InstanceRow,
    story: Story,
    copy: Copy,
    incidents: list[IncidentRow],
    queues: Mapping[str, DestinationRow],
    kept: Mapping[str, Crowd],
) -> Standing:
    """What is said of an unfinished instance.

    :param kept: the activities whose attempt is kept back, by address.
    """
    active, now = story.open_rows(), window.now
    stalled = [one for one in active if is_stalled(window, one, queues) and not _is_paused(one, kept)]
    if incidents:
        first = incidents[0]
        activity = story.definition.activities[first.activity]
        at = activity.label + _more(max(len(incidents), len(active)))
        return Standing(row, Word.INCIDENT, first.opened, at, why(activity, first), incidents, stalled)
    if not active:  # between two activities, as right after a start
        return Standing(row, _word(row, [], stalled), row.started)
    one = stalled[0] if stalled else min(active, key=_urgency)
    at = f"{one.label}{_attempts(one)}{_item(story, copy, one)}{_more(len(active))}"
    waits = _waits(row, one, stalled, queues, kept, now)
    paused = kept[one.address].participant if _is_paused(one, kept) else ""
    return Standing(row, _word(row, active, stalled), one.since, at, waits, [], stalled, paused)


def _is_paused(row: Row, kept: Mapping[str, Crowd]) -> bool:
    """Whether its attempt waits for a person who resumes its participant."""
    return row.address in kept and bool(kept[row.address].paused)


def _word(row: InstanceRow, active: Sequence[Row], stalled: Sequence[Row]) -> Word:
    if stalled:
        return Word.STALLED
    if row.status == "suspended":
        return Word.SUSPENDED
    if row.status == "compensating":
        return Word.COMPENSATING
    marks = {one.mark for one in active}
    if Mark.ACTIVE in marks or not marks:
        return Word.RUNNING
    return Word.RETRYING if Mark.RETRYING in marks else Word.WAITING


def _urgency(row: Row) -> tuple[int, float]:
    return (Mark.INCIDENT, Mark.RETRYING, Mark.ACTIVE, Mark.WAITING).index(row.mark), row.since


def _attempts(row: Row) -> str:
    return f" {row.tries}/{row.of}" if row.of > 1 and row.tries else ""


def _item(story: Story, copy: Copy, row: Row) -> str:
    """Which item of the ``foreach`` around it."""
    activities, around = story.definition.activities, row.activity.parent
    while around >= 0 and not isinstance(activities[around], Foreach):
        around = activities[around].parent
    for branch in copy.branches.values():
        frame, kept = branch.frame_of(around), branch.scopes.get(~around)
        if frame is not None and kept is not None and SELECTION in kept.values:
            return f" {frame.turn:,}/{len(kept.values[SELECTION]):,}"
    return ""


def _more(active: int) -> str:
    return f" +{active - 1}" if active > 1 else ""


def _waits(
    row: InstanceRow,
    one: Row,
    stalled: Sequence[Row],
    queues: Mapping[str, DestinationRow],
    kept: Mapping[str, Crowd],
    now: float,
) -> str:
    queue = destination_of(one.participant, queues) if stalled else None
    if queue is not None:
        return silence(queue, now)
    if row.status == "suspended":
        return f"resume; {row.held:,} kept back" if row.held else "resume"
    if one.address in kept:
        return kept[one.address].text
    return waiting(one, now)


def is_stalled(window: Window, row: Row, queues: Mapping[str, DestinationRow]) -> bool:
    """Whether it waits for an answer through a queue that nobody has consumed for a while."""
    if not isinstance(row.activity, Action) or row.mark is not Mark.ACTIVE:
        return False
    known = destination_of(row.participant, queues)
    if known is None or known.silent_since is None:
        return False
    return window.now - known.silent_since >= window.stalled_after


def silence(queue: DestinationRow, now: float) -> str:
    """``no consumer on queue worker_ship for 6 m``"""
    return f"no consumer on queue {queue.name} for {rough(now - (queue.silent_since or now))}"
