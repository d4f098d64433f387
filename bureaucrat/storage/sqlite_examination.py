"""How a SQLite file is: its own check, its size, its room, who has it.

Rules: nothing is written.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from functools import partial
from pathlib import Path

from ..ports import Vitals
from .sqlite_file import holder_of
from .sqlite_reader import Reader

_MOST_PROBLEMS = 20


async def examine(reader: Reader, path: Path) -> Vitals:
    """How the file is."""
    return await reader.look(partial(_vitals, path))


# what follows runs in the thread that reads


def _vitals(path: Path, connection: sqlite3.Connection) -> Vitals:
    log = Path(f"{path}-wal")
    return Vitals(
        technology=f"SQLite {sqlite3.sqlite_version}",
        place=str(path),
        schema=int(connection.execute("PRAGMA user_version").fetchone()[0]),
        problems=_problems(connection),
        size=path.stat().st_size,
        log=log.stat().st_size if log.exists() else 0,
        room=shutil.disk_usage(path.absolute().parent).free,
        is_exposed=_is_exposed(path),
        daemons=_daemons(path),
    )


def _problems(connection: sqlite3.Connection) -> list[str]:
    try:
        found = [row[0].decode() for row in connection.execute(f"PRAGMA quick_check({_MOST_PROBLEMS})")]
    except sqlite3.DatabaseError as error:  # it is so damaged that the check itself ends
        return [str(error)]
    return [] if found == ["ok"] else found


def _is_exposed(path: Path) -> bool:
    """Whether users that are neither its owner nor of its group get at it, through its directory."""
    folder, file = path.absolute().parent.stat().st_mode, path.stat().st_mode
    return os.name != "nt" and bool(folder & stat.S_IXOTH and file & (stat.S_IROTH | stat.S_IWOTH))


def _daemons(path: Path) -> int | None:
    """Whether the process that says that it holds the file lives."""
    pid = holder_of(path)
    if pid is None:
        return 0
    if os.name == "nt":  # there a signal 0 would end it
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return 0
    except PermissionError:
        return 1  # it lives, and is somebody else's
    return 1
