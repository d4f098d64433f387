"""A process that commits until its files may not grow, then may again. For a test of what it is told meanwhile.

Prints one line a commit: the instance, then ``written``, ``refused`` or ``unknown``.
"""

from __future__ import annotations

import asyncio
import resource
import sys

from committer import writes

from bureaucrat.errors import StorageUnavailable
from bureaucrat.storage.sqlite import SqliteStorage


async def commit(storage: SqliteStorage, id: str, size: int = 2_000) -> str:
    try:
        await storage.batch().commit(writes(id, 1, size))
        outcome = "written"
    except StorageUnavailable as error:
        outcome = "unknown" if error.unknown else "refused"
    print(id, outcome, flush=True)
    return outcome


async def main(path: str) -> None:
    storage = SqliteStorage(path)
    await storage.open()
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    number = 0
    while await commit(storage, f"before-{number}") == "written":
        number += 1
    await asyncio.gather(*(commit(storage, f"full-{number}", 400_000) for number in range(5)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    for number in range(5):
        await commit(storage, f"after-{number}")
    await storage.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
