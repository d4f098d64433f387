"""The processes that run: small ones, that together have every element of the language.

Rules: each comes in two forms. *Quick*: every action has a timeout, so that it survives what nobody notices, such as a
broker that loses one message it has confirmed. *Patient*: actions without a timeout wait for a day, far longer than a
schedule lasts; so whatever was lost and is not sent again is found out.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import cache, lru_cache

from bureaucrat.clock import ManualClock
from bureaucrat.core.table import Definition
from bureaucrat.definition.reader import read as read_definition
from bureaucrat.engine.engine import Engine
from bureaucrat.engine.numbers import counted
from bureaucrat.functions import Functions
from bureaucrat.ports import Writes
from bureaucrat.storage.memory import MemoryStorage
from bureaucrat.transports.memory import MemoryTransport

START = 1_800_000_000.0  #: epoch seconds at which each schedule begins
_QUICK = 'timeout="2s" retries="4" delay="0.2s" max_delay="1s"'
_PATIENT = 'retries="2" delay="0.3s"'

TEXTS = {
    "steps": """
        <action id="a" participant="alpha" {t}/>
        <action id="b" participant="beta" {t}>
          <faults><default><assign property="b_failed">True</assign></default></faults></action>""",
    "loop": """
        <context><property name="n" type="int">0</property><property name="way" type="str">none</property></context>
        <while><condition>n &lt; 3</condition>
          <sequence><assign property="n">n + 1</assign>
            <switch>
              <case><condition>n &lt; 3</condition><action id="a" participant="alpha" {t}/></case>
              <default><assign property="way">"default"</assign></default>
            </switch>
          </sequence>
        </while>
        <delay duration="0.5s"/>""",
    "each": """
        <foreach select="=[1, 2, 3]" as="x" parallel="2" collect="found" value="x">
          <action id="a" participant="gamma" {t}>
            <faults><default><assign property="broken">x</assign></default></faults></action>
        </foreach>""",
    "race": """
        <all>
          <any winner="first"><action id="a" participant="beta" {t}/><delay id="d" duration="0.7s"/></any>
          <action id="b" participant="alpha" {t}/>
          <sequence><delay duration="0.3s"/><assign property="z">1</assign></sequence>
        </all>""",
    "parent": """
        <context><property name="from_child" type="str">none</property>
          <faults>
            <case code="Broken, ActionError, Timeout"><assign property="from_child">"fault"</assign></case></faults>
        </context>
        <call id="c" process="child" timeout="60s"><input><field name="no">1</field></input>
          <output><field name="from_child">answer["result"]</field></output></call>
        <action id="a" participant="alpha" {t}/>""",
    "child": """
        <context><property name="result" type="str">none</property></context>
        <action id="a" participant="gamma" {t}/>
        <assign property="result">"made"</assign>""",
    "waits": """
        <action id="a" participant="beta" {t}/>
        <await id="w" event="go" key="order" property="got"/>""",
    "twice": """
        <await id="w" event="go" key="order"/>
        <await id="x" event="go" key="order" property="got"/>""",
    "patience": """
        <context><faults><case code="Timeout"><assign property="gave_up">True</assign></case></faults></context>
        <await id="w" event="never" timeout="3s">
          <reminder after="0.5s" every="1s" times="2"><assign property="reminded">True</assign></reminder>
        </await>""",
    "signals": """
        <all>
          <sequence><await id="w" event="ping" key="order"/><action id="a" participant="alpha" {t}/></sequence>
          <sequence><action id="b" participant="gamma" {t}/>
            <signal event="ping"><field name="order">order</field></signal></sequence>
        </all>""",
    "undo": """
        <context><faults><default><compensate/></default></faults></context>
        <action id="a" participant="alpha" {t}>
          <compensation><action id="undo" participant="beta" {t}/></compensation></action>
        <delay duration="0.2s"/>
        <fault code="Broken" message="as it is meant to"/>""",
    "leaves": """
        <sequence id="s">
          <all><action id="a" participant="gamma" {t}/>
            <sequence><delay duration="0.6s"/><exit scope="s" outcome="left"/></sequence></all>
        </sequence>
        <action id="b" participant="alpha" {t}/>""",
    "unique": """<action id="a" participant="alpha" {t}/><delay duration="1s"/>""",
    "ordered": """<action id="a" participant="beta" {t}/>""",
    "daily": """<action id="a" participant="gamma" {t}/>""",
}
_ATTRIBUTES = {"unique": ' key="order" unique="yes"'}
_TRIGGERS = {
    "ordered": '<start event="order_placed"/>',
    "daily": '<start cron="* * * * *" overlap="allow" missed="all"/>',
}
#: what clients launch
LAUNCHED = tuple(name for name in TEXTS if name not in ("child", "ordered", "daily"))
PARTICIPANTS = ("alpha", "beta", "gamma")


@lru_cache(maxsize=100)
def read(text: str) -> Definition:
    """Read a definition; each text once in a run of many schedules."""
    return read_definition(text)


def text_of(name: str, is_quick: bool) -> str:
    """A process's definition."""
    body = TEXTS[name].replace("{t}", _QUICK if is_quick else _PATIENT)
    return f'<process name="{name}"{_ATTRIBUTES.get(name, "")}>{_TRIGGERS.get(name, "")}{body}</process>'


@dataclass(frozen=True)
class Registered:
    """What registering all of them writes."""

    writes: Writes


@cache
def registered(is_quick: bool, is_daily: bool) -> Registered:
    """The processes as they stand in the database when a schedule begins."""
    storage = _Listening()
    names = [name for name in TEXTS if is_daily or name != "daily"]

    async def register() -> None:
        transport = MemoryTransport(Functions.of())
        engine = Engine(storage, transport, read=read, clock=ManualClock(START), numbers=counted())
        definitions = [read(text_of(name, is_quick)) for name in names]
        await engine.registry.register({f"{one.name}.xml": one for one in definitions}, "test", None)

    asyncio.run(register())
    (writes,) = storage.written
    return Registered(writes)


class _Listening(MemoryStorage):
    """Memory that keeps what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[Writes] = []

    def batch(self):  # type: ignore[no-untyped-def]
        batch = super().batch()
        commit = batch.commit

        async def keep(writes: Writes) -> None:
            self.written.append(writes)
            await commit(writes)

        batch.commit = keep  # type: ignore[method-assign]
        return batch
