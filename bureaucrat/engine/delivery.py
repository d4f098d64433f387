"""What the engine works on: one message on its way to one instance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from ..core.instance import Caller
from ..core.messages import Message
from ..core.table import Definition
from ..ports import IncidentRow, OutboxRow, WaitRow
from .orders import Order


@dataclass(slots=True)
class Birth:
    """What a delivery brings that starts an instance."""

    definition: Definition
    business_key: str | None = None
    caller: Caller | None = None
    depth: int = 0
    tick: float | None = None  #: a schedule starts it for this one
    asked: float | None = None  #: when a program has asked for it; what it reports afterwards is after the start (L62)
    event: int | None = None  #: the number of the event that starts it, and that it never consumes (L81)


@dataclass(slots=True)
class Letter:
    """A message as it came from outside, for the dead letters."""

    source: str  #: the queue; ``engine`` for what did not come from a broker
    body: bytes
    message_id: str = ""
    properties: Callable[[], bytes] = lambda: b"{}"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What an instance migrates to, and what stands in storage under the places it has now."""

    target: Definition
    waits: dict[tuple[str, int], WaitRow]  #: by branch and activity
    incidents: dict[int, IncidentRow]  #: the open ones, by number


@dataclass(slots=True, eq=False)
class Delivery:
    """One message for one instance, and what has to happen once it is committed."""

    instance: str
    message: Message
    birth: Birth | None = None
    mail: int | None = None  #: the mailbox row it came from
    since: float | None = None  #: when that row was written
    released: bool = False  #: that row was kept back, and its turn has come
    settle: Callable[[], None] | None = None
    reply: Callable[[str | Exception], None] | None = None  #: told the instance's status, or what went wrong
    failures: int = 0  #: how often a step on it raised
    failure: str = ""  #: what, last
    refusal: str = ""  #: why storage does not let its instance start
    is_unloadable: bool = False  #: it was the instance that could not be read
    letter: Letter | None = None  #: what it was outside
    order: Order | None = None  #: a person asked for it
    cause: Delivery | None = None  #: it was made for this one, which is blamed if it raises
    outlook: Outlook | None = None  #: of a Migrate: what its batch has found
    only: frozenset[str] | None = None  #: of a Redispatch: the destinations that may have lost something
    answers: int | None = None  #: the outbox row that it answers, deleted in the same transaction
    leaves: int | None = None  #: of an Unsent: the outbox row that may be published once it is committed
    row: OutboxRow | None = None  #: of an Unsent: the outbox row to be written in place of one that waited for leave

    def answer(self, result: str | Exception) -> None:
        """Tell whoever waits for it."""
        if self.reply is not None:
            self.reply(result)


def settle(future: asyncio.Future[str], result: str | Exception) -> None:
    """Give whoever waits for a delivery its result, unless nobody waits any longer."""
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
