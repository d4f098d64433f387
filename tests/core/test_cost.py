"""What a step costs: counted, not timed."""

from __future__ import annotations

import gc
import sys
from types import FrameType
from typing import Any

import pytest

from bureaucrat.core.effects import Dispatch
from bureaucrat.core.instance import Changes, Copy, Instance
from bureaucrat.core.messages import Answer, Start
from bureaucrat.core.step import step
from bureaucrat.core.table import Definition
from bureaucrat.definition.reader import read
from bureaucrat.testing import Simulation


def calls_of_a_step(definition: Definition, nth: int) -> int:
    """Python and C calls that the n-th answer takes."""
    copy = Copy(Instance("I", definition.name, definition.hash, 0.0))
    effects = step(definition, copy, Start({"x": 0}), 1.0)
    for turn in range(nth - 1):
        effects = step(definition, copy, answer_to(effects, turn), 2.0)
        copy.changes = Changes()
    return counted(definition, copy, answer_to(effects, nth))


def answer_to(effects: list[Any], x: int) -> Answer:
    (dispatch,) = [effect for effect in effects if isinstance(effect, Dispatch)]
    return Answer(dispatch.branch, dispatch.activity, dispatch.attempt, {**dispatch.fields, "x": x + 1})


def counted(definition: Definition, copy: Copy, message: Any) -> int:
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    gc.collect()
    gc.disable()  # it would call what other tests have left behind
    sys.setprofile(count)
    try:
        step(definition, copy, message, 2.0)
    finally:
        sys.setprofile(None)
        gc.enable()
    return calls


def sequence(actions: int) -> Definition:
    body = '<action participant="w"/>' * actions
    return read(f'<process name="p">{body}</process>')


def test_a_step_costs_the_same_in_a_definition_of_ten_and_of_ten_thousand_activities() -> None:
    small, large = sequence(10), sequence(10_000)

    assert calls_of_a_step(large, 5) == calls_of_a_step(small, 5)


def test_a_step_costs_the_same_however_far_the_instance_has_come() -> None:
    definition = sequence(1_000)

    assert calls_of_a_step(definition, 900) == calls_of_a_step(definition, 5)


@pytest.mark.parametrize("siblings", [2, 500])
def test_an_answer_in_one_of_many_branches_writes_its_own_rows_only(siblings: int) -> None:
    branches = '<sequence><action participant="w"/><action participant="w"/></sequence>' * siblings
    simulation = Simulation(read(f'<process name="p"><all>{branches}</all></process>'))
    simulation.launch({"x": 0})

    copy = simulation.copy()
    attempt = simulation.open[0].dispatch
    step(simulation.definition, copy, Answer(attempt.branch, attempt.activity, attempt.attempt, {"x": 1}), 2.0)

    assert list(copy.changes.touched) == ["_0_0"]
    assert list(copy.changes.written) == [("", 0, "x")]
    assert not copy.changes.removed
