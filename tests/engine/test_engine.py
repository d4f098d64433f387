"""The engine's batch: what is applied, committed, repeated and set aside."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from world import World

from bureaucrat.core.activity import Activity, Place, Run
from bureaucrat.core.messages import Answer, Cancel, Offer, Resume, Retry, Suspend, TimerFired
from bureaucrat.core.states import State
from bureaucrat.core.table import Definition
from bureaucrat.definition.reader import read
from bureaucrat.engine.codec import decode_message
from bureaucrat.engine.delivery import Birth, Delivery
from bureaucrat.engine.starts import start_of
from bureaucrat.errors import Refused, StaleVersion, StorageUnavailable, UnknownInstance

ACTION = '<process name="p"><action participant="work"/></process>'
DELAY = '<process name="p"><delay duration="10"/></process>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Defective(Activity):
    """An activity with a defect: it waits, and any answer makes it raise."""

    tag: ClassVar[str] = "defective"

    def on_start(self, run: Run, at: Place) -> None:
        run.state(at, State.WAITING)

    def on_offer(self, run: Run, at: Place, offer: Offer) -> None:
        raise RuntimeError("a defect")


def defective(text: str) -> Definition:
    """A definition whose only activity is defective."""
    definition = read(text)
    process = definition.activities[0]
    broken = Defective(index=1, path="_0", tail="_0", parent=0)
    return Definition(definition.name, definition.hash, definition.source, (process, broken), {"": 0, "_0": 1}, {})


def launch(world: World, instance: str, text: str = DELAY, **fields: Any) -> Delivery:
    definition = world.engine.definitions.read(text)
    return Delivery(instance, start_of(definition, fields, world.settings.limits), Birth(definition))


async def status(world: World, instance: str) -> str | None:
    row = await world.storage.instance(instance)
    return None if row is None else row.status


async def test_an_instance_goes_to_its_end_in_the_running_engine(world: World) -> None:
    world.functions["work"] = lambda fields: {"x": fields["x"] + 1}
    engine = await world.start()
    running = asyncio.create_task(engine.run())

    await engine.launch(read(ACTION), {"x": 1}, "a")
    await world.until("ended")
    engine.stop()
    await running

    assert await status(world, "a") == "completed"


async def test_launching_twice_with_one_id_starts_one(world: World) -> None:
    engine = await world.start()

    engine.put(launch(world, "a"))
    engine.put(launch(world, "a"))
    await engine.drain()
    engine.put(launch(world, "a"))
    await engine.drain()

    assert world.told("launched") == ["launched"]
    assert (await world.storage.counts())["instances"] == 1


async def test_a_launch_without_a_required_property_is_refused_before_an_instance_exists(world: World) -> None:
    engine = await world.start()
    text = '<process name="p"><context><property name="who" type="str" required="yes"/></context></process>'

    with pytest.raises(Refused, match="needs who"):
        await engine.launch(read(text), {}, "a")

    assert (await world.storage.counts())["instances"] == 0


async def test_a_failed_commit_leaves_nothing_and_is_repeated(world: World) -> None:
    engine = await world.start()
    world.storage.failures = [("before", StorageUnavailable("gone"))]

    engine.put(launch(world, "a"))
    await engine.drain()

    assert await status(world, "a") == "running"
    assert world.told("launched") == ["launched"]


async def test_a_commit_that_happened_though_it_seemed_to_fail_is_not_done_twice(world: World) -> None:
    engine = await world.start()
    world.storage.failures = [("after", StorageUnavailable("who knows", unknown=True))]

    engine.put(launch(world, "a"))
    await engine.drain()

    row = await world.storage.instance("a")
    assert (row.version, row.status) == (1, "running")


async def test_a_stale_copy_is_loaded_again_and_the_step_repeated(world: World) -> None:
    engine = await world.start()
    engine.put(launch(world, "a"))
    await engine.drain()
    world.storage.failures = [("before", StaleVersion("changed"))]

    engine.put(Delivery("a", Cancel()))
    await engine.drain()

    assert await status(world, "a") == "canceled"


async def test_nothing_is_settled_before_the_commit(world: World) -> None:
    engine = await world.start()
    settled = []
    world.storage.failures = [("before", StorageUnavailable("gone"))]
    delivery = launch(world, "a")
    delivery.settle = lambda: settled.append(len(world.storage.commits))

    engine.put(delivery)
    await engine.drain()

    assert settled == [2]


async def test_a_message_that_makes_a_step_raise_is_set_aside_after_three_tries_alone(world: World) -> None:
    world.read = defective
    engine = await world.start()
    for instance in ("a", "b"):
        definition = engine.definitions.read(ACTION)
        engine.put(Delivery(instance, start_of(definition, {}, world.settings.limits), Birth(definition)))
    await engine.drain()

    engine.put(Delivery("a", Offer("", 1, 2, 7, "e", {})))
    engine.put(Delivery("b", Cancel()))
    await engine.drain()

    (dead,) = await world.storage.dead_letters()
    (incident,) = await world.storage.incidents()
    assert decode_message(dead.body) == Offer("", 1, 2, 7, "e", {})
    assert "RuntimeError: a defect" in dead.reason
    assert (incident.instance, incident.kind, incident.activity) == ("a", "engine", 1)
    assert await status(world, "a") == "faulted"
    assert await status(world, "b") == "canceled"


async def test_what_comes_for_an_instance_with_an_engine_incident_is_kept_back(world: World) -> None:
    world.read = defective
    engine = await world.start()
    definition = engine.definitions.read(ACTION)
    engine.put(Delivery("a", start_of(definition, {}, world.settings.limits), Birth(definition)))
    engine.put(Delivery("a", Offer("", 1, 2, 7, "e", {})))
    await engine.drain()

    for event in range(3):
        engine.put(Delivery("a", Offer("", 1, 2, event, "e", {})))
    await engine.drain()

    held = await world.storage.held_mail("a", 10)
    assert [decode_message(row.message).event for row in held] == [0, 1, 2]
    assert len(await world.storage.dead_letters()) == 1


async def test_what_was_kept_back_is_applied_in_order_and_before_anything_newer(world: World) -> None:
    engine = await world.start()
    text = (
        '<process name="p"><all>'
        '<await event="e" property="got"><faults><default/></faults></await><await event="never"/>'
        "</all></process>"
    )
    engine.put(launch(world, "a", text))
    engine.put(Delivery("a", Suspend()))
    await engine.drain()
    activation = (await world.storage.waits_of("a"))[0].activation

    for number in (1, 2):
        engine.put(Delivery("a", Offer("_0_0", 2, activation, number, "e", {"n": number})))
    await engine.drain()
    engine.put(Delivery("a", Resume()))
    engine.put(Delivery("a", Offer("_0_0", 2, activation, 3, "e", {"n": 3})))
    await engine.drain()

    values = {row.name: row.value for row in (await world.storage.branches("a")).values}
    assert values["got"] == b'{"n":1}'
    assert (await world.storage.counts())["mailbox"] == 0


async def test_a_message_for_nobody_is_a_dead_letter(world: World) -> None:
    engine = await world.start()

    engine.put(Delivery("nobody", Answer("", 1, 1, {})))
    await engine.drain()

    (dead,) = await world.storage.dead_letters()
    assert dead.reason == "there is no instance nobody"


async def test_a_command_for_nobody_is_told_so(world: World) -> None:
    engine = await world.start()
    running = asyncio.create_task(engine.run())

    with pytest.raises(UnknownInstance):
        await engine.tell("nobody", Cancel())

    engine.stop()
    await running


async def test_a_participant_nobody_serves_is_an_incident_that_can_be_tried_again(world: World) -> None:
    engine = await world.start()
    engine.put(launch(world, "a", ACTION))
    await engine.drain()
    (incident,) = await world.storage.incidents()

    engine.put(Delivery("a", Retry(incident.branch, incident.activity)))
    await engine.drain()

    assert (incident.kind, incident.message) == ("unroutable", "nobody serves the participant 'work'")
    assert len(await world.storage.incidents()) == 1
    assert len(await world.storage.incidents(closed=True)) == 2


async def test_an_attempt_that_was_under_way_is_dispatched_again_after_a_restart(world: World) -> None:
    sent = []
    done = asyncio.Event()

    async def work(workitem: Any) -> None:
        sent.append((workitem.token, workitem.key))
        done.set()
        await asyncio.Event().wait()

    world.functions["work"] = work
    engine = await world.start()
    engine.put(launch(world, "a", ACTION))
    await engine.drain()
    await done.wait()
    await world.transport.stop()
    done.clear()

    engine = await world.start()
    await engine.drain()
    await done.wait()

    assert sent == [("a:1", "a/2"), ("a:1", "a/2")]


async def test_timers_left_by_an_earlier_run_fire_after_a_restart(world: World) -> None:
    engine = await world.start()
    engine.put(launch(world, "a"))
    await engine.drain()
    world.clock.advance_to(2_000.0)

    engine = await world.start()
    running = asyncio.create_task(engine.run())
    await world.until("ended")
    engine.stop()
    await running

    assert world.told("ended") == ["ended"]


async def test_a_timer_that_was_rearmed_meanwhile_does_nothing(world: World) -> None:
    engine = await world.start()
    engine.put(launch(world, "a"))
    await engine.drain()
    commits = len(world.storage.commits)

    engine.put(Delivery("a", TimerFired("", 1_001.0)))
    await engine.drain()

    assert len(world.storage.commits) == commits
    assert await status(world, "a") == "running"


async def test_one_instance_gets_a_bounded_share_of_a_batch(world: World) -> None:
    engine = await world.start()
    engine.put(launch(world, "a", '<process name="p"><await event="never"/></process>'))
    engine.put(launch(world, "b"))
    await engine.drain()
    world.storage.commits.clear()

    for number in range(250):
        engine.put(Delivery("a", Answer("", 1, number, {})))
    engine.put(Delivery("b", Cancel()))
    await engine.drain()

    shares = [sum(row.what == "input" and row.instance == "a" for row in w.history) for w in world.storage.commits]
    assert shares == [100, 100, 50]
    assert any(row.id == "b" for row in world.storage.commits[0].instances)


async def test_a_called_instance_whose_text_is_broken_throws_at_its_caller(world: World) -> None:
    engine = await world.start()
    text = (
        '<process name="p"><call process="$body"><faults><case code="InvalidDefinition">'
        '<assign property="why">context["inst:fault"]["message"]</assign></case></faults></call></process>'
    )

    engine.put(launch(world, "a", text, body="<process><actoin/></process>"))
    await engine.drain()

    values = {row.name: row.value for row in (await world.storage.branches("a")).values}
    assert await status(world, "a") == "completed"
    assert b"actoin" in values["why"]
    assert (await world.storage.counts())["mailbox"] == 0


async def test_a_defect_of_the_engine_ends_it_instead_of_being_repeated_for_ever(world: World) -> None:
    engine = await world.start()
    world.storage.failures = [("before", ZeroDivisionError("a defect"))]

    engine.put(launch(world, "a"))
    with pytest.RaisesGroup(ZeroDivisionError):
        await engine.run()

    assert await status(world, "a") is None


async def test_what_was_kept_long_enough_is_deleted(world: World) -> None:
    engine = await world.start()
    engine.put(launch(world, "a"))
    engine.put(Delivery("a", Cancel()))
    await engine.drain()
    await engine.event("nobody waits for it", {}, id="e1")
    await engine.drain()

    kept = await engine.tidy()
    world.clock.advance_to(1_000.0 + 91 * 86_400)
    deleted = await engine.tidy()

    counts = await world.storage.counts()
    assert kept == 0
    assert deleted > 0
    assert {table for table, rows in counts.items() if rows} == {"definitions"}


async def test_an_event_with_an_id_is_accepted_once(world: World) -> None:
    engine = await world.start()

    accepted = [await engine.event("paid", {}, id="e1") for _ in range(3)]

    assert accepted == [True, False, False]
    assert (await world.storage.counts())["events"] == 1
