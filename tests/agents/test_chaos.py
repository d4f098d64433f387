"""Servers that are killed, connections that are cut, queues that are deleted, agents that die: nothing is lost."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import aiormq
import pytest
from back_ends import BackEnd, new_name, until
from proxy import Proxy
from rabbit import Rabbit
from redis.asyncio import Redis
from redis_server import RedisServer

from bureaucrat.agents import MicroAgent, Queue, Signal, consumer, receiver
from bureaucrat.agents.tools import redis as redis_tool
from bureaucrat.agents.tools.amqp import AMQPBroker, AMQPSignalBus
from bureaucrat.agents.tools.redis import RedisBroker, RedisSignalBus

pytestmark = pytest.mark.unmeasured


class Server(Protocol):
    """What can be killed and started again."""

    def kill(self) -> None: ...

    def start(self) -> Any: ...


@pytest.fixture(scope="module")
def own_rabbit() -> Iterator[Rabbit]:
    """A broker that may be killed."""
    broker = Rabbit()
    try:
        yield broker.start()
    finally:
        broker.remove()


@pytest.fixture(scope="module")
def own_redis() -> Iterator[RedisServer]:
    """A Redis that may be killed."""
    server = RedisServer()
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture(params=["amqp", "redis"])
async def killable(request: pytest.FixtureRequest) -> AsyncIterator[tuple[BackEnd, Server]]:
    """A back end, and its server."""
    server: Any
    if request.param == "amqp":
        server = request.getfixturevalue("own_rabbit")
        found = BackEnd("amqp", AMQPSignalBus, AMQPBroker, server.url)
    else:
        server = request.getfixturevalue("own_redis")
        found = BackEnd("redis", RedisSignalBus, RedisBroker, server.url())
    yield found, server
    await found.close()


#: A server ends with the thread that has started it.
_starting = ThreadPoolExecutor(1)


async def kill_and_start(server: Server) -> None:
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(_starting, server.kill)
    await loop.run_in_executor(_starting, server.start)


async def old_enough(back_end: BackEnd) -> None:
    """RabbitMQ 3.10 loses quorum queues when it is killed within seconds of their making."""
    if back_end.name == "amqp":
        loop = asyncio.get_running_loop()
        declared = loop.time()
        await until(lambda: loop.time() > declared + 8)


def counting(queue: Queue, taken: Counter[int]) -> type[MicroAgent]:
    class Counting(MicroAgent):
        @consumer(queue)
        async def take(self, n: int, **_: Any) -> None:
            await asyncio.sleep(0)
            taken[n] += 1

    return Counting


async def test_a_server_that_is_killed_in_the_middle_loses_no_message(killable: tuple[BackEnd, Server]) -> None:
    """M-053, M-059: messages are sent and taken all the time; the agent is not begun again."""
    back_end, server = killable
    queue, taken = Queue(new_name()), Counter[int]()
    await counting(queue, taken)(broker=back_end.broker()).start()
    bound = getattr(back_end.broker(), queue.name)

    async def send_all() -> None:
        for first in range(0, 2000, 50):
            await asyncio.gather(*(bound.send({"n": number}) for number in range(first, first + 50)))

    await old_enough(back_end)
    sending = asyncio.create_task(send_all())
    await until(lambda: len(taken) > 200)
    await kill_and_start(server)
    await sending

    async with asyncio.timeout(60):
        await until(lambda: len(taken) == 2000)
    assert set(taken) == set(range(2000))


async def test_signals_are_heard_again_when_the_server_is_back(killable: tuple[BackEnd, Server]) -> None:
    """M-052."""
    back_end, server = killable
    signal, heard = Signal(new_name(), ["n"]), []

    class Hearing(MicroAgent):
        @receiver(signal)
        async def hear(self, n: int, **_: Any) -> str:
            heard.append(n)
            return "here"

    await Hearing(bus=back_end.bus()).start()
    bound = getattr(back_end.bus(), signal.name)
    assert await bound.call("me", n=1) == {"Hearing.hear": "here"}
    await kill_and_start(server)

    async with asyncio.timeout(60):
        while await answer(bound) != {"Hearing.hear": "here"}:  # noqa: ASYNC110 - it is asked anew
            await asyncio.sleep(0.05)


async def answer(bound: Any) -> dict[str, Any]:
    """Of a signal that is sent now; what cannot be sent now has none."""
    try:
        found: dict[str, Any] = await bound.call("me", timeout=0.5, n=2)
    except Exception:  # each server's client has its own errors for a lost connection
        return {}
    return found


async def test_a_message_that_an_agent_had_when_it_was_killed_goes_to_another(
    killable: tuple[BackEnd, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """M-053, M-054: the original's Redis broker lost it."""
    back_end, _ = killable
    queue, taken = Queue(new_name()), Counter[int]()
    kind = f"{back_end.new_broker.__module__}.{back_end.new_broker.__name__}"  # type: ignore[attr-defined]
    program = [sys.executable, str(Path(__file__).parent / "dying_consumer.py"), kind, back_end.dsn, queue.name]
    monkeypatch.setattr(redis_tool, "_ALIVE", 1.0)

    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as dying:  # noqa: ASYNC220 - it begins at once
        await getattr(back_end.broker(), queue.name).send({"n": 7})
        assert dying.stdout is not None
        assert await asyncio.to_thread(dying.stdout.readline) == "7\n"
        dying.kill()
    await counting(queue, taken)(broker=back_end.broker()).start()

    await until(lambda: taken)
    assert taken == Counter({7: 1})


