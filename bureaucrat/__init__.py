"""Business processes on RabbitMQ, Celery and PostgreSQL, starting from nothing but SQLite."""

from .definition.problems import InvalidDefinition
from .definition.reader import read
from .errors import BureaucratError, Fault
from .functions import Workitem, participant

__version__ = "0.1.0"

__all__ = [
    # for participants
    "Fault",
    "Workitem",
    "participant",
    # for authors
    "InvalidDefinition",
    "read",
    # errors
    "BureaucratError",
    "__version__",
]
