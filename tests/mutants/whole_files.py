"""The corpus again, a file of it as one test: mutmut names each test to pytest, and 600 names take it seconds."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "corpus"))

from story import play, rows

ROWS = rows()


@pytest.mark.parametrize("file", sorted({row.file for row in ROWS}))
def test_all_rows_of_a_file_go_as_they_are_written(file: str) -> None:
    for row in ROWS:
        if row.file == file:
            assert play(row) == list(row.story)
