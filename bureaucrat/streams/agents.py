"""Agents: a function over a stream, its actors, and what becomes of what it yields and raises."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterable
from typing import Any

from .actors import Actor, Passage
from .calls import Calls
from .channels import Channel, Source
from .envelopes import error_header, reply_of
from .events import Event
from .failures import ImproperlyConfigured, NoReply
from .home import Home
from .policies import ErrorPolicy, Retry, policy_of
from .replies import Replies
from .supervisors import ForfeitOneForAllSupervisor, Supervisor
from .testkit import AgentUnderTest
from .topics import Topic

log = logging.getLogger(__name__)


class Agent(Calls):
    """Made by ``@app.agent()``.

    :param concurrency: how many copies run side by side, in no order.
    :param sink: what gets each value that it yields: functions, sync or async, channels, topics, agents.
    :param isolated_partitions: whether each partition has a copy of its own.
    :param use_reply_headers: whether a return address is in headers, or else around the value.
    :param error_policy: ``ack``, ``retry``, ``dead_letter``, ``crash`` or a :class:`Retry`.
    :param on_error: told of each error, sync or async.
    """

    def __init__(
        self,
        fun: Callable[[Any], Any],
        home: Home,
        replies: Replies,
        channel: Channel,
        *,
        name: str,
        concurrency: int = 1,
        supervisor_strategy: type[Supervisor] | None = None,
        sink: Iterable[Any] | None = None,
        isolated_partitions: bool = False,
        use_reply_headers: bool = True,
        error_policy: ErrorPolicy = "ack",
        on_error: Callable[[Agent, BaseException], Any] | None = None,
        help: str = "",
    ) -> None:
        if isolated_partitions and concurrency > 1:
            raise ImproperlyConfigured(f"agent {name}: isolated_partitions has one actor for each; leave concurrency")
        self.fun = fun
        self.name = name
        self.channel = channel
        self.concurrency = concurrency
        self.supervisor_strategy = supervisor_strategy or home.conf.agent_supervisor
        self.sinks = list(sink or ())
        self.isolated_partitions = isolated_partitions
        self.use_reply_headers = use_reply_headers
        self.error_policy = error_policy
        self.on_error = on_error
        self.help = help or inspect.getdoc(fun) or ""
        self._policy: Retry = policy_of(error_policy)
        self._home = home
        self._replies = replies
        self._actors: dict[int, Actor] = {}
        self._sources: list[Source] = []
        self._passages: dict[str, Passage] = {}
        self._supervisor = self.supervisor_strategy(self)
        self._watcher: AgentUnderTest | None = None
        self.failures = 0  #: how often its function has raised

    def __repr__(self) -> str:
        return f"<Agent {self.name} on {self.channel}>"

    def __call__(self, stream: Any) -> Any:
        """The function itself, over a stream of one's own."""
        return self.fun(stream)

    # -- what it is

    def info(self) -> dict[str, Any]:
        """What it was declared with."""
        return {
            "app": self._home,
            "fun": self.fun,
            "name": self.name,
            "channel": self.channel,
            "concurrency": self.concurrency,
            "help": self.help,
            "sink": self.sinks,
            "on_error": self.on_error,
            "supervisor_strategy": self.supervisor_strategy,
            "isolated_partitions": self.isolated_partitions,
            "use_reply_headers": self.use_reply_headers,
            "error_policy": self.error_policy,
        }

    def clone(self, **changes: Any) -> Agent:
        """Another agent that differs in these."""
        told = {key: value for key, value in self.info().items() if key not in ("app", "fun", "channel")}
        channel = changes.pop("channel", self.channel)
        return Agent(self.fun, self._home, self._replies, channel, **{**told, **changes})

    def test_context(
        self,
        channel: Channel | None = None,
        supervisor_strategy: type[Supervisor] | None = None,
        on_error: Callable[[Agent, BaseException], Any] | None = None,
    ) -> AgentUnderTest:
        """A copy that reads from a channel of the test's own, and ends with the first error."""
        own = Channel(f"test-{self.name}") if channel is None else channel
        strategy = supervisor_strategy or ForfeitOneForAllSupervisor
        return AgentUnderTest(self.clone(channel=own, supervisor_strategy=strategy, on_error=on_error or self.on_error))

    def watch(self, watcher: AgentUnderTest) -> None:
        """Tell a test what happens to events."""
        self._watcher = watcher

    def get_topic_names(self) -> list[str]:
        """The topics that it reads."""
        return list(self.channel.topics) if isinstance(self.channel, Topic) else []

    def add_sink(self, sink: Any) -> None:
        """Hand what it yields to one more sink."""
        if sink not in self.sinks:
            self.sinks.append(sink)

    @property
    def actors(self) -> list[Actor]:
        """Those that run."""
        return [actor for actor in self._actors.values() if actor.task is not None and not actor.task.done()]

    def actor_tracebacks(self) -> list[str]:
        """Where each actor is."""
        return [actor.traceback() for actor in self.actors]

    # -- its life

    async def start(self) -> None:
        """Start its actors, and take from its channel.

        :raises ImproperlyConfigured: it has sinks, and its function never yields.
        """
        if self.sinks and not inspect.isasyncgenfunction(self.fun):
            raise ImproperlyConfigured(f"agent {self.name} has sinks, and its function never yields")
        count = self.concurrency
        if self.isolated_partitions and isinstance(self.channel, Topic):
            count = self.channel.partitions
            self._sources = [self.channel.queue() for _ in range(count)]
            await self.channel.subscribe(_Parted(self._sources))
        else:
            source = self.channel.queue()
            self._sources = [source] * count
            await self.channel.subscribe(source)
        for index in range(count):
            self._begin(index)

    def _begin(self, index: int, pending: Event | None = None) -> None:
        actor = Actor(self, index, self._sources[index], pending)
        self._actors[index] = actor
        actor.task = asyncio.create_task(actor.run(), name=f"{self.name} {index}")

    async def stop(self) -> None:
        """End its actors; what they had begun is not done."""
        for actor in self._actors.values():
            event = await _end(actor)
            if event is not None:
                event.end(is_done=False)
        self._actors.clear()

    async def restart(self, index: int) -> None:
        failed = self._actors[index]
        self._begin(index, failed.pending)

    async def restart_all(self) -> None:
        for index, actor in list(self._actors.items()):
            self._begin(index, await _end(actor) or actor.pending)

    async def forfeit_all(self) -> None:
        for actor in self._actors.values():
            event = await _end(actor)
            if event is not None:
                event.end(is_done=False)

    def crash(self, error: BaseException) -> None:
        self._home.crash(error)

    # -- what its actors tell it

    async def yielded(self, event: Event | None, value: Any) -> None:
        """Reply, then hand the value to each sink."""
        if event is not None and self._watcher is not None:
            self._watcher.yielded(event, value)
        if event is not None:
            await self.channel.yielded(event, value)
        if event is not None and event.reply is not None:
            event.is_answered = True
            await self._reply(event, value, {})
        for sink in self.sinks:
            if isinstance(sink, Agent):
                await sink.cast(value)
            elif isinstance(sink, Channel):
                await sink.send(value=value)
            else:
                made = sink(value)
                if inspect.isawaitable(made):
                    await made

    async def ended(self, event: Event) -> None:
        """It is done; who has asked and got nothing is told so."""
        if event.reply is not None and not event.is_answered:
            await self._reply(event, None, error_header(self.name, NoReply("it has ended the event without a yield")))
        await self.channel.ended(event)
        event.end(is_done=True)
        if self._watcher is not None:
            self._watcher.ended(event, None)

    async def _reply(self, event: Event, value: Any, headers: dict[str, bytes]) -> None:
        assert event.reply is not None, "somebody has asked"
        address = event.reply
        key = event.key.decode(errors="replace") if isinstance(event.key, bytes) else event.key
        body = reply_of(key, value, address.correlation_id)
        await self._home.publish_to(address.topic, address.partitions, None, body, headers)

    async def failed(self, actor: Actor, error: BaseException) -> None:
        """Do with its event what the policy says, and with its actor what the supervisor says."""
        self.failures += 1
        log.error("agent %s: %s: %s", self.name, type(error).__name__, error, exc_info=error)
        if self.on_error is not None:
            made = self.on_error(self, error)
            if inspect.isawaitable(made):
                await made
        event, actor.event = actor.event, None
        if event is not None:
            await self._settle(actor, event, error)
        if event is None or event.is_done is False or self._policy.last != "crash":
            await self._supervisor.failed(actor.index, error)

    async def _settle(self, actor: Actor, event: Event, error: BaseException) -> None:
        event.failures += 1
        if event.failures <= self._policy.times:
            actor.pending = event
            await asyncio.sleep(self._policy.pause(event.failures))
            return
        if self._policy.last == "dead_letter" and isinstance(self.channel, Topic):
            await self.channel.bury(event.message, f"{type(error).__name__}: {error}")
        if self._policy.last != "crash":
            await self.channel.failed(event, error)
        if event.reply is not None:
            await self._reply(event, None, error_header(self.name, error))
        event.end(is_done=self._policy.last != "crash")
        if self._watcher is not None:
            self._watcher.ended(event, error)
        if self._policy.last == "crash":
            self.crash(error)

    def by_key(self, name: str, partitions: int | None) -> Passage:
        if name not in self._passages:
            read = {}
            if isinstance(self.channel, Topic):
                read = {"value_type": self.channel.value_type, "partitions": partitions or self.channel.partitions}
            topic = Topic(self._home, f"{self._home.id}-{self.name}-{name}-repartition", **read)
            self._passages[name] = Passage(topic)
        return self._passages[name]

    def through(self, channel: Channel) -> Passage:
        return self._passages.setdefault(f"through {channel.name}", Passage(channel))


class _Parted(asyncio.Queue[Event]):
    """Gives each partition's events to a queue of its own."""

    def __init__(self, sources: list[Source]) -> None:
        super().__init__()
        self._sources = sources

    def put_nowait(self, event: Event) -> None:
        self._sources[event.message.partition].put_nowait(event)


async def _end(actor: Actor) -> Event | None:
    """End an actor from outside: the event that it was at."""
    task = actor.task
    if task is None or task.done() or task is asyncio.current_task():
        return None
    task.cancel()
    await asyncio.wait([task])
    event, actor.event = actor.event or actor.pending, None
    return event
