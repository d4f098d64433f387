"""The token of an attempt: names it on the wire, and cannot be guessed.

Rules: a token is ``<instance>:<attempt>:<activity>:<branch>:<signature>``, opaque to everybody but the engine; the
signature is a keyed BLAKE2b (RFC 7693, section 2.9) of what stands before it, and of the broker's user who alone may
answer, if there is one; so only who was given an attempt can answer it. The key that signs is the first of several;
what the others have signed is still read.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterable
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

    :param keys: secrets of at most 64 bytes; the first one signs.
    """

    def __init__(self, *keys: bytes) -> None:
        self._keys = keys

    def of(self, instance: str, attempt: int, activity: int, branch: str, user: str = "") -> str:
        """The token of one attempt; the same whenever it is asked for.

        :param user: of the broker, who alone may answer; empty: whoever was given it.
        """
        named = f"{instance}:{attempt}:{activity}:{branch}"
        return f"{named}:{_signature(self._keys[0], named, user)}"

    def read(self, token: str, users: Iterable[str] = ("",)) -> Named | None:
        """What a token names; None if it was not made here.

        :param users: those who may have been named when it was made; the empty one stands for nobody.
        """
        named, _, signature = token.rpartition(":")
        given = signature.encode("utf-8", "replace")
        made = (_signature(key, named, user) for key in self._keys for user in users)
        if not any(hmac.compare_digest(given, one.encode()) for one in made):
            return None
        instance, attempt, activity, branch = named.rsplit(":", 3)
        return Named(instance, int(attempt), int(activity), branch)


def _signature(key: bytes, named: str, user: str) -> str:
    signed = f"{named}\0{user}" if user else named
    digest = blake2b(signed.encode("utf-8", "replace"), key=key, digest_size=_SIGNED).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
