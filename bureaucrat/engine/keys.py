"""By what a kept event is found: a digest of each path and scalar in its body (L61).

Rules: two that differ may have one digest, so whoever finds an event compares; what has very many scalars is found by
everybody (:data:`ANY`), and compared.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from ..core.activities.await_ import scalar

ANY = 0  #: of an event that may have any value at any path
_MOST = 64  #: scalars that an event is found by


def digest(path: str, value: str) -> int:
    """Stands for a value at a path: 63 bits. Should they all be 0, it is found by everybody, and compared."""
    whole = blake2b(f"{path}\0{value}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(whole, "big") >> 1


def digests(body: dict[str, Any]) -> list[int]:
    """Of all that a key can be compared with."""
    found: list[int] = []
    inside = [("", body)]
    while inside:
        prefix, values = inside.pop()
        for name, value in values.items():
            if isinstance(value, dict):
                inside.append((f"{prefix}{name}.", value))
                continue
            text = scalar(value)
            if text is not None:
                found.append(digest(f"{prefix}{name}", text))
                if len(found) > _MOST:
                    return [ANY]
    return found
