"""The agents' bus on Redis, beside that on RabbitMQ.

Rules: of the daemons on one Redis one reads, the one that holds the lock; what it hears goes to the exchange of signals
on RabbitMQ, as if an agent there had sent it, and is safe from then on. A signal is passed on at most once: what is
sent while nobody reads, and what cannot be published now, is gone, as everything on this bus. What processes have sent
here is not heard again.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import uuid
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

import msgspec

from ..config import SignalSettings, without_password
from ..errors import BrokerUnavailable, ConfigurationError

log = logging.getLogger(__name__)

Heard = Callable[[str, bytes], None]  #: gets the name of a signal, and its body

_INSTALL: Final = (
    "[signals] bus on Redis needs redis-py, which is not installed: pip install 'bureaucrat-engine[redis]'"
)
_LOCK: Final = "bureaucrat.reader"  #: the key, after the prefix
_HELD: Final = 10.0  #: seconds that a lock lasts unless it is renewed
_RENEWED: Final = 2.0  #: seconds between two looks at it
_PAUSE: Final = 1.0  #: seconds before a lost connection is made again
_MOST: Final = 1_000  #: signals on their way to Redis; what is beyond is dropped
SENDER: Final = "bureaucrat"  #: who sends the signals of processes

#: Renew the lock if it is ours. KEYS: the lock. ARGV: who we are, milliseconds.
_RENEW: Final = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('PEXPIRE', KEYS[1], ARGV[2]) or 0"


class RedisBus:
    """Hears signals for the daemon, and sends those of processes.

    :param settings: with the URL of a Redis.
    :raises ConfigurationError: its client is not installed.
    """

    def __init__(self, settings: SignalSettings) -> None:
        self._url = settings.bus
        self._prefix = settings.prefix
        self._uid = uuid.uuid4().hex
        try:
            self._library = importlib.import_module("redis.asyncio")
            self._errors = importlib.import_module("redis.exceptions")
        except ImportError as error:
            raise ConfigurationError(_INSTALL) from error
        self._redis: Any = None
        self._lost: tuple[type[Exception], ...] = (self._errors.RedisError, OSError, asyncio.TimeoutError)
        self._heard: Heard | None = None
        self._names: set[str] = set()
        self._pubsub: Any = None
        self._running: list[asyncio.Task[None]] = []
        self._asking: set[asyncio.Task[None]] = set()
        self._sending: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(_MOST)

    @property
    def shown(self) -> str:
        """The URL, without its password."""
        return without_password(self._url)

    async def reach(self) -> None:
        """Try it.

        :raises BrokerUnavailable: it does not answer.
        """
        redis = self._library.Redis.from_url(self._url)
        try:
            async with asyncio.timeout(_HELD):
                await redis.ping()
        except self._lost as error:
            raise BrokerUnavailable(f"no use of Redis at {self.shown}: {error or 'it does not answer'}") from error
        finally:
            await redis.aclose()

    # -- its life

    async def start(self, heard: Heard) -> None:
        """Begin to read and to send."""
        self._heard = heard
        self._redis = self._library.Redis.from_url(self._url)
        self._running = [asyncio.create_task(self._for_ever(work)) for work in (self._read, self._send_all)]

    async def stop(self) -> None:
        """End; another daemon may read at once."""
        running = [*self._running, *self._asking]
        await _end(running)
        if self._redis is not None:
            try:
                if await self._redis.get(self._lock) == self._uid.encode():
                    await self._redis.delete(self._lock)
            except self._lost as error:
                log.info("another daemon reads Redis in %g s: %s", _HELD, error)
            finally:
                await self._redis.aclose()

    async def _for_ever(self, work: Callable[[], Any]) -> None:
        said = ""
        while True:
            try:
                await work()
            except self._lost as error:
                if str(error) != said:
                    log.warning("Redis is away; signals are lost", extra={"bus": self.shown, "reason": str(error)})
                said = str(error)
            await asyncio.sleep(_PAUSE)

    # -- reading

    def learn(self, events: Iterable[str]) -> None:
        """Hear these signals, too."""
        new = set(events) - self._names
        self._names |= new
        if new and self._pubsub is not None:
            asking = asyncio.create_task(self._ask(new))
            self._asking.add(asking)
            asking.add_done_callback(self._asking.discard)

    async def _ask(self, names: set[str]) -> None:
        try:
            await self._pubsub.psubscribe(*map(self._pattern, names))
        except self._lost as error:
            log.debug("these signals are asked for when Redis is back: %s", error)

    def _pattern(self, name: str) -> str:
        return f"{self._prefix}:{name}:*"

    @property
    def _lock(self) -> str:
        return f"{self._prefix}:{_LOCK}"

    async def _read(self) -> None:
        hold = partial(self._redis.set, self._lock, self._uid, nx=True, px=int(_HELD * 1000))
        while not await hold():  # noqa: ASYNC110 - Redis tells nobody that a lock is free
            await asyncio.sleep(_RENEWED)
        log.info("reading signals", extra={"bus": self.shown})
        async with self._redis.pubsub() as pubsub:
            await pubsub.psubscribe(f"{self._prefix}:{_LOCK}:*", *map(self._pattern, self._names))  # one at least
            self._pubsub = pubsub
            both = [asyncio.create_task(self._take_all(pubsub)), asyncio.create_task(self._keep())]
            try:
                done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    await one
            finally:
                self._pubsub = None
                await _end(both)

    async def _keep(self) -> None:
        """Renew the lock as long as it is ours."""
        while True:
            async with asyncio.timeout(_HELD):
                if not await self._redis.eval(_RENEW, 1, self._lock, self._uid, int(_HELD * 1000)):
                    log.warning("another daemon reads signals now", extra={"bus": self.shown})
                    return
            await asyncio.sleep(_RENEWED)

    async def _take_all(self, pubsub: Any) -> None:
        while True:
            self._take(await pubsub.get_message(timeout=None))  # one that times out may lose what it has read

    def _take(self, message: dict[str, Any] | None) -> None:
        if message is None or message["type"] != "pmessage":
            return
        channel = message["channel"].decode("utf-8", "replace")
        _, name, sender = channel.split(":", 2)
        if sender == SENDER:
            return
        try:
            data = msgspec.json.decode(message["data"])
            if not isinstance(data, dict):
                raise msgspec.DecodeError("it is no object")
        except msgspec.DecodeError as error:
            log.warning("a signal is no JSON, and passed over", extra={"channel": channel, "reason": str(error)})
            return
        assert self._heard is not None, "it reads after the start"
        self._heard(name, msgspec.json.encode({"sender": sender.partition("#")[0], **data}))

    # -- sending

    def send(self, name: str, body: bytes) -> None:
        """Send a signal of a process, without waiting."""
        try:
            self._sending.put_nowait((name, body))
        except asyncio.QueueFull:
            log.warning("a signal is dropped: Redis takes none", extra={"bus": self.shown, "event": name})

    async def _send_all(self) -> None:
        while True:
            name, body = await self._sending.get()
            await self._redis.publish(f"{self._prefix}:{name}:{SENDER}", body)


async def _end(running: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks, again and again: redis-py swallows a cancellation now and then."""
    given = list(running)
    left = {one for one in given if not one.done()}
    while left:
        for one in left:
            one.cancel()
        _, left = await asyncio.wait(left, timeout=_PAUSE)
    await asyncio.gather(*given, return_exceptions=True)
