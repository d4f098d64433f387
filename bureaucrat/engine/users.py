"""Which user of the broker answers for a participant.

Rules: the broker vouches for the user of a message (RabbitMQ, "Validated User-ID"), nobody else; a participant has the
user of the section with its own name, else that of the first section whose pattern its name fits.
"""

from __future__ import annotations

from dataclasses import dataclass

from .bounds import matching


@dataclass(frozen=True, slots=True)
class Users:
    """Of every participant.

    :param sections: pattern and user, in the order in which they were written.
    :param prefix: as in :class:`Bounds`.
    :param is_strict: whether every answer has to say who sends it.
    """

    sections: tuple[tuple[str, str], ...] = ()
    prefix: str = ""
    is_strict: bool = False

    def of(self, participant: str) -> str:
        """Who alone answers for it; empty: whoever was given the attempt."""
        return matching(self.sections, participant, self.prefix) or ""

    @property
    def all(self) -> frozenset[str]:
        """All that are named."""
        return frozenset(user for _, user in self.sections)
