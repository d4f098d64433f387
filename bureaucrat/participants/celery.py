"""Participants that are Celery tasks (B-047 to B-050).

Rules: the message is made by Celery's own code, for an app that the settings name or for a bare one; the same attempt
gives the same message; queues are Celery's, whose workers declare them with arguments of their own, and are never
declared here. Token, key and target travel as headers, whatever the task takes.
"""

from __future__ import annotations

import importlib
import logging
import uuid
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Final

from .. import wire
from ..config import Celery as CelerySettings
from ..core.effects import Dispatch
from ..errors import ConfigurationError
from ..ports import Outgoing, Properties

log = logging.getLogger(__name__)

PREFIX = "celery"
_IDS: Final = uuid.UUID("6f0f2b7e-4f7e-5d0b-9d3c-0c3a6d1c5b1e")  #: in which the ids of messages are made of tokens
_INSTALL = "Celery is not installed beside the daemon: pip install 'bureaucrat-engine[celery]'"


@dataclass(frozen=True, slots=True)
class Route:
    """Where a message goes."""

    queue: str  #: that is looked at for consumers
    exchange: str = ""
    routing_key: str = ""  #: empty: the queue's name


def task_name(participant: str) -> str:
    """``celery:shop.tasks.charge`` and ``shop.tasks.charge`` are one."""
    return participant.removeprefix(f"{PREFIX}:")


def task_id(token: str) -> str:
    """The id that Celery knows an attempt by; always the same."""
    return str(uuid.uuid5(_IDS, token))


class CeleryTasks:
    """Makes attempts messages to Celery's workers.

    :param answers: the queue that is answered to.
    :param format: of the workitem that a task gets as its one argument.
    """

    is_foreign = True

    def __init__(
        self,
        settings: CelerySettings | None = None,
        *,
        answers: str = "bureaucrat_msgs",
        format: wire.Format = "workitem",
    ) -> None:
        self._settings = settings or CelerySettings()
        self._answers = answers
        self._format = format
        self._routes: dict[str, Route] = {}

    @cached_property
    def app(self) -> Any:
        """The app that messages are made for.

        :raises ConfigurationError: there is no Celery, or no such app.
        """
        try:
            from celery import Celery
            from celery.app.utils import find_app
        except ImportError as error:
            raise ConfigurationError(_INSTALL) from error
        if not self._settings.app:
            return Celery("bureaucrat", set_as_current=False)
        try:
            return find_app(self._settings.app)
        except (Exception, SystemExit) as error:  # whatever a module of the user raises while it is imported is its own
            reason = f"{type(error).__name__}: {error}"
            raise ConfigurationError(f"the Celery app {self._settings.app!r} cannot be imported: {reason}") from error

    # -- where to

    def destination(self, participant: str) -> str:
        """The queue that attempts of a participant go to; empty if the app has none for it."""
        return self.route(task_name(participant)).queue

    def route(self, name: str) -> Route:
        """Where messages for a task go: by the app's own routes if there is one, else by the settings."""
        if name not in self._routes:
            self._routes[name] = self._found(name)
        return self._routes[name]

    def _found(self, name: str) -> Route:
        settings = self._settings
        if settings.app:
            return _route_of(self.app, name)
        if settings.routing.is_by_first_part:
            first = name.partition(".")[0]
            return Route(first, first)
        for pattern, queue in settings.routing.table:
            if fnmatchcase(name, pattern):
                return Route(queue, settings.exchange)
        return Route(settings.queue, settings.exchange)

    # -- what

    def outgoing(self, dispatch: Dispatch, instance: str, token: str) -> Outgoing:
        """The message that hands an attempt over."""
        name = task_name(dispatch.participant)
        id, route = task_id(token), self.route(name)
        args, kwargs = self._arguments(dispatch, token)
        made = self.app.amqp.as_task_v2(
            id,
            name,
            args,
            kwargs,
            origin="bureaucrat",
            ignore_result=True,  # nobody knows this id, so nobody could ask for it
            argsrepr=f"(<{dispatch.address}>,)" if args else "()",
            kwargsrepr=f"{{{', '.join(sorted(kwargs))}}}",  # values are shown by nobody's log
        )
        content_type, encoding, body = _written(made.body)
        properties = Properties(
            exchange=route.exchange,
            routing_key=route.routing_key,
            message_id=token if len(token.encode()) <= wire.MAX_NAME else None,
            content_type=content_type,
            content_encoding=encoding,
            correlation_id=id,
            headers={**made.headers, **wire.attempt_headers(self._asked(dispatch, token))},
            is_foreign=True,
        )
        return Outgoing(route.queue, body, properties)

    def revocation(self, tokens: list[str]) -> Outgoing | None:
        """What Celery's own ``revoke`` sends to all workers. What has begun goes on: nothing is killed."""
        caught = _Caught()
        arguments = {"task_id": [task_id(token) for token in tokens], "terminate": False, "signal": "SIGTERM"}
        self.app.control.mailbox._publish("revoke", arguments, channel=caught, producer=caught)
        content_type, encoding, body = _written(caught.body, caught.serializer)
        properties = Properties(
            exchange=caught.exchange,
            content_type=content_type,
            content_encoding=encoding,
            headers=caught.headers,
            is_mandatory=False,
            is_persistent=False,
        )
        return Outgoing("", body, properties)

    def _arguments(self, dispatch: Dispatch, token: str) -> tuple[list[Any], dict[str, Any]]:
        """What the function is called with."""
        if dispatch.arguments == "kwargs":
            return [], dispatch.fields
        _, body = wire.encode_attempt(
            dispatch.fields,
            target=dispatch.address,
            token=token,
            key=dispatch.key,
            participant=dispatch.participant,
            attempt=dispatch.tries,
            format=self._format,
        )
        return [wire.load_object(body)], {}

    def _asked(self, dispatch: Dispatch, token: str) -> wire.Asked:
        return wire.Asked(
            token=token,
            key=dispatch.key,
            target=dispatch.address,
            participant=dispatch.participant,
            attempt=dispatch.tries,
            arguments=dispatch.arguments,
            result=dispatch.result,
            answers=self._answers,
        )


class _Caught:
    """A producer that keeps what it is to publish."""

    def publish(self, body: Any, *, exchange: str, headers: dict[str, Any], serializer: str | None, **_: Any) -> None:
        self.body, self.exchange, self.headers, self.serializer = body, exchange, headers, serializer or "json"


def _written(body: Any, serializer: str = "json") -> tuple[str, str, bytes]:
    """Content type, encoding and bytes of a body, by Celery's own code."""
    serialization: Any = importlib.import_module("kombu.serialization")
    content_type, encoding, text = serialization.dumps(body, serializer=serializer)
    return content_type, encoding, text.encode(encoding)


def _route_of(app: Any, name: str) -> Route:
    """As the app itself would send it: a queue of a direct exchange is reached by its name alone."""
    try:
        options = app.amqp.router.route({}, name)
    except Exception:  # a queue that the app does not create, or whatever a router of the user raises
        log.exception("the Celery app has no route", extra={"task": name})
        return Route("")
    queue, exchange, key = options.get("queue"), options.get("exchange"), options.get("routing_key") or ""
    exchange = getattr(exchange, "name", exchange) or ""
    if queue is None:
        return Route(key, exchange)
    is_direct = (options.get("exchange_type") or queue.exchange.type or "direct") == "direct"
    if is_direct and not (exchange and key):
        return Route(queue.name)
    return Route(queue.name, exchange or queue.exchange.name, key or queue.routing_key)
