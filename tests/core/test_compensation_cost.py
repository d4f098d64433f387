"""What compensation costs, and that each runs once: counted over many items, in any order of their answers."""

from __future__ import annotations

from random import Random

import pytest
from test_cost import counted

from bureaucrat.core.effects import Dispatch, Proceed, Record
from bureaucrat.core.instance import Changes, Copy, Instance, NeedRemembered
from bureaucrat.core.messages import Answer, Cancel, Message, Start
from bureaucrat.core.step import step
from bureaucrat.core.table import Definition
from bureaucrat.definition.reader import read

FORGET = '<compensation><action participant="undo"><input><field name="x">x</field></input></action></compensation>'


def definition(
    own: str = "", after: str = '<compensate/><action participant="end"/>', parallel: str = "yes"
) -> Definition:
    work = f'<action participant="w"><input/>{FORGET}</action><action participant="v"><input/>{FORGET}</action>'
    loop = f'<foreach select="=range(n)" as="x" parallel="{parallel}">{own}{work}</foreach>'
    faults = "<faults><default><compensate/></default></faults>"
    return read(f'<process name="p"><context><property name="n" type="int"/>{faults}</context>{loop}{after}</process>')


class Driven:
    """One instance in the core, whose continuations are told at once."""

    def __init__(self, of: Definition, items: int) -> None:
        self.definition = of
        self.copy = Copy(Instance("I", of.name, of.hash, 0.0))
        self.changes: list[Changes] = []  #: of each step
        self.records: list[Record] = []
        self.sent: dict[str, list[Dispatch]] = {"w": [], "v": [], "undo": [], "end": []}
        self.tell(Start({"n": items}))

    def tell(self, message: Message) -> None:
        effects = step(self.definition, self.copy, message, 1.0)
        self.changes.append(self.copy.changes)
        self.copy.changes = Changes()
        self.records += [effect for effect in effects if isinstance(effect, Record)]
        for effect in effects:
            if isinstance(effect, Dispatch):
                self.sent[effect.participant].append(effect)
        for effect in effects:
            if isinstance(effect, Proceed):
                self.tell(effect.message)

    def answer(self, dispatch: Dispatch, **fields: object) -> None:
        self.tell(Answer(dispatch.branch, dispatch.activity, dispatch.attempt, fields))

    def undone(self) -> list[int]:
        """Answer every compensation; the items that they were for, in order."""
        for dispatch in self.sent["undo"]:  # it grows meanwhile
            self.answer(dispatch)
            self.answer(dispatch)
        return [dispatch.fields["x"] for dispatch in self.sent["undo"]]


def completed(driven: Driven) -> list[int]:
    """Items in the order in which something in them was remembered."""
    addresses = [record.address for record in driven.records if record.what == "remembered"]
    return [int(address.split(".")[1].split("_")[0]) - 1 for address in addresses]


@pytest.mark.parametrize("parallel", ["yes", "3"])
@pytest.mark.parametrize("seed", range(8))
def test_each_compensation_runs_once_in_the_reverse_order(seed: int, parallel: str) -> None:
    """Answers in any order, each twice; one item in some stories fails, and its fault leaves the loop."""
    random = Random(seed)
    driven = Driven(definition(parallel=parallel), 8)
    fails_after = random.choice((99, 3, 9, 14))
    has_failed = False

    while not has_failed and not driven.sent["undo"]:
        waiting = [one for name in "wv" for one in driven.sent[name] if one.branch in driven.copy.branches]
        is_open = {one.attempt: driven.copy.branches[one.branch].attempt == one.attempt for one in waiting}
        one = random.choice(waiting)
        has_failed = is_open[one.attempt] and len(completed(driven)) >= fails_after
        driven.answer(one, **({"status": "critical", "code": "X"} if has_failed else {}))
    before = completed(driven)

    assert driven.undone() == before[::-1]
    assert len(before) == (fails_after if has_failed else 16)
    assert (driven.copy.instance.remembering, driven.copy.instance.remembered_bytes) == (0, 0)
    assert (driven.copy.remembered, driven.copy.remembered_in) == ({}, {})
    assert len(driven.sent["end"]) == (not has_failed)


