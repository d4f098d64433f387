"""Which activation an input is for.

Rules: an input names a place, and a number that no other activation or attempt of the instance has. Where the instance
has migrated since it was sent, the place may be another's, and the number finds it (L112); what came without a token
has no number, and is for the definition that it was addressed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .activity import Place
from .effects import Record
from .instance import Branch, Frame, NeedBranches
from .messages import Answer, Continue, Ended, Input, Offer, Redispatch, Stuck, TimerFired, Unsent
from .migrating import Migrating
from .states import State


class Seeking(Migrating):
    """Finds places."""

    def numbered(self, message: Input) -> Input:
        """The input with a number, if it had none and is kept back: whatever its place is then."""
        branch = self.copy.branches.get(message.branch)
        match message:
            case TimerFired() if branch is not None and branch.frames:
                return replace(message, activation=branch.frames[-1].activation)
            case Answer(attempt=None) if branch is not None and not self.is_astray(message):
                frame = branch.frame_of(message.activity)
                if frame is not None and frame.state is State.WAITING and frame.attempts:
                    return replace(message, attempt=frame.attempts[-1].number)
        return message

    def is_astray(self, message: Input) -> bool:
        """Whether its place is of a definition that the instance ran before."""
        if not isinstance(message, Answer) or message.attempt is not None:
            return False
        return message.definition not in ("", self.instance.definition)

    def seek(self, message: Answer | Offer | Ended | Continue) -> Place | None:
        """The activation that it is for; None if that has ended."""
        branch = self.copy.branches.get(message.branch)
        frame = None if branch is None else branch.frame_of(message.activity)
        is_here = _fits(message)
        if not self.instance.migrations or (frame is not None and is_here(frame)):
            return None if branch is None or frame is None else Place(branch, frame)
        return self._search(is_here)

    def seek_branch(self, message: TimerFired | Redispatch | Stuck | Unsent) -> Branch | None:
        """The branch that it is for: that in which its number is; if it has none, the one it names."""
        branch = self.copy.branches.get(message.branch)
        number = message.activation if isinstance(message, TimerFired) else message.attempt
        if not self.instance.migrations or not number:
            return branch
        is_here = _has_activation(number) if isinstance(message, TimerFired) else _has_attempt(number)
        if branch is not None and any(is_here(frame) for frame in branch.frames):
            return branch
        found = self._search(is_here)
        return branch if found is None else found.branch

    def late(self, message: Input) -> None:
        """Too late, or never asked for: history, and nothing else."""
        if not isinstance(message, Answer | Ended):
            return
        self.instance.recorded += 1
        detail: dict[str, Any] = {"message": type(message).__name__}
        if isinstance(message, Answer):
            detail["number"] = message.attempt
        activity, address = None, self.instance.id
        if not self.instance.migrations:  # else nobody knows what its place was called when it was sent
            activity = message.activity
            address = self.definition.address(self.instance.id, message.branch, activity)
        self.emit(Record(self.instance.recorded, "late", activity, address, detail))

    def _search(self, is_here: Callable[[Frame], bool]) -> Place | None:
        if len(self.copy.branches) < self.instance.branches:
            raise NeedBranches("")
        for branch in self.copy.branches.values():
            for frame in branch.frames:
                if is_here(frame):
                    return Place(branch, frame)
        return None


def _fits(message: Answer | Offer | Ended | Continue) -> Callable[[Frame], bool]:
    if not isinstance(message, Answer):
        return _has_activation(message.activation)
    return (lambda frame: True) if message.attempt is None else _has_attempt(message.attempt)


def _has_activation(number: int) -> Callable[[Frame], bool]:
    return lambda frame: frame.activation == number


def _has_attempt(number: int) -> Callable[[Frame], bool]:
    return lambda frame: any(attempt.number == number for attempt in frame.attempts)