@asynccontextmanager
async def cutting(back_end: BackEnd, server: Server) -> AsyncIterator[Callable[[], Awaitable[Any]]]:
    """What cuts every connection of agents."""
    if isinstance(server, Rabbit):
        async with Proxy(server.port) as proxy:
            back_end.dsn = proxy.url("%2F")

            async def cut() -> None:
                proxy.cut()

            yield cut
            await back_end.close()
            back_end.opened.clear()
    else:
        client = Redis.from_url(back_end.dsn)
        yield lambda: client.client_kill_filter(_type="normal", skipme=True)
        await client.aclose()


async def test_connections_that_are_cut_lose_no_message(killable: tuple[BackEnd, Server]) -> None:
    """M-052, M-053, M-059: again and again, those that send and those that consume."""
    back_end, server = killable
    queue, taken = Queue(new_name()), Counter[int]()
    async with cutting(back_end, server) as cut:
        await counting(queue, taken)(broker=back_end.broker()).start()
        bound = getattr(back_end.broker(), queue.name)
        sending = asyncio.gather(*(bound.send({"n": number}) for number in range(500)))
        for most in (20, 100, 200):
            await until(lambda most=most: len(taken) >= most)
            await cut()
        await sending

        await until(lambda: len(taken) == 500)
        assert set(taken) == set(range(500))


async def test_a_queue_that_is_deleted_is_made_again_and_consumed(own_rabbit: Rabbit) -> None:
    """The server cancels the consumer and leaves its connection open; a defect of the original: it was silent."""
    back_end = BackEnd("amqp", AMQPSignalBus, AMQPBroker, own_rabbit.url)
    queue, taken = Queue(new_name()), Counter[int]()
    await counting(queue, taken)(broker=back_end.broker()).start()
    bound = getattr(back_end.broker(), queue.name)
    await bound.send({"n": 1})
    await until(lambda: taken[1])

    connection = await aiormq.connect(own_rabbit.url)
    await (await connection.channel()).queue_delete(queue.name)
    await connection.close()
    for number in range(2, 12):
        await bound.send({"n": number})

    await until(lambda: len(taken) == 11)
    assert taken == Counter(range(1, 12))
    await back_end.close()


async def test_a_bus_whose_queue_is_deleted_hears_again(own_rabbit: Rabbit) -> None:
    back_end = BackEnd("amqp", AMQPSignalBus, AMQPBroker, own_rabbit.url)
    signal, heard = Signal(new_name(), ["n"]), []

    class Hearing(MicroAgent):
        @receiver(signal)
        async def hear(self, n: int, **_: Any) -> None:
            heard.append(n)

    bus = back_end.bus()
    await Hearing(bus=bus).start()
    connection = await aiormq.connect(own_rabbit.url)
    channel = await connection.channel()
    first = bus._standing.channel  # type: ignore[attr-defined]
    await bus._standing.channel.queue_delete(bus._queue)  # type: ignore[attr-defined]
    await until(lambda: bus._standing.channel not in (None, first))  # type: ignore[attr-defined]
    await until_heard(back_end, signal, heard)
    await channel.close()
    await connection.close()
    await back_end.close()


async def until_heard(back_end: BackEnd, signal: Signal, heard: list[int]) -> None:
    bound = getattr(back_end.bus(), signal.name)
    async with asyncio.timeout(30):
        while not heard:
            await bound.send("me", n=1)
            await asyncio.sleep(0.02)
