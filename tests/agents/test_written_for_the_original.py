"""Modules written for the original run when ``microagent`` in their imports is replaced (M-014, M-030…M-061)."""

from __future__ import annotations

import asyncio
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from back_ends import until
from redis_server import RedisServer

IMPORTS = re.compile(r"^(\s*(?:from|import) )microagent\b", re.MULTILINE)

EVERY_MODULE = """
from microagent import (
    MicroAgent, Queue, ServerInterrupt, Signal, consumer, cron, load_queues, load_signals, load_stuff, on, periodic,
    receiver,
)
from microagent.agent import MicroAgent as FromAgent
from microagent.broker import AbstractQueueBroker, BoundQueue, Consumer
from microagent.bus import AbstractSignalBus, BoundSignal, Receiver, Signal as FromBus
from microagent.hooks import on as from_hooks
from microagent.launcher import (
    AgentsManager, GroupInterrupt, ServerInterrupt as FromLauncher, init_agent, load_configuration, run,
)
from microagent.queue import Queue as FromQueue, QueueException, QueueNotFound, SerializingError as NoMessage
from microagent.signal import SerializingError, Signal as FromSignal, SignalException, SignalNotFound
from microagent.timer import CRONTask, PeriodicTask
from microagent.tools.amqp import AMQPBroker
from microagent.tools.kafka import KafkaBroker
from microagent.tools.mocks import BrokerMock, BusMock
from microagent.tools.redis import RedisBroker, RedisSignalBus

assert FromAgent is MicroAgent and FromBus is FromSignal is Signal and FromQueue is Queue
assert FromLauncher is ServerInterrupt and from_hooks is on
assert issubclass(SignalNotFound, SignalException) and issubclass(QueueNotFound, QueueException)
assert (RedisBroker.WAIT_TIME, RedisBroker.BIND_TIME, RedisBroker.ROLLBACK_ATTEMPTS) == (15, 1, 3)
"""

ON_REDIS = """
import logging
from microagent import MicroAgent, consumer, load_stuff, on, periodic, receiver
from microagent.tools.redis import RedisBroker, RedisSignalBus

signals, queues = load_stuff('file://signals.json')


class UserAgent(MicroAgent):
    @on('pre_start')
    async def setup(self):
        self.got = []

    @receiver(signals.manual_created, signals.manual_deleted)
    async def note(self, signal, sender, **kwargs):
        self.got.append((signal.name, sender, kwargs))
        await self.broker.manual_mailer.send({'text': 'Hello', **kwargs})

    @receiver(signals.manual_count)
    async def count(self, user_id, **kwargs):
        return len(self.got)

    @consumer(queues.manual_mailer, timeout=30)
    async def mail(self, **kwargs):
        self.got.append(kwargs)


async def main(url):
    bus = RedisSignalBus(url, prefix='MANUAL', log=logging.getLogger('mine'))
    broker = RedisBroker(url, log=logging.getLogger('mine'))
    agent = UserAgent(bus=bus, broker=broker, settings={'secret': 'my_secret'})
    await agent.start()
    await bus.manual_created.send('user_agent', user_id=1)
    return agent
"""

ON_RABBITMQ = """
from microagent import MicroAgent, consumer, Queue
from microagent.tools.amqp import AMQPBroker

first, second = Queue(name='manual_first'), Queue(name='manual_second')


class EmailAgent(MicroAgent):
    got = []

    @consumer(first, autoack=False)
    async def by_the_manual(self, amqp, **data):
        await amqp.channel.basic_client_ack(delivery_tag=amqp.delivery_tag)
        self.got.append(data)

    @consumer(second, autoack=False)
    async def by_the_code(self, amqp, **data):
        if data['n'] == 1:
            await amqp.channel.basic_ack(delivery_tag=amqp.delivery_tag)
        else:
            await AMQPBroker.putout(amqp)
        self.got.append(data)


async def main(url):
    broker = AMQPBroker(url)
    await broker.declare_queue('manual_first')
    agent = EmailAgent(broker=broker)
    await agent.start()
    await broker.manual_first.send({'n': 0}, properties={'priority': 3})
    await broker.manual_second.send({'n': 1})
    await broker.send('manual_second', '{"n": 2}')
    return agent
"""

OWN_BACK_ENDS = """
from microagent import MicroAgent, Queue, Signal, consumer, receiver
from microagent.broker import AbstractQueueBroker
from microagent.bus import AbstractSignalBus

signal, queue = Signal(name='own_signal', providing_args=['n']), Queue(name='own_queue')


class OwnBus(AbstractSignalBus):
    async def send(self, channel, message):
        self.receiver(channel, message)

    async def bind(self, signal):
        pass


class OwnBroker(AbstractQueueBroker):
    async def send(self, name, message, **kwargs):
        consumer = self._bindings[name]
        await consumer.handler(**self.prepared_data(consumer, message))

    async def bind(self, name):
        pass

    async def queue_length(self, name, **options):
        return 7


class Agent(MicroAgent):
    got = []

    @receiver(signal)
    async def hear(self, n, **kwargs):
        self.got.append(n)
        return 'heard'

    @consumer(queue)
    async def take(self, n):
        self.got.append(n)


async def main():
    agent = Agent(bus=OwnBus('own://'), broker=OwnBroker('own://'))
    await agent.start()
    answer = await agent.bus.own_signal.call('me', n=1)
    await agent.broker.own_queue.send({'n': 2})
    length = await agent.broker.own_queue.length()
    await agent.stop()
    return agent.got, answer, length
"""

SIGNALS = """{"signals": [
    {"name": "manual_created", "providing_args": ["user_id"]},
    {"name": "manual_deleted", "providing_args": ["user_id"]},
    {"name": "manual_count", "providing_args": {"user_id": "number"}}
], "queues": [{"name": "manual_mailer"}]}"""


def ported(text: str) -> Any:
    """The module of a text in which the imports' first word was replaced, and nothing else."""
    module = types.ModuleType("ported")
    changed, count = IMPORTS.subn(r"\1bureaucrat.agents", text)
    assert count > 1
    sys.modules["ported"] = module
    exec(compile(changed, "ported", "exec"), module.__dict__)
    del sys.modules["ported"]
    return module


def test_every_documented_module_has_its_documented_names() -> None:
    ported(EVERY_MODULE)


async def test_an_agent_on_redis(redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "signals.json").write_text(SIGNALS)

    agent = await ported(ON_REDIS).main(redis_server.url(2))
    await until(lambda: len(agent.got) == 2)

    assert agent.got == [("manual_created", "user_agent", {"user_id": 1}), {"text": "Hello", "user_id": 1}]
    assert await agent.bus.manual_count.call("me", user_id=1) == {"UserAgent.count": 2}
    assert await agent.broker.manual_mailer.length() == 0
    assert agent.settings == {"secret": "my_secret"}
    await agent.stop()
    await agent.broker.close()
    await agent.bus.close()


async def test_an_agent_on_rabbitmq_that_acknowledges_itself(vhost_url: str) -> None:
    """M-055, M-057."""
    agent = await ported(ON_RABBITMQ).main(vhost_url)
    await until(lambda: len(agent.got) == 3)
    await agent.stop()

    assert sorted(each["n"] for each in agent.got) == [0, 1, 2]
    assert await agent.broker.manual_first.length() == await agent.broker.manual_second.length() == 0
    await agent.broker.close()


async def test_back_ends_of_one_s_own() -> None:
    """M-031, M-046."""
    async with asyncio.timeout(30):
        assert await ported(OWN_BACK_ENDS).main() == ([1, 2], {"Agent.hear": "heard"}, 7)
