"""The contract of processes that are registered by name, and of unique keys, held against every storage."""

from __future__ import annotations

from typing import Any

import pytest
from storage_rows import AT, TEXT, audit, commit, instance, version

from bureaucrat.errors import NotUnique, StaleVersion
from bureaucrat.ports import InstanceRow, Storage


async def test_versions_come_by_name_and_number(storage: Storage) -> None:
    rows = [version(name=name, version=number, who=TEXT) for name, number in (("b", 2), ("a", 10), ("b", 1), ("a", 9))]
    await commit(storage, versions=rows)

    assert await storage.versions() == [rows[3], rows[1], rows[2], rows[0]]
    assert await storage.versions("b") == [rows[2], rows[0]]
    assert await storage.versions("c") == []


async def test_a_process_without_a_number_is_its_highest_version_that_is_not_retired(storage: Storage) -> None:
    rows = [version(version=number, definition=f"hash{number}") for number in (1, 2, 10)]
    await commit(storage, versions=rows)
    before = await storage.registered("order")

    await commit(storage, retired=[("order", 10, True)])

    retired = version(version=10, definition="hash10", retired=True)
    assert (before, await storage.registered("order")) == (rows[2], rows[1])
    assert (await storage.registered("order", 10), await storage.registered("order", 1)) == (retired, rows[0])
    assert (await storage.registered("order", 3), await storage.registered("ordr")) == (None, None)


async def test_a_version_that_was_retired_may_come_back(storage: Storage) -> None:
    await commit(storage, versions=[version()], retired=[("order", 1, True), ("nothing", 1, True)])
    before = await storage.registered("order")

    await commit(storage, retired=[("order", 1, False)])

    assert (before, await storage.versions()) == (None, [version()])


async def test_no_version_is_given_twice_and_then_nothing_is_written(storage: Storage) -> None:
    await commit(storage, versions=[version(definition="first")])

    with pytest.raises(StaleVersion):
        await commit(storage, versions=[version(version=2), version(definition="second")], audit=[audit()])

    assert await storage.versions() == [version(definition="first")]
    assert await storage.audits() == []


async def test_unfinished_instances_are_counted_by_definition(storage: Storage) -> None:
    rows = [
        instance(id="a", definition="one"),
        instance(id="b", definition="two", status="suspended"),
        instance(id="c", definition="one", ended=AT),
        instance(id="d", definition="one"),
        instance(id="e", definition="three", ended=AT),
    ]
    await commit(storage, instances=rows)

    assert await storage.running() == {"one": 2, "two": 1}


# unique business keys


def keyed(id: str, key: str = "1017", **more: Any) -> InstanceRow:
    """An instance whose key is unique."""
    return instance(id=id, business_key=key, is_unique=True, **more)


async def test_two_unfinished_instances_have_not_one_unique_key(storage: Storage) -> None:
    await commit(storage, instances=[keyed("a")])

    with pytest.raises(NotUnique) as caught:
        await commit(storage, instances=[keyed("c", "other"), keyed("b")], audit=[audit()])

    assert caught.value.holders == {"b": "a"}
    assert (await storage.running(), await storage.audits()) == ({"hash": 1}, [])


@pytest.mark.parametrize(
    "row",
    [
        keyed("b", "1018"),
        keyed("b", process="invoice"),
        instance(id="b", business_key="1017"),
        keyed("0", None),
    ],
)
async def test_another_key_another_process_and_a_key_that_is_not_unique_are_no_conflict(
    storage: Storage, row: InstanceRow
) -> None:
    await commit(storage, instances=[keyed("a")])

    await commit(storage, instances=[row])

    assert await storage.instance(row.id) == row


async def test_an_instance_that_has_ended_has_its_key_no_longer(storage: Storage) -> None:
    await commit(storage, instances=[keyed("a")])
    await commit(storage, instances=[keyed("a", version=2, ended=AT)])

    await commit(storage, instances=[keyed("b")])
    with pytest.raises(NotUnique):
        await commit(storage, instances=[keyed("c")])


async def test_what_ends_in_a_batch_makes_room_for_what_starts_in_it(storage: Storage) -> None:
    await commit(storage, instances=[keyed("a")])

    await commit(storage, instances=[keyed("b"), keyed("a", version=2, ended=AT)])

    assert await storage.instance("b") == keyed("b")


@pytest.mark.parametrize(
    ("rows", "holders"),
    [
        ([keyed("b"), keyed("a")], {"a": "b"}),
        ([keyed("b"), keyed("a", ended=AT)], {"a": "b"}),
        ([keyed("b"), keyed("a"), keyed("c")], {"a": "b", "c": "b"}),
        ([keyed("b", ended=AT), keyed("a")], None),
    ],
)
async def test_of_new_instances_with_one_key_the_first_that_is_unfinished_has_it(
    storage: Storage, rows: list[InstanceRow], holders: dict[str, str] | None
) -> None:
    found = None
    try:
        await commit(storage, instances=rows)
    except NotUnique as conflict:
        found = conflict.holders

    assert found == holders
    assert await storage.running() == ({} if holders else {"hash": 1})


async def test_an_instance_that_is_there_already_is_stale_and_no_conflict_with_itself(storage: Storage) -> None:
    await commit(storage, instances=[keyed("a")])

    with pytest.raises(StaleVersion):
        await commit(storage, instances=[keyed("a")])
