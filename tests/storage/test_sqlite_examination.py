"""How a SQLite file is, as an examination sees it; the rest is in tests/contracts."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from bureaucrat.storage.sqlite import SqliteStorage
from bureaucrat.storage.statements import migrations


def read_only(path: Path) -> SqliteStorage:
    return SqliteStorage(path, read_only=True)


async def test_an_examination_tells_how_the_file_is_and_whether_a_daemon_has_it(tmp_path: Path) -> None:
    path = tmp_path / "b.db"
    daemon = SqliteStorage(path)
    await daemon.open()
    reader = read_only(path)
    await reader.open()

    beside = await reader.examine()
    await daemon.close()
    alone = await reader.examine()
    await reader.close()

    assert (beside.daemons, alone.daemons) == (1, 0)
    assert beside.technology == f"SQLite {sqlite3.sqlite_version}"
    assert (beside.place, beside.problems, alone.problems) == (str(path), [], [])
    assert beside.schema == max(migrations("sqlite"))
    assert beside.size == path.stat().st_size
    assert beside.room is not None
    assert beside.room > 0


@pytest.mark.parametrize(
    ("folder", "file", "is_exposed"), [(0o755, 0o644, True), (0o700, 0o644, False), (0o755, 0o640, False)]
)
async def test_a_file_is_exposed_if_others_get_at_it(tmp_path: Path, folder: int, file: int, is_exposed: bool) -> None:
    path = tmp_path / "inner" / "b.db"
    path.parent.mkdir()
    storage = SqliteStorage(path)
    await storage.open()
    path.chmod(file)
    path.parent.chmod(folder)

    assert (await storage.examine()).is_exposed is is_exposed
    await storage.close()


@pytest.fixture
def dead() -> int:
    """The number of a process that has ended."""
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    return int(ended.stdout)


def claim(path: Path, text: str) -> None:
    """Say who holds a file."""
    Path(f"{path}.pid").write_text(text)


async def test_a_holder_that_has_died_counts_as_none_and_one_of_somebody_else_as_one(tmp_path: Path, dead: int) -> None:
    path = tmp_path / "b.db"
    made = SqliteStorage(path)
    await made.open()
    await made.close()
    reader = read_only(path)
    await reader.open()
    found = []

    for text in (str(dead), "1", "nonsense"):
        claim(path, text)
        found.append((await reader.examine()).daemons)
    await reader.close()

    assert found == [0, 1, 0]


async def test_a_damaged_file_has_problems(tmp_path: Path) -> None:
    path = tmp_path / "b.db"
    made = SqliteStorage(path)
    await made.open()
    await made.close()
    with path.open("r+b") as file:  # a page of an index that is empty until now
        file.seek(3 * 4096)
        file.write(b"\x55" * 200)
    reader = read_only(path)
    await reader.open()

    found = await reader.examine()
    await reader.close()

    assert found.problems
