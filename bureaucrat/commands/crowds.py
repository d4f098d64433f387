"""Participants that may not have all their attempts now: who is kept back, and by what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..core.instance import Copy
from ..engine.bounds import Bound
from ..ports import PauseRow
from .story import Story
from .window import Window
from .wording import Times, quoted


@dataclass(frozen=True, slots=True)
class Crowd:
    """The attempts for one participant, some of which are kept back."""

    participant: str
    bound: Bound | None  #: None: it stands in settings that the command does not know
    in_flight: int
    kept: int
    paused: str = ""  #: by whom, since when and why; empty: it is not

    @property
    def text(self) -> str:
        """``waits for a place: 20 of 20 in flight, 568 wait``"""
        bound, wait = self.bound or Bound(), f"{self.kept:,} wait"
        if self.paused:
            return f"{self.participant} is {self.paused}; {wait}"
        if bound.max_in_flight is not None and self.in_flight >= bound.max_in_flight:
            return f"waits for a place: {self.in_flight:,} of {bound.max_in_flight:,} in flight, {wait}"
        if bound.rate is not None:
            return f"waits for its turn: at most {bound.rate} leave, {wait}"
        return f"waits for a place: {self.in_flight:,} in flight, {wait}"

    def remedies(self, window: Window) -> list[tuple[str, str]]:
        """What would let it leave sooner."""
        if self.paused:
            return [(resume(window, self.participant), "let its attempts leave")]
        serve = (window.broker_command("worker", "MODULE"), f"serve {self.participant}: its answers make places free")
        if self.bound is None:
            return [serve]
        change = f"shows the bound of {self.bound.place}; a change holds from the daemon's next start"
        return [serve, (window.broker_command("config"), change)]


def resume(window: Window, participant: str) -> str:
    """The command that has a participant go on."""
    return window.command("participants", "resume", participant)


def paused_by(pause: PauseRow | None, times: Times) -> str:
    """``paused by bea@desk since 12:00:02: "the bank is down"``; nothing if it is not paused."""
    if pause is None:
        return ""
    reason = f": {quoted(pause.reason)}" if pause.reason else ""
    return f"paused by {pause.who} since {times.at(pause.since)}{reason}"


async def crowds_of(window: Window) -> dict[str, Crowd]:
    """Every participant of which something is kept back."""
    return {name: crowd for name, crowd in (await all_crowds(window)).items() if crowd.kept}


async def all_crowds(window: Window) -> dict[str, Crowd]:
    """Every participant that attempts are for, and that is bound or paused, as far as the settings are known."""
    pauses = {row.participant: paused_by(row, window.times) for row in await window.storage.pauses()}
    asked = [name for name in await window.storage.asked() if name]
    if window.bounds:
        bounds = window.bounds
        asked = [name for name in asked if bounds.of(name) is not None or bounds.name(name) in pauses]
    return await count_crowds(window, asked, pauses)


async def count_crowds(window: Window, asked: list[str], pauses: Mapping[str, str]) -> dict[str, Crowd]:
    """How many attempts these have, by participant as it is counted."""
    counts = await window.storage.attempt_counts(asked)
    found: dict[str, Crowd] = {}
    for written, (number, kept) in counts.items():  # worker:x and x are one
        name = window.bounds.name(written)
        before = found.get(name) or Crowd(name, window.bounds.of(name), 0, 0)
        paused = pauses.get(name, "")
        found[name] = Crowd(name, before.bound, before.in_flight + number - kept, before.kept + kept, paused)
    return found


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
