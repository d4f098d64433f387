"""Warnings are true: nothing is told of what is shipped or shown, and what is said never to run never does."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from bureaucrat.core.table import Definition
from bureaucrat.definition import read
from bureaucrat.lint import warnings_of

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT / "tests" / "corpus"), str(ROOT / "tests")]

from story import Row, play, rows  # noqa: E402
from test_docs import Block, definitions  # noqa: E402

ROWS = rows()


@pytest.mark.parametrize("path", sorted((ROOT / "processes").glob("*.xml")), ids=lambda path: path.stem)
def test_the_shipped_processes_have_no_warnings(path: Path) -> None:
    assert warnings_of(read(path.read_bytes(), file=path.name)) == []


@pytest.mark.parametrize("block", definitions(), ids=str)
def test_the_documentation_shows_no_process_with_warnings(block: Block) -> None:
    assert warnings_of(read(block.text)) == []


def labels(definition: Definition, code: str) -> set[str]:
    """How stories call the activities that a warning is at."""
    places = {(one.line, one.column) for one in warnings_of(definition) if one.code == code}
    found = [activity for activity in definition.activities if (activity.line, activity.column) in places]
    return {activity.id or f"{activity.tag}{activity.path}" for activity in found}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_is_said_never_to_run_never_runs_by_itself_in_the_corpus(row: Row) -> None:
    never = labels(row.definition, "BX505")
    lines = play(row) if never else []
    by_hand = any(line.startswith("> move ") for line in lines)  # a person may have run what never does by itself

    met = {line.split()[1] for line in lines if not line.startswith(">") and len(line.split()) > 1}

    assert by_hand or {re.sub(r"\.\d+$", "", label) for label in met} & never == set()


def test_the_corpus_has_definitions_with_activities_that_never_run() -> None:
    assert sum(bool(labels(row.definition, "BX505")) for row in ROWS) > 5
