"""Queues and signals on Redis, version 6.2 or newer.

Rules: a signal is a ``PUBLISH`` on ``prefix:signal:sender``, a queue the list of its name, as everybody can read and
write them. What a consumer has taken is in a list of its own until it was handled, and goes back into the queue when
the consumer is not heard of for a while; how often a message was tried is kept in Redis, too.

Keys of a queue ``q``: the list ``q``; ``q.dead`` for what was set aside; ``q:later``, a sorted set by the time when a
message is tried again; ``q:takers``, the consumers; ``q:taken:<uid>`` and ``q:alive:<uid>`` of each.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Self

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from ..broker import DEAD, AbstractQueueBroker, Policy, Verdict
from ..bus import AbstractSignalBus
from ..ending import end
from .pulling import Pulling

_LOST: Final = (RedisError, OSError, asyncio.TimeoutError)
_PAUSE: Final = 1.0  #: seconds before a lost connection is made again
_PATIENCE: Final = 30.0  #: seconds in which whoever sends waits for it
_ALIVE: Final = 15.0  #: seconds after which a consumer that is not heard of is taken for dead
_CONNECTIONS: Final = 20  #: for everything but waiting
_MARK: Final = "bureaucrat:"  #: begins a message that was tried before: bureaucrat:<attempt>:<id>:<message>
_MOST: Final = 20  #: attempts, those included in which a consumer died

#: Back into the queue: what is due, and what dead consumers had. KEYS: queue, later, takers. ARGV: now, the prefixes of
#: taken and of alive. Returns how many consumers were dead.
_TIDY: Final = """
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'LIMIT', 0, 100)
for _, item in ipairs(due) do
  redis.call('ZREM', KEYS[2], item)
  redis.call('LPUSH', KEYS[1], item)
end
local dead = 0
for _, uid in ipairs(redis.call('SMEMBERS', KEYS[3])) do
  if redis.call('EXISTS', ARGV[3] .. uid) == 0 then
    local taken = ARGV[2] .. uid
    local item = redis.call('RPOP', taken)
    while item do
      local attempt, rest = string.match(item, '^bureaucrat:(%d+):(.*)$')
      if attempt then
        item = 'bureaucrat:' .. (tonumber(attempt) + 1) .. ':' .. rest
      else
        item = 'bureaucrat:2:' .. uid .. ':' .. item
      end
      redis.call('LPUSH', KEYS[1], item)
      item = redis.call('RPOP', taken)
    end
    redis.call('SREM', KEYS[3], uid)
    dead = dead + 1
  end
