"""Ctrl-C and SIGTERM, on every system: the first asks the run to stop, the second ends it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from types import FrameType
from typing import Any

from .failure import Exit

_CODES = {"SIGINT": Exit.INTERRUPTED, "SIGTERM": Exit.STOPPED, "SIGBREAK": Exit.INTERRUPTED}


class Stops:
    """While its context lasts, a signal sets `code` and the event; then signals mean again what they meant before."""

    def __init__(self, news: asyncio.Event) -> None:
        self.code: Exit | None = None
        self._news = news
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stops:
        self._loop = asyncio.get_running_loop()
        for name, code in _CODES.items():
            number = getattr(signal, name, None)
            if number is not None:
                self._before[number] = signal.getsignal(number)
                self._listen(number, code)
        return self

    def _listen(self, number: int, code: Exit) -> None:
        try:
            self._loop.add_signal_handler(number, self._stop, code)
        except (NotImplementedError, RuntimeError):  # Windows, or not the main thread
            try:
                signal.signal(number, lambda got, frame: self._later(code, got, frame))
            except ValueError:
                return

    def _later(self, code: Exit, number: int, frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self._stop, code)

    def _stop(self, code: Exit) -> None:
        self.code = self.code or code
        self._restore()
        self._news.set()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            with contextlib.suppress(NotImplementedError, RuntimeError):
                self._loop.remove_signal_handler(number)
            signal.signal(number, signal.default_int_handler if handler is None else handler)
        self._before.clear()

    def __exit__(self, *error: object) -> None:
        if self._before:
            self._restore()
