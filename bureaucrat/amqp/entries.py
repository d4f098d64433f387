"""What a publisher keeps: messages that are not confirmed, and routes that lead nowhere at present."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from .messages import Message

SHORTEST = 0.1  #: seconds before a message is tried again that was returned, refused or not confirmed
LONGEST = 5.0

UNROUTABLE = "unroutable"  #: there is no queue
SILENT = "unconfirmed"  #: the broker says nothing of what goes there

Route = tuple[str, str]  #: exchange and routing key; what only the exchange can hold up has no key


@dataclass(slots=True, eq=False)
class Entry:
    """A message that is not confirmed."""

    message: Message
    confirmed: Callable[[], None]
    key: object
    refused: Callable[[str], None] | None = None
    sent: float = 0.0  #: loop time
    is_returned: bool = False
    is_overdue: bool = False  #: its confirm did not come in time
    is_doubtful: bool = False  #: its confirm may be of a queue that is gone
    is_dropped: bool = False

    @property
    def route(self) -> Route:
        message = self.message
        return message.exchange, message.routing_key if message.is_mandatory or not message.exchange else ""


@dataclass(slots=True)
class Waiting:
    """The messages of a route that leads nowhere at present."""

    since: float  #: loop time
    reason: str
    entries: deque[Entry] = field(default_factory=deque)
    pause: float = SHORTEST
    probe: Entry | None = None  #: the one that is tried
    timer: asyncio.TimerHandle | None = None
