"""An engine that nobody observes makes only the records that are kept, and counts all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from world import FaultyStorage

from bureaucrat.clock import ManualClock
from bureaucrat.definition.reader import read
from bureaucrat.engine.delivery import Birth, Delivery
from bureaucrat.engine.engine import Engine
from bureaucrat.engine.numbers import counted
from bureaucrat.engine.settings import Settings
from bureaucrat.engine.starts import start_of
from bureaucrat.engine.writes import Progress, unrecorded
from bureaucrat.functions import Functions
from bureaucrat.ports import HistoryRow
from bureaucrat.transports.memory import MemoryTransport

TEXT = """
<process name="p">
  <context><property name="b" type="int">2</property></context>
  <sequence id="both"><assign property="a">b + 1</assign><assign property="b">a + 1</assign></sequence>
  <signal event="done"/>
</process>
"""


async def ran(history: str, observe: Callable[[list[Progress]], None] | None) -> tuple[int, list[HistoryRow]]:
    """How many transitions a run counts, and the history it leaves."""
    storage = FaultyStorage()
    engine = Engine(
        storage,
        MemoryTransport(Functions.of({})),
        read=read,
        clock=ManualClock(1_000.0),
        numbers=counted(),
        settings=Settings(history=history),
        observe=observe,
    )
    await engine.start()
    engine.put(delivery := _launch(engine))
    await engine.drain()
    return engine.figures.transitions, await storage.history(delivery.instance)


def _launch(engine: Engine) -> Delivery:
    definition = engine.definitions.read(TEXT)
    return Delivery("a", start_of(definition, {}, engine.settings.limits), Birth(definition))


@pytest.mark.parametrize("history", ["none", "activity", "full"])
async def test_it_leaves_the_same_history_and_counts_the_same_as_one_that_is_observed(history: str) -> None:
    seen: list[Progress] = []

    observed = await ran(history, seen.extend)

    assert await ran(history, None) == observed
    assert observed[0] == len(seen) > 10


def test_what_is_announced_is_recorded_at_every_level() -> None:
    assert unrecorded("full") == frozenset()
    assert {"started", "dispatched", "answered"} <= unrecorded("activity") < unrecorded("none")
    assert not {"launched", "overdue"} & unrecorded("none")
