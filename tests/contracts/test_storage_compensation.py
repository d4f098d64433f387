"""Compensations that instances remember, in every storage."""

from __future__ import annotations

from storage_rows import commit, remembered

from bureaucrat.ports import Storage


async def test_compensations_come_newest_first(storage: Storage) -> None:
    rows = [remembered(number=n) for n in range(1, 5)]
    await commit(storage, remembered=[*rows, remembered(instance="i2")])

    found = await storage.remembered("i1", 3)

    assert found == rows[:0:-1]
    assert await storage.batch().remembered("i1", 9) == rows[::-1]
    assert await storage.remembered("nobody") == []


async def test_a_compensation_is_forgotten_alone(storage: Storage) -> None:
    await commit(storage, remembered=[remembered(), remembered(number=2), remembered(instance="i2")])

    await commit(storage, remembered_gone=[("i1", 1), ("i1", 7)])

    assert await storage.remembered("i1") == [remembered(number=2)]
    assert await storage.remembered("i2") == [remembered(instance="i2")]


async def test_an_instance_forgets_all_at_once_and_what_the_same_batch_brings_is_there(storage: Storage) -> None:
    await commit(storage, remembered=[*(remembered(number=n) for n in range(1, 400)), remembered(instance="i2")])

    await commit(storage, forgotten=[("i1",), ("nobody",)], remembered=[remembered(number=400)])

    assert await storage.remembered("i1") == [remembered(number=400)]
    assert await storage.remembered("i2") == [remembered(instance="i2")]


async def test_what_is_forgotten_and_remembered_in_one_batch_is_there(storage: Storage) -> None:
    await commit(storage, remembered=[remembered()])

    await commit(storage, remembered_gone=[("i1", 1)], remembered=[remembered(size=8)])

    assert await storage.remembered("i1") == [remembered(size=8)]
