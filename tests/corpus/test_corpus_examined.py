"""The doctor has nothing to say of any instance that goes as it is written, whatever just happened to it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from examination import alarms, examined
from story import Row, do, rows

from bureaucrat.core.limits import Limits
from bureaucrat.doctor.findings import Finding
from bureaucrat.engine.settings import Settings
from bureaucrat.errors import Refused
from bureaucrat.testing import Simulation

FILES = sorted({row.file for row in rows()})


def told(row: Row) -> tuple[list[tuple[str, Finding]], int]:
    """What is found after each line of a story, and how many histories were applied again."""
    limits = Limits(**row.limits)
    simulation = Simulation(row.definition, settings=Settings(history="full", limits=limits))
    found: list[tuple[str, Finding]] = []
    replayed = 0
    for line in row.story:
        if line.startswith(">"):
            with suppress(Refused):
                do(simulation, row, line[1:].strip())
            report = examined(simulation, limits)
            replayed += report.replayed
            found += [(line, one) for one in alarms(report)]
    return found, replayed


@pytest.mark.parametrize("file", FILES)
def test_a_doctor_finds_nothing_in_a_story_and_its_history_gives_the_same_state(file: str) -> None:
    stories = {row.name: told(row) for row in rows() if row.file == file}

    assert {name: found for name, (found, _) in stories.items() if found} == {}
    assert sum(replayed for _, replayed in stories.values()) >= len(stories) / 2
