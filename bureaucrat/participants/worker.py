"""A process that serves ``@participant`` functions from queues of RabbitMQ.

Rules: an attempt is acknowledged when its answer is confirmed, and not before, so that a worker may die at any moment;
sync functions run in threads, async ones on the loop, so that long work costs no heartbeat; an attempt that comes again
while it is at work is not begun a second time; whatever a function raises is its answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..amqp import Broker, Message, Received
from ..functions import Function, Functions, Workitem, failure_of, fields_of
from ..wire import MAX_NAME, REASON, SOURCE, Attempt, Malformed, decode_attempt, encode_answer
from .taskqueue import PREFIX, queue_of
from .threads import Threads

log = logging.getLogger(__name__)

_BACK = 2.0  #: seconds to hand back what was not finished


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How much a worker does at once, and where its answers go."""

    concurrency: int = 16  #: threads for sync functions
    prefetch: int | None = None  #: attempts of one participant here at once; None: eight for each thread
    answers: str = "bureaucrat_msgs"
    dead: str = "bureaucrat_dead"
    exchange: str = ""  #: to which both are published; empty: to the queues
    user: str | None = None  #: who we are to the broker

    @property
    def at_once(self) -> int:
        return self.prefetch or self.concurrency * 8


@dataclass(slots=True, eq=False)
class Work:
    """An attempt that is here."""

    deliveries: list[Received]  #: one, and one more for each time it came again
    attempt: Attempt
    workitem: Workitem
    function: Function
    fields: dict[str, Any] = field(default_factory=dict)  #: of its answer
    seconds: float = 0.0  #: that the function took
    task: asyncio.Task[None] | None = None  #: of an async function


class Worker:
    """Serves functions until it is stopped."""

    def __init__(
        self,
        functions: Functions,
        broker: Broker,
        settings: WorkerSettings | None = None,
        *,
        observe: Callable[[Work], None] | None = None,
    ) -> None:
        """
        :param observe: told of each attempt when its function has ended.
        """
        self._functions = functions
        self._broker = broker
        self._settings = settings or WorkerSettings()
        self._observe = observe
        self._names = {queue_of(name): name.removeprefix(f"{PREFIX}:") for name in functions.own}
        self._here: dict[str, Work] = {}  #: from the delivery to the answer's confirm
        self._under_way: set[Work] = set()  #: those whose function has not ended
        self._threads: Threads[Work] | None = None
        self._calm = asyncio.Event()
        self._is_stopped = False

    @property
    def queues(self) -> list[str]:
        """The queues it serves."""
        return list(self._names)

    async def start(self) -> None:
        """Begin to serve.

        :raises BrokerUnavailable: the broker cannot be reached; later it is waited for.
        """
        self._threads = Threads(self._settings.concurrency, self._call, self._finished)
        self._broker.declare(self._settings.dead)
        self._broker.declare(self._settings.answers)
        for queue in self.queues:
            self._broker.consume(queue, self._take, prefetch=self._settings.at_once)
        await self._broker.start()

    async def stop(self, grace: float) -> None:
        """Take nothing more, finish what is under way within `grace` seconds, give back the rest."""
        assert self._threads is not None, "it was started"
        loop = asyncio.get_running_loop()
        until = loop.time() + grace
        self._is_stopped = True
        self._broker.stop_consuming()
        for work in self._threads.stop():
            self._give_back(work)
        await self._until_calm(until)
        for work in list(self._under_way):
            if work.task is not None:
                work.task.cancel()
            self._give_back(work)
        await self._broker.stop(max(until - loop.time(), _BACK))

    async def _until_calm(self, until: float) -> None:
        """Wait for the functions that are under way."""
        if not self._under_way:
            return
        self._calm.clear()
        try:
            async with asyncio.timeout_at(until):
                await self._calm.wait()
        except TimeoutError:
            log.warning("functions are not finished in time; given back", extra={"attempts": len(self._under_way)})

    def _give_back(self, work: Work) -> None:
        self._under_way.discard(work)
        self._here.pop(work.attempt.token, None)
        for received in work.deliveries:
            received.requeue()

    # -- attempts

    def _take(self, received: Received) -> None:
        if self._is_stopped:
            received.requeue()
            return
        try:
            attempt = decode_attempt(
                received.content_type, received.body, received.message_id, received.content_encoding
            )
        except Malformed as malformed:
            self._set_aside(received, malformed.reason)
            return
        here = self._here.get(attempt.token) if attempt.token else None
        if here is not None:
            here.deliveries.append(received)  # sent twice, or the connection was lost meanwhile
            return
        name = self._names[received.queue]
        function = self._functions.find(name)
        assert function is not None, "only queues of functions are consumed"
        workitem = Workitem(
            attempt.fields, attempt.token, attempt.key, attempt.target, attempt.participant or name, attempt.attempt
        )
        self._begin(Work([received], attempt, workitem, function))

    def _begin(self, work: Work) -> None:
        assert self._threads is not None, "it was started"
        if work.attempt.token:
            self._here[work.attempt.token] = work
        self._under_way.add(work)
        if work.function.is_async:
            work.task = asyncio.create_task(self._call_async(work))
        else:
            self._threads.put(work)

    def _call(self, work: Work) -> None:
        """In a thread."""
        begun = time.perf_counter()
        try:
            work.fields = work.function.answer(work.workitem)
        except BaseException as error:  # whatever a participant raises is its answer, sys.exit() too (L32)
            work.fields = failure_of(error)
        work.seconds = time.perf_counter() - begun

    async def _call_async(self, work: Work) -> None:
        begun = time.perf_counter()
        try:
            returned = await work.function.call(**work.function.arguments(work.workitem))
            work.fields = fields_of(work.workitem, returned)
        except (Exception, SystemExit) as error:  # whatever a participant raises is its answer (L32)
            work.fields = failure_of(error)
        work.seconds = time.perf_counter() - begun
        self._finished([work])

    # -- answers

    def _finished(self, works: list[Work]) -> None:
        for work in works:
            if work not in self._under_way:
                continue  # given back when the worker stopped
            self._under_way.discard(work)
            self._answer(work)
            if self._observe is not None:
                self._observe(work)
        if not self._under_way:
            self._calm.set()

    def _answer(self, work: Work) -> None:
        content_type, body = encode_answer(work.attempt, work.fields)
        message = Message.of(
            self._settings.answers,
            body,
            exchange=self._settings.exchange,
            content_type=content_type,
            message_id=_answer_id(work.attempt.token),
            user_id=self._settings.user,
        )
        self._broker.publish(message, lambda: self._confirmed(work))

    def _confirmed(self, work: Work) -> None:
        self._here.pop(work.attempt.token, None)
        for received in work.deliveries:
            received.ack()

    def _set_aside(self, received: Received, reason: str) -> None:
        """An attempt that is none: for people to look at."""
        log.warning("a message is no attempt; set aside", extra={"queue": received.queue, "reason": reason})
        message = Message.of(
            self._settings.dead,
            received.body,
            exchange=self._settings.exchange,
            content_type=received.content_type,
            message_id=received.message_id,
            correlation_id=received.correlation_id,
            headers={REASON: reason, SOURCE: received.queue},
        )
        self._broker.publish(message, received.ack)


def _answer_id(token: str) -> str:
    """The same for the same attempt: two answers to it are one message."""
    name = f"{token}:answer" if token else uuid.uuid4().hex
    return name if len(name.encode()) <= MAX_NAME else uuid.uuid4().hex
