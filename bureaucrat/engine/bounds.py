"""How many attempts a participant may have in flight, and how many may leave for it in a second, minute or hour.

Rules: a participant has the bound of the section with its own name, else that of the first section whose pattern its
name fits (``*`` is any text, ``?`` any character). Every participant that fits a pattern is counted for itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


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
        name = self.name(participant)
        patterns = [(self.name(pattern), bound) for pattern, bound in self.sections]
        own = next((bound for pattern, bound in patterns if pattern == name), None)
        return own or next((bound for pattern, bound in patterns if fnmatchcase(name, pattern)), None)
