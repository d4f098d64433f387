"""Why something needs a person, in one sentence."""

from __future__ import annotations

from ..core.activities import Action
from ..core.activity import Activity
from ..ports import IncidentRow
from .wording import one_line, quoted


def why(activity: Activity, incident: IncidentRow, served: str = "") -> str:
    """What stands behind the activity's name.

    :param served: what is known of who serves the participants.
    """
    message = quoted(incident.message)
    match incident.kind:
        case "unroutable":
            name = activity.participant.literal if isinstance(activity, Action) else None
            return one_line(incident.message) + ("" if name is None else served)
        case "fault":
            return f"fault {incident.code}, and no handler around takes it: {message}"
        case "engine":
            return f"a defect of the engine, please report it: {message}"
    if isinstance(activity, Action) and incident.code == "ActionError":
        attempts = activity.policy.retries + 1
        return f"{attempts} of {attempts} attempts answered error, last {message}"
    return f"{incident.code}: {one_line(incident.message)}"
