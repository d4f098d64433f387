"""How agents begin, live and end (M-015…M-025, M-061)."""

from __future__ import annotations

import asyncio
import configparser
import contextlib
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from back_ends import BackEnd, until

from bureaucrat.agents import (
    MicroAgent,
    MissConfig,
    Queue,
    ServerInterrupt,
    Signal,
    consumer,
    ending,
    on,
    participant,
    periodic,
    receiver,
)
from bureaucrat.agents.broker import Consumer, QueueException
from bureaucrat.agents.bus import Receiver
from bureaucrat.agents.ending import end
from bureaucrat.agents.tools.mocks import BrokerMock, BusMock

SIGNAL, QUEUE = Signal("life_signal", []), Queue("life_queue")


class Full(MicroAgent):
    """Everything there is, and a list of what has happened."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.happened: list[str] = []
        super().__init__(*arguments, **named)

    @on("pre_start")
    def before(self) -> None:
        self.happened.append("pre_start")

    @on("post_start")
    async def after(self) -> None:
        heard = sorted(self.bus.receivers)
        self.happened.append(f"post_start, hearing {heard}, taking {sorted(self.broker._bindings)}")

    @on("pre_stop")
    async def last(self) -> None:
        self.happened.append("pre_stop")

    @on("server")
    async def serve(self) -> None:
        self.happened.append("server")
        raise ServerInterrupt("Exit")

    @receiver(SIGNAL)
    async def hear(self, **_: Any) -> None:
        """It hears."""

    @consumer(QUEUE)
    async def take(self, **_: Any) -> None:
        """It takes."""


async def test_an_agent_begins_and_ends_in_the_documented_order(memory: BackEnd) -> None:
    """M-005, M-019, M-020, M-025."""
    agent = Full(bus=memory.bus(), broker=memory.broker())

    with pytest.raises(ServerInterrupt, match="Exit"):
        await agent.start()
    await agent.stop()

    assert agent.happened == [
        "pre_start",
        "post_start, hearing ['life_signal'], taking ['life_queue']",
        "server",
        "pre_stop",
    ]
    assert agent.bus.receivers == {}


async def test_each_part_can_be_switched_off(memory: BackEnd) -> None:
    """M-018."""
    agent = Full(bus=memory.bus(), broker=memory.broker())

    await agent.start(enable_receiving_signals=False, enable_consuming_messages=False, enable_servers_running=False)

    assert agent.happened == ["pre_start", "post_start, hearing [], taking []"]


async def test_an_agent_has_what_it_was_given_or_the_documented_defaults() -> None:
    """M-015, M-016."""
    log, bus, broker = logging.getLogger("mine"), BusMock(), BrokerMock()

    given = Full(bus, broker, log, {"secret": "my_secret"})
    bare = MicroAgent()

    assert (given.bus, given.broker, given.log, given.settings) == (bus, broker, log, {"secret": "my_secret"})
    assert (bare.bus, bare.broker, bare.settings) == (None, None, {})
    assert isinstance(bare.log, logging.Logger)


class Serving(MicroAgent):
    @participant("charge")
    async def charge(self, amount: float) -> dict[str, Any]:
        return {"charged": amount}


@pytest.mark.parametrize(
    ("kind", "given", "text"),
    [
        (Full, {"broker": BrokerMock()}, r"Full receives signals and has no bus; write Full\(bus=…\)"),
        (Full, {"bus": BusMock()}, r"Full consumes messages and has no broker; write Full\(broker=…\)"),
        (Serving, {}, r"Serving serves participants and has no broker; write Serving\(broker=…\)"),
    ],
)
def test_what_an_agent_lacks_is_said_when_it_is_made(kind: type[MicroAgent], given: dict[str, Any], text: str) -> None:
    """M-017."""
    with pytest.raises(MissConfig, match=text):
        kind(**given)


async def test_an_agent_says_what_it_is_in_json(memory: BackEnd) -> None:
    """M-022."""
    agent = Full(bus=memory.bus(prefix="PREF"), broker=memory.broker())

    info = json.loads(json.dumps(agent.info()))

    assert info == {
        "name": "Full",
        "bus": f"MemorySignalBus({memory.dsn}, PREF)",
        "broker": f"MemoryBroker({memory.dsn})",
        "periodic": [],
        "cron": [],
        "receivers": [{"name": "Full.hear", "signal": "life_signal"}],
        "consumers": [{"name": "Full.take", "queue": "life_queue"}],
        "participants": [],
    }


async def test_servers_run_together_and_the_first_that_fails_ends_them_all() -> None:
    """M-025."""
    ended: list[str] = []

    class Two(MicroAgent):
        @on("server")
        async def first(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("first")

        @on("server")
        async def second(self) -> None:
            raise ConnectionError("no port")

    with pytest.raises(ConnectionError, match="no port"):
        await Two().start()

    assert ended == ["first"]


async def test_an_agent_ends_even_if_a_hook_of_its_end_fails(memory: BackEnd) -> None:
    """M-020."""

    class Bad(MicroAgent):
        @on("pre_stop")
        def last(self) -> None:
            raise RuntimeError("no monitoring")

        @receiver(SIGNAL)
        async def hear(self, **_: Any) -> None:
            """It hears."""

        @periodic(60)
        async def work(self) -> None:
            """Not before a minute is over."""

    agent = Bad(bus=memory.bus())
    await agent.start()

    with pytest.raises(RuntimeError, match="no monitoring"):
        await agent.stop()

    assert agent.bus.receivers == {}
    assert agent.periodic_tasks[0]._next is None


async def test_bus_and_broker_can_be_used_alone(memory: BackEnd) -> None:
    """M-024."""
    started, mailer = Signal("started", []), Queue("mailer")
    broker = memory.broker()

    await memory.bus().started.send("user_agent")
    await broker.mailer.send({"text": "Hello"})

    assert await broker.mailer.length() == 1
    assert (started.name, mailer.name) == ("started", "mailer")


async def test_a_method_is_a_participant_and_is_tried_again_by_the_agent(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[float] = []
    never = asyncio.Event()

    class Charging(MicroAgent):
        @participant("charge", retries=2)
        async def charge(self, amount: float) -> dict[str, Any]:
            calls.append(amount)
            if len(calls) < 3:
                raise ConnectionError("no bank")
            return {"charged": amount}

        @participant("refund", retries=1)
        def refund(self, amount: float) -> None:
            calls.append(-amount)
            raise ConnectionError("no bank")

        @participant("ask", timeout=0.01)
        async def ask(self) -> None:
            await never.wait()

    participants = Charging(broker=BrokerMock()).participants

    assert await participants["charge"](amount=3) == {"charged": 3}
    with pytest.raises(ConnectionError, match="no bank"):
        participants["refund"](amount=3)
    with pytest.raises(TimeoutError):
        await participants["ask"]()
    assert calls == [3, 3, 3, -3, -3]
    assert caplog.messages == ["Charging.charge: ConnectionError: no bank; called again"] * 2 + [
        "Charging.refund: ConnectionError: no bank; called again"
    ]


async def test_a_participant_needs_a_broker_that_brings_actions(redis_server: Any) -> None:
    from bureaucrat.agents.tools.redis import RedisBroker

    broker = RedisBroker(redis_server.url())

    with pytest.raises(
        QueueException, match=r"RedisBroker brings no actions of processes \(charge\); use an AMQPBroker"
    ):
        await Serving(broker=broker).start()
    await broker.close()


async def test_mocks_remember_what_was_sent_and_answer_what_a_test_wants() -> None:
    """M-061; and waiters, which the original's mocks lack."""

    class Agent(MicroAgent):
        async def work(self) -> Any:
            await self.bus.user_created.send("agent", user_id=1)
            await self.broker.mailing.send({"text": "Hello"})
            length = await self.broker.mailing.length()
            first = await self.bus.rpc.call("agent", user_id=1)
            async with self.bus.rpc.waiter("agent", user_id=2) as queue:
                return length, first, [each async for each in queue]

    agent = Agent(bus=BusMock(), broker=BrokerMock())
    agent.bus.rpc.call.return_value = {"Agent.count": 3}  # type: ignore[attr-defined]
    agent.bus.rpc.answers = [{"Agent.count": 4}, {"Other.count": 5}]  # type: ignore[attr-defined]
    agent.broker.mailing.length.return_value = 7

    assert await agent.work() == (7, {"Agent.count": 3}, [{"Agent.count": 4}, {"Other.count": 5}])
    agent.bus.user_created.send.assert_called_once_with("agent", user_id=1)  # type: ignore[attr-defined]
    agent.bus.rpc.call.assert_called_once_with("agent", user_id=1)  # type: ignore[attr-defined]
    agent.bus.rpc.waiter.assert_called_once_with("agent", user_id=2)  # type: ignore[attr-defined]
    agent.broker.mailing.send.assert_called_once_with({"text": "Hello"})  # type: ignore[attr-defined]
    agent.broker.mailing.length.assert_called_once_with()


