"""Who is around the daemons: participants that work, clients that launch and report, operators that interfere.

Rules: each keeps a ledger of its own of what it did and what was accepted; the checks at the end compare the ledgers
with what is stored. A participant keeps its effect with the key of the activation: the same key again gives the same
result and no second effect.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pika

from bureaucrat import wire
from bureaucrat.core.messages import Cancel, Resume, Retry, Suspend
from bureaucrat.engine.codec import encode_message
from bureaucrat.engine.orders import Happened, Order, Scheduling
from bureaucrat.ports import MailRow

from .processes import LAUNCHED, text_of

if TYPE_CHECKING:
    from .node import Queue, Stored
    from .world import World

_SKEW = 0.25  # seconds; daemons' clocks differ less
_MAKER = 1023  #: of the numbers that operators make; no daemon has it


def _properties(kind: str, id: str | None) -> pika.BasicProperties:
    return pika.BasicProperties(content_type=kind, message_id=id, delivery_mode=2)


@dataclass
class Ledger:
    """What was accepted, and what was done."""

    launches: dict[str, str] = field(default_factory=dict)  #: id -> process
    events: dict[str, tuple[str, str]] = field(default_factory=dict)  #: id -> name and order
    orders: dict[int, tuple[str, str]] = field(default_factory=dict)  #: number -> of whom, and what
    canceled: set[str] = field(default_factory=set)
    bad: set[str] = field(default_factory=set)  #: ids of messages that are to be dead letters
    effects: dict[str, dict[str, Any]] = field(default_factory=dict)  #: key -> result
    counts: Counter[str] = field(default_factory=Counter)  #: key -> effects
    calls: Counter[str] = field(default_factory=Counter)  #: token -> how often it was handed over
    keys: dict[str, str] = field(default_factory=dict)  #: token -> key


class Worker:
    """A participant: takes messages of its queue, and answers."""

    def __init__(self, world: World, participant: str) -> None:
        self.world = world
        self.queue = f"worker_{participant}"
        self._busy: set[int] = set()

    def room(self) -> bool:
        return len(self._busy) < 4

    def canceled(self, queue: Queue) -> None:
        self._busy.clear()

    def deliver(self, queue: Queue, message: Stored) -> None:
        world = self.world
        self._busy.add(message.number)
        delay = 0.3 * world.random.random() ** 2
        if world.trouble.strikes("answer late"):
            delay = world.random.uniform(1.0, 8.0)
        world.later(delay, self._work, queue, message)

    def _free(self, queue: Queue, message: Stored) -> None:
        self._busy.discard(message.number)
        self.world.node.acknowledge(queue, message.number)

    def _work(self, queue: Queue, message: Stored) -> None:
        world, trouble, p = self.world, self.world.trouble, message.properties
        attempt = wire.decode_attempt(p.content_type, message.body, p.message_id, p.content_encoding)
        world.ledger.calls[attempt.token] += 1
        world.ledger.keys[attempt.token] = attempt.key
        world.trace(f"{self.queue} {attempt.key}")
        known = world.ledger.effects.get(attempt.key)
        if known is None and trouble.strikes("answer error"):
            self._answer(attempt, {"status": "error", "error": "not now"})
        elif known is None and trouble.strikes("answer critical"):
            self._answer(attempt, {"status": "critical", "code": "Broken", "error": "no"})
        elif trouble.strikes("participant killed"):
            if world.random.random() < 0.5:
                self._effect(attempt)  # done, and nobody is told
            self._busy.discard(message.number)
            world.later(world.random.uniform(0.3, 2.0), world.node.requeue, queue, [message.number])
            return
        else:
            fields = self._effect(attempt)
            if not trouble.strikes("answer never"):
                self._answer(attempt, fields)
                if trouble.strikes("answer twice"):
                    world.later(3 * world.random.random(), self._answer, attempt, fields)
        self._free(queue, message)

    def _effect(self, attempt: wire.Attempt) -> dict[str, Any]:
        """Do it once for each key."""
        ledger = self.world.ledger
        known = ledger.effects.get(attempt.key)
        if known is None:
            ledger.counts[attempt.key] += 1
            known = ledger.effects[attempt.key] = {"made_by": attempt.participant, "tries": attempt.attempt}
            if self.world.trouble.strikes("answer with more"):
                known["inst:sneaky"] = 1
                known["more"] = [1, 2, {"x": None}]
        return known

    def _answer(self, attempt: wire.Attempt, fields: dict[str, Any]) -> None:
        kind, body = wire.encode_answer(attempt, fields)
        self.world.send("bureaucrat_msgs", body, _properties(kind, None))


class Clients:
    """Those who launch, report and interfere, each at a time of its own."""

    def __init__(self, world: World, seconds: float) -> None:
        self.world = world
        self.seconds = seconds
        self._count = 0
        self._sent: dict[str, tuple[Any, ...]] = {}  #: by id: how to send it again

    def plan(self, instances: int) -> None:
        """What they are going to do in a schedule."""
        world, random = self.world, self.world.random
        names = random.sample(LAUNCHED, random.randint(1, 4))
        for number in range(instances):
            self._launch_later(f"i{number}", random.choice(names))
        for number in range(random.randint(0, 1 + instances // 2)):
            self._at(self._event, f"s{number}", "order_placed", f"o{number}")
        for number in range(3):
            if world.trouble.strikes("bad message"):
                self._at(self._bad, number)
        for _ in range(random.choice((0, 0, 1, 2, 3))):
            self._at(self._interfere, f"i{random.randrange(instances)}")

    def _at(self, what: Any, *args: Any) -> None:
        self.world.later(self.seconds * self.world.random.random(), what, *args)

    # -- launches and events

    def _launch_later(self, id: str, process: str) -> None:
        random = self.world.random
        order = f"u{random.randrange(2)}" if process == "unique" else id
        self._at(self._launch, id, process, order)
        if self.world.trouble.strikes("launch repeated"):
            self._at(self._launch, id, process, order)
        for number in range({"waits": 1, "twice": 2}.get(process, 0)):
            self._at(self._event_for, id, number)
            if self.world.trouble.strikes("event repeated"):
                self._at(self._event_for, id, number)

    def _launch(self, id: str, process: str, order: str) -> None:
        is_text = self.world.random.random() < 0.3
        text = text_of(process, self.world.is_quick)
        request = wire.LaunchRequest(
            id, **({"definition": text} if is_text else {"process": process}), fields={"order": order}
        )
        kind, body = wire.encode_launch(request)
        ledger = self.world.ledger
        self._sent[id] = self._launch, id, process, order
        self.world.send("bureaucrat", body, _properties(kind, id), lambda: ledger.launches.setdefault(id, process))

    def _event_for(self, instance: str, number: int) -> None:
        """What an instance waits for; it hears what is accepted after its start, as clocks of daemons go: they may
        differ by what a question to the database takes."""
        if self.world.database.tables.instances.get(instance) is not None:
            self.world.later(_SKEW, self._event, f"e{number}.{instance}", "go", instance)
        else:
            self.world.later(0.5, self._event_for, instance, number)

    def _event(self, id: str, name: str, order: str) -> None:
        ledger = self.world.ledger
        if self.world.random.random() < 0.15:
            if self._order("", Happened("them", name, {"order": order}, id)):
                ledger.events[id] = (name, order)
            else:
                self.world.later(0.5, self._event, id, name, order)
            return
        kind, body = wire.encode_event(name, {"order": order})
        self._sent[id] = self._event, id, name, order
        self.world.send(
            "bureaucrat_events", body, _properties(kind, id), lambda: ledger.events.setdefault(id, (name, order))
        )

    def _bad(self, number: int) -> None:
        """Something that nobody can read; it is to be a dead letter, once."""
        random, id = self.world.random, f"bad{number}"
        queue = random.choice(("bureaucrat", "bureaucrat_msgs", "bureaucrat_events", "bureaucrat_schedule"))
        body = random.choice((b"", b"[1", b"\xff\x00", b'{"nothing": "known"}', b"<process", b"[" * 200))
        ledger = self.world.ledger
        for _ in range(random.choice((1, 1, 2))):
            self.world.send(queue, body, _properties("application/json", id), lambda: ledger.bad.add(id))

    # -- operators

    def _order(self, instance: str, order: Any) -> bool:
        """Leave an order in the mailbox; whether it was taken."""
        world = self.world
        if world.database.is_down:
            return False
        self._count += 1
        number = (int((world.now + 1_800_000_000) * 1000) << 22) | (_MAKER << 12) | self._count
        world.database.tables.mailbox.put(MailRow(number, instance, encode_message(order), world.now))
        world.ledger.orders[number] = instance, type(getattr(order, "message", order)).__name__
        world.mailed()
        return True

    def _interfere(self, instance: str) -> None:
        what = self.world.random.choice(("cancel", "compensate", "suspend", "resume"))
        message: Any = {"suspend": Suspend("wait"), "resume": Resume("go on")}.get(what)
        if message is None:
            message = Cancel("enough", what == "compensate")
            self.world.ledger.canceled.add(instance)
        self._order(instance, Order("them", message))

    def look_after(self) -> None:
        """What is done once the faults are over: operators resume, and try again what rests; clients send again what
        the broker had confirmed and has lost."""
        tables = self.world.database.tables
        for id in sorted(self.world.node.lost & self._sent.keys()):
            self.world.node.lost.discard(id)
            if tables.instances.get(id) is None and not tables.events.find("id", id):
                what, *args = self._sent[id]
                what(*args)
        for row in tables.instances.find("key"):
            if row.ended is None and row.status == "suspended":
                self._order(row.id, Order("them", Resume("go on")))
        for incident in tables.incidents.find("open"):
            self._order(incident.instance, Order("them", Retry(incident.branch, incident.activity)))

    def pause_schedules(self) -> None:
        self._order("", Scheduling("them", "pause", "daily"))
