"""Messages that no instance takes: how they become rows, with the reason."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from ..clock import Clock
from ..ports import DeadRow, Writes
from .codec import encode_message
from .delivery import Delivery, Letter
from .handover import Handover

_KEPT = 1 << 20  # bytes of a dead letter's body; its digest is of the whole


class DeadLetters:
    """Writes them."""

    def __init__(self, numbers: Callable[[], int], clock: Clock, handover: Handover) -> None:
        self._numbers = numbers
        self._clock = clock
        self._handover = handover

    def bury(self, delivery: Delivery, reason: str, writes: Writes) -> None:
        """Set a message aside, with the reason."""
        self.set_aside(delivery.letter or Letter("engine", _text_of(delivery), delivery.instance), reason, writes)

    def set_aside(self, letter: Letter, reason: str, writes: Writes) -> None:
        """Write a dead letter. Of one of our own the message id is the instance it was for."""
        digest = hashlib.sha256(letter.body).hexdigest()
        row = DeadRow(
            self._numbers(),
            self._clock.now(),
            letter.source,
            _storable(reason),
            _storable(letter.message_id),
            letter.body[:_KEPT],
            digest,
            letter.properties(),
        )
        writes.dead.append(row)
        copied = self._handover.dead(row)
        if copied is not None:
            writes.outbox.append(copied)


def _text_of(delivery: Delivery) -> bytes:
    """The message as it is kept among the dead letters; its plain text if it cannot be encoded."""
    try:
        return encode_message(delivery.message)
    except Exception as error:  # it may be why the message is dead
        return f"{delivery.message!r} ({error})".encode("utf-8", "backslashreplace")


def _storable(text: str) -> str:
    """A text from outside as every storage can keep it."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")
