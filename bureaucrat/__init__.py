"""Business processes on RabbitMQ, Celery and PostgreSQL, starting from nothing but SQLite."""

from typing import TYPE_CHECKING, Any

from .definition.problems import InvalidDefinition
from .definition.reader import read
from .errors import BureaucratError, Fault
from .functions import Workitem, participant

if TYPE_CHECKING:
    from .launcher import Launcher

__version__ = "0.1.0"

__all__ = [
    # for participants
    "Fault",
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


def __getattr__(name: str) -> Any:
    """``Launcher`` is loaded when it is first used: it needs pika, and most programs that import us do not."""
    if name == "Launcher":
        from .launcher import Launcher

        return Launcher
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
