"""The doctor asks through the port: what it finds in SQLite it finds in PostgreSQL, and an order mends it there."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from postgres import Postgres

from bureaucrat.clock import SystemClock
from bureaucrat.core.limits import Limits
from bureaucrat.definition.reader import read
from bureaucrat.doctor.round import Report, Round
from bureaucrat.engine.bounds import Bounds
from bureaucrat.engine.codec import encode_message
from bureaucrat.engine.engine import Engine
from bureaucrat.engine.numbers import numbers_of
from bureaucrat.engine.orders import Mend
from bureaucrat.engine.settings import Settings
from bureaucrat.functions import Functions
from bureaucrat.ports import BranchRow, MailRow, Writes
from bureaucrat.storage.postgresql import PostgresqlStorage
from bureaucrat.transports.memory import MemoryTransport

PROCESS = """
<process name="p">
  <all id="both"><delay id="night" duration="8h"/><await id="guest" event="door.opened" timeout="9h"/></all>
</process>
"""


@pytest.fixture
async def engine(postgres: Postgres) -> AsyncIterator[Engine]:
    """An engine with 30 instances that wait."""
    storage, clock = PostgresqlStorage(postgres.url(postgres.emptied_database())), SystemClock()
    await storage.open()
    transport = MemoryTransport(Functions.of({}))
    settings = Settings(history="full")
    made = Engine(storage, transport, read=read, clock=clock, numbers=numbers_of(clock), settings=settings)
    await made.start()
    definition, starts = read(PROCESS), []
    for number in range(30):
        starts.append(made.launch(definition, {}, f"i{number:02}"))
    for start in starts:
        start.send(None)  # it is put on the queue, and nobody waits for what comes of it
    await made.drain()
    for start in starts:
        start.close()
    yield made
    await transport.stop()
    await storage.close()


async def examined(engine: Engine) -> Report:
    storage, clock = engine.storage, engine.clock
    return await Round(storage, engine.definitions, clock, Limits(), Bounds(), is_served=True).all()


async def test_damage_in_postgresql_is_found_and_mended(engine: Engine) -> None:
    sound = await examined(engine)
    rows = {row.id: row for row in (await engine.storage.branches("i07")).branches}
    odd = BranchRow("i07", "_0_0", None, None, rows["_0_0"].state)
    stray = BranchRow("gone", "", None, None, rows[""].state)
    async with engine.storage.batch() as batch:
        await batch.commit(Writes(branches=[odd, stray], waits_gone=[("i07", "_0_1", 3)]))

    damaged = await examined(engine)
    for id in ("i07", "gone"):
        order = encode_message(Mend("bea@desk"))
        await engine.storage.post(MailRow(engine.numbers(), id, order, engine.clock.now()))
    await engine.sweep()
    await engine.drain()
    mended = await examined(engine)

    assert (sound.all, sound.instances, sound.replayed) == ([], 30, 30)
    assert [(one.check, one.instance, one.is_mendable) for one in damaged.all] == [
        ("strays", "gone", True),
        ("waits", "i07", True),
        ("timers", "i07", True),
    ]
    assert mended.all == []
    vitals = await engine.storage.examine()
    assert (vitals.technology.split()[0], vitals.daemons, vitals.problems) == ("PostgreSQL", 1, [])
