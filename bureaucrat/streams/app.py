"""The app: what is declared, and the worker that runs it."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import logging
import os
import sys
import uuid
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .agents import Agent
from .brokers import Broker, Outgoing
from .channels import Channel
from .cli import Command, Parameter
from .clocks import Beside, every, seconds_of, ticking
from .connecting import broker_of
from .failures import ImproperlyConfigured
from .feeds import Feed
from .hashing import partition_of
from .home import Taker
from .participants import Participation, Signals
from .replies import Replies
from .settings import Settings
from .topics import Topic

log = logging.getLogger(__name__)

_GRACE = 20.0  #: seconds that what is under way may take when the worker stops


class App:
    """Agents, topics, timers and commands under one name; the workers of one name share the work.

    :param broker: ``amqp://user:password@host/vhost`` or ``memory://``; by default what the environment has as
        ``BUREAUCRAT_AMQP_URL``, else ``memory://``.
    :param settings: see :class:`Settings`.
    :raises ImproperlyConfigured: a setting is unknown.
    """

    def __init__(self, id: str, *, broker: str | None = None, **settings: Any) -> None:
        unknown = settings.keys() - Settings.__dataclass_fields__.keys()
        if unknown:
            raise ImproperlyConfigured(f"app {id}: there is no setting {', '.join(sorted(unknown))}")
        self.id = id
        self.conf = Settings(broker=broker or os.environ.get("BUREAUCRAT_AMQP_URL") or "memory://", **settings)
        self.conf.reply_to = self.conf.reply_to or f"{self.conf.reply_to_prefix}{uuid.uuid4()}"
        self.agents: dict[str, Agent] = {}
        self.commands: dict[str, Command] = {}
        self.topics: dict[str, Topic] = {}
        self.name = f"{id}-{uuid.uuid4().hex}"  #: of this worker
        self.members: list[str] = [self.name]
        self._beside: list[Beside] = []
        self._signals: list[Signals] = []
        self._replies = Replies()
        self._broker: Broker | None = None
        self._connecting = asyncio.Lock()
        self._declared: set[str] = set()
        self._reply_topics: set[str] = set()
        self._feeds: dict[str, Feed] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._crashed: BaseException | None = None
        self._over = asyncio.Event()
        self._is_serving = False
        self._rebalancing = asyncio.Lock()
        self._settled: list[str] = []  #: the members for whom partitions were shared last
        self._leave: Callable[[], None] = lambda: None
        self._turn = itertools.count()

    # -- what is declared

    def topic(self, *topics: str, **shape: Any) -> Topic:
        """A topic: names; ``key_type=``, ``value_type=``, and ``_serializer`` for both; ``partitions=``."""
        made = Topic(self, *topics, **shape)
        for name in topics:
            self.topics.setdefault(name, made)
        return made

    def signal(self, name: str, topic: Topic, *, key: str | None = None) -> None:
        """Have a topic fed by the signals of a name, while a worker runs.

        :param key: the field of a signal that is its key.
        """
        self._signals.append(Signals(self, topic, name, key))

    def channel(self, **shape: Any) -> Channel:
        """A channel in memory: ``key_type=``, ``value_type=``, ``maxsize=``."""
        return Channel(**shape)

    def agent(
        self,
        channel: Channel | str | None = None,
        *,
        name: str | None = None,
        key_type: Any = None,
        value_type: Any = None,
        participant: str | None = None,
        **options: Any,
    ) -> Callable[[Callable[[Any], Any]], Agent]:
        """Make an agent of an async function that goes through a stream.

        Its options are those of :class:`Agent`: ``concurrency``, ``sink``, ``error_policy``, ``supervisor_strategy``,
        ``on_error``, ``isolated_partitions``, ``use_reply_headers``, ``help``.

        :param channel: what it reads: a channel, a topic, or a topic's name; by default the topic of its own name.
        :param participant: instead of a channel: it does the actions of this participant of processes; their fields are
            its values, what it yields is the answer.
        :raises ImproperlyConfigured: another agent has its name.
        """

        def make(fun: Callable[[Any], Any]) -> Agent:
            named = name or _name_of(fun)
            if named in self.agents:
                raise ImproperlyConfigured(f"there are two agents {named}")
            read = Participation(self, participant, value_type=value_type) if participant else channel
            if read is None or isinstance(read, str):
                read = self.topic(read or named, key_type=key_type, value_type=value_type)
            self.agents[named] = Agent(fun, self, self._replies, read, name=named, **options)
            return self.agents[named]

        return make

    actor = agent

    def task(self, fun: Any = None, *, on_leader: bool = False) -> Any:
        """Call a function once when the worker has started: ``@app.task`` or ``@app.task()``."""
        return self._besides(None, on_leader)(fun) if fun is not None else self._besides(None, on_leader)

    def timer(self, interval: Any, *, on_leader: bool = False) -> Callable[[Any], Any]:
        """Call a function every so many seconds."""
        return self._besides(every(seconds_of(interval)), on_leader)

    def crontab(self, expression: str, *, timezone: str | None = None, on_leader: bool = False) -> Callable[[Any], Any]:
        """Call a function at each tick of a cron expression.

        :raises ImproperlyConfigured: it is none, or the zone is none.
        """
        return self._besides(ticking(expression, timezone or self.conf.timezone), on_leader)

    def _besides(self, pause: Callable[[float], float] | None, on_leader: bool) -> Callable[[Any], Any]:
        def mark(fun: Any) -> Any:
            self._beside.append(Beside(fun, pause, on_leader))
            return fun

        return mark

    def command(self, *parameters: Parameter, base: Any = None, name: str | None = None) -> Callable[[Any], Any]:
        """Make a command of an async function: ``bureaucrat streams -A module <its name>``."""

        def mark(fun: Any) -> Any:
            named = name or fun.__name__
            self.commands[named] = Command(named, fun, parameters, inspect.getdoc(fun) or "")
            return fun

        return mark

    # -- the worker

    async def start(self) -> None:
        """Serve: agents, timers, tasks.

        :raises BrokerUnavailable: the broker cannot be reached.
        :raises ImproperlyConfigured: an agent cannot run.
        """
        broker = await self.connected()
        for agent in self.agents.values():
            await agent.start()
        self._is_serving = True
        for feed in list(self._feeds.values()):
            await self.declared(feed.topic, feed.partitions)
            await feed.start(broker)
        self._leave = await broker.join(self.id, self.name, self._changed)
        for signals in self._signals:
            await signals.start()
        for one in self._beside:
            self.spawn(one.run(self, lambda: self.is_leader), one.fun.__name__)

    async def stop(self, grace: float = _GRACE) -> None:
        """Take nothing more, finish what is under way within `grace` seconds, disconnect."""
        self._leave()
        self._is_serving = False
        try:
            async with asyncio.timeout(grace):
                async with self._rebalancing:
                    await asyncio.gather(*(feed.stop() for feed in self._feeds.values()))
        except TimeoutError:
            log.warning("agents have not finished in time; what they were at comes again")
        for agent in self.agents.values():
            await agent.stop()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._broker is not None:
            await self._broker.stop()
            self._broker = None
        self._declared.clear()
        self._reply_topics.clear()
        self._feeds.clear()

    async def wait(self) -> None:
        """Return when the worker is told to end.

        :raises BaseException: what has crashed it.
        """
        await self._over.wait()
        if self._crashed is not None:
            raise self._crashed

    def end(self) -> None:
        """Have :meth:`wait` return."""
        self._over.set()

    def crash(self, error: BaseException) -> None:
        self._crashed = self._crashed or error
        self._over.set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def is_leader(self) -> bool:
        """Whether it is the first of its workers."""
        return self.members[0] == self.name

    @property
    def is_settled(self) -> bool:
        """Whether it has given to the other workers what is theirs."""
        return self._settled == self.members

    def _changed(self, members: list[str]) -> None:
        if members != self.members and self.name in members:
            self.members = members
            self.spawn(self._rebalance(), "rebalance")

    async def _rebalance(self) -> None:
        async with self._rebalancing:
            members = self.members
            if self._is_serving:
                await asyncio.gather(*(feed.rebalance(self.name, members) for feed in self._feeds.values()))
            self._settled = members

    # -- what topics and agents need

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s: %s: %s", task.get_name(), type(error).__name__, error, exc_info=error)
            self.crash(error)

    async def connected(self) -> Broker:
        async with self._connecting:
            if self._broker is None:
                broker = broker_of(self.conf)
                await broker.start()
                self._broker = broker
        return self._broker

    async def declared(self, topic: str, partitions: int) -> Broker:
        broker = await self.connected()
        if topic not in self._declared:
            await broker.declare(topic, partitions)
            self._declared.add(topic)
        return broker

    async def feed(self, topic: str, partitions: int, taker: Taker) -> None:
        feed = self._feeds.setdefault(topic, Feed(topic, partitions))
        feed.takers.append(taker)
        if self._is_serving:
            await feed.start(await self.declared(topic, partitions))

    async def reply_topic(self, name: str | None = None) -> str:
        topic = name or self.conf.reply_to
        broker = await self.connected()
        if topic not in self._reply_topics:
            self._reply_topics.add(topic)
            await broker.declare_reply(topic, self.conf.reply_expires)
            await broker.consume(topic, 0, self._replies.take)
        return topic

    async def publish_to(
        self, topic: str, partitions: int | None, key: bytes | None, value: bytes, headers: dict[str, bytes]
    ) -> None:
        if topic in self.topics:
            await self.topics[topic].send_raw(key, value, headers)
            return
        if partitions is None and topic.startswith(self.conf.reply_to_prefix):
            partitions = 1  # of a process that says so around the value, where there is no room for it
        count = partitions or self.conf.topic_partitions
        broker = await (self.connected() if partitions else self.declared(topic, count))
        partition = next(self._turn) % count if key is None else partition_of(key, count)
        await broker.publish(Outgoing(topic, partition, value, key, headers))


def _name_of(fun: Callable[[Any], Any]) -> str:
    """Its qualified name, also when its module is the program itself."""
    module = fun.__module__
    if module == "__main__":
        main = sys.modules["__main__"]
        spec = getattr(main, "__spec__", None)
        module = spec.name if spec is not None else Path(getattr(main, "__file__", "main")).stem
    return f"{module}.{fun.__name__}"
