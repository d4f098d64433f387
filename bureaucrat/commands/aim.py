"""Which activation of an instance a command is for: the activity's id, its label, or its address.

Rules: nothing is guessed where more than one fits; the refusal names each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.activity import Activity, Place
from ..core.instance import Copy
from ..core.table import Definition
from ..definition.problems import did_you_mean
from ..ports import InstanceRow
from .stored import copy_of
from .window import Window

_HIDDEN = frozenset({"process", "case", "block"})
_MOST = 20  #: that one line names


@dataclass(frozen=True, slots=True)
class Spot:
    """One open activation."""

    branch: str
    activity: Activity
    address: str
    is_incident: bool
    is_leaf: bool
    is_item: bool  #: one of very many, of a parallel loop: without an incident only its address names it


class Missed(Exception):
    """The command fits no activation, or several; the text says which there are."""


async def incidents_in(window: Window, row: InstanceRow, word: str | None) -> list[Spot]:
    """The incidents to try again.

    :param word: one, as it was typed; None: all that are open.
    :raises Missed: there is none, or the word fits several.
    """
    spots = await _spots_of(window, row)
    if word is not None:
        return [_named_by(spots, word, row.id)]
    found = [spot for spot in spots if spot.is_incident]
    if not found:
        raise Missed("it has no open incident")
    return found


async def waiting_in(window: Window, row: InstanceRow, word: str | None) -> Spot:
    """The activation to complete by hand.

    :param word: as it was typed; None: the only incident, or the only one that waits.
    :raises Missed: there is none, or there are several.
    """
    spots = await _spots_of(window, row)
    if word is not None:
        return _named_by(spots, word, row.id)
    found = [spot for spot in spots if spot.is_incident] or [spot for spot in spots if spot.is_leaf]
    return _only(found, row.id)


def target_in(definition: Definition, word: str) -> Activity:
    """The activity of a definition that a word names: its id, its label or its address without the instance.

    :raises Missed: it has none, or several.
    """
    found = definition.named(word)
    if len(found) == 1:
        return found[0]
    if found:
        raise Missed(f"name one of {', '.join(f'{one.label} {one.path}' for one in found[:_MOST])}")
    known = [one.label for one in definition.activities if one.tag not in _HIDDEN]
    raise Missed(f"the process {definition.name!r} has no activity {word!r}{did_you_mean(word, known)}")


async def _spots_of(window: Window, row: InstanceRow) -> list[Spot]:
    if row.ended is not None:
        raise Missed(f"the instance is {row.status}")
    copy = await copy_of(window.storage, row.id)
    assert copy is not None, "it was found a moment ago"
    return _spots(copy, await window.definitions.get(row.definition))


def _spots(copy: Copy, definition: Definition) -> list[Spot]:
    found = []
    for branch in copy.branches.values():
        for frame in branch.frames:
            activity = definition.activities[frame.activity]
            address = definition.address(copy.instance.id, branch.id, frame.activity)
            is_leaf = frame is branch.frames[-1] and not frame.open
            is_item = Place(branch, frame).is_item
            found.append(Spot(branch.id, activity, address, bool(frame.incident), is_leaf, is_item))
    return found


def _fits(spot: Spot, word: str, instance: str) -> bool:
    if word in (spot.address, spot.address.removeprefix(instance) or "_"):
        return True
    return (spot.is_incident or not spot.is_item) and word in (spot.activity.id, spot.activity.label)


def _named_by(spots: Sequence[Spot], word: str, instance: str) -> Spot:
    found = [spot for spot in spots if _fits(spot, word, instance)]
    if not found:
        known = [spot for spot in spots if spot.activity.tag not in _HIDDEN]
        close = did_you_mean(word, [spot.activity.label for spot in known])
        raise Missed(f"{word!r} is not active{close}; active are {_named(known, instance)}")
    return _only(found, instance)


def _only(found: Sequence[Spot], instance: str) -> Spot:
    if len(found) == 1:
        return found[0]
    raise Missed(f"name one of {_named(found, instance)}")


def _named(spots: Sequence[Spot], instance: str) -> str:
    names = [f"{spot.activity.label} {spot.address.removeprefix(instance) or '_'}" for spot in spots]
    more = [f"{len(names) - _MOST:,} more"] if len(names) > _MOST else []
    return ", ".join(names[:_MOST] + more)