async def test_an_agent_with_mocks_starts_and_stops() -> None:
    """M-061."""

    class Agent(MicroAgent):
        @receiver(SIGNAL)
        async def hear(self, **_: Any) -> None:
            """It hears."""

        @consumer(QUEUE)
        async def take(self, **_: Any) -> None:
            """It takes."""

    agent = Agent(bus=BusMock(), broker=BrokerMock())
    await agent.start()
    await agent.stop()

    agent.bus.bind_receiver.assert_awaited_once_with(agent.receivers[0])  # type: ignore[attr-defined]
    agent.broker.bind_consumer.assert_awaited_once_with(agent.consumers[0])  # type: ignore[attr-defined]


async def test_receivers_and_consumers_may_be_bound_by_hand(memory: BackEnd) -> None:
    """M-021, M-030, M-045, M-047, M-051."""
    heard: list[str] = []
    log = logging.getLogger("mine")
    bus, broker = memory.bus(uid="the bus", log=log), memory.broker(uid="the broker", log=log)

    class Bare(MicroAgent):
        async def hear(self, sender: str, **_: Any) -> None:
            heard.append(sender)

        async def take(self, sender: str) -> None:
            heard.append(sender)

    agent = Bare(bus=bus, broker=broker)
    await agent.bind_receivers([Receiver(agent, agent.hear, SIGNAL, 1)])
    await agent.bind_consumers([Consumer(agent, agent.take, QUEUE, 1, {})])
    await bus.life_signal.send("by signal")
    await broker.life_queue.send({"sender": "by message"})

    await until(lambda: len(heard) == 2)
    assert sorted(heard) == ["by message", "by signal"]
    assert (bus.uid, bus.dsn, bus.log, bus.prefix) == ("the bus", memory.dsn, log, "PUBSUB")
    assert (broker.uid, broker.dsn, broker.log) == ("the broker", memory.dsn, log)


