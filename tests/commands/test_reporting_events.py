"""``bureaucrat event``: whom it woke, or who waits for something like it."""

from __future__ import annotations

import asyncio

from operated import NOON, Office
from operated_processes import ORDER

from bureaucrat.ports import AuditRow, EventRow

A, B = (f"0199aaaa0000{letter * 4}0000000000000000" for letter in "ab")
ME = ("--who", "bea@desk")
GATE = '<process name="gate"><await id="open" event="door.opened"/></process>'


async def waiting_order(office: Office) -> None:
    """Order 1017 waits for its payment."""
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")
    await office.answer(A)


async def test_event_says_whom_it_woke(office: Office) -> None:
    await waiting_order(office)
    office.run()

    said = await office.says("event", "payment.authorized", "order_id=1017", *ME, "--reason", "by phone")

    assert (said.code, said.out) == (0, "woke 1\n  order 1017 at payment\n")
    (kept,) = await office.storage.audits()
    assert (kept.who, kept.command, kept.instance, kept.reason) == ("bea@desk", "happened", "", "by phone")


async def test_event_for_programs(office: Office) -> None:
    await waiting_order(office)
    office.run()

    said = await office.says("event", "payment.authorized", "order_id=1017", "--json")

    (kept,) = await office.storage.audits()
    assert said.json == {
        "order": kept.number,
        "outcome": "done",
        "answer": "woke 1",
        "woke": [{"instance": A, "activity": "payment"}],
    }


async def test_many_are_counted_and_some_are_named(office: Office) -> None:
    await office.open()
    for number in range(11):
        await office.start(GATE, f"{number:032x}")
    office.run()

    said = await office.says("event", "door.opened")

    lines = said.out.splitlines()
    assert lines[:2] == ["woke 11", f"  gate {0:032x} at open"]
    assert (len(lines), lines[-1]) == (12, "  and 1 more")


async def test_a_name_that_nobody_awaits_is_answered_with_the_one_that_was_meant(office: Office) -> None:
    await waiting_order(office)
    office.run()

    said = await office.says("event", "payment.authorised", "order_id=1017")

    assert said.out.splitlines() == [
        "nobody waits for payment.authorised like this; it is kept for whoever asks later",
        "  order 1017 waits for payment.authorized with order_id=1017 at payment",
        "did you mean   bureaucrat event payment.authorized order_id=1017 --db b.db",
    ]
    assert said.code == 0


async def test_a_near_name_without_a_key_is_offered_as_it_is(office: Office) -> None:
    await office.open()
    await office.start(GATE, A)
    office.run()

    said = await office.says("event", "door.open")

    assert said.out.splitlines()[1:] == [
        f"  gate {A} waits for door.opened at open",
        "did you mean   bureaucrat event door.opened --db b.db",
    ]


async def test_a_body_that_fits_nobody_is_answered_with_what_is_compared(office: Office) -> None:
    await waiting_order(office)
    office.run()

    said = await office.says("event", "payment.authorized", "order=1017")

    assert said.out.splitlines()[1:] == [
        "  payment.authorized is awaited with order_id; look   bureaucrat ps --db b.db"
    ]


async def test_what_is_awaited_is_told_when_nothing_is_near(office: Office) -> None:
    await waiting_order(office)
    office.run()

    said = await office.says("event", "x")

    assert said.out.splitlines()[1:] == ["  awaited are payment.authorized"]


async def test_it_is_told_when_nothing_is_awaited_at_all(office: Office) -> None:
    await office.open()
    office.run()

    said = await office.says("event", "x")

    assert said.out.splitlines()[1:] == ["  nothing waits for any event"]


async def test_an_event_with_an_id_is_accepted_once(office: Office) -> None:
    await office.open()
    office.run()

    first = await office.says("event", "paid", "--id", "m1")
    second = await office.says("event", "paid", "--id", "m1")

    assert first.code == 0
    assert (second.code, second.out) == (4, "refused: an event with this id was accepted before\n")


async def test_an_event_that_nobody_takes_waits_for_a_daemon(office: Office) -> None:
    await waiting_order(office)

    said = await office.says("event", "payment.authorized", "order_id=1017", "--timeout", "10ms")
    hasty = await office.says("event", "payment.authorized", "order_id=1017", "--no-wait")
    await office.sweep()

    assert said.out.splitlines() == [
        "nobody took it in 0.0 s: it seems that no daemon runs on this database; "
        "it stays and is carried out when one does",
        "see what comes of it   bureaucrat audit --db b.db",
    ]
    assert hasty.out.startswith("asked   order ")
    assert (said.code, hasty.code) == (1, 0)
    assert [row.outcome for row in await office.storage.audits()] == ["done", "done"]


async def test_an_event_that_is_still_being_offered_is_accepted_all_the_same(office: Office) -> None:
    await office.open()
    asked = asyncio.create_task(office.says("event", "paid", "--timeout", "200ms"))
    async with asyncio.timeout(10):
        while not (mail := await office.storage.mail(1)):
            pass  # each look takes a moment
    row = mail[0]
    await office.write(
        mail_gone=[row.number],
        events=[EventRow(1, str(row.number), "paid", b"{}", NOON, cursor="")],
        audit=[AuditRow(row.number, NOON, "bea", "happened", "", b"{}", "", "done", "accepted")],
    )

    said = await asked

    assert said.out.splitlines() == ["accepted; it is still being offered", "see   bureaucrat ps --db b.db"]


async def test_a_body_that_is_none_is_told(office: Office) -> None:
    await office.open()

    word, text = await office.says("event", "paid", "1017"), await office.says("event", "paid", "x=\udcff")

    assert (word.code, word.err) == (2, "bureaucrat: '1017' is no name=value\n")
    assert (text.code, text.err) == (2, "bureaucrat: the event is no JSON: x contains half of a surrogate pair\n")
