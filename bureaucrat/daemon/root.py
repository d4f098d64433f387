"""What the daemon serves: here storage, courier and participants are chosen and put together.

Rules: this file wires; what it decides is only when the daemon may be called ready. A queue that was just made is lost
with what the broker has confirmed for it if the broker dies at once (quorum queues, seen with 3.10), so it is not ready
for a few seconds after something was declared.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from dataclasses import replace
from functools import partial

from ..amqp import AmqpSettings, Broker, BrokerState
from ..amqp.settings import Topology
from ..clock import Clock, CorrectedClock, SteadyClock, SystemClock
from ..config import Bureaucrat, Config, LimitSettings
from ..definition.limits import ACCEPTED, limits_of
from ..definition.reader import read
from ..engine.engine import Engine
from ..engine.numbers import numbers_of
from ..engine.settings import Settings
from ..errors import BrokerUnavailable
from ..participants import celery, service, taskqueue
from ..ports import Kind, Storage
from ..stores import bounds_of, open_storage, step_limits, users_of
from ..transports.amqp import AmqpCourier, Names
from ..transports.redis_bus import RedisBus
from ..transports.services import ServiceCourier
from ..wire import Format
from .announcer import Announcer
from .health import Status

log = logging.getLogger(__name__)

_GC_THRESHOLD = 20_000  # allocations; the default of 700 costs a quarter of the engine's time
_TRIES = 3
_SPAN = 5.0  #: seconds that these tries take, if each fails at once
_YOUNG = 3.0  #: seconds after which a new queue survives the broker's death
_WATCH = 1.0  #: seconds between two looks at how it goes


def reach(config: Config) -> None:
    """Try the broker: connect and log in; and if nothing is to be declared, see whether it is there.

    :raises BrokerUnavailable: it cannot be used; says how often it was tried.
    """
    asyncio.run(_reach(config))


async def _reach(config: Config) -> None:
    for number in range(1, _TRIES + 1):
        broker = _on_trial(config)
        try:
            await broker.start()
        except BrokerUnavailable as error:
            if number == _TRIES:
                raise BrokerUnavailable(f"no use of RabbitMQ at {error} (tried {_TRIES} times)") from error
            await asyncio.sleep(_SPAN / (_TRIES - 1))
        else:
            await broker.stop(0.0)
            return


def _on_trial(config: Config) -> Broker:
    """A broker that touches nothing."""
    topology: Topology = "verify" if config.amqp.topology == "verify" else "assume"
    broker = Broker(AmqpSettings.of(config, topology), name="bureaucrat start")
    names = names_of(config.bureaucrat)
    for queue in (names.launches, names.messages, names.events, names.schedule, names.dead):
        broker.declare(queue)
    for exchange in filter(None, (names.signals, names.lifecycle, names.exchange)):
        broker.declare_exchange(exchange)
    return broker


async def serve(config: Config, announcer: Announcer) -> None:
    """Serve until the announcer says to stop."""
    storage = open_storage(config.storage.url, read_only=False)
    await storage.open()
    gc.set_threshold(_GC_THRESHOLD)
    try:
        await _serve(config, announcer, storage)
    finally:
        await storage.close()


async def _serve(config: Config, announcer: Announcer, storage: Storage) -> None:
    clock = CorrectedClock(SteadyClock()) if storage.is_shared else SystemClock()
    courier = courier_of(config)
    services = service.Services(config.services, config.registered, answers=config.bureaucrat.message_queue)
    engine = Engine(
        storage,
        read=partial(read, limits=limits_of(config.limits.document, config.limits.activities)),
        clock=clock,
        numbers=numbers_of(clock),
        settings=settings_of(config),
        courier=ServiceCourier(courier, services, service.PREFIXES),
        figures=announcer.figures,
    )
    engine.definitions.read_stored = partial(read, limits=ACCEPTED)
    await engine.start()
    gc.freeze()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(engine.run())
        watching = group.create_task(_watch(config, announcer, courier.broker, engine, clock))
        stopping = group.create_task(announcer.stop.wait())
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        watching.cancel()
        stopping.cancel()
        engine.stop()


def courier_of(config: Config) -> AmqpCourier:
    """What carries messages, as the settings say."""
    given = config.bureaucrat
    format: Format = "message" if given.message_format == "message" else "workitem"
    queue = taskqueue.TaskQueue(format)
    tasks = celery.CeleryTasks(config.celery, answers=given.message_queue, format=format)
    kinds: dict[str, Kind] = {taskqueue.PREFIX: queue, celery.PREFIX: tasks}
    kinds[""] = tasks if given.taskqueue_type == "celery" else queue
    return AmqpCourier(
        AmqpSettings.of(config),
        kinds,
        names_of(given),
        grace=given.stop_grace / 2,
        largest=config.limits.message,
        bus=None if config.signals.bus == "amqp" else RedisBus(config.signals),
    )


def names_of(given: Bureaucrat) -> Names:
    """What the queues are called."""
    return Names(
        launches=given.launch_queue,
        messages=given.message_queue,
        events=given.event_queue,
        schedule=given.schedule_queue,
        dead=given.dead_queue,
        exchange=given.exchange,
    )


def settings_of(config: Config) -> Settings:
    """All that is set about the engine."""
    given = engine_settings(config.bureaucrat, config.limits)
    keys = config.security.signing_key
    return replace(given, bounds=bounds_of(config), signing_keys=keys, users=users_of(config))


def engine_settings(given: Bureaucrat, bounds: LimitSettings) -> Settings:
    """What is set about the engine."""
    return Settings(
        limits=step_limits(given, bounds),
        batch=given.batch,
        history=given.history,
        history_retention=given.history_retention,
        instance_retention=given.instance_retention,
        event_retention=given.event_retention,
        dedup_window=given.dedup_window,
        dead_retention=given.dead_retention,
        accept_untokened=given.accept_untokened,
        stalled_after=given.stalled_after,
        stop_grace=given.stop_grace,
    )


async def _watch(config: Config, announcer: Announcer, broker: Broker, engine: Engine, clock: Clock) -> None:
    """Tell how it goes, until canceled."""
    said = ""
    while True:
        state = broker.state
        announcer.figures.unconfirmed = state.unconfirmed
        announcer.figures.is_connected = state.is_consuming and (state.is_publishing or state.is_blocked)
        announcer.figures.is_blocked = state.is_blocked
        reasons = _reasons(state, None if said else clock.now())
        announcer.publish(Status(is_alive=True, is_ready=not reasons, reasons=reasons, details=_details(state, engine)))
        text = "; ".join(reasons) or "serving"
        if not said and not reasons:
            announcer.ready(text)
            log.info("ready", extra={"broker": AmqpSettings.of(config).shown, "database": config.storage.shown})
        elif said and text != said:
            announcer.say(text)
            if reasons:
                log.warning("not ready", extra={"reason": text})
            else:
                log.info("ready again")
        said = text if said or not reasons else said
        await asyncio.sleep(_WATCH if said else _WATCH / 10)


def _reasons(state: BrokerState, now: float | None) -> list[str]:
    """Why it is not ready.

    :param now: epoch seconds; None: it was ready before, and a queue that a new participant gets later is no reason.
    """
    reasons = []
    if state.is_blocked:
        reasons.append("RabbitMQ takes no messages: it is short of memory or disk space (rabbitmqctl status)")
    if not state.is_consuming or not (state.is_publishing or state.is_blocked):
        reasons.append(f"RabbitMQ is away: {state.last_loss or 'not connected yet'}")
    if now is not None and state.last_declared is not None and now - state.last_declared < _YOUNG:
        reasons.append("queues were just declared; a moment until they are safe")
    return reasons


def _details(state: BrokerState, engine: Engine) -> dict[str, object]:
    figures = engine.figures
    return {
        "unconfirmed": state.unconfirmed,
        "outbox": figures.outbox_rows,
        "queues_missing": sorted(state.waiting_unroutable),
        "last_loss": state.last_loss,
    }
