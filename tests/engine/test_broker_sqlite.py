"""The whole way on a database file: what is committed by other threads, and read beside it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from courier import Office

from bureaucrat.storage.sqlite import SqliteStorage

TEXT = (
    '<process name="p"><action participant="work"/><await event="go" since="start"/>'
    '<action participant="work"/></process>'
)


async def test_instances_go_to_their_ends_over_restarts_and_nothing_is_left(office: Office, tmp_path: Path) -> None:
    office.settings = replace(office.settings, sweep=0.01, look=0.01)
    await opened(office, tmp_path)
    await office.run()
    await office.settled(*(office.courier.launch(TEXT, f"i{number:02}") for number in range(30)))
    for sent in (await office.sent(30))[:15]:
        office.courier.answer(sent, x=1)

    await opened(office, tmp_path)
    await office.restart()
    office.courier.event("go", "e1")
    await answered(office, 45)
    await opened(office, tmp_path)
    await office.restart()
    await answered(office, 60)
    await ended(office, 30)
    await office.emptied("outbox", "mailbox")
    await office.stop()

    assert await office.letters() == []
    await office.storage.close()


async def opened(office: Office, folder: Path) -> None:
    """The process has died, and another one opens the file."""
    await office.die()
    await office.storage.close()
    office.storage = SqliteStorage(folder / "x.db")
    await office.storage.open()


async def ended(office: Office, count: int) -> None:
    async with asyncio.timeout(20):
        while await office.storage.statuses() != {"completed": count}:
            await office.until_true(lambda: True)


async def answered(office: Office, count: int) -> None:
    """Answer each attempt that was not, until so many different ones were sent and answered in all runs."""
    told: set[str] = set()
    async with asyncio.timeout(20):
        while len(told) < count:
            for sent in office.courier.attempts():
                if sent.token not in told:
                    told.add(sent.token)
                    office.courier.answer(sent, x=1)
            await asyncio.sleep(0)
