"""Several engines' storages over one memory: locks, members, mail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bureaucrat.errors import StaleVersion, StorageUnavailable
from bureaucrat.ports import Batch, InstanceRow, MailRow, Membership, StateRow, Writes
from bureaucrat.storage.memory_shared import SharedMemory, SharedStorage


def _instance(id: str, version: int = 1) -> InstanceRow:
    return InstanceRow(id, "p", "hash", version, "running", 1.0, b"{}")


async def _members(memory: SharedMemory, number: int = 2) -> list[SharedStorage]:
    storages = [memory.storage() for _ in range(number)]
    for one in storages:
        await one.open()
    return storages


async def _commit(storage: SharedStorage, **parts: list[object]) -> None:
    async with storage.batch() as batch:
        await batch.commit(Writes(**parts))


async def _until_it_waits(memory: SharedMemory, times: int = 1) -> None:
    async with asyncio.timeout(10):
        while memory.waits < times:  # noqa: ASYNC110  # nothing there could tell it
            await asyncio.sleep(0)


async def test_a_row_that_another_batch_holds_is_waited_for_and_then_seen_as_it_is() -> None:
    memory = SharedMemory()
    one, two = await _members(memory)
    await _commit(one, instances=[_instance("a")])

    async def second() -> InstanceRow:
        async with two.batch() as batch:
            return (await batch.lock(["a"]))["a"]

    async with one.batch() as batch:
        await batch.lock(["a"])
        waiting = asyncio.create_task(second())
        await _until_it_waits(memory)
        await batch.commit(Writes(states=[StateRow("a", 2, b"[2]")]))
    row = await waiting

    assert (row.version, row.state) == (2, b"[2]")


async def test_a_commit_waits_for_the_rows_it_writes_and_is_stale_then() -> None:
    memory = SharedMemory()
    one, two = await _members(memory)
    await _commit(one, instances=[_instance("a")])

    async with one.batch() as batch:
        await batch.lock(["a"])
        late = asyncio.create_task(_commit(two, states=[StateRow("a", 2, b"[9]")]))
        await _until_it_waits(memory)
        await batch.commit(Writes(states=[StateRow("a", 2, b"[2]")]))

    with pytest.raises(StaleVersion):
        await late
    assert (await one.instance("a")).state == b"[2]"


async def test_a_batch_that_ends_without_a_commit_lets_its_rows_go() -> None:
    memory = SharedMemory()
    one, two = await _members(memory)
    await _commit(one, instances=[_instance("a"), _instance("b")])

    async with one.batch() as batch:
        await batch.lock(["b", "a", "missing"])
    async with two.batch() as batch:
        rows = await batch.lock(["a", "b"])

    assert (sorted(rows), memory.waits) == (["a", "b"], 0)


async def test_who_waits_too_long_is_told_so() -> None:
    memory = SharedMemory(lock_timeout=0.01)
    one, two = await _members(memory)
    await _commit(one, instances=[_instance("a")])

    async with one.batch() as batch, two.batch() as other:
        await batch.lock(["a"])
        with pytest.raises(StorageUnavailable, match="holds"):
            await other.lock(["a"])


async def test_mail_that_another_batch_has_taken_is_passed_over() -> None:
    memory = SharedMemory()
    one, two = await _members(memory)
    await _commit(one, mail=[MailRow(1, "a", b"{}", 1.0), MailRow(2, "a", b"{}", 1.0)])

    async with one.batch() as batch, two.batch() as other:
        first = await batch.take_mail([1])
        second = await other.take_mail([1, 2])
        again = await batch.take_mail([1])

    assert (first, second, again) == ({1: False}, {2: False}, {1: False})


async def test_one_at_a_time_gives_leave_for_a_participant() -> None:
    memory = SharedMemory()
    one, two = await _members(memory)

    async def second() -> str:
        async with two.batch() as batch:
            await batch.take_leave(["work"], 1, 1)
            return "had it"

    async with one.batch() as batch:
        await batch.take_leave(["worker:work", "work"], 1, 1)
        waiting = asyncio.create_task(second())
        await _until_it_waits(memory)
        was_done = waiting.done()

    assert (was_done, await waiting) == (False, "had it")


@pytest.mark.parametrize("take", [lambda batch: batch.claim("a"), lambda batch: batch.take_events([1])])
async def test_names_and_events_are_held_by_one_batch_at_a_time(take: Callable[[Batch], Awaitable[object]]) -> None:
    memory = SharedMemory()
    one, two = await _members(memory)

    async def second() -> str:
        async with two.batch() as batch:
            await take(batch)
            return "had it"

    async with one.batch() as batch:
        await take(batch)
        waiting = asyncio.create_task(second())
        await _until_it_waits(memory)
        was_done = waiting.done()

    assert (was_done, await waiting) == (False, "had it")


async def test_members_have_numbers_of_their_own_and_see_each_other() -> None:
    memory = SharedMemory()
    one, two = await _members(memory)

    assert await one.membership() == Membership(1, frozenset({1, 2}))
    assert await two.membership() == Membership(2, frozenset({1, 2}))

    await two.close()

    assert await one.membership() == Membership(1, frozenset({1}))


async def test_a_member_whose_session_was_lost_has_lost_its_locks_and_is_given_another_number() -> None:
    memory = SharedMemory()
    one, two = await _members(memory)
    await _commit(one, instances=[_instance("a")])

    async with one.batch() as frozen:
        await frozen.lock(["a"])
        memory.lose(one)
        seen = await two.membership()
        async with two.batch() as batch:
            await batch.lock(["a"])
            await batch.commit(Writes(states=[StateRow("a", 2, b"[2]")]))
        with pytest.raises(StorageUnavailable, match="lost"):
            await frozen.commit(Writes(states=[StateRow("a", 2, b"[9]")]))

    assert seen == Membership(2, frozenset({2}))
    assert await one.membership() == Membership(3, frozenset({2, 3}))
    assert (await two.instance("a")).state == b"[2]"


async def test_a_lost_batch_can_do_nothing_more() -> None:
    memory = SharedMemory()
    (one,) = await _members(memory, 1)

    async with one.batch() as batch:
        memory.lose(one)
        used = (
            lambda: batch.lock(["a"]),
            lambda: batch.take_mail([1]),
            lambda: batch.unsent([]),
            lambda: batch.take_events([1]),
            lambda: batch.claim("a"),
            lambda: batch.take_leave(["w"], None, 1),
            lambda: batch.load([]),
            lambda: batch.remembered("a", 1),
            lambda: batch.commit(Writes()),
        )
        for use in used:
            with pytest.raises(StorageUnavailable):
                await use()

    assert await one.membership() == Membership(2, frozenset({2}))


async def test_the_others_are_told_of_mail_that_somebody_leaves() -> None:
    memory = SharedMemory()
    one, two, deaf = await _members(memory, 3)
    told: list[str] = []
    one.on_mail, two.on_mail = lambda: told.append("one"), lambda: told.append("two")

    await one.post(MailRow(1, "a", b"{}", 1.0))

    assert (told, deaf.on_mail) == (["two"], None)
    assert [row.number for row in await deaf.mail(10)] == [1]


async def test_the_clock_is_the_memorys() -> None:
    with_clock, without = SharedMemory(lambda: 5.0).storage(), SharedMemory().storage()

    assert (await with_clock.time(), await without.time()) == (5.0, None)
