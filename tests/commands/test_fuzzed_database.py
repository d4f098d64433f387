"""Databases with rows missing and bytes changed: every command says it in a line, and the engine goes on."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import closing
from random import Random

import pytest
from damaged import populate
from operated import Office, Said
from operated_processes import PAUSE

from bureaucrat.core.messages import Cancel

SEEDS = range(8)
#: tables and the column whose bytes are changed
CHANGED = {"instances": "state", "branches": "state", '"values"': "value", "remembered": "levels", "mailbox": "message"}
DELETED = ("branches", '"values"', "waits", "remembered", "incidents", "history", "definitions", "events", "versions")
IDS = ("o1", "s1", "c1", "w1", "u1", "t1", "i1", "e1")
COMMANDS = (
    *(("show", id) for id in IDS),
    *(("show", id, "--history") for id in ("o1", "i1")),
    *(("graph", id) for id in ("s1", "i1")),
    ("ps",),
    ("ps", "--all", "--json"),
    ("ps", "--incidents"),
    ("participants",),
    ("definitions",),
    ("schedules", "list"),
    ("dead", "list"),
    ("audit",),
    ("doctor",),
)


def fuzz(office: Office, chance: Random) -> None:
    """Delete rows here and there, and change bytes of what is encoded."""
    with closing(sqlite3.connect(office.path)) as connection:
        for table in chance.sample(DELETED, 3):
            rows = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            condition = f"abs(random() % {max(rows, 1)}) = 0 AND {chance.randrange(2)} = 1"
            connection.execute(f"DELETE FROM {table} WHERE {condition}")
        for table, column in CHANGED.items():
            texts = [row[0] for row in connection.execute(f"SELECT DISTINCT {column} FROM {table}")]
            for text in chance.sample(texts, min(2, len(texts))):
                changed = flipped(text, chance)
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (changed, text))
        connection.commit()


def flipped(text: str, chance: Random) -> str:
    """The text with a few characters changed, or cut."""
    if chance.random() < 0.2:
        return text[: chance.randrange(len(text) + 1)]
    letters = list(text)
    for _ in range(chance.randrange(1, 4)):
        letters[chance.randrange(len(letters))] = chance.choice('0123456789"{}[],:a-')
    return "".join(letters)


def is_calm(said: Said) -> bool:
    """Whether a user gets no more than lines and an exit code that is ours."""
    return "Traceback" not in said.err + said.out and "unexpected" not in said.err and said.code in range(6)


@pytest.mark.parametrize("seed", SEEDS)
async def test_of_a_damaged_database_every_command_speaks_in_lines(office: Office, seed: int) -> None:
    await populate(office)
    await office.close()
    fuzz(office, Random(seed))

    told = [(command, await office.says(*command)) for command in COMMANDS]

    assert [(command, said) for command, said in told if not is_calm(said)] == []
    await office.storage.open()


@pytest.mark.parametrize("seed", SEEDS)
async def test_on_a_damaged_database_the_engine_goes_on(
    office: Office, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    await populate(office)
    await office.close()
    fuzz(office, Random(1_000 + seed))

    engine = await office.open()
    await engine.drain()
    await office.later(3_600)
    await office.fire()
    for id in IDS:
        await office.engine_event("payment.authorized", order_id=id)
    await office.engine_event("door.opened")
    await office.start(PAUSE, "new")
    row = await office.storage.instance("new")

    assert row is not None
    assert row.status == "running"


async def test_a_compensation_that_is_lost_is_an_incident_and_no_endless_search(office: Office) -> None:
    await populate(office)
    await office.close()
    with closing(sqlite3.connect(office.path)) as connection:
        connection.execute("DELETE FROM remembered")
        connection.commit()
    await office.open()

    async with asyncio.timeout(20):
        await office.tell("t1", Cancel(compensate=True))
    (incident,) = await office.storage.incidents("t1")
    (letter,) = await office.storage.dead_letters()
    await office.tell("t1", Cancel())
    row = await office.storage.instance("t1")

    assert (incident.kind, letter.message_id) == ("engine", "t1")
    assert row is not None
    assert row.status == "canceled"


async def test_what_cannot_be_shown_is_for_the_doctor(office: Office) -> None:
    await populate(office)
    with closing(sqlite3.connect(office.path)) as connection:
        connection.execute("UPDATE instances SET state = '{' WHERE id = 'o1'")
        connection.commit()

    said = await office.says("show", "o1")

    assert (said.code, said.out) == (3, "")
    assert said.err.splitlines() == [
        "bureaucrat: what is stored cannot be shown: DecodeError: Input data was truncated",
        "  look   bureaucrat doctor --db b.db   says what is damaged, and what mends it",
    ]
