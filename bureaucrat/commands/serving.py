"""A worker in the terminal: one line when it begins, one when it ends, one for each attempt if they are asked for."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import click

from ..amqp import AmqpSettings, Broker
from ..config import Config
from ..errors import BrokerUnavailable, ConfigurationError
from ..functions import Functions
from ..participants.worker import Work, Worker, WorkerSettings
from .failure import Exit, Failure
from .stops import Stops
from .wording import clock, count, one_line, seconds

_ANOTHER = "BUREAUCRAT_AMQP_URL=amqp://user:password@host/vhost"


def worker_settings(config: Config, *, concurrency: int, prefetch: int | None) -> WorkerSettings:
    """What is set about a worker: by its options, and by the configuration that it shares with the daemon."""
    names = config.bureaucrat
    return WorkerSettings(
        concurrency, prefetch, answers=names.message_queue, dead=names.dead_queue, exchange=names.exchange
    )


class Serving:
    """Runs a worker until a signal stops it."""

    def __init__(self, functions: Functions, amqp: AmqpSettings, settings: WorkerSettings, is_verbose: bool) -> None:
        self._amqp = amqp
        self._concurrency = settings.concurrency
        self._broker = Broker(self._amqp, name="bureaucrat worker")
        self._broker.on_change(self._changed)
        settings = replace(settings, user=amqp.user)
        self._worker = Worker(functions, self._broker, settings, observe=_show if is_verbose else None)
        self._is_serving = False
        self._is_away = False

    async def run(self, grace: float) -> None:
        """Serve.

        :param grace: seconds that what is under way may take at the end.
        :raises Failure: the broker cannot be used at the start.
        """
        told = asyncio.Event()
        with Stops(told):
            await self._start()
            await told.wait()
            self._is_serving = False
            click.echo(f"stopping: what is under way has {seconds(grace)}; stop again to end at once")
            await self._worker.stop(grace)

    async def _start(self) -> None:
        try:
            await self._worker.start()
        except ConfigurationError as error:
            raise Failure(Exit.NOT_STARTED, f"not started: {error}", f"write    {_ANOTHER}") from error
        except BrokerUnavailable as error:
            raise Failure(
                Exit.NOT_STARTED,
                f"not started: RabbitMQ cannot be used: {error}",
                "check    rabbitmqctl status",
                f"another  -c config.ini, or in the environment {_ANOTHER}",
            ) from error
        self._is_serving = True
        queues = ", ".join(self._worker.queues)
        click.echo(f"serving {queues} on {self._amqp.shown} with {count(self._concurrency, 'thread')}; Ctrl-C stops")

    def _changed(self) -> None:
        """What is lost is logged as a warning; here is told that it is over."""
        state = self._broker.state
        is_away = not (state.is_consuming and state.is_publishing)
        if self._is_serving and self._is_away and not is_away:
            click.echo("serving again")
        self._is_away = is_away


def _show(work: Work) -> None:
    """One line for one attempt."""
    status = work.fields.get("status", "done")
    error = work.fields.get("error")
    told = f": {one_line(error)}" if isinstance(error, str) else ""
    at = clock(time.time())
    click.echo(f"{at}  {work.workitem.participant}  {work.workitem.target}  {status}{told}  {seconds(work.seconds)}")
