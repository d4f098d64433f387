"""What the running daemon tells the outside: the service manager, and who asks for its health.

Rules: the event loop alone writes. It shows that it lives by a beat, once a second or as often as the watchdog needs;
a beat that comes late by more than a second is not passed on, so that a loop that is stuck is restarted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from ..engine.figures import Figures
from .health import Status
from .notify import Notifier

_INTERVAL = 1.0
_LATE = 1.0  #: seconds
_SILENT = 10.0  #: seconds without a beat after which the loop counts as stuck


class Announcer:
    """The seam between the daemon's frame and what it serves.

    `stop` is set when the daemon is to end. `figures` are what `/metrics` shows.
    """

    def __init__(self, notifier: Notifier, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.stop = asyncio.Event()
        self.figures = Figures()
        self._notifier = notifier
        self._monotonic = monotonic
        self._beaten = monotonic()
        self._status = Status(is_alive=True, is_ready=False, reasons=["it is starting"])

    def ready(self, text: str) -> None:
        """It does its work from now on."""
        self.publish(replace(self._status, is_ready=True, reasons=[]))
        self._notifier.ready(text)

    def say(self, text: str) -> None:
        """One line on how it goes, for ``systemctl status``."""
        self._notifier.status(text)

    def publish(self, status: Status) -> None:
        """What ``/health`` and ``/ready`` answer from now on; it must not be changed afterwards."""
        self._status = status

    def stopping(self, text: str) -> None:
        """It takes nothing on any more."""
        self.publish(replace(self._status, is_ready=False, reasons=["it is stopping"]))
        self._notifier.stopping(text)

    def status(self) -> Status:
        """How it is, for any thread."""
        status = self._status
        is_beating = self._monotonic() - self._beaten < _SILENT
        return replace(status, is_alive=status.is_alive and is_beating)

    async def beat(self) -> None:
        """Show that the event loop runs, until this is canceled."""
        watchdog = self._notifier.watchdog
        interval = min(_INTERVAL, watchdog / 3) if watchdog else _INTERVAL
        while True:
            before = self._monotonic()
            await asyncio.sleep(interval)
            self.beaten(self._monotonic() - before - interval)

    def beaten(self, late: float) -> None:
        """One beat, this many seconds too late."""
        self._beaten = self._monotonic()
        if late < _LATE and self._status.is_alive:
            self._notifier.alive()
