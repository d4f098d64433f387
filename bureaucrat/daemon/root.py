"""What the daemon serves: here storage, transport and participants are chosen and put together."""

from __future__ import annotations

import contextlib
import socket
from urllib.parse import urlsplit

from ..config import Config, without_password
from ..errors import BrokerUnavailable
from .announcer import Announcer

_PORTS = {"amqp": 5672, "amqps": 5671}


def reach(config: Config) -> None:
    """Try the broker.

    :raises BrokerUnavailable: nothing answers there.
    """
    url = urlsplit(config.amqp.url)
    address = (url.hostname or "localhost", url.port or _PORTS[url.scheme])
    try:
        with contextlib.closing(socket.create_connection(address, config.amqp.connect_timeout)):
            return
    except OSError as error:
        reason = error.strerror or str(error)
        raise BrokerUnavailable(f"no RabbitMQ at {without_password(config.amqp.url)} ({reason})") from error


async def serve(config: Config, announcer: Announcer) -> None:
    """Serve until the announcer says to stop."""
    announcer.ready("serving")
    await announcer.stop.wait()
