"""A database with instances in every state of waiting, and one engine that brings them there or to their ends.

Rules: the clock, the numbers and the ids are the same in each run, so that a release writes the same file again.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from bureaucrat.clock import ManualClock
from bureaucrat.core.instance import Copy
from bureaucrat.core.messages import Resume, Retry, Suspend, TimerFired
from bureaucrat.definition.reader import read
from bureaucrat.engine.codec import add_loaded, decode_instance
from bureaucrat.engine.delivery import Birth, Delivery
from bureaucrat.engine.engine import Engine
from bureaucrat.engine.numbers import counted
from bureaucrat.engine.settings import Settings
from bureaucrat.engine.starts import start_of
from bureaucrat.functions import Functions
from bureaucrat.ports import Answered, InstanceQuery, InstanceRow, WaitRow
from bureaucrat.storage.sqlite import SqliteStorage
from bureaucrat.transports.memory import MemoryTransport

#: 2026-11-25 12:00:00 UTC
NOON = 1_795_608_000.0
_ROUNDS = 60  #: after which whoever has not ended never will

ORDER = """
<process name="order" key="order_id" unique="yes">
  <context><property name="order_id" type="str" required="yes"/></context>
  <action id="reserve" participant="reserve"><compensation><action participant="release"/></compensation></action>
  <await id="payment" event="payment.authorized" key="order_id" timeout="30m"/>
  <action id="capture" participant="capture" retries="2" delay="10s" jitter="0"/>
  <all id="fulfil">
    <action id="ship" participant="ship"/>
    <action id="invoice" participant="invoice"/>
  </all>
  <exit outcome="shipped"/>
</process>
"""
ORDER_2 = ORDER.replace("<exit", '<action id="thank" participant="thank"/>\n  <exit')
FILES = """
<process name="files">
  <foreach id="each" select="=[1, 2, 3, 4]" as="n" parallel="2" collect="sizes" value="size">
    <action id="load" participant="load"/>
  </foreach>
  <foreach id="after" select="=sizes" as="found"><assign property="last">found</assign></foreach>
</process>
"""
VISIT = """
<process name="visit">
  <any id="race" winner="who">
    <await id="guest" event="door.opened"/>
    <sequence id="watch" due="1h" timeout="8h">
      <reminder after="10m" every="1h" times="2"><action participant="nag"/></reminder>
      <delay id="night" duration="7h"/>
    </sequence>
  </any>
  <faults><case code="Timeout"><assign property="late">True</assign></case></faults>
</process>
"""
CALLING = '<process name="calling"><call id="ask" process="pause"/><call id="more" process="loop"/></process>'
PAUSE = '<process name="pause"><delay id="night" duration="8h"/></process>'
UNDO = """
<process name="undo">
  <action id="book" participant="book"><compensation><action participant="unbook"/></compensation></action>
  <await id="wish" event="wish"/>
  <compensate/>
</process>
"""
LOOP = """
<process name="loop">
  <context><property name="n" type="int">0</property></context>
  <while id="turns"><condition>n &lt; 3</condition><action participant="count"/>
    <assign property="n">n + 1</assign></while>
