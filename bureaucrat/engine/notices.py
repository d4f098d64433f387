"""Which effects the world is told of: the notices about the life of instances, incidents and activities."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.effects import CloseIncident, Effect, Finish, OpenIncident, Record
from ..core.instance import Instance

Noticed = tuple[str, dict[str, object]]  # its name, and what it says besides the instance

#: the records that are announced
ANNOUNCED = frozenset({"launched", "overdue"})

_ENDS = {"completed": "instance.completed", "failed": "instance.faulted", "canceled": "instance.canceled"}


def notices(instance: Instance, effect: Effect) -> Iterator[Noticed]:
    """What is to be announced of one effect. An unhandled fault is announced as an incident and as a fault (L91), in a
    reminder as an incident only (L7)."""
    match effect:
        case Record(what="launched"):
            yield "instance.started", {}
        case Record(what="overdue"):
            yield "activity.overdue", {"address": effect.address}
        case Finish():
            fault = effect.fault
            yield _ENDS[effect.status], {} if fault is None else {"code": fault.code, "message": fault.message}
        case OpenIncident():
            yield "incident.opened", _incident(effect)
            if effect.kind == "fault" and effect.blocks:
                yield "instance.faulted", _incident(effect)
        case CloseIncident():
            yield "incident.resolved", {"incident": effect.number, "how": effect.how}


def _incident(effect: OpenIncident) -> dict[str, object]:
    return {
        "incident": effect.number,
        "address": effect.address,
        "kind": effect.kind,
        "code": effect.code,
        "message": effect.message,
    }
