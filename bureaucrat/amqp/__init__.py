"""RabbitMQ, over pika: the one place that knows the broker's traps.

Rules: nothing outside of this package handles a connection, a channel or a tag; nothing is lost between ``publish`` and
its confirm, nor between a delivery and its acknowledgement; both may happen twice.
"""

from .broker import Broker, BrokerState
from .messages import Message, Received
from .settings import AmqpSettings
from .topology import Depth

__all__ = ["AmqpSettings", "Broker", "BrokerState", "Depth", "Message", "Received"]
