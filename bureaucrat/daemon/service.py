"""The frame of the daemon: checks, logs, pid file, detaching, signals, health, and the service manager.

What it serves is handed to it (:data:`Serve`), and so is how the broker is tried (:data:`Reach`).

Rules: everything that can fail at the start is tried before detaching. SIGTERM, SIGHUP and SIGINT end it: what it
serves has ``[bureaucrat] stop_grace`` to end by itself, and is canceled then.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Coroutine, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from .. import __version__
from ..commands.failure import Exit
from ..config import Config, without_password
from ..errors import BureaucratError
from . import checks, logs
from .announcer import Announcer
from .detach import UMASK, detach
from .metrics import registry_of
from .notify import Notifier

#: Serves until ``announcer.stop`` is set; calls ``announcer.ready`` when it does.
Serve = Callable[[Config, Announcer], Coroutine[Any, Any, None]]
#: Tries the broker; raises ``BrokerUnavailable`` or ``ConfigurationError``.
Reach = Callable[[Config], None]

_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

_logger = logging.getLogger(__name__)


def run(
    config: Config,
    *,
    foreground: bool,
    pid_file: Path | None,
    environ: Mapping[str, str],
    serve: Serve,
    reach: Reach,
) -> int:
    """Be the daemon, from the checks to the end.

    :returns: the exit code. The process that a detached daemon leaves behind ends with 0, before this returns.
    :raises Failure: a check failed.
    """
    with ExitStack() as undo:
        checks.celery(config)
        checks.services(config)
        pid = checks.lock(pid_file, config)
        undo.callback(pid.remove)
        checks.log(config, foreground=foreground)
        checks.database(config)
        checks.storage(config)
        announcer = Announcer(Notifier(environ, os.getpid()))
        health = checks.health(config, announcer.status, registry_of(announcer.figures))
        if health is not None:
            undo.callback(health.stop)
        checks.broker(config, reach)
        checks.signals(config)
        if not foreground:
            detach([pid.fileno(), *([health.fileno()] if health else []), *logs.descriptors()])
            pid.write()
        os.umask(UMASK)
        _log_start(config)
        if health is not None:
            health.start()
        return asyncio.run(_live(config, announcer, serve))


def _log_start(config: Config) -> None:
    fields = {
        "version": __version__,
        "pid": os.getpid(),
        "config": config.file or "none",
        "database": config.storage.shown,
        "broker": without_password(config.amqp.url),
        "health": config.health.listen or "off",
    }
    _logger.info("starting", extra=fields)
    if config.amqp.url.startswith("amqps:") and not config.amqp.ssl_verify:
        _logger.warning("anybody can pass for the broker: [amqp] ssl_verify is off")


async def _live(config: Config, announcer: Announcer, serve: Serve) -> int:
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, _stop, announcer, number)
    async with asyncio.TaskGroup() as group:
        beat = group.create_task(announcer.beat())
        work = group.create_task(_guarded(config, announcer, serve))
        await announcer.stop.wait()
        announcer.stopping("stopping")
        await asyncio.wait({work}, timeout=config.bureaucrat.stop_grace)
        is_late = not work.done()
        if is_late:
            _logger.error("it did not stop in time and is ended", extra={"seconds": config.bureaucrat.stop_grace})
            work.cancel()
            await asyncio.wait({work})
        beat.cancel()
    code = Exit.UNFINISHED if is_late else work.result()
    _logger.info("stopped", extra={"code": int(code)})
    return code


def _stop(announcer: Announcer, number: signal.Signals) -> None:
    if not announcer.stop.is_set():
        _logger.info("stopping", extra={"signal": number.name})
        announcer.stop.set()


async def _guarded(config: Config, announcer: Announcer, serve: Serve) -> Exit:
    """Serve; an error becomes a line in the log and an exit code, and the daemon ends."""
    try:
        await serve(config, announcer)
    except BureaucratError as error:
        _logger.error("it cannot serve", extra={"reason": str(error)})
        return Exit.NOT_STARTED
    except Exception:  # whatever it is, the log must say it before the daemon ends
        _logger.exception("it cannot go on")
        return Exit.UNFINISHED
    finally:
        announcer.stop.set()
    return Exit.OK
