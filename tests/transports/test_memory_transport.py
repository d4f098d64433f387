"""The in-process transport, and the calling of functions."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any

import pytest

from bureaucrat import Fault, Workitem, participant
from bureaucrat.core.effects import Dispatch
from bureaucrat.functions import Functions
from bureaucrat.ports import Answered
from bureaucrat.transports.memory import MemoryTransport


def attempt(number: int, name: str = "work", result: str | None = None, **fields: Any) -> Dispatch:
    return Dispatch("", 1, "a_0", name, number, 1, "a/1", fields, result=result)


class Desk:
    """A transport and the answers that came."""

    def __init__(self, functions: dict[str, Any], **options: Any) -> None:
        self.transport = MemoryTransport(Functions.of(functions), **options)
        self.answers: list[Answered] = []
        self.came = asyncio.Event()

    async def start(self) -> None:
        await self.transport.start(self._take)

    def _take(self, answer: Answered) -> None:
        self.answers.append(answer)
        self.came.set()

    async def fields(self, *attempts: Dispatch) -> list[dict[str, Any]]:
        """The answers' fields, in order of attempts."""
        await self.start()
        for one in attempts:
            self.transport.send(one, "a")
        async with asyncio.timeout(10):
            while len(self.answers) < len(attempts):
                self.came.clear()
                await self.came.wait()
        await self.transport.stop()
        return [answer.fields for answer in sorted(self.answers, key=lambda answer: answer.attempt or 0)]


def by_name(order_id: int, note: str = "none") -> dict[str, Any]:
    return {"got": [order_id, note]}


async def by_fields(fields: dict[str, Any]) -> None:
    fields["x"] += 1


def by_workitem(workitem: Workitem) -> Workitem:
    workitem.fields["seen"] = [workitem.token, workitem.key, workitem.target, workitem.participant, workitem.attempt]
    return workitem


def by_all(**fields: Any) -> dict[str, Any]:
    return {"names": sorted(fields)}


@pytest.mark.parametrize(
    ("function", "sent", "answered"),
    [
        (by_name, {"order_id": 7}, {"got": [7, "none"]}),
        (by_name, {"order_id": 7, "note": "n", "more": 1}, {"got": [7, "n"]}),
        (by_fields, {"x": 1}, {"x": 2}),
        (by_workitem, {}, {"seen": ["a:1", "a/1", "a_0", "work", 1]}),
        (by_all, {"b": 1, "a": 2}, {"names": ["a", "b"]}),
        (lambda: None, {"x": 1}, {"x": 1}),
    ],
)
async def test_a_function_is_called_by_the_names_of_its_parameters(
    function: Any, sent: dict[str, Any], answered: dict[str, Any]
) -> None:
    assert await Desk({"work": function}).fields(attempt(1, **sent)) == [answered]


def refuses() -> None:
    raise Fault("CardRefused", "limit")


def exits() -> None:
    sys.exit(3)


async def exits_later() -> None:
    sys.exit(3)


async def later() -> int:
    return 1


@pytest.mark.parametrize(
    ("function", "answered"),
    [
        (
            by_name,
            {
                "status": "error",
                "error": "LookupError: by_name() takes 'order_id', and the process sends no such field",
            },
        ),
        (refuses, {"status": "critical", "code": "CardRefused", "error": "limit"}),
        (exits, {"status": "error", "error": "SystemExit: 3"}),
        (exits_later, {"status": "error", "error": "SystemExit: 3"}),
        (
            lambda: 5,
            {"status": "error", "error": "TypeError: it returned a int; return a dict of changed fields, or nothing"},
        ),
        (
            lambda: {"x": {1}},
            {"status": "error", "error": "TypeError: it answered what is no JSON: x is a set, which is no JSON"},
        ),
    ],
)
async def test_what_a_function_raises_or_should_not_return_is_an_error_answer(
    function: Any, answered: dict[str, Any]
) -> None:
    assert await Desk({"work": function}).fields(attempt(1)) == [answered]


async def test_a_function_that_gives_an_awaitable_without_being_async_is_told_so() -> None:
    (fields,) = await Desk({"work": lambda: _Awaitable()}).fields(attempt(1))

    assert "declare it with `async def`" in fields["error"]


class _Awaitable:
    def __await__(self) -> Any:
        yield


async def test_with_result_whatever_is_returned_is_written_under_that_name() -> None:
    assert await Desk({"work": lambda x: x * 2}).fields(attempt(1, result="double", x=4)) == [{"double": 8}]


async def test_a_participant_that_ends_its_thread_does_not_take_the_others_along() -> None:
    desk = Desk({"work": lambda: None, "bad": exits}, threads=2)

    fields = await desk.fields(*[attempt(n, "bad") for n in range(1, 20)], attempt(20, x=1))

    assert fields[-1] == {"x": 1}


async def test_an_attempt_that_is_at_work_is_not_handed_over_twice() -> None:
    calls = []

    async def work() -> None:
        calls.append(1)

    desk = Desk({"work": work})
    await desk.start()
    desk.transport.send(attempt(1), "a")
    desk.transport.send(attempt(1), "a")
    desk.transport.send(attempt(1), "b")
    await desk.transport.stop()

    assert len(calls) == len(desk.answers) == 2


async def test_stopping_begins_nothing_more_and_hands_in_what_was_at_work() -> None:
    begun, go = threading.Event(), threading.Event()
    calls = []

    def work() -> None:
        calls.append(1)
        begun.set()
        go.wait(10)

    desk = Desk({"work": work}, threads=1)
    await desk.start()
    for number in range(1, 100):
        desk.transport.send(attempt(number), "a")
    await asyncio.to_thread(begun.wait, 10)
    stopping = asyncio.create_task(desk.transport.stop())
    asyncio.get_running_loop().call_soon(go.set)  # after the first step of stopping
    await stopping
    desk.transport.send(attempt(100), "a")

    assert len(calls) == len(desk.answers) == 1


async def test_stopping_does_not_wait_for_ever() -> None:
    cancelled = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(1)

    desk = Desk({"work": work}, grace=0.01)
    await desk.start()
    desk.transport.send(attempt(1), "a")
    await desk.transport.stop()

    assert desk.answers == []


def test_a_module_and_a_mapping_can_serve_one_function_under_several_names() -> None:
    class module:
        @participant("one")
        @participant("two")
        def work(self) -> None: ...

    functions = Functions.of(module, {"three": by_name})

    assert sorted(functions.by_name) == ["one", "three", "two"]
    assert functions.find("worker:one") is functions.find("one")
    assert functions.find("four") is None
