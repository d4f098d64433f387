"""Which activity of a new definition takes the place of which (L112), and what is said where none does."""

from __future__ import annotations

import pytest
from kept import Kept

from bureaucrat.core.effects import Refuse
from bureaucrat.core.instance import Changes, NeedRemembered
from bureaucrat.core.messages import Answer, Migrate, TimerFired
from bureaucrat.core.migration import Unclear, match, plan
from bureaucrat.core.step import step
from bureaucrat.definition.reader import read

WHOLE = """
  <action id="a" participant="one"/>
  <action participant="two"/>
  <switch><case><condition>x == 1</condition><assign property="x">2</assign></case><default/></switch>
  <sequence><faults><case code="A, B"/><default/></faults><reminder after="1h"><signal event="e"/></reminder></sequence>
  <call process="sub"/><await event="go"/><fault code="A"/><exit outcome="sold"/><delay duration="1h"/>
"""


def pairs(old: str, new: str, **given: str) -> dict[str, str]:
    """What becomes what, by path."""
    before, after = read(f'<process name="p">{old}</process>'), read(f'<process name="p">{new}</process>')
    found = match(before, after, given, "new").pairs
    return {before.activities[here].path: after.activities[there].path for here, there in found.items()}


def refusals(old: str, new: str, *, given: dict[str, str] | None = None, kept: Kept | None = None) -> list[str]:
    """Why an instance of one cannot go on by the other."""
    kept = kept or Kept(old)
    after = read(f'<process name="p">{new}</process>')
    found = plan(match(kept.definition, after, given or {}, "order@3"), kept.copy)
    return [str(refusal) for refusal in found.refusals]


def test_everything_finds_itself_in_the_same_definition() -> None:
    found = pairs(WHOLE, WHOLE)

    assert len(found) == 17
    assert found == {path: path for path in found}


def test_what_has_no_id_is_found_by_what_it_is_and_has_to_do_with() -> None:
    old = '<delay duration="1"/><action participant="one"/><action participant="two"/><await event="go"/>'
    new = '<await event="go"/><action participant="two" id="new"/><action participant="one"/><delay duration="2"/>'

    assert pairs(old, new) == {"": "", "_0": "_3", "_1": "_2", "_2": "_1", "_3": "_0"}


def test_several_alike_are_told_apart_by_their_order_if_there_are_as_many() -> None:
    one, two = '<action participant="w"/>', '<delay duration="1"/>'

    assert pairs(one + two + one, one + one + two) == {"": "", "_0": "_0", "_1": "_2", "_2": "_1"}
    assert pairs(one + two + one, one + two) == {"": "", "_1": "_1"}


def test_an_id_is_found_wherever_it_is_and_goes_before_the_order() -> None:
    old = '<sequence id="q"><action participant="w"/></sequence><action id="b" participant="w"/>'
    new = '<action id="b" participant="w"/><sequence><sequence id="q"><action participant="w"/></sequence></sequence>'

    assert pairs(old, new) == {"": "", "_0": "_1_0", "_0_0": "_1_0_0", "_1": "_0"}


def test_a_plan_goes_before_everything() -> None:
    old = '<action id="a" participant="w"/><action participant="w"/>'
    new = '<action id="a" participant="w"/><action id="b" participant="other"/><action participant="w"/>'

    assert pairs(old, new, a="b", _1="a") == {"": "", "_0": "_1", "_1": "_0"}
    assert pairs(old, new, a="drop") == {"": "", "_0": "_0", "_1": "_2"}


