"""What only PostgreSQL can show: several daemons on one database, and a server that is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from random import Random
from typing import Any

import asyncpg
import pytest
from postgres import Postgres
from storage_rows import branch, commit, event, instance, mail, out, state

from bureaucrat.errors import AlreadySeen, NotUnique, StaleVersion, StorageUnavailable
from bureaucrat.ports import InstanceQuery, Writes
from bureaucrat.storage.postgresql import PostgresqlStorage
from bureaucrat.storage.postgresql_sessions import Waits
from bureaucrat.storage.shapes import single

Opened = Callable[..., Any]

_TEXT = single("value")
IMPATIENT = Waits(connect=1.0, answer=1.0, turn=0.3)


@pytest.fixture
async def opened(postgres: Postgres) -> AsyncIterator[Opened]:
    """Opens another storage on the database of the test."""
    url = postgres.url(postgres.emptied_database())
    async with AsyncExitStack() as stack:

        async def another(**more: Any) -> PostgresqlStorage:
            storage = PostgresqlStorage(url, **more)
            await storage.open()
            stack.push_async_callback(storage.close)
            return storage

        yield another


async def until(condition: Callable[[], Any]) -> None:
    """Wait, at most ten seconds, for what a coroutine says."""
    async with asyncio.timeout(10):
        while not await condition():  # noqa: ASYNC110  # the server tells nobody
            await asyncio.sleep(0)


# two daemons


async def test_of_two_transactions_on_one_instance_the_second_sees_what_the_first_has_written(opened: Opened) -> None:
    one, two = await opened(), await opened()
    await commit(one, instances=[instance()])

    async with one.batch() as first, two.batch() as second:
        await first.lock(["i1"])
        waiting = asyncio.create_task(second.lock(["i1"]))
        await until(lambda: _has_a_waiter(one))
        await first.commit(Writes(states=[state(version=2)]))
        locked = await waiting

    assert locked["i1"].version == 2


async def _has_a_waiter(storage: PostgresqlStorage) -> bool:
    async with storage._sessions.one() as connection:
        return bool(await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))


async def test_who_waits_too_long_for_a_row_tries_again(opened: Opened) -> None:
    one, two = await opened(), await opened()
    await commit(one, instances=[instance()])

    async with one.batch() as first, two.batch() as second:
        await first.lock(["i1"])
        await second.rows("setting", _TEXT, name="none")
        await second._connection.execute("SET LOCAL lock_timeout = '50ms'")
        with pytest.raises(StaleVersion, match="lock timeout"):
            await second.lock(["i1"])

    assert await two.instance("i1") == instance()


async def test_batches_of_any_instances_in_any_order_never_lock_each_other_out(opened: Opened) -> None:
    storages = [await opened(), await opened()]
    ids = [f"i{number}" for number in range(12)]
    await commit(storages[0], instances=[instance(id=id) for id in ids])
    done: list[str] = []

    async def work(number: int) -> None:
        random, storage = Random(number), storages[number % 2]
        for _ in range(6):
            some = random.sample(ids, 5)
            async with storage.batch() as batch:
                rows = await batch.lock(some)
                changed = [state(id=id, version=rows[id].version + 1) for id in some]
                await batch.commit(Writes(states=changed, branches=[branch(instance=id) for id in some]))
            done.extend(some)

    async with asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(work(number))

    versions = {row.id: row.version for row in await storages[0].instances(InstanceQuery())}
    assert versions == {id: 1 + done.count(id) for id in ids}
    assert len(done) == 8 * 6 * 5


@pytest.mark.parametrize("is_guarded", [True, False])
async def test_what_locks_each_other_out_is_redone(opened: Opened, is_guarded: bool) -> None:
    """Rows that are locked in no order: one of both is told to try again, as it expects to be."""
    storage = await opened()
    await commit(storage, mail=[mail(number=1), mail(number=2)])

    async with storage.batch() as first, storage.batch() as second:
        for batch, number in ((first, 1), (second, 2)):
            await batch.take_mail([number])
            if is_guarded:
                await batch.lock(["nobody"])
        both = [first.commit(Writes(mail_gone=[2])), second.commit(Writes(mail_gone=[1]))]
        results = await asyncio.gather(*both, return_exceptions=True)

    (error,) = filter(None, results)
    assert isinstance(error, StaleVersion if is_guarded else StorageUnavailable)
    assert not getattr(error, "unknown", False)
    assert len(await storage.mail(9)) == 1


async def test_mail_is_taken_once_however_many_look(opened: Opened) -> None:
    storages = [await opened(), await opened()]
    numbers = list(range(1, 41))
    await commit(storages[0], mail=[mail(number=number) for number in numbers])
    applied: list[int] = []

    async def work(place: int) -> None:
        storage = storages[place % 2]
        while left := [row.number for row in await storage.mail(10)]:
            async with storage.batch() as batch:
                taken = list(await batch.take_mail(left[:7]))
                await batch.commit(Writes(mail_gone=taken, outbox=[out(number=number) for number in taken]))
                applied.extend(taken)

    async with asyncio.TaskGroup() as group:
        for place in range(6):
            group.create_task(work(place))

    assert sorted(applied) == numbers


async def test_mail_that_somebody_applies_is_not_there_for_others(opened: Opened) -> None:
    one, two = await opened(), await opened()
    await commit(one, mail=[mail(number=1), mail(number=2, held=True)])

    async with one.batch() as first, two.batch() as second:
        taken = await first.take_mail([1])
        left = await second.take_mail([1, 2])

    assert (taken, left) == ({1: False}, {2: True})


async def test_events_and_names_are_held_to_the_end_of_a_transaction(opened: Opened) -> None:
    one, two = await opened(), await opened()
    await commit(one, events=[event(number=1)])

    for take in (lambda batch: batch.take_events([1]), lambda batch: batch.claim("a name")):
        async with one.batch() as first:
            await take(first)
            async with two.batch() as second:
                waiting = asyncio.create_task(take(second))
                await until(lambda: _has_a_waiter(one))
                await first.commit(Writes())
                await waiting
    assert [row.number for row in await two.pending_events(9)] == [1]


async def test_of_many_who_start_one_instance_one_does(opened: Opened) -> None:
    storages = [await opened(), await opened()]
    writes = [Writes(instances=[instance(state=b"%d" % number)]) for number in range(8)]

    results = await asyncio.gather(
        *(storages[number % 2].batch().commit(each) for number, each in enumerate(writes)), return_exceptions=True
    )

    assert sorted(type(result).__name__ for result in results) == ["NoneType", *["StaleVersion"] * 7]


async def test_of_many_who_want_one_business_key_one_has_it_and_the_others_learn_whose(opened: Opened) -> None:
    storages = [await opened(), await opened()]
    rows = [instance(id=f"i{number}", business_key="k", is_unique=True) for number in range(8)]

    results = await asyncio.gather(
        *(storages[number % 2].batch().commit(Writes(instances=[row])) for number, row in enumerate(rows)),
        return_exceptions=True,
    )

    (holder,) = (row.id for row in await storages[0].instances(InstanceQuery()))
    refused = [result for result in results if isinstance(result, NotUnique)]
    assert [each.holders for each in refused] == [{row.id: holder} for row in rows if row.id != holder]


async def test_of_many_who_accept_one_message_one_does(opened: Opened) -> None:
    storages = [await opened(), await opened()]
    ids = [("a", 1.0), ("b", 1.0), ("c", 1.0)]

    results = await asyncio.gather(
        *(
            storages[number % 2].batch().commit(Writes(inbox=Random(number).sample(ids, 3), mail=[mail(number=number)]))
            for number in range(8)
        ),
        return_exceptions=True,
    )

    assert sorted(type(result).__name__ for result in results) == [*["AlreadySeen"] * 7, "NoneType"]
    assert isinstance(next(filter(None, results)), AlreadySeen)
    assert len(await storages[0].mail(9)) == 1


async def test_who_finds_another_one_forgetting_leaves_it_to_that_one(opened: Opened) -> None:
    one, two = await opened(), await opened()
    await commit(one, instances=[instance(ended=1.0)])
    old = {"history": 9.0, "instances": 9.0, "events": 9.0, "inbox": 9.0, "dead": 9.0}

    async with one._sessions.one() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(1114993155, 0)")
        nothing = await two.prune(**old)

    assert (nothing, await two.prune(**old)) == (0, 1)


# members


async def test_each_daemon_has_a_number_of_its_own_as_long_as_it_lives(opened: Opened) -> None:
    one, two = await opened(), await opened()
    both = {(await one.membership()).mine, (await two.membership()).mine}

    before = (await one.membership()).living
    await two.close()
    await until(lambda: _alone(one))

    assert before == both
    assert len(both) == 2


async def _alone(storage: PostgresqlStorage) -> bool:
    membership = await storage.membership()
    return membership.living == {membership.mine}


async def test_a_reader_is_no_member(opened: Opened) -> None:
    daemon, reader = await opened(), await opened(read_only=True)

    membership = await reader.membership()

    assert membership.living == (await daemon.membership()).living == {(await daemon.membership()).mine}
    assert membership.mine == -1


async def test_a_member_whose_session_was_ended_has_another_number_then(opened: Opened) -> None:
    storage = await opened()
    before = await storage.membership()
    await _end_sessions(storage)

    async def again() -> bool:
        try:
            return (await storage.membership()).mine != before.mine
        except StorageUnavailable:
            return False

    await until(again)

    membership = await storage.membership()
    assert membership.living == {membership.mine}


async def _end_sessions(storage: PostgresqlStorage, *, but_idle: bool = False) -> None:
    """As an operator may."""
    connection = await asyncpg.connect(storage._sessions._url)
    state = "AND state <> 'idle'" if but_idle else ""
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE datname = current_database() AND pid <> pg_backend_pid() {state}"
    )
    await connection.close()


async def test_a_member_that_asks_nothing_any_more_loses_its_number(opened: Opened) -> None:
    """A frozen daemon; here the server's patience is shortened."""
    storage, frozen = await opened(), await opened()
    number = (await frozen.membership()).mine
    await frozen._member._session.execute("SET idle_session_timeout = '100ms'")

    async def is_gone() -> bool:
        return number not in (await storage.membership()).living

    await until(is_gone)

    assert (await frozen.membership()).mine != number


