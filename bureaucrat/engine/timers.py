"""Timers that fall due soon, in memory. The rows are the truth; this only makes them punctual."""

from __future__ import annotations

import heapq

from ..ports import Due


class Agenda:
    """Branches by the time of their earliest timer."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str, str]] = []
        self._known: dict[tuple[str, str], float] = {}
        self.loaded_until = 0.0  #: every stored timer due before it is in here

    def note(self, at: float | None, instance: str, branch: str, until: float) -> None:
        """A branch is due at `at` (epoch seconds); replaces what was known of it. Later than `until` is not kept."""
        if at is None or at > until:
            self._known.pop((instance, branch), None)
        elif self._known.get((instance, branch)) != at:
            self._known[instance, branch] = at
            heapq.heappush(self._heap, (at, instance, branch))

    def knows(self, due: Due) -> bool:
        """Whether a branch is noted for this time."""
        return self._known.get((due.instance, due.branch)) == due.at

    def next(self) -> float | None:
        """When the earliest is due."""
        self._tidy()
        return self._heap[0][0] if self._heap else None

    def due(self, now: float, limit: int) -> list[tuple[float, str, str]]:
        """Take out what is due, earliest first. A timer never fires early (L5)."""
        taken: list[tuple[float, str, str]] = []
        while len(taken) < limit:
            self._tidy()
            if not self._heap or self._heap[0][0] > now:
                break
            at, instance, branch = heapq.heappop(self._heap)
            del self._known[instance, branch]
            taken.append((at, instance, branch))
        return taken

    def _tidy(self) -> None:
        while self._heap and self._known.get(self._heap[0][1:]) != self._heap[0][0]:
            heapq.heappop(self._heap)
