"""``process``, ``sequence`` and the bodies of fault handlers and reminders: children one after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..activity import Sequential


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence(Sequential):
    """Children one after another; without children it completes at once."""

    tag: ClassVar[str] = "sequence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Process(Sequential):
    """The root. It always has a scope: that is where undeclared names go."""

    tag: ClassVar[str] = "process"

    def initial(self) -> dict[str, Any]:
        return {p.name: p.initial for p in self.scope or () if not p.required}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block(Sequential):
    """The body of a ``<case>`` or ``<default>`` in ``<faults>``, or of a ``<reminder>``."""

    tag: ClassVar[str] = "block"
