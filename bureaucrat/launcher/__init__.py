"""Starting instances and asking about them from any program: :class:`Launcher`.

Rules: synchronous, for programs that have no event loop; everything goes through the broker; the daemon's database is
never touched.
"""

from ..wire import StatusAnswer as Status
from .errors import InstanceCanceled, InstanceFaulted, LaunchRefused, NoQueue, NotYet, Unconfirmed
from .launcher import Launcher, Result

__all__ = [
    "InstanceCanceled",
    "InstanceFaulted",
    "LaunchRefused",
    "Launcher",
    "NoQueue",
    "NotYet",
    "Result",
    "Status",
    "Unconfirmed",
]
