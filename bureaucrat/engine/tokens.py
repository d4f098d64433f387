"""The token of an attempt: names it on the wire, and cannot be guessed.

Rules: a token is ``<instance>:<attempt>:<activity>:<branch>:<signature>``, opaque to everybody but the engine; the
signature is a keyed BLAKE2b (RFC 7693, section 2.9) of what stands before it, with a key that the database keeps; so
only who was given an attempt can answer it.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from hashlib import blake2b
from typing import NamedTuple

_SIGNED = 16  # bytes of the signature


class Named(NamedTuple):
    """What a token says."""

    instance: str
    attempt: int
    activity: int
    branch: str


class Tokens:
    """Makes and reads tokens.

    :param key: the secret of this database, at most 64 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, instance: str, attempt: int, activity: int, branch: str) -> str:
        """The token of one attempt; the same whenever it is asked for."""
        named = f"{instance}:{attempt}:{activity}:{branch}"
        return f"{named}:{self._signature(named)}"

    def read(self, token: str) -> Named | None:
        """What a token names; None if it was not made here."""
        named, _, signature = token.rpartition(":")
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), self._signature(named).encode()):
            return None
        instance, attempt, activity, branch = named.rsplit(":", 3)
        return Named(instance, int(attempt), int(activity), branch)

    def _signature(self, named: str) -> str:
        signed = blake2b(named.encode("utf-8", "replace"), key=self._key, digest_size=_SIGNED).digest()
        return urlsafe_b64encode(signed).rstrip(b"=").decode("ascii")
