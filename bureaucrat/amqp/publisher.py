"""Publishing with confirms: nothing is lost between ``publish`` and ``confirmed``, though it may be published twice.

Rules: at most a window of messages is unconfirmed; an acknowledgement comes in any order, a ``basic.return`` before the
acknowledgement of its own message; a message that nobody can take waits with all of its routing key, and of these one
is tried again after growing pauses; when confirms do not come, the channel is closed first, and only then is anything
published again: of what was overdue one message a routing key, so that a queue that is silent holds up no other.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import Callable
from typing import Any

import pika.exceptions as wrong

from .connection import NOT_FOUND, Channel, ChannelLost, Connection, Lost
from .entries import LONGEST, SILENT, UNROUTABLE, Entry, Route, Waiting
from .messages import Message
from .settings import AmqpSettings

log = logging.getLogger(__name__)

_LOOK = 0.5  #: seconds between looks for confirms that are overdue
_PATIENCE = 6  #: so many times as long a message that is tried on a silent route may take


class Publisher:
    """Keeps messages until they are confirmed."""

    def __init__(self, settings: AmqpSettings, returned: Callable[[Route], None], changed: Callable[[], None]) -> None:
        self._settings = settings
        self._on_returned = returned
        self._changed = changed
        self._ready: deque[Entry] = deque()
        self._flight: dict[int, Entry] = {}
        self._waiting: dict[Route, Waiting] = {}
        self._by_key: dict[object, list[Entry]] = {}
        self._confirmed: list[Entry] = []
        self._count = 0  #: not confirmed and not dropped
        self._channel: Channel | None = None
        self._last_tag = 0
        self._lowest = 1  #: no lower tag is in flight
        self._is_scheduled = False
        self._idle: asyncio.Future[None] | None = None
        self._unblocked = 0.0  #: loop time since when confirms can be expected
        self.is_blocked = False

    # -- what the broker's users ask

    def publish(
        self, message: Message, confirmed: Callable[[], None], key: object, refused: Callable[[str], None] | None
    ) -> None:
        entry = Entry(message, confirmed, key, refused)
        self._count += 1
        if key is not None:
            self._by_key.setdefault(key, []).append(entry)
        self._ready.append(entry)
        self._schedule()

    def discard(self, key: object) -> None:
        for entry in self._by_key.pop(key, ()):
            entry.is_dropped = True
            self._count -= 1
        self._tell_idle()

    def is_unsent(self, key: object) -> bool:
        return key in self._by_key

    @property
    def unconfirmed(self) -> int:
        return self._count

    @property
    def is_open(self) -> bool:
        return self._channel is not None

    def unroutable(self) -> dict[Route, float]:
        """The routes without a queue, and since when (loop time)."""
        return {route: waiting.since for route, waiting in self._waiting.items() if waiting.reason == UNROUTABLE}

    async def drain(self, grace: float) -> None:
        """Wait for the confirms of everything that somebody takes, not longer than `grace` seconds."""
        self._idle = asyncio.get_running_loop().create_future()
        self._tell_idle()
        await asyncio.wait([self._idle], timeout=grace)

    def _tell_idle(self) -> None:
        if self._idle is None or self._idle.done() or self._flight or self._confirmed:
            return
        if self._channel is None or all(entry.is_dropped for entry in self._ready):
            self._idle.set_result(None)

    # -- the channel

    async def run(self, connection: Connection, opened: Callable[[], None]) -> None:
        """Publish on a connection as long as it lasts, on one channel after another.

        :raises Lost: the connection is of no use any more.
        """
        while True:
            channel = await connection.channel()
            try:
                channel.raw.add_on_return_callback(self._returned)
                await channel.ask("confirm_delivery", ack_nack_callback=self._acknowledged)
                self._begin(channel)
                opened()
                await self._watch(channel)
            except ChannelLost as lost:
                if connection.trouble.done():
                    raise
                log.warning("the broker closed a channel; publishing again", extra={"reason": lost.reason})
                self._park_unknown_exchange(lost)
            finally:
                self._end()
            await channel.close()
            self._again()

    async def _watch(self, channel: Channel) -> None:
        """Until confirms are overdue; :raises ChannelLost: the channel has ended."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.wait([channel.trouble], timeout=_LOOK)
            if channel.trouble.done():
                raise channel.trouble.result()
            overdue = [] if self.is_blocked else self._overdue(loop.time())
            if overdue:
                routes = sorted({"/".join(filter(None, entry.route)) for entry in overdue})
                extra = {"messages": len(self._flight), "routes": " ".join(routes[:5])}
                log.warning("confirms are missing; publishing again", extra=extra)
                for entry in overdue:
                    entry.is_overdue = True
                return

    def _overdue(self, now: float) -> list[Entry]:
        """What should be confirmed by now. What is tried on a route that is known to be silent may take longer."""
        since = now - self._settings.confirm_timeout
        late = [entry for entry in self._flight.values() if max(entry.sent, self._unblocked) < since]
        long_ago = now - _PATIENCE * self._settings.confirm_timeout
        return [entry for entry in late if entry.sent < long_ago or not self._is_trial(entry)]

    def _is_trial(self, entry: Entry) -> bool:
        waiting = self._waiting.get(entry.route)
        return waiting is not None and waiting.probe is entry and waiting.reason == SILENT

    def _begin(self, channel: Channel) -> None:
        self._channel = channel
        self._last_tag, self._lowest = 0, 1
        self._unblocked = asyncio.get_running_loop().time()
        self._again()

    def _end(self) -> None:
        """The channel is of no use any more. Nothing is published again before it is closed."""
        self._channel = None
        self._changed()

    def _again(self) -> None:
        """What was in flight is ready again, before everything newer."""
        flight, self._flight = self._flight, {}
        for entry in flight.values():
            if entry.is_returned or entry.is_overdue:
                self._park(entry, UNROUTABLE if entry.is_returned else SILENT)
        self._ready.extendleft(reversed([one for one in flight.values() if not (one.is_returned or one.is_overdue)]))
        for waiting in self._waiting.values():
            waiting.probe = None
            self._try_later(waiting)
        self._schedule()

    def set_blocked(self, is_blocked: bool) -> None:
        """Whether the broker takes nothing for the time being."""
        if is_blocked != self.is_blocked:
            self.is_blocked = is_blocked
            self._unblocked = asyncio.get_running_loop().time()
            self._schedule()

    # -- sending

    def _schedule(self) -> None:
        if not self._is_scheduled and self._channel is not None:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        """Send what is ready, as far as the window goes."""
        self._is_scheduled = False
        channel = self._channel
        if channel is None or not channel.is_open or self.is_blocked:
            return
        now = asyncio.get_running_loop().time()
        ready, flight, window = self._ready, self._flight, self._settings.confirm_window
        while ready and len(flight) < window:
            entry = ready.popleft()
            if entry.is_dropped:
                self._pass_on(entry)
                continue
            if self._waiting:
                waiting = self._waiting.get(entry.route)
                if waiting is not None and waiting.probe is not entry:
                    waiting.entries.append(entry)
                    continue
            self._send(channel, entry, now)
        self._tell_idle()

    def _send(self, channel: Channel, entry: Entry, now: float) -> None:
        message = entry.message
        try:
            channel.raw.basic_publish(
                message.exchange, message.routing_key, message.body, message.properties, message.is_mandatory
            )
        except (wrong.ChannelWrongStateError, wrong.ConnectionWrongStateError) as error:
            self._ready.appendleft(entry)  # it has ended in this very moment
            channel.lose(ChannelLost(type(error).__name__))
            return
        except Exception as error:  # pika has many ways to say that a property cannot be encoded; it never will be
            log.exception("a message cannot be sent, and is dropped", extra={"routing_key": message.routing_key})
            self._drop(entry)
            if entry.refused is not None:
                asyncio.get_running_loop().call_soon(entry.refused, f"AMQP cannot carry it ({type(error).__name__})")
            return
        entry.sent = now
        entry.is_returned = entry.is_doubtful = entry.is_overdue = False
        self._last_tag += 1
        self._flight[self._last_tag] = entry

    def _drop(self, entry: Entry) -> None:
        entry.is_dropped = True
        self._count -= 1
        self._forget(entry)
        self._pass_on(entry)

    # -- what the broker says of it

    def _returned(self, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        """pika's callback: there was no queue for it. Its acknowledgement follows."""
        route = (method.exchange, method.routing_key)
        for entry in self._flight.values():
            message = entry.message
            if (
                not entry.is_returned
                and entry.route == route
                and message.properties.message_id == properties.message_id
                and message.body == body
            ):
                entry.is_returned = True
                return

    def _acknowledged(self, frame: Any) -> None:
        """pika's callback: messages are confirmed, or refused."""
        method = frame.method
        is_nack = method.NAME == "Basic.Nack"
        last = method.delivery_tag
        for tag in range(self._lowest, last + 1) if method.multiple else (last,):
            entry = self._flight.pop(tag, None)
            if entry is not None:
                self._settle(entry, is_nack)
        if method.multiple:
            self._lowest = max(self._lowest, last + 1)
        self._schedule()

    def _settle(self, entry: Entry, is_nack: bool) -> None:
        if entry.is_returned or is_nack:
            self._park(entry, UNROUTABLE if entry.is_returned else "refused")
            return
        if self._waiting:
            self._lead_on(entry)
        if entry.is_doubtful:
            self._ready.append(entry)
            return
        if not self._confirmed:
            asyncio.get_running_loop().call_soon(self._tell_confirmed)
        self._confirmed.append(entry)

    def _tell_confirmed(self) -> None:
        confirmed, self._confirmed = self._confirmed, []
        for entry in confirmed:
            if entry.is_dropped:
                continue
            self._count -= 1
            self._forget(entry)
            try:
                entry.confirmed()
            except Exception:  # a defect in who published; the others are to be told all the same
                log.exception("a confirm was not taken", extra={"routing_key": entry.message.routing_key})
        self._tell_idle()

    def _forget(self, entry: Entry) -> None:
        if entry.key is None:
            return
        entries = self._by_key.get(entry.key, [])
        if entry in entries:
            entries.remove(entry)
        if not entries:
            self._by_key.pop(entry.key, None)

    # -- routes that lead nowhere

    def _park(self, entry: Entry, reason: str) -> None:
        if entry.is_dropped:
            self._pass_on(entry)
            return
        waiting = self._waiting.get(entry.route)
        if waiting is None:
            waiting = self._waiting[entry.route] = Waiting(asyncio.get_running_loop().time(), reason)
            log.warning("messages wait: the broker has no use for them", extra={"route": entry.route, "reason": reason})
            self._changed()
        elif waiting.probe is entry:
            waiting.probe = None
            waiting.pause = min(waiting.pause * 2, LONGEST)
        waiting.reason = reason
        waiting.entries.append(entry)
        self._try_later(waiting)
        if reason == UNROUTABLE:
            self._on_returned(entry.route)

    def _pass_on(self, entry: Entry) -> None:
        """A message that is not wanted any more: if it was to find out about its route, another one does."""
        waiting = self._waiting.get(entry.route)
        if waiting is not None and waiting.probe is entry:
            waiting.probe = None
            self._try_later(waiting)

    def _try_later(self, waiting: Waiting) -> None:
        if waiting.timer is None and waiting.probe is None:
            loop = asyncio.get_running_loop()
            waiting.timer = loop.call_later(waiting.pause, self._try, waiting)

    def _try(self, waiting: Waiting) -> None:
        """Let one message of a route go."""
        if waiting.timer is not None:
            waiting.timer.cancel()
            waiting.timer = None
        while waiting.entries and waiting.entries[0].is_dropped:
            waiting.entries.popleft()
        if waiting.entries:
            waiting.probe = waiting.entries.popleft()
            self._ready.appendleft(waiting.probe)
            self._schedule()
        else:
            self._waiting = {route: one for route, one in self._waiting.items() if one is not waiting}
            self._changed()

    def doubt(self, route: Route) -> None:
        """Its queue was made anew: what is on the way may have reached the one before, and is sent again."""
        for entry in self._flight.values():
            entry.is_doubtful |= entry.route == route

    def try_now(self, route: Route) -> None:
        """There may be a queue for it now."""
        waiting = self._waiting.get(route)
        if waiting is not None and waiting.probe is None:
            self._try(waiting)

    def _lead_on(self, entry: Entry) -> None:
        """A message was taken: so its route leads somewhere again."""
        waiting = self._waiting.get(entry.route)
        if waiting is None or waiting.probe is not entry:
            return
        del self._waiting[entry.route]
        self._ready.extendleft(reversed(waiting.entries))
        log.info("messages go on", extra={"route": entry.route})
        self._changed()

    def _park_unknown_exchange(self, lost: Lost) -> None:
        """A message to an exchange that does not exist closes the channel: hold up those, not all."""
        name = re.search(r"no exchange '([^']*)'", lost.reason)
        if lost.code != NOT_FOUND or name is None:
            return
        for entry in self._flight.values():
            if entry.message.exchange == name[1]:
                entry.is_returned = True

    def forget_timers(self) -> None:
        """At the end: nothing is tried again."""
        for waiting in self._waiting.values():
            if waiting.timer is not None:
                waiting.timer.cancel()
