"""One daemon: the real engine on what it has of the simulated world, from its start until it ends in whatever way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from bureaucrat.amqp import AmqpSettings
from bureaucrat.clock import Clock, CorrectedClock, SteadyClock, SystemClock
from bureaucrat.engine.engine import Engine
from bureaucrat.engine.numbers import numbers_of
from bureaucrat.errors import BrokerUnavailable, StorageUnavailable
from bureaucrat.participants import taskqueue
from bureaucrat.transports.amqp import AmqpCourier

from .client import Client
from .database import SimulatedStorage
from .loop import Actor
from .processes import START, read

if TYPE_CHECKING:
    from .world import World


_KINDS = ("daemon killed", "daemon frozen", "clock jumped", "daemon stopped")


class Daemon:
    """A process that serves."""

    def __init__(self, world: World, slot: int, run: int) -> None:
        self.world = world
        self.slot = slot
        self.name = f"d{slot}.{run}"
        self.actor = Actor(self.name)
        self.is_gone = False
        self.engine: Engine | None = None
        self.clients: list[Client] = []
        self.storage: SimulatedStorage | None = None
        world.loop.call_soon(self._begin, context=self.actor.context)

    def _begin(self) -> None:
        self.world.loop.create_task(self._live(), name=self.name)

    async def _live(self) -> None:
        world = self.world
        self.storage = SimulatedStorage(world.database, self)
        wall, steady = self._wall, world.loop.time
        clock: Clock = (
            CorrectedClock(SteadyClock(wall, steady)) if world.is_shared else SystemClock(wall, steady)
        )  # as the daemon has them
        try:
            await self.storage.open()
        except StorageUnavailable:
            self._exits()
            return
        courier = AmqpCourier(
            AmqpSettings(), {"": taskqueue.TaskQueue(), taskqueue.PREFIX: taskqueue.TaskQueue()}, broker=self._client
        )
        self.engine = Engine(
            self.storage,
            read=read,
            clock=clock,
            numbers=numbers_of(clock, self.storage.number, 0),
            settings=world.settings,
            courier=courier,
        )
        try:
            await self.engine.start()
        except (StorageUnavailable, BrokerUnavailable):
            self._exits()  # as a real one: whoever started it starts it again
            return
        world.trace(f"{self.name} serves")
        try:
            await self.engine.run()
        except Exception as error:  # a daemon ends when it is told to, and never else
            world.loop.problems.append(f"{self.name} ended: {_first(error)!r}")
        self._exits()

    def _wall(self) -> float:
        """What the clock of its machine shows."""
        return START + self.world.now + self.world.offsets[self.slot]

    def _client(self, settings: AmqpSettings, *, created: Callable[[str], None]) -> Client:
        client = Client(self, self.world.node, settings, created=created)
        self.clients.append(client)
        return client

    # -- what happens to it

    async def effect(self) -> None:
        """It is about to do something, or has done it: the moment at which it may die."""
        if self.is_gone:
            await self.world.loop.create_future()
        fault = self.world.trouble.of(_KINDS)
        if not fault:
            return
        if fault == "daemon killed":
            self.die()
            await self.world.loop.create_future()
        elif fault == "daemon frozen":
            self.freeze()
            await asyncio.sleep(0)
        elif fault == "clock jumped":
            self.world.offsets[self.slot] += self.world.random.choice((-30.0, -2.0, 2.0, 30.0))
        elif self.engine is not None:
            self.engine.stop()

    def dies_after(self, seconds: float) -> None:
        self.world.later(seconds, self.die)

    def die(self) -> None:
        """kill -9: from now on nothing that its code does reaches anybody."""
        if self.is_gone:
            return
        self.world.trace(f"{self.name} dies")
        self._is_over()
        self.world.later(0.0, self.world.loop.kill, self.actor)

    def _exits(self) -> None:
        if not self.is_gone:
            self.world.trace(f"{self.name} exits")
            self._is_over()

    def _is_over(self) -> None:
        self.is_gone = True
        for client in self.clients:
            self.world.later(0.01, client.drop)
        if self.storage is not None:
            self.world.later(0.01, self.storage.end)
        self.world.daemon_ended(self)

    def freeze(self) -> None:
        """SIGSTOP: it does nothing for a while, longer than a connection lasts or shorter."""
        world, seconds = self.world, self.world.random.choice((0.5, 3.0, 15.0, 25.0))
        world.trace(f"{self.name} is frozen for {seconds}")
        world.loop.freeze(self.actor)
        world.later(seconds, self.thaw)
        if seconds > 10.0:
            world.later(10.0, self._unheard)

    def _unheard(self) -> None:
        """Database and broker have heard nothing of it for too long."""
        if self.actor.is_frozen:
            if self.storage is not None:
                self.storage.lose()
            for client in self.clients:
                client.drop()

    def thaw(self) -> None:
        if self.actor.is_frozen and not self.actor.is_dead:
            self.world.loop.thaw(self.actor)


def _first(error: BaseException) -> BaseException:
    """The reason in a group of them."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