</process>
"""
NIGHTLY = (
    '<process name="nightly"><start cron="0 3 * * *" overlap="queue"/><action id="load" participant="load"/></process>'
)
GREETED = '<process name="greeted"><start event="hello"/><action participant="greet"/></process>'


class Kept:
    """An engine on a file, whose participants are answered by hand."""

    def __init__(self, path: Path, start: float = NOON, first: int = 1) -> None:
        self.clock = ManualClock(start)
        self.storage = SqliteStorage(path)
        self.transport = MemoryTransport(Functions.of({}))
        self.transport.serves = lambda participant: True  # type: ignore[method-assign]
        self.transport.send = lambda dispatch, instance: None  # type: ignore[method-assign]
        numbers = counted()
        self.numbers = lambda: first + numbers()
        self.engine: Engine

    async def open(self) -> Kept:
        await self.storage.open()
        self.engine = Engine(
            self.storage,
            self.transport,
            read=read,
            clock=self.clock,
            numbers=self.numbers,
            settings=Settings(history="full"),
        )
        await self.engine.start()
        await self.engine.drain()
        return self

    async def close(self) -> None:
        await self.transport.stop()
        await self.storage.close()

    async def start(self, source: str, id: str, key: str | None = None, **fields: Any) -> None:
        """Start an instance, and let it go as far as it can."""
        definition = self.engine.definitions.read(source)
        start = start_of(definition, fields, self.engine.settings.limits)
        self.engine.put(Delivery(id, start, Birth(definition, key)))
        await self.drain()

    async def drain(self) -> None:
        self.clock.advance_to(self.clock.now() + 1.0)
        await self.engine.drain()

    async def tell(self, id: str, message: Any) -> None:
        self.engine.put(Delivery(id, message))
        await self.drain()

    async def event(self, name: str, /, **body: Any) -> None:
        await self.engine.event(name, body)
        await self.drain()

    async def answer(self, id: str, most: int = 100, **fields: Any) -> int:
        """Answer the attempts that an instance waits for; how many."""
        copy, answered = await self.copy(id), 0
        for branch in list(copy.branches.values())[::-1]:
            if branch.attempt is not None and answered < most:
                answered += 1
                self.engine.answered(Answered(id, branch.id, branch.frames[-1].activity, branch.attempt, fields))
        await self.drain()
        return answered

    async def fire(self, until: float) -> None:
        """Let time pass, and the timers fire that run out."""
        self.clock.advance_to(until)
        for due in await self.storage.due(self.clock.now(), 1_000):
            self.engine.put(Delivery(due.instance, TimerFired(due.branch, due.at)))
        await self.drain()

    async def copy(self, id: str) -> Copy:
        row = await self.storage.instance(id)
        assert row is not None
        copy = Copy(decode_instance(row))
        add_loaded(copy, await self.storage.branches(id))
        return copy

    async def unfinished(self) -> list[InstanceRow]:
        return await self.storage.instances(InstanceQuery(unfinished=True, limit=1_000))

    async def finish(self) -> None:
        """Answer, fire, wake, resume and retry until every instance has ended."""
        for _ in range(_ROUNDS):
            rows = await self.unfinished()
            if not rows:
                return
            for row in rows:
                await self._further(row)
            due = await self.storage.due(math.inf, 1)
            if due and not await self.storage.asked():  # an attempt is answered before its time runs out
                await self.fire(due[0].at)
        raise AssertionError(f"still unfinished: {[(row.id, row.status) for row in await self.unfinished()]}")

    async def _further(self, row: InstanceRow) -> None:
        if row.status == "suspended":
            await self.tell(row.id, Resume())
        for incident in await self.storage.incidents(row.id):
            await self.tell(row.id, Retry(incident.branch, incident.activity, {"mended": True}))
        for wait in await self.storage.waits_of(row.id):
            await self.event(wait.event, **_body(wait))
        await self.answer(row.id, status="done", size=3)


def _body(wait: WaitRow) -> dict[str, Any]:
    """An event that a wait waits for."""
    body: Any = wait.value
    for part in reversed(wait.path.split(".") if wait.path else []):
        body = {part: body}
    return body if isinstance(body, dict) else {}


async def populate(kept: Kept) -> None:
    """Bring instances into every state of waiting, and some to their ends."""
    named = {text.split('"')[1]: text for text in (ORDER, PAUSE, LOOP, NIGHTLY, GREETED)}
    registry, definitions = kept.engine.registry, kept.engine.definitions
    await registry.register({f"{name}.xml": definitions.read(text) for name, text in named.items()}, "bea")
    await registry.register({"order.xml": definitions.read(ORDER_2)}, "bea")
    await _orders(kept)
    await kept.start(FILES, "files-1")
    await kept.answer("files-1", most=1, size=17)
    await kept.start(VISIT, "visit-1")
    await kept.start(CALLING, "calling-1")
    await kept.start(UNDO, "undo-1")
    await kept.answer("undo-1", ref="B-1")
    await kept.start(UNDO, "undo-2")
    await kept.answer("undo-2", ref="B-2")
    await kept.event("wish")
    await kept.start(LOOP, "loop-1")
    await kept.answer("loop-1")
    await kept.event("hello", whom="ann")
    await kept.event("nobody.waits", n=1)
    await kept.tell("undo-1", Suspend("later"))
    await kept.answer("undo-1")
    await _ended(kept)


async def _orders(kept: Kept) -> None:
    """Of one process in each of its states."""
    for number in range(1, 7):
        await kept.start(ORDER, f"order-{number}", f"{number}", order_id=f"{number}")
    for number in range(2, 7):
        await kept.answer(f"order-{number}", stock=f"S-{number}")
    for number in range(3, 7):
        await kept.event("payment.authorized", order_id=f"{number}")
    await kept.answer("order-4", status="error", error="carrier: 503")
    for _ in range(3):
        await kept.answer("order-5", status="error", error="carrier: 503")
        await kept.fire(kept.clock.now() + 25)
    await kept.answer("order-6")
    await kept.answer("order-6", most=1)
    await kept.tell("order-3", Suspend("ticket 5521"))
    await kept.answer("order-3")


async def _ended(kept: Kept) -> None:
    for number in (1, 2):
        await kept.start(LOOP, f"ended-{number}")
        while await kept.answer(f"ended-{number}"):
            continue
    await kept.start(ORDER, "ended-3", "99", order_id="99")
    await kept.answer("ended-3")
    await kept.event("payment.authorized", order_id="99")
    while await kept.answer("ended-3"):
        continue
