"""Writes ``tests/releases/<version>/database.sql``: what this version keeps, for all that come after it to open.

A release runs it once, with the version that it is about to have: ``python tests/releases/make.py``. What was released
is never written again; tests open it for ever.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
from contextlib import closing
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]


async def written(path: Path) -> None:
    """A database with instances in every state."""
    from populated import NOON, Kept, populate

    from bureaucrat.ports import DeadRow, DestinationRow, PauseRow, Writes

    kept = await Kept(path).open()
    await populate(kept)
    letter = DeadRow(90, NOON, "bureaucrat_msgs", "no instance has this id", "m7", b"x", sha256(b"x").hexdigest())
    rows = Writes(
        dead=[letter],
        destinations=[DestinationRow("worker_ship", 0, 1, NOON, NOON)],
        pauses=[PauseRow("nag", NOON, "bea@desk", "nobody is there")],
    )
    await kept.storage.batch().commit(rows)
    await kept.close()


def dumped(path: Path) -> str:
    """The whole file as SQL."""
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        return "\n".join([*connection.iterdump(), f"PRAGMA user_version = {version};", ""])


def main() -> None:
    from bureaucrat import __version__

    folder = HERE / __version__
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "b.db"
        asyncio.run(written(file))
        (folder / "database.sql").write_text(dumped(file), encoding="utf-8")


if __name__ == "__main__":
    main()
