"""Schedules start one instance for each tick, whoever looks and whatever fails (L80)."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from world import World

from bureaucrat.clock import ManualClock
from bureaucrat.core.messages import Start
from bureaucrat.definition.reader import read
from bureaucrat.engine.codec import decode_instance, decode_message, encode
from bureaucrat.engine.ticks import instance_of
from bureaucrat.errors import StorageUnavailable
from bureaucrat.ports import InstanceQuery, ScheduleRow, Storage, Writes
from bureaucrat.storage.sqlite import SqliteStorage

HOURLY = '<process name="n"><start cron="0 * * * *"/></process>'
LONG = '<process name="n"><start cron="0 * * * *" overlap="{}"/><delay duration="90m"/></process>'
UNIQUE = (
    '<process name="n" key="=\'only\'" unique="yes"><start cron="0 * * * *" overlap="allow"/>'
    '<start event="go"/><delay duration="90m"/></process>'
)
HOUR = 3_600.0


async def deployed(world: World, text: str) -> None:
    await world.engine.registry.register({"n.xml": read(text)}, "bea")


async def at(world: World, instant: float) -> None:
    """Let it be so late, and everything happen that is due."""
    world.clock.advance_to(instant)
    await world.engine.sweep()
    await world.engine._alarms.fire()
    await world.engine.drain()


async def ticks(storage: Storage) -> list[float | None]:
    """Which ticks the instances were started for."""
    rows = await storage.instances(InstanceQuery(limit=10_000))
    return sorted(decode_instance(row).tick or 0.0 for row in rows)


async def schedule(storage: Storage) -> ScheduleRow:
    (row,) = await storage.schedules()
    return row


async def test_a_running_engine_wakes_for_a_tick_by_itself(world: World) -> None:
    """Without a sweep: it knows of the tick from the transaction that registered it."""
    world.settings = replace(world.settings, sweep=1_000.0)
    engine = await world.start()
    world.clock.advance_to(HOUR - 0.01)
    running = asyncio.create_task(engine.run())

    await deployed(world, HOURLY)
    async with asyncio.timeout(10):
        while not await world.storage.instances(InstanceQuery()):
            await asyncio.sleep(0)
            world.clock.now()
    engine.stop()
    await running

    assert await ticks(world.storage) == [HOUR]


async def test_a_look_that_fails_is_done_again_and_starts_one(world: World) -> None:
    await world.start()
    await deployed(world, HOURLY)
    world.storage.failures = [("before", StorageUnavailable("full")), ("after", StorageUnavailable("?", unknown=True))]
    world.storage.unreadable.add("schedules")

    await at(world, HOUR)

    assert await ticks(world.storage) == [HOUR]
    assert (await schedule(world.storage)).changes == 2


@pytest.mark.parametrize("failure", ["before", "after"])
async def test_an_engine_that_dies_between_tick_and_start_starts_one(world: World, failure: str) -> None:
    await world.start()
    await deployed(world, HOURLY)
    world.storage.failures = [(failure, KeyboardInterrupt())]
    world.clock.advance_to(HOUR)
    await world.engine.sweep()
    with pytest.raises(KeyboardInterrupt):
        await world.engine.drain()

    await world.start()
    await at(world, HOUR + 5)
    await at(world, 2 * HOUR)

    assert await ticks(world.storage) == [HOUR, 2 * HOUR]


async def test_the_queue_goes_on_at_once_when_the_instance_before_has_ended(world: World) -> None:
    await world.start()
    await deployed(world, LONG.format("queue"))
    for instant in (HOUR, 2 * HOUR):
        await at(world, instant)
    before = await schedule(world.storage)
    await at(world, 2.5 * HOUR - 1)
    world.clock.advance_to(2.5 * HOUR + 1)

    await world.engine._alarms.fire()
    await world.engine.drain()

    after = await schedule(world.storage)
    assert (before.queued, after.queued) == (encode([2 * HOUR]), b"[]")
    assert await ticks(world.storage) == [HOUR, 2 * HOUR]


async def test_a_queue_is_found_by_the_sweep_when_another_engine_has_ended_the_instance(world: World) -> None:
    await world.start()
    await deployed(world, LONG.format("queue"))
    for instant in (HOUR, 2 * HOUR):
        await at(world, instant)
    first = instance_of(await schedule(world.storage), HOUR)
    row = await world.storage.instance(first)
    async with world.storage.batch() as batch:
        await batch.commit(Writes(instances=[replace(row, version=row.version + 1, ended=1.0, status="canceled")]))

    await at(world, 2 * HOUR + 1)

    assert await ticks(world.storage) == [HOUR, 2 * HOUR]


async def test_a_tick_whose_instance_cannot_start_is_a_dead_letter_and_the_next_one_comes(world: World) -> None:
    await world.start()
    await deployed(world, UNIQUE)

    for instant in (HOUR, 2 * HOUR, 3 * HOUR):
        await at(world, instant)

    row = await schedule(world.storage)
    first, second = instance_of(row, HOUR), instance_of(row, 2 * HOUR)
    reason = f"n only is unfinished already, and its key is unique: instance {first}"
    (letter,) = await world.storage.dead_letters()
    assert (letter.source, letter.message_id, letter.reason) == ("engine", second, reason)
    assert await ticks(world.storage) == [HOUR, 3 * HOUR]


async def test_a_tick_whose_key_cannot_be_computed_is_a_dead_letter(world: World) -> None:
    await world.start()
    await deployed(world, '<process name="n" key="=1 / 0"><start cron="0 * * * *"/></process>')

    await at(world, HOUR)

    (letter,) = await world.storage.dead_letters()
    assert letter.reason.startswith("no instance of n for a tick: the key of the process cannot be computed")
    assert (await ticks(world.storage), decode_message(letter.body)) == ([], Start())


async def test_a_business_key_may_be_made_of_the_tick(world: World) -> None:
    await world.start()
    key = "=iso(context['inst:tick'])"
    await deployed(world, f'<process name="n" key="{key}" unique="yes"><start cron="0 * * * *"/></process>')

    await at(world, HOUR)

    (row,) = await world.storage.instances(InstanceQuery())
    assert row.business_key == "1970-01-01T01:00:00Z"


async def test_a_schedule_whose_definition_cannot_be_read_hinders_no_other(world: World) -> None:
    await world.start()
    await deployed(world, HOURLY)
    await deployed(world, HOURLY.replace('"n"', '"m"'))
    rows = await world.storage.schedules()
    async with world.storage.batch() as batch:
        await batch.commit(Writes(schedules=[replace(rows[0], changes=2, definition="gone")]))

    await at(world, HOUR)

    (row,) = await world.storage.instances(InstanceQuery())
    assert row.process == rows[1].process


# several engines


class Racing(SqliteStorage):
    """A file for two engines, which see the same of a tick before one of them writes."""

    is_shared = True
    looks: Counter[tuple[str, int]]
    clock: ManualClock

    async def schedules(self, process: str | None = None) -> list[ScheduleRow]:
        rows = await super().schedules(process)
        due = [row for row in rows if row.due is not None and row.due <= self.clock.now()]
        self.looks.update((row.process, row.changes) for row in due)
        async with asyncio.timeout(10):
            while any(self.looks[row.process, row.changes] < 2 for row in due):  # noqa: ASYNC110  # two counts, no event
                await asyncio.sleep(0)
        return rows


async def test_of_two_engines_that_look_at_one_tick_one_starts_an_instance(tmp_path: Path) -> None:
    storage = Racing(tmp_path / "db")
    storage.looks, storage.clock = Counter(), ManualClock(1_000.0)
    worlds = [World(storage, storage.clock) for _ in range(2)]  # type: ignore[arg-type]
    await storage.open()
    try:
        for world in worlds:
            await world.start()
        storage.clock.advance_to(HOUR - 1)
        await deployed(worlds[0], HOURLY)
        for hour in range(1, 25):
            storage.clock.advance_to(hour * HOUR)
            await asyncio.gather(*(world.engine.sweep() for world in worlds))
            await asyncio.gather(*(world.engine.drain() for world in worlds))

        assert await ticks(storage) == [hour * HOUR for hour in range(1, 25)]
        assert (await schedule(storage)).changes == 25
        assert set(storage.looks.values()) == {2}
    finally:
        for world in worlds:
            await world.transport.stop()
        await storage.close()
