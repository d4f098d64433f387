"""Parallel items as rows: each below its loop, and of many only what somebody has to know of."""

from __future__ import annotations

import pytest

from bureaucrat.commands.story import Story
from bureaucrat.commands.tree import Tree
from bureaucrat.core.records import WORDS
from bureaucrat.testing import Simulation

INNER = '<foreach id="inner" select="=[1]" parallel="yes"><action id="work" participant="work"/></foreach>'


def started(body: str, items: int, parallel: str = "yes") -> Simulation:
    loop = f'<foreach id="each" select="=range(n)" as="x" parallel="{parallel}">{body}</foreach>'
    one = Simulation(f'<process name="p"><context><property name="n" type="int"/></context>{loop}</process>')
    one.launch({"n": items})
    return one


def drawn(one: Simulation, *, is_restored: bool) -> list[str]:
    """The tree without the times: as it is seen live, or as it is built from what is stored."""
    story = Story(one.instance, one.definition, None, one.trace[0].at)
    if is_restored:
        story.restore([entry for entry in one.trace if WORDS[entry.what]], one.copy())
    for entry in () if is_restored else one.trace:
        story.take(entry)
    story.look(one.copy(), one.waits(), one.incidents())
    tree = Tree(one.definition, is_ascii=True).draw(story.rows, one.clock.now())
    return [" ".join(line.plain.replace("0.00 s", "").replace("before", "").split()) for line in tree]


@pytest.mark.parametrize("is_restored", [False, True])
def test_what_is_in_an_item_stands_below_it(is_restored: bool) -> None:
    one = started(INNER + '<action id="late" participant="late"/>', 3, parallel="2")
    one.answer("work")
    one.answer("late")
    one.answer_attempt(one.sent[1], {"r": 5})

    assert drawn(one, is_restored=is_restored) == [
        "+ each foreach 1/3",
        "| + each 1 item",
        "| | + inner foreach 1 item",
        "| | ` + inner 1 item",
        "| | ` + work work",
        "| ` + late late",
        "| + each 2 item",
        "| | + inner foreach 1 item",
        "| | ` + inner 1 item",
        "| | ` + work work",
        "| | * late late",
        "| + each 3 item",
        "| | + inner foreach 0/1",
        "| | | + inner 1 item",
        "| | | | * work work",
    ]


@pytest.mark.parametrize("is_restored", [False, True])
def test_of_many_items_the_urgent_ones_are_shown_and_the_others_counted(is_restored: bool) -> None:
    one = started('<action id="work" participant="work" retries="1"/>', 1_200)
    for number in range(600):
        one.answer_attempt(one.sent[number], {})
    one.answer_attempt(one.sent[1_100], {"status": "perhaps"})

    lines = drawn(one, is_restored=is_restored)

    assert lines[0] == "+ each foreach 600/1,200"
    assert lines[1:3] == ["| + each 601 item", "| | * work work attempt 1 of 2"]
    assert lines[23] == "| + each 1,101 item"
    assert "incident: the participant answered" in lines[24]
    assert lines[25].endswith("more items")
    assert len(lines) == 26


def test_a_value_is_that_of_the_own_item() -> None:
    one = started('<assign id="set" property="mine">x * 10</assign><action id="work" participant="work"/>', 11)

    lines = drawn(one, is_restored=False)

    assert [line for line in lines if " set " in line][1::9] == ["| | + set mine mine=10", "| | + set mine mine=100"]
