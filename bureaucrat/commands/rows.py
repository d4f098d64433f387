"""The rows of a story: one activation each."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from ..core.activities import Action
from ..core.activity import Activity


class Mark(Enum):
    """What a row's sign says."""

    ACTIVE = auto()
    WAITING = auto()
    RETRYING = auto()
    DONE = auto()
    CANCELED = auto()
    INCIDENT = auto()


@dataclass(slots=True)
class FailedAttempt:
    """An attempt after which there is another."""

    number: int
    error: str
    wait: float  #: seconds until the next


@dataclass(slots=True, eq=False)
class Row:
    """One activation."""

    activity: Activity
    address: str
    since: float  #: epoch seconds
    mark: Mark = Mark.ACTIVE
    ended: float | None = None
    is_before: bool = False  #: an earlier run of this program did it
    participant: str = ""
    tries: int = 0
    asked: float | None = None  #: when the present attempt was handed out
    is_again: bool = False  #: the attempt was asked before, with the same key and token
    turns: int = 0
    item: int = 0  #: its number, if it is an item of a parallel foreach
    joined: int = 0  #: items that have completed
    items: int = 0  #: how many there are; 0: not known
    failures: list[FailedAttempt] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    wrote: list[str] = field(default_factory=list)  #: names of the properties that it wrote
    changed: dict[str, Any] = field(default_factory=dict)  #: those of them whose value is still to be seen
    waits: str = ""  #: for what
    until: float | None = None  #: epoch seconds
    then: str = ""  #: what happens at that time
    rows: list[Row] = field(default_factory=list)
    dropped: int = 0  #: rows at the beginning that are not kept

    @property
    def label(self) -> str:
        return f"{self.activity.label} {self.item:,}" if self.item else self.activity.label

    @property
    def is_parallel(self) -> bool:
        """Whether the rows below it are items side by side."""
        return self.activity.forks_items and not self.item

    @property
    def of(self) -> int:
        """How many attempts there are at most."""
        return self.activity.policy.retries + 1 if isinstance(self.activity, Action) else 1

    @property
    def is_open(self) -> bool:
        return self.ended is None


def all_rows(rows: list[Row]) -> list[Row]:
    """These rows and all that stand below them."""
    found: list[Row] = []
    for row in rows:
        found.append(row)
        found += all_rows(row.rows)
    return found
