"""The contract of what an examination asks, held against every storage."""

from __future__ import annotations

from dataclasses import replace

from storage_rows import (
    AT,
    TEXT,
    branch,
    commit,
    entry,
    event,
    incident,
    instance,
    mail,
    out,
    remembered,
    value,
    wait,
)

from bureaucrat.ports import Belongings, Span, Storage, Stray


async def test_all_that_belongs_to_some_instances_comes_in_order_of_its_keys(storage: Storage) -> None:
    ids = ("b", "a", "c")
    outbox = [out(number=9 - n, instance=id, attempt=n, branch="1", participant=TEXT) for n, id in enumerate(ids)]
    await commit(
        storage,
        instances=[instance(id=id) for id in ids],
        branches=[branch(instance=id, id=name, due=AT) for id in ids for name in ("1", "")],
        values=[value(instance=id, branch=name, name=name) for id in ids for name in ("1", "")],
        waits=[wait(instance=id, activity=number) for id in ids for number in (2, 1)],
        remembered=[remembered(instance=id, number=number) for id in ids for number in (2, 1)],
        incidents=[incident(instance=id, number=number, opened=9.5 - number) for id in ids for number in (2, 1)],
        mail=[mail(number=9 - n, instance=id, held=id == "a") for n, id in enumerate(ids)],
        outbox=outbox,
    )

    found = await storage.belongings(["b", "a", "nobody"])

    two = ("a", "b")
    assert found == Belongings(
        instances=[instance(id=id) for id in two],
        branches=[branch(instance=id, id=name, due=AT) for id in two for name in ("", "1")],
        values=[value(instance=id, branch=name, name=name) for id in two for name in ("", "1")],
        waits=[wait(instance=id, activity=number) for id in two for number in (1, 2)],
        remembered=[remembered(instance=id, number=number) for id in two for number in (1, 2)],
        incidents=[incident(instance=id, number=number, opened=9.5 - number) for id in two for number in (1, 2)],
        mail=[mail(number=8, instance="a", held=True), mail(number=9, instance="b")],
        outbox=[replace(outbox[1], body=b""), replace(outbox[0], body=b"")],
    )


async def test_what_belongs_to_an_instance_that_is_not_there_is_found_too(storage: Storage) -> None:
    await commit(storage, mail=[mail(instance="new")], branches=[branch(instance="new")])

    found = await storage.belongings(["new"])

    assert found == Belongings(mail=[mail(instance="new")], branches=[branch(instance="new")])


async def test_of_incidents_the_open_ones_of_the_outbox_the_attempts_belong_to_an_instance(storage: Storage) -> None:
    await commit(
        storage,
        incidents=[incident(number=1), incident(number=2, closed=AT, how="retried")],
        outbox=[out(number=1, instance="i1"), out(number=2, instance="i1", attempt=4)],
    )

    found = await storage.belongings(["i1"])

    assert found == Belongings(
        incidents=[incident(number=1)], outbox=[out(number=2, instance="i1", attempt=4, body=b"")]
    )


async def test_the_history_is_told_by_where_it_begins_and_ends(storage: Storage) -> None:
    whole = [entry(instance="a", number=number, what="input" if number == 1 else "started") for number in (3, 1, 2)]
    await commit(storage, history=[*whole, entry(instance="b", number=7, what=TEXT), entry(instance="c")])

    found = await storage.belongings(["b", "a"])

    assert found == Belongings(spans=[Span("a", 1, 3, 3, "input"), Span("b", 7, 7, 1, TEXT)])


async def test_nothing_belongs_to_no_instances(storage: Storage) -> None:
    await commit(storage, instances=[instance()], branches=[branch()])

    assert await storage.belongings([]) == Belongings()


async def test_rows_without_their_owner_are_strays_each_owner_once(storage: Storage) -> None:
    await commit(
        storage,
        instances=[instance(id="there")],
        events=[event(number=5)],
        branches=[branch(instance=id, id=name) for id in ("there", "z", "y") for name in ("", "1")],
        values=[value(instance=id) for id in ("there", "z")],
        waits=[wait(instance=id) for id in ("there", "y")],
        remembered=[remembered(instance=id) for id in ("there", "y")],
        incidents=[incident(instance="there"), incident(instance="y"), incident(instance="z", closed=AT)],
        consumed=[(5, "there", "", 1), (6, "there", "", 1), (6, "y", "", 1)],
        event_keys=[("paid", 0, AT, 5), ("paid", 0, AT, 7), ("paid", 1, AT, 7)],
    )

    assert await storage.strays(10) == [
        Stray("branches", "y"),
        Stray("branches", "z"),
        Stray("consumed", "6"),
        Stray("event_keys", "7"),
        Stray("incidents", "y"),
        Stray("remembered", "y"),
        Stray("values", "z"),
        Stray("waits", "y"),
    ]
    assert await storage.strays(1) == [
        Stray("branches", "y"),
        Stray("consumed", "6"),
        Stray("event_keys", "7"),
        Stray("incidents", "y"),
        Stray("remembered", "y"),
        Stray("values", "z"),
        Stray("waits", "y"),
    ]


async def test_a_sound_database_has_no_problems_and_one_daemon(storage: Storage) -> None:
    vitals = await storage.examine()

    assert (vitals.problems, vitals.daemons) == ([], 1)
    assert vitals.technology
    assert vitals.place
