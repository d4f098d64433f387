"""A worker of Celery's in a thread of the tests, whose tasks are functions of the tests."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from typing import Any

from celery import Celery
from celery._state import _set_task_join_will_block
from celery.exceptions import WorkerTerminate
from celery.worker import WorkController, state

import bureaucrat.celery


class CeleryThread:
    """A worker that does one thing at a time, until it is stopped."""

    def __init__(self, url: str, functions: Mapping[str, Callable[..., Any]]) -> None:
        self._loop = asyncio.get_running_loop()
        self._at_work: set[Future[Any]] = set()
        app = Celery("contract", broker=url, set_as_current=False)
        app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True, task_ignore_result=True)
        bureaucrat.celery.install(app)
        for name, function in functions.items():
            app.task(bureaucrat.celery.workitem_task(self._blocking(function)), name=name, shared=False)
        worker = WorkController(
            app, pool="solo", concurrency=1, without_heartbeat=True, without_mingle=True, without_gossip=True
        )
        worker.timer.call_repeatedly(0.05, lambda: None)  # else it looks up from its connection every ten seconds

        def work() -> None:
            app.set_current()  # in this thread
            worker.start()

        self._thread = threading.Thread(target=work, name="Celery's worker")
        self._thread.start()

    def _blocking(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself, or for one that is async a function that waits for it and ends with the worker."""
        if not inspect.iscoroutinefunction(function):
            return function

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            future = asyncio.run_coroutine_threadsafe(function(*args, **kwargs), self._loop)
            self._at_work.add(future)
            try:
                return future.result()
            except CancelledError:
                raise WorkerTerminate from None
            finally:
                self._at_work.discard(future)

        return call

    async def stop(self) -> None:
        """As SIGTERM does; what it is at work on is given up, and not acknowledged."""
        state.should_stop = 0
        try:
            for future in list(self._at_work):
                future.cancel()
            await asyncio.to_thread(self._thread.join)
        finally:
            state.should_stop = None
            _set_task_join_will_block(False)  # a worker sets it for its whole process, which is that of the tests
