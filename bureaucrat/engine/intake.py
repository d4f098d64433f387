"""What comes from the broker: told apart, and brought to the instances, the events or the dead letters.

Rules:

- every message has one end: it is applied, or accepted as an event, or a dead letter with the reason; it is settled
  after the commit of that, and not before;
- an answer with a token goes straight to the queue; everything else takes its turn here, in order;
- while the outbox is full nothing is taken, so that the broker keeps what we cannot work on.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from .. import wire
from ..core.activities.action import Action
from ..core.messages import Alarm, Answer, Cancel, Message
from ..core.table import Address, Definition
from ..definition.problems import InvalidDefinition
from ..errors import AlreadySeen, Refused, StorageUnavailable, UnknownDefinition
from ..ports import Incoming
from .delivery import Birth, Delivery, Letter
from .numbers import instance_id
from .outbox import Outbox
from .shell import Shell
from .starts import business_key_of, instance_id_of, start_of
from .status import status_of
from .writes import Collector

log = logging.getLogger(__name__)

_CHUNK = 200  #: messages that are told apart in one transaction
_CHUNK_BYTES = 16 << 20  #: of their bodies, after which no more are taken
_LARGE = 1 << 12  # characters of a definition from which it is read in a thread; 25,000 take a tenth of a second
_EARLY = 50  # cancels that may wait for their instance; each takes the place of a message that the broker hands out
_USER_ID = "; set the property user_id to the name of the login, which RabbitMQ checks"
_AS_IT_CAME = "; an answer sends back the header as it came"


class Intake:
    """Takes what the courier received."""

    def __init__(self, shell: Shell, outbox: Outbox, reply: Callable[[str, str | None, bytes], None]) -> None:
        self._shell = shell
        self._outbox = outbox
        self._reply = reply
        self._waiting: deque[Incoming] = deque()
        self._early: deque[tuple[float, Incoming]] = deque()  #: cancels of instances that are not there yet
        self._expired: list[Incoming] = []  #: cancels that have waited long enough
        self._news = asyncio.Event()

    def received(self, incoming: Incoming) -> None:
        """Take a message in."""
        self._shell.figures.accepted(incoming.source)
        content = incoming.content
        is_free = incoming.answers is not None or (not self._waiting and not self._outbox.is_full)  # it frees a row
        if isinstance(content, wire.Response) and content.token and is_free:
            delivery = self._answer(incoming, content, content.token)
            if delivery is not None and delivery.instance == content.target.partition("_")[0]:
                self._shell.put(delivery)
                return
        self._waiting.append(incoming)
        self._news.set()

    async def run(self) -> None:
        """Work until canceled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                if self._outbox.is_full or not await self._chunk():
                    self._forget_obsolete()
                    await asyncio.sleep(self._shell.settings.sweep)  # the outbox drains, or storage comes back

    async def retry_early(self) -> None:
        """Look again whether the instances are there that somebody wants canceled; too old ones are dead letters."""
        for _ in range(len(self._early)):
            since, incoming = self._early[0]
            is_young = self._shell.clock.now() - since < self._shell.settings.launch_horizon
            if is_young and not await self._is_there(incoming.content.target):
                self._early.rotate(-1)
                continue
            self._early.popleft()
            self._expired.append(incoming)
            self._waiting.append(incoming)
        if self._waiting:
            self._news.set()

    async def _chunk(self) -> bool:
        """Handle some messages; False if storage is away, and then they wait where they were."""
        taken = self._take()
        jotted = _Jotted(self._shell.collector())
        try:
            for incoming in taken:
                await self._handle(incoming, jotted)
            await self._commit(jotted)
        except StorageUnavailable as error:
            log.warning("storage is not available", extra={"reason": str(error)})
            self._waiting.extendleft(one for one in reversed(taken) if one not in jotted.handed_on)
            return False
        return True

    def _forget_obsolete(self) -> None:
        """What comes again need not wait here, too: a connection that is lost now and then would fill the memory."""
        self._waiting = deque(one for one in self._waiting if not one.is_obsolete())
        self._expired = [one for one in self._expired if not one.is_obsolete()]

    def _take(self) -> list[Incoming]:
        """The next messages: so many, and of large ones a few."""
        taken: list[Incoming] = []
        size = 0
        while self._waiting and len(taken) < _CHUNK and size < _CHUNK_BYTES:
            taken.append(self._waiting.popleft())
            size += len(taken[-1].body)
        return taken

    async def _handle(self, incoming: Incoming, jotted: _Jotted) -> None:
        content = incoming.content
        try:
            match content:
                case wire.Malformed():
                    raise content
                case wire.EventMessage():
                    self._event(incoming, content, jotted)
                    return
                case wire.Question():
                    status = await status_of(self._shell.storage, content.instance)
                    self._reply(content.reply_to, content.correlation_id, wire.encode_status(status)[1])
                    jotted.settled.append(incoming)
                    return
                case _:
                    delivery = await self._delivery(incoming)
        except (wire.Malformed, Refused, InvalidDefinition, UnknownDefinition) as error:
            self._bury(incoming, str(error), jotted)
            return
        except StorageUnavailable:
            raise
        except Exception as error:  # a defect of ours must not stop what comes after it
            log.exception("a message could not be handled", extra={"source": incoming.source})
            self._bury(incoming, f"it could not be handled: {type(error).__name__}: {error}", jotted)
            return
        jotted.handed_on.append(incoming)
        if delivery is not None:
            self._shell.put(delivery)

    async def _delivery(self, incoming: Incoming) -> Delivery | None:
        content = incoming.content
        match content:
            case wire.Response():
                return await self._response(incoming, content)
            case wire.LaunchRequest():
                return await self._launch(incoming, content)
            case wire.Terminate():
                return await self._cancel(incoming, content)
            case wire.OldTimer():
                instance, place, definition = await self._locate(content.target)
                return _delivery(instance, Alarm(*place, content.instant, definition), incoming)
        raise AssertionError(f"nothing is known of {type(content).__name__}")

    # -- answers

    async def _response(self, incoming: Incoming, content: wire.Response) -> Delivery:
        """An answer for the attempt that its token names, or that waits at its address.

        If none waits there any more it is *late* in the history, as a repeated answer with a token is, and no dead
        letter: existing participants answer twice, and nobody can tell such an answer from a stray one.
        """
        if self._is_anonymous(incoming):
            raise Refused(f"the answer does not say who sends it, and [security] strict is on{_USER_ID}")
        if content.token:
            delivery = self._answer(incoming, content, content.token)
            if delivery is None:
                self._shell.figures.forged += 1
                if self._outbox.named(content.token) is not None:
                    raise Refused(_other_user(incoming))
                raise Refused("the token was not made by this engine" + _AS_IT_CAME)
            if delivery.instance != content.target.partition("_")[0]:
                self._shell.figures.forged += 1
                raise Refused(f"the token is of another instance than the target {content.target[:200]}" + _AS_IT_CAME)
            return delivery
        if not self._shell.settings.accept_untokened:
            raise Refused("the answer has no token, and [bureaucrat] accept_untokened is off")
        instance, place, definition = await self._locate(content.target)
        if self._shell.settings.users.sections:
            await self._check_user(incoming, place, definition)
        return _delivery(instance, Answer(*place, None, content.fields, definition), incoming)

    def _answer(self, incoming: Incoming, content: wire.Response, token: str) -> Delivery | None:
        if incoming.answers is not None:  # the engine has asked itself
            named = self._outbox.named(token)
        elif incoming.user:
            named = self._outbox.tokens.read(token, ("", incoming.user))
        else:
            named = self._outbox.tokens.read(token)
        if named is None or self._is_anonymous(incoming):
            return None
        message = Answer(named.branch, named.activity, named.attempt, content.fields)
        return _delivery(named.instance, message, incoming)

    def _is_anonymous(self, incoming: Incoming) -> bool:
        return self._shell.settings.users.is_strict and not incoming.user and incoming.answers is None

    async def _check_user(self, incoming: Incoming, place: Address, definition: str) -> None:
        """Whether an answer without a token comes from whom it may come.

        :raises Refused: it does not, or nobody can tell.
        """
        activity = (await self._shell.definitions.get(definition)).activities[place[1]]
        participant = activity.participant if isinstance(activity, Action) else None
        if participant is not None and participant.expression is not None:
            raise Refused("an answer without a token is not taken where an expression names the participant")
        user = "" if participant is None else self._shell.settings.users.of(str(participant.literal))
        if user and user != incoming.user:
            self._shell.figures.forged += 1
            raise Refused(_other_user(incoming))

    async def _locate(self, target: str) -> tuple[str, Address, str]:
        """Instance and place that an address names, and the hash of the definition in which it does.

        :raises Refused: there is none.
        """
        instance, underscore, path = target.partition("_")
        row = await self._shell.storage.instance(instance)
        if row is None:
            raise Refused(f"there is no instance {instance[:64]}")
        place = (await self._shell.definitions.get(row.definition)).locate(underscore + path)
        if place is None:
            raise Refused(f"the process {row.process!r} has no activity at {target[:200]}")
        return instance, place, row.definition

    # -- starts and ends

    async def _launch(self, incoming: Incoming, request: wire.LaunchRequest) -> Delivery:
        if request.definition is None:
            definition = await self._shell.registry.find(request.process or "", request.version)
        else:
            definition = await self._read(request.definition)
        start = start_of(definition, request.fields, self._shell.settings.limits)
        key = request.business_key or business_key_of(definition, start.fields, self._shell.clock.now())
        id = instance_id(self._shell.clock) if request.id is None else instance_id_of(request.id)
        delivery = _delivery(id, start, incoming)
        delivery.birth = Birth(definition, key)
        return delivery

    async def _read(self, text: str) -> Definition:
        if len(text) >= _LARGE:
            return await self._shell.definitions.read_beside(text)
        await asyncio.sleep(0)  # others have their turn between two that are read here
        return self._shell.definitions.read(text)

    async def _cancel(self, incoming: Incoming, content: wire.Terminate) -> Delivery | None:
        if "_" in content.target:
            raise Refused(f"{content.target[:200]} is an activity; only a whole instance can be canceled from outside")
        if incoming in self._expired:
            self._expired.remove(incoming)
        elif len(self._early) < _EARLY and not await self._is_there(content.target):
            self._early.append(
                (self._shell.clock.now(), incoming)
            )  # its launch may still be on the way in another queue
            return None
        return _delivery(
            content.target, Cancel(content.reason or "a client asked for it", content.compensate), incoming
        )

    async def _is_there(self, instance: str) -> bool:
        return await self._shell.storage.instance(instance) is not None

    # -- what is written here

    def _event(self, incoming: Incoming, event: wire.EventMessage, jotted: _Jotted) -> None:
        if incoming.origin is not None and incoming.origin == self._outbox.origin:
            jotted.settled.append(incoming)  # the echo of a signal of ours
            return
        if event.id is None:
            self._shell.figures.unidentified += 1
        jotted.events.append((incoming, event))

    def _bury(self, incoming: Incoming, reason: str, jotted: _Jotted) -> None:
        log.warning("a message is a dead letter", extra={"source": incoming.source, "reason": reason[:500]})
        self._shell.bury(_letter(incoming), reason, jotted.collector)
        jotted.settled.append(incoming)

    async def _commit(self, jotted: _Jotted) -> None:
        """Dead letters and events in one transaction; event by event if one of them was seen before."""
        try:
            await self._store(jotted.collector, jotted.events)
        except AlreadySeen:
            await self._store(jotted.collector, [])
            for one in jotted.events:
                try:
                    await self._store(self._shell.collector(), [one])
                except AlreadySeen:
                    self._shell.figures.repeated += 1
        for incoming in (*jotted.settled, *(incoming for incoming, _ in jotted.events)):
            incoming.settle()

    async def _store(self, jotted: Collector, events: list[tuple[Incoming, wire.EventMessage]]) -> None:
        collector = jotted.copy()
        for _, event in events:
            now = self._shell.clock.now()
            stored = collector.event(event.id or "", event.name, event.body, now)
            if event.id is None:
                stored.id = str(stored.number)
            else:
                collector.writes.inbox.append((event.id, now))
        await self._shell.commit(collector)


class _Jotted:
    """What one chunk has to write, and which messages are over with it."""

    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        self.events: list[tuple[Incoming, wire.EventMessage]] = []
        self.settled: list[Incoming] = []
        self.handed_on: list[Incoming] = []  #: the queue has them now


def _other_user(incoming: Incoming) -> str:
    sender = f"RabbitMQ's user {incoming.user[:200]}" if incoming.user else "a sender who does not say who it is"
    return f"another user is to answer this attempt, and it comes from {sender}{_USER_ID}"


def _letter(incoming: Incoming) -> Letter:
    return Letter(incoming.source, incoming.body, incoming.message_id or "", incoming.properties)


def _delivery(instance: str, message: Message, incoming: Incoming) -> Delivery:
    return Delivery(instance, message, settle=incoming.settle, letter=_letter(incoming), answers=incoming.answers)
