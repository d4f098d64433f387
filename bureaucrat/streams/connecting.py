"""From the URL of a broker to its back end."""

from __future__ import annotations

from urllib.parse import urlsplit

from .brokers import Broker
from .failures import ImproperlyConfigured
from .memory import MemoryBroker
from .settings import Settings


def broker_of(conf: Settings) -> Broker:
    """The broker of an app, not yet connected.

    :raises ImproperlyConfigured: there is none of this kind.
    """
    url = urlsplit(conf.broker)
    if url.scheme == "memory":
        return MemoryBroker(url.netloc)
    if url.scheme in ("amqp", "amqps"):
        from .amqp import AmqpBroker  # here, because it needs aio-pika, which is an extra

        prefetch, interval = conf.broker_prefetch, conf.member_interval
        return AmqpBroker(conf.broker, prefetch=prefetch, interval=interval, signals=conf.signals)
    raise ImproperlyConfigured(f"there is no broker {url.scheme}://; write amqp://user@host/vhost or memory://")
