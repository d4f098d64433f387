"""The connection over which a worker answers: one for each process, made when it is needed and again when it is lost.

Rules: an answer is published until the broker has confirmed it. In the processes and threads that do the work this is
waited for without an end, because the task must not be acknowledged before; Celery's own main process waits a little,
for it keeps the worker's connection alive, and leaves the rest to a thread.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

from .. import wire
from ..amqp.messages import Message
from ..errors import BureaucratError
from ..launcher.link import Letter
from ..launcher.links import Links
from ..launcher.settings import Settings

log = logging.getLogger(__name__)

_TRY: Final = 5.0  #: seconds after which it is said that an answer waits
_PAUSE: Final = 1.0  #: before another try, where the broker was there and refused


class Sender:
    """Publishes answers."""

    def __init__(self, settings: Settings, *, patience: float = 10.0) -> None:
        """
        :param patience: seconds that Celery's main process waits for a confirm.
        """
        self._settings = settings
        self._patience = patience
        self._links: dict[int, Links] = {}  #: by process; those of a parent are kept, so that nobody closes them
        self.pause: Callable[[float], object] = threading.Event().wait

    def send(self, asked: wire.Asked, fields: dict[str, Any]) -> None:
        """Publish an answer; returns when it is confirmed."""
        self._send(_letter(self._settings, asked, fields), asked, None)

    def send_soon(self, asked: wire.Asked, fields: dict[str, Any]) -> None:
        """The same, but wait no longer than a little while; then a thread goes on."""
        letter = _letter(self._settings, asked, fields)
        if not self._send(letter, asked, time.monotonic() + self._patience):
            threading.Thread(target=self._send, args=(letter, asked, None), daemon=True).start()

    def close(self) -> None:
        """Close the connection of this process; an answer that is under way is waited for."""
        links = self._links.pop(os.getpid(), None)
        if links is not None:
            links.close()

    def _send(self, letter: Letter, asked: wire.Asked, deadline: float | None) -> bool:
        links = self._mine()
        while True:
            try:
                links.publish(letter, _TRY)
            except BureaucratError as error:
                log.warning("an answer waits: %s (%s)", error, asked.target)
            else:
                return True
            if deadline is not None and time.monotonic() >= deadline:
                return False
            self.pause(_PAUSE)

    def _mine(self) -> Links:
        pid = os.getpid()
        return self._links.get(pid) or self._links.setdefault(pid, Links(self._settings))


def _letter(settings: Settings, asked: wire.Asked, fields: dict[str, Any]) -> Letter:
    content_type, body = wire.encode_answer(asked.with_fields({}), fields)
    name = f"{asked.token}:answer"
    id = name if len(name.encode()) <= wire.MAX_NAME else uuid.uuid4().hex
    message = Message.of(asked.answers, body, content_type=content_type, message_id=id, user_id=settings.amqp.user)
    return Letter(settings.exchange, asked.answers, body, message.properties)
