"""A worker: attempts in, answers out, and nothing lost however it ends."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from desk import Desk, eventually
from proxy import ACK, Proxy
from rabbit import Rabbit

from bureaucrat import Fault, Workitem
from bureaucrat.amqp import AmqpSettings, Broker, Message
from bureaucrat.errors import BrokerUnavailable
from bureaucrat.functions import Functions
from bureaucrat.participants.worker import Work, Worker, WorkerSettings
from bureaucrat.wire import encode_attempt

ANSWERS = "bureaucrat_msgs"
DEAD = "bureaucrat_dead"


class Counter:
    """A worker, and the engine's end of its queues."""

    def __init__(self, url: str, functions: dict[str, Any], worker_url: str = "", **options: Any) -> None:
        settings = {name: options.pop(name) for name in ("heartbeat", "confirm_timeout") if name in options}
        self.desk = Desk(url)
        self.seen: list[Work] = []
        self.worker = Worker(
            Functions.of(functions),
            Broker(AmqpSettings(url=worker_url or url, **settings)),
            WorkerSettings(**options),
            observe=self.seen.append,
        )
        self.grace = 5.0

    async def __aenter__(self) -> Counter:
        await self.worker.start()
        self.desk.consume(ANSWERS)
        self.desk.consume(DEAD)
        await self.desk.broker.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.worker.stop(self.grace)
        await self.desk.broker.stop(1.0)

    def send(self, name: str, number: int = 1, form: str = "workitem", **fields: Any) -> None:
        token = f"t{number}"
        content_type, body = encode_attempt(
            fields, target="i_0", token=token, key=f"k{number}", participant=name, attempt=2, format=form
        )
        message = Message.of(f"worker_{name}", body, content_type=content_type, message_id=token)
        self.desk.broker.publish(message, lambda: None)

    async def answers(self, number: int = 1) -> list[dict[str, Any]]:
        """So many answers, as JSON."""
        await self.desk.until(lambda: len(self.desk.received) >= number)
        return [json.loads(one.body) for one in self.desk.received]

    async def fields(self, number: int = 1) -> list[dict[str, Any]]:
        """Only their fields."""
        return [answer["fields"] for answer in await self.answers(number)]


async def test_an_answer_has_the_header_of_its_attempt(vhost_url: str) -> None:
    """B-033: it goes to the queue of answers, in the format that the attempt came in."""
    async with Counter(vhost_url, {"charge": lambda amount: {"paid": amount}}) as counter:
        counter.send("charge", amount=5)
        answers = await counter.answers()

    header = {"message": "response", "target": "i_0", "origin": "i_0", "token": "t1", "key": "k1"}
    assert answers == [
        {"header": {**header, "participant": "charge", "attempt": 2}, "fields": {"status": "done", "paid": 5}}
    ]
    one = counter.desk.received[0]
    assert (one.queue, one.content_type) == (ANSWERS, "application/x-bureaucrat-workitem")
    assert one.message_id == "t1:answer"


async def test_an_attempt_in_the_message_format_is_answered_in_it(vhost_url: str) -> None:
    """B-046, B-052: with token and key, and the status preset."""
    async with Counter(vhost_url, {"charge": lambda amount: {"paid": amount}}) as counter:
        counter.send("charge", form="message", amount=5)
        answers = await counter.answers()

    assert answers == [
        {
            "name": "response",
            "target": "i_0",
            "origin": "i_0",
            "payload": {"status": "done", "paid": 5, "inst:token": "t1", "inst:key": "k1"},
        }
    ]
    assert counter.desk.received[0].content_type == "application/x-bureaucrat-message"


async def test_functions_are_called_as_in_the_process(vhost_url: str) -> None:
    """Sync and async ones, with a workitem or fields of their own."""

    async def double(n: int) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"n": n * 2}

    def note(workitem: Workitem) -> None:
        workitem.fields |= {"of": [workitem.token, workitem.key, workitem.participant, workitem.attempt]}

    async with Counter(vhost_url, {"double": double, "note": note}) as counter:
        counter.send("double", n=4)
        await counter.answers(1)
        counter.send("note", 2, a=1)
        fields = await counter.fields(2)

    assert fields == [
        {"status": "done", "n": 8},
        {"status": "done", "a": 1, "of": ["t2", "k2", "note", 2]},
    ]


