"""What is tried before the daemon detaches, while there is a terminal to tell it on.

Rules: each check raises :class:`Failure` with exit code 3; its lines say what is wrong, where that is set, and what to
do. A check leaves nothing behind when it fails.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry

from ..commands.failure import Exit, Failure
from ..commands.wording import command
from ..config import Config, without_password
from ..errors import BureaucratError, ConfigurationError
from ..participants.celery import CeleryTasks
from ..participants.service import Services
from ..stores import open_storage
from ..transports.redis_bus import RedisBus
from . import logs
from .health import Health, Status
from .pidfile import AlreadyRunning, PidFile, default_path

_OPTION = "--pid-file"


def celery(config: Config) -> None:
    """That Celery and the app that the settings name can be imported, if they say something of it."""
    is_default = config.bureaucrat.taskqueue_type == "celery"
    if not config.celery.app and not is_default:
        return
    try:
        _ = CeleryTasks(config.celery).app
    except ConfigurationError as error:
        place = ("celery", "app") if config.celery.app else ("bureaucrat", "taskqueue_type")
        raise _not_started(
            str(error),
            config.place(*place),
            f"check    {sys.executable} -c 'import {config.celery.app.partition(':')[0] or 'celery'}'",
        ) from error


def services(config: Config) -> None:
    """That the HTTP client and the authorities can be used, if the settings let a service be asked."""
    wanted = Services(config.services, config.registered)
    if not wanted.are_wanted:
        return
    try:
        wanted.library()
    except ConfigurationError as error:
        place = config.registered[0].place if config.registered else config.place("services", "allow")
        raise _not_started(str(error), place, f"check    {sys.executable} -c 'import aiohttp'") from error
    try:
        wanted.trusted()
    except ConfigurationError as error:
        look = f"check    openssl x509 -noout -subject -in {config.services.ssl_ca}"
        raise _not_started(str(error), config.place("services", "ssl_ca"), look) from error


def signals(config: Config) -> None:
    """That the agents' bus answers, if it is on Redis."""
    if config.signals.bus == "amqp":
        return
    place = config.place("signals", "bus")
    try:
        bus = RedisBus(config.signals)
    except ConfigurationError as error:
        raise _not_started(str(error), place, f"check    {sys.executable} -c 'import redis'") from error
    try:
        asyncio.run(bus.reach())
    except BureaucratError as error:
        raise _not_started(str(error), place, f"check    redis-cli -u {bus.shown} ping") from error


def lock(path: Path | None, config: Config) -> PidFile:
    """The pid file, locked."""
    if path is None:
        path = default_path(config.state)
        _make_state(path.parent, config, _OPTION)
    found = PidFile(path)
    try:
        found.lock()
    except AlreadyRunning as error:
        look = [f"check    ps -p {error.pid}", f"stop     kill {error.pid}"] if error.pid else []
        raise _not_started(str(error), _OPTION, *look, f"or       another file with {_OPTION}") from error
    except OSError as error:
        raise _not_started(
            f"the pid file {found.path} cannot be written ({error.strerror or error})",
            _OPTION,
            f"change   bureaucrat {_OPTION} {config.state / 'bureaucrat.pid'}",
        ) from error
    return found


def log(config: Config, *, foreground: bool) -> None:
    """Logging, set up."""
    try:
        logs.start(config, foreground=foreground)
    except ConfigurationError as error:
        place = f"{config.file}  [{next(iter(config.logging))}] …" if config.logging else config.place("log", "file")
        raise _not_started(str(error), place) from error


def database(config: Config) -> None:
    """That a database file can be kept where the settings say, if it is one."""
    path, place = config.storage.path, config.place("storage", "url")
    if path is None:
        return
    _make_state(path.parent, config, place)
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
        if path.exists():
            with path.open("r+b"):
                pass
    except OSError as error:
        look = path if os.path.exists(path) else path.parent  # Path.exists raises where it may not look
        is_missing = isinstance(error, FileNotFoundError)
        remedy = f"make     mkdir -p {look}" if is_missing else f"check    ls -ld {look}"
        raise _not_started(f"the database {path} cannot be used ({error.strerror})", place, remedy) from error


def storage(config: Config) -> None:
    """That the database which is there can be opened, and that no other daemon has it."""
    path = config.storage.path
    if path is not None and not path.exists():
        return
    try:
        asyncio.run(_open(config.storage.url))
    except BureaucratError as error:
        look = f"psql {config.storage.shown.replace(':***@', '@')}" if path is None else f"ls -l {path}*"
        raise _not_started(str(error), config.place("storage", "url"), f"check    {look}") from error


async def _open(url: str) -> None:
    found = open_storage(url, read_only=False)
    try:
        await found.open()
    finally:
        await found.close()


def health(config: Config, status: Callable[[], Status], registry: CollectorRegistry) -> Health | None:
    """The health server, bound to its address; None if it is off."""
    if config.health.listen is None:
        return None
    try:
        return Health(config.health.listen, status, registry)
    except ConfigurationError as error:
        port = config.health.listen.port
        raise _not_started(
            str(error), config.place("health", "listen"), f"check    ss -ltnp 'sport = :{port}'"
        ) from error


def broker(config: Config, reach: Callable[[Config], None]) -> None:
    """That the broker answers, by whatever `reach` does."""
    try:
        reach(config)
    except BureaucratError as error:
        settings = ["config", *(["-c", str(config.file)] if config.file else [])]
        raise _not_started(
            str(error) or f"no RabbitMQ at {without_password(config.amqp.url)}",
            config.place("amqp", "url"),
            f"check    rabbitmqctl status          {command(settings)}",
            "without  bureaucrat run FILE         one process in one program, no broker",
        ) from error


def _make_state(folder: Path, config: Config, place: str) -> None:
    """Make the state directory, and no other one: a typing error should not become a folder."""
    if folder != config.state:
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _not_started(
            f"the directory {folder} cannot be made ({error.strerror})", place, f"check    ls -ld {folder.parent}"
        ) from error


def _not_started(what: str, place: str, *lines: str) -> Failure:
    return Failure(Exit.NOT_STARTED, f"not started: {what}", f"from     {place}", *lines)
