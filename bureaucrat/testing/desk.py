"""The simulation's transport: participants are functions of the test, or the test itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ..core.effects import Dispatch
from ..functions import Functions, answer_of, failure_of, workitem_of
from ..ports import Answered


@dataclass(slots=True)
class OpenAttempt:
    """An attempt that waits for the test to answer it."""

    instance: str
    dispatch: Dispatch

    @property
    def fields(self) -> dict[str, Any]:
        """What the participant was sent."""
        return self.dispatch.fields

    @property
    def participant(self) -> str:
        return self.dispatch.participant

    @property
    def key(self) -> str:
        return self.dispatch.key


@dataclass(slots=True)
class Desk:
    """The simulation's transport: calls the test's functions, keeps the rest open for the test to answer."""

    functions: Functions
    open: list[OpenAttempt] = field(default_factory=list)
    sent: list[OpenAttempt] = field(default_factory=list)
    answered: Callable[[Answered], None] = lambda answer: None

    async def start(self, answered: Callable[[Answered], None]) -> None:
        self.answered = answered

    async def stop(self) -> None:
        self.open.clear()

    def serves(self, participant: str) -> bool:
        return True

    def send(self, dispatch: Dispatch, instance: str) -> None:
        attempt = OpenAttempt(instance, dispatch)
        self.sent.append(attempt)
        function = self.functions.find(dispatch.participant, dispatch.arguments)
        if function is None:
            self.open.append(attempt)
            return
        workitem = workitem_of(dispatch, instance)
        try:
            if function.is_async:
                returned = _result_of(function.call(**function.arguments(workitem)))
                fields = answer_of(dispatch, workitem, returned)
            else:
                fields = function.answer(workitem, dispatch.result)
        except Exception as error:  # whatever a participant raises is its answer (L32)
            fields = failure_of(error)
        self.answer(attempt, fields)

    def answer(self, attempt: OpenAttempt, fields: Mapping[str, Any]) -> None:
        dispatch = attempt.dispatch
        number = dispatch.attempt
        self.answered(Answered(attempt.instance, dispatch.branch, dispatch.activity, number, dict(fields)))


def _result_of(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What an async participant returns; on a thread of its own if the test itself runs on an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
