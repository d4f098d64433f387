"""The daemon's synchronous face: launch, wait for the end, send events, cancel, ask (B-105, B-106)."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import pika

from ..clock import SystemClock
from ..core.values import complaint
from ..engine.numbers import instance_id
from ..engine.starts import instance_id_of
from ..errors import Refused
from ..wire import (
    LaunchRequest,
    Malformed,
    StatusAnswer,
    decode_event,
    decode_launch,
    encode_event,
    encode_launch,
    encode_terminate,
)
from .errors import InstanceCanceled, InstanceFaulted, LaunchRefused
from .link import Letter
from .links import Links
from .settings import Config, settings_of
from .sources import definition_of
from .watch import Watch


@dataclass(frozen=True, slots=True)
class Result:
    """How an instance has completed."""

    instance: str
    outcome: str | None
    fields: dict[str, Any]  #: the process's own properties
    process: str | None = None
    business_key: str | None = None
    started: float | None = None  #: epoch seconds
    ended: float | None = None


class Launcher:
    """Starts instances through the message broker, and asks the daemon about them.

    It connects when it is first used, and again when a connection was lost. All threads of a program may share one; a
    process that was forked makes connections of its own. Whatever it publishes, the broker has confirmed when the call
    returns, and counts once even if it had to be sent twice.
    """

    def __init__(self, config: Config = None, *, timeout: float = 5.0, ask_again: float = 3.0) -> None:
        """
        :param config: the path of the daemon's config.ini; or a dict with some of the keys `url` or `host`, `port`,
            `user`, `passwd`, `vhost`; `launcher_routing_key`, `launcher_exchange`, `message_queue`, `event_queue`.
            None is the file that the daemon would find, or else a broker on this machine.
        :param timeout: seconds after which a call gives up, connecting included.
        :param ask_again: seconds after which :meth:`result` asks again when it hears nothing.
        :raises ConfigurationError: a setting is not known or cannot be used.
        """
        self._settings = settings_of(config)
        self._timeout = timeout
        self._ask_again = ask_again
        self._links = Links(self._settings)
        self._clock = SystemClock()

    # -- what it does

    def launch(
        self,
        definition: object = None,
        fields: dict[str, Any] | None = None,
        *,
        process: str | None = None,
        version: int | None = None,
        id: str | None = None,
        business_key: str | None = None,
    ) -> str:
        """Start an instance; returns its id.

        :param definition: the path of a file, XML as text or bytes, or an element of lxml or ElementTree. It is checked
            here, and sent as it is; fields never become a part of it.
        :param fields: the properties that the process starts with: JSON.
        :param process: instead of a definition, the name of one that the daemon has; `version` is the newest if it is
            not given.
        :param id: the instance's id, so that a repeated call starts nothing twice. What is not made of 1 to 64
            letters, digits, ``.`` and ``-`` is replaced by its UUID; the id in force is returned.
        :param business_key: the name people know the instance by.
        :raises InvalidDefinition: with every problem of the definition.
        :raises Refused: the fields are no JSON, lack a required property, or are too large.
        :raises Unconfirmed: the broker did not confirm it in time; `may_have_been_sent` tells whether it may start
            all the same. With `id` the call can be repeated without harm.
        :raises NoQueue: no daemon has declared its queues there.
        """
        source = None if definition is None else definition_of(definition, self._settings.limits)
        given = {} if fields is None else fields
        _check_fields(given)
        if source is not None and (missing := source.missing(given)):
            raise Refused(f"process {source.name!r} needs {', '.join(missing)}; give every required property")
        wanted = instance_id(self._clock) if id is None else instance_id_of(id)
        text = None if source is None else source.source
        content_type, body = encode_launch(LaunchRequest(wanted, text, process, version, given, business_key))
        try:
            decode_launch(content_type, body, wanted)
        except Malformed as malformed:
            raise Refused(f"this cannot be launched: {malformed.reason}") from malformed
        self._publish(self._settings.launch_exchange, self._settings.launch_key, content_type, body, wanted)
        return wanted

    def result(self, id: str, timeout: float = 60.0) -> Result:
        """Wait until an instance has completed.

        :param id: as :meth:`launch` returned it, or was given it.
        :param timeout: seconds.
        :raises InstanceFaulted: it has ended with a fault; it tells `code` and `message`.
        :raises InstanceCanceled: somebody has canceled it.
        :raises LaunchRefused: it could not be started; it tells the `reason`.
        :raises NotYet: it has not ended in time. This is a `TimeoutError`, and says how the instance is.
        """
        instance = instance_id_of(id)
        answer = Watch(self._links, self._settings, instance, timeout, self._ask_again).end()
        if not answer.known:
            raise LaunchRefused(instance, answer.dead or "")
        if answer.status == "canceled":
            raise InstanceCanceled(answer)
        if answer.status != "completed":
            raise InstanceFaulted(answer)
        return Result(
            instance,
            answer.outcome,
            answer.fields,
            answer.process,
            answer.business_key,
            answer.started,
            answer.ended,
        )

    def status(self, id: str) -> StatusAnswer:
        """How an instance is. If the daemon does not know it, `known` is false, and `dead` may tell why.

        :raises NotYet: nobody has answered within the launcher's timeout.
        """
        return Watch(self._links, self._settings, instance_id_of(id), self._timeout, self._ask_again).status()

    def event(self, name: str, /, **data: Any) -> str:
        """Send an event to whichever instances wait for it; returns its message id.

        :raises Refused: the name is longer than 255 bytes, or the data are no JSON.
        :raises Unconfirmed: the broker did not confirm it in time.
        :raises NoQueue: no daemon has declared its queues there.
        """
        return self.report(name, data)

    def report(self, name: str, data: dict[str, Any], *, id: str | None = None) -> str:
        """The same with the data as a dict.

        :param id: the event's message id, 1 to 255 bytes; one that was accepted before is not accepted again.
        """
        _check_fields(data)
        if "event" in data:
            raise Refused("the body of an event cannot have the key 'event'; it is the event's name")
        number = id or instance_id(self._clock)
        content_type, body = encode_event(name, data)
        try:
            decode_event(body, number)
        except Malformed as malformed:
            raise Refused(f"this cannot be sent: {malformed.reason}") from malformed
        self._publish(self._settings.exchange, self._settings.event_queue, content_type, body, number)
        return number

    def cancel(self, id: str, reason: str = "", *, compensate: bool = False) -> None:
        """Have an instance canceled, as soon as the daemon takes the message.

        :param compensate: what it has done and can be undone is compensated first.
        :raises Unconfirmed: the broker did not confirm it in time.
        :raises NoQueue: no daemon has declared its queues there.
        """
        content_type, body = encode_terminate(instance_id_of(id), reason, compensate)
        self._publish(self._settings.exchange, self._settings.message_queue, content_type, body, uuid.uuid4().hex)

    def close(self) -> None:
        """Close the connections. Threads that wait for a result give up; one that publishes is waited for."""
        self._links.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Launcher {self._settings.amqp.shown}>"

    def _publish(self, exchange: str, routing_key: str, content_type: str, body: bytes, number: str) -> None:
        properties = pika.BasicProperties(
            content_type=content_type,
            content_encoding="utf-8",
            delivery_mode=2,
            message_id=number,
            timestamp=int(time.time()),
        )
        self._links.publish(Letter(exchange, routing_key, body, properties), self._timeout)


def _check_fields(fields: object) -> None:
    if not isinstance(fields, dict):
        raise Refused(f"fields are a dict, not a {type(fields).__name__}")
    try:
        problem = complaint(fields)
    except RecursionError:
        problem = "they contain themselves, or are nested too deeply"
    if problem is not None:
        raise Refused(f"the fields are no JSON: {problem}")
