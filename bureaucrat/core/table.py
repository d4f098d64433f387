"""A definition as the core sees it: a flat table of activities, found by index or by path, never by searching."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from .activity import Activity, Value
from .triggers import CronStart, EventStart

_ITEM = re.compile(r"\.\d+")
_STEP = re.compile(r"(?=[_.])")


def static_path(dynamic: str) -> str:
    """A path as the definition knows it, without the numbers of items."""
    return _ITEM.sub("", dynamic)


def numbers_in(dynamic: str) -> list[str]:
    """The numbers of items and compensations in a path."""
    return [found[1:] for found in _ITEM.findall(dynamic)]


def branches_around(branch: str) -> list[str]:
    """Ids of a branch and of all that could be around it, outermost first; not all of them exist."""
    return list(accumulate(_STEP.split(branch)))


class Address(NamedTuple):
    """An activation's place: branch, and activity in it."""

    branch: str
    activity: int


@dataclass(frozen=True, slots=True)
class Definition:
    """One process definition, read and checked."""

    name: str
    hash: str  #: SHA-256 of the canonical form, hexadecimal
    source: str  #: the document
    activities: tuple[Activity, ...]  #: number 0 is the process
    paths: dict[str, int]  #: path (``_2_0``) -> index
    ids: dict[str, int]  #: id attribute -> index
    business_key: Value | None = None
    unique: bool = False
    schedules: tuple[CronStart, ...] = ()
    event_starts: tuple[EventStart, ...] = ()
    file: str = "<definition>"

    def missing(self, fields: dict[str, object]) -> list[str]:
        """Names of required properties that a start with `fields` does not give (L15)."""
        return [p.name for p in self.activities[0].scope or () if p.required and p.name not in fields]

    def named(self, word: str) -> list[Activity]:
        """What a word of a person means: the activity with that id, or at that path; else all with that label."""
        index = self.ids.get(word, self.paths.get(word))
        if index is not None:
            return [self.activities[index]]
        return [one for one in self.activities if one.label == word]

    def locate(self, dynamic: str) -> Address | None:
        """Find what an address means.

        :param dynamic: the address without its instance: ``_2.5_0_1``, empty for the process.
        :returns: None if the definition has no such place.
        """
        index = self.paths.get(static_path(dynamic))
        if index is None:
            return None
        if "." in dynamic.rpartition("_")[2]:
            return Address(dynamic, index)
        parts = dynamic.count("_")
        below = self.activities[index].tail.count("_")
        keep = parts - below
        branch = "_".join(dynamic.split("_")[: keep + 1])
        return Address(branch, index)

    def address_in(self, index: int, numbers: Sequence[str]) -> str:
        """The address of an activity, without the instance, in items and compensations of these numbers."""
        around: list[Activity] = []
        while index >= 0:
            around.append(self.activities[index])
            index = around[-1].parent
        found, path, left = "", "", list(numbers)
        for activity in reversed(around):
            found += activity.path.removeprefix(path)
            path = activity.path
            if left and (activity.forks_items or activity.holds_snapshot):
                found += f".{left.pop(0)}"
        return found

    def numbered(self, index: int) -> list[int]:
        """What around an activity, and it too, has numbers in addresses, outermost first."""
        found: list[int] = []
        while index >= 0:
            if self.activities[index].forks_items or self.activities[index].holds_snapshot:
                found.insert(0, index)
            index = self.activities[index].parent
        return found

    def root_of(self, branch: str) -> Activity:
        """The activity that a branch begins with."""
        return self.activities[self.paths[static_path(branch)]]

    def address(self, instance: str, branch: str, activity: int) -> str:
        """The full address of an activity in a branch of an instance (L1)."""
        known = self.activities[activity]
        if known.forks_items and static_path(branch) == known.path:
            return instance + branch  # an item: the first of its branch
        return instance + branch + known.tail
