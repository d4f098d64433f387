"""Rows that an action costs: counted."""

from __future__ import annotations

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
        "instances": 1,  # the guard row: its version
        "branches": 1,  # where it is, and the timer of the attempt
        "values": 1,  # the field that changed; the one that did not is not written
        "history": 1,  # the activity that completed
    }
