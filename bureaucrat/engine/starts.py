"""What a start must bring."""

from __future__ import annotations

import re
import uuid
from typing import Any

from ..core.messages import Start
from ..core.table import Definition
from ..core.values import complaint
from ..errors import Refused

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


def start_of(definition: Definition, fields: dict[str, Any]) -> Start:
    """The message that starts an instance with these fields.

    :raises Refused: required properties are missing (L15), or a field is no JSON (L11).
    """
    missing = definition.missing(fields)
    if missing:
        names = ", ".join(missing)
        raise Refused(f"process {definition.name!r} needs {names}; give every required property at the start")
    problem = complaint(fields)
    if problem is not None:
        raise Refused(f"the fields are no JSON: {problem}")
    return Start(fields)


def instance_id_of(wanted: str) -> str:
    """An id a client asks for, as the engine keeps it: what is no id of ours becomes its uuid5 (L1)."""
    return wanted if _ID.fullmatch(wanted) else uuid.uuid5(uuid.NAMESPACE_URL, wanted).hex
