"""The contract of :class:`bureaucrat.ports.Storage`, held against every adapter."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import Any

import pytest
from storage_rows import (
    AT,
    TEXT,
    audit,
    branch,
    commit,
    dead,
    definition,
    destination,
    entry,
    event,
    incident,
    instance,
    mail,
    out,
    pause,
    remembered,
    schedule,
    state,
    value,
    version,
    wait,
)

from bureaucrat.errors import AlreadySeen, BureaucratError, StaleVersion, StorageUnavailable
from bureaucrat.ports import AttemptRow, Due, InstanceQuery, Loaded, Storage, Writes

TEXT_STATE = '{"text":"č🗃"}'.encode()


async def everything(storage: Storage) -> dict[str, int]:
    """How many rows there are, in the tables that have some."""
    return {table: rows for table, rows in (await storage.counts()).items() if rows}


# instances and their versions


async def test_a_committed_instance_is_returned_whole(storage: Storage) -> None:
    row = instance(
        state='{"text":"č🗃"}'.encode(),
        business_key=TEXT,
        ended=AT + 0.1,
        outcome="done",
        incidents=2,
        held=3,
        releasable=True,
        status="completed",
    )

    await commit(storage, instances=[row])

    assert await storage.instance("i1") == row


async def test_an_instance_that_nobody_stored_is_none(storage: Storage) -> None:
    assert await storage.instance("i1") is None


async def test_locking_returns_the_instances_that_exist_as_they_are_now(storage: Storage) -> None:
    await commit(storage, instances=[instance(id="b"), instance(id="a"), instance(id="c")])
    await commit(storage, instances=[instance(id="a", version=2, state=b"[2]")])

    async with storage.batch() as batch:
        locked = await batch.lock(["c", "missing", "a"])

    assert list(locked.items()) == [("a", instance(id="a", version=2, state=b"[2]")), ("c", instance(id="c"))]


async def test_an_update_replaces_the_whole_row(storage: Storage) -> None:
    await commit(storage, instances=[instance(business_key="k", incidents=1, releasable=True, held=1)])
    changed = instance(version=2, definition="other", status="completed", ended=AT, outcome="ok", state=b"2")

    await commit(storage, instances=[changed])

    assert await storage.instance("i1") == changed


async def test_what_an_instance_is_found_by_may_go_back_to_nothing(storage: Storage) -> None:
    await commit(storage, instances=[instance(business_key="k", outcome="x", ended=AT)])

    await commit(storage, instances=[instance(version=2)])

    assert await storage.instance("i1") == instance(version=2)


async def test_a_step_that_changes_the_state_only_leaves_the_rest_of_the_row_as_it_was(storage: Storage) -> None:
    given = instance(business_key="k", incidents=1, releasable=True, is_unique=True)
    await commit(storage, instances=[given, instance(id="i2")])

    await commit(storage, states=[state(state=TEXT_STATE, held=7)], instances=[instance(id="i2", version=2)])

    assert await storage.instance("i1") == replace(given, version=2, state=TEXT_STATE, held=7)


@pytest.mark.parametrize("version", [1, 3, 0])
async def test_a_state_of_a_version_that_does_not_follow_the_stored_one_is_stale(
    storage: Storage, version: int
) -> None:
    await commit(storage, instances=[instance()])

    with pytest.raises(StaleVersion):
        await commit(storage, states=[state(version=version)], branches=[branch()])

    assert await storage.instance("i1") == instance()
    assert await storage.branches("i1") == Loaded([], [])


async def test_a_state_of_an_instance_that_nobody_stored_is_stale(storage: Storage) -> None:
    with pytest.raises(StaleVersion):
        await commit(storage, states=[state()])


@pytest.mark.parametrize("version", [1, 2, 4, 0])
async def test_a_version_that_does_not_follow_the_stored_one_is_stale(storage: Storage, version: int) -> None:
    await commit(storage, instances=[instance()])
    await commit(storage, instances=[instance(version=2)])

    with pytest.raises(StaleVersion):
        await commit(storage, instances=[instance(version=version)])


async def test_a_new_instance_begins_with_version_one(storage: Storage) -> None:
    with pytest.raises(StaleVersion):
        await commit(storage, instances=[instance(version=2)])


async def test_a_stale_batch_writes_nothing_at_all(storage: Storage) -> None:
    await commit(storage, instances=[instance()], branches=[branch()], values=[value()])
    before = await everything(storage)

    with pytest.raises(StaleVersion):
        await commit(
            storage,
            branches_gone=[("i1", "")],
            instances=[instance(id="new"), instance(version=2), instance(id="stale", version=7)],
            branches=[branch(id="1")],
            history=[entry()],
            mail=[mail()],
            inbox=[("m", AT)],
        )

    assert await everything(storage) == before
    assert await storage.instance("i1") == instance()
    assert await storage.branches("i1") == Loaded([branch()], [value()])


async def test_a_batch_that_is_left_without_a_commit_changes_nothing(storage: Storage) -> None:
    async with storage.batch() as batch:
        await batch.lock(["i1"])

    assert await everything(storage) == {}


async def test_an_empty_batch_can_be_committed(storage: Storage) -> None:
    await commit(storage)

    assert await everything(storage) == {}


async def test_rows_are_not_shared_with_the_caller(storage: Storage) -> None:
    given = branch(due=1.0)
    await commit(storage, branches=[given])
    given.due = 2.0
    (await storage.branches("i1")).branches[0].due = 3.0

    assert (await storage.branches("i1")).branches == [branch(due=1.0)]


async def test_more_rows_than_fit_into_one_statement_are_written_whole(storage: Storage) -> None:
    numbers = range(1000)
    instances = [instance(id=f"{n:04}", held=n) for n in numbers]

    await commit(storage, instances=instances, branches=[branch(instance=f"{n:04}", attempt=n) for n in numbers])
    await commit(storage, instances=[replace(row, version=2) for row in instances])

    assert await everything(storage) == {"instances": 1000, "branches": 1000}
    assert await storage.instances(InstanceQuery(limit=1000)) == [replace(row, version=2) for row in instances[::-1]]
    assert await storage.attempts(2000) == [AttemptRow("", f"{n:04}", "", n) for n in numbers]


@pytest.mark.parametrize("size", [2, 3, 5, 255, 257])
async def test_any_number_of_instances_may_be_stale_but_not_one_may_pass(storage: Storage, size: int) -> None:
    rows = [instance(id=f"{n:03}") for n in range(size)]
    await commit(storage, instances=rows)
    changed = [replace(row, version=2) for row in rows]

    with pytest.raises(StaleVersion):
        await commit(storage, instances=[*changed[:-1], replace(changed[-1], version=3)])
    await commit(storage, instances=changed)

    assert {row.version for row in await storage.instances(InstanceQuery(limit=size))} == {2}


async def test_many_commits_at_once_get_each_its_own_result(storage: Storage) -> None:
    await commit(storage, instances=[instance(id="old")])
    names = [f"n{n}" for n in range(100)]
    writes = [Writes(instances=[instance(id=name)], branches=[branch(instance=name)]) for name in names]
    writes.insert(40, Writes(instances=[instance(id="old")], branches=[branch(instance="old")]))

    results = await asyncio.gather(*(storage.batch().commit(each) for each in writes), return_exceptions=True)

    assert [type(result) for result in results] == [type(None)] * 40 + [StaleVersion] + [type(None)] * 60
    assert await everything(storage) == {"instances": 101, "branches": 100}


async def test_of_two_commits_of_one_version_one_is_stale(storage: Storage) -> None:
    await commit(storage, instances=[instance()])
    both = [Writes(instances=[instance(version=2)], history=[entry(number=n)]) for n in (1, 2)]

    results = await asyncio.gather(*(storage.batch().commit(each) for each in both), return_exceptions=True)

    assert sorted(type(result).__name__ for result in results) == ["NoneType", "StaleVersion"]
    assert (await everything(storage))["history"] == 1


async def test_one_batch_of_many_at_once_that_brings_a_known_message_fails_alone(storage: Storage) -> None:
    await commit(storage, inbox=[("old", 1.0)])
    names = [f"n{n}" for n in range(100)]
    writes = [Writes(inbox=[(name, 2.0)], instances=[instance(id=name)]) for name in names]
    writes.insert(40, Writes(inbox=[("new", 2.0), ("old", 2.0)], instances=[instance(id="never")]))

    results = await asyncio.gather(*(storage.batch().commit(each) for each in writes), return_exceptions=True)

    assert [type(result) for result in results] == [type(None)] * 40 + [AlreadySeen] + [type(None)] * 60
    assert await everything(storage) == {"inbox": 101, "instances": 100}
    assert await storage.instances(InstanceQuery(prefix="never")) == []


async def test_of_two_commits_of_one_message_exactly_one_happens(storage: Storage) -> None:
    both = [Writes(inbox=[("m1", 1.0)], instances=[instance(id=id)], mail=[mail(number=7)]) for id in ("a", "b")]

    results = await asyncio.gather(*(storage.batch().commit(each) for each in both), return_exceptions=True)

    assert sorted(type(result).__name__ for result in results) == ["AlreadySeen", "NoneType"]
    assert await storage.instances(InstanceQuery()) == both[results.index(None)].instances
    assert await everything(storage) == {"inbox": 1, "instances": 1, "mailbox": 1}


async def test_of_two_commits_that_move_one_cursor_one_is_stale(storage: Storage) -> None:
    await commit(storage, events=[event()])
    both = [Writes(cursors=[(1, "", to)], history=[entry(address=to)]) for to in ("a", "b")]

    results = await asyncio.gather(*(storage.batch().commit(each) for each in both), return_exceptions=True)

    assert sorted(type(result).__name__ for result in results) == ["NoneType", "StaleVersion"]
    done = both[results.index(None)]
    assert await storage.pending_events(9) == [event(cursor=done.cursors[0][2])]
    assert await storage.history("i1") == done.history


# branches, values, scopes


async def test_loading_returns_the_branches_asked_for_with_their_values(storage: Storage) -> None:
    await commit(
        storage,
        branches=[branch(), branch(id="1", due=AT, attempt=4), branch(id="2"), branch(instance="i2", id="1")],
        values=[value(name="b"), value(), value(branch="1", scope=~2), value(branch="2"), value(instance="i2")],
    )

    async with storage.batch() as batch:
        loaded = await batch.load([("i1", ["1", "", "missing"]), ("nobody", [""])])

    assert loaded == Loaded(
        [branch(), branch(id="1", due=AT, attempt=4)], [value(), value(name="b"), value(branch="1", scope=~2)]
    )


async def test_loading_none_means_every_branch(storage: Storage) -> None:
    await commit(
        storage,
        branches=[branch(), branch(id="1"), branch(instance="i2"), branch(instance="i3")],
        values=[value(), value(instance="i2"), value(instance="i3")],
    )

    async with storage.batch() as batch:
        loaded = await batch.load([("i1", None), ("i1", ["1"]), ("i3", [""]), ("i2", [])])

    assert loaded == Loaded(
        [branch(), branch(id="1"), branch(instance="i3")],
        [value(), value(instance="i3")],
    )


async def test_loading_below_a_branch_takes_every_id_that_begins_with_it(storage: Storage) -> None:
    ids = ["", "3", "3.1", "3.1.🗃", "30", "4", "2"]
    await commit(storage, branches=[branch(id=id) for id in ids], values=[value(branch=id) for id in ids])

    async with storage.batch() as batch:
        below = await batch.load_below("i1", "3.")
        all = await batch.load_below("i1", "")
        nothing = await batch.load_below("i2", "")

    assert below == Loaded([branch(id="3.1"), branch(id="3.1.🗃")], [value(branch="3.1"), value(branch="3.1.🗃")])
    assert [row.id for row in all.branches] == sorted(ids)
    assert nothing == Loaded()


async def test_a_branch_that_is_gone_takes_its_values_and_waits_along(storage: Storage) -> None:
    await commit(
        storage,
        branches=[branch(), branch(id="1"), branch(id="10")],
        values=[value(), value(branch="1"), value(branch="1", name="x"), value(branch="10")],
        waits=[wait(), wait(branch="1"), wait(branch="10")],
    )

    await commit(storage, branches_gone=[("i1", "1"), ("i1", "never was")])

    assert await storage.branches("i1") == Loaded([branch(), branch(id="10")], [value(), value(branch="10")])
    assert await storage.waits_of("i1") == [wait(), wait(branch="10")]


async def test_a_scope_that_is_gone_takes_its_values_along(storage: Storage) -> None:
    values = [value(), value(name="x"), value(scope=1), value(scope=~0), value(branch="1")]
    await commit(storage, branches=[branch(), branch(id="1")], values=values)

    await commit(storage, scopes_gone=[("i1", "", 0)])

    assert (await storage.branches("i1")).values == [value(scope=~0), value(scope=1), value(branch="1")]


async def test_what_is_in_both_halves_of_a_batch_is_there(storage: Storage) -> None:
    await commit(
        storage,
        branches=[branch(id="1", state=b"1")],
        values=[value(branch="1", name="old")],
        waits=[wait(branch="1"), wait(activity=5)],
        mail=[mail()],
        outbox=[out(attempt=1, instance="i1")],
    )

    await commit(
        storage,
        branches_gone=[("i1", "1")],
        scopes_gone=[("i1", "1", 0)],
        waits_gone=[("i1", "", 5)],
        mail_gone=[1],
        outbox_gone=[1],
        attempts_gone=[("i1", 2)],
        branches=[branch(id="1", state=b"2")],
        values=[value(branch="1", name="new")],
        waits=[wait(activity=5, activation=2)],
        mail=[mail(at=2.0)],
        outbox=[out(at=2.0), out(number=2, attempt=2, instance="i1")],
    )

    assert await storage.branches("i1") == Loaded([branch(id="1", state=b"2")], [value(branch="1", name="new")])
    assert await storage.waits_of("i1") == [wait(activity=5, activation=2)]
    assert await storage.mail(9) == [mail(at=2.0)]
    assert await storage.outbox(9) == [out(at=2.0), out(number=2, attempt=2, instance="i1")]


async def test_a_base_replaces_its_scope_and_nothing_else(storage: Storage) -> None:
    await commit(
        storage,
        branches=[branch()],
        values=[value(), value(name="old"), value(scope=1, name="kept"), value(scope=2, name="kept")],
    )

    await commit(storage, values=[value(name="new", value=b"1"), value(value=b'{"x":2}'), value(scope=1, name="more")])

    assert (await storage.branches("i1")).values == [
        value(value=b'{"x":2}'),
        value(name="new", value=b"1"),
        value(scope=1, name="kept"),
        value(scope=1, name="more"),
        value(scope=2, name="kept"),
    ]


async def test_a_value_is_overwritten_alone(storage: Storage) -> None:
    await commit(storage, branches=[branch()], values=[value(), value(name="a", value=b"1"), value(name="b")])

    await commit(storage, values=[value(name="a", value=b'"two"')])

    assert (await storage.branches("i1")).values == [value(), value(name="a", value=b'"two"'), value(name="b")]


@pytest.mark.parametrize("at", [0.0, 1.0, AT, math.nextafter(AT, 0), math.nextafter(AT, 1e12), 1 / 3 + 1e6, 4e9 + 0.1])
async def test_times_are_kept_to_the_last_bit(storage: Storage, at: float) -> None:
    await commit(storage, branches=[branch(due=at)], history=[entry(at=at)])

    assert await storage.due(at, 1) == [Due("i1", "", at)]
    assert (await storage.branches("i1")).branches == [branch(due=at)]
    assert await storage.history("i1") == [entry(at=at)]


async def test_any_text_is_kept_as_it_is(storage: Storage) -> None:
    await commit(storage, instances=[instance(id=TEXT)], waits=[wait(instance=TEXT, path=TEXT, value=TEXT, event=TEXT)])

    assert await storage.instance(TEXT) == instance(id=TEXT)
    assert await storage.paths(TEXT) == [TEXT]
    assert await storage.waits(TEXT, [(TEXT, TEXT)], "", 1) == [wait(instance=TEXT, path=TEXT, value=TEXT, event=TEXT)]


# what the sweep looks for


async def test_due_branches_come_earliest_first(storage: Storage) -> None:
    await commit(
        storage,
        branches=[
            branch(id="1", due=5.0),
            branch(id="2", due=2.0),
            branch(id="3"),
            branch(instance="i0", id="4", due=5.0),
            branch(id="5", due=5.1),
        ],
    )

    assert await storage.due(5.0, 10) == [Due("i1", "2", 2.0), Due("i0", "4", 5.0), Due("i1", "1", 5.0)]
    assert await storage.due(5.0, 1) == [Due("i1", "2", 2.0)]


async def test_due_branches_come_by_pages(storage: Storage) -> None:
    places = [("i1", "2", 2.0), ("i0", "", AT), ("i0", "1", AT), ("i1", "", AT), ("i0", "0", math.nextafter(AT, 1e12))]
    await commit(storage, branches=[branch(instance=i, id=id, due=at) for i, id, at in places[::-1]])
    await commit(storage, branches=[branch(instance="i2"), branch(instance="i2", id="1", due=AT + 1)])
    rows = [Due(*place) for place in places]
    pages, after = [], None

    for _ in range(3):
        pages.append(await storage.due(AT + 0.5, 2, after))
        after = pages[-1][-1]

    assert pages == [rows[:2], rows[2:4], rows[4:]]
    assert await storage.due(AT + 0.5, 2, after) == []


async def test_a_page_of_due_branches_begins_beyond_a_place_where_none_need_be(storage: Storage) -> None:
    rows = [Due("i1", id, at) for id, at in (("1", 2.0), ("2", 2.0), ("1.1", 3.0))]
    await commit(storage, branches=[branch(id=row.branch, due=row.at) for row in rows])

    assert await storage.due(9.0, 9, Due("i0", "z", 2.0)) == rows
    assert await storage.due(9.0, 9, Due("i1", "1.9", 2.0)) == rows[1:]
    assert await storage.due(9.0, 9, Due("i9", "", 2.5)) == rows[2:]
    assert await storage.due(2.5, 9, Due("i1", "1", 2.0)) == rows[1:2]
    assert await storage.due(2.5, 9, Due("i1", "1.1", 3.0)) == []


async def test_a_timer_that_is_gone_is_not_due(storage: Storage) -> None:
    await commit(storage, branches=[branch(due=1.0)])

    await commit(storage, branches=[branch()])

    assert await storage.due(9.0, 10) == []


async def test_mail_comes_oldest_first_and_without_what_is_held(storage: Storage) -> None:
    rows = [mail(number=3), mail(number=1, instance="i2"), mail(number=2, held=True)]
    await commit(storage, mail=rows)

    assert await storage.mail(10) == [mail(number=1, instance="i2"), mail(number=3)]
    assert await storage.mail(1) == [mail(number=1, instance="i2")]


async def test_held_mail_is_found_by_instance_and_let_go_by_writing_it_again(storage: Storage) -> None:
    await commit(storage, mail=[mail(number=n, held=True) for n in (3, 2)] + [mail(number=1, instance="x", held=True)])

    await commit(storage, mail=[mail(number=4, held=True), mail(number=2)], mail_gone=[1])

    assert await storage.held_mail("i1", 10) == [mail(number=3, held=True), mail(number=4, held=True)]
    assert await storage.held_mail("i1", 1) == [mail(number=3, held=True)]
    assert await storage.held_mail("x", 10) == []
    assert await storage.mail(10) == [mail(number=2)]


async def test_mail_is_taken_while_it_is_there_and_told_whether_it_is_held(storage: Storage) -> None:
    await commit(storage, mail=[mail(number=1), mail(number=2, held=True), mail(number=2**62)])
    await storage.post(mail(number=4))

    async with storage.batch() as batch:
        taken = await batch.take_mail([4, 2**62, 3, 2, 4])
        nothing = await batch.take_mail([])

    assert taken == {2: True, 4: False, 2**62: False}
    assert nothing == {}
    assert await everything(storage) == {"mailbox": 4}


async def test_mail_that_was_kept_back_meanwhile_is_taken_as_held(storage: Storage) -> None:
    await commit(storage, mail=[mail(number=1), mail(number=2, held=True)])

    await commit(storage, mail=[mail(number=1, held=True), mail(number=2)])

    async with storage.batch() as batch:
        assert await batch.take_mail([1, 2]) == {1: True, 2: False}


async def test_mail_whose_deletion_was_acknowledged_cannot_be_taken(storage: Storage) -> None:
    numbers = list(range(1, 101))
    await commit(storage, mail=[mail(number=n) for n in numbers])

    async def apply(number: int) -> tuple[dict[int, bool], dict[int, bool]]:
        async with storage.batch() as batch:
            before = await batch.take_mail([number])
            await batch.commit(Writes(mail_gone=[number]))
        async with storage.batch() as batch:
            return before, await batch.take_mail([number])

    assert await asyncio.gather(*map(apply, numbers)) == [({number: False}, {}) for number in numbers]


async def test_posted_mail_is_found_like_any_other(storage: Storage) -> None:
    await storage.post(mail(number=7, message='["Ž"]'.encode()))

    assert await storage.mail(10) == [mail(number=7, message='["Ž"]'.encode())]


async def test_posting_overwrites_nothing(storage: Storage) -> None:
    await commit(storage, mail=[mail()])

    with pytest.raises(StorageUnavailable):
        await storage.post(mail(instance="other"))

    assert await storage.mail(10) == [mail()]


async def test_releasable_instances_are_found_until_they_are_not(storage: Storage) -> None:
    await commit(storage, instances=[instance(id=id, releasable=id != "b") for id in "cba"])
    assert await storage.releasable(10) == ["a", "c"]
    assert await storage.releasable(1) == ["a"]

    await commit(storage, instances=[instance(id="a", version=2)])

    assert await storage.releasable(10) == ["c"]


async def test_a_wait_is_fresh_until_it_was_seen(storage: Storage) -> None:
    rows = [wait(instance=id, branch=TEXT) for id in ("i2", "i1", "i3")]
    await commit(storage, waits=rows)
    assert await storage.fresh_waits(2) == [rows[1], rows[0]]

    await commit(storage, waits_seen=[("i1", TEXT, 3, 1), ("i9", "", 3, 1)])

    assert await storage.fresh_waits(10) == [rows[0], rows[2]]
    assert await storage.waits_of("i1") == [replace(rows[1], fresh=False)]


async def test_a_wait_that_begins_again_while_the_old_one_is_seen_is_fresh(storage: Storage) -> None:
    await commit(storage, waits=[wait()])

    await commit(storage, waits_seen=[("i1", "", 3, 1)], waits=[wait(activation=2)])

    assert await storage.fresh_waits(10) == [wait(activation=2)]


async def test_a_wait_that_began_again_before_the_old_one_is_seen_stays_fresh(storage: Storage) -> None:
    rows = [wait(activation=2), wait(branch="1", activation=2)]
    await commit(storage, waits=rows)

    await commit(storage, waits_seen=[("i1", "", 3, 1), ("i1", "1", 3, 2)])

    assert await storage.waits_of("i1") == [rows[0], replace(rows[1], fresh=False)]
    assert await storage.fresh_waits(10) == [rows[0]]


async def test_the_latest_instant_of_any_history(storage: Storage) -> None:
    before = await storage.latest()

    await commit(storage, history=[entry(number=1, at=20.25), entry(number=2, at=10.5)])

    assert (before, await storage.latest()) == (None, 20.25)


async def test_events_are_pending_until_their_cursor_is_none(storage: Storage) -> None:
    rows = [event(number=n, body='{"č":1}'.encode()) for n in (3, 1, 2)]
    await commit(storage, events=rows)
    assert await storage.pending_events(2) == [rows[1], rows[2]]

    await commit(storage, cursors=[(1, "", None), (2, "", "i7")])
    assert await storage.pending_events(10) == [replace(rows[2], cursor="i7"), rows[0]]

    await commit(storage, cursors=[(2, "i7", TEXT), (1, None, "i1")])
    assert await storage.pending_events(10) == [replace(rows[1], cursor="i1"), replace(rows[2], cursor=TEXT), rows[0]]


@pytest.mark.parametrize(
    "cursors",
    [
        [(1, "a", None)],
        [(1, None, "c")],
        [(2, "", "c")],
        [(2, "b", "c")],
        [(9, "", "c")],
        [(9, None, "c")],
        [(1, "", "c"), (2, "", "c")],
        [(1, "", "c"), (9, "", "c")],
    ],
)
async def test_a_cursor_that_is_not_the_old_one_is_stale_and_nothing_is_written(
    storage: Storage, cursors: list[tuple[int, str | None, str | None]]
) -> None:
    rows = [event(), event(number=2, cursor=None)]
    await commit(storage, instances=[instance()], events=rows, waits=[wait()])
    before = await everything(storage)

    with pytest.raises(StaleVersion):
        await commit(
            storage,
            cursors=cursors,
            instances=[instance(version=2), instance(id="i2")],
            events=[event(number=9)],
            waits_gone=[("i1", "", 3)],
            inbox=[("m1", AT)],
            mail=[mail()],
        )

    assert await everything(storage) == before
    assert await storage.kept_events(wait(since=0.0), 9) == rows
    assert await storage.instances(InstanceQuery()) == [instance()]
    assert await storage.waits_of("i1") == [wait()]
    await commit(storage, inbox=[("m1", AT)])


async def test_any_number_of_cursors_may_move_but_not_one_may_be_stale(storage: Storage) -> None:
    rows = [event(number=n) for n in range(1, 301)]
    await commit(storage, events=rows)
    moves: list[tuple[int, str | None, str | None]] = [(row.number, "", "i1") for row in rows]

    with pytest.raises(StaleVersion):
        await commit(storage, cursors=[*moves[:-1], (300, "i1", "i2")])
    assert await storage.pending_events(999) == rows
    await commit(storage, cursors=moves)

    assert await storage.pending_events(999) == [replace(row, cursor="i1") for row in rows]


async def test_attempts_come_by_participant_in_order_after_a_given_one(storage: Storage) -> None:
    rows = [("mail", "b", "1", 5), ("mail", "a", "", 2), ("", "c", "", 1), ("mail", "a", "1", 3), ("pay", "b", "", 4)]
    await commit(storage, branches=[branch(participant=p, instance=i, id=b, attempt=n) for p, i, b, n in rows])
    await commit(storage, branches=[branch(instance="d"), branch(instance="b", id="")])
    found = [AttemptRow("", "c", "", 1)] + [AttemptRow("mail", *row) for row in (("a", "", 2), ("a", "1", 3))]

    assert await storage.attempts(10) == [*found, AttemptRow("mail", "b", "1", 5)]
    assert await storage.attempts(1, AttemptRow("mail", "a", "", 9)) == [found[2]]
    assert await storage.attempts(10, AttemptRow("mail", "", "", 0)) == [*found[1:], AttemptRow("mail", "b", "1", 5)]
    assert await storage.attempts(10, AttemptRow("pay", "", "", 0)) == []


async def test_who_is_asked_is_known_and_how_much(storage: Storage) -> None:
    asked = [("a", "mail", 1), ("b", "mail", 2), ("c", "pay", 1), ("d", "", 1), ("e", "none", None)]
    await commit(storage, branches=[branch(instance=i, participant=p, attempt=n) for i, p, n in asked])
    await commit(storage, outbox=[out(number=1, attempt=1, participant="mail"), out(number=2, attempt=1)])

    assert await storage.asked() == ["", "mail", "pay"]
    assert await storage.attempt_counts(["pay", "mail", "none", ""]) == {
        "pay": (1, 0),
        "mail": (2, 1),
        "none": (0, 0),
        "": (1, 0),
    }
    assert await storage.attempt_counts([]) == {}


async def test_what_waits_for_leave_is_let_go_by_its_number(storage: Storage) -> None:
    rows = [out(number=n, instance="a", attempt=n, branch="1", participant="mail") for n in (1, 2, 3)]
    await commit(storage, outbox=rows)

    await commit(storage, outbox_let_go=[1, 3, 8], outbox_gone=[3])

    assert await storage.outbox_rows([3, 2, 1, 1]) == [replace(rows[0], participant=""), rows[1]]
    assert await storage.outbox_rows([]) == []
    assert await storage.attempt_counts(["mail"]) == {"mail": (0, 1)}


async def test_the_outbox_comes_oldest_first_until_it_is_published(storage: Storage) -> None:
    rows = [out(number=n, priority=n, properties=b'{"message_id":"x"}') for n in (2, 1, 3)]
    await commit(storage, outbox=rows)
    assert await storage.outbox(2) == [rows[1], rows[0]]

    await commit(storage, outbox_gone=[1, 3, 8])

    assert await storage.outbox(10) == [rows[0]]


async def test_an_attempt_that_is_over_is_not_published(storage: Storage) -> None:
    rows = [out(number=n, instance="i1", attempt=n) for n in (1, 2)] + [out(number=3, instance="i2", attempt=1)]
    await commit(storage, outbox=[*rows, out(number=4, instance="i1")])

    await commit(storage, attempts_gone=[("i1", 1), ("i1", 8)])

    assert await storage.outbox(10) == [rows[1], rows[2], out(number=4, instance="i1")]


# events and waits


async def test_paths_are_the_different_ones_of_an_event(storage: Storage) -> None:
    paths = ["order", "", "a", "order", "a.b"]
    await commit(storage, waits=[wait(instance=f"i{n}", path=path) for n, path in enumerate(paths)])
    await commit(storage, waits=[wait(instance="x", event="other", path="z"), wait(instance="y", event="paie")])

    assert await storage.paths("paid") == ["", "a", "a.b", "order"]
    assert await storage.paths("nothing") == []


async def test_waits_are_found_by_path_and_value_in_order_of_instance(storage: Storage) -> None:
    rows = [
        wait(instance="d", value="17"),
        wait(instance="b", path="", value=""),
        wait(instance="b", branch="1"),
        wait(instance="a", value="18"),
        wait(instance="c", path="customer"),
        wait(instance="e", event="other"),
    ]
    await commit(storage, waits=rows)

    found = await storage.waits("paid", [("order", "17"), ("", ""), ("order", "17"), ("order", "x")], "", 10)

    assert found == [rows[1], rows[2], rows[0]]
    assert await storage.waits("paid", [], "", 10) == []


async def test_a_chunk_of_waits_is_counted_in_instances(storage: Storage) -> None:
    rows = [wait(instance=i, branch=b, value=v) for i in "abcd" for b, v in (("", "1"), ("1", "2"), ("2", "3"))]
    await commit(storage, waits=rows)
    keys = [("order", "1"), ("order", "2")]

    assert await storage.waits("paid", keys, "", 2) == [rows[0], rows[1], rows[3], rows[4]]
    assert await storage.waits("paid", keys, "b", 2) == [rows[6], rows[7], rows[9], rows[10]]
    assert await storage.waits("paid", keys, "d", 2) == []


async def test_kept_events_are_those_accepted_since_the_wait_began(storage: Storage) -> None:
    rows = [event(number=n, accepted=AT + n) for n in (5, 3, 4, 6)]
    await commit(storage, events=[*rows, event(number=7, name="other", accepted=AT + 7)])
    await commit(storage, cursors=[(4, "", None)])

    found = await storage.kept_events(wait(since=AT + 3), 10)

    assert found == [replace(rows[2], cursor=None), rows[0], rows[3]]
    assert await storage.kept_events(wait(since=AT + 3), 1) == [replace(rows[2], cursor=None)]


async def test_kept_events_come_in_the_order_they_were_accepted_by_pages(storage: Storage) -> None:
    late = math.nextafter(AT, 1e12)
    places = [(1.0, 9), (AT, 4), (AT, 5), (AT, 8), (late, 2), (late, 7), (AT + 1, 1)]
    rows = [event(number=number, accepted=at) for at, number in places]
    await commit(storage, events=rows[::-1], consumed=[(5, "i1", "", 3)])
    pages, after = [], (0.0, 0)

    for _ in range(3):
        pages.append(await storage.kept_events(wait(since=1.0), 2, after))
        after = (pages[-1][-1].accepted, pages[-1][-1].number)

    assert pages == [[rows[1], rows[3]], [rows[4], rows[5]], [rows[6]]]
    assert await storage.kept_events(wait(since=1.0), 2, after) == []


async def test_a_page_of_kept_events_begins_beyond_a_place_but_never_before_the_wait(storage: Storage) -> None:
    rows = [event(number=n, accepted=at) for n, at in ((3, 1.0), (1, 2.0), (2, 2.0), (4, 2.0), (0, 3.0))]
    await commit(storage, events=rows)

    assert await storage.kept_events(wait(since=0.0), 9) == rows
    assert await storage.kept_events(wait(since=0.0), 9, (2.0, 1)) == rows[2:]
    assert await storage.kept_events(wait(since=0.0), 9, (2.0, 3)) == rows[3:]
    assert await storage.kept_events(wait(since=0.0), 9, (1.5, 99)) == rows[1:]
    assert await storage.kept_events(wait(since=2.0), 9, (2.0, 1)) == rows[4:]
    assert await storage.kept_events(wait(since=2.0), 9, (1.0, 0)) == rows[4:]
    assert await storage.kept_events(wait(since=2.0), 9, (3.0, 0)) == []


async def test_kept_events_are_found_by_a_digest_of_what_is_in_them(storage: Storage) -> None:
    """Those with the digest 0 are found by any; in order, by pages, and not those that have woken the instance."""
    late = math.nextafter(AT, 1e12)
    places = [(1.0, 9), (AT, 4), (AT, 5), (AT, 8), (late, 2), (late, 7), (AT + 1, 1)]
    rows = [event(number=number, accepted=at) for at, number in places]
    keys = {9: [17], 4: [17, 18], 5: [0], 8: [18], 2: [17], 7: [17], 1: [0]}
    await commit(
        storage,
        events=rows[::-1],
        event_keys=[("paid", key, row.accepted, row.number) for row in rows for key in keys[row.number]],
        consumed=[(2, "i1", "", 3)],
    )
    await commit(storage, event_keys=[("paid", 17, AT, 4), ("other", 17, AT, 8)])

    async def found(key: int, **more: Any) -> list[int]:
        return [row.number for row in await storage.kept_events(wait(since=1.0), **more, digest=key)]

    assert await found(17, limit=9) == [4, 5, 7, 1]
    assert await found(17, limit=2) == [4, 5]
    assert await found(17, limit=9, after=(AT, 4)) == [5, 7, 1]
    assert await found(18, limit=9) == [4, 5, 8, 1]
    assert await found(19, limit=9) == [5, 1]
    assert await storage.kept_events(wait(since=0.0, instance="i2"), 9, digest=17) == [
        row for row in rows if 17 in keys[row.number] or 0 in keys[row.number]
    ]


async def test_an_event_is_not_kept_for_an_instance_that_it_has_woken(storage: Storage) -> None:
    rows = [event(number=n, accepted=AT + n) for n in (1, 2)]
    await commit(storage, events=rows, consumed=[(1, "i1", "1", 9)])
    await commit(storage, consumed=[(1, "i1", "1", 9), (2, "i2", "", 3)])

    assert await storage.kept_events(wait(), 10) == [rows[1]]
    assert await storage.kept_events(wait(instance="i2"), 10) == [rows[0]]
    assert await storage.woken(1, ["i1", "i2", "i3"]) == {"i1"}
    assert await storage.woken(3, ["i1"]) == set()


# messages that were taken, and that nobody took


@pytest.mark.parametrize("ids", [["m1"], ["new", TEXT], ["m1", "new"], ["new", "new"], ["new", "newer", "new"]])
async def test_a_message_that_was_taken_before_is_told_and_nothing_is_written(storage: Storage, ids: list[str]) -> None:
    await commit(storage, inbox=[("m1", 1.0), (TEXT, 2.0)], instances=[instance()], events=[event()], mail=[mail()])
    before = await everything(storage)

    with pytest.raises(AlreadySeen):
        await commit(
            storage,
            inbox=[(id, 3.0) for id in ids],
            mail_gone=[1],
            cursors=[(1, "", None)],
            instances=[instance(version=2), instance(id="i2")],
            history=[entry()],
        )

    assert await everything(storage) == before
    assert await storage.instances(InstanceQuery()) == [instance()]
    assert await storage.pending_events(9) == [event()]
    assert await storage.mail(9) == [mail()]
    await commit(storage, inbox=[("new", 3.0), ("newer", 3.0)])


async def test_of_any_number_of_messages_not_one_may_have_been_taken(storage: Storage) -> None:
    taken = [(f"m{n}", 1.0) for n in range(300)]
    await commit(storage, inbox=taken[:1])

    with pytest.raises(AlreadySeen):
        await commit(storage, inbox=taken[::-1])
    await commit(storage, inbox=taken[1:])

    assert await everything(storage) == {"inbox": 300}


async def test_a_message_that_was_forgotten_can_be_taken_again(storage: Storage) -> None:
    await commit(storage, inbox=[("m1", 1.0), ("m2", 5.0)])

    await forget(storage, inbox=5.0)

    await commit(storage, inbox=[("m1", 6.0)])
    with pytest.raises(AlreadySeen):
        await commit(storage, inbox=[("m2", 6.0)])


async def test_a_message_is_called_taken_rather_than_its_batch_stale(storage: Storage) -> None:
    await commit(storage, inbox=[("m1", 1.0)], instances=[instance()])

    with pytest.raises(AlreadySeen):
        await commit(storage, inbox=[("m1", 1.0)], instances=[instance()], cursors=[(9, "", None)])


async def test_a_dead_letter_is_kept_once_and_the_newest_comes_first(storage: Storage) -> None:
    rows = [dead(number=n, digest=f"d{n}", properties=b'{"a":1}') for n in (1, 3, 2)]
    await commit(storage, dead=rows)
    await commit(storage, dead=[dead(number=4, digest="d1"), dead(number=3, digest="d5")])

    assert await storage.dead_letters() == [rows[1], rows[2], rows[0]]
    assert await storage.dead_letters(1) == [rows[1]]


# definitions, history, incidents, settings


async def test_the_first_text_of_a_definition_counts_and_a_version_comes_later(storage: Storage) -> None:
    await commit(storage, definitions=[definition(source="<č/>")])
    await commit(storage, definitions=[definition(source="other", version=4)])
    await commit(storage, definitions=[definition()])

    assert await storage.definition("hash") == definition(source="<č/>", version=4)
    assert await storage.definition("nothing") is None


async def test_history_comes_in_order_by_pages(storage: Storage) -> None:
    rows = [entry(number=n, activity=None if n == 2 else n, detail='{"č":1}'.encode()) for n in (2, 10, 1)]
    await commit(storage, history=[*rows, entry(instance="i2")])

    assert await storage.history("i1") == [rows[2], rows[0], rows[1]]
    assert await storage.history("i1", after=1, limit=1) == [rows[0]]


async def test_incidents_are_open_until_they_are_closed(storage: Storage) -> None:
    rows = [incident(number=1, opened=3.0), incident(instance="i2", opened=1.0), incident(number=2, opened=2.0)]
    await commit(storage, incidents=rows)

    await commit(storage, incidents_closed=[("i1", 2, 4.0, "retry"), ("i1", 9, 4.0, "skip")])

    closed = replace(rows[2], closed=4.0, how="retry")
    assert await storage.incidents() == [rows[1], rows[0]]
    assert await storage.incidents("i1") == [rows[0]]
    assert await storage.incidents(closed=True) == [rows[1], closed, rows[0]]
    assert await storage.incidents("i1", closed=True) == [closed, rows[0]]


async def test_an_incident_that_is_opened_and_closed_in_one_batch_is_closed(storage: Storage) -> None:
    await commit(storage, incidents=[incident()], incidents_closed=[("i1", 1, 4.0, "retry")])

    assert await storage.incidents("i1", closed=True) == [incident(closed=4.0, how="retry")]


async def test_the_first_default_of_a_setting_is_stored(storage: Storage) -> None:
    first = await storage.setting("key", TEXT)
    second = await storage.setting("key", "other")

    assert (first, second) == (TEXT, TEXT)


async def test_a_setting_that_is_written_replaces_what_was_kept(storage: Storage) -> None:
    await storage.setting("key", "old")

    await commit(storage, settings=[("key", TEXT), ("new", "")])

    assert (await storage.setting("key", "other"), await storage.setting("new", "other")) == (TEXT, "")


async def test_of_settings_asked_for_at_once_all_get_the_same(storage: Storage) -> None:
    found = await asyncio.gather(*(storage.setting("key", str(n)) for n in range(10)))

    assert len(set(found)) == 1


# what people look at


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        (InstanceQuery(), ["e", "d", "c", "ab", "aa"]),
        (InstanceQuery(limit=2), ["e", "d"]),
        (InstanceQuery(before="d", limit=2), ["c", "ab"]),
        (InstanceQuery(prefix="a"), ["ab", "aa"]),
        (InstanceQuery(process="refund"), ["d", "c"]),
        (InstanceQuery(status="faulted"), ["c"]),
        (InstanceQuery(outcome="paid"), ["e"]),
        (InstanceQuery(business_key="k1"), ["d", "ab"]),
        (InstanceQuery(with_incidents=True), ["c"]),
        (InstanceQuery(unfinished=True), ["d", "c", "ab", "aa"]),
        (InstanceQuery(started_after=AT), ["e"]),
        (InstanceQuery(process="refund", business_key="k1", unfinished=True, prefix="d"), ["d"]),
        (InstanceQuery(process="refund", outcome="paid"), []),
    ],
)
async def test_instances_are_found_newest_first(storage: Storage, query: InstanceQuery, ids: list[str]) -> None:
    rows = [
        instance(id="aa"),
        instance(id="ab", business_key="k1"),
        instance(id="c", process="refund", status="faulted", incidents=1),
        instance(id="d", process="refund", business_key="k1"),
        instance(id="e", status="completed", outcome="paid", ended=AT, started=AT + 1),
    ]
    await commit(storage, instances=rows)

    assert await storage.instances(query) == [row for id in ids for row in rows if row.id == id]


async def test_every_table_is_counted(storage: Storage) -> None:
    await commit(
        storage,
        instances=[instance()],
        branches=[branch()],
        values=[value(), value(name="a")],
        waits=[wait()],
        remembered=[remembered()],
        events=[event()],
        event_keys=[("paid", 7, AT, 1), ("paid", 8, AT, 1)],
        consumed=[(1, "i1", "", 3)],
        mail=[mail()],
        outbox=[out()],
        inbox=[("m1", AT)],
        dead=[dead()],
        history=[entry()],
        incidents=[incident()],
        definitions=[definition()],
        audit=[audit()],
        destinations=[destination()],
        pauses=[pause()],
        versions=[version()],
        schedules=[schedule()],
        event_starts=[("go", "order")],
    )

    assert await storage.counts() == {
        "instances": 1,
        "branches": 1,
        "values": 2,
        "waits": 1,
        "remembered": 1,
        "events": 1,
        "event_keys": 2,
        "consumed": 1,
        "mailbox": 1,
        "outbox": 1,
        "inbox": 1,
        "dead_letters": 1,
        "history": 1,
        "incidents": 1,
        "definitions": 1,
        "settings": 0,
        "audit": 1,
        "destinations": 1,
        "pauses": 1,
        "versions": 1,
        "schedules": 1,
        "event_starts": 1,
    }


# forgetting


async def forget(
    storage: Storage,
    history: float = 0,
    instances: float = 0,
    events: float = 0,
    inbox: float = 0,
    dead: float = 0,
) -> int:
    return await storage.prune(history=history, instances=instances, events=events, inbox=inbox, dead=dead)


async def test_dead_letters_are_forgotten_by_their_age(storage: Storage) -> None:
    await commit(storage, dead=[dead(number=n, at=float(n), message_id=f"m{n}") for n in range(1, 4)])

    deleted = await forget(storage, dead=3.0)

    assert deleted == 2
    assert [letter.number for letter in await storage.dead_letters()] == [3]


async def test_an_ended_instance_is_forgotten_with_all_that_belongs_to_it(storage: Storage) -> None:
    for id in ("old", "new", "runs"):
        await commit(
            storage,
            instances=[instance(id=id, ended={"old": 1.0, "new": 5.0}.get(id))],
            branches=[branch(instance=id)],
            values=[value(instance=id), value(instance=id, name="a")],
            waits=[wait(instance=id)],
            remembered=[remembered(instance=id)],
            consumed=[(1, id, "", 3)],
            history=[entry(instance=id)],
            incidents=[incident(instance=id)],
            mail=[mail(number=ord(id[0]), instance=id, held=True)],
        )

    deleted = await forget(storage, instances=5.0)

    assert deleted == 10
    assert [row.id for row in await storage.instances(InstanceQuery())] == ["runs", "new"]
    assert await storage.branches("old") == Loaded()
    assert (await storage.history("old"), await storage.incidents("old"), await storage.waits_of("old")) == ([], [], [])
    assert await storage.woken(1, ["old", "new"]) == {"new"}
    assert (await everything(storage))["values"] == 4
    assert await storage.held_mail("old", 1) == []
    assert (await storage.remembered("old"), len(await storage.remembered("new"))) == ([], 1)


async def test_forgetting_takes_a_bounded_part_each_time(storage: Storage) -> None:
    await commit(
        storage,
        instances=[instance(ended=1.0), instance(id="i2", ended=2.0)],
        history=[entry(number=n) for n in range(1500)],
        inbox=[(f"m{n}", float(n)) for n in range(1500)],
    )

    first = await forget(storage, instances=9.0, inbox=1200.0)
    after_first = await everything(storage)
    second = await forget(storage, instances=9.0, inbox=1200.0)

    assert (first, after_first) == (2001, {"instances": 1, "history": 500, "inbox": 500})
    assert (second, await everything(storage)) == (501 + 200, {"inbox": 300})
    assert await forget(storage, instances=9.0, inbox=1200.0) == 0


async def test_history_is_forgotten_by_its_age(storage: Storage) -> None:
    await commit(storage, instances=[instance()], history=[entry(number=n, at=float(n)) for n in (1, 2, 3)])

    deleted = await forget(storage, history=3.0)

    assert deleted == 2
    assert await storage.history("i1") == [entry(number=3, at=3.0)]


async def test_an_event_is_forgotten_once_it_was_offered_to_all(storage: Storage) -> None:
    rows = [event(number=n, accepted=float(n)) for n in (1, 2, 3)]
    await commit(storage, events=rows, consumed=[(2, "i1", "", 3), (3, "i1", "", 3)])
    await commit(storage, cursors=[(2, "", None), (3, "", None)])

    deleted = await forget(storage, events=3.0)

    assert deleted == 2
    assert await storage.kept_events(wait(since=0.0, instance="x"), 9) == [rows[0], replace(rows[2], cursor=None)]
    assert await storage.woken(2, ["i1"]) == set()
    assert await storage.woken(3, ["i1"]) == {"i1"}


async def test_an_event_that_has_woken_many_goes_with_all_of_it(storage: Storage) -> None:
    await commit(storage, events=[event(number=n, accepted=float(n), cursor=None) for n in (1, 2)])
    await commit(storage, consumed=[(n, f"i{i}", "", 3) for n in (1, 2) for i in range(1200)])
    await commit(storage, event_keys=[("paid", key, float(n), n) for n in (1, 2) for key in (7, 8)])

    first = await forget(storage, events=9.0)
    second = await forget(storage, events=9.0)

    assert (first, second) == (1203, 1203)
    assert await everything(storage) == {}


async def test_nothing_is_forgotten_before_its_time(storage: Storage) -> None:
    await commit(storage, instances=[instance(ended=5.0)], history=[entry(at=5.0)], inbox=[("m", 5.0)])
    await commit(storage, events=[event(accepted=5.0, cursor=None)])

    assert await forget(storage, history=5.0, instances=5.0, events=5.0, inbox=5.0) == 0


async def test_errors_of_storage_are_ours(storage: Storage) -> None:
    await storage.post(mail())

    with pytest.raises(BureaucratError):
        await storage.post(mail())
