"""What is set about the broker, and how a connection to it is described to pika and to people."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from typing import Any, Literal, cast
from urllib.parse import SplitResult, unquote, urlsplit

import pika

from ..config import Config, without_password
from ..errors import ConfigurationError
from .tls import Tls

_REMEDY = (
    "write amqp://user:password@host:port/vhost, or amqps:// with TLS; "
    "in a password, %23 stands for #, %2F for /, %3A for :, %3F for ? and %40 for @"
)

Auth = Literal["password", "external"]
Topology = Literal["declare", "verify", "assume"]


@dataclass(frozen=True, slots=True)
class AmqpSettings:
    """How to reach RabbitMQ, and how much is under way at once."""

    url: str = field(default="amqp://guest:guest@localhost:5672/%2F", repr=False)  #: ``amqps`` for TLS
    heartbeat: float = 15.0  #: seconds
    topology: Topology = "declare"  #: create what is missing, or refuse to start without it, or touch nothing
    prefetch: int = 1000  #: deliveries of one consumer that are not acknowledged yet
    confirm_window: int = 500  #: messages published and not confirmed yet
    confirm_timeout: float = 10.0  #: seconds, after which the channel is given up and its messages are published again
    connect_timeout: float = 5.0  #: seconds
    delivery_limit: int = 1000  #: deliveries after which the broker itself sets a message aside
    dead_queue: str = "bureaucrat_dead"  #: where it does that
    watch: float = 2.5  #: seconds between looks at the consumed queues: whether the broker still knows us
    tls: Tls = Tls()  #: of ``amqps``
    auth: Auth = "password"  #: or ``external``: the certificate of ours says who we are

    @classmethod
    def of(cls, config: Config, topology: Topology | None = None) -> AmqpSettings:
        """What the configuration says."""
        amqp = config.amqp
        return cls(
            url=amqp.url,
            heartbeat=amqp.heartbeat,
            topology=topology or cast(Topology, amqp.topology),  # the table of keys allows these words only
            prefetch=amqp.prefetch,
            confirm_window=amqp.confirm_window,
            connect_timeout=amqp.connect_timeout,
            dead_queue=config.bureaucrat.dead_queue,
            tls=Tls.of(amqp),
            auth=cast(Auth, amqp.auth),
        )

    @property
    def shown(self) -> str:
        """The URL for people: without the password."""
        return without_password(self.url)

    def parameters(self, name: str) -> pika.ConnectionParameters:
        """pika's description of a connection; `name` is shown in the broker's management pages.

        :raises ConfigurationError: the URL is none, or a file of TLS cannot be used.
        """
        try:
            parts = urlsplit(self.url)
            if parts.scheme not in ("amqp", "amqps") or not parts.hostname:
                raise ValueError
            port = parts.port or (5671 if parts.scheme == "amqps" else 5672)
        except ValueError:  # its text may hold a part of the password
            raise ConfigurationError(f"the broker's URL {self.shown!r} cannot be used; {_REMEDY}") from None
        return pika.ConnectionParameters(
            host=parts.hostname,
            port=port,
            virtual_host=unquote(parts.path.removeprefix("/")) or "/",
            credentials=self._credentials(parts),
            heartbeat=max(1, round(self.heartbeat)),
            socket_timeout=self.connect_timeout,
            stack_timeout=self.connect_timeout,
            connection_attempts=1,
            ssl_options=self._ssl(parts.hostname) if parts.scheme == "amqps" else None,
            client_properties={
                "product": "Bureaucrat",
                "connection_name": f"{name}@{socket.gethostname()} pid {os.getpid()}",
            },
        )

    def _ssl(self, host: str) -> pika.SSLOptions:
        return pika.SSLOptions(self.tls.context(), self.tls.host or host)

    @property
    def user(self) -> str | None:
        """Who we are to the broker; None if the URL does not say it. For the property ``user_id``."""
        return unquote(urlsplit(self.url).username or "") or None

    def _credentials(self, parts: SplitResult) -> Any:
        if self.auth == "external":
            return pika.credentials.ExternalCredentials()
        return pika.PlainCredentials(unquote(parts.username or "guest"), unquote(parts.password or "guest"))
