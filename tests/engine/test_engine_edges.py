"""The engine's edges: what is lost on the way, comes twice, or cannot be read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from test_engine import ACTION, launch, status
from world import World

from bureaucrat.core.messages import Answer, Cancel, Resume, Set, Skip, Suspend
from bureaucrat.engine.codec import encode_message
from bureaucrat.engine.delivery import Delivery
from bureaucrat.engine.settings import Settings
from bureaucrat.errors import Refused, Stopped, StorageUnavailable
from bureaucrat.ports import MailRow, Writes

TWO = '<process name="p"><action participant="work"/><action participant="work"/></process>'
AWAIT = '<process name="p"><await event="go" since="start" property="got"/></process>'


async def values(world: World, instance: str) -> dict[str, bytes]:
    return {row.name: row.value for row in (await world.storage.branches(instance)).values}


async def test_instances_that_do_not_fit_into_the_cache_go_on_all_the_same(world: World) -> None:
    world.settings = Settings(cached=1, batch=3)
    world.functions["work"] = lambda: None
    engine = await world.start()
    running = asyncio.create_task(engine.run())

    for number in range(40):
        engine.put(launch(world, f"i{number}", TWO))
    await world.until("ended", 40)
    engine.stop()
    await running

    assert (await world.storage.counts())["dead_letters"] == 0


async def test_a_mailbox_row_that_a_slow_sweep_brings_again_is_applied_once(world: World) -> None:
    engine = await world.start()
    engine.put(launch(world, "a", '<process name="p"><await event="x"/><await event="y"/></process>'))
    await engine.drain()
    row = MailRow(10_000, "a", encode_message(Skip("", 1)), 0.0)
    await world.storage.post(row)
    await engine.sweep()
    await engine.drain()

    engine._mailbox.post(row)
    await engine.drain()

    assert [entry.activity for entry in world.progress if entry.what == "completed"] == [1]


async def test_an_input_that_was_kept_back_counts_once_though_its_release_was_in_doubt(world: World) -> None:
    engine = await world.start()
    engine.put(launch(world, "a", AWAIT))
    engine.put(Delivery("a", Suspend()))
    await engine.drain()
    await engine.event("go", {"n": 1})
    await engine.drain()
    world.storage.failures = [None, ("after", StorageUnavailable("who knows", unknown=True))]

    engine.put(Delivery("a", Resume()))
    await engine.drain()

    assert await status(world, "a") == "completed"
    assert (await world.storage.counts())["mailbox"] == 0


async def test_an_attempt_is_dispatched_though_nobody_knew_whether_its_commit_happened(world: World) -> None:
    called = asyncio.Event()

    async def work() -> None:
        called.set()

    world.functions["work"] = work
    engine = await world.start()
    world.storage.failures = [("after", StorageUnavailable("who knows", unknown=True))]
    engine.put(launch(world, "a", ACTION))
    await engine.drain()

    await engine.sweep()
    await engine.drain()

    async with asyncio.timeout(10):
        await called.wait()


async def test_an_error_text_that_no_storage_can_keep_is_spelled_out(world: World) -> None:
    def work() -> None:
        raise ValueError("caf\udce9 \x00")

    world.functions["work"] = work
    engine = await world.start()
    running = asyncio.create_task(engine.run())

    engine.put(launch(world, "a", ACTION))
    await world.until("incident")
    engine.stop()
    await running

    (incident,) = await world.storage.incidents()
    assert incident.message == "ValueError: caf\\udce9 \\x00"


async def test_an_answer_that_is_no_json_is_an_error_of_its_participant(world: World) -> None:
    engine = await world.start()
    world.functions["work"] = lambda: None
    engine = await world.start()
    world.transport.send = lambda dispatch, instance: None
    engine.put(launch(world, "a", ACTION))
    await engine.drain()

    engine.put(Delivery("a", Answer("", 1, 1, {"status": "error", "error": "before"})))
    await engine.drain()

    (incident,) = await world.storage.incidents()
    assert incident.message == "before"


@pytest.mark.parametrize("value", [object(), float("nan"), 2**70])
async def test_a_command_with_fields_that_are_no_json_is_refused(world: World, value: object) -> None:
    engine = await world.start()
    engine.put(launch(world, "a"))
    await engine.drain()

    with pytest.raises(Refused, match="no JSON"):
        await engine.tell("a", Set({"x": value}))


async def test_a_mailbox_row_that_cannot_be_read_is_a_dead_letter_and_the_engine_starts(world: World) -> None:
    await world.storage.post(MailRow(1, "a", b'["Teleport", {}]', 0.0))

    engine = await world.start()
    await engine.drain()

    (dead,) = await world.storage.dead_letters()
    assert (dead.message_id, dead.body) == ("a", b'["Teleport", {}]')
    assert "cannot be read" in dead.reason
    assert (await world.storage.counts())["mailbox"] == 0


async def test_an_instance_that_cannot_be_read_stops_nobody_else(world: World) -> None:
    engine = await world.start()
    engine.put(launch(world, "a"))
    engine.put(launch(world, "b"))
    await engine.drain()
    writes = Writes(branches=(await world.storage.branches("a")).branches)
    writes.branches[0].state = b'"nonsense"'
    await world.storage.batch().commit(writes)
    engine = await world.start()

    engine.put(Delivery("a", Cancel()))
    engine.put(Delivery("b", Cancel()))
    await engine.drain()

    (dead,) = await world.storage.dead_letters()
    assert dead.message_id == "a"
    assert (await status(world, "a"), await status(world, "b")) == ("running", "canceled")


@pytest.mark.parametrize("read", ["kept_events", "paths", "waits", "woken"])
async def test_a_read_that_fails_once_is_made_again(world: World, read: str) -> None:
    engine = await world.start()
    running = asyncio.create_task(engine.run())
    engine.put(launch(world, "a", AWAIT))
    await world.until("started")
    world.storage.unreadable.add(read)

    await engine.event("go", {"n": 1})
    await world.until("ended")
    engine.stop()
    await running

    assert world.storage.unreadable == set()
    assert (await values(world, "a"))["got"] == b'{"n":1}'


async def test_what_was_kept_back_is_fetched_again_if_that_failed_once(world: World) -> None:
    engine = await world.start()
    engine.put(launch(world, "a", AWAIT))
    engine.put(Delivery("a", Suspend()))
    await engine.drain()
    await engine.event("go", {"n": 1})
    await engine.drain()
    world.storage.unreadable.add("held_mail")

    engine.put(Delivery("a", Resume()))
    await engine.drain()

    assert world.storage.unreadable == set()
    assert await status(world, "a") == "completed"


async def test_dead_letters_of_several_instances_are_kept_apart(world: World) -> None:
    engine = await world.start()

    for number in range(5):
        engine.put(Delivery(f"nobody{number}", Answer("", 1, 1, {})))
    await engine.drain()

    assert sorted(dead.message_id for dead in await world.storage.dead_letters()) == [f"nobody{n}" for n in range(5)]


async def test_one_event_id_is_accepted_once_however_many_ask_at_the_same_time(world: World) -> None:
    engine = await world.start()

    accepted = await asyncio.gather(*(engine.event("paid", {}, id="e1") for _ in range(5)))

    assert sorted(accepted) == [False] * 4 + [True]


async def test_a_participant_shares_nothing_with_the_process(world: World) -> None:
    seen = []

    def work(workitem: Any) -> dict[str, Any]:
        seen.append(list(workitem.fields["xs"]))
        workitem.fields["xs"].append(1)
        if workitem.attempt == 1:
            raise ValueError("again")
        return {"pair": (1, 2)}

    world.functions["work"] = work
    text = (
        '<process name="p"><action participant="work" retries="1" delay="0"/>'
        '<switch><case><condition>pair == [1, 2]</condition><exit outcome="a list"/></case></switch></process>'
    )
    engine = await world.start()
    running = asyncio.create_task(engine.run())
    engine.put(launch(world, "a", text, xs=[]))
    await world.until("ended")
    engine.stop()
    await running

    row = await world.storage.instance("a")
    assert seen == [[], []]
    assert (row.outcome, (await values(world, "a"))[""]) == ("a list", b'{"xs":[]}')


async def test_an_attempt_that_ends_in_the_step_that_made_it_is_not_dispatched(world: World) -> None:
    called = []
    world.functions["pay"] = lambda: called.append("pay")
    engine = await world.start()

    text = '<process name="p"><any><action participant="pay"/><action participant="nobody"/><sequence/></any></process>'
    engine.put(launch(world, "a", text))
    await engine.drain()

    assert await status(world, "a") == "completed"
    assert called == []
    assert await world.storage.incidents(closed=True) == []


async def test_who_asks_a_stopped_engine_is_told_so(world: World) -> None:
    engine = await world.start()
    running = asyncio.create_task(engine.run())
    engine.stop()
    await running

    with pytest.raises(Stopped):
        await engine.tell("a", Cancel())


async def test_all_timers_of_one_instant_are_found_however_many(world: World) -> None:
    engine = await world.start()
    for number in range(2_500):
        engine.put(launch(world, f"i{number:04}"))
    await engine.drain()
    world.clock.advance_to(5_000.0)

    engine = await world.start()

    assert len(engine._agenda.due(6_000.0, 10_000)) == 2_500
