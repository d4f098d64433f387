"""The bus: agents send signals, and whoever hears them at this moment hears them.

Rules: a signal is kept nowhere. Arguments that are not as declared are a warning, and delivered. What a receiver raises
is logged on its agent's logger. A call has its answers on a signal of the bus's own, ``response``.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from ..config import without_password
from .ending import end
from .signal import (
    Address,
    Receiver,
    SerializingError,
    Signal,
    SignalException,
    SignalNotFound,
)

__all__ = [
    "AbstractSignalBus",
    "BoundSignal",
    "IterQueue",
    "Receiver",
    "SerializingError",
    "Signal",
    "SignalException",
    "SignalNotFound",
]

RESPONSE: Final = "response"  #: the signal that carries answers
_log = logging.getLogger("bureaucrat.agents.bus")
_END: Final = object()


class IterQueue(asyncio.Queue[Any]):
    """Answers as they come: ``async for answer in queue``. It ends when its time is over, or nobody hears the call."""

    def __aiter__(self) -> IterQueue:
        return self

    async def __anext__(self) -> Any:
        found = await self.get()
        if found is _END:
            raise StopAsyncIteration
        return found

    def end(self) -> None:
        """No answer comes any more."""
        self.put_nowait(_END)


class AbstractSignalBus(ABC):
    """Signals over some server. All that are registered are attributes: ``bus.user_created.send("user_agent", id=1)``.

    :param dsn: where the server is.
    :param uid: names this bus; its answers go by it.
    :param prefix: of the project: projects with different ones do not hear each other.
    """

    def __init__(
        self,
        dsn: str,
        uid: str | None = None,
        prefix: str = "PUBSUB",
        log: logging.Logger = _log,
        receivers: dict[str, list[Receiver]] | None = None,
        _responses: dict[str, IterQueue] | None = None,
    ) -> None:
        self.dsn = dsn
        self.uid = uid or uuid.uuid4().hex
        self.prefix = prefix
        self.log = log
        self.receivers: dict[str, list[Receiver]] = receivers if receivers is not None else {}
        self._responses: dict[str, IterQueue] = _responses if _responses is not None else {}
        self._is_answered = False
        self._at_work: dict[asyncio.Task[None], Receiver] = {}
        self._lock = asyncio.Lock()

    # -- what a back end does

    @abstractmethod
    async def send(self, channel: str, message: str) -> bool | None:
        """Send a raw message.

        :param channel: ``prefix:signal:sender``, with ``#request`` if it is a call or an answer.
        :param message: the arguments as JSON.
        :returns: False if the server knows that nobody hears it.
        """

    @abstractmethod
    async def bind(self, signal: str) -> None:
        """Hear a signal of this name, and :meth:`receiver` gets what comes."""

    async def unbind(self, signal: str) -> None:  # noqa: B027 - a back end that cannot goes on hearing it
        """Hear a signal no more: nobody here receives it."""

    async def close(self) -> None:  # noqa: B027 - a back end may have nothing to close
        """Leave the server."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({without_password(self.dsn)}, {self.prefix})"

    # -- for agents

    async def bind_receiver(self, receiver: Receiver) -> None:
        """Have a receiver hear its signal."""
        async with self._lock:
            heard = self.receivers.setdefault(receiver.signal.name, [])
            heard.append(receiver)
            if len(heard) == 1:
                await self.bind(receiver.signal.name)

    async def unbind_agent(self, agent: object, grace: float = 0.0) -> None:
        """Have the receivers of an agent hear nothing more, and end their calls.

        :param grace: seconds that calls under way may take.
        """
        async with self._lock:
            for name, heard in list(self.receivers.items()):
                left = [one for one in heard if one.agent is not agent]
                self.receivers[name] = left
                if heard and not left:
                    del self.receivers[name]
                    await self.unbind(name)
        await ended([call for call, receiver in self._at_work.items() if receiver.agent is agent], grace)

    def __getattr__(self, name: str) -> BoundSignal:
        if name.startswith("__"):
            raise AttributeError(name)
        return BoundSignal(self, Signal.get(name))

    @asynccontextmanager
    async def call(self, channel: str, message: str, timeout: float) -> AsyncIterator[IterQueue]:  # noqa: ASYNC109
        """Send a raw message, and have its answers.

        :param channel: ``prefix:signal:sender``.
        :param timeout: seconds after which no answer is awaited.
        """
        await self._have_answers()
        request = f"{self.uid}.{uuid.uuid4().hex}"
        queue = self._responses[request] = IterQueue()
        over = asyncio.get_running_loop().call_later(timeout, queue.end)
        try:
            if await self.send(f"{channel}#{request}", message) is False:
                queue.end()
            yield queue
        finally:
            over.cancel()
            del self._responses[request]

    async def _have_answers(self) -> None:
        async with self._lock:
            if not self._is_answered:
                await self.bind(RESPONSE)
                self._is_answered = True

    def receiver(self, channel: str, message: str) -> None:
        """What came: a signal for receivers, or the answer of a call."""
        try:
            address = Address.of(channel)
            if address.name == RESPONSE:
                self._answered(address, message)
            else:
                self._received(address, message)
        except (SignalException, SerializingError) as error:
            self.log.error("a message of %s is passed over: %s", channel, error)

    def _received(self, address: Address, message: str) -> None:
        signal = Signal.get(address.name)
        data = signal.deserialize(message)
        self.complain(signal, data, "received")
        for receiver in self.receivers.get(signal.name, ()):
            call = asyncio.get_running_loop().create_task(self._handle(receiver, address, dict(data)))
            self._at_work[call] = receiver
            call.add_done_callback(self._at_work.pop)

    async def _handle(self, receiver: Receiver, address: Address, data: dict[str, Any]) -> None:
        log, limit, value = receiver.agent.log, asyncio.timeout(receiver.timeout), None
        try:
            async with limit:
                value = await receiver.handler(**{"signal": receiver.signal, "sender": address.sender, **data})
        except Exception:  # whatever a receiver raises concerns nobody else
            text = f"took more than {receiver.timeout} s" if limit.expired() else "failed"
            log.exception("%s: receiving %s from %s %s", receiver.key, address.name, address.sender, text)
        if address.request is not None:
            await self._answer(receiver, address.request, value)

    async def _answer(self, receiver: Receiver, request: str, value: Any) -> None:
        """A receiver that failed answers null, so that nobody waits in vain."""
        channel = f"{Signal(RESPONSE, []).make_channel_name(self.prefix, self.uid)}#{request}"
        try:
            await self.send(channel, self._written(receiver, value))
        except Exception:  # whatever a server's client raises: the caller's time runs out, and says so
            self.log.exception("%s: its answer could not be sent", receiver.key)

    def _written(self, receiver: Receiver, value: Any) -> str:
        signal = receiver.signal
        try:
            return signal.serialize({receiver.key: value})
        except SerializingError as error:
            receiver.agent.log.error("%s: its answer is null: %s", receiver.key, error)
            return signal.serialize({receiver.key: None})

    def _answered(self, address: Address, message: str) -> None:
        queue = self._responses.get(address.request or "")
        if queue is not None:  # else it is another's, or too late
            queue.put_nowait(Signal.get(RESPONSE).deserialize(message))

    def complain(self, signal: Signal, data: dict[str, Any], what: str) -> None:
        """Warn of what is not as declared."""
        if complaints := signal.complaints(data):
            self.log.warning("%s %s %s", signal.name, what, "; ".join(complaints))


