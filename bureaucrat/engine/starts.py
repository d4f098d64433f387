"""What a start must bring."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from ..core.activities.await_ import scalar
from ..core.faults import Thrown
from ..core.limits import Limits
from ..core.messages import Start
from ..core.table import Definition
from ..core.values import complaint, digest
from ..errors import Refused
from .codec import decode, encode

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


class TooLarge(Refused):
    """The fields of a start pass a limit (L120)."""


def start_of(definition: Definition, fields: dict[str, Any], limits: Limits) -> Start:
    """The message that starts an instance with these fields.

    :raises Refused: required properties are missing (L15), a field is no JSON (L11) or too large (L120).
    """
    missing = definition.missing(fields)
    if missing:
        names = ", ".join(missing)
        raise Refused(f"process {definition.name!r} needs {names}; give every required property at the start")
    problem = complaint(fields)
    if problem is not None:
        raise Refused(f"the fields are no JSON: {problem}")
    _check_sizes({**(definition.activities[0].initial() or {}), **fields}, limits)
    return Start(own(fields))


def own(fields: dict[str, Any]) -> dict[str, Any]:
    """The same JSON, sharing nothing with anybody; tuples have become lists."""
    copied: dict[str, Any] = decode(encode(fields))
    return copied


def _check_sizes(fields: dict[str, Any], limits: Limits) -> None:
    sizes = {name: digest(value)[1] for name, value in fields.items()}
    for name, size in sizes.items():
        if size > limits.field_bytes:
            raise TooLarge(f"{name!r} has {size:,} bytes; a field may have {limits.field_bytes:,}")
    if sum(sizes.values()) > limits.total_bytes:
        raise TooLarge(f"all fields have {sum(sizes.values()):,} bytes; they may have {limits.total_bytes:,}")


def instance_id_of(wanted: str) -> str:
    """An id a client asks for, as the engine keeps it: what is no id of ours becomes its uuid5 (L1)."""
    return wanted if _ID.fullmatch(wanted) else uuid.uuid5(uuid.NAMESPACE_URL, wanted).hex


def business_key_of(definition: Definition, fields: Mapping[str, Any], now: float) -> str | None:
    """The business key that an instance has which is started with these fields (L83).

    :raises Refused: it cannot be computed, or is no text or number.
    """
    if definition.business_key is None:
        return None
    value = definition.business_key
    try:
        found = value.literal
        if value.expression is not None:
            found = value.expression({**(definition.activities[0].initial() or {}), **fields}, now)
    except Thrown as thrown:
        raise Refused(f"the key of the process cannot be computed: {thrown.message}") from thrown
    key = scalar(found)
    if key is None:
        raise Refused(f"the key of the process is no text or number but {found!r}")
    return key
