"""An event with a key finds its one of 100,000 waiting instances through the index: what is read is counted."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from crowd import engine_on, fill

from bureaucrat.definition.reader import read
from bureaucrat.engine.keys import digest
from bureaucrat.ports import EventRow, InstanceQuery, Writes
from bureaucrat.storage import sqlite_reader
from bureaucrat.storage.shapes import Shape
from bureaucrat.storage.sqlite import SqliteStorage
from bureaucrat.storage.statements import statements

WAITING = 100_000
KEPT = 10_000
PROCESS = read("""
<process name="order">
  <context><property name="order_id" type="str"/><property name="paid" type="json"/></context>
  <await event="payment" key="order_id" property="paid"/>
</process>
""")


class Reads:
    """What the reader of a database did: instructions of SQLite, and rows that came out."""

    def __init__(self) -> None:
        self.instructions = 0
        self.rows: list[str] = []

    def tick(self) -> int:
        self.instructions += 1
        return 0


@contextmanager
def counted(storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reads]:
    """Count as long as this lasts."""
    reads, reader, unpacked = Reads(), storage._reader, sqlite_reader.unpacked
    assert reader is not None
    assert reader._connection is not None

    def rows(shape: Shape[Any], text: bytes) -> Any:
        found = unpacked(shape, text)
        reads.rows += [type(row).__name__ for row in found]
        return found

    with monkeypatch.context() as patched:
        patched.setattr(sqlite_reader, "unpacked", rows)
        reader._connection.set_progress_handler(reads.tick, 1)
        yield reads
        reader._connection.set_progress_handler(None, 0)


def plan(path: Path, name: str, /, **given: Any) -> list[str]:
    """How SQLite would go about a read of ours in this database."""
    with closing(sqlite3.connect(path)) as connection:
        sql = statements("sqlite", "reads.sql")[name]
        return [step[3] for step in connection.execute(f"EXPLAIN QUERY PLAN {sql}", given)]


async def test_an_event_with_a_key_reads_the_one_it_is_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Any
) -> None:
    names = [f"i{number:06}" for number in range(WAITING)]
    began = time.monotonic()
    storage = await fill(tmp_path / "b.db", PROCESS, "order_id", names)
    record_property("seconds to fill", round(time.monotonic() - began, 1))
    engine = engine_on(storage)
    await engine.start()
    await engine.drain()

    with counted(storage, monkeypatch) as reads:
        await engine.event("payment", {"order_id": "i077777", "amount": 3})
        await engine.drain()
    with counted(storage, monkeypatch) as of_nobody:
        await engine.event("payment", {"order_id": "nobody", "amount": 3})
        await engine.drain()

    keys = '[["", ""], ["order_id", "i077777"]]'
    steps = plan(tmp_path / "b.db", "waits", event="payment", keys=keys, after="", limit=200)
    assert sorted(step for step in steps if " waits " in step) == [
        "SEARCH waits USING COVERING INDEX waits_event (event=? AND path=? AND value=? AND instance>?)",
        "SEARCH waits USING INDEX waits_event (event=? AND path=? AND value=? AND instance>? AND instance<?)",
    ]
    assert [row.id for row in await storage.instances(InstanceQuery(status="completed"))] == ["i077777"]
    assert await storage.counts() == await storage.counts() | {"waits": WAITING - 1, "consumed": 1}
    # the path; the wait; the guard row, the branch and its scope; the definition
    assert sorted(reads.rows) == ["BranchRow", "DefinitionRow", "InstanceRow", "ValueRow", "WaitRow", "str"]
    assert of_nobody.rows == ["str"]
    assert reads.instructions < 1_000, "each row that is looked at costs several"
    assert of_nobody.instructions < reads.instructions
    await storage.close()


async def test_a_wait_that_looks_back_reads_what_has_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 10,000 events of the same name that were kept since its instance began."""
    storage = await fill(tmp_path / "b.db", PROCESS, "order_id", ["a", "b"])
    waits = [wait for id in ("a", "b") for wait in await storage.waits_of(id)]
    numbers = range(1, KEPT + 1)
    rows = [EventRow(n, f"m{n}", "payment", b'{"order_id":"other"}', 1_500.0 + n / KEPT, None) for n in numbers]
    rows[KEPT // 2].body = b'{"order_id":"b"}'
    keys = [("payment", digest("order_id", "other"), row.accepted, row.number) for row in rows]
    keys[KEPT // 2] = ("payment", digest("order_id", "b"), rows[KEPT // 2].accepted, rows[KEPT // 2].number)
    await storage.batch().commit(
        Writes(events=rows, event_keys=keys, waits=[replace(one, fresh=True) for one in waits])
    )
    engine = engine_on(storage)
    await engine.start()

    with counted(storage, monkeypatch) as reads:
        await engine.drain()

    assert [row.id for row in await storage.instances(InstanceQuery(status="completed"))] == ["b"]
    assert reads.rows.count("EventRow") == 1
    assert reads.instructions < 1_000
    assert "SEARCH found USING PRIMARY KEY (name=? AND digest=? AND (accepted,number)>(?,?))" in plan(
        tmp_path / "b.db", "keyed_events", name="payment", digest=1, accepted=0.0, number=0, instance="a", limit=9
    )
    await storage.close()
