"""What is forgotten, and in which order: the same for every database.

Rules: an instance's guard row goes last, when nothing else of it is left; an event goes together with the memory of
whom it has woken, or it would wake them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, takewhile

LIMIT = 1000  #: rows of a table, each time

#: the statements of ``prune.sql``, in order
NAMES = (
    *("branches", "values", "waits", "remembered", "mail", "consumed", "incidents", "history", "instances"),
    *("old_history", "woken", "event_keys", "events", "old_inbox", "old_dead"),
)


def fitting(found: Sequence[tuple[int, int]]) -> list[int]:
    """The oldest events that have woken no more than the limit together; one in any case.

    :param found: their numbers, each with how many awaits it has woken.
    """
    sums = accumulate(woken for _, woken in found)
    few = takewhile(lambda pair: pair[1] <= LIMIT, zip(found, sums, strict=True))
    return [number for (number, _), _ in few] or [number for number, _ in found[:1]]