@pytest.mark.parametrize("seed", range(4))
def test_an_item_with_a_compensation_stands_for_what_is_inside_it(seed: int) -> None:
    random = Random(seed)
    driven = Driven(definition(FORGET), 9)
    order = random.sample(range(9), 9)

    for number in order:
        driven.answer(driven.sent["w"][number])
    for dispatch in random.sample(driven.sent["v"], 9):
        driven.answer(dispatch)
    items = completed(driven)[9:][1::2]

    assert driven.undone() == items[::-1]
    assert sorted(items) == list(range(9))


@pytest.mark.parametrize("own", ["", FORGET])
def test_ten_thousand_items_cost_the_same_each(own: str) -> None:
    """Every first answer comes before any second one: what an item holds lies apart from the newest."""
    calls = {}
    for items in (100, 10_000):
        driven = Driven(definition(own, after='<action participant="end"/>'), items)
        for dispatch in driven.sent["w"]:
            driven.answer(dispatch)
        driven.changes.clear()
        last = driven.sent["v"][items // 2]
        calls[items] = counted(driven.definition, driven.copy, Answer(last.branch, last.activity, last.attempt, {}))
        changes = driven.copy.changes
        assert len(changes.remembered) == 1
        assert len(changes.forgotten) == (1 if own else 0)
        assert list(changes.touched) == [""]
        assert list(changes.removed) == [f"_0.{items // 2 + 1}"]

    assert calls[10_000] == calls[100]


def test_to_compensate_one_of_ten_thousand_costs_what_it_costs_of_a_hundred() -> None:
    calls = {}
    for items in (100, 10_000):
        driven = Driven(definition(), items)
        for name in "wv":
            for dispatch in driven.sent[name]:
                driven.answer(dispatch)
        for _ in range(20):
            driven.answer(driven.sent["undo"][-1])
        one = driven.sent["undo"][-1]
        calls[items] = counted(driven.definition, driven.copy, Answer(one.branch, one.activity, one.attempt, {}))
        changes = driven.copy.changes
        assert (list(changes.remembered), list(changes.forgotten)) == ([], [2 * items - 21])
        assert len(changes.touched) == 2  # the branch of compensate, and the one that begins

    assert calls[10_000] == calls[100]


def test_an_instance_that_ends_forgets_all_at_once() -> None:
    driven = Driven(definition(after=""), 50)
    for name in "wv":
        for dispatch in driven.sent[name]:
            driven.answer(dispatch)

    last = driven.changes[-1]

    assert (last.forgot_all, list(last.remembered), list(last.forgotten)) == (True, [], [])
    assert (driven.copy.instance.remembering, driven.copy.remembered_in) == (0, {})


def test_what_is_remembered_and_forgotten_before_it_was_written_is_never_written() -> None:
    of = read(
        '<process name="p"><sequence><compensation/><assign property="x">1<compensation/></assign>'
        '<sequence/></sequence><compensate/><action participant="end"/></process>'
    )

    driven = Driven(of, 0)

    assert (driven.changes[0].remembered, driven.changes[0].forgotten) == ({}, {})


def test_a_copy_that_has_loaded_too_little_says_so() -> None:
    """Only where something is held, or is to be run."""
    of = definition(FORGET)
    for message, is_needed in ((None, True), (Cancel(), False), (Cancel(compensate=True), True)):
        driven = Driven(of, 2)
        driven.answer(driven.sent["w"][0])
        driven.answer(driven.sent["w"][1])
        driven.copy.remembered.clear()
        driven.copy.remembered_in.clear()
        last = driven.sent["v"][0]
        told = message or Answer(last.branch, last.activity, last.attempt, {})

        if is_needed:
            with pytest.raises(NeedRemembered):
                step(of, driven.copy, told, 2.0)
        else:
            step(of, driven.copy, told, 2.0)
            assert driven.copy.changes.forgot_all


def test_a_turn_of_a_loop_asks_for_nothing_that_earlier_turns_have_left() -> None:
    """Two of each turn are remembered, one of the turn takes their place; what is older need not be loaded."""
    driven = Driven(definition(FORGET, parallel="no"), 3)
    driven.answer(driven.sent["w"][0])
    driven.answer(driven.sent["v"][0])
    driven.copy.remembered.clear()
    driven.copy.remembered_in.clear()

    driven.answer(driven.sent["w"][1])
    driven.answer(driven.sent["v"][1])

    assert list(driven.copy.remembered) == [6]
    assert driven.copy.instance.remembering == 2
