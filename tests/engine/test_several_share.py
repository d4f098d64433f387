"""Several engines on one storage: whose what is, and who takes it when its owner is gone."""

from __future__ import annotations

import functools
import operator

import pytest
from courier import Office
from several import ACTION, NOON, Crew, id_for, number_of, others, owner, storage_of

from bureaucrat.clock import CorrectedClock, ManualClock
from bureaucrat.core.messages import Cancel, TimerFired
from bureaucrat.engine.delivery import Delivery
from bureaucrat.engine.members import Members
from bureaucrat.engine.numbers import numbers_of
from bureaucrat.engine.orders import Drop, Happened, Order
from bureaucrat.errors import StorageUnavailable
from bureaucrat.ports import MailRow, Writes, maker_of
from bureaucrat.storage.memory_shared import SharedMemory

DELAY = '<process name="p"><delay duration="{seconds}"/></process>'
AWAIT = '<process name="p"><await event="paid"/></process>'


def fired(crew: Crew) -> dict[int, int]:
    """How many timers each has put on its queue and found over, and spared."""
    return {number_of(one): one.engine.figures.timers_stale for one in crew.offices}


# numbers and members


async def test_each_numbers_its_rows_as_the_member_it_is(crew: Crew) -> None:
    one, two = await crew.gather(2)

    await crew.launch(one, ACTION, "a")
    await crew.launch(two, ACTION, "b")

    makers = {row.instance: maker_of(row.number) for row in await one.storage.outbox(9)}
    assert makers == {"a": number_of(one), "b": number_of(two)}


async def test_who_has_lost_its_session_goes_on_as_another_member(crew: Crew) -> None:
    one, two = await crew.gather(2)
    before = number_of(one)
    crew.memory.lose(storage_of(one))

    await crew.sweep()
    await crew.launch(one, ACTION, "a")

    assert number_of(one) not in (before, number_of(two))
    assert {maker_of(row.number) for row in await one.storage.outbox(9)} == {number_of(one)}
    assert two.engine._members.others == {number_of(one)}


async def test_who_was_frozen_looks_who_it_is_before_it_goes_on(crew: Crew) -> None:
    one, _ = await crew.gather(2)
    crew.memory.lose(storage_of(one))
    crew.pass_time(6.0)

    await one.run()
    await one.until_true(lambda: number_of(one) == 3)

    assert one.engine._members.number == 3


async def test_a_frozen_batch_finds_its_locks_gone_and_does_no_harm(crew: Crew) -> None:
    one, two = await crew.gather(2)
    await crew.launch(one, ACTION, "a")
    (sent,) = one.courier.attempts()
    async with one.storage.batch() as frozen:
        await frozen.lock(["a"])
        crew.memory.lose(storage_of(one))

        two.courier.answer(sent, status="done")
        await crew.work(two)
        with pytest.raises(StorageUnavailable):
            await frozen.commit(Writes(branches_gone=[("a", "")]))

    assert await crew.status("a") == "completed"


async def test_the_clock_of_each_is_that_of_the_storage() -> None:
    inner = ManualClock(500.0)
    clock = CorrectedClock(inner)
    storage = SharedMemory(lambda: NOON).storage()
    await storage.open()
    members = Members(storage, clock, numbers_of(clock))

    await members.look()

    assert clock.now() == pytest.approx(NOON, abs=0.01)


async def test_a_copy_that_another_has_changed_since_is_not_judged_on(crew: Crew) -> None:
    one, two = await crew.gather(2)
    body = '<action name="a" participant="work"/><action name="b" participant="work"/>'
    await crew.launch(one, f'<process name="p">{body}</process>', "a")
    (first,) = one.courier.attempts()
    two.courier.answer(first, status="done")
    await crew.work(two)

    one.courier.answer(first, status="done", late="yes")  # its copy still waits for this attempt
    await crew.work(one)

    assert one.engine._batches.cached == 1
    assert "late" in await crew.history("a")
    assert [len(sent) for sent in crew.sent().values()] == [1, 1]


# the outbox


async def test_what_the_living_have_to_publish_is_theirs(crew: Crew) -> None:
    one, two = await crew.gather(2)
    one.courier.is_away = True
    await crew.launch(one, ACTION, "a")

    await crew.sweep(two, times=12)

    assert two.courier.sent == []


