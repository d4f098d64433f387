"""Calls of registered processes: a name is looked up when the called instance starts, and nothing overtakes that."""

from __future__ import annotations

import pytest
from courier import Office
from test_desk import ordered

from bureaucrat.engine.orders import Deploy
from bureaucrat.ports import InstanceQuery, VersionRow, Writes

PART = '<process name="part"><action participant="work"/></process>'
CALLER = '<process name="p"><call process="part"><faults><default/></faults></call></process>'


async def deployed(office: Office, text: str = PART) -> None:
    await office.run()
    row = await ordered(office, Deploy("bea", {"part.xml": text}))
    assert row.answer == "part@1 deployed"


async def processes(office: Office) -> dict[str, str]:
    rows = await office.storage.instances(InstanceQuery())
    return {row.process: row.status for row in rows}


async def test_a_call_waits_until_storage_is_back_to_look_its_name_up(office: Office) -> None:
    await deployed(office)
    office.storage.unreadable = {"registered"}

    await office.settled(office.courier.launch(CALLER, "a"))
    (sent,) = await office.sent(1)
    await office.settled(office.courier.answer(sent))
    await office.emptied("mailbox")

    assert await processes(office) == {"p": "completed", "part": "completed"}
    assert office.storage.unreadable == set()


async def test_a_cancel_that_comes_while_the_name_is_looked_up_ends_the_called_instance(office: Office) -> None:
    await deployed(office)
    office.storage.unreadable = {"registered"}
    await office.settled(office.courier.launch(CALLER, "a"), office.courier.cancel("a"))
    await office.until_true(lambda: len(office.told("ended")) == 2)
    await office.emptied("mailbox")

    assert await processes(office) == {"p": "canceled", "part": "canceled"}


@pytest.mark.parametrize("source", [None, "<process name='part'><nothing/></process>"])
async def test_a_registered_definition_that_cannot_be_read_throws_at_the_call(
    office: Office, source: str | None
) -> None:
    await office.run()
    writes = Writes(versions=[VersionRow("part", 1, "hash", 1.0, "bea")])
    if source is not None:
        await deployed(office)
        (row,) = office.storage._tables.definitions.find("key")
        row.source = source
        office.storage._tables.definitions.put(row)
        await office.restart()
        writes = Writes()
    await office.storage.batch().commit(writes)

    await office.settled(office.courier.launch(CALLER.replace("<default/>", '<case code="InvalidDefinition"/>'), "a"))
    await office.until_true(lambda: office.told("ended"))

    assert await processes(office) == {"p": "completed"}
