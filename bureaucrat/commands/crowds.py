"""Participants that may not have all their attempts at once: who is kept back, and by what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..core.instance import Copy
from ..engine.bounds import Bound
from .story import Story
from .window import Window


@dataclass(frozen=True, slots=True)
class Crowd:
    """The attempts for one participant, some of which are kept back."""

    participant: str
    bound: Bound | None  #: None: it stands in settings that the command does not know
    in_flight: int
    kept: int

    @property
    def text(self) -> str:
        """``waits for a place: 20 of 20 in flight, 568 wait``"""
        bound, wait = self.bound or Bound(), f"{self.kept:,} wait"
        if bound.max_in_flight is not None and self.in_flight >= bound.max_in_flight:
            return f"waits for a place: {self.in_flight:,} of {bound.max_in_flight:,} in flight, {wait}"
        if bound.rate is not None:
            return f"waits for its turn: at most {bound.rate} leave, {wait}"
        return f"waits for a place: {self.in_flight:,} in flight, {wait}"

    def remedies(self, window: Window) -> list[tuple[str, str]]:
        """What would let it leave sooner."""
        serve = (window.broker_command("worker", "MODULE"), f"serve {self.participant}: its answers make places free")
        if self.bound is None:
            return [serve]
        change = f"shows the bound of {self.bound.place}; a change holds from the daemon's next start"
        return [serve, (window.broker_command("config"), change)]


async def crowds_of(window: Window) -> dict[str, Crowd]:
    """Every participant of which something is kept back."""
    asked = [name for name in await window.storage.asked() if name]
    if window.bounds:
        asked = [name for name in asked if window.bounds.of(name) is not None]
    counts = await window.storage.attempt_counts(asked)
    found: dict[str, Crowd] = {}
    for written, (number, kept) in counts.items():  # worker:x and x are one
        name = window.bounds.name(written)
        before = found.get(name) or Crowd(name, window.bounds.of(name), 0, 0)
        found[name] = Crowd(name, before.bound, before.in_flight + number - kept, before.kept + kept)
    return {name: crowd for name, crowd in found.items() if crowd.kept}


async def kept_back(window: Window, story: Story, copy: Copy, crowds: Mapping[str, Crowd]) -> dict[str, Crowd]:
    """The activities of one instance whose attempt is kept back, by address."""
    if not crowds:
        return {}
    unsent = await window.storage.outbox_of(copy.instance.id)
    found = {}
    for branch in copy.branches.values():
        crowd = crowds.get(window.bounds.name(unsent.get(branch.attempt or 0, "")))
        if crowd is not None:
            found[story.definition.address(copy.instance.id, branch.id, branch.frames[-1].activity)] = crowd
    return found
