"""The contract of what several engines on one storage need, held against every adapter.

What only those can show that are shared stands in ``tests/storage``.
"""

from __future__ import annotations

import pytest
from storage_rows import AT, branch, commit, event, instance, mail, out, pause

from bureaucrat.ports import Membership, Storage, Writes, maker_of

ONE, TWO, THREE = 1 << 12, 2 << 12, 3 << 12  # the first numbers of three makers


async def test_who_asks_is_a_living_member(storage: Storage) -> None:
    membership = await storage.membership()

    assert membership.mine in membership.living
    assert membership.others == membership.living - {membership.mine}
    assert 0 <= membership.mine < 1024


async def test_a_member_stays_who_it_is(storage: Storage) -> None:
    before = await storage.membership()

    assert await storage.membership() == before


def test_the_others_are_the_living_without_oneself() -> None:
    assert Membership(2, frozenset({1, 2, 3})).others == {1, 3}


def test_a_number_tells_its_maker() -> None:
    assert [maker_of(number) for number in (0, ONE - 1, ONE, TWO + 5, (7 << 22) + THREE)] == [0, 0, 1, 2, 3]


async def test_nobody_is_told_of_mail_before_somebody_asks_to_be(storage: Storage) -> None:
    await storage.post(mail(number=1))

    assert storage.on_mail is None


async def test_the_time_of_a_storage_that_has_a_clock_goes_on(storage: Storage) -> None:
    first, second = await storage.time(), await storage.time()

    assert (first is None) == (second is None)
    assert first is None or second is None or AT < first <= second


# what others have numbered


@pytest.mark.parametrize(("but", "left"), [((), [ONE, TWO, TWO + 1, THREE]), ((2,), [ONE, THREE]), ((1, 2, 3), [])])
async def test_what_some_makers_have_numbered_is_left_out(
    storage: Storage, but: tuple[int, ...], left: list[int]
) -> None:
    numbers = [TWO + 1, THREE, ONE, TWO]
    await commit(
        storage,
        mail=[mail(number=number) for number in numbers],
        outbox=[out(number=number) for number in numbers],
        events=[event(number=number, id=str(number), cursor="") for number in numbers],
    )

    found = [
        [row.number for row in await storage.mail(10, but)],
        [row.number for row in await storage.outbox(10, 0, but)],
        [row.number for row in await storage.pending_events(10, but)],
    ]

    assert found == [left] * 3


async def test_the_limit_counts_what_is_left(storage: Storage) -> None:
    numbers = [ONE, ONE + 1, TWO, TWO + 1, THREE]
    await commit(storage, mail=[mail(number=n) for n in numbers], outbox=[out(number=n) for n in numbers])

    assert [row.number for row in await storage.mail(2, [1])] == [TWO, TWO + 1]
    assert [row.number for row in await storage.outbox(2, TWO, [1])] == [TWO + 1, THREE]


# attempts that have not left


async def test_of_attempts_those_are_unsent_that_stand_in_the_outbox(storage: Storage) -> None:
    rows = [out(number=5, instance="i1", attempt=1), out(number=6, instance="i1", attempt=2, participant="w")]
    rows += [out(number=7, instance="i2", attempt=1), out(number=8, instance="i3", attempt=1)]
    await commit(storage, outbox=[*rows, out(number=9, instance="i1", attempt=None)])

    async with storage.batch() as batch:
        found = await batch.unsent(["i1", "i3", "missing"])
        nothing = await batch.unsent([])

    assert (found, nothing) == ({("i1", 1): 5, ("i1", 2): 6, ("i3", 1): 8}, {})


# what is held until a batch ends


async def test_events_are_taken_as_they_are_now(storage: Storage) -> None:
    rows = [event(number=2, id="a", cursor="i7"), event(number=1, id="b", cursor=None)]
    await commit(storage, events=rows)

    async with storage.batch() as batch:
        await batch.claim("anything")
        found = await batch.take_events([2, 9, 1])

    assert list(found.items()) == [(1, rows[1]), (2, rows[0])]


# leave


def _kept(storage_numbers: list[int], participant: str = "work", **more: object) -> dict[str, list[object]]:
    """Attempts that wait for leave, and the branches that wait for them."""
    return {
        "branches": [branch(id=f"_{n}", attempt=n, participant=participant) for n in storage_numbers],
        "outbox": [out(number=n, instance="i1", attempt=n, participant=participant, **more) for n in storage_numbers],
    }


async def _leave(storage: Storage, *given: object) -> list[int]:
    async with storage.batch() as batch:
        return [row.number for row in await batch.take_leave(*given)]


async def test_those_are_known_for_whom_something_waits_for_leave(storage: Storage) -> None:
    await commit(storage, **_kept([1, 2]))
    await commit(storage, outbox=[out(number=3, attempt=9, participant="also"), out(number=4)])

    assert await storage.kept() == ["also", "work"]


async def test_leave_is_taken_by_priority_then_age(storage: Storage) -> None:
    await commit(storage, instances=[instance()])
    await commit(storage, **_kept([3, 4]))
    await commit(storage, **_kept([1], priority=-1))
    await commit(storage, **_kept([5, 6], priority=2))

    assert await _leave(storage, ["work"], None, 10) == [5, 6, 3, 4, 1]
    assert await _leave(storage, ["work"], None, 3) == [5, 6, 3]


async def test_what_is_returned_is_the_whole_row(storage: Storage) -> None:
    row = out(number=1, instance="i1", attempt=1, participant="work", branch="_1", body=b"\0\xff", priority=7)
    await commit(storage, outbox=[row])

    async with storage.batch() as batch:
        assert await batch.take_leave(["work"], 1, 1) == [row]


@pytest.mark.parametrize(("most", "left"), [(0, 0), (2, 0), (3, 1), (4, 2), (9, 3)])
async def test_no_more_may_leave_than_the_bound_has_room_for(storage: Storage, most: int, left: int) -> None:
    await commit(storage, **_kept([5, 6, 7]))
    in_flight = [branch(id=f"_{n}", attempt=n, participant="worker:work") for n in (1, 2)]
    await commit(storage, branches=[*in_flight, branch(id="_8", attempt=8, participant="other")])

    assert len(await _leave(storage, ["work", "worker:work"], most, 10)) == left


async def test_a_participant_has_all_the_names_it_is_written_with(storage: Storage) -> None:
    await commit(storage, **_kept([1], "work"))
    await commit(storage, **_kept([2], "worker:work"))
    await commit(storage, **_kept([3], "other"))

    assert await _leave(storage, ["worker:work", "work"], None, 10) == [1, 2]


async def test_nothing_leaves_for_who_is_paused(storage: Storage) -> None:
    await commit(storage, **_kept([1]), pauses=[pause(participant="work")])

    paused = await _leave(storage, ["work", "worker:work"], None, 10)
    await commit(storage, pauses_gone=[("work",)])

    assert (paused, await _leave(storage, ["work", "worker:work"], None, 10)) == ([], [1])


async def test_what_has_leave_waits_for_it_no_longer(storage: Storage) -> None:
    await commit(storage, **_kept([1, 2, 3]))

    async with storage.batch() as batch:
        first = await batch.take_leave(["work"], 2, 10)
        await batch.commit(Writes(outbox_let_go=[row.number for row in first]))

    assert [row.number for row in first] == [1, 2]
    assert await _leave(storage, ["work"], 2, 10) == []
    assert await _leave(storage, ["work"], 3, 10) == [3]
