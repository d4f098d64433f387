"""Small pictures: what kind of activity a box is, and how far it is. Paths on a grid of 16, and around a centre."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .outline import Sign

_BOLT: Final = "M9 1.5L3.5 9H7.5L6.5 14.5L12.5 6.5H8.5Z"
_BACK: Final = "M8 3.5L2.5 8L8 12.5ZM14 3.5L8.5 8L14 12.5Z"
_CIRCLE: Final = "M8 2a6 6 0 1 0 .01 0"

#: kind of an element -> path
KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "process": "M3 2.5h10v11h-10ZM5.5 6h5M5.5 9.5h5",
        "sequence": "M8 2.5v10.5M4.5 9.5L8 13l3.5-3.5",
        "action": "M5 3.2L12.5 8L5 12.8Z",
        "human": "M8 7.5a2.75 2.75 0 1 0 0-5.5a2.75 2.75 0 0 0 0 5.5M2.5 14c0-3 2.5-4.5 5.5-4.5s5.5 1.5 5.5 4.5",
        "await": "M2 4h12v8.5h-12ZM2 4.5l6 4.5l6-4.5",
        "delay": f"{_CIRCLE}M8 4.7v3.3l2.4 1.5",
        "call": "M2.5 2.5h11v11h-11ZM8 5.5v5M5.5 8h5",
        "signal": "M8 3L13.5 12.5H2.5Z",
        "assign": "M3.5 6h9M3.5 10h9",
        "exit": f"{_CIRCLE}M8 5.5a2.5 2.5 0 1 0 .01 0",
        "fault": _BOLT,
        "switch": "M8 1.8L14.2 8L8 14.2L1.8 8Z",
        "case": "M3 8h9.5M9 4.5l3.5 3.5l-3.5 3.5",
        "loop": "M13 8a5 5 0 1 1-1.6-3.7M13.2 1.8v3h-3",
        "parallel": "M4 3v10M8 3v10M12 3v10",
        "all": "M8 2.5v11M2.5 8h11",
        "any": "M4 14V2.5h8.5l-2.2 3l2.2 3H4",
        "handler": _BOLT,
        "compensate": _BACK,
        "compensation": _BACK,
        "reminder": "M3.5 11.5c1.2-1 1.5-2.6 1.5-4.5a3 3 0 0 1 6 0c0 1.9.3 3.5 1.5 4.5ZM7 13.8h2",
    }
)

#: sign -> path around the centre of its badge
SIGNS: Final[Mapping[Sign, str]] = MappingProxyType(
    {
        Sign.DONE: "M-4 .2L-1.2 3L4-3",
        Sign.ACTIVE: "M-2-3.6L3.6 0L-2 3.6Z",
        Sign.WAITING: "M0-4.2V.4L3 2.4",
        Sign.RETRYING: "M3.6 .6a3.7 3.7 0 1 1-1.2-3.3M3.4-4.6v2.4h-2.4",
        Sign.INCIDENT: "M0-4.6V1M0 4v.1",
        Sign.CANCELED: "M-3.8 0H3.8",
    }
)
