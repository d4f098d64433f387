"""How many attempts a participant may have in flight, and how many may leave for it in a second, minute or hour.

Rules: a participant has the bound of the section with its own name, else that of the first section whose pattern its
name fits (``*`` is any text, ``?`` any character). Every participant that fits a pattern is counted for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeVar

Given = TypeVar("Given")


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in any span of so many seconds."""

    most: int
    seconds: float

    def __str__(self) -> str:
        units = {1.0: "s", 60.0: "m", 3600.0: "h"}
        return f"{self.most:,}/{units.get(self.seconds, f'{self.seconds:g} s')}"


@dataclass(frozen=True, slots=True)
class Bound:
    """What one participant is given at most; None: as much as there is."""

    max_in_flight: int | None = None
    rate: Rate | None = None
    place: str = ""  #: where to change it


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of every participant.

    :param sections: pattern and bound, in the order in which they were written.
    :param prefix: of the kind that serves names without a prefix, too: with it and without, it is one participant.
    """

    sections: tuple[tuple[str, Bound], ...] = ()
    prefix: str = ""

    def __bool__(self) -> bool:
        return bool(self.sections)

    def name(self, participant: str) -> str:
        """What a participant is counted under."""
        return participant.removeprefix(self.prefix)

    def of(self, participant: str) -> Bound | None:
        """The bound of a participant, if it has one."""
        return matching(self.sections, participant, self.prefix)


def matching(sections: Sequence[tuple[str, Given]], participant: str, prefix: str) -> Given | None:
    """What the section says that counts for a participant; None if there is none."""
    name = participant.removeprefix(prefix)
    patterns = [(pattern.removeprefix(prefix), given) for pattern, given in sections]
    own = next((given for pattern, given in patterns if pattern == name), None)
    return own or next((given for pattern, given in patterns if fnmatchcase(name, pattern)), None)
