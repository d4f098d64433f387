"""Which keys sign the tokens of a database.

Rules: without a setting it is a key of the database's own. What was signed last is remembered, as a digest: attempts
that wait for answers carry its signature, so a daemon that could not read it does not start, for it would take every
answer for forged.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from ..errors import ConfigurationError
from ..ports import Storage, Writes
from .tokens import Tokens

log = logging.getLogger(__name__)

OWN: Final = "database"  #: stands for the key that the database keeps
LOST: Final = "lost"  #: whatever was signed with another key is sent again
_OWN_KEY: Final = "token_key"
_SIGNED_WITH: Final = "signed_with"


async def tokens_of(storage: Storage, keys: Iterable[str]) -> tuple[Tokens, bool]:
    """What makes and reads the tokens of a database, and whether what waits has to be sent again.

    :param keys: the secrets of the settings, :data:`OWN` and :data:`LOST` among them; the first key signs.
    :raises ConfigurationError: that key is none of them with which attempts were signed last.
    """
    drawn = secrets.token_hex(32)
    stored = await storage.setting(_OWN_KEY, drawn)
    own, words = bytes.fromhex(stored), list(keys)
    found = [own if word == OWN else _key(word) for word in words if word != LOST] or [own]
    known = await storage.setting(_SIGNED_WITH, _digest(found[0] if stored == drawn else own))
    is_lost = known not in map(_digest, found)
    if is_lost and LOST not in words:
        raise ConfigurationError(_unknown(known == _digest(own)))
    if known != _digest(found[0]):
        async with storage.batch() as batch:
            await batch.commit(Writes(settings=[(_SIGNED_WITH, _digest(found[0]))]))
        log.warning("tokens are signed with another key from now on")
    return Tokens(*found), is_lost


def _key(word: str) -> bytes:
    return blake2b(word.encode(), person=b"bureaucrat token").digest()


def _digest(key: bytes) -> str:
    return blake2b(key, person=b"bureaucrat whose", digest_size=16).hexdigest()


def _unknown(is_own: bool) -> str:
    which = f"the database's own key; write {OWN} after the new key" if is_own else "another key; list that, too"
    return (
        f"[security] signing_key: the attempts of this database were signed with {which}, until they are answered "
        f"(if it is gone: write {LOST} after the new key, and what waits is sent again)"
    )
