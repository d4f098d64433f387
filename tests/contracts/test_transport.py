"""The contract of every way to a participant and back: what a process sees does not depend on what carries it.

One suite for functions in this process and, on the real broker, for a worker of ours and one of Celery's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from celery_thread import CeleryThread

from bureaucrat import Fault, Workitem
from bureaucrat.amqp import AmqpSettings, Broker
from bureaucrat.clock import SystemClock
from bureaucrat.core.instance import Copy
from bureaucrat.definition.reader import read
from bureaucrat.engine.codec import add_loaded, decode_instance
from bureaucrat.engine.engine import Engine
from bureaucrat.engine.numbers import numbers_of
from bureaucrat.engine.settings import Settings
from bureaucrat.engine.writes import Progress
from bureaucrat.functions import Functions
from bureaucrat.participants.celery import CeleryTasks
from bureaucrat.participants.taskqueue import PREFIX, TaskQueue
from bureaucrat.participants.worker import Worker
from bureaucrat.storage.memory import MemoryStorage
from bureaucrat.transports.amqp import AmqpCourier
from bureaucrat.transports.memory import MemoryTransport

SETTINGS = Settings(history="full", sweep=0.05)
RESTING = frozenset({"ended", "incident"})


class Way:
    """An engine, participants, and what carries attempts between them."""

    def __init__(self, kind: str, url: str) -> None:
        self._kind = kind
        self._url = url
        self.prefix = "celery" if kind == "celery" else "worker"
        self.storage = MemoryStorage()
        self.functions: dict[str, Callable[..., Any]] = {}
        self._progress: list[Progress] = []
        self._news = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Engine]:
        """An engine on the storage, while the context lasts; another one goes on with what is there."""
        functions, clock = Functions.of(self.functions), SystemClock()
        amqp = AmqpSettings(url=self._url)
        stop: Callable[[], Awaitable[None]] | None = None
        match self._kind:
            case "memory":
                options: dict[str, Any] = {"transport": MemoryTransport(functions, grace=1.0)}
            case "worker":
                queue, worker = TaskQueue(), Worker(functions, Broker(amqp))
                options = {"courier": AmqpCourier(amqp, {"": queue, PREFIX: queue}, grace=2.0)}
                await worker.start()
                stop = partial(worker.stop, 1.0)
            case _:
                tasks = CeleryTasks()
                options = {"courier": AmqpCourier(amqp, {"": tasks, "celery": tasks}, grace=2.0)}
                stop = CeleryThread(self._url, self.functions).stop
        engine = Engine(
            self.storage,
            read=lambda text: read(text),
            clock=clock,
            numbers=numbers_of(clock),
            settings=SETTINGS,
            observe=self._observe,
            **options,
        )
        await engine.start()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(engine.run())
                yield engine
                if self._kind == "memory":
                    await options["transport"].stop()
                engine.stop()
        finally:
            if stop is not None:
                await stop()

    def _observe(self, progress: list[Progress]) -> None:
        self._progress += progress
        self._news.set()

    async def rested(self, instances: int = 1) -> None:
        """Wait until so many have ended or need a person."""
        async with asyncio.timeout(60):
            while len({one.instance for one in self._progress if one.what in RESTING}) < instances:
                self._news.clear()
                await self._news.wait()

    async def run(self, xml: str, **fields: Any) -> tuple[str, dict[str, Any]]:
        """Run one instance to where it rests; its status and fields."""
        async with self.running() as engine:
            await engine.launch(read(xml), fields, "one")
            await self.rested()
        return await self.state("one")

    async def state(self, instance: str) -> tuple[str, dict[str, Any]]:
        """Status and fields of an instance, as stored."""
        row = await self.storage.instance(instance)
        assert row is not None
        copy = Copy(decode_instance(row))
        add_loaded(copy, await self.storage.branches(instance))
        return row.status, dict(copy.branches[""].scopes[0].values)


@pytest.fixture(params=["memory", "worker", "celery"])
def way(request: pytest.FixtureRequest) -> Way:
    url = "amqp://nowhere/" if request.param == "memory" else request.getfixturevalue("vhost_url")
    return Way(request.param, url)


def process(body: str) -> str:
    return f'<process name="p"><context><property name="x" type="json"/></context>{body}</process>'


async def test_what_functions_change_comes_back(way: Way) -> None:
    """By the names of parameters, by the dict of fields, sync and async."""

    async def double(x: int) -> dict[str, Any]:
        return {"x": x * 2}

    def add(fields: dict[str, Any]) -> None:
        fields["x"] += 1

    way.functions = {"double": double, "add": add}

    rested = await way.run(process(f'<action participant="double"/><action participant="{way.prefix}:add"/>'), x=20)

    assert rested == ("completed", {"x": 41})


async def test_an_exception_is_tried_again_with_the_same_key_and_another_token(way: Way) -> None:
    """L30, L32: and used-up retries are an incident (L33)."""
    seen: list[Workitem] = []

    def fail(workitem: Workitem) -> None:
        seen.append(workitem)
        raise OSError("no paper")

    way.functions = {"fail": fail}

    status, _ = await way.run(process('<action participant="fail" retries="2" delay="10ms"/>'))

    assert status == "running"
    assert [one.message for one in await way.storage.incidents("one")] == ["OSError: no paper"]
    assert [one.attempt for one in seen] == [1, 2, 3]
    assert len({one.key for one in seen}) == 1
    assert len({one.token for one in seen}) == 3


async def test_a_fault_goes_to_its_handler(way: Way) -> None:
    """L32, L90."""

    def refuse() -> None:
        raise Fault("Refused", "no money")

    way.functions = {"refuse": refuse}
    message = 'context["inst:fault"]["message"]'
    handler = f'<faults><case code="Refused"><assign property="x">{message}</assign></case></faults>'

    rested = await way.run(process(f'<action participant="refuse">{handler}</action>'))

    assert rested == ("completed", {"x": "no money"})


async def test_a_kind_that_nobody_knows_is_an_incident(way: Way) -> None:
    """Not sent anywhere, and nothing else waits for it."""
    await way.run(process('<action participant="fax:42"/>'))

    incidents = await way.storage.incidents("one")

    assert [(one.kind, one.message) for one in incidents] == [("unroutable", "nobody serves the participant 'fax:42'")]


async def test_a_hundred_at_once_come_back_each_to_its_own(way: Way) -> None:
    """And none of them twice."""
    calls: list[str] = []

    def number(workitem: Workitem, n: int) -> dict[str, Any]:
        calls.append(workitem.key)
        return {f"r{n}": n}

    way.functions = {"number": number}
    actions = "".join(
        f'<action participant="number"><input><field name="n">{n}</field></input></action>' for n in range(100)
    )

    status, fields = await way.run(process(f"<all>{actions}</all>"))

    assert status == "completed"
    assert fields == {"x": None} | {f"r{n}": n for n in range(100)}
    assert len(calls) == len(set(calls)) == 100


async def test_what_is_at_work_when_the_engine_stops_is_done_after_its_next_start(way: Way) -> None:
    """At least once, with the same key; the instance goes on where it was."""
    keys: list[str] = []
    began = asyncio.Event()

    async def work(workitem: Workitem) -> dict[str, Any]:
        keys.append(workitem.key)
        began.set()
        if len(keys) == 1:
            await asyncio.Event().wait()
        return {"x": "done"}

    way.functions = {"work": work}
    async with way.running() as engine:
        await engine.launch(read(process('<action participant="work"/>')), {}, "one")
        async with asyncio.timeout(30):
            await began.wait()
    async with way.running():
        await way.rested()

    assert await way.state("one") == ("completed", {"x": "done"})
    assert len(keys) == 2
    assert len(set(keys)) == 1
