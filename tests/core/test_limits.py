"""The bounds of one instance (L70, L120): what is as large as allowed, and what is one larger."""

from __future__ import annotations

import pytest

from bureaucrat.core.limits import Limits
from bureaucrat.engine.settings import Settings
from bureaucrat.errors import Refused
from bureaucrat.testing import Simulation

ASK = '<process name="p"><action id="a" participant="w"/></process>'
LOOP = """<process name="p">
  <context><property name="n" type="int">0</property></context>
  <while id="loop"><condition>n &lt; most</condition><assign id="turn" property="n">n + 1</assign></while>
</process>"""


def simulation(text: str, **limits: int) -> Simulation:
    return Simulation(text, settings=Settings(history="full", limits=Limits(**limits)))


def faults(one: Simulation) -> list[str]:
    return [f"{incident.code}: {incident.message}" for incident in one.incidents()]


@pytest.mark.parametrize(
    ("length", "told"),
    [(98, []), (99, ["LimitExceeded: 'x' has 101 bytes; a field may have 100"])],
)
def test_a_field_may_be_as_large_as_is_allowed_and_no_larger(length: int, told: list[str]) -> None:
    """Its quotes counted, for JSON is what is measured."""
    one = simulation(ASK, field_bytes=100)
    one.launch()

    one.answer("a", x="y" * length)

    assert faults(one) == told


@pytest.mark.parametrize(("length", "told"), [(48, []), (49, ["LimitExceeded"])])
def test_all_fields_may_be_as_large_as_is_allowed_and_no_larger(length: int, told: list[str]) -> None:
    one = simulation(ASK, total_bytes=100)
    one.launch({"w": "y" * 48})

    one.answer("a", x="y" * length)

    assert [incident.code for incident in one.incidents()] == told


@pytest.mark.parametrize(("bound", "length"), [("field_bytes", 98), ("total_bytes", 98)])
def test_a_start_may_give_as_much_as_is_allowed_and_no_more(bound: str, length: int) -> None:
    one = simulation(ASK, **{bound: 100})

    one.launch({"x": "y" * length})

    with pytest.raises(Refused, match="101 bytes; "):
        one.launch({"x": "y" * (length + 1)})


def test_the_bounds_are_one_and_eight_mebibytes_unless_they_are_set() -> None:
    one = Simulation(ASK)
    most = (1 << 20) - 2

    one.launch({f"x{n}": "y" * most for n in range(8)})

    with pytest.raises(Refused, match="1,048,577 bytes; a field may have 1,048,576"):
        one.launch({"x": "y" * (most + 1)})
    with pytest.raises(Refused, match="8,388,609 bytes; they may have 8,388,608"):
        one.launch({f"x{n}": "y" * most for n in range(8)} | {"z": 1})


def test_a_loop_that_never_waits_goes_on_fairly_while_another_instance_ends() -> None:
    """L70: after its budget for one message everybody else has a turn."""
    one = simulation(
        f'<process name="p"><await event="go"/>{LOOP[LOOP.index("<while") : -len("</process>")]}</process>', turns=10
    )
    long = one.launch({"n": 0, "most": 35}, instance="A")
    short = one.launch({"n": 0, "most": 1}, instance="B")
    before = len(one.trace)

    one.event("go")

    told = [(entry.instance, entry.what) for entry in one.trace[before:]]
    ended = told.index((short, "ended"))
    turns = [place for place, line in enumerate(told) if line == (long, "completed")]
    assert sum(place < ended for place in turns) in (11, 12)
    assert told[-1] == (long, "ended")
    assert len(turns) == 35 + 3  # and the await, the loop and the process


@pytest.mark.parametrize(("most", "told"), [(49, []), (50, ["RunawayLoop"])])
def test_a_loop_runs_away_after_as_many_activities_as_are_allowed(most: int, told: list[str]) -> None:
    """Each turn counts one for itself and one for what is in it."""
    one = simulation(LOOP, max_transitions=100, turns=7)

    one.launch({"most": most})

    assert [incident.code for incident in one.incidents()] == told
