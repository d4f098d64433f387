"""What warnings say of random definitions is true when these run, whatever is answered."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "core"))

from properties import generator

from bureaucrat.core.limits import Limits
from bureaucrat.definition import Problem, read
from bureaucrat.engine.settings import Settings
from bureaucrat.engine.writes import Progress
from bureaucrat.errors import Refused
from bureaucrat.lint import warnings_of
from bureaucrat.testing import Simulation

pytestmark = pytest.mark.unmeasured
DEFINITIONS = 30
STEPS = 15
#: What an expression of an exit may throw; a person who skips that exit makes run what stands after it.
BROKEN = ("ExpressionError", "UndefinedProperty", "LimitExceeded")


def warned() -> list[tuple[int, str, list[Problem]]]:
    """Random definitions with their warnings, as far as a run can prove these wrong."""
    found = []
    for seed in range(DEFINITIONS):
        text = generator.definition(Random(seed), generator.Shape(depth=4, size=24))
        warnings = [one for one in warnings_of(read(text)) if one.code in ("BX505", "BX517")]
        if warnings:
            found.append((seed, text, warnings))
    return found


def run(text: str, random: Random) -> list[Progress]:
    """What happens when attempts are answered in any way, time passes, and people retry and skip."""
    one = Simulation(text, settings=Settings(history="full", limits=Limits(turns=5, max_transitions=200)))
    try:
        one.launch(generator.fields(random))
        for _ in range(STEPS):
            _anything(one, random)
    except Refused:
        pass  # the start lacks something, or nothing is left to act on
    return one.trace


def _anything(one: Simulation, random: Random) -> None:
    match random.randrange(5):
        case 0 | 1 if one.open:
            one.answer_attempt(random.choice(one.open), generator.answer(random))
        case 2 if one.incidents():
            is_broken = one.incidents()[0].code in BROKEN
            one.retry() if is_broken or random.random() < 0.5 else one.skip()
        case 3:
            one.event(random.choice("ab"), k=random.randrange(3))
        case _:
            one.advance(random.choice(["1s", "1m", "2h", "3d"]))


def test_what_is_said_never_to_happen_never_does() -> None:
    """No activity runs that is said never to, and no Timeout comes where none is said to come."""
    met: Counter[str] = Counter()
    for seed, text, warnings in warned():
        places = {(one.line, one.column): one.code for one in warnings}
        definition = read(text)
        codes = {one.index: places.get((one.line, one.column)) for one in definition.activities}
        handlers = {
            owner.index
            for owner in definition.activities
            if any(codes[handler.body] == "BX517" for handler in owner.handlers)
        }
        met.update(places.values())
        for entry in run(text, Random(seed)):
            assert codes.get(entry.activity or 0) != "BX505", f"seed {seed}: {entry} in\n{text}"
            is_timeout = entry.what == "caught" and entry.detail["code"] == "Timeout"
            assert not (is_timeout and entry.activity in handlers), f"seed {seed}: {entry} in\n{text}"

    assert min(met["BX505"], met["BX517"]) > 1
