"""A doctor's round through what a simulation has stored, for tests that want to hear nothing of it."""

from __future__ import annotations

from typing import Any

from bureaucrat.core.limits import Limits
from bureaucrat.definition.reader import read
from bureaucrat.doctor.findings import Finding
from bureaucrat.doctor.round import Report, Round
from bureaucrat.engine.bounds import Bounds
from bureaucrat.engine.definitions import Definitions
from bureaucrat.testing import Simulation

#: what a simulation leaves undone: nobody looks at a clock that a test has set
NOT_OF_THE_STATE = frozenset({"undone", "dead"})


def examined(simulation: Simulation, limits: Limits) -> Report:
    """The round; memory never waits."""
    storage = simulation.storage
    definitions = Definitions(storage, read, simulation.clock)
    question: Any = Round(storage, definitions, simulation.clock, limits, Bounds(), is_served=True).all()
    try:
        question.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    raise AssertionError("memory storage waited")


def alarms(report: Report) -> list[Finding]:
    """What it says of the state of instances."""
    return [one for one in report.all if one.check not in NOT_OF_THE_STATE]
