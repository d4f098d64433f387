"""What storage knows of attempts that wait for an answer, participant by participant."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from ..ports import AttemptRow, Storage

_PAGE = 1_000  #: rows that are read at a time


async def attempts_of(storage: Storage, participants: Iterable[str]) -> AsyncIterator[AttemptRow]:
    """The attempts that branches wait for of these participants, and no others'."""
    for name in participants:
        rows = await storage.attempts(_PAGE, AttemptRow(name, "", "", 0))
        while rows and rows[0].participant == name:
            for row in rows:
                if row.participant == name:
                    yield row
            rows = await storage.attempts(_PAGE, rows[-1])
