"""The language's law: every row of the corpus goes as it is written."""

import pytest
from story import Row, play, rows

ROWS = rows()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_corpus_row_goes_as_it_is_written(row: Row) -> None:
    told = play(row)

    assert told == list(row.story)