def _fault() -> None:
    raise Fault("Declined", "no money")


def _error() -> None:
    raise ValueError("not now")


def _exit() -> None:
    raise SystemExit(1)


async def _async_error() -> None:
    raise ValueError("not now")


class _Awaitable:
    def __await__(self) -> Any:
        """Nobody does."""


@pytest.mark.parametrize(
    ("function", "fields"),
    [
        (_fault, {"status": "critical", "code": "Declined", "error": "no money"}),
        (_error, {"status": "error", "error": "ValueError: not now"}),
        (_exit, {"status": "error", "error": "SystemExit: 1"}),
        (_async_error, {"status": "error", "error": "ValueError: not now"}),
        (
            lambda: 5,
            {"status": "error", "error": "TypeError: it returned a int; return a dict of changed fields, or nothing"},
        ),
        (lambda: {"a": object()}, None),
        (lambda missing: None, None),
        (_Awaitable, None),
    ],
)
async def test_what_a_function_raises_is_its_answer(
    vhost_url: str, function: Callable[..., Any], fields: dict[str, Any] | None
) -> None:
    """L32: a fault is critical, anything else an error."""
    async with Counter(vhost_url, {"work": function}) as counter:
        counter.send("work")
        answered = await counter.fields()

    assert answered == [fields] if fields else answered[0]["status"] == "error"


async def test_a_message_that_is_no_attempt_is_set_aside_with_the_reason(vhost_url: str) -> None:
    """And the next one is served."""
    async with Counter(vhost_url, {"work": lambda: None}) as counter:
        counter.desk.broker.publish(Message.of("worker_work", b"{", message_id="m"), lambda: None)
        counter.send("work")
        await counter.desk.until(lambda: len(counter.desk.received) == 2)
        await counter.desk.depth("worker_work", 0)

    by_queue = {one.queue: one for one in counter.desk.received}
    assert set(by_queue) == {ANSWERS, DEAD}
    assert (by_queue[DEAD].body, by_queue[DEAD].message_id) == (b"{", "m")
    assert by_queue[DEAD].headers["bureaucrat-source"] == "worker_work"
    assert by_queue[DEAD].headers["bureaucrat-reason"]


async def test_an_attempt_is_acknowledged_when_its_answer_is_confirmed(vhost: str, rabbit: Rabbit) -> None:
    """Not before: if the worker dies in between, it comes again."""
    url = rabbit.vhost_url(vhost)
    async with Proxy(rabbit.port) as proxy, Counter(url, {"work": lambda: None}, proxy.url(vhost)) as counter:
        proxy.lost = {ACK}
        counter.send("work")
        await counter.answers()
        proxy.refuse()
        await counter.desk.depth("worker_work", 1)

        proxy.lost = set()
        proxy.admit()
        await counter.desk.depth("worker_work", 0)
        await counter.worker.stop(5.0)
        await counter.desk.depth("worker_work", 0)


async def test_an_attempt_that_comes_again_while_it_is_at_work_is_not_begun_again(vhost: str, rabbit: Rabbit) -> None:
    """It was sent twice, and the connection was lost in between; all of it is acknowledged."""
    goes_on = threading.Event()
    calls: list[str] = []

    def work(workitem: Workitem) -> None:
        calls.append(workitem.token)
        goes_on.wait(20)

    url = rabbit.vhost_url(vhost)
    async with Proxy(rabbit.port) as proxy, Counter(url, {"work": work}, proxy.url(vhost)) as counter:
        counter.send("work")
        await eventually(lambda: _true(calls))
        counter.send("work")
        await eventually(lambda: _true(len(counter.worker._here["t1"].deliveries) == 2))
        proxy.cut()
        await eventually(lambda: _true(len(counter.worker._here["t1"].deliveries) == 4))
        goes_on.set()
        await counter.answers()
        await counter.worker.stop(5.0)
        await counter.desk.depth("worker_work", 0)

    assert calls == ["t1"]
    assert len(counter.desk.received) == 1


