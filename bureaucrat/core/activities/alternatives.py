"""``any``: a race. The first branch to complete ends the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..activity import Place, Run
from ..instance import Branch
from .parallel import Forking


@dataclass(frozen=True, slots=True, kw_only=True)
class Any(Forking):
    """Children start in document order, none after one that completed at once."""

    tag: ClassVar[str] = "any"

    labels: tuple[str, ...] = ()  #: what `winner` says of each child: its id, else its tag
    winner: str | None = None

    def on_joined(self, run: Run, at: Place, branch: Branch) -> None:
        run.end_inside(at)
        if self.winner:
            run.write(at, self.winner, self.labels[run.child_of(at, branch)])
        run.complete(at)
