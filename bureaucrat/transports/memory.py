"""The in-process transport: participants are functions, called here.

Rules: sync functions run in threads, async ones on the event loop; what threads have finished is brought to the loop
together, not one wake-up each; nothing survives this process, so the engine dispatches again at start. A participant
works on fields of its own; what it raises, whatever that is, is its answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from ..core.effects import Dispatch
from ..functions import Function, Functions, Workitem, answer_of, failure_of, workitem_of
from ..ports import Answered

_Attempt = tuple[Dispatch, str, Function, Workitem]


class MemoryTransport:
    """Calls the functions it is given."""

    def __init__(self, functions: Functions, *, threads: int = 16, grace: float = 5.0) -> None:
        self._functions = functions
        self._grace = grace
        self._is_stopped = False
        self._threads = threads
        self._at_work: set[tuple[str, int]] = set()
        self._attempts: queue.SimpleQueue[_Attempt | None] = queue.SimpleQueue()
        self._done: deque[Answered] = deque()
        self._is_awaited = False
        self._workers: list[threading.Thread] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._answered: Callable[[Answered], None] = lambda answer: None

    async def start(self, answered: Callable[[Answered], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._answered = answered

    async def stop(self) -> None:
        if self._is_stopped:
            return
        self._is_stopped = True
        for _ in self._workers:
            self._attempts.put(None)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._grace)
        for task in self._tasks:
            task.cancel()
        await asyncio.to_thread(self._join)
        self._collect()

    def _join(self) -> None:
        end = time.monotonic() + self._grace
        for worker in self._workers:
            worker.join(max(0.0, end - time.monotonic()))

    def serves(self, participant: str) -> bool:
        return self._functions.find(participant) is not None

    def send(self, dispatch: Dispatch, instance: str) -> None:
        key = (instance, dispatch.attempt)
        function = self._functions.find(dispatch.participant, dispatch.arguments)
        if key in self._at_work or function is None or self._is_stopped:
            return
        self._at_work.add(key)
        attempt = (dispatch, instance, function, workitem_of(dispatch, instance))
        if function.is_async:
            task = asyncio.get_running_loop().create_task(self._call_async(attempt))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._attempts.put(attempt)
            if len(self._workers) < min(self._threads, len(self._at_work)):
                self._add_worker()

    async def _call_async(self, attempt: _Attempt) -> None:
        dispatch, instance, function, workitem = attempt
        try:
            fields = answer_of(dispatch, workitem, await function.call(**function.arguments(workitem)))
        except (Exception, SystemExit) as error:  # whatever a participant raises is its answer (L32)
            fields = failure_of(error)
        self._hand_in(_answered(dispatch, instance, fields))

    def _add_worker(self) -> None:
        name = f"participants-{len(self._workers)}"
        worker = threading.Thread(target=self._work, name=name, daemon=True)
        self._workers.append(worker)
        worker.start()

    def _work(self) -> None:
        while (attempt := self._attempts.get()) is not None and not self._is_stopped:
            dispatch, instance, function, workitem = attempt
            fields = _call(dispatch, workitem, function)
            self._done.append(_answered(dispatch, instance, fields))
            if not self._is_awaited and self._loop is not None:
                self._is_awaited = True
                with contextlib.suppress(RuntimeError):  # the loop was closed: the process ends, recovery sends again
                    self._loop.call_soon_threadsafe(self._collect)

    def _collect(self) -> None:
        self._is_awaited = False
        while self._done:
            self._hand_in(self._done.popleft())

    def _hand_in(self, answer: Answered) -> None:
        if answer.attempt is not None:
            self._at_work.discard((answer.instance, answer.attempt))
        self._answered(answer)


def _call(dispatch: Dispatch, workitem: Workitem, function: Function) -> dict[str, Any]:
    try:
        return function.answer(workitem, dispatch.result)
    except BaseException as error:  # whatever a participant raises is its answer, sys.exit() too (L32)
        return failure_of(error)


def _answered(dispatch: Dispatch, instance: str, fields: dict[str, Any]) -> Answered:
    return Answered(instance, dispatch.branch, dispatch.activity, dispatch.attempt, fields)
