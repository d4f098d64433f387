"""Rounds beside an engine that works: no false alarm of any process that is shipped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bureaucrat.clock import SystemClock
from bureaucrat.core.activities import Action, Await
from bureaucrat.core.limits import Limits
from bureaucrat.core.table import Definition
from bureaucrat.definition.reader import read
from bureaucrat.doctor.round import Report, Round
from bureaucrat.embedded import embedded
from bureaucrat.engine.bounds import Bounds
from bureaucrat.engine.definitions import Definitions
from bureaucrat.engine.engine import Engine
from bureaucrat.engine.settings import Settings
from bureaucrat.functions import Functions
from bureaucrat.ports import InstanceQuery
from bureaucrat.storage.sqlite import SqliteStorage

ROOT = Path(__file__).parent.parent.parent
LOOP = """
<process name="loop">
  <foreach id="wide" select="=range(30)" as="n" parallel="5">
    <action participant="work" retries="3" delay="1ms">
      <compensation><action participant="undo"/></compensation>
    </action>
  </foreach>
  <call id="part" process="part"/>
  <compensate/>
</process>
"""
CALLED = '<process name="part"><all><action participant="work"/><delay duration="20ms"/></all></process>'
OF_A_TYPE: dict[str, Any] = {"str": "x", "int": 1, "float": 1.5, "bool": True, "list": [1, 2, 3], "dict": {"a": 1}}
EACH = 12  #: instances of every process
MOST_ROUNDS = 12


def shipped() -> list[Definition]:
    """Every process of ``processes/``, and one that does much at once."""
    files = sorted((ROOT / "processes").glob("*.xml"))
    return [read(file.read_bytes(), file=file.name) for file in files] + [read(LOOP)]


def participants(definitions: list[Definition]) -> dict[str, Callable[..., Any]]:
    """Something that answers each of them, and fails now and then."""
    times = 0

    def answer(**fields: Any) -> dict[str, Any]:
        nonlocal times
        times += 1
        if times % 7 == 0:
            raise OSError("now and then")
        return {"answered": times}

    actions = [one for known in definitions for one in known.activities if isinstance(one, Action)]
    names = {str(one.participant.literal) for one in actions if one.participant.expression is None}
    return {name.rpartition(":")[2]: answer for name in names}


def fields_of(definition: Definition) -> dict[str, Any]:
    """What it cannot be started without."""
    return {one.name: OF_A_TYPE.get(one.type, "x") for one in definition.activities[0].scope or () if one.required}


async def begin(engine: Engine, definitions: list[Definition]) -> None:
    """Start some of each, and report what they wait for."""
    await engine.registry.register({"part.xml": read(CALLED)}, "bea")
    for number in range(EACH):
        for place, definition in enumerate(definitions):
            await engine.launch(definition, fields_of(definition), f"{place:02}-{number:03}", f"{place}/{number}")
    awaits = [one for known in definitions for one in known.activities if isinstance(one, Await)]
    for name in sorted({str(one.event.literal) for one in awaits if one.event.expression is None}):
        await engine.event(name, {"x": 1})


async def look(storage: SqliteStorage, limits: Limits) -> Report:
    clock = SystemClock()
    return await Round(storage, Definitions(storage, read, clock), clock, limits, Bounds(), is_served=True).all()


async def test_a_round_beside_an_engine_that_works_finds_nothing(tmp_path: Path) -> None:
    definitions = shipped()
    settings = Settings(history="full")
    reports: list[Report] = []
    in_flight: list[int] = []

    async with embedded(tmp_path / "b.db", Functions.of(participants(definitions)), settings=settings) as engine:
        starting = asyncio.create_task(begin(engine, definitions))
        reader = SqliteStorage(tmp_path / "b.db", read_only=True)
        await reader.open()
        while not starting.done() or len(reports) < MOST_ROUNDS:
            in_flight.append(await reader.number_of(InstanceQuery(unfinished=True)))
            reports.append(await look(reader, settings.limits))
        await starting
        await reader.close()

    assert [one for report in reports for one in report.all] == []
    assert reports[-1].instances >= EACH * len(definitions)
    assert sum(report.replayed for report in reports) >= EACH * len(definitions)
    assert max(in_flight) >= EACH
