"""What goes to the broker: written with the commit, published after it, deleted once the broker has it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from courier import DEAD, MemoryCourier, Office, Sent

from bureaucrat.errors import StorageUnavailable
from bureaucrat.ports import Properties, Writes

ACTION = '<process name="p"><action participant="work"/></process>'
TWO = '<process name="p"><all><action participant="x"/><action participant="y"/></all></process>'
TIMED = '<process name="p"><action participant="work" timeout="10" retries="2" delay="1"/></process>'
DELAY = '<process name="p"><delay duration="1000"/></process>'


async def begun(office: Office, text: str = ACTION, id: str = "a") -> None:
    await office.run()
    await office.settled(office.courier.launch(text, id))


async def status(office: Office, id: str = "a") -> str:
    return (await office.storage.instance(id)).status


def outbox(office: Office) -> Any:
    return office.engine._exchange.outbox


async def test_an_attempt_is_a_row_of_the_commit_and_leaves_after_it(office: Office) -> None:
    office.courier.confirms = False
    await begun(office)
    (sent,) = await office.sent(1)

    rows = {row.number: row for row in await office.storage.outbox(10)}

    row = rows[sent.number]
    assert (row.destination, row.instance, row.attempt, row.priority) == ("worker_work", "a", 1, None)
    assert sent.body == {
        "header": {
            "message": "response",
            "target": "a_0",
            "origin": "a_0",
            "token": sent.token,
            "key": "a/2",
            "participant": "work",
            "attempt": 1,
        },
        "fields": {"inst:id": "a", "inst:name": "p"},
    }
    assert sent.properties == Properties(message_id=sent.token, content_type="application/x-bureaucrat-workitem")


async def test_nothing_leaves_if_the_commit_fails(office: Office) -> None:
    await office.run()
    office.storage.failures = [("before", StorageUnavailable("gone"))] * 3

    handed = office.courier.launch(ACTION, "a")
    await office.until_true(lambda: len(office.storage.failures) == 1)
    before = (handed.settled, list(office.courier.sent))
    await office.settled(handed)

    assert before == (0, [])
    assert len(await office.sent(1)) == 1


async def test_rows_are_deleted_once_the_broker_has_them(office: Office) -> None:
    office.courier.confirms = False
    await begun(office)
    await office.sent(1)
    await office.swept()
    before = await office.rows("outbox")

    office.courier.confirm()
    await office.emptied("outbox")

    assert before == {"outbox": 2}  # the attempt, and the notice of the start
    assert (outbox(office).size, outbox(office).has_confirmed) == (0, False)
    assert office.engine.figures.published == 2


async def test_confirmed_rows_are_deleted_with_the_next_batch(office: Office) -> None:
    office.settings = replace(office.settings, sweep=3_600.0)
    await begun(office)
    await office.sent(1)
    office.storage.commits.clear()

    await office.settled(office.courier.launch(DELAY, "b"))

    assert [len(writes.outbox_gone) for writes in office.storage.commits] == [2]


async def test_rows_stay_to_be_deleted_if_the_commit_that_should_have_fails(office: Office) -> None:
    office.courier.confirms = False
    await begun(office)
    await office.sent(1)
    office.storage.failures = [("before", StorageUnavailable("gone"))] * 3

    office.courier.confirm()
    await office.emptied("outbox")

    assert office.storage.failures == []
    assert len(office.courier.attempts()) == 1


async def test_a_restart_publishes_what_the_broker_did_not_get(office: Office) -> None:
    office.courier.is_away = True
    await begun(office)
    await office.swept()

    await office.restart()

    (sent,) = await office.sent(1)
    await office.settled(office.courier.answer(sent, x=1))
    assert await status(office) == "completed"


async def test_a_row_that_is_published_again_is_the_same_message(office: Office) -> None:
    office.courier.confirms = False
    await begun(office)
    (first,) = await office.sent(1)

    await office.restart()

    assert await office.sent(2) == [first, first]


async def test_loading_publishes_nothing_twice(office: Office) -> None:
    office.courier.confirms = False
    await begun(office)
    await office.sent(1)

    unconfirmed = await outbox(office).load()
    outbox_of = outbox(office)
    office.courier.confirm()
    confirmed = await outbox_of.load()

    assert (unconfirmed, confirmed) == (0, 0)
    assert len(office.courier.attempts()) == 1


async def test_loading_publishes_nothing_twice_though_it_is_confirmed_meanwhile(office: Office) -> None:
    office.courier.confirms = False
    await begun(office)
    await office.sent(1)
    read = office.storage.outbox

    async def slow(limit: int, after: int = 0, but: Any = ()) -> list[Any]:
        rows = await read(limit, after)
        office.courier.confirm()
        return rows

    office.storage.outbox = slow
    await outbox(office).load()
    await office.emptied("outbox")

    assert len(office.courier.attempts()) == 1


async def test_loading_publishes_nothing_twice_though_its_deletion_is_under_way(office: Office) -> None:
    office.settings = replace(office.settings, sweep=3_600.0)
    await begun(office)
    await office.sent(1)

    seeded = outbox(office).seed(Writes())
    found = await outbox(office).load()
    outbox(office).failed(seeded)

    assert (len(seeded), found) == (2, 0)


async def test_loading_publishes_nothing_twice_though_it_is_deleted_meanwhile(office: Office) -> None:
    office.settings = replace(office.settings, sweep=3_600.0)
    await begun(office)
    await office.sent(1)
    read = office.storage.outbox

    async def slow(limit: int, after: int = 0, but: Any = ()) -> list[Any]:
        rows = await read(limit, after)
        await office.engine._exchange._flush()
        return rows

    office.storage.outbox = slow
    found = await outbox(office).load()

    assert found == 0
    assert len(office.courier.attempts()) == 1


async def test_a_commit_of_unknown_outcome_is_found_and_published(office: Office) -> None:
    await office.run()
    office.storage.failures = [("after", StorageUnavailable("who knows", unknown=True))]

    await office.settled(office.courier.launch(ACTION, "a"))

    (sent,) = await office.sent(1)
    await office.settled(office.courier.answer(sent))
    assert await status(office) == "completed"


async def test_an_attempt_that_ends_before_it_has_left_does_not_leave(office: Office) -> None:
    office.courier.is_away = True
    await begun(office)
    number = outbox(office)._attempts["a", 1]

    await office.settled(office.courier.cancel("a"))
    office.courier.back()
    await office.emptied("outbox")

    assert office.courier.discarded == [number]
    assert office.courier.attempts() == []


async def test_attempts_of_one_batch_leave_by_priority(office: Office) -> None:
    actions = "".join(f'<action participant="p{n}" priority="{n}"/>' for n in (1, 9, 5))
    await begun(office, f'<process name="p"><all>{actions}<action participant="p0"/></all></process>')
    await office.sent(1, "p0")

    order = [(one.destination, one.priority) for one in office.courier.sent if one.destination.startswith("worker")]

    assert order == [("worker_p9", 9), ("worker_p5", 5), ("worker_p1", 1), ("worker_p0", None)]


async def test_nothing_is_taken_in_while_the_outbox_is_full_and_then_it_goes_on(office: Office) -> None:
    office.settings = replace(office.settings, outbox_limit=4)
    office.courier.confirms = False
    await begun(office)
    await begun_more(office, "b")

    third = office.courier.launch(ACTION, "c")
    answer = office.courier.answer((await office.sent(1))[0])
    await office.swept(3)
    before = (third.settled, answer.settled, await office.storage.instance("c"))
    office.courier.confirms = True
    office.courier.confirm()
    await office.settled(third, answer)

    assert before == (0, 0, None)
    assert (await status(office, "a"), await status(office, "c")) == ("completed", "running")


async def test_a_few_large_rows_fill_the_outbox_as_well(office: Office) -> None:
    """They are all in memory."""
    office.settings = replace(office.settings, outbox_bytes=100_000)
    office.courier.confirms = False
    await office.run()
    await office.settled(office.courier.launch(ACTION, "a", fields={"x": "x" * 110_000}))
    await office.sent(1)
    before = outbox(office).is_full

    office.courier.confirm()
    await office.until_true(lambda: outbox(office).size == 0)

    assert (before, outbox(office).is_full) == (True, False)


async def test_what_waits_for_a_missing_queue_does_not_fill_the_outbox(office: Office) -> None:
    """Others go on, but not without end: ten times as much may wait."""
    office.settings = replace(office.settings, outbox_limit=2)
    office.courier.absent = {"worker_work"}
    await office.run()
    before = [office.courier.launch(ACTION, f"a{number}") for number in range(20)]
    await office.settled(*before)
    await office.swept()
    assert (outbox(office).size, outbox(office).is_full) == (20, True)

    late = office.courier.launch(DELAY, "late")
    await office.swept()
    settled_before = late.settled
    office.courier.absent = set()
    office.courier.back()
    await office.settled(late)

    assert settled_before == 0
    assert len(await office.sent(20)) == 20


async def begun_more(office: Office, id: str) -> None:
    await office.settled(office.courier.launch(ACTION, id))


async def test_an_outage_of_the_broker_costs_no_tries(office: Office) -> None:
    office.courier.is_away = True
    await begun(office, TIMED)
    for instant in range(1_005, 1_205, 5):
        office.clock.advance_to(instant)
        await office.swept()

    office.courier.back()
    (sent,) = await office.sent(1)
    handed = office.courier.answer(sent, x=1)
    await office.settled(handed)

    assert (sent.body["header"]["attempt"], await status(office)) == (1, "completed")
    assert office.told("failed", "incident") == []


async def test_the_time_of_an_attempt_counts_once_it_has_left(office: Office) -> None:
    office.courier.is_away = True
    await begun(office, TIMED)
    office.clock.advance_to(1_100.0)
    await office.swept()
    office.courier.back()
    await office.sent(1)

    office.clock.advance_to(1_111.0)
    await office.until_true(lambda: office.told("failed"))

    assert office.told("failed") == ["failed"]


async def test_a_participant_of_no_known_kind_is_an_incident_also_after_a_restart(office: Office) -> None:
    office.courier.unknown = {"work"}
    await begun(office)
    await office.until_true(lambda: office.told("incident"))

    (incident,) = await office.storage.incidents("a")

    assert (incident.kind, incident.message) == ("unroutable", "nobody serves the participant 'work'")


async def test_a_participant_of_no_known_kind_is_an_incident_though_the_process_dies(office: Office) -> None:
    office.courier.unknown = {"work"}
    engine = await office.start()
    handed = office.courier.launch(ACTION, "a")
    batch = asyncio.create_task(engine._exchange._intake._chunk())
    await batch
    await engine._pipeline.fly(engine._pipeline.take(), engine._batches.collector())
    assert handed.settled == 1

    await office.restart()
    await office.until_true(lambda: office.told("incident"))

    (incident,) = await office.storage.incidents("a")
    assert incident.kind == "unroutable"


async def test_an_attempt_that_cannot_be_made_a_message_harms_nobody_else(office: Office) -> None:
    text = '<process name="p"><action participant="=&quot;x&quot; * 300"/></process>'
    await office.run()

    handed = [office.courier.launch(text, "bad"), *(office.courier.launch(ACTION, f"i{n}") for n in range(5))]
    await office.settled(*handed)
    await office.until_true(lambda: office.told("incident"))

    (incident,) = await office.storage.incidents()
    assert (incident.instance, incident.kind) == ("bad", "unroutable")
    assert incident.message == "the attempt cannot be sent: ValueError: no queue has a name of 307 characters"
    assert [one.settled for one in handed] == [1] * 6
    assert await office.letters() == []


async def test_a_lost_queue_gets_again_what_went_there_and_nothing_else(office: Office) -> None:
    await begun(office, TWO)
    await office.sent(1, "x")
    await office.sent(1, "y")

    office.courier.lose("worker_x")
    await office.settled(office.courier.launch(TWO, "b"))
    await office.sent(3, "x")
    await office.swept(3)

    tokens = [one.token for one in office.courier.attempts("x")]
    assert [tokens.count(token) for token in dict.fromkeys(tokens)] == [2, 1]
    assert len(office.courier.attempts("y")) == 2


async def test_what_waits_elsewhere_is_not_touched_when_a_queue_is_lost(office: Office) -> None:
    """Nor is the step of an instance repeated that asks nobody there."""
    await office.run()
    for id, participant in (("a", "x"), ("b", "y"), ("c", "x")):
        await office.settled(
            office.courier.launch(f'<process name="p"><action participant="{participant}"/></process>', id)
        )
    await office.sent(2, "x")
    await office.sent(1, "y")
    before = {id: (await office.storage.instance(id)).version for id in "abc"}

    office.courier.lose("worker_x")
    await office.sent(4, "x")
    await office.swept()

    after = {id: (await office.storage.instance(id)).version for id in "abc"}
    assert after == {"a": before["a"] + 1, "b": before["b"], "c": before["c"] + 1}


async def test_what_an_older_version_wrote_is_sent_again_too_when_its_queue_is_lost(office: Office) -> None:
    """It did not write whom attempts are for."""
    await office.run()
    for id, participant in (("a", "x"), ("b", "y")):
        await office.settled(
            office.courier.launch(f'<process name="p"><action participant="{participant}"/></process>', id)
        )
        branches = (await office.storage.branches(id)).branches
        await office.storage.batch().commit(Writes(branches=[replace(row, participant="") for row in branches]))
    await office.sent(1, "x")
    await office.sent(1, "y")

    office.courier.lose("worker_x")
    await office.sent(2, "x")
    await office.swept()

    assert [len(office.courier.attempts(name)) for name in ("x", "y")] == [2, 1]
    assert [row.participant for row in await office.storage.attempts(9)] == ["x", "y"]


async def test_the_queues_that_attempts_wait_in_are_known_at_a_start_whoever_named_them(office: Office) -> None:
    """One that was lost while nobody ran is noticed when it is made anew."""
    await office.run()
    text = (
        '<process name="p"><context><property name="who" type="str"/></context><action participant="= who"/></process>'
    )
    await office.settled(*(office.courier.launch(text, id, fields={"who": f"agent-{id}"}) for id in "abc"))
    await office.sent(1, "agent-c")
    (sent,) = office.courier.attempts("agent-a")
    await office.settled(office.courier.answer(sent))
    await office.die()
    office.courier = MemoryCourier()
    office.courier.unknown = {"agent-c"}

    await office.start()

    assert ([], []) in office.courier.learned  # the definition names nobody
    assert (["agent-b"], []) in office.courier.learned


async def test_what_a_lost_queue_gets_again_can_be_answered(office: Office) -> None:
    await begun(office)
    (first,) = await office.sent(1)

    office.courier.lose("worker_work")
    again = (await office.sent(2))[1]
    await office.settled(office.courier.answer(again, x=1))

    assert (again.token, await status(office)) == (first.token, "completed")


async def test_two_queues_that_are_lost_one_after_the_other_get_both_what_was_in_them(office: Office) -> None:
    engine = await office.start()
    office.running = asyncio.create_task(engine.run())
    await office.settled(office.courier.launch(TWO, "a"))
    await office.sent(1, "x")
    await office.sent(1, "y")

    await engine._recovery.recover_attempts(frozenset({"worker_x"}))
    await engine._recovery.recover_attempts(frozenset({"worker_y"}))

    await office.sent(2, "x")
    await office.sent(2, "y")


async def test_all_is_sent_again_though_a_queue_was_lost_at_the_same_time(office: Office) -> None:
    await begun(office, TWO)
    await office.sent(1, "x")
    await office.sent(1, "y")
    recovery = office.engine._recovery

    await recovery.recover_attempts(None)
    await recovery.recover_attempts(frozenset({"worker_x"}))

    await office.sent(2, "y")


async def test_lost_answers_are_asked_for_again(office: Office) -> None:
    await begun(office, TWO)
    await office.sent(1, "x")
    await office.sent(1, "y")

    office.courier.lose(None)
    office.courier.lose("worker_x")
    await office.sent(2, "x")
    await office.sent(2, "y")
    await office.swept(3)

    assert [len({one.token for one in office.courier.attempts(name)}) for name in "xy"] == [1, 1]
    assert [len(office.courier.attempts(name)) for name in "xy"] == [2, 2]


@pytest.mark.parametrize("lost", ["worker_work", None])
async def test_what_was_lost_is_sent_again_though_storage_is_away_then(office: Office, lost: str | None) -> None:
    await begun(office)
    await office.sent(1)

    office.storage.unreadable.add("attempts")
    office.courier.lose(lost)

    await office.sent(2)
    assert office.storage.unreadable == set()


async def test_what_left_since_a_queue_was_made_anew_is_not_kept_for_ever(office: Office) -> None:
    await begun(office)
    await office.sent(1)
    office.courier.lose("worker_work")
    await office.sent(2)
    await office.swept(3)

    for number in range(20):
        await office.settled(office.courier.launch(ACTION, f"i{number}"))
    await office.sent(22)

    assert outbox(office)._since == {}


async def test_an_attempt_that_can_never_be_sent_is_an_incident(office: Office) -> None:
    """Its row is gone with it; others go on."""
    office.courier.refuses = {"worker_x"}
    await begun(office, TWO)
    await office.sent(1, "y")
    await office.swept()

    await office.emptied("outbox", "mailbox")

    incidents = [(one.address, one.kind, one.message) for one in await office.storage.incidents("a")]
    assert incidents == [("a_0_0", "unroutable", "the attempt cannot be sent: it is too long")]
    assert await office.letters() == []


async def test_another_message_that_can_never_be_sent_is_a_dead_letter(office: Office) -> None:
    """Also if storage is away just then."""
    office.courier.refuses = {"long"}
    await office.run()
    office.storage.failures = [None, ("before", StorageUnavailable("gone"))]

    await office.settled(office.courier.launch('<process name="p"><signal event="long"/></process>', "a"))
    await office.swept(3)
    await office.emptied("outbox")

    assert await office.letters() == [("engine", "", "it cannot be sent to long: it is too long")]
    assert office.engine.figures.dead_letters == 1
    assert await status(office) == "completed"


async def test_a_dead_letter_is_copied_to_the_broker(office: Office) -> None:
    await office.run()

    await office.settled(office.courier.message(b"nonsense", "m1"))
    await office.until_true(office.courier.dead_copies)

    (copy,) = office.courier.dead_copies()
    ((_, _, reason),) = await office.letters()
    headers = {"reason": reason, "source": "messages"}
    assert (copy.destination, copy.body, copy.properties) == (
        DEAD,
        b"nonsense",
        Properties(message_id="m1", headers=headers),
    )


async def test_stopping_lets_confirms_come_and_forgets_their_rows(office: Office) -> None:
    office.courier.confirms = False
    await begun(office)
    await office.sent(1)

    await office.stop()

    assert (office.courier.is_paused, office.courier.is_stopped) == (True, True)
    assert await office.rows("outbox") == {"outbox": 0}


async def test_stopping_loses_nothing_that_was_taken(office: Office) -> None:
    office.settings = replace(office.settings, batch=2)
    await office.run()

    handed = [office.courier.launch(ACTION, f"i{number}") for number in range(10)]
    await office.settled(handed[0])
    await office.stop()

    there = [await office.storage.instance(f"i{number}") is not None for number in range(10)]
    assert [one.settled == 1 for one in handed] == there


async def test_stopping_while_storage_is_away_raises_nothing_and_keeps_the_rows(office: Office) -> None:
    office.courier.confirms = False
    office.settings = replace(office.settings, sweep=3_600.0)
    await begun(office)
    await office.sent(1)
    office.storage.failures = [("before", StorageUnavailable("gone"))] * 100

    await office.stop()

    assert await office.rows("outbox") == {"outbox": 2}


async def test_a_running_engine_sweeps(office: Office) -> None:
    office.settings = replace(office.settings, sweep=0.01)
    await begun(office)

    await office.emptied("outbox")

    assert isinstance(office.courier.sent[0], Sent)


async def test_a_queue_that_is_lost_after_a_restart_gets_again_what_went_there_before(office: Office) -> None:
    await begun(office)
    await office.sent(1)
    office.courier.shown = {"worker_work": (1, 0)}
    await office.engine._exchange._stalls.look()
    await office.restart()

    office.courier.lose("worker_work")

    assert len(await office.sent(2)) == 2


async def test_a_queue_that_is_new_gets_nothing_again(office: Office) -> None:
    await begun(office)
    await office.sent(1)

    office.courier.lose("worker_new")
    await office.swept(3)

    assert len(office.courier.attempts()) == 1
    assert outbox(office)._since == {}


async def look(office: Office) -> None:
    office.courier.shown = {"worker_work": (1, 0)}
    await office.engine._exchange._stalls.look()


async def test_a_queue_of_others_that_was_made_again_gets_again_what_went_there(office: Office) -> None:
    """Between two looks, or after it was looked for in vain; with the same token, and not what left in between."""
    await begun(office)
    await office.sent(1)
    await look(office)
    inbound = office.courier.inbound

    inbound.back("worker_work", is_anew=True)
    await office.sent(2)
    await office.swept(3)
    inbound.gone("worker_work")
    await office.settled(office.courier.launch(ACTION, "later"))
    await office.sent(3)
    inbound.back("worker_work", is_anew=True)
    await office.sent(4)
    await office.swept(3)

    tokens = [one.token for one in office.courier.attempts()]
    assert [tokens.count(token) for token in dict.fromkeys(tokens)] == [3, 1]
    assert outbox(office)._since == {}


async def test_a_queue_of_others_that_is_seen_for_the_first_time_has_lost_nothing(office: Office) -> None:
    await begun(office)
    await office.sent(1)

    office.courier.inbound.back("worker_work", is_anew=True)
    await office.swept(3)

    assert len(office.courier.attempts()) == 1


async def test_a_queue_of_others_that_is_the_same_as_before_has_lost_nothing(office: Office) -> None:
    """It could not be seen for a while, or another daemon has seen to it."""
    await begun(office)
    await office.sent(1)
    await look(office)

    office.courier.inbound.gone("worker_work")
    office.courier.inbound.back("worker_work", is_anew=False)
    await office.swept(3)

    assert len(office.courier.attempts()) == 1
    assert outbox(office)._since == {}


async def test_an_attempt_that_was_ended_is_revoked_if_it_has_left(office: Office) -> None:
    """Who has not begun with it need not; one that has not left is taken back."""
    await begun(office, TIMED)
    (sent,) = await office.sent(1)
    office.courier.confirms = False
    office.courier.is_away = True
    await office.settled(office.courier.launch(ACTION, "b"))
    await office.settled(office.courier.cancel("b"))
    before = list(office.courier.revoked)
    await office.settled(office.courier.cancel("a"))

    assert before == []
    assert office.courier.revoked == [("work", sent.token)]
