"""An event loop with time of its own: the same seed gives the same order of everything.

Rules:

- an actor is what runs by itself: a daemon, or the world around them. Each has one queue, first come first served, as
  the event loop of a process has; which actor goes on next is drawn;
- time passes only when nobody has anything to do now; then it jumps to the next timer;
- an actor can be frozen (nothing of it runs, its timers wait) and killed (nothing of it ever runs again, whatever it
  was about). No threads, no sockets, no clock of the machine.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

_TASKS = 500  # of an actor, from which those that are done are forgotten
_MOST_AT_ONCE = 1_000_000  # callbacks without time going on: somebody goes round in a circle


class Actor:
    """Something that runs by itself."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ready: deque[Handle] = deque()
        self.is_busy = False
        self.is_frozen = False
        self.is_dead = False
        self.tasks: list[asyncio.Task[Any]] = []
        self.context = contextvars.copy_context()
        self.context.run(_ACTOR.set, self)


_ACTOR: contextvars.ContextVar[Actor] = contextvars.ContextVar("actor")


class Handle:
    """A callback that waits for its turn."""

    __slots__ = ("actor", "args", "callback", "context", "is_cancelled", "when")

    def __init__(
        self, actor: Actor, callback: Callable[..., Any], args: tuple[Any, ...], context: contextvars.Context
    ) -> None:
        self.actor, self.callback, self.args, self.context = actor, callback, args, context
        self.is_cancelled = False
        self.when = 0.0

    def cancel(self) -> None:
        self.is_cancelled = True

    def cancelled(self) -> bool:
        return self.is_cancelled


class Loop(asyncio.AbstractEventLoop):
    """Runs actors in virtual time (seconds from 0)."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._now = 0.0
        self._number = 0
        self._timers: list[tuple[float, int, Handle]] = []
        self._busy: list[Actor] = []
        self.world = Actor("world")
        self.problems: list[str] = []  #: what was raised and reached nobody
        self.callbacks = 0

    # -- what asyncio asks of a loop

    def time(self) -> float:
        return self._now

    def call_soon(self, callback: Any, *args: Any, context: contextvars.Context | None = None) -> Any:
        if context is None:
            context = contextvars.copy_context()
        actor = context.get(_ACTOR, self.world)
        handle = Handle(actor, callback, args, context)
        self._push(handle)
        return handle

    call_soon_threadsafe = call_soon

    def _push(self, handle: Handle) -> None:
        actor = handle.actor
        if actor.is_dead:
            return
        actor.ready.append(handle)
        if not actor.is_busy and not actor.is_frozen:
            actor.is_busy = True
            self._busy.append(actor)

    def call_later(self, delay: float, callback: Any, *args: Any, context: contextvars.Context | None = None) -> Any:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: contextvars.Context | None = None) -> Any:
        if context is None:
            context = contextvars.copy_context()
        handle = Handle(context.get(_ACTOR, self.world), callback, args, context)
        handle.when = when
        self._number += 1
        heapq.heappush(self._timers, (when, self._number, handle))
        return handle

    def sleep(self, seconds: float) -> asyncio.Future[None]:
        """What is done after a while. Cheaper than :func:`asyncio.sleep`, which asks the system for its process."""
        future: asyncio.Future[None] = asyncio.Future(loop=self)
        self.call_at(self._now + seconds, _wake, future)
        return future

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Coroutine[Any, Any, Any],
        *,
        name: str | None = None,
        context: contextvars.Context | None = None,
    ) -> Any:
        task = asyncio.Task(coro, loop=self, name=name or "task", context=context)
        actor = (contextvars.copy_context() if context is None else context).get(_ACTOR, self.world)
        actor.tasks.append(task)
        if len(actor.tasks) > _TASKS:
            actor.tasks = [one for one in actor.tasks if not one.done()]
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.problems.append(f"{context.get('message')}: {type(error).__name__}: {error}")

    # -- what a simulation does with it

    def run(self, until: float, is_over: Callable[[], bool] = lambda: False) -> None:
        """Run up to an instant of virtual time, or until it is over: asked whenever time goes on."""
        asyncio._set_running_loop(self)
        try:
            while True:
                self._exhaust()
                self._drop_cancelled()
                if is_over():
                    return
                if not self._timers or self._timers[0][0] > until:
                    break
                self._next_timer()
        finally:
            asyncio._set_running_loop(None)
        self._now = max(self._now, until)

    def _drop_cancelled(self) -> None:
        timers = self._timers
        while timers and (timers[0][2].is_cancelled or timers[0][2].actor.is_dead):
            heapq.heappop(timers)

    def _next_timer(self) -> None:
        when, _, handle = heapq.heappop(self._timers)
        self._now = max(self._now, when)
        self._push(handle)

    def _exhaust(self) -> None:
        """Run what is ready: of an actor that is drawn, a few callbacks; then of another."""
        busy, random, count = self._busy, self._random.random, 0
        while busy:
            index = int(random() * len(busy)) if len(busy) > 1 else 0
            actor = busy[index]
            for _ in range(len(actor.ready)):
                self._run_one(actor.ready.popleft())
                count += 1
                if actor.is_frozen or not actor.ready or (len(busy) > 1 and random() < 0.3):
                    break
            if actor.is_frozen or not actor.ready:
                self._rest(actor)
            if count > _MOST_AT_ONCE:
                raise AssertionError("time does not go on: something goes round in a circle")
        self.callbacks += count

    def _run_one(self, handle: Handle) -> None:
        if handle.is_cancelled:
            return
        try:
            handle.context.run(handle.callback, *handle.args)
        except Exception as error:  # of a callback, not a task: as a real loop does, it is told and the loop goes on
            self.problems.append(f"{handle.callback}: {type(error).__name__}: {error}")

    def freeze(self, actor: Actor) -> None:
        """Nothing of it runs until it is thawed."""
        actor.is_frozen = True
        self._rest(actor)

    def _rest(self, actor: Actor) -> None:
        if actor.is_busy:
            actor.is_busy = False
            self._busy.remove(actor)

    def thaw(self, actor: Actor) -> None:
        actor.is_frozen = False
        if actor.ready and not actor.is_dead and not actor.is_busy:
            actor.is_busy = True
            self._busy.append(actor)

    def kill(self, actor: Actor) -> None:
        """Drop all it is about. Its ports must be dead: what its code does while it is unwound must reach nobody.

        To be called by another actor.
        """
        actor.is_frozen = False
        for _ in range(100):
            actor.tasks = [task for task in actor.tasks if not task.done()]
            if not actor.tasks:
                break
            for task in actor.tasks:
                task.cancel()
            while actor.ready:
                self._run_one(actor.ready.popleft())
        actor.is_dead = True
        actor.ready.clear()
        self._rest(actor)
        if actor.tasks:
            self.problems.append(f"{actor.name} has tasks that cannot be ended: {actor.tasks}")


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