async def test_word_of_mail_comes_to_every_daemon(opened: Opened) -> None:
    one, two, reader = await opened(), await opened(), await opened(read_only=True)
    told = [asyncio.Event(), asyncio.Event()]
    one.on_mail, two.on_mail = told[0].set, told[1].set

    await reader.post(mail(number=7))

    async with asyncio.timeout(10):
        await asyncio.gather(*(each.wait() for each in told))
    assert await one.mail(9) == [mail(number=7)]


# connections that are lost


@pytest.mark.parametrize("when", ["between", "at the commit"])
async def test_a_session_that_ends_before_its_commit_has_written_nothing(opened: Opened, when: str) -> None:
    storage = await opened()
    await commit(storage, instances=[instance()])

    async with storage.batch() as batch:
        await batch.lock(["i1"])
        await _end_sessions(storage, but_idle=True)
        if when == "between":
            await until(lambda: _is_lost(batch))
        with pytest.raises(StorageUnavailable) as raised:
            await batch.commit(Writes(states=[state(version=2)]))

    assert not raised.value.unknown
    assert await storage.instance("i1") == instance()


async def _is_lost(batch: Any) -> bool:
    return bool(batch._connection.is_closed())


async def test_of_a_commit_whose_answer_is_lost_nobody_knows(opened: Opened) -> None:
    """The server makes the row durable and then loses the connection."""
    storage = await opened()
    async with storage._sessions.one() as connection:
        await connection.execute(_BREAKING)

    with pytest.raises(StorageUnavailable) as raised:
        await commit(storage, instances=[instance()], inbox=[("breaks the connection", 1.0)])
    async with storage._sessions.one() as connection:
        await connection.execute("DROP TRIGGER breaking ON inbox; DROP FUNCTION breaking()")

    assert raised.value.unknown
    assert await storage.instance("i1") is None  # but for the caller it may as well be there
    await commit(storage, instances=[instance()])


