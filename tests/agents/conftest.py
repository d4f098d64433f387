"""Servers for the tests of agents."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
from back_ends import BackEnd

from bureaucrat.agents.tools.amqp import AMQPBroker, AMQPSignalBus
from bureaucrat.agents.tools.memory import MemoryBroker, MemorySignalBus
from bureaucrat.agents.tools.redis import RedisBroker, RedisSignalBus


@pytest.fixture
async def memory() -> AsyncIterator[BackEnd]:
    """Nothing but this program."""
    found = BackEnd("memory", MemorySignalBus, MemoryBroker, f"memory://{uuid.uuid4().hex}")
    yield found
    await found.close()


@pytest.fixture(params=["memory", "amqp", "redis"])
async def back_end(request: pytest.FixtureRequest) -> AsyncIterator[BackEnd]:
    """Each server in turn."""
    match request.param:
        case "amqp":
            found = BackEnd("amqp", AMQPSignalBus, AMQPBroker, request.getfixturevalue("vhost_url"))
        case "redis":
            server = request.getfixturevalue("redis_server")
            found = BackEnd("redis", RedisSignalBus, RedisBroker, server.url())
        case _:
            found = BackEnd("memory", MemorySignalBus, MemoryBroker, f"memory://{uuid.uuid4().hex}")
    yield found
    await found.close()
