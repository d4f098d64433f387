"""What people leave in the mailbox is carried out once, and the audit log says what came of it."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from courier import Office

from bureaucrat.core.messages import Answer, Cancel, Retry, Set, Suspend
from bureaucrat.engine.codec import encode_message
from bureaucrat.engine.orders import Drop, Happened, Looked, Order, Ordered, Replay
from bureaucrat.errors import StorageUnavailable
from bureaucrat.ports import AuditRow, DeadRow, MailRow, Properties, Writes
from bureaucrat.wire import MAX_BYTES

DELAY = '<process name="p"><delay duration="1000"/></process>'
ACTION = '<process name="p"><action participant="work"/></process>'
AWAIT = '<process name="p"><await event="go" since="start" property="got"/></process>'


async def begun(office: Office, text: str = DELAY) -> None:
    await office.run()
    await office.settled(office.courier.launch(text, "a"))


async def ordered(office: Office, order: Ordered, instance: str = "", number: int = 900) -> AuditRow:
    """Leave an order, and wait for what came of it."""
    await office.storage.post(MailRow(number, instance, encode_message(order), 1.0))
    return await audited(office, number)


async def audited(office: Office, number: int = 900) -> AuditRow:
    async with asyncio.timeout(10):
        while (row := await office.storage.audit(number)) is None:
            await office.until_true(lambda: True)
            await asyncio.sleep(0)
    await office.emptied("mailbox")
    row.at = 0.0
    return row


def audit(order: Any, instance: str, outcome: str, answer: str, command: str) -> AuditRow:
    asked = order.message if isinstance(order, Order) else order
    detail = msgspec.json.encode(asked)
    return AuditRow(900, 0.0, "bea", command, instance, detail, asked.reason, outcome, answer)


async def test_an_order_is_carried_out_and_kept_in_the_audit_log(office: Office) -> None:
    await begun(office)
    order = Order("bea", Cancel("wrong order"))

    row = await ordered(office, order, "a")

    assert row == audit(order, "a", "done", "canceled", "cancel")


@pytest.mark.parametrize(
    ("order", "instance", "answer", "command"),
    [
        (Order("bea", Cancel("x")), "nobody", "there is no instance nobody", "cancel"),
        (Order("bea", Retry("", 1)), "a", "delay is no incident; it is waiting", "retry"),
        (Order("bea", Set({"inst:x": 1})), "a", "inst:x cannot be set: the names are reserved", "set"),
    ],
)
async def test_an_order_that_cannot_be_carried_out_is_refused_in_the_audit_log(
    office: Office, order: Order, instance: str, answer: str, command: str
) -> None:
    await begun(office)

    row = await ordered(office, order, instance)

    assert row == audit(order, instance, "refused", answer, command)
    assert await office.letters() == []


async def test_an_order_for_an_ended_instance_is_refused(office: Office) -> None:
    await begun(office, '<process name="p"/>')
    order = Order("bea", Suspend("stop"))

    assert await ordered(office, order, "a") == audit(order, "a", "refused", "the instance is completed", "suspend")


async def test_an_order_whose_commit_was_in_doubt_is_carried_out_once(office: Office) -> None:
    await begun(office)
    office.storage.failures = [("after", StorageUnavailable("who knows", unknown=True))]
    order = Order("bea", Set({"x": 1}))

    row = await ordered(office, order, "a")

    assert row == audit(order, "a", "done", "running", "set")
    assert len(await office.storage.audits()) == 1


async def test_who_looked_is_kept(office: Office) -> None:
    await begun(office)
    order = Looked("bea", "fields", "a complaint")

    assert await ordered(office, order, "a") == audit(order, "a", "done", "shown", "looked")


async def test_an_event_that_a_person_reports_wakes_whoever_waits(office: Office) -> None:
    await begun(office, AWAIT)
    order = Happened("bea", "go", {"n": 1}, "e1")

    row = await ordered(office, order)
    await office.until_true(lambda: office.told("ended"))

    assert row == audit(order, "", "done", "accepted", "happened")


async def test_an_event_with_a_known_id_is_refused(office: Office) -> None:
    await begun(office)
    await office.settled(office.courier.event("go", "e1"))
    order = Happened("bea", "go", {"n": 1}, "e1")

    row = await ordered(office, order)

    assert row == audit(order, "", "refused", "an event with this id was accepted before", "happened")


async def test_an_event_without_an_id_has_that_of_its_mail(office: Office) -> None:
    await begun(office)

    await ordered(office, Happened("bea", "go"))

    assert [row.id for row in office.storage._tables.events.find("key")] == ["900"]


async def test_a_dead_letter_of_a_queue_goes_through_it_again(office: Office) -> None:
    await begun(office)
    await office.settled(office.courier.message(b"nonsense", "m1"))
    (letter,) = await office.storage.dead_letters()
    order = Replay("bea", letter.number)

    row = await ordered(office, order)
    await office.emptied("outbox")

    assert row == audit(order, "", "done", "put into the queue messages again", "replay")
    sent = office.courier.sent[-1]
    assert (sent.destination, sent.body, sent.properties) == ("messages", b"nonsense", Properties(message_id="m1"))
    assert await office.letters() == []


async def test_a_dead_letter_of_the_engine_is_given_to_its_instance_again(office: Office) -> None:
    await begun(office, ACTION)
    body = encode_message(Answer("", 1, 1, {"x": 1}))
    await dead(office, DeadRow(77, 1.0, "engine", "a defect", "a", body, "d"))
    order = Replay("bea", 77)

    row = await ordered(office, order)
    await office.until_true(lambda: office.told("ended"))

    assert row == audit(order, "", "done", "given to instance a again", "replay")
    assert await office.letters() == []


async def dead(office: Office, row: DeadRow) -> None:
    async with office.storage.batch() as batch:
        await batch.commit(Writes(dead=[row]))


@pytest.mark.parametrize(
    ("row", "answer"),
    [
        (
            DeadRow(77, 1.0, "engine", "x", "a", b'["Start", {}]', "d"),
            "this message cannot be applied again; it is kept for reading only",
        ),
        (
            DeadRow(77, 1.0, "engine", "x", "a", b"nonsense", "d"),
            "this message cannot be applied again; it is kept for reading only",
        ),
        (
            DeadRow(77, 1.0, "messages", "x", "a", b"the beginning", "of the whole"),
            "only its beginning was kept, it was too large; whoever sent it has to send it again",
        ),
        (None, "there is no dead letter 77; it was replayed or dropped already"),
    ],
)
async def test_a_dead_letter_that_cannot_be_replayed_stays(office: Office, row: DeadRow | None, answer: str) -> None:
    await begun(office)
    if row is not None:
        await dead(office, row)
    order = Replay("bea", 77)

    assert await ordered(office, order) == audit(order, "", "refused", answer, "replay")
    assert await office.rows("dead_letters") == {"dead_letters": int(row is not None)}


async def test_a_body_that_is_too_large_is_kept_in_part_and_not_replayed(office: Office) -> None:
    """C3."""
    await begun(office)
    await office.settled(office.courier.message(b"x" * (MAX_BYTES + 1), "m1"))
    (letter,) = await office.storage.dead_letters()

    row = await ordered(office, Replay("bea", letter.number))

    assert (len(letter.body), letter.is_whole, row.outcome) == (1 << 20, False, "refused")


async def test_a_dead_letter_is_dropped(office: Office) -> None:
    await begun(office)
    await office.settled(office.courier.message(b"nonsense", "m1"))
    (letter,) = await office.storage.dead_letters()
    order = Drop("bea", letter.number)

    assert await ordered(office, order) == audit(order, "", "done", "dropped", "drop")
    assert await office.letters() == []


@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_order_waits_until_storage_is_back_and_is_done_once(office: Office, when: str) -> None:
    await begun(office)
    await office.emptied("outbox")
    office.storage.failures = [(when, StorageUnavailable("gone", unknown=True))]
    order = Happened("bea", "go")

    row = await ordered(office, order)

    assert row == audit(order, "", "done", "accepted", "happened")
    assert len(office.storage._tables.events.find("key")) == 1
    assert office.storage.failures == []


async def test_orders_done_before_an_outage_are_forgotten(office: Office) -> None:
    await begun(office)
    await office.emptied("outbox")
    office.storage.failures = [None, ("before", StorageUnavailable("gone"))]
    for number in (900, 901, 902):
        await office.storage.post(MailRow(number, "", encode_message(Drop("bea", 1)), 1.0))

    await audited(office, 902)

    assert office.engine._mailbox._queued == set()


async def test_an_order_that_raises_fails_in_the_audit_log_and_the_next_is_done(office: Office) -> None:
    await begun(office)
    await dead(office, DeadRow(77, 1.0, "messages", "x", "a", b"body", _sha(b"body"), b"no properties"))
    order = Replay("bea", 77)

    row = await ordered(office, order)
    after = await ordered(office, Drop("bea", 77), number=901)

    assert (row.outcome, row.answer.split(":")[0]) == ("failed", "DecodeError")
    assert after.outcome == "done"


def _sha(body: bytes) -> str:
    return sha256(body).hexdigest()


async def test_mail_that_cannot_be_read_is_set_aside_though_more_comes_meanwhile(office: Office) -> None:
    engine = await office.start()
    await office.storage.post(MailRow(900, "a", b"nonsense", 1.0))
    await office.storage.post(MailRow(901, "b", b"nonsense too", 1.0))
    commit = engine.storage.batch

    def batch() -> Any:
        engine._mailbox.post(MailRow(901, "b", b"nonsense too", 1.0))
        return commit()

    engine._mailbox.post(MailRow(900, "a", b"nonsense", 1.0))
    office.storage.batch = batch
    await engine.drain()

    assert sorted(id for _, id, _ in await office.letters()) == ["a", "b"]
    assert await office.rows("mailbox") == {"mailbox": 0}


async def test_without_a_broker_a_dead_letter_of_a_queue_is_not_replayed(office: Office) -> None:
    await begun(office)
    office.engine._mailroom._desk._row = None
    await dead(office, DeadRow(77, 1.0, "messages", "x", "a", b"body", _sha(b"body")))

    row = await ordered(office, Replay("bea", 77))

    assert row.answer == "it came from the queue 'messages', and this engine has no broker"


async def test_a_dead_letter_from_the_bus_goes_through_its_queue_again(office: Office) -> None:
    await begun(office)
    properties = msgspec.json.encode(Properties(exchange="bureaucrat.signals", message_id="m1"))
    await dead(office, DeadRow(77, 1.0, "events", "x", "m1", b"body", _sha(b"body"), properties))

    await ordered(office, Replay("bea", 77))
    await office.emptied("outbox")

    sent = office.courier.sent[-1]
    assert (sent.destination, sent.properties) == ("events", Properties(message_id="m1"))
