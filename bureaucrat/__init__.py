"""Business processes on RabbitMQ, Celery and PostgreSQL, starting from nothing but SQLite."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .definition.problems import InvalidDefinition
    from .definition.reader import read
    from .errors import BureaucratError, Fault
    from .functions import Workitem, participant
    from .launcher import Launcher
    from .once import Once

__version__ = "0.1.0"

__all__ = [
    # for participants
    "Fault",
    "Once",
    "Workitem",
    "participant",
    # for programs that start processes
    "Launcher",
    # for authors
    "InvalidDefinition",
    "read",
    # errors
    "BureaucratError",
    "__version__",
]

#: Where each name stands. It is loaded when it is first used: who serves participants needs no reader of definitions,
#: and only who launches needs pika.
_HOMES = {
    "Fault": ".errors",
    "Once": ".once",
    "Workitem": ".functions",
    "participant": ".functions",
    "Launcher": ".launcher",
    "InvalidDefinition": ".definition.problems",
    "read": ".definition.reader",
    "BureaucratError": ".errors",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