async def _true(found: object) -> bool:
    return bool(found)


async def test_long_work_costs_no_heartbeat(vhost_url: str) -> None:
    """Neither of a sync function nor of an async one."""
    goes_on = threading.Event()
    released = asyncio.Event()
    ended = asyncio.Event()

    async def pause() -> None:
        await released.wait()

    functions = {"work": lambda: goes_on.wait(30) and None, "pause": pause}
    async with Counter(vhost_url, functions, heartbeat=1) as counter:
        counter.worker._broker.on_change(ended.set)
        counter.send("work")
        counter.send("pause", 2)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ended.wait(), 5.0)  # the broker gives a silent client three seconds
        goes_on.set()
        released.set()
        await counter.answers(2)

        assert counter.worker._broker.state.last_loss is None


async def test_a_worker_that_is_stopped_finishes_what_is_under_way_and_gives_back_the_rest(vhost_url: str) -> None:
    """One thread is at work, the others' attempts wait."""
    begun = threading.Event()
    goes_on = threading.Event()

    def work() -> None:
        begun.set()
        goes_on.wait(20)

    counter = Counter(vhost_url, {"work": work}, concurrency=1)
    async with counter:
        for number in range(5):
            counter.send("work", number)
        await asyncio.to_thread(begun.wait)
        await eventually(lambda: _true(len(counter.worker._under_way) == 5))
        stopping = asyncio.create_task(counter.worker.stop(20))
        await counter.desk.depth("worker_work", 4)
        goes_on.set()
        await stopping
        await counter.answers()
        await counter.desk.depth("worker_work", 4)

    assert len(counter.desk.received) == 1


async def test_what_is_not_finished_in_time_is_given_back(vhost_url: str) -> None:
    """Sync and async: another worker has them."""
    goes_on = threading.Event()

    async def pause() -> None:
        await asyncio.Event().wait()

    functions = {"work": lambda: goes_on.wait(30) and None, "pause": pause}
    counter = Counter(vhost_url, functions)
    async with counter:
        counter.send("work")
        counter.send("pause", 2)
        await eventually(lambda: _true(len(counter.worker._under_way) == 2))
        await counter.worker.stop(0.1)
        goes_on.set()
        async with Counter(vhost_url, {"work": lambda: {"by": 2}, "pause": lambda: {"by": 2}}) as other:
            await other.desk.until(lambda: len(other.seen) == 2)

    assert [work.fields for work in other.seen] == [{"by": 2}, {"by": 2}]


async def test_every_attempt_is_answered_though_connections_are_lost(vhost: str, rabbit: Rabbit) -> None:
    """Several times while many are under way."""

    async def pause(n: int) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"n": n}

    functions = {"work": lambda n: {"n": n}, "pause": pause}
    url = rabbit.vhost_url(vhost)
    async with Proxy(rabbit.port) as proxy, Counter(url, functions, proxy.url(vhost)) as counter:
        for number in range(2000):
            counter.send("work" if number % 2 else "pause", number, n=number)
        for limit in (300, 800, 1500):
            await counter.answers(limit)
            proxy.cut()

        await counter.desk.until(lambda: len({one.message_id for one in counter.desk.received}) == 2000)
        await counter.worker.stop(10.0)
        for queue in ("worker_work", "worker_pause"):
            await counter.desk.depth(queue, 0)


async def test_a_worker_begins_only_with_a_broker() -> None:
    """Later it waits for one."""
    worker = Worker(Functions.of({"work": lambda: None}), Broker(AmqpSettings(url="amqp://127.0.0.1:1/")))

    with pytest.raises(BrokerUnavailable, match="connection refused"):
        await worker.start()


@pytest.mark.parametrize(("settings", "most"), [(WorkerSettings(), 128), (WorkerSettings(prefetch=3), 3)])
def test_more_attempts_are_here_than_at_work(settings: WorkerSettings, most: int) -> None:
    """So that no thread waits for the broker."""
    assert settings.at_once == most
