"""An agent: a container of receivers, consumers, periodic calls, servers and participants.

Rules: what a class declares is bound to each object of it when the object is made; it begins with ``start()`` and ends
with ``stop()``, in which the ``pre_stop`` hooks always run.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any, Final, Self

from ..launcher import Launcher
from .broker import AbstractQueueBroker
from .bus import AbstractSignalBus
from .hooks import Consumes, Hooks, Mark, On, Periodic, Receives, Scheduled, Serves, marks_of
from .queue import Consumer
from .serving import Served
from .signal import Receiver
from .timer import CRONTask, PeriodicTask, cron_parser

_GRACE: Final = 10.0  #: seconds that what is at work may take when an agent stops


class MissConfig(Exception):
    """An agent declares what it has no bus or broker for."""


class MicroAgent:
    """A small service that hears signals, takes messages, and does things by the clock.

    :param bus: needed to send and receive signals.
    :param broker: needed to send and consume messages.
    :param settings: whatever the agent needs; kept in ``settings``.
    :raises MissConfig: it has receivers and no bus, or consumers or participants and no broker.
    """

    bus: AbstractSignalBus
    broker: AbstractQueueBroker
    log: logging.Logger
    settings: dict[str, Any]
    periodic_tasks: list[PeriodicTask]
    cron_tasks: list[CRONTask]
    receivers: list[Receiver]
    consumers: list[Consumer]
    served: list[Served]
    hook: Hooks
    _launcher: Launcher | None = None

    def __new__(cls, *arguments: Any, **named: Any) -> Self:
        agent = super().__new__(cls)
        agent.periodic_tasks, agent.cron_tasks, agent.receivers, agent.consumers = [], [], [], []
        agent.served, agent.hook = [], Hooks()
        for name, marks in marks_of(cls).items():
            for mark in marks:
                agent._bind(getattr(agent, name), mark)
        return agent

    def __init__(
        self,
        bus: AbstractSignalBus | None = None,
        broker: AbstractQueueBroker | None = None,
        log: logging.Logger | None = None,
        settings: dict[str, Any] | None = None,
    ) -> None:
        kind = type(self).__name__
        if self.receivers and bus is None:
            raise MissConfig(f"{kind} receives signals and has no bus; write {kind}(bus=…)")
        for what, are in (("consumes messages", self.consumers), ("serves participants", self.served)):
            if are and broker is None:
                raise MissConfig(f"{kind} {what} and has no broker; write {kind}(broker=…)")
        self.bus = bus  # type: ignore[assignment]  # whoever gives none sends nothing by it
        self.broker = broker  # type: ignore[assignment]
        self.log = log or logging.getLogger("bureaucrat.agents")
        self.settings = settings if settings is not None else {}

    def _bind(self, method: Callable[..., Any], mark: Mark) -> None:
        match mark:
            case Periodic(period, timeout, start_after):
                self.periodic_tasks.append(PeriodicTask(self, method, period, timeout, start_after))
            case Scheduled(spec, timeout):
                self.cron_tasks.append(CRONTask(self, method, cron_parser(spec), timeout))
            case Receives(signals, timeout):
                self.receivers += [Receiver(self, method, signal, timeout) for signal in signals]
            case Consumes(queue, timeout, options, dto_class, dto_name):
                self.consumers.append(Consumer(self, method, queue, timeout, options, dto_class, dto_name))
            case On(label):
                self.hook.by_label[label].append(method)
            case Serves(name, retries, timeout):
                self.served.append(Served(self, method, name, retries, timeout))

    async def start(
        self,
        enable_periodic_tasks: bool = True,
        enable_receiving_signals: bool = True,
        enable_consuming_messages: bool = True,
        enable_servers_running: bool = True,
    ) -> None:
        """Begin: ``pre_start`` hooks, receivers, consumers and participants, calls by the clock, ``post_start`` hooks.

        With servers it returns when they have ended.

        :raises ServerInterrupt: a server has ended in good order.
        :raises Exception: whatever a hook or a server raises.
        """
        await self.hook.pre_start()
        if enable_receiving_signals:
            await self.bind_receivers(self.receivers)
        if enable_consuming_messages:
            await self.bind_consumers(self.consumers)
            if self.served:
                await self.broker.serve(self.served)
        if enable_periodic_tasks:
            for timed in (*self.periodic_tasks, *self.cron_tasks):
                timed.start()
        await self.hook.post_start()
        if enable_servers_running and self.hook.servers:
            await self.hook.serve()

    async def stop(self) -> None:
        """End: ``pre_stop`` hooks, then it hears and takes nothing more, and what is at work has ten seconds.

        Bus and broker may serve others, and stay open.

        :raises Exception: whatever a hook raises; the rest is done all the same.
        """
        try:
            await self.hook.pre_stop()
        finally:
            await asyncio.gather(*(timed.stop() for timed in (*self.periodic_tasks, *self.cron_tasks)))
            if self.broker is not None:
                await self.broker.unbind_agent(self, _GRACE)
            if self.bus is not None:
                await self.bus.unbind_agent(self, _GRACE)
            if self._launcher is not None:
                self._launcher.close()

    async def bind_receivers(self, receivers: Iterable[Receiver]) -> None:
        """Have receivers hear their signals."""
        for receiver in receivers:
            await self.bus.bind_receiver(receiver)

    async def bind_consumers(self, consumers: Iterable[Consumer]) -> None:
        """Have consumers take the messages of their queues."""
        for consumer in consumers:
            await self.broker.bind_consumer(consumer)

    @property
    def participants(self) -> dict[str, Callable[..., Any]]:
        """Its participants by name: for ``Simulation`` and whoever calls them in its own program."""
        return {one.name: one.method for one in self.served}

    async def launch(self, definition: object = None, fields: dict[str, Any] | None = None, **named: Any) -> str:
        """Start a process: :meth:`bureaucrat.Launcher.launch`, with the same arguments, result and errors.

        It goes over the agent's own broker if that is RabbitMQ, else by ``settings["bureaucrat"]``: what a ``Launcher``
        is made of.
        """
        if self._launcher is None:
            config = self.settings.get("bureaucrat")
            if config is None and self.broker is not None:
                config = self.broker.launching
            self._launcher = Launcher(config)
        return await asyncio.to_thread(self._launcher.launch, definition, fields, **named)

    def info(self) -> dict[str, Any]:
        """What it is, as JSON."""
        return {
            "name": type(self).__name__,
            "bus": None if self.bus is None else str(self.bus),
            "broker": None if self.broker is None else str(self.broker),
            "periodic": [{"name": one.name, "period": one.period} for one in self.periodic_tasks],
            "cron": [{"name": one.name, "cron": one.cron.spec} for one in self.cron_tasks],
            "receivers": [{"name": one.key, "signal": one.signal.name} for one in self.receivers],
            "consumers": [{"name": one.key, "queue": one.queue.name} for one in self.consumers],
            "participants": [{"name": one.key, "participant": one.name} for one in self.served],
        }