async def test_a_commit_that_takes_too_long_may_have_happened(opened: Opened) -> None:
    """Whoever waits is told that nobody knows; here it happens after all."""
    storage = await opened()
    slow = await opened(waits=replace(IMPATIENT, answer=0.1))
    async with storage._sessions.one() as connection:
        await connection.execute(_BREAKING.replace("PERFORM pg_terminate_backend(pg_backend_pid());", _PATIENT))

    with pytest.raises(StorageUnavailable) as raised:
        await commit(slow, instances=[instance()], inbox=[("takes its time", 1.0)])

    async def is_there() -> bool:
        return await storage.instance("i1") == instance()

    assert raised.value.unknown
    await until(is_there)
    async with storage._sessions.one() as connection:
        await connection.execute("DROP TRIGGER breaking ON inbox; DROP FUNCTION breaking()")


#: goes on even if it is told to stop
_PATIENT = """
    BEGIN PERFORM pg_sleep(0.5); EXCEPTION WHEN query_canceled THEN NULL; END;
    RETURN NEW;
"""
#: ends its own session while it commits
_BREAKING = """
CREATE FUNCTION breaking() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_terminate_backend(pg_backend_pid());
    PERFORM pg_sleep(5);
    RETURN NEW;
END $$;
CREATE CONSTRAINT TRIGGER breaking AFTER INSERT ON inbox DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION breaking();
"""