async def test_what_the_dead_had_to_publish_is_shared_out_and_published_once(crew: Crew) -> None:
    one, two, three = await crew.gather(3)
    one.courier.is_away = True
    for number in range(20):
        await crew.launch(one, ACTION, f"i{number}")
    crew.kill(one)

    await crew.sweep(two, three)

    published = [[sent.body["header"]["target"] for sent in office.courier.attempts()] for office in (two, three)]
    assert sorted(functools.reduce(operator.iadd, published, [])) == sorted(f"i{number}_0" for number in range(20))
    assert all(published)
    await crew.sweep(times=2)
    assert await crew.memory.storage().outbox(99) == []


async def test_what_the_dead_have_committed_after_their_death_was_seen_is_found(crew: Crew) -> None:
    one, two = await crew.gather(2)
    one.courier.is_away = True
    crew.kill(one)
    await crew.sweep(two)
    await crew.launch(one, ACTION, "a")  # a frozen engine, whose connections were not ended

    await crew.sweep(two, times=5)

    assert len(two.courier.attempts()) == 1


async def test_an_attempt_that_another_has_ended_may_leave_all_the_same_and_is_answered_late(crew: Crew) -> None:
    one, two = await crew.gather(2)
    one.courier.is_away = True
    await crew.launch(one, ACTION, "a")
    two.engine.put(Delivery("a", Cancel("enough")))
    await crew.work(two)
    before = await one.storage.outbox(9)

    one.courier.back()
    (sent,) = one.courier.attempts()
    two.courier.answer(sent, status="done")
    await crew.sweep()

    assert ([row for row in before if row.attempt], await crew.status("a")) == ([], "canceled")
    assert await one.storage.outbox(9) == []


# timers


def _tries(rows: list[str]) -> int:
    return rows.count("dispatched")


async def test_a_timeout_costs_no_try_while_the_attempt_waits_in_the_outbox_of_the_dead(crew: Crew) -> None:
    one, two = await crew.gather(2)
    one.courier.is_away = two.courier.is_away = True
    await crew.launch(one, ACTION.replace("600", "40"), "a")
    before = await one.storage.branches("a")
    crew.kill(one)
    two.engine._exchange.outbox.load = _nothing  # it has not come to it yet

    for _ in range(6):
        crew.pass_time(10.0)
        await crew.sweep()
    after = await two.storage.branches("a")

    assert before.branches[0].attempt == after.branches[0].attempt
    assert await crew.history("a", "timed_out", "incident") == []


async def _nothing(but: object = None) -> int:
    return 0


async def test_timers_are_fired_once_by_those_they_fall_to(crew: Crew) -> None:
    offices = await crew.gather(3)
    names = [f"i{number}" for number in range(30)]
    for number, name in enumerate(names):
        await crew.launch(offices[number % 3], DELAY.format(seconds=100), name)

    for _ in range(11):
        crew.pass_time(10.0)
        await crew.sweep()

    assert {await crew.status(name) for name in names} == {"completed"}
    assert fired(crew) == {1: 0, 2: 0, 3: 0}
    assert sum(office.engine.figures.overdue_taken for office in offices) == 0
    assert all(office.engine.figures.transitions > 0 for office in offices)


async def test_a_short_timer_is_fired_by_who_has_armed_it(crew: Crew) -> None:
    one, two = await crew.gather(2)
    id = id_for(crew, two)
    await crew.launch(one, DELAY.format(seconds=3), id)

    crew.pass_time(3.1)
    await crew.sweep(two)
    before = await crew.status(id)
    await crew.sweep(one)

    assert (before, await crew.status(id)) == ("running", "completed")


async def test_a_timer_that_nobody_fires_is_fired_by_anybody(crew: Crew) -> None:
    one, two = await crew.gather(2)
    id = id_for(crew, two)
    await crew.launch(one, DELAY.format(seconds=3), id)

    crew.pass_time(5.1)
    await crew.sweep(two)

    assert (await crew.status(id), two.engine.figures.overdue_taken) == ("completed", 1)


async def test_the_timers_of_the_dead_fall_to_the_living_at_once(crew: Crew) -> None:
    one, two = await crew.gather(2)
    id = id_for(crew, one)
    await crew.launch(one, DELAY.format(seconds=100), id)
    crew.pass_time(90.0)
    crew.kill(one)
    await crew.sweep(two)

    crew.pass_time(10.1)
    await two.engine._alarms.fire()
    await crew.work(two)

    assert await crew.status(id) == "completed"


