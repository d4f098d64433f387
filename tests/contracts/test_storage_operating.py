"""The contract of what people ask for and look at while a daemon runs, held against every storage."""

from __future__ import annotations

import pytest
from storage_rows import (
    AT,
    TEXT,
    audit,
    commit,
    dead,
    destination,
    event,
    incident,
    instance,
    out,
    pause,
    wait,
)

from bureaucrat.ports import Cause, InstanceQuery, Storage

# commands of people


async def test_a_command_is_looked_up_by_its_number_once_it_was_carried_out(storage: Storage) -> None:
    row = audit(number=2**62, who=TEXT, detail='{"text":"č🗃"}'.encode(), reason=TEXT, answer=TEXT)
    before = await storage.audit(2**62)

    await commit(storage, audit=[row])

    assert (before, await storage.audit(2**62)) == (None, row)


async def test_of_two_rows_for_one_command_the_first_counts(storage: Storage) -> None:
    await commit(storage, audit=[audit(outcome="done")])

    await commit(storage, audit=[audit(outcome="failed")])

    assert await storage.audits() == [audit(outcome="done")]


async def test_commands_come_newest_first_and_by_instance(storage: Storage) -> None:
    rows = [audit(number=number, instance=id) for number, id in ((1, "a"), (2, ""), (3, "a"), (4, "b"), (5, "a"))]
    await commit(storage, audit=rows)

    assert [row.number for row in await storage.audits()] == [5, 4, 3, 2, 1]
    assert [row.number for row in await storage.audits(limit=2)] == [5, 4]
    assert [row.number for row in await storage.audits("a")] == [5, 3, 1]
    assert [row.number for row in await storage.audits("a", limit=2)] == [5, 3]
    assert [row.number for row in await storage.audits("")] == [2]
    assert await storage.audits("nobody") == []


# queues


async def test_what_is_known_of_a_queue_is_replaced_as_a_whole(storage: Storage) -> None:
    await commit(storage, destinations=[destination(name="b", silent_since=AT), destination(name="a", consumers=1)])

    await commit(storage, destinations=[destination(name="b", consumers=2, ready=0, checked=AT + 1)])

    assert await storage.destinations() == [
        destination(name="a", consumers=1),
        destination(name="b", consumers=2, ready=0, checked=AT + 1),
    ]


# participants that are paused


async def test_pauses_come_by_participant_and_are_replaced_and_end(storage: Storage) -> None:
    rows = [pause(participant="b"), pause(participant=TEXT, who=TEXT, reason=TEXT), pause(participant="a", reason="")]
    await commit(storage, pauses=rows)
    first = await storage.pauses()

    await commit(storage, pauses=[pause(participant="b", since=AT + 1)], pauses_gone=[("a",), ("nobody",), ("b",)])

    assert first == [rows[2], rows[0], rows[1]]
    assert await storage.pauses() == [pause(participant="b", since=AT + 1), rows[1]]


# the outbox


async def test_the_outbox_comes_by_pages(storage: Storage) -> None:
    await commit(storage, outbox=[out(number=number) for number in (3, 1, 2)])

    assert [row.number for row in await storage.outbox(2)] == [1, 2]
    assert [row.number for row in await storage.outbox(2, 2)] == [3]
    assert await storage.outbox(2, 3) == []


async def test_the_attempts_of_an_instance_that_are_still_to_be_published_are_found(storage: Storage) -> None:
    rows = [(1, "a", 7), (2, "a", None), (3, "b", 1), (4, "a", 5)]
    await commit(storage, outbox=[out(number=number, instance=id, attempt=attempt) for number, id, attempt in rows])
    await commit(storage, outbox=[out(number=5, instance="a", attempt=9, participant="mail")])

    assert await storage.outbox_of("a") == {5: "", 7: "", 9: "mail"}
    assert await storage.outbox_of("c") == {}


# events


async def test_an_event_is_found_by_its_message_id_the_newest_of_several(storage: Storage) -> None:
    await commit(storage, events=[event(number=number, id=id) for number, id in ((1, "m1"), (3, "m1"), (2, "m2"))])

    assert await storage.event("m1") == event(number=3, id="m1")
    assert await storage.event("m3") is None


async def test_whom_an_event_has_woken_comes_in_order(storage: Storage) -> None:
    consumed = [(1, "b", "", 3), (1, "a", "1.2", 3), (2, "a", "", 3), (1, "a", "1.1", 4)]
    await commit(storage, consumed=consumed)

    assert await storage.woken_by(1) == [("a", "1.1", 4), ("a", "1.2", 3), ("b", "", 3)]
    assert await storage.woken_by(1, 2) == [("a", "1.1", 4), ("a", "1.2", 3)]
    assert await storage.woken_by(3) == []


