"""Ten thousand parallel items on a database file, from the start to the end, over a stop in the middle."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bureaucrat.core.instance import Copy
from bureaucrat.definition.reader import read
from bureaucrat.embedded import embedded
from bureaucrat.engine.codec import add_loaded, decode_instance
from bureaucrat.engine.writes import Progress
from bureaucrat.functions import Functions
from bureaucrat.storage.sqlite import SqliteStorage

ITEMS = 10_000
PROCESS = read("""
<process name="wide">
  <context><property name="xs" type="json"/><property name="got" type="json"/></context>
  <foreach select="xs" as="x" parallel="yes" collect="got" value="r"><action id="w" participant="work"/></foreach>
  <action id="z" participant="work"/>
</process>
""")


async def work(x: int = -1) -> dict[str, int]:
    return {"r": x}


async def run(database: Path, until: str, times: int) -> list[Progress]:
    """Run until so many activities with an id have done something, or the instance has; what was told meanwhile."""
    told: list[Progress] = []
    enough = asyncio.Event()

    def observe(progress: list[Progress]) -> None:
        told.extend(one for one in progress if one.what == until)
        if len(told) >= times:
            enough.set()

    async with embedded(database, Functions.of({"work": work}), observe=observe) as engine:
        if until == "answered":
            await engine.launch(PROCESS, {"xs": list(range(ITEMS))}, "wide")
        async with asyncio.timeout(60):
            await enough.wait()
    return told


async def test_ten_thousand_items_join_once_over_a_stop_in_the_middle(tmp_path: Path) -> None:
    database = tmp_path / "wide.db"

    await run(database, "answered", ITEMS // 3)
    await run(database, "ended", 1)

    storage = SqliteStorage(database)
    await storage.open()
    row = await storage.instance("wide")
    assert row is not None
    copy = Copy(decode_instance(row))
    add_loaded(copy, await storage.branches("wide"))
    history = await storage.history("wide", 0, 10 * ITEMS)
    await storage.close()
    assert row.outcome == "completed"
    assert copy.branches[""].scopes[0].values["got"] == list(range(ITEMS))
    completed = [entry.address for entry in history if entry.what == "completed"]
    assert len(completed) == 2 * ITEMS + 3  # the actions and their items; the loop, the last action and the process
    assert len(set(completed)) == len(completed)