@pytest.mark.parametrize(
    ("given", "problems"),
    [
        ({"x": "a"}, ["'x' is no activity of the definition that runs; write an id, or an address such as _0_1"]),
        ({"a": "x"}, ["'x' is no activity of order@3; write an id, or an address such as _0_1"]),
        ({"w": "a"}, ["'w' is 2 activities of the definition that runs; write _1 or the like"]),
        ({"a": "d"}, ["a = d: it is an action here and a delay at order@3:1"]),
        (
            {"a": "b", "_1": "b", "x": "drop"},
            [
                "_1 = b: one of the two has its place already; each is named once",
                "'x' is no activity of the definition that runs; write an id, or an address such as _0_1",
            ],
        ),
        ({"a": "b", "_0": "a"}, ["_0 = a: one of the two has its place already; each is named once"]),
    ],
)
def test_what_a_plan_says_and_cannot_be_is_told(given: dict[str, str], problems: list[str]) -> None:
    old = '<action id="a" participant="w"/><action participant="w"/><action participant="w"/>'
    new = '<action id="a" participant="w"/><action id="b" participant="w"/><delay id="d" duration="1"/>'

    with pytest.raises(Unclear) as caught:
        refusals(old, new, given=given)

    assert caught.value.problems == problems


# what is active and has no place

ACTION = '<action id="a" participant="w"/>'


@pytest.mark.parametrize(
    ("old", "new", "reasons"),
    [
        (
            ACTION,
            '<action id="b" participant="w"/>',
            ["a (_0, line 1): order@3 has no activity with the id 'a'; say what takes its place: a = ID, in a plan"],
        ),
        (ACTION, '<await id="a" event="go"/>', ["a (_0, line 1): it is an action here and an await at order@3:1"]),
        (
            '<action participant="w"/>',
            '\n<action participant="v"/>',
            [
                "w (_0, line 1): it has no id, and the process at order@3:1 has no action of w to take its place; "
                "say which it is: _0 = ID or address, in a plan"
            ],
        ),
        (
            '<await event="go"/>',
            '<await event="go"/>\n<await event="go"/>',
            [
                "await (_0, line 1): it has no id, and of await there are 1 here and 2 there (order@3:1, order@3:2); "
                "say which it is: _0 = ID or address, in a plan"
            ],
        ),
        (
            '<all><await event="go"/><sequence id="q"><await event="on"/></sequence></all>',
            '<all><await event="off"/></all>',
            [
                "await (_0_0, line 1): it has no id, and the all at order@3:1 has no await to take its place; "
                "say which it is: _0_0 = ID or address, in a plan",
                "await (_0_1_0, line 1): what is around it, the sequence 'q', has no place",
            ],
        ),
        (
            '<sequence><switch><default><await id="w" event="go"/></default></switch></sequence>',
            "<delay duration='1'/>",
            [
                "switch (_0_0, line 1): what is around it, the sequence _0, has no place",
                "case (_0_0_0, line 1): what is around it, the switch _0_0, has no place",
                "w (_0_0_0_0, line 1): order@3 has no activity with the id 'w'; say what takes its place: w = ID, "
                "in a plan",
            ],
        ),
        (
            '<foreach id="f" select="=[1]"><await id="w" event="go"/></foreach>',
            '<foreach id="f" select="=[1]" parallel="yes"><await id="w" event="go"/></foreach>',
            ["f (_0, line 1): its items run one after another here and side by side at order@3:1"],
        ),
        (
            '<foreach id="f" select="=[1]" parallel="yes"><await id="w" event="go"/></foreach>',
            '<foreach id="f" select="=[1]"><await id="w" event="go"/></foreach>',
            ["f (_0, line 1): its items run side by side here and one after another at order@3:1"],
        ),
    ],
)
def test_what_is_active_and_has_no_place_refuses_the_plan(old: str, new: str, reasons: list[str]) -> None:
    assert refusals(old, new) == reasons


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (
            '<all id="y">\n<action id="a" participant="w"/></all>',
            "at order@3:2 it is in the all y of line 1, and here in what becomes the process of line 1; "
            "only sequences may differ around what is active",
        ),
        (
            '<while id="l"><condition>True</condition><sequence>\n<action id="a" participant="w"/></sequence></while>',
            "at order@3:2 it is in the sequence _0_0 of line 1, and here in what becomes the process of line "
            "1; only sequences may differ around what is active",
        ),
        (
            '<sequence><faults><default id="h"><sequence><action id="a" participant="w"/></sequence></default></faults>'
            "</sequence>",
            "at order@3:1 it is in the sequence _0_faults_0_0 of line 1, and here in what becomes the process "
            "of line 1; only sequences may differ around what is active",
        ),
    ],
)
def test_what_is_around_must_be_the_same(new: str, reason: str) -> None:
    assert refusals(ACTION, new) == [f"a (_0, line 1): {reason}"]