async def test_a_daemon_that_stands_still_within_a_transaction_holds_nobody_up(opened: Opened) -> None:
    """It is told so when it goes on; here the server's patience is shortened."""
    storage, other = await opened(), await opened()
    await commit(storage, instances=[instance()])

    async with storage.batch() as batch:
        await batch.lock(["i1"])
        await batch._connection.execute("SET LOCAL idle_in_transaction_session_timeout = '50ms'")
        await until(lambda: _is_lost(batch))
        await commit(other, states=[state(version=2, state=b'"other"')])
        with pytest.raises(StorageUnavailable, match="lost before the commit") as raised:
            await batch.commit(Writes(states=[state(version=2)]))

    assert not raised.value.unknown
    assert await storage.instance("i1") == replace(instance(version=2, state=b'"other"'), held=1)


async def test_who_finds_no_connection_free_is_told_so_and_gets_one_later(opened: Opened) -> None:
    storage = await opened(connections=2, waits=replace(IMPATIENT, turn=0.05))
    async with storage.batch() as one, storage.batch() as two:
        await one.lock(["a"])
        await two.lock(["b"])
        with pytest.raises(StorageUnavailable, match=r"all 2 connections were in use for 0\.05 s"):
            await storage.instance("i1")

    assert await storage.instance("i1") is None


async def test_a_server_without_a_connection_left_is_told_with_a_remedy(postgres: Postgres, opened: Opened) -> None:
    storage = await opened()
    postgres.sql("CREATE ROLE narrow LOGIN CONNECTION LIMIT 0; GRANT CONNECT ON DATABASE emptied TO narrow")

    with pytest.raises(StorageUnavailable, match="it has no connection left; raise max_connections"):
        await PostgresqlStorage(postgres.url("emptied", "narrow")).open()

    postgres.sql("REVOKE CONNECT ON DATABASE emptied FROM narrow; DROP ROLE narrow")
    assert await storage.instance("i1") is None


async def test_a_batch_that_is_given_up_gives_its_connection_back(opened: Opened) -> None:
    storage = await opened(connections=1, waits=IMPATIENT)
    await commit(storage, instances=[instance()])

    async def hold() -> None:
        async with storage.batch() as batch:
            await batch.lock(["i1"])
            await batch.rows("setting", _TEXT, name="none")
            await asyncio.Event().wait()

    async def busy() -> bool:
        return storage._sessions._turns.locked()

    holding = asyncio.create_task(hold())
    await until(busy)
    holding.cancel()
    await asyncio.gather(holding, return_exceptions=True)

    await commit(storage, states=[state(version=2)])
    assert (await storage.instances(InstanceQuery()))[0].version == 2
