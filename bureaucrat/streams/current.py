"""Who runs: context variables."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from .events import Event

_agent: ContextVar[Any] = ContextVar("agent", default=None)
_event: ContextVar[Event | None] = ContextVar("event", default=None)


def current_agent() -> Any:
    """The agent in whose function we are; None outside."""
    return _agent.get()


def current_event() -> Event | None:
    """The event that the agent is at; None outside."""
    return _event.get()


def enter(agent: Any) -> None:
    """From here on this asyncio task runs this agent."""
    _agent.set(agent)


def at(event: Event | None) -> None:
    """From here on this asyncio task is at this event."""
    _event.set(event)
