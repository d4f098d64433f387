"""An order whose parcel needs a person, with the documents of its customer still being read: what the README shows."""

from __future__ import annotations

from operated import Office

from bureaucrat.commands.stored import copy_of
from bureaucrat.core.activity import Activity
from bureaucrat.ports import Answered

ID = "0199aaaa0000aaaa0000000000000000"
PICTURED = """
<process name="order" key="order_id">
  <context>
    <property name="order_id" type="str" required="yes"/>
    <property name="documents" type="int">120</property>
  </context>
  <action id="reserve" participant="reserve_stock">
    <compensation><action id="release" participant="release_stock"/></compensation>
  </action>
  <await id="payment" event="payment.authorized" key="order_id" timeout="30m">
    <faults>
      <case code="Timeout"><action participant="release_stock"/><exit outcome="unpaid"/></case>
    </faults>
  </await>
  <action id="capture" participant="capture" retries="5" delay="2s" jitter="0" timeout="20s"/>
  <all id="fulfil">
    <sequence id="parcel">
      <action id="ship" participant="ship" retries="2" delay="1s" jitter="0"/>
      <await id="delivered" event="parcel.delivered" key="order_id"/>
    </sequence>
    <action id="invoice" participant="write_invoice"/>
    <foreach id="documents" select="=range(documents)" as="document" parallel="20">
      <action id="read" participant="read_document"/>
    </foreach>
    <action id="approve" participant="human:clerk" timeout="4h">
      <reminder after="1h" every="1h"><action participant="remind_clerk"/></reminder>
    </action>
  </all>
  <switch id="rating">
    <case><condition>order_id in ["1", "2"]</condition><call process="rate-customer"/></case>
    <default><delay duration="1d"/></default>
  </switch>
  <exit id="shipped" outcome="shipped"/>
</process>
"""


async def pictured(office: Office) -> None:
    """Bring the order where it needs a person."""
    await office.open()
    await office.start(PICTURED, ID, "1017", order_id="1017")
    await office.answer(ID)
    await office.later(720)
    await office.engine_event("payment.authorized", order_id="1017")
    await office.answer(ID, status="error", error="gateway timeout")
    await office.later(2)
    await office.fire()
    await office.answer(ID)
    await answer(office, "invoice")
    for _ in range(3):
        await answer(office, "ship", status="error", error="carrier: 503 Service Unavailable")
        await office.later(10)
        await office.fire()
    await answer(office, "read", 1, status="error", error="not a PDF")
    for _ in range(5):
        await answer(office, "read", 19)


async def answer(office: Office, label: str, most: int = 1, **fields: object) -> None:
    """Answer some of the attempts of one activity, oldest first."""
    assert office.engine is not None
    await office.later(1)
    copy = await copy_of(office.storage, ID)
    assert copy is not None
    definition = await office.engine.definitions.get(copy.instance.definition)
    activities: tuple[Activity, ...] = definition.activities
    waiting = [
        Answered(ID, branch.id, branch.frames[-1].activity, branch.attempt, fields)
        for branch in copy.branches.values()
        if branch.attempt is not None and activities[branch.frames[-1].activity].label == label
    ]
    for one in waiting[:most]:
        office.engine.answered(one)
    await office.engine.drain()
