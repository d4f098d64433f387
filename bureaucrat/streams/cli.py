"""Arguments and options of ``@app.command``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """One of them; whoever makes the command line of it knows what its settings mean (they are click's)."""

    is_option: bool
    names: tuple[str, ...]
    settings: dict[str, Any]


@dataclass(frozen=True)
class Command:
    """A command of an app."""

    name: str
    fun: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    help: str


def argument(*names: str, **settings: Any) -> Parameter:
    """An argument: ``argument("a", type=int, help="First number to add")``."""
    return Parameter(False, names, settings)


def option(*names: str, **settings: Any) -> Parameter:
    """An option: ``option("--print/--no-print", help="Say what is sent")``."""
    return Parameter(True, names, settings)
