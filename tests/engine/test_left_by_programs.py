"""What programs leave in the mailbox, in transactions of their own: starts by name, and events."""

from __future__ import annotations

from typing import Any

from courier import Office

from bureaucrat.engine.codec import encode_message
from bureaucrat.engine.orders import Begin, Deploy, Replay, Report
from bureaucrat.ports import InstanceQuery, MailRow

ORDER = """<process name="order" key="number">
<context><property name="number" type="int" required="yes"/></context>
<await event="paid" key="number" equals="number" property="got"/></process>"""
ONE = '<process name="one" key="= &quot;k&quot;" unique="yes"><delay duration="1000"/></process>'


async def opened(office: Office, *texts: str) -> None:
    await office.run()
    await left(office, Deploy("bea", {f"{number}.xml": text for number, text in enumerate(texts)}), number=800)


async def left(office: Office, message: Any, instance: str = "", number: int = 900) -> None:
    """Leave it, and wait until it is done with."""
    await office.storage.post(MailRow(number, instance, encode_message(message), 1.0))
    await office.emptied("mailbox")


async def statuses(office: Office) -> dict[str, str]:
    rows = await office.storage.instances(InstanceQuery())
    return {row.id: row.status for row in rows}


async def test_a_start_by_name_starts_the_instance_of_that_id_once(office: Office) -> None:
    await opened(office, ORDER)

    await left(office, Begin("order", {"number": 7}), "order-7", 900)
    await left(office, Begin("order", {"number": 8}), "order-7", 901)

    (row,) = await office.storage.instances(InstanceQuery())
    assert (row.id, row.process, row.business_key, row.status) == ("order-7", "order", "7", "running")
    assert await office.letters() == []
    assert await office.storage.audits(limit=10) == [await office.storage.audit(800)]


async def test_two_starts_with_one_id_that_come_together_start_one_instance(office: Office) -> None:
    await opened(office, ORDER)
    for number, given in ((900, 7), (901, 8)):
        message = encode_message(Begin("order@1", {"number": given}))
        await office.storage.post(MailRow(number, "order-7", message, 1.0))
    await office.emptied("mailbox")

    (row,) = await office.storage.instances(InstanceQuery())
    assert (row.id, row.business_key) == ("order-7", "7")


async def test_what_cannot_start_is_a_dead_letter_with_the_reason_and_can_be_replayed(office: Office) -> None:
    await opened(office, ORDER)

    await left(office, Begin("order", {}), "a", 900)
    await left(office, Begin("ordre", {"number": 7}), "b", 901)
    letters = await office.letters()
    await left(office, Deploy("bea", {"ordre.xml": ORDER.replace('name="order"', 'name="ordre"')}), number=902)
    (second,) = [one for one in await office.storage.dead_letters() if one.message_id == "b"]
    await left(office, Replay("bea", second.number), number=903)
    await office.emptied("mailbox")

    assert letters == [
        ("engine", "a", "process 'order' needs number; give every required property at the start"),
        ("engine", "b", "no process named 'ordre' is registered; did you mean order?"),
    ]
    assert await statuses(office) == {"b": "running"}


async def test_a_start_whose_unique_key_is_taken_is_a_dead_letter(office: Office) -> None:
    await opened(office, ONE)

    await left(office, Begin("one"), "a", 900)
    await left(office, Begin("one"), "b", 901)

    assert await statuses(office) == {"a": "running"}
    assert [(source, id) for source, id, _ in await office.letters()] == [("engine", "b")]


async def test_a_reported_event_wakes_who_waits_and_is_accepted_once(office: Office) -> None:
    await opened(office, ORDER)
    await left(office, Begin("order", {"number": 7}), "order-7", 900)

    await left(office, Report("paid", {"number": 7}, "payment-1"), number=901)
    await left(office, Report("paid", {"number": 7}, "payment-1"), number=902)
    await office.until_true(lambda: office.told("ended"))

    assert await statuses(office) == {"order-7": "completed"}
    assert len(office.storage._tables.events.find("key")) == 1
    assert [row.command for row in await office.storage.audits(limit=10)] == ["deploy"]


async def test_an_event_that_overtakes_the_start_that_was_left_before_it_wakes_the_instance(office: Office) -> None:
    """An event is taken at once, a start waits for a batch."""
    await opened(office, ORDER)
    await office.storage.post(MailRow(900, "order-7", encode_message(Begin("order", {"number": 7})), 1.0))
    await left(office, Report("paid", {"number": 7}), number=901)
    await office.until_true(lambda: office.told("ended"))

    (row,) = await office.storage.instances(InstanceQuery())
    assert (row.id, row.status, row.started) == ("order-7", "completed", 1.0)


async def test_an_event_that_no_json_can_be_is_a_dead_letter(office: Office) -> None:
    await opened(office, ORDER)
    message = encode_message(Report("paid", {"number": 7})).replace(b"7", b"1" + b"0" * 400)

    await office.storage.post(MailRow(900, "", message, 1.0))
    await office.emptied("mailbox")

    ((source, _, reason),) = await office.letters()
    assert source == "engine"
    assert reason.startswith("the event's body is no JSON: ")
