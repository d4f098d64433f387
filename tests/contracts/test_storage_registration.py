"""The contract of processes that are registered by name, held against every storage."""

from __future__ import annotations

import pytest
from storage_rows import AT, TEXT, audit, commit, instance, version

from bureaucrat.errors import StaleVersion
from bureaucrat.ports import Storage


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
