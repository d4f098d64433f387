"""The language's law: every row of the corpus goes as it is written."""

import pytest
from story import Row, play, rows

ROWS = rows()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_corpus_row_goes_as_it_is_written(row: Row) -> None:
    told = play(row)

    assert told == list(row.story)


@pytest.mark.parametrize("row", [row for row in ROWS if row.file == "compensation.xml"], ids=lambda row: row.name)
def test_a_compensation_goes_the_same_when_everything_is_loaded_each_time(row: Row) -> None:
    """Nothing stays in memory, and no instance is small enough to be loaded whole."""
    told = play(row, cached=0, load_whole=0)

    assert told == list(row.story)