def test_branches_do_not_become_one_line() -> None:
    old = '<all id="y"><await id="v" event="go"/><await id="w" event="go"/></all>'
    new = '<all id="y">\n<sequence><await id="v" event="go"/><await id="w" event="go"/></sequence></all>'

    assert refusals(old, new) == [
        "w (_0_1, line 1): it runs beside others here and with one of them one after another at order@3:2"
    ]


def test_a_handler_is_none_of_something_else_nor_a_child() -> None:
    old = '<sequence id="q"><faults><default id="h"><await id="w" event="go"/></default></faults><fault/></sequence>'
    new = '<sequence id="q"><sequence id="h"><await id="w" event="go"/></sequence></sequence>'

    assert refusals(old, new) == ["h (_0_faults_0, line 1): it is a fault handler here and a child at order@3:1"]


def test_a_plan_may_give_the_place_of_an_id_to_another() -> None:
    old = '<all id="y"><await id="v" event="go"/><await id="w" event="go"/></all>'

    assert refusals(old, old + "<exit/>", given={"v": "w"}) == [
        "w (_0_1, line 1): the plan gives the place of 'w' to another"
    ]


def test_another_process_is_refused() -> None:
    kept = Kept(ACTION)
    after = read(f'<process name="other">{ACTION}</process>')

    found = plan(match(kept.definition, after, {}, "other@1"), kept.copy)

    assert [str(one) for one in found.refusals] == ["p: other@1 is another process: 'other', not 'p'"]
    assert found.is_refused


def test_a_handler_of_a_whole_parallel_loop_stays_in_the_branch_it_needs() -> None:
    faults = '<faults><default id="h"><await id="w" event="go"/></default></faults>'
    loop = f'<foreach id="f" select="=[1]" parallel="yes" timeout="1s">{faults}<delay id="d" duration="1h"/></foreach>'
    kept = Kept(
        f'<all id="y"><sequence id="q"><delay duration="0"/>{loop}</sequence><delay id="e" duration="1h"/></all>'
    )
    kept.give(TimerFired("_0_0", 101.0), 101.0)

    reasons = refusals("", f'<all id="y">{loop}<delay id="e" duration="1h"/></all>', kept=kept)

    assert reasons == ["f (_0_0_1, line 1): its fault handler runs, and would run in another branch there"]


def test_a_sequence_with_branches_or_a_handler_of_its_own_is_not_left() -> None:
    reminder = '<reminder after="1s"><await id="r" event="go"/></reminder>'
    old = f'<sequence id="q">{reminder}<await id="w" event="go"/></sequence>'
    kept = Kept(old)
    kept.give(TimerFired("", 101.0), 101.0)

    reasons = refusals(old, '<await id="w" event="go"/>', kept=kept)

    gone = "order@3 has no activity with the id 'q'; say what takes its place: q = ID, in a plan"
    assert reasons == [f"q (_0, line 1): {gone}"]


def test_what_is_active_cannot_be_dropped() -> None:
    gone = "order@3 has no activity with the id 'a'; say what takes its place: a = ID, in a plan"

    assert refusals(ACTION, "<exit/>", given={"a": "drop"}) == [f"a (_0, line 1): {gone}"]


# what is seen of it


def test_a_plan_shows_where_everything_is_and_will_be() -> None:
    kept = Kept('<all id="y"><await id="v" event="go"/><await id="w" event="go"/></all>')
    after = read('<process name="p"><delay id="n" duration="1"/><all id="y"><await id="w" event="go"/></all></process>')

    found = plan(match(kept.definition, after, {}, "new"), kept.copy)

    shown = [(was.label, None if will is None else will.path) for _, was, will in found.places(kept.copy)]
    assert shown == [("y", "_1"), ("v", None), ("w", "_1_0")]
    assert [one.label for one in found.matching.added] == ["n"]
    assert [one.label for one in found.matching.removed] == ["v"]


