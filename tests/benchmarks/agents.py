"""Messages a second that an agent consumes from RabbitMQ, beside a subscriber of FastStream on the same queue."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

from rabbit import Rabbit

from bureaucrat.agents.tools.amqp import AMQPBroker

PROGRAM = Path(__file__).parent / "consuming.py"
BODY = '{"order_id": 1017, "customer": "ann@example.org", "amount": 120.5, "text": "' + "x" * 400 + '"}'
_AT_ONCE = 500


@dataclass(frozen=True)
class Consumed:
    """One run."""

    rate: float  #: messages a second
    cpu: float  #: of the program, for one message, in microseconds


def consumed(rabbit: Rabbit, who: str, messages: int) -> Consumed:
    """Consume so many messages, which wait in a queue of their own, with an agent or a subscriber of FastStream."""
    url, queue = rabbit.url, f"bench_{uuid.uuid4().hex[:8]}"
    asyncio.run(_filled(url, queue, messages))
    command = [sys.executable, str(PROGRAM), who, url, queue, str(messages)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout
    seconds, cpu = map(float, told.split())
    return Consumed(messages / seconds, cpu / messages * 1e6)


async def _filled(url: str, queue: str, messages: int) -> None:
    broker = AMQPBroker(url)
    for first in range(0, messages, _AT_ONCE):
        await asyncio.gather(*(broker.send(queue, BODY) for _ in range(min(_AT_ONCE, messages - first))))
    await broker.close()