async def test_the_events_that_something_waits_for_come_each_once(storage: Storage) -> None:
    before = await storage.awaited()
    names = ["paid", "paid", "approved", "sent.ž", "paid"]
    await commit(storage, waits=[wait(activity=place, event=name) for place, name in enumerate(names)])

    assert (before, await storage.awaited()) == ([], ["approved", "paid", "sent.ž"])


# instances and definitions


async def test_definitions_in_use_are_those_of_unfinished_instances(storage: Storage) -> None:
    given = [("a", "h2", None), ("b", "h1", None), ("c", "h2", None), ("d", "h3", AT)]
    await commit(storage, instances=[instance(id=id, definition=hash, ended=ended) for id, hash, ended in given])

    assert await storage.definitions_in_use() == ["h1", "h2"]


async def test_an_instance_that_ends_uses_its_definition_no_longer(storage: Storage) -> None:
    await commit(storage, instances=[instance()])

    await commit(storage, instances=[instance(version=2, ended=AT)])

    assert await storage.definitions_in_use() == []


@pytest.mark.parametrize(
    ("query", "number"),
    [
        (InstanceQuery(), 3),
        (InstanceQuery(limit=1), 3),
        (InstanceQuery(status="faulted", limit=0), 2),
        (InstanceQuery(unfinished=True, before="c"), 1),
        (InstanceQuery(process="refund"), 0),
    ],
)
async def test_instances_are_counted_whatever_the_limit(storage: Storage, query: InstanceQuery, number: int) -> None:
    rows = [instance(id="a"), instance(id="b", status="faulted", ended=AT), instance(id="c", status="faulted")]
    await commit(storage, instances=rows)

    assert await storage.number_of(query) == number


async def test_instances_are_counted_by_status(storage: Storage) -> None:
    given = {"a": "running", "b": "completed", "c": "running"}
    await commit(storage, instances=[instance(id=id, status=status) for id, status in given.items()])

    assert await storage.statuses() == {"running": 2, "completed": 1}


# incidents by cause


async def test_incidents_are_grouped_by_what_is_the_same_in_them(storage: Storage) -> None:
    await commit(
        storage,
        instances=[instance(id="a"), instance(id="b"), instance(id="c", definition="h2")],
        incidents=[
            incident(instance="a", address="a_1", opened=AT + 1),
            incident(instance="b", address="b_1.7", opened=AT),
            incident(instance="b", number=2, address="b_1.8", opened=AT + 2),
            incident(instance="b", number=3, opened=AT, closed=AT, how="retry"),
            incident(instance="c", address="c_1", opened=AT + 3),
            incident(instance="a", number=2, address="a_1", message="other", opened=AT),
            incident(instance="missing", opened=AT),
        ],
    )

    assert await storage.causes() == [
        Cause("order", "hash", 2, "error", "refused", "no", 3, AT, AT + 2, "b", "b_1.8"),
        Cause("order", "h2", 2, "error", "refused", "no", 1, AT + 3, AT + 3, "c", "c_1"),
        Cause("order", "hash", 2, "error", "refused", "other", 1, AT, AT, "a", "a_1"),
    ]


async def test_the_incidents_of_a_cause_come_in_the_order_they_were_opened(storage: Storage) -> None:
    rows = [incident(instance=id, opened=AT - place) for place, id in enumerate(("a", "b", "c"))]
    other = incident(instance="a", number=2, kind="fault", opened=AT - 9)
    await commit(storage, instances=[instance(id=id) for id in "abc"], incidents=[*rows, other])
    cause = next(cause for cause in await storage.causes() if cause.kind == "error")

    assert await storage.incidents_of(cause, 9) == rows[::-1]
    assert await storage.incidents_of(cause, 2) == rows[:0:-1]


# dead letters


async def test_dead_letters_are_found_by_the_id_of_their_message(storage: Storage) -> None:
    rows = [dead(number=number, message_id=id, digest=str(number)) for number, id in ((1, "m1"), (2, "m2"), (3, "m1"))]
    await commit(storage, dead=rows)

    assert await storage.dead_letters(message_id="m1") == [rows[2], rows[0]]
    assert await storage.dead_letters(1, "m1") == [rows[2]]
    assert await storage.dead_letter(2) == rows[1]
    assert await storage.dead_letter(4) is None


async def test_a_dead_letter_that_is_gone_may_come_again(storage: Storage) -> None:
    await commit(storage, dead=[dead(number=1), dead(number=2, digest="d2")])

    await commit(storage, dead_gone=[1, 9], dead=[dead(number=3)])

    assert await storage.dead_letters() == [dead(number=3), dead(number=2, digest="d2")]