def test_the_way_back_says_what_would_not_be_found_without() -> None:
    old = read('<process name="p"><action id="a" participant="w"/><action id="b" participant="w"/></process>')
    new = read(
        '<process name="p"><sequence id="q"><context><property name="x" type="int"/></context>'
        '<action participant="w"/></sequence><action id="b" participant="w"/><sequence id="r"/></process>'
    )

    there = match(old, new, {"a": "_0_0"}, "new")

    assert there.inverse() == {"_0_0": "a", "q": "drop"}
    assert match(new, old, there.inverse(), "old").pairs == {0: 0, 2: 1, 3: 2}


def test_a_plan_that_cannot_be_refuses_the_order_and_changes_nothing() -> None:
    kept = Kept(ACTION)
    target = read(f'<process name="p">{ACTION}<exit/></process>')
    before = kept.copy.instance.definition

    effects = step(kept.definition, kept.copy, Migrate(target.hash, given={"x": "y"}), 200.0, target=target)

    assert effects == [
        Refuse(
            "'x' is no activity of the definition that runs; write an id, or an address such as _0_1\n"
            "'y' is no activity of new; write an id, or an address such as _0_1"
        )
    ]
    assert kept.copy.instance.definition == before
    kept.give(Answer("", 1, 1))
    assert kept.details("ended") == [{"status": "completed", "outcome": "completed"}]


# what is remembered

UNDOABLE = '<action id="a" participant="w"><compensation><action id="c" participant="undo"/></compensation></action>'
LOOP = '<foreach id="f" select="=[1]" parallel="yes">{}</foreach>'


def test_what_is_remembered_stays_inside_the_same_loops() -> None:
    rest = '<action id="z" participant="end"/>'
    kept = Kept(UNDOABLE + rest)
    kept.give(Answer("", 1, 1))

    moved = LOOP.format(UNDOABLE) + rest

    assert refusals("", moved, kept=kept) == [
        "a (_0, line 1): its compensation is remembered, and at order@3:1 it is inside something else; "
        "or have it forgotten: a = drop"
    ]
    assert refusals("", moved, kept=kept, given={"a": "drop"}) == []


def test_a_compensation_that_runs_stays_inside_the_same_loops() -> None:
    rest = '<compensate id="u"/><action id="z" participant="end"/>'
    kept = Kept(UNDOABLE + rest)
    kept.give(Answer("", 1, 1))

    reasons = refusals("", LOOP.format(UNDOABLE) + rest, kept=kept)

    assert reasons == [
        "compensation (_0_compensation_0.1, line 1): what it compensates is inside something else in order@3"
    ]


def test_who_does_not_know_all_that_is_remembered_asks_for_it() -> None:
    kept = Kept(UNDOABLE + '<action id="z" participant="end"/>')
    kept.give(Answer("", 1, 1))
    kept.copy.remembered.clear()
    target = read(f'<process name="p">{UNDOABLE}<delay duration="1"/><action id="z" participant="end"/></process>')

    with pytest.raises(NeedRemembered):
        step(kept.definition, kept.copy, Migrate(target.hash), 200.0, target=target)


def test_what_is_remembered_and_stays_where_it_is_is_not_written_again() -> None:
    rest = '<action id="z" participant="end"/>'
    kept = Kept(UNDOABLE + rest)
    kept.give(Answer("", 1, 1))
    kept.copy.changes = Changes()
    target = read(f'<process name="p">{UNDOABLE}{rest}<delay duration="1"/></process>')

    step(kept.definition, kept.copy, Migrate(target.hash), 200.0, target=target)

    changes = kept.copy.changes
    assert (changes.remembered, changes.forgotten) == ({}, {})
    assert [(entry.branch, entry.activity) for entry in kept.copy.remembered.values()] == [("", 1)]
