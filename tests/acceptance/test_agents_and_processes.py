"""Agents and processes on RabbitMQ: agents do actions, hear signals of processes, wake them and start them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from rabbit import Rabbit
from redis_server import RedisServer
from service import Client, Service, until

from bureaucrat import Fault, Workitem
from bureaucrat.agents import MicroAgent, Queue, Signal, consumer, participant, receiver
from bureaucrat.agents.bus import AbstractSignalBus
from bureaucrat.agents.tools.amqp import AMQPBroker, AMQPSignalBus
from bureaucrat.agents.tools.redis import RedisSignalBus

ROUND_TRIP = """
<process name="round_trip">
  <context>
    <property name="order_id" type="int" required="yes"/>
    <property name="charged" type="float"/>
    <property name="found" type="json"/>
  </context>
  <action id="charge" participant="agent_charge"/>
  <signal id="tell" event="order.charged"><field name="order_id">order_id</field></signal>
  <await id="shipped" event="order.shipped" key="order_id" property="found"/>
</process>
"""
CHARGED = Signal("order.charged", ["order_id"])
SHIPPED = Signal("order.shipped", ["order_id", "parcel"])
ORDERS = Queue("new_orders")


class Shop(MicroAgent):
    """Everything that an agent can be for a process."""

    def __init__(self, **given: Any) -> None:
        self.attempts: list[Workitem] = []
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.launched: list[str] = []
        super().__init__(**given)

    @participant("agent_charge", retries=1)
    async def charge(self, workitem: Workitem, order_id: int) -> dict[str, Any]:
        self.attempts.append(workitem)
        if order_id == 13:
            raise Fault("Refused", "no such card")
        if len(self.attempts) == 1:
            raise ConnectionError("the bank is away")
        return {"charged": order_id * 2.5}

    @receiver(CHARGED)
    async def ship(self, sender: str, order_id: int, **_: Any) -> None:
        self.heard.append((sender, {"order_id": order_id}))
        await self.bus.order_shipped.send("shop", order_id=order_id, parcel="P1")

    @consumer(ORDERS)
    async def start_one(self, order_id: int, **_: Any) -> None:
        self.launched.append(await self.launch(ROUND_TRIP, {"order_id": order_id}, business_key=f"order {order_id}"))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, rabbit: Rabbit, redis_server: RedisServer) -> Iterator[Service]:
    """A daemon that hears agents on RabbitMQ and on Redis."""
    vhost = rabbit.fresh_vhost()
    settings = f"[signals]\nbus = {redis_server.url(1)}\nprefix = SHOP\n"
    login = rabbit.vhost_url(vhost, "bureaucrat-daemon")
    made = Service(tmp_path_factory.mktemp("daemon"), rabbit.vhost_url(vhost), settings, login=login)
    try:
        yield made.start()
    finally:
        made.kill()


@pytest.fixture(params=["amqp", "redis"])
async def shop(request: pytest.FixtureRequest, service: Service, redis_server: RedisServer) -> AsyncIterator[Shop]:
    """An agent that is at work, with its bus on either server."""
    broker = AMQPBroker(service.url)
    bus: AbstractSignalBus = AMQPSignalBus(service.url, prefix="SHOP")
    if request.param == "redis":
        bus = RedisSignalBus(redis_server.url(1), prefix="SHOP")
    agent = Shop(bus=bus, broker=broker)
    await agent.start()
    yield agent
    await agent.stop()
    await broker.close()
    await bus.close()


async def test_a_process_goes_through_an_agent_and_back(service: Service, client: Client, shop: Shop) -> None:
    """``launch`` in an agent, an action to it, a signal to it, and its signal awaited: all the way round."""
    await shop.broker.new_orders.send({"order_id": 17})
    await asyncio.to_thread(until, lambda: shop.launched, "it is launched")

    ended = await asyncio.to_thread(client.ended, shop.launched[0])

    assert ended["fields"] == {
        "order_id": 17,
        "charged": 42.5,
        "found": {"order_id": 17, "parcel": "P1", "sender": "shop"},
    }
    assert ended["business_key"] == "order 17"
    assert shop.heard == [("bureaucrat", {"order_id": 17})]
    assert len({attempt.token for attempt in shop.attempts}) == 1
    assert [attempt.participant for attempt in shop.attempts] == ["agent_charge"] * 2


async def test_what_an_agent_raises_is_its_answer(service: Service, client: Client, shop: Shop) -> None:
    """``Fault`` is a fault of the process, and no method is called again for it."""
    instance = await shop.launch(ROUND_TRIP, {"order_id": 13})

    ended = await asyncio.to_thread(client.ended, instance, "faulted")

    assert ended["fault"] == {"code": "Refused", "message": "no such card"}
    assert len(shop.attempts) == 1


async def test_a_call_that_only_a_process_hears_is_over_without_an_answer(
    service: Service, client: Client, shop: Shop
) -> None:
    """A process answers no calls: its caller's time runs out."""
    waiting = """<process name="w"><context><property name="found" type="json"/></context>
        <await id="shipped" event="order.shipped" property="found"/></process>"""
    instance = f"waits-{shop.bus.uid[:8]}"
    client.launch(waiting, instance)
    await asyncio.to_thread(until, lambda: service.rows("SELECT 1 FROM waits WHERE instance = ?", instance), "waits")

    assert await shop.bus.order_shipped.call("me", timeout=0.1, order_id=99, parcel="P2") == {}
    ended = await asyncio.to_thread(client.ended, instance)
    assert ended["fields"]["found"] == {"order_id": 99, "parcel": "P2", "sender": "me"}
