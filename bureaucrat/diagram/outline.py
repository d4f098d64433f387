"""What a drawing shows: each activity as an element, with its texts and what stands inside it.

Rules: every activity of the definition is exactly one element; handlers, reminders and compensations are attached to
the activity they belong to, everything else stands inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ..core.activities import Action, Foreach, While
from ..core.activity import Activity
from ..core.table import Definition
from . import words


class Sign(StrEnum):
    """How far an activity is."""

    DONE = "done"
    ACTIVE = "active"
    WAITING = "waiting"
    RETRYING = "retrying"
    INCIDENT = "incident"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class Live:
    """How far an activity of an instance is, in a sign and some short lines."""

    sign: Sign
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Element:
    """One activity, as it is drawn."""

    index: int  #: in the definition's table
    kind: str  #: its tag, or ``human``, ``loop``, ``parallel``, ``handler``, ``reminder``: what its picture shows
    title: str
    details: tuple[str, ...] = ()
    tooltip: str = ""
    is_group: bool = False  #: it is drawn with others inside, though there may be none
    is_beside: bool = False  #: what is inside stands side by side, not one below the other
    is_dashed: bool = False
    inside: tuple[Element, ...] = ()
    attached: tuple[Element, ...] = ()
    live: Live | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        return () if self.live is None else self.live.notes


_BESIDE = frozenset({"all", "any", "switch"})
_GROUPS = _BESIDE | {"process", "sequence", "while", "foreach", "case", "block", "compensation"}


def outline(definition: Definition, state: Mapping[int, Live] | None = None) -> Element:
    """The process as an element.

    :param state: how far each activity of an instance is, by index; what is not in it was not reached.
    """
    return _Outline(definition, state or {}).element(0)


class _Outline:
    def __init__(self, definition: Definition, state: Mapping[int, Live]) -> None:
        self._definition = definition
        self._state = state

    def element(self, index: int, kind: str = "", title: str = "") -> Element:
        activity = self._definition.activities[index]
        live = self._state.get(index)
        title = title or words.title(self._definition, activity)
        details = words.details(self._definition, activity)
        return Element(
            index=index,
            kind=kind or _kind(activity),
            title=title,
            details=details,
            tooltip=_tooltip(self._definition, activity, title, details, live),
            is_group=activity.tag in _GROUPS,
            is_beside=activity.tag in _BESIDE,
            is_dashed=bool(kind),
            inside=tuple(self.element(child) for child in activity.children),
            attached=self._attached(activity),
            live=live,
        )

    def _attached(self, activity: Activity) -> tuple[Element, ...]:
        handlers = (self.element(one.body, "handler", words.handler(one)) for one in activity.handlers)
        reminders = (self.element(one.body, "reminder", words.reminder(one)) for one in activity.reminders)
        attached = (*reminders, *handlers)
        if activity.compensation is None:
            return attached
        return (*attached, self.element(activity.compensation, "compensation", "compensation"))


def _kind(activity: Activity) -> str:
    if isinstance(activity, Action) and str(activity.participant.literal or "").startswith("human:"):
        return "human"
    if isinstance(activity, Foreach | While):
        return "parallel" if activity.forks_items else "loop"
    return activity.tag


def _tooltip(
    definition: Definition, activity: Activity, title: str, details: tuple[str, ...], live: Live | None
) -> str:
    """Everything, uncut."""
    place = f"line {activity.line}" if definition.file.startswith("<") else f"{definition.file}:{activity.line}"
    head = title if activity.tag in ("block", "compensation", title) else f"{activity.tag} {title}"
    state = [] if live is None else [live.sign.value, *live.notes]
    return "\n".join([head, *details, *state, place])
