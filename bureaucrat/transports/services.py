"""A courier that makes requests to services itself, and leaves everything else to another.

Rules: what is for a service is a row of the outbox like any other; the broker never sees it. The row goes with the
answer's transaction, so that a crash before it repeats the request, with the same key and token. So many requests are
made at a time, and so many to one host; what waits for its turn has not left.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Protocol

import msgspec

from .. import wire
from ..config import ServiceSettings
from ..core.effects import Dispatch
from ..errors import BureaucratError
from ..ports import Courier, DestinationRow, Inbound, Incoming, OutboxRow, Outgoing, Properties

log = logging.getLogger(__name__)

_properties = msgspec.json.Decoder(Properties)


class Asks(Protocol):
    """What asks services."""

    @property
    def settings(self) -> ServiceSettings:
        """How many requests there are at a time."""

    def outgoing(self, dispatch: Dispatch, instance: str, token: str) -> Outgoing:
        """The request that hands an attempt over, as a row."""

    def host(self, participant: str) -> str:
        """What bounds the requests that are made at a time."""

    async def ask(self, participant: str, body: bytes, asked: wire.Asked) -> dict[str, object] | None:
        """One request: the answer, or None if it comes later by a message.

        :raises BureaucratError: it may not be asked.
        """

    async def close(self) -> None:
        """Let go of connections."""


class ServiceCourier:
    """Puts both together.

    :param prefixes: of the participants that are services.
    """

    def __init__(self, courier: Courier, services: Asks, prefixes: Iterable[str]) -> None:
        self._courier = courier
        self._services = services
        self._prefixes = frozenset(prefixes)
        self._inbound: Inbound | None = None
        self._waiting: dict[str, dict[int, OutboxRow]] = {}  #: by host, and then in order
        self._hosts: dict[int, str] = {}  #: of the rows that wait, and of those that are asked
        self._asking: dict[int, asyncio.Task[None]] = {}
        self._busy: Counter[str] = Counter()  #: requests by host
        self._destinations: Counter[str] = Counter()  #: of the rows that are here
        self._is_paused = False

    # -- what is for services

    def _is_for_service(self, participant: str) -> bool:
        prefix, colon, _ = participant.partition(":")
        return bool(colon) and prefix in self._prefixes

    def publish(self, row: OutboxRow) -> None:
        if row.attempt is None or not self._is_for_service(row.destination):
            self._courier.publish(row)
            return
        host = self._services.host(row.destination)
        self._hosts[row.number] = host
        self._destinations[row.destination] += 1
        self._waiting.setdefault(host, {})[row.number] = row
        self._begin(host)

    def _begin(self, host: str) -> None:
        """Ask what waits for a host, as far as there is room."""
        settings, rows = self._services.settings, self._waiting.get(host)
        while rows and not self._is_paused:
            if self._busy[host] >= settings.per_host or len(self._asking) >= settings.connections:
                return
            row = rows.pop(next(iter(rows)))
            self._busy[host] += 1
            asking = asyncio.get_running_loop().create_task(self._ask(row))
            self._asking[row.number] = asking
            asking.add_done_callback(partial(self._asked, row))
        if not rows:
            self._waiting.pop(host, None)

    def _asked(self, row: OutboxRow, asking: asyncio.Task[None]) -> None:
        del self._asking[row.number]
        host = self._forgotten(row)
        self._busy[host] -= 1
        if not self._busy[host]:
            del self._busy[host]
        for other in (host, *list(self._waiting)):
            self._begin(other)

    def _forgotten(self, row: OutboxRow) -> str:
        self._destinations[row.destination] -= 1
        if not self._destinations[row.destination]:
            del self._destinations[row.destination]
        return self._hosts.pop(row.number)

    async def _ask(self, row: OutboxRow) -> None:
        inbound = self._inbound
        assert inbound is not None, "rows are published after the start"
        properties = _properties.decode(row.properties)
        asked = wire.asked_of(properties.headers)
        assert asked is not None, "it was made here"
        inbound.begun(row.number)
        try:
            fields = await self._services.ask(row.destination, row.body, asked)
        except BureaucratError as error:
            inbound.refused(row.number, str(error))
            return
        except Exception as error:  # a defect of ours: an answer all the same, for otherwise nobody hears of it
            log.exception("a service could not be asked", extra={"instance": row.instance})
            fields = {"status": "error", "error": f"it could not be asked: {type(error).__name__}: {error}"}
        if fields is None:
            inbound.confirmed(row.number)
            return
        content = wire.Response(asked.target, asked.token, fields)
        settle = partial(inbound.confirmed, row.number)
        body = msgspec.json.encode(fields)
        inbound.received(
            Incoming(row.destination, body, content, None, lambda: row.properties, settle, answers=row.number)
        )

    def discard(self, number: int) -> None:
        host = self._hosts.get(number)
        if host is None:
            self._courier.discard(number)
        elif number in self._asking:
            self._asking[number].cancel()
        else:
            self._forgotten(self._waiting[host].pop(number))
            if not self._waiting[host]:
                del self._waiting[host]

    # -- both

    async def start(self, inbound: Inbound) -> None:
        self._inbound = inbound
        await self._courier.start(inbound)

    def pause(self) -> None:
        self._is_paused = True
        self._courier.pause()

    async def stop(self) -> None:
        """What is asked is asked again at the next start: its answer could not be taken in any more."""
        self._is_paused = True
        asking = list(self._asking.values())
        for one in asking:
            one.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        await self._services.close()
        await self._courier.stop()

    def serves(self, participant: str) -> bool:
        return self._is_for_service(participant) or self._courier.serves(participant)

    def outgoing(self, dispatch: Dispatch, instance: str, token: str) -> Outgoing:
        chosen = self._services if self._is_for_service(dispatch.participant) else self._courier
        return chosen.outgoing(dispatch, instance, token)

    def destination(self, participant: str) -> str:
        return participant if self._is_for_service(participant) else self._courier.destination(participant)

    def revoke(self, attempts: Iterable[tuple[str, str]]) -> None:
        self._courier.revoke(one for one in attempts if not self._is_for_service(one[0]))

    def missing(self) -> list[str]:
        """What is asked may take its time, and is no reason to stop the rest either."""
        return [*self._courier.missing(), *self._destinations]

    def learn(self, participants: Iterable[str], events: Iterable[str]) -> None:
        self._courier.learn([one for one in participants if not self._is_for_service(one)], events)

    # -- the other's alone

    def announcement(self, key: str, body: bytes) -> Outgoing:
        return self._courier.announcement(key, body)

    def signal(self, name: str, body: bytes, id: str, origin: str) -> Outgoing:
        return self._courier.signal(name, body, id, origin)

    def dead(self, body: bytes, reason: str, source: str, message_id: str) -> Outgoing:
        return self._courier.dead(body, reason, source, message_id)

    def reply(self, to: str, correlation_id: str | None, body: bytes) -> None:
        self._courier.reply(to, correlation_id, body)

    async def look(self) -> list[DestinationRow]:
        return await self._courier.look()
