"""A process that commits without end and says of each commit that it is durable. For tests that kill it.

Each commit writes a guard row and, as its witness, one entry of history with the version as its number.
"""

from __future__ import annotations

import asyncio
import sys

from bureaucrat.ports import HistoryRow, InstanceRow, Writes
from bureaucrat.storage.sqlite import SqliteStorage


def writes(id: str, version: int, size: int = 2_000) -> Writes:
    state = b'"' + b"x" * size + b'"'
    row = InstanceRow(id, "order", "hash", version, "running", 1.0, state)
    return Writes(instances=[row], history=[HistoryRow(id, version, 1.0, "started", None, "", state)])


async def commit_for_ever(storage: SqliteStorage, id: str) -> None:
    stored = await storage.instance(id)
    version = 0 if stored is None else stored.version
    while True:
        version += 1
        await storage.batch().commit(writes(id, version))
        print(id, version, flush=True)


async def main(path: str) -> None:
    storage = SqliteStorage(path)
    await storage.open()
    await asyncio.gather(*(commit_for_ever(storage, f"i{number}") for number in range(8)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
