"""What the engine asks of storage, of transports and of participants: protocols with their whole contract.

Rules: one file per technology stands behind each port; adapters translate foreign errors into those of
:mod:`bureaucrat.errors` at their edge.
"""

from .rows import (
    AuditRow,
    BranchRow,
    Cause,
    DeadRow,
    DefinitionRow,
    DestinationRow,
    Due,
    EventRow,
    HistoryRow,
    IncidentRow,
    InstanceRow,
    Loaded,
    MailRow,
    OutboxRow,
    RememberedRow,
    StateRow,
    ValueRow,
    VersionRow,
    WaitRow,
    Writes,
)
from .storage import Batch, InstanceQuery, Storage
from .transport import (
    Answered,
    Courier,
    Inbound,
    Incoming,
    Kind,
    Outgoing,
    Properties,
    Transport,
)

__all__ = [
    "Answered",
    "AuditRow",
    "Batch",
    "BranchRow",
    "Cause",
    "Courier",
    "DeadRow",
    "DefinitionRow",
    "DestinationRow",
    "Due",
    "EventRow",
    "HistoryRow",
    "Inbound",
    "IncidentRow",
    "Incoming",
    "InstanceQuery",
    "InstanceRow",
    "Kind",
    "Loaded",
    "MailRow",
    "OutboxRow",
    "Outgoing",
    "Properties",
    "StateRow",
    "RememberedRow",
    "Storage",
    "Transport",
    "ValueRow",
    "VersionRow",
    "WaitRow",
    "Writes",
]