end
return dead
"""


class RedisSignalBus(AbstractSignalBus):
    """Signals on Redis.

    :param dsn: ``redis://host:6379/7``.
    """

    def __init__(self, dsn: str, *arguments: Any, **named: Any) -> None:
        super().__init__(dsn, *arguments, **named)
        self._redis: Redis = Redis.from_url(dsn)
        self._pubsub: PubSub | None = None
        self._pubsub_lock = asyncio.Lock()
        self._patterns: dict[str, asyncio.Event] = {}
        self._reading: asyncio.Task[None] | None = None

    async def send(self, channel: str, message: str) -> bool:
        """Send a raw message.

        :returns: False if nobody hears it.
        :raises RedisError: Redis is not there; a signal is sent now or not at all.
        """
        return bool(await self._redis.publish(channel, message))

    async def bind(self, signal: str) -> None:
        """Hear a signal. It waits for a server that is away."""
        pattern = self._pattern(signal)
        heard = self._patterns.setdefault(pattern, asyncio.Event())
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        else:
            await self._ask(pattern)
        await heard.wait()

    async def unbind(self, signal: str) -> None:
        pattern = self._pattern(signal)
        self._patterns.pop(pattern, None)
        async with self._pubsub_lock:
            if self._pubsub is not None:
                try:
                    await self._pubsub.punsubscribe(pattern)
                except _LOST as error:
                    self.log.debug("signal %s was unbound with its connection: %s", signal, error)

    def _pattern(self, signal: str) -> str:
        return f"{self.prefix}:{signal}:*"

    async def _ask(self, pattern: str) -> None:
        async with self._pubsub_lock:
            if self._pubsub is not None:
                try:
                    await self._pubsub.psubscribe(pattern)
                except _LOST as error:
                    self.log.debug("%s is bound when Redis is back: %s", pattern, error)

    async def _read(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.psubscribe(*self._patterns)
                    self._pubsub = pubsub
                    while True:
                        self._take(await pubsub.get_message(timeout=None))
            except _LOST as error:
                self.log.warning("%r: lost (%s); begun again in %g s", self, error, _PAUSE)
            finally:
                self._pubsub = None
            await asyncio.sleep(_PAUSE)

    def _take(self, message: dict[str, Any] | None) -> None:
        if message is None:
            return
        if message["type"] == "psubscribe":
            heard = self._patterns.get(message["channel"].decode())
            if heard is not None:
                heard.set()
        elif message["type"] == "pmessage":
            self.receiver(message["channel"].decode(), message["data"].decode("utf-8", "replace"))

    async def close(self) -> None:
        """Leave the server."""
        if self._reading is not None:
            await end([self._reading])
            self._reading = None
        await self._redis.aclose()


@dataclass(frozen=True, slots=True)
class _Item:
    """A message as it is in Redis."""

    stored: bytes
    text: str
    attempt: int = 1

    @classmethod
    def of(cls, stored: bytes) -> Self:
        text = stored.decode("utf-8", "replace")
        if not text.startswith(_MARK):
            return cls(stored, text)
        _, attempt, _, message = text.split(":", 3)
        return cls(stored, message, int(attempt))

    def again(self) -> str:
        """As it is stored for its next attempt."""
        return f"{_MARK}{self.attempt + 1}:{uuid.uuid4().hex}:{self.text}"


class _Keys:
    """The names of what belongs to a queue."""

    def __init__(self, queue: str, uid: str) -> None:
        self.queue = queue
        self.dead = queue + DEAD
        self.later = f"{queue}:later"
        self.takers = f"{queue}:takers"
        self.of_taken = f"{queue}:taken:"
        self.of_alive = f"{queue}:alive:"
        self.taken = self.of_taken + uid
        self.alive = self.of_alive + uid


class RedisBroker(AbstractQueueBroker):
    """Queues on Redis.

    A message whose consumer fails is tried three times by default, after 1 s, 4 s and so on, and then set aside.

    :param dsn: ``redis://host:6379/7``.
    """

    WAIT_TIME: int = 15  #: seconds that one question for a message may last
    BIND_TIME: float = 1.0  #: seconds between two looks for what is due, and for consumers that died
    ROLLBACK_ATTEMPTS: int = 3  #: how often a message is tried, unless its consumer says so

    def __init__(self, dsn: str, *arguments: Any, **named: Any) -> None:
        super().__init__(dsn, *arguments, **named)
        pool = BlockingConnectionPool.from_url(dsn, max_connections=_CONNECTIONS, timeout=_PATIENCE)
        self._redis: Redis = Redis(connection_pool=pool)
        self._waiting: Redis = Redis.from_url(dsn, socket_timeout=None)  #: a connection for each queue that is read
        self._pulling: dict[str, Pulling[_Item]] = {}
        self._tidying: dict[str, asyncio.Task[None]] = {}
        self._here: defaultdict[str, Counter[bytes]] = defaultdict(Counter)  #: what is at work, by queue

    async def send(self, name: str, message: str, **kwargs: Any) -> None:
        """Put a raw message into a queue. A connection that is lost meanwhile is made again.

        :raises RedisError: Redis is not there for 30 s. The message may be in the queue, or not.
        """
        await self._surely(lambda: self._redis.rpush(name, message))

    async def queue_length(self, name: str, **options: Any) -> int:
        """How many messages wait in a queue; those not counted that are tried again later."""
        return int(await self._surely(lambda: self._redis.llen(name)))

    async def bind(self, name: str) -> None:
        """Take the messages of a queue. It waits for a server that is away."""
        keys, policy = _Keys(name, self.uid), Policy.of(self._bindings[name])
        await self._surely(lambda: self._heartbeat(keys), for_ever=True)
        self._tidying[name] = asyncio.create_task(self._tidy_for_ever(keys))

        async def take() -> _Item:
            return await self._take(keys)

        async def handle(item: _Item) -> None:
            await self._handle(keys, item)

        self._pulling[name] = Pulling(take, handle, policy.prefetch)

    # -- one message

    async def _take(self, keys: _Keys) -> _Item:
        while True:
            try:
                taken: Any = self._waiting.blmove(keys.queue, keys.taken, self.WAIT_TIME, src="LEFT", dest="RIGHT")
                stored: bytes | None = await taken
            except _LOST as error:
                self.log.warning("%r: queue %s is not read (%s); again in %g s", self, keys.queue, error, _PAUSE)
                await asyncio.sleep(_PAUSE)
                await self._surely(lambda: self._give_back(keys), for_ever=True)
                continue
            if stored is not None:
                self._here[keys.queue][stored] += 1
                return _Item.of(stored)

    async def _give_back(self, keys: _Keys) -> None:
        """What Redis has given us and we have never got, because the connection was lost."""
        asked: Any = self._redis.lrange(keys.taken, 0, -1)
        for stored in (Counter(await asked) - self._here[keys.queue]).elements():
            async with self._redis.pipeline(transaction=True) as steps:
                steps.lrem(keys.taken, 1, stored)
                steps.lpush(keys.queue, stored)
                await steps.execute()

    async def _handle(self, keys: _Keys, item: _Item) -> None:
        consumer = self._bindings[keys.queue]
        if item.attempt > _MOST:
            verdict = Verdict("dead_letter", f"it was tried {_MOST} times, and those who tried died")
        else:
            verdict = await self.handle(consumer, item.text, item.attempt)
        await self._surely(lambda: self._settle(keys, item, verdict), for_ever=True)
        here = self._here[keys.queue]
        here[item.stored] -= 1
        if not here[item.stored]:
            del here[item.stored]

    async def _settle(self, keys: _Keys, item: _Item, verdict: Verdict) -> None:
        stored: Any = item.stored
        async with self._redis.pipeline(transaction=True) as steps:
            steps.lrem(keys.taken, 1, stored)
            match verdict.kind:
                case "retry":
                    steps.zadd(keys.later, {item.again(): time.time() + verdict.pause})
                case "requeue":
                    steps.zadd(keys.later, {f"{_MARK}1:{uuid.uuid4().hex}:{item.text}": time.time() + verdict.pause})
                case "dead_letter":
                    told = {"message": item.text, "reason": verdict.reason, "attempts": item.attempt}
                    steps.rpush(keys.dead, json.dumps(told))
            await steps.execute()

    # -- what is due, and whose consumer died

    async def _heartbeat(self, keys: _Keys) -> None:
        async with self._redis.pipeline(transaction=True) as steps:
            steps.set(keys.alive, 1, px=int(_ALIVE * 1000))
            steps.sadd(keys.takers, self.uid)
            await steps.execute()

    async def _tidy_for_ever(self, keys: _Keys) -> None:
        while True:
            await asyncio.sleep(self.BIND_TIME)
            try:
                await self._heartbeat(keys)
                dead = await self._tidy(keys)
            except _LOST as error:
                self.log.debug("queue %s is not looked at: %s", keys.queue, error)
                continue
            if dead:
                self.log.warning("queue %s: %d consumers died; what they had is in it again", keys.queue, dead)

    async def _tidy(self, keys: _Keys) -> int:
        names = (keys.queue, keys.later, keys.takers)
        arguments = (str(time.time()), keys.of_taken, keys.of_alive)
        done: Any = self._redis.eval(_TIDY, len(names), *names, *arguments)
        return int(await done)

    async def unbind(self, name: str, grace: float = 0.0) -> None:
        """Take nothing more; what is not handled in time goes back into the queue."""
        keys = _Keys(name, self.uid)
        await self._pulling.pop(name).stop(grace)
        await end([self._tidying.pop(name)])
        self._here.pop(name, None)
        try:
            while await self._redis.lmove(keys.taken, keys.queue, src="RIGHT", dest="LEFT") is not None:
                self.log.info("queue %s: a message that was at work goes back", name)
            await self._redis.delete(keys.alive)  # and stay a taker: Redis may have given us one more just now
        except _LOST as error:
            self.log.warning("queue %s: another consumer gives back what was at work: %s", name, error)

    async def close(self) -> None:
        """Leave the server."""
        for name in list(self._pulling):
            await self.unbind(name)
        await self._waiting.aclose()
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()

    async def _surely(self, do: Callable[[], Awaitable[Any]], *, for_ever: bool = False) -> Any:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                return await do()
            except _LOST as error:
                if not for_ever and time.monotonic() > until:
                    raise
                self.log.warning("%r: %s; again in %g s", self, error, _PAUSE)
            await asyncio.sleep(_PAUSE)
