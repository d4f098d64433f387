"""A database with instances in many states, and the ways it is damaged."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass

from operated import Office
from operated_processes import CALLING, ORDER, PAUSE, SHIPPING, WATCHED

UNIQUE = """
<process name="account" key="owner" unique="yes">
  <context><property name="owner" type="str" required="yes"/></context>
  <await id="closing" event="closed"/>
</process>
"""
TRIP = """
<process name="trip">
  <action id="book" participant="book"><compensation><action participant="unbook"/></compensation></action>
  <delay id="travel" duration="8h"/>
</process>
"""
NIGHTLY = '<process name="nightly"><start cron="0 3 * * *"/><action id="load" participant="load"/></process>'
#: the id of the instance that c1 has called, in SQL
CHILD = "(SELECT id FROM instances WHERE process = 'pause')"


async def populate(office: Office) -> None:
    """Bring instances into their states."""
    engine = await office.open()
    await engine.registry.register({"nightly.xml": engine.definitions.read(NIGHTLY)}, "bea")
    await office.start(ORDER, "o1", "1017", order_id="1017")
    await office.answer("o1")
    await office.start(SHIPPING, "s1")
    await office.start(CALLING, "c1", child=PAUSE)
    await office.start(WATCHED, "w1")
    await office.start(UNIQUE, "u1", "ann", owner="ann")
    await office.start(UNIQUE, "u2", "bob", owner="bob")
    await office.start(TRIP, "t1")
    await office.answer("t1")
    await office.start(ORDER, "i1", "1018", order_id="1018")
    await office.answer("i1")
    await office.engine_event("payment.authorized", order_id="1018")
    for _ in range(3):
        await office.answer("i1", status="error", error="carrier: 503")
        await office.later(30)
        await office.fire()
    await office.start(SHIPPING, "e1")
    await office.answer("e1")
    await office.start(ORDER, "p1", "1019", order_id="1019")
    await office.answer("p1")


def run_sql(office: Office, *statements: str) -> None:
    """Do to the file what no engine would."""
    with closing(sqlite3.connect(office.path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def root(instance: str, path: str, value: str) -> str:
    """Change the state of a first branch."""
    return f"UPDATE branches SET state = json_set(state, '{path}', {value}) WHERE instance = '{instance}' AND id = ''"


def guard(instance: str, path: str, value: str) -> str:
    """Change the state of a guard row."""
    return f"UPDATE instances SET state = json_set(state, '$.{path}', {value}) WHERE id = '{instance}'"


@dataclass(frozen=True)
class Damage:
    """One way to damage it."""

    name: str
    check: str
    says: str  #: part of what the doctor says
    sql: tuple[str, ...]
    mends: str = "--repair"  #: the command that makes it sound again; empty: a backup has to
    is_late: bool = False  #: it is done beside the engine, for the start of another would mend it
    is_recounted: bool = False  #: the instance must be counted anew before a person can act on it

    def __str__(self) -> str:
        return self.name