Signal(RESPONSE, [])


class BoundSignal:
    """A signal of one bus."""

    def __init__(self, bus: AbstractSignalBus, signal: Signal) -> None:
        self.bus = bus
        self.signal = signal

    def _channel(self, sender: str) -> str:
        return self.signal.make_channel_name(self.bus.prefix, sender)

    def _message(self, data: dict[str, Any]) -> str:
        self.bus.complain(self.signal, data, "is sent")
        return self.signal.serialize(data)

    async def send(self, sender: str, **kwargs: Any) -> None:
        """Send it, and wait for nobody.

        :param sender: who sends it, a word without ``#``.
        """
        await self.bus.send(self._channel(sender), self._message(kwargs))

    async def call(self, sender: str, timeout: float = 60, **kwargs: Any) -> dict[str, Any]:  # noqa: ASYNC109
        """Send it, and have the first answer: ``{"Class.method": value}``.

        :param timeout: seconds to wait.
        :returns: empty if there is none in time, or nobody hears it. A method that failed answers None.
        """
        async with self.waiter(sender, timeout, **kwargs) as queue:
            async for answer in queue:
                found: dict[str, Any] = answer
                return found
        return {}

    def waiter(self, sender: str, timeout: float = 60, **kwargs: Any) -> AbstractAsyncContextManager[IterQueue]:
        """Send it, and have each answer, as long as `timeout` seconds::

        async with bus.rpc_comments_count.waiter("user_agent", user_id=1) as queue:
            async for answer in queue:
                ...
        """
        return self.bus.call(self._channel(sender), self._message(kwargs), timeout)


async def ended(calls: list[asyncio.Task[None]], grace: float) -> None:
    """Wait for calls, and cancel those that take longer than `grace` seconds."""
    others = [one for one in calls if one is not asyncio.current_task()]
    if others and grace > 0:
        await asyncio.wait(others, timeout=grace)
    await end(others)
