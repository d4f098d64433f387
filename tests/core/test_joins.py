"""Joins of parallel items: whatever comes, in whatever order, twice or late, the process goes on exactly once."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bureaucrat.core.effects import Dispatch, Effect, Proceed
from bureaucrat.core.instance import Changes, Copy, Instance, NeedBranches
from bureaucrat.core.messages import Answer, Message, Start
from bureaucrat.core.step import step
from bureaucrat.core.table import Definition
from bureaucrat.definition.reader import read
from bureaucrat.engine.codec import add_loaded, decode_instance, encode_branch, encode_instance, value_rows
from bureaucrat.ports import Loaded


def looped(places: object = "yes") -> Definition:
    """Items that wait for an answer each, and one action after the join."""
    loop = (
        f'<foreach select="=range(n)" parallel="{places}" collect="got" value="r"><action participant="w"/></foreach>'
    )
    context = '<context><property name="n" type="int"/><property name="got" type="json"/></context>'
    return read(f'<process name="p">{context}{loop}<action id="z" participant="z"/></process>')


class Driven:
    """One instance in the core, whose continuations are told at once."""

    def __init__(self, definition: Definition, items: int) -> None:
        self.definition = definition
        self.copy = Copy(Instance("I", definition.name, definition.hash, 0.0))
        self.dispatched: dict[str, list[Dispatch]] = {"w": [], "z": []}
        self.starts: list[int] = []  #: attempts in each step
        self.tell(Start({"n": items}))

    def tell(self, message: Message) -> list[Effect]:
        effects = step(self.definition, self.copy, message, 1.0)
        self.copy.changes = Changes()
        made = [effect for effect in effects if isinstance(effect, Dispatch)]
        self.starts.append(len(made))
        for dispatch in made:
            self.dispatched[dispatch.participant].append(dispatch)
        for effect in effects:
            if isinstance(effect, Proceed):
                self.tell(effect.message)
        return effects

    def answer(self, number: int) -> None:
        """Answer the attempt of one item, open or not."""
        dispatch = self.dispatched["w"][number]
        self.tell(Answer(dispatch.branch, dispatch.activity, dispatch.attempt, {"r": number}))


@given(st.data())
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_the_process_goes_on_once_after_reordered_doubled_and_late_answers(data: st.DataObject) -> None:
    items = data.draw(st.sampled_from((0, 1, 2, 3, 7)))
    driven = Driven(looped(data.draw(st.sampled_from(("yes", 1, 2, 3)))), items)

    answered: set[int] = set()
    while len(answered) < items:
        assert driven.dispatched["z"] == []
        number = data.draw(st.integers(0, len(driven.dispatched["w"]) - 1))
        driven.answer(number)
        answered.add(number)
    for number in data.draw(st.lists(st.sampled_from(range(items)), max_size=5)) if items else ():
        driven.answer(number)

    assert [dispatch.fields["got"] for dispatch in driven.dispatched["z"]] == [list(range(items))]
    assert [dispatch.branch for dispatch in driven.dispatched["w"]] == [f"_0.{n}" for n in range(1, items + 1)]
    assert list(driven.copy.branches) == [""]


@pytest.mark.parametrize("places", ["yes", 7])
@pytest.mark.parametrize("items", [100, 10_000])
def test_many_items_join_once_in_any_order_with_every_answer_twice(items: int, places: object) -> None:
    driven = Driven(looped(places), items)
    random = Random(items)

    open_, old = list(range(len(driven.dispatched["w"]))), []
    while open_:
        place = random.randrange(len(open_))
        open_[place], open_[-1] = open_[-1], open_[place]
        before = len(driven.dispatched["w"])
        number = open_.pop()
        driven.answer(number)
        old.append(number)
        driven.answer(old[random.randrange(len(old))])
        open_ += range(before, len(driven.dispatched["w"]))

    assert [dispatch.fields["got"] for dispatch in driven.dispatched["z"]] == [list(range(items))]
    assert list(driven.copy.branches) == [""]


def test_ten_thousand_items_start_in_slices() -> None:
    driven = Driven(looped(), 10_000)

    assert driven.starts == [500] * 20


def stored(copy: Copy, *branches: str) -> Copy:
    """What a daemon without a cache has of an instance: some branches, read from their rows."""
    part = Copy(decode_instance(encode_instance(copy.instance, 1)))
    loaded = Loaded([encode_branch("I", copy.branches[id]) for id in branches])
    whole = Copy(copy.instance, copy.branches)
    whole.changes.opened = {(id, scope): None for id in branches for scope in copy.branches[id].scopes}
    loaded.values = value_rows(whole)
    add_loaded(part, loaded)
    return part


def test_an_answer_needs_its_item_and_what_is_around_it_and_so_does_the_last() -> None:
    driven = Driven(looped(), 3)
    changed = []

    for number in range(3):
        dispatch = driven.dispatched["w"][number]
        part = stored(driven.copy, "", dispatch.branch)
        answer = Answer(dispatch.branch, dispatch.activity, dispatch.attempt, {"r": number})
        effects = step(driven.definition, part, answer, 1.0)
        changes = part.changes
        changed.append((list(changes.touched), list(changes.removed), list(changes.written)))
        driven.answer(number)

    assert changed == [
        ([""], ["_0.1"], [("", -2, "1")]),
        ([""], ["_0.2"], [("", -2, "2")]),
        ([""], ["_0.3"], [("", 0, "got")]),
    ]
    assert [effect.fields["got"] for effect in effects if isinstance(effect, Dispatch)] == [[0, 1, 2]]


def test_a_fault_that_leaves_an_item_asks_for_the_others() -> None:
    source = looped().source.replace("<foreach", "<sequence><faults><default/></faults><foreach")
    definition = read(source.replace("</foreach>", "</foreach></sequence>"))
    driven = Driven(definition, 3)
    dispatch = driven.dispatched["w"][1]
    critical = Answer(dispatch.branch, dispatch.activity, dispatch.attempt, {"status": "critical"})

    with pytest.raises(NeedBranches) as asked:
        step(definition, stored(driven.copy, "", dispatch.branch), critical, 1.0)
    step(definition, part := stored(driven.copy, "", *driven.copy.branches), critical, 1.0)

    assert asked.value.branch == "_0_0"
    assert list(part.changes.removed) == ["_0_0.1", "_0_0.2", "_0_0.3"]
