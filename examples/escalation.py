"""Those who do the actions of ``processes/escalation.xml``. They only pretend: nobody is woken."""

from __future__ import annotations

from typing import Any

from bureaucrat import participant


@participant("page")
def page(alarm: str, level: str, lap: int) -> dict[str, Any]:
    """Have the telephone ring of whoever is on call on this level. Done when it rings."""
    if level == "secondary":
        raise ConnectionError("the telephone is off")
    return {}


@participant("call_crisis_desk")
def call_crisis_desk(alarm: str) -> dict[str, Any]:
    """Call those who are always awake."""
    return {}


@participant("stand_down")
def stand_down(alarm: str, acknowledgement: dict[str, Any] | None) -> dict[str, Any]:
    """Tell everybody who was paged that somebody is at it, and who, or that it is over."""
    return {}