async def test_a_timer_that_another_has_ended_is_spared(crew: Crew) -> None:
    one, two = await crew.gather(2)
    id = id_for(crew, one)
    await crew.launch(one, ACTION.replace("600", "9"), id)
    two.courier.answer(*one.courier.attempts(), status="done")
    await crew.work(two)

    crew.pass_time(9.1)
    await crew.sweep(one)

    assert (one.engine.figures.timers_spared, one.engine.figures.timers_stale) == (1, 0)


async def test_of_two_that_fire_one_timer_the_second_finds_it_gone(crew: Crew) -> None:
    one, two = await crew.gather(2)
    await crew.launch(one, DELAY.format(seconds=3), "a")
    (due,) = await one.storage.due(NOON + 99.0, 9)
    crew.pass_time(3.1)

    for office in (one, two):
        office.engine.put(Delivery("a", TimerFired(due.branch, due.at)))
        await crew.work(office)

    assert (await crew.history("a")).count("completed") == 2  # the delay, and the process


# mail


async def test_mail_of_the_living_is_theirs_and_that_of_the_dead_is_found_by_the_next_sweep(crew: Crew) -> None:
    one, two = await crew.gather(2)
    await crew.launch(one, ACTION, "a")
    number = one.numbers()
    text = await _mail_text(Cancel("enough"))
    async with one.storage.batch() as batch:
        await batch.commit(Writes(mail=[MailRow(number, "a", text, NOON)]))

    await crew.sweep(two, times=2)
    before = await crew.status("a")
    crew.kill(one)
    await crew.sweep(two)

    assert (before, await crew.status("a")) == ("running", "canceled")


async def _mail_text(message: object) -> bytes:
    from bureaucrat.engine.codec import encode_message

    return encode_message(message)


async def test_mail_of_another_process_wakes_all_and_is_done_once(crew: Crew) -> None:
    offices = await crew.gather(3)
    await crew.launch(offices[0], ACTION, "a")
    id = await crew.post(Order("al", Cancel("enough")), "a")
    were_woken = [office.engine._mailbox.has_news for office in offices]

    await crew.work()  # without a sweep
    await crew.sweep(times=2)

    assert were_woken == [True, True, True]
    assert await crew.status("a") == "canceled"
    assert [row.number for row in await crew.memory.storage().audits()] == [id]
    assert sum(office.engine.figures.passed_over for office in offices) == 0


async def test_mail_that_lies_is_taken_by_anybody(crew: Crew) -> None:
    one, _two = await crew.gather(2)
    await crew.launch(one, ACTION, "a")
    await crew.post(Order("al", Cancel("enough")), "a")
    slow, quick = owner(crew, "a"), others(crew, owner(crew, "a"))[0]

    statuses = []
    for _ in range(3):
        await crew.sweep(quick)
        statuses.append(await crew.status("a"))
        crew.pass_time(1.1)

    assert statuses == ["running", "running", "canceled"]
    assert slow.engine.figures.transitions == 0 or slow is one


async def test_an_order_for_nobody_is_carried_out_once(crew: Crew) -> None:
    offices = await crew.gather(3)
    number = await crew.post(Happened("al", "paid", {"amount": 3}))

    for office in offices:
        await office.engine._recovery.fetch_mail()
        office.engine._mailbox.post(*await office.storage.mail(9))  # as if it fell to each of them
    await crew.work()

    storage = crew.memory.storage()
    assert [row.number for row in await storage.audits()] == [number]
    assert (await storage.counts())["events"] == 1


async def test_of_two_orders_about_one_dead_letter_the_second_finds_it_gone(crew: Crew) -> None:
    one, two = await crew.gather(2)
    one.courier.message(b"no JSON")
    await one.engine._exchange._intake._chunk()
    (letter,) = await one.storage.dead_letters()
    numbers = [await crew.post(Drop("al", letter.number)) for _ in range(2)]

    rows = {row.number: row for row in await one.storage.mail(9)}
    for office, number in zip((one, two), numbers, strict=True):
        office.engine._mailbox.has_news = False
        office.engine._mailbox.post(rows[number])
    await crew.work()

    outcomes = sorted(row.outcome for row in await crew.memory.storage().audits())
    assert outcomes == ["done", "refused"]


async def _later(limit: int) -> None:
    return None


def _start(office: Office, text: str, id: str) -> Delivery:
    from bureaucrat.engine.delivery import Birth
    from bureaucrat.engine.starts import start_of

    definition = office.engine.definitions.read(text)
    return Delivery(id, start_of(definition, {}, office.settings.limits), Birth(definition))


def _all() -> object:
    from bureaucrat.ports import InstanceQuery

    return InstanceQuery()
