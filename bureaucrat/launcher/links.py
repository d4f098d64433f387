"""The links of one launcher: one that publishes for all threads, and some that ask, each for one thread at a time.

Rules: a process never touches the links of the process it was forked from, not even to close them; what was not
confirmed is published again until the deadline, for every message has an id and counts once.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from ..errors import BrokerUnavailable, Refused
from .errors import NoQueue, Unconfirmed
from .link import Late, Letter, Link, Lost, Nacked, Returned
from .settings import Settings

_SPARES: Final = 4  #: links that are kept for the next question
_FIRST_PAUSE: Final = 0.05  #: seconds before another try
_LONGEST_PAUSE: Final = 1.0
_SHORTEST_TRY: Final = 0.2  #: seconds; with less than that left nothing is begun whose end nobody would see
_NAME: Final = "bureaucrat launcher"


@dataclass(slots=True)
class _Process:
    """What belongs to one process."""

    lock: threading.Lock = field(default_factory=threading.Lock)  #: held by the thread that publishes
    publisher: Link | None = None
    spares: deque[Link] = field(default_factory=deque)
    lent: set[Link] = field(default_factory=set)  #: those that ask for a thread now


class Links:
    """Makes links when they are needed, and again when they are lost."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._processes: dict[int, _Process] = {}  #: those of other processes are kept, so that nobody closes them
        self._closed = threading.Event()

    # -- publishing

    def publish(self, letter: Letter, timeout: float) -> None:
        """Publish, and wait until the broker has confirmed it.

        :raises Unconfirmed: it did not in time.
        :raises BrokerUnavailable: it refuses the login or the virtual host.
        :raises NoQueue: no queue takes the message.
        :raises Refused: the launcher is closed.
        """
        deadline = time.monotonic() + timeout
        mine = self._mine()
        if not mine.lock.acquire(timeout=timeout):
            raise self._unconfirmed("other threads are still publishing", timeout, False)
        try:
            self._publish(mine, letter, deadline, timeout)
        finally:
            mine.lock.release()

    def _publish(self, mine: _Process, letter: Letter, deadline: float, timeout: float) -> None:
        reason, may_have_been_sent = "", False
        pause = _FIRST_PAUSE
        while True:
            has_begun = False
            try:
                link = self._publisher(mine, deadline)
                has_begun = True
                return link.publish(letter, deadline)
            except Returned:
                raise self.no_queue(letter) from None
            except Nacked:
                reason = "the broker refuses the message; is its queue full?"
            except Lost as lost:
                self._drop(mine)
                if lost.is_final:
                    raise self.unavailable(lost.reason) from lost
                reason, may_have_been_sent = lost.reason, may_have_been_sent or has_begun
            except Late:
                reason, may_have_been_sent = self._why_late(mine, reason), may_have_been_sent or has_begun
                self._drop(mine)
            except BaseException:  # a signal's, perhaps in the middle of a frame: nobody can go on with this link
                self._drop(mine)
                raise
            if not self.may_try_again(pause, deadline):
                raise self._unconfirmed(reason, timeout, may_have_been_sent)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _publisher(self, mine: _Process, deadline: float) -> Link:
        if mine.publisher is None or not mine.publisher.is_usable():
            self._drop(mine)
            mine.publisher = self._link(deadline)
        return mine.publisher

    def _drop(self, mine: _Process) -> None:
        link, mine.publisher = mine.publisher, None
        if link is not None:
            link.close()

    def _why_late(self, mine: _Process, before: str) -> str:
        if mine.publisher is not None and mine.publisher.is_blocked:
            return "the broker takes no messages; it is short of memory or disk space"
        return before or "there was no answer in time"

    # -- asking

    @contextmanager
    def asking(self, deadline: float) -> Iterator[Link]:
        """A link with a queue of its own, for the calling thread alone.

        :raises Lost: it could not be had, or has ended.
        :raises Late: the deadline has come.
        """
        mine = self._mine()
        link = self._spare(mine) or self._link(deadline)
        mine.lent.add(link)
        try:
            link.listen(deadline)
            yield link
        except BaseException:  # whatever it was, nobody knows what the link is in the middle of
            link.close()
            raise
        finally:
            mine.lent.discard(link)
        if self._closed.is_set() or len(mine.spares) >= _SPARES:
            link.close()
        else:
            mine.spares.append(link)

    def _spare(self, mine: _Process) -> Link | None:
        while mine.spares:
            link = mine.spares.pop()
            if link.is_usable():
                return link
            link.close()
        return None

    # -- both

    def may_try_again(self, pause: float, deadline: float) -> bool:
        """Wait a little; False if there is no time left or the launcher was closed."""
        left = deadline - time.monotonic()
        return left > _SHORTEST_TRY and not self._closed.wait(min(pause, left / 2))

    def no_queue(self, letter: Letter) -> NoQueue:
        """What to raise for a message that was returned."""
        wanted = f"no queue {letter.routing_key!r}"
        if letter.exchange:
            wanted = f"no queue bound to the exchange {letter.exchange!r} under {letter.routing_key!r}"
        remedy = "the daemon declares its queues when it starts; was it started there, with the same names?"
        return NoQueue(f"there is {wanted} on {self._settings.amqp.shown}; {remedy}")

    def unavailable(self, reason: str) -> BrokerUnavailable:
        """What to raise for a broker that refuses us."""
        return BrokerUnavailable(f"{self._settings.amqp.shown} cannot be used: {reason}")

    def close(self) -> None:
        """Close the links of this process. Threads that ask give up; one that publishes is waited for."""
        self._closed.set()
        mine = self._processes.get(os.getpid())
        if mine is None:
            return
        for link in list(mine.lent):
            link.call_off()
        with mine.lock:
            self._drop(mine)
        while mine.spares:
            mine.spares.pop().close()

    def _mine(self) -> _Process:
        if self._closed.is_set():
            raise Refused("the launcher is closed")
        pid = os.getpid()
        return self._processes.get(pid) or self._processes.setdefault(pid, _Process())

    def _link(self, deadline: float) -> Link:
        return Link(self._settings.amqp, _NAME, deadline)

    def _unconfirmed(self, reason: str, timeout: float, may_have_been_sent: bool) -> Unconfirmed:
        sent = "it may have been sent" if may_have_been_sent else "it was not sent"
        text = f"{self._settings.amqp.shown} has not confirmed the message within {timeout:g} s ({reason}); {sent}"
        return Unconfirmed(text, may_have_been_sent=may_have_been_sent)
