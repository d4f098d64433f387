"""What happened to an instance, as lines that a test compares: of a simulation, or of a history that was stored.

Rules: a line says the same whenever, and by whatever ids, it happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.table import Definition

#: word of a history -> the parts of its detail that are told; words that are not here are not told
_TOLD: dict[str, tuple[str, ...]] = {
    "failed": ("error",),
    "completed": (),
    "canceled": (),
    "caught": ("code",),
    "compensating": (),
    "incident": ("code", "message"),
    "resolved": ("how",),
    "reminded": ("times",),
    "overdue": (),
    "suspended": (),
    "resumed": (),
    "changed": (),
    "migrated": (),
    "moved": ("ended", "started"),
    "ended": ("status", "outcome"),
}
_GROUPS = frozenset(
    {"process", "case", "block", "compensation"}
)  #: they complete with what is inside them or around them


def told(
    definition: Definition, what: str, activity: int | None, address: str, detail: Mapping[str, Any]
) -> str | None:
    """One line: ``completed ship``, ``failed load _2.17_0: it is gone``; None for what a test need not know."""
    if what not in _TOLD:
        return None
    words = [what]
    if activity is not None:
        known = definition.activities[activity]
        if known.tag in _GROUPS and what in ("completed", "canceled"):
            return None
        words += [known.label, *([address[address.index("_") :]] if "." in address.partition("_")[2] else [])]
    values = [str(detail[name]) for name in _TOLD[what] if detail.get(name) is not None]
    return " ".join(words) + (f": {', '.join(values)}" if values else "")
