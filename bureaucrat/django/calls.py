"""Starts and events as a part of Django's transaction, or after it.

Rules: what is wrong with the arguments is told at the call, also when they are published later; an id is known at the
call; through RabbitMQ nothing leaves before the commit, and what fails then is raised to whoever has committed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections, transaction

from .. import postgresql
from ..clock import SystemClock
from ..engine.numbers import instance_id
from ..engine.starts import instance_id_of
from ..launcher import Launcher
from .settings import Given, given

_clock = SystemClock()


def launch(
    process: str, fields: dict[str, Any] | None = None, *, id: str | None = None, using: str | None = None
) -> str:
    """Start a registered process when the transaction is committed; never, if it is rolled back.

    :param process: its name, or ``name@version``.
    :param fields: JSON; at most 8 MiB.
    :param id: of the instance, for example ``order-1017``: the same id twice starts it once.
    :param using: the database whose transaction it goes by; None: the one in the setting, or else Django's default.
    :returns: the instance's id.
    :raises DatabaseError: the daemons' database refuses it: no such process, no right, a value that cannot be used.
    :raises BureaucratError: RabbitMQ has not confirmed it; raised by whoever commits, who has committed by then.
    """
    where, setting = _where(using)
    if where == setting.database:
        return postgresql.launch(connections[where], process, fields, id=id)
    postgresql.text_of(fields)
    number = instance_id_of(id) if id else instance_id(_clock)
    _later(where, lambda: _launcher(setting).launch(process=process, fields=fields or {}, id=number))
    return number


def event(name: str, body: dict[str, Any] | None = None, *, id: str | None = None, using: str | None = None) -> None:
    """Report an event when the transaction is committed; never, if it is rolled back.

    :param body: JSON; at most 8 MiB.
    :param id: of the event, at most 255 bytes: the same id twice is accepted once.
    :param using: as for :func:`launch`.
    :raises DatabaseError: the daemons' database refuses it.
    :raises BureaucratError: RabbitMQ has not confirmed it; raised by whoever commits, who has committed by then.
    """
    where, setting = _where(using)
    if where == setting.database:
        postgresql.event(connections[where], name, body, id=id)
        return
    postgresql.text_of(body)
    number = id or instance_id(_clock)
    _later(where, lambda: _launcher(setting).report(name, body or {}, id=number))


async def alaunch(
    process: str, fields: dict[str, Any] | None = None, *, id: str | None = None, using: str | None = None
) -> str:
    """:func:`launch`, for asynchronous views."""
    return str(await sync_to_async(launch)(process, fields, id=id, using=using))


async def aevent(
    name: str, body: dict[str, Any] | None = None, *, id: str | None = None, using: str | None = None
) -> None:
    """:func:`event`, for asynchronous views."""
    await sync_to_async(event)(name, body, id=id, using=using)


def _where(using: str | None) -> tuple[str, Given]:
    """The database whose transaction it goes by."""
    setting = given()
    where = using or setting.database or DEFAULT_DB_ALIAS
    if where != setting.database and setting.amqp is None:
        raise ImproperlyConfigured(
            f"the daemons do not work on the database {where!r}, so they are reached through RabbitMQ: "
            'add "amqp": "amqp://user:password@host/vhost" to BUREAUCRAT'
        )
    return where, setting


def _later(where: str, publish: Callable[[], object]) -> None:
    transaction.on_commit(publish, using=where)  # at once, if there is no transaction


@lru_cache
def _launcher(setting: Given) -> Launcher:
    """For all threads, and anew in a process that was forked."""
    return Launcher({"url": setting.amqp, "exchange": setting.exchange}, timeout=setting.timeout)
