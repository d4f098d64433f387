"""Rows and bytes that an action costs, and an item of a parallel foreach: counted."""

from __future__ import annotations

from random import Random

import msgspec
from world import World

from bureaucrat.engine.delivery import Birth, Delivery
from bureaucrat.engine.settings import Settings
from bureaucrat.engine.starts import start_of
from bureaucrat.ports import Answered, Writes


def rows_of(commits: list[Writes]) -> dict[str, int]:
    """Rows written, by kind."""
    counts: dict[str, int] = {}
    for writes in commits:
        for name in writes.__slots__:
            counts[name] = counts.get(name, 0) + len(getattr(writes, name))
    return {name: count for name, count in counts.items() if count}


async def test_an_action_of_a_sequence_writes_four_rows(world: World) -> None:
    world.settings = Settings(history="activity")
    world.functions["w"] = lambda: None
    engine = await world.start()
    world.transport.send = lambda dispatch, instance: None
    body = '<action participant="w"/>' * 10
    definition = engine.definitions.read(f'<process name="p">{body}</process>')
    engine.put(
        Delivery("a", start_of(definition, {"x": 0, "unchanged": "y" * 1000}, world.settings.limits), Birth(definition))
    )
    await engine.drain()
    world.storage.commits.clear()

    for number in range(1, 6):
        engine.answered(Answered("a", "", number, number, {"x": number}))
        await engine.drain()

    rows = {name: count / 5 for name, count in rows_of(world.storage.commits).items()}
    assert rows == {
        "states": 1,  # the guard row: its version
        "branches": 1,  # where it is, and the timer of the attempt
        "values": 1,  # the field that changed; the one that did not is not written
        "history": 1,  # the activity that completed
    }


LOOP = """
<process name="p">
  <context><property name="xs" type="json"/><property name="got" type="json"/></context>
  <foreach select="xs" as="x" parallel="yes" collect="got" value="r"><action participant="w"/></foreach>
</process>
"""


async def looped(world: World, items: int, together: int = 1) -> list[Writes]:
    """Every commit of one instance with so many items, whose answers come in any order, so many in a batch."""
    world.settings = Settings(history="activity")
    world.functions["w"] = lambda: None
    engine = await world.start()
    world.transport.send = lambda dispatch, instance: None
    definition = engine.definitions.read(LOOP)
    world.storage.commits.clear()
    instance = f"i{items}"
    fields = {"xs": [f"item {number:05}" for number in range(items)], "unchanged": "y" * 1000}
    engine.put(Delivery(instance, start_of(definition, fields, world.settings.limits), Birth(definition)))
    await engine.drain()
    numbers = list(range(1, items + 1))
    Random(items).shuffle(numbers)
    for place, number in enumerate(numbers, 1):
        engine.answered(Answered(instance, f"_0.{number}", 2, number, {"r": f"done {number:05}"}))
        if place % together == 0:
            await engine.drain()
    row = await world.storage.instance(instance)
    assert row is not None
    assert row.status == "completed"
    return list(world.storage.commits)


async def test_an_item_writes_its_branch_its_value_and_what_it_gives(world: World) -> None:
    few, more = rows_of(await looped(world, 5)), rows_of(await looped(world, 6))

    assert {name: more[name] - few[name] for name in more if more[name] != few[name]} == {
        "states": 1,  # the guard row, when it is answered
        "branches": 2,  # its own when it starts, that of the loop when it is answered
        "values": 2,  # its scope, with the item; what is collected of it
        "branches_gone": 1,
        "scopes_gone": 1,
        "history": 2,  # the action and the item that completed
    }


async def test_an_item_costs_the_same_among_ten_thousand_as_among_a_thousand(world: World) -> None:
    rows, sizes = {}, {}
    for items in (100, 1_000, 10_000):
        commits = await looped(world, items, together=10)
        assert max(len(one.branches) for one in commits) <= 501, "it starts in slices"
        rows[items] = sum(rows_of(commits).values())
        sizes[items] = sum(len(msgspec.json.encode(getattr(one, name))) for one in commits for name in one.__slots__)

    for cost in (rows, sizes):
        few, many = (cost[1_000] - cost[100]) / 900, (cost[10_000] - cost[1_000]) / 9_000
        assert many <= few * 1.05
