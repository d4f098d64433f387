"""One schedule: a world that is made from a seed, goes wrong for a while, is healed, and must come to its end.

Rules: the seed gives everything: who runs, what is launched, which faults there are and when they strike. After the
safety phase nothing goes wrong any more, operators look after what rests, and all that was accepted must end within
:data:`PATIENCE`. What was seen on the way, in its order, is the trace; the same seed gives the same.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any

from bureaucrat.core.limits import Limits
from bureaucrat.engine.settings import Settings
from bureaucrat.storage.memory_tables import Setting
from bureaucrat.storage.memory_writes import write_all

from .daemon import Daemon
from .database import Database
from .loop import Loop
from .node import Node
from .people import Clients, Ledger, Worker
from .processes import PARTICIPANTS, registered
from .trouble import Trouble

PATIENCE = 240.0  #: virtual seconds after the faults
_LOOK = 1.0  #: between two looks whether it is over
_CARE = 4.0  #: between two rounds of the operators


class World:
    """Everything there is in one schedule."""

    def __init__(self, seed: int, *, keeps_story: bool = False, daemons: int | None = None) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.trouble = Trouble(self.random)
        self.loop = Loop(self.random)
        self.story: list[str] | None = [] if keeps_story else None
        self._digest = hashlib.blake2b(digest_size=8)
        self.trouble.told = lambda kind: self.trace(f"! {kind}")
        self.calls = 0
        self.sending = 0  #: messages that clients and participants have, and the broker has not
        self.seen: Counter[tuple[str, str]] = Counter()  #: (element, message) that met
        random = self.random
        self.is_quick = self.trouble.is_silent or random.random() < 0.3
        self.is_daily = random.random() < 0.1
        self.prefetch = random.choice((1, 3, 20))
        self.seconds = random.choice((3.0, 6.0, 10.0))
        self.settings = Settings(
            limits=Limits(turns=random.choice((1, 500))),
            history="full",
            sweep=random.choice((1.0, 2.0, 4.0)),
            horizon=random.choice((2.0, 30.0)),
            batch=random.choice((1, 3, 500)),
            share=random.choice((1, 100)),
            cached=random.choice((0, 2, 100)),
            load_whole=random.choice((0, 64)),
            event_chunk=random.choice((1, 2, 200)),
            launch_horizon=5.0,
        )
        self.database = Database(self)
        self.node = Node(self)
        self.ledger = Ledger()
        self.workers = {f"worker_{name}": Worker(self, name) for name in PARTICIPANTS}
        self.slots = random.choice((1, 1, 2, 2, 3, 4))
        if daemons is not None:
            self.slots = daemons
        self.is_shared = self.slots > 1 or random.random() < 0.3  #: as PostgreSQL; else as SQLite
        self.offsets = [random.choice((0.0, 0.3, -0.3, 100.0)) if self.is_shared else 0.0 for _ in range(self.slots)]
        self.daemons: list[Daemon] = []
        self._runs = count(1)
        self.clients = Clients(self, self.seconds * 0.8)
        self.instances = random.randint(1, 4)
        self.unfinished = ""  #: what had not ended when patience did
        self.recovery = 0.0  #: virtual seconds from the end of the faults to the end of the last instance
        self._next_look = 0.0
        tables = self.database.tables
        write_all(tables, registered(self.is_quick, self.is_daily).writes)
        tables.settings.put(Setting("token_key", "00" * 32))
        tables.settings.put(Setting("database_id", "db"))

    # -- what everybody needs

    @property
    def now(self) -> float:
        """Virtual seconds since the beginning."""
        return self.loop.time()

    def latency(self) -> float:
        share = self.random.random()
        return 0.001 + 0.08 * share * share * share

    def later(self, delay: float, what: Callable[..., Any], *args: Any) -> None:
        self.loop.call_later(delay, what, *args, context=self.loop.world.context)

    def trace(self, text: str) -> None:
        self._digest.update(text.encode())
        if self.story is not None:
            self.story.append(f"{self.now:9.4f} {text}")

    @property
    def has_jumped(self) -> bool:
        """Whether a clock was set while it ran."""
        return self.trouble.counts["clock jumped"] > 0

    @property
    def digest(self) -> str:
        """Of all that was traced."""
        return self._digest.hexdigest()

    # -- around the broker

    def workers_of(self, queue: str) -> list[Worker]:
        worker = self.workers.get(queue)
        return [] if worker is None else [worker]

    def workers_return(self, name: str | None = None) -> None:
        """Participants look for their queues again."""
        for queue in [self.node.queues.get(one) for one in self.workers if name in (None, one)]:
            if queue is not None:
                self.node.pump(queue)

    def send(self, queue: str, body: bytes, properties: Any, accepted: Callable[[], Any] = lambda: None) -> None:
        """Publish, as a client does: again until the broker has it."""
        self.sending += 1
        self._send(queue, body, properties, accepted)

    def _send(self, queue: str, body: bytes, properties: Any, accepted: Callable[[], Any]) -> None:
        node = self.node
        if not node.is_up or node.is_blocked or not node.publish("", queue, body, properties):
            self.later(0.5, self._send, queue, body, properties, accepted)
            return
        self.sending -= 1
        accepted()

    def published(self, message: Any) -> None:
        self.trace(f"published {message.routing_key}")
        trouble, node = self.trouble, self.node
        if trouble.strikes("broker restart"):
            self.later(0.0, node.restart)
        if trouble.strikes("broker wiped"):
            self.later(0.0, node.restart, True)
        if trouble.strikes("broker blocked"):
            node.block()
        if trouble.strikes("queue deleted"):
            self.later(self.latency(), node.delete, self.random.choice(sorted(node.queues)))

    def mailed(self) -> None:
        """Somebody has left mail."""
        self.database.left_mail(None)

    # -- the daemons

    def _start(self, slot: int) -> None:
        self.daemons.append(Daemon(self, slot, next(self._runs)))

    def daemon_ended(self, daemon: Daemon) -> None:
        self.daemons.remove(daemon)
        if self.is_serving:
            self.later(0.1 + 2 * self.random.random() ** 2, self._start, daemon.slot)

    # -- a whole schedule

    def run(self) -> None:
        """From the start to the end."""
        self.is_serving = True
        for slot in range(self.slots):
            self.later(0.2 * self.random.random(), self._start, slot)
        self.clients.plan(self.instances)
        self.loop.run(self.seconds)
        self._heal()
        self.loop.run(self.seconds + PATIENCE, self._is_over)
        self.recovery = self.now - self.seconds
        self.unfinished = self.left()
        self._end()

    def _heal(self) -> None:
        self.trouble.heal()
        self.trace("healed")
        self.node.unblock()
        for daemon in self.daemons:
            daemon.thaw()
        self.later(1.0, self._care)
        if self.is_daily:
            self.later(1.5, self.clients.pause_schedules)

    def _care(self) -> None:
        self.clients.look_after()
        self.later(_CARE, self._care)

    def _is_over(self) -> bool:
        if self.now < self._next_look:
            return False
        self._next_look = self.now + _LOOK
        return self.is_done

    @property
    def is_done(self) -> bool:
        """Whether all that was accepted has come to its end."""
        return self.now >= self.seconds + 2.0 and len(self.daemons) == self.slots and not self.left()

    def left(self) -> str:
        """What has not come to its end; empty: nothing."""
        tables, node = self.database.tables, self.node
        if (row := tables.instances.next("unfinished", ())) is not None:
            return f"instance {row.id} of {row.process} is {row.status}"
        for id in self.ledger.launches:
            if id not in node.lost and tables.instances.get(id) is None and not tables.dead_letters.find("id", id):
                return f"launch {id} was accepted, and there is nothing of it"
        if len(tables.mailbox):
            return "mail"
        if len(tables.outbox):
            return "outbox"
        if tables.events.next("pending", ()) is not None:
            return "an event that was not offered"
        if tables.waits.next("fresh", ()) is not None:
            return "a wait that was not looked after"
        if node.delayed or self.sending:
            return f"{node.delayed} + {self.sending} messages on their way"
        for name, queue in node.queues.items():
            if name != "bureaucrat_dead" and (queue.ready or queue.unacked):
                return f"queue {name}: {len(queue.ready)} ready, {len(queue.unacked)} not acknowledged"
        return ""

    def _end(self) -> None:
        """Stop every daemon in order."""
        self.is_serving = False
        for daemon in list(self.daemons):
            if daemon.engine is None:  # it has just begun
                daemon.die()
            else:
                daemon.actor.context.run(daemon.engine.stop)
        self.loop.run(self.now + 20.0, lambda: not self.daemons)
        for daemon in list(self.daemons):
            self.loop.problems.append(f"{daemon.name} does not stop")
            daemon.die()
            self.loop.run(self.now + 1.0)