def test_each_server_has_an_extra_of_its_own() -> None:
    """M-070."""
    settings = configparser.ConfigParser()
    settings.read(Path(__file__).parents[2] / "setup.cfg")
    extras = settings["options.extras_require"]

    assert (extras["agents"], extras["redis"], extras["kafka"]) == ("\naio-pika>=10", "\nredis>=5", "\naiokafka>=0.12")


async def test_agents_of_one_program_share_a_bus_and_a_broker(memory: BackEnd) -> None:
    """M-024, M-076."""
    heard: list[str] = []
    bus, broker = memory.bus(), memory.broker()

    class One(MicroAgent):
        @receiver(SIGNAL)
        async def hear(self, **_: Any) -> None:
            heard.append(type(self).__name__)
            await self.broker.life_queue.send({})

    class Other(MicroAgent):
        @consumer(QUEUE)
        async def take(self) -> None:
            heard.append(type(self).__name__)

    for agent in (One(bus=bus, broker=broker), Other(broker=broker)):
        await agent.start()
    await bus.life_signal.send("me")

    await until(lambda: len(heard) == 2)
    assert heard == ["One", "Other"]


async def test_what_swallows_a_cancellation_is_canceled_again() -> None:
    """Clients of servers do so now and then; whoever stops must not wait for ever."""
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed == 3:
                    raise

    running = asyncio.create_task(stubborn())
    await asyncio.sleep(0)

    await end([running])

    assert (swallowed, running.cancelled()) == (3, True)


async def test_what_cannot_be_ended_is_left_and_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ending, "_PATIENCE", 0.001)
    is_enough = False

    async def endless() -> None:
        while not is_enough:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.01)

    running = asyncio.create_task(endless())
    await asyncio.sleep(0)
    await end([running])

    assert "it was canceled 10 times and goes on" in caplog.text
    is_enough = True
    await running
