"""What a run is asked to do, and what it has come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core.table import Definition
from ..functions import Functions
from ..ports import IncidentRow
from .failure import Exit
from .fields import PlannedEvent
from .story import Story


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is asked to do."""

    definition: Definition
    functions: Functions
    modules: tuple[str, ...]  #: as they were given
    database: Path
    is_kept: bool  #: the database has a name that the user gave
    fields: Mapping[str, Any]
    neighbours: Mapping[str, Definition] = field(default_factory=dict)  #: by file: what it may call by name
    events: tuple[PlannedEvent, ...] = ()
    instances: int = 1
    is_new: bool = False  #: start another, whatever is unfinished
    is_retry: bool = False
    history: str = "activity"
    timeout: float | None = None  #: seconds


@dataclass(slots=True)
class Ending:
    """Where an instance stands at the end of the run."""

    story: Story
    status: str
    outcome: str | None
    fields: dict[str, Any]
    incidents: list[tuple[Story, IncidentRow]] = field(default_factory=list)

    @property
    def is_completed(self) -> bool:
        return self.status == "completed"

    @property
    def can_go_on(self) -> bool:
        return self.story.ended is None


@dataclass(slots=True)
class Result:
    """What a run has come to."""

    endings: list[Ending]
    stopped: Exit | None = None  #: by a signal
    gave_up: bool = False  #: its time was up
    started: float = 0.0
    ended: float = 0.0
    before: int = 0  #: instances that an earlier run had started
    changes: int = 0
    transactions: int = 0
    events: tuple[PlannedEvent, ...] = ()  #: not published
