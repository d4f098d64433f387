"""Threads that call functions, and bring what comes of it to the event loop together, not one by one.

Rules: a thread is started when the others are busy; what is finished is handed over by one wake-up of the loop, however
much has come together by then.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Threads(Generic[T]):
    """At most so many threads; each is started when it is first needed."""

    def __init__(self, most: int, work: Callable[[T], None], done: Callable[[list[T]], None]) -> None:
        """
        :param work: called in a thread; it raises nothing and keeps its result in what it is given.
        :param done: called on the loop with what is finished.
        """
        self._most = most
        self._work = work
        self._done = done
        self._loop = asyncio.get_running_loop()
        self._waiting: queue.SimpleQueue[T | None] = queue.SimpleQueue()
        self._finished: deque[T] = deque()
        self._is_told = False
        self._open = 0
        self._started = 0

    def put(self, one: T) -> None:
        """Have it worked on. To be called on the loop's thread."""
        self._open += 1
        self._waiting.put(one)
        if self._started < min(self._open, self._most):
            self._started += 1
            threading.Thread(target=self._run, name=f"participants-{self._started}", daemon=True).start()

    def stop(self) -> list[T]:
        """Begin nothing more; what is under way is still handed over.

        :returns: what was not begun.
        """
        left: list[T] = []
        with contextlib.suppress(queue.Empty):
            while (one := self._waiting.get_nowait()) is not None:
                left.append(one)
        for _ in range(self._started):
            self._waiting.put(None)
        return left

    def _run(self) -> None:
        while (one := self._waiting.get()) is not None:
            self._work(one)
            self._finished.append(one)
            if not self._is_told:
                self._is_told = True
                with contextlib.suppress(RuntimeError):  # the loop was closed: the process ends, it is done again
                    self._loop.call_soon_threadsafe(self._hand_over)

    def _hand_over(self) -> None:
        self._is_told = False
        finished: list[T] = []
        with contextlib.suppress(IndexError):
            while True:
                finished.append(self._finished.popleft())
        self._open -= len(finished)
        if finished:
            self._done(finished)
