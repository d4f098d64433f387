"""What the engine asks of whoever carries attempts and answers: in this process, or over a broker."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..core.effects import Dispatch
from .rows import DestinationRow, OutboxRow


@dataclass(slots=True)
class Properties:
    """How an outbox row is published. Encoded as JSON in :attr:`OutboxRow.properties`."""

    exchange: str = ""
    message_id: str | None = None
    content_type: str | None = None
    content_encoding: str | None = None
    correlation_id: str | None = None
    type: str | None = None
    expiration: str | None = None
    headers: dict[str, Any] = field(default_factory=dict)
    is_mandatory: bool = True  #: whether it must reach a queue; notices and signals need not
    is_persistent: bool = True  #: whether it survives the broker's restart
    routing_key: str = ""  #: if it is not the name of the queue
    is_foreign: bool = False  #: whether its queue is somebody else's, who declares it


@dataclass(slots=True)
class Outgoing:
    """A message as a kind of participant wants it published."""

    destination: str
    body: bytes
    properties: Properties


class Kind(Protocol):
    """One kind of participant behind a broker: what an attempt looks like on the wire, and where it goes."""

    @property
    def is_foreign(self) -> bool:
        """Whether its queues are somebody else's, who declares them; they are looked at and nothing more."""

    def destination(self, participant: str) -> str:
        """The queue that attempts of a participant go to."""

    def outgoing(self, dispatch: Dispatch, instance: str, token: str) -> Outgoing:
        """The message that hands an attempt over. The same attempt gives the same message."""

    def revocation(self, tokens: list[str]) -> Outgoing | None:
        """The message that tells participants not to begin with these attempts; None if they cannot be told."""


@dataclass(slots=True)
class Answered:
    """A participant's answer, as a transport hands it to the engine."""

    instance: str
    branch: str
    activity: int
    attempt: int | None
    fields: dict[str, Any]
    settle: Callable[[], None] | None = None  #: called once the answer is committed


class Transport(Protocol):
    """Carries attempts to participants of this process, and answers back. Nothing it holds survives the process, so
    attempts are dispatched again at each start."""

    async def start(self, answered: Callable[[Answered], None]) -> None:
        """Begin; from now on answers are handed to `answered`, on the event loop's thread."""

    async def stop(self) -> None:
        """Take no more, let what runs end if it does so soon."""

    def serves(self, participant: str) -> bool:
        """Whether anybody can be asked for this participant; False makes an *unroutable* incident."""

    def send(self, dispatch: Dispatch, instance: str) -> None:
        """Hand an attempt over, after its commit; one that is at work already is not handed over twice."""


@dataclass(slots=True, eq=False)
class Incoming:
    """A message from the broker, read."""

    source: str  #: the queue
    body: bytes
    content: Any  #: a message of :mod:`bureaucrat.wire`, or the :class:`bureaucrat.wire.Malformed` that it is
    message_id: str | None
    properties: Callable[[], bytes]  #: gives an encoded :class:`Properties`, to publish it again as it came
    settle: Callable[[], None]  #: called once what it causes is committed
    origin: str | None = None  #: of a signal: the database that emitted it
    is_obsolete: Callable[[], bool] = lambda: False  #: whether it can be settled no more, because it comes again
    answers: int | None = None  #: the outbox row that it answers and that is over with it
    user: str | None = None  #: who sent it, if the broker vouches for that


class Inbound(Protocol):
    """What a courier tells the engine, on the event loop's thread."""

    def received(self, incoming: Incoming) -> None:
        """A message came."""

    def begun(self, number: int) -> None:
        """This outbox row has left, and stays until it is answered: the time of its attempt runs."""

    def confirmed(self, number: int) -> None:
        """The broker has this outbox row."""

    def refused(self, number: int, reason: str) -> None:
        """This outbox row can never be sent: no broker could be told of it."""

    def lost(self, destination: str | None) -> None:
        """A queue had to be made anew: what was in it is gone. None: answers may be gone, wherever they came from."""

    def gone(self, destination: str) -> None:
        """A queue of others is not there; told each time that it is looked for."""

    def back(self, destination: str, *, is_anew: bool) -> None:
        """A queue of others is there again, or was made again since it was looked at last.

        :param is_anew: it may be new; then, if it was known before, what was in it is gone.
        """


class Courier(Protocol):
    """Publishes outbox rows on a broker, and receives what comes from it. A confirmed message survives."""

    async def start(self, inbound: Inbound) -> None:
        """Begin to receive.

        :raises BrokerUnavailable: it cannot be reached; with the reason and without the password.
        """

    def pause(self) -> None:
        """Receive no more; what was received can still be settled, and rows be confirmed."""

    async def stop(self) -> None:
        """Let confirms come in if they do so soon, then end."""

    def serves(self, participant: str) -> bool:
        """Whether the kind of this participant is known; False makes an *unroutable* incident."""

    def outgoing(self, dispatch: Dispatch, instance: str, token: str) -> Outgoing:
        """The message that hands an attempt over. The same attempt gives the same message."""

    def destination(self, participant: str) -> str:
        """The queue that attempts of a participant go to."""

    def revoke(self, attempts: Iterable[tuple[str, str]]) -> None:
        """These attempts, participants and tokens, were ended: tell who would begin with them, as far as it goes."""

    def announcement(self, key: str, body: bytes) -> Outgoing:
        """The message that carries a notice; `key` is ``<notice>.<instance>``."""

    def signal(self, name: str, body: bytes, id: str, origin: str) -> Outgoing:
        """The message that brings a signal to the bus."""

    def dead(self, body: bytes, reason: str, source: str, message_id: str) -> Outgoing:
        """The copy of a dead letter for whoever watches the queue of dead letters."""

    def publish(self, row: OutboxRow) -> None:
        """Publish until the broker has it; :meth:`Inbound.confirmed` follows, or :meth:`Inbound.refused`."""

    def discard(self, number: int) -> None:
        """Do not publish this row, if it was not sent yet."""

    def missing(self) -> Iterable[str]:
        """The queues that are not there at present; what is to be published to them waits."""

    def reply(self, to: str, correlation_id: str | None, body: bytes) -> None:
        """Answer a question, once and without waiting."""

    def learn(self, participants: Iterable[str], events: Iterable[str]) -> None:
        """A definition names these: have their queues, and hear these signals."""

    async def look(self) -> list[DestinationRow]:
        """What the broker shows now of the queues that attempts were sent to.

        :raises BrokerUnavailable: it is away.
        """
