"""What an instance keeps when its definition changes (L112): everything, under other names."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from kept import Kept

from bureaucrat.core.effects import (
    CloseIncident,
    Dispatch,
    Effect,
    Hold,
    OpenIncident,
    Record,
    Refuse,
    Relocate,
    Subscribe,
    Unsubscribe,
    Void,
)
from bureaucrat.core.instance import Changes, Copy, NeedBranches
from bureaucrat.core.limits import Limits
from bureaucrat.core.messages import (
    Alarm,
    Answer,
    Continue,
    Ended,
    Message,
    Migrate,
    Move,
    Offer,
    Redispatch,
    Resume,
    Retry,
    Skip,
    Stuck,
    Suspend,
    TimerFired,
    Unsent,
)
from bureaucrat.core.states import State
from bureaucrat.core.step import step
from bureaucrat.core.table import Definition
from bureaucrat.definition.reader import read

#: something that waits, and what it takes to have it so
WAITS: dict[str, tuple[str, list[Message]]] = {
    "action": ('<action id="a" participant="w" timeout="1h"/>', []),
    "retrying": (
        '<action id="a" participant="w" retries="3"/>',
        [Answer("", 1, 1, {"status": "error", "error": "busy"})],
    ),
    "delay": ('<delay id="a" duration="1h"/>', []),
    "await": ('<await id="a" event="go" timeout="1h" key="x"/>', []),
    "call": ('<call id="a" process="sub"/>', []),
    "sequence": ('<sequence id="q" due="1h"><context/><delay id="a" duration="1h"/></sequence>', []),
    "all": (
        '<all id="y"><delay id="a" duration="1h"/><action id="b" participant="w"/><await id="c" event="go"/></all>',
        [Answer("_0_1", 3, 1)],
    ),
    "any": ('<any id="y" winner="n"><delay id="a" duration="1h"/><await id="c" event="go"/></any>', []),
    "foreach": (
        '<foreach id="f" select="=[1, 2]" as="n" collect="l" value="n"><action id="a" participant="w"/></foreach>',
        [Answer("", 2, 1)],
    ),
    "items": (
        '<foreach id="f" select="=[1, 2, 3]" as="n" parallel="2" collect="l" value="n"><action id="a" participant="w"/>'
        "</foreach>",
        [Answer("_0.2", 2, 2)],
    ),
    "while": ('<while id="l"><condition>True</condition><delay id="a" duration="1h"/></while>', []),
    "switch": ('<switch id="s"><default id="d"><delay id="a" duration="1h"/></default></switch>', []),
    "handler": (
        '<sequence id="q"><faults><default id="h"><delay id="a" duration="1h"/></default></faults>'
        '<fault id="t"/></sequence>',
        [],
    ),
    "reminder": (
        '<action id="a" participant="w"><reminder after="10s" every="20s"><delay id="r" duration="1h"/></reminder>'
        "</action>",
        [TimerFired("", 110.0)],
    ),
    "error": ('<action id="a" participant="w"/>', [Answer("", 1, 1, {"status": "error", "error": "no"})]),
    "fault": ('<fault id="a" code="Bad"/>', []),
    "suspended": ('<action id="a" participant="w"/>', [Suspend(), Answer("", 1, 1)]),
}
#: what is put around it: nothing of it runs
AROUND = {
    "before": '<action participant="x"/><all><delay duration="1"/></all>{}',
    "after": "{}<sequence><context/><fault/></sequence>",
    "inside": '<sequence id="wrap">{}</sequence>',
}


def of(body: str) -> Definition:
    return read(f'<process name="p"><sequence id="top"><context/>{body}</sequence></process>')


def rows(copy: Copy) -> dict[str, Any]:
    """All that would be stored, without the counters that only grow."""
    instance = asdict(copy.instance)
    for counter in ("migrations", "recorded", "activations"):
        del instance[counter]
    branches = {id: asdict(branch) for id, branch in copy.branches.items()}
    return {"instance": instance, "branches": dict(sorted(branches.items()))}


class Migrated(Kept):
    """An instance that goes from one definition to another."""

    def __init__(self, body: str, **fields: Any) -> None:
        super().__init__(f'<sequence id="top"><context/>{body}</sequence>', **fields)

    def go(self, target: Definition, **given: str) -> list[Effect]:
        effects = step(self.definition, self.copy, Migrate(target.hash, given=given), 300.0, target=target)
        self.effects += effects
        if not any(isinstance(effect, Refuse) for effect in effects):
            self.definition = target
        return [effect for effect in effects if not isinstance(effect, Record)]


def below(message: Message) -> Message:
    """A message for what stands one level deeper than it says."""
    if hasattr(message, "activity"):
        branch = message.branch.replace("_0", "_0_0", 1)
        return type(message)(branch, message.activity + 1, *list(asdict(message).values())[2:])
    return message


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("kind", WAITS)
def test_there_and_back_leaves_everything_as_it_was(kind: str, around: str) -> None:
    body, messages = WAITS[kind]
    migrated = Migrated(body, x=1)
    for message in messages:
        migrated.give(below(message))
    before, old = rows(migrated.copy), migrated.definition

    there = migrated.go(of(AROUND[around].format(body)))
    between = rows(migrated.copy)
    back = migrated.go(old)

    assert not any(isinstance(effect, Refuse) for effect in [*there, *back])
    assert rows(migrated.copy) == before
    assert between != before


@pytest.mark.parametrize("kind", WAITS)
def test_nothing_is_begun_or_ended_by_it(kind: str) -> None:
    body, messages = WAITS[kind]
    migrated = Migrated(body, x=1)
    for message in messages:
        migrated.give(below(message))

    effects = migrated.go(of(AROUND["before"].format(body)))

    assert [type(effect) for effect in effects] == [Relocate]


# the books


def test_what_has_a_new_name_is_written_and_the_old_name_is_gone() -> None:
    context = '<context><property name="v" type="int">1</property></context>'
    branch = f'<sequence id="{{0}}">{context}<delay id="d{{0}}" duration="1h"/></sequence>'
    one, two, three = (branch.format(name) for name in "abc")
    migrated = Migrated(f'<all id="y">{one}{two}</all>')
    migrated.copy.changes = Changes()

    migrated.go(of(f'<all id="y">{three}{two}{one}</all>'))

    changes = migrated.copy.changes
    assert migrated.definition.ids["a"] == 7
    assert sorted(migrated.copy.branches) == ["", "_0_0_1", "_0_0_2"]
    assert migrated.copy.children == {("", 2): {"_0_0_2": None, "_0_0_1": None}}
    assert list(changes.removed) == ["_0_0_0"]
    assert sorted(changes.touched) == ["", "_0_0_1", "_0_0_2"]
    assert list(changes.opened) == [("_0_0_2", 7)]
    assert list(changes.closed) == [("_0_0_0", 3)]


def test_values_that_stay_where_they_are_are_not_written_again() -> None:
    migrated = Migrated('<action id="a" participant="w"/>', x=1)
    migrated.copy.changes = Changes()

    migrated.go(of('<action id="a" participant="w"/><delay duration="1"/>'))

    assert migrated.copy.changes == Changes(touched={"": None})


def test_the_size_of_what_is_lost_and_of_what_comes_is_counted() -> None:
    scope = '<sequence id="q"><context><property name="long" type="str">{}</property></context>{}</sequence>'
    action = '<action id="a" participant="w"/>'
    migrated = Migrated(scope.format("x" * 100, action))
    before = migrated.copy.instance.size

    migrated.go(of(action), q="drop")
    without = migrated.copy.instance.size
    migrated.go(of(scope.format("x" * 50, action)))

    assert (before, without, migrated.copy.instance.size) == (102, 0, 52)


def test_a_scope_that_is_new_in_what_runs_is_opened() -> None:
    action = '<action id="a" participant="w"/>'
    migrated = Migrated(f'<sequence id="q">{action}</sequence>')

    migrated.go(
        of(f'<sequence id="q"><context><property name="v" type="int">1</property></context>{action}</sequence>')
    )

    scopes = {number: scope.values for number, scope in migrated.copy.branches[""].scopes.items()}
    assert scopes == {0: {}, 1: {}, 2: {"v": 1}}


def test_reminders_that_are_gone_have_no_timers_and_the_others_keep_theirs() -> None:
    one, two = (
        '<reminder after="10s"><signal event="a"/></reminder>',
        '<reminder after="20s"><delay duration="1"/></reminder>',
    )
    action = '<action id="a" participant="w">{}</action>'
    migrated = Migrated(action.format(one + two.replace("20s", "5s") + two))
    migrated.give(TimerFired("", 105.0), 105.0)

    migrated.go(of(action.format(two)), _0_0_reminders_1="_0_0_reminders_0")

    frame = migrated.frames()[-1]
    assert frame.timers == {"timeout": 100.0 + 86_400.0}
    assert (frame.reminded, sorted(migrated.copy.branches)) == ({"0": 1}, ["", "_0_0_reminders_0"])


def test_a_default_that_is_too_large_is_thrown_where_it_would_stand() -> None:
    migrated = Migrated('<action id="a" participant="w"/>')
    context = '<context><property name="long" type="str">xxxxxxxxxx</property></context>'
    target = read(
        f'<process name="p">{context}<sequence id="top"><action id="a" participant="w"/></sequence></process>'
    )

    step(migrated.definition, migrated.copy, Migrate(target.hash), 300.0, target=target, limits=Limits(field_bytes=5))

    (fault,) = [frame.fault for frame in migrated.frames() if frame.fault]
    assert (fault.code, fault.message) == ("LimitExceeded", "'long' has 12 bytes; a field may have 5")


def test_an_instance_that_is_not_loaded_whole_asks_for_the_rest() -> None:
    migrated = Migrated('<all id="y"><delay id="a" duration="1h"/></all>')
    del migrated.copy.branches["_0_0_0"]

    with pytest.raises(NeedBranches) as caught:
        migrated.go(of("<delay/>".replace("/", ' duration="1"/')))

    assert caught.value.branch == ""


def test_the_history_says_from_what_to_what_and_where_everything_went() -> None:
    migrated = Migrated('<action id="a" participant="w"/><exit/>')
    old, target = migrated.definition, of('<delay id="d" duration="2"/><action id="a" participant="w"/>')

    order = Migrate(target.hash, called="order@3", who="bea", reason="ticket 5521")
    migrated.effects += step(old, migrated.copy, order, 300.0, target=target)

    assert migrated.details("migrated") == [
        {
            "called": "order@3",
            "who": "bea",
            "reason": "ticket 5521",
            "old": old.hash,
            "new": target.hash,
            "places": [0, 1, 3, -1],
        }
    ]
    assert (migrated.copy.instance.definition, migrated.copy.instance.migrations) == (target.hash, 1)


# what stands outside


def test_waits_and_incidents_have_their_new_places() -> None:
    migrated = Migrated('<all id="y"><await id="w" event="go"/><fault id="f" code="A"/></all>')

    (effect,) = migrated.go(
        of('<all id="y"><delay duration="1"/><fault id="f" code="A"/><await id="w" event="go"/></all>')
    )

    assert effect == Relocate([("_0_0_0", 3, "_0_0_2", 5)], [(1, "_0_0_1", 4, "I_0_0_1")])


def test_a_wait_that_says_something_else_begins_anew_where_it_is() -> None:
    migrated = Migrated('<await id="w" event="go"/><delay duration="1"/>')

    effects = migrated.go(of("<delay duration='1'/><await id=\"w\" event=\"='g' + 'o'\"/>"))

    assert effects == [
        Relocate([("", 2, "", 3)], []),
        Subscribe("", 3, 3, "go", "", "", 100.0),
    ]
    assert migrated.frames()[-1].text == "go"


def test_a_wait_that_is_over_or_rests_does_not_begin_anew() -> None:
    faults = '<faults><default id="h"><delay id="d" duration="1h"/></default></faults>'
    wait = '<await id="{}" event="go" timeout="1s">{}</await>'
    waits = f'<all id="y">{wait.format("v", faults)}{wait.format("w", "")}</all>'
    migrated = Migrated(waits)
    migrated.give(TimerFired("_0_0_0", 101.0), 101.0)
    migrated.give(TimerFired("_0_0_1", 101.0), 101.0)

    effects = migrated.go(of(waits.replace('"go"', '"on"')))

    assert effects == [
        Relocate([("_0_0_0", 3, "_0_0_0", 3), ("_0_0_1", 6, "_0_0_1", 6)], [(1, "_0_0_1", 6, "I_0_0_1")])
    ]


def test_attempts_stay_with_whom_they_were_sent_to() -> None:
    migrated = Migrated('<action id="a" participant="one"/>')
    (attempt,) = migrated.frames()[-1].attempts

    told = []
    for participant in ("one", "two", "='one'", "two", "one"):
        migrated.go(of(f'<delay duration="1"/><action id="a" participant="{participant}"/>'))
        told.append(attempt.to)

    assert told == [None, "one", "one", "one", None]


def test_what_is_sent_again_has_the_same_number_and_goes_where_the_new_definition_says() -> None:
    migrated = Migrated('<action id="a" participant="one"/>')
    migrated.go(of('<delay duration="1"/><action id="a" participant="two"/>'))

    migrated.give(Redispatch("", 1))

    first, second = migrated.of(Dispatch)
    assert (first.participant, first.attempt, first.key) == ("one", 1, "I/3")
    assert (second.participant, second.attempt, second.key, second.again) == ("two", 1, "I/3", True)


# inputs that were on their way


def both(body: str = '<await id="w" event="go"/>') -> Migrated:
    """Two branches that have changed places."""
    other = '<action id="a" participant="w"/>'
    migrated = Migrated(f'<all id="y">{other}{body}</all>')
    migrated.go(of(f'<all id="y">{body}{other}</all>'))
    return migrated


def test_an_answer_finds_its_attempt() -> None:
    migrated = both()

    effects = migrated.give(Answer("_0_0_0", 3, 1, {"x": 1}))

    assert effects == []
    assert sorted(migrated.copy.branches) == ["", "_0_0_0"]


def test_an_offer_finds_its_wait() -> None:
    migrated = both()

    effects = migrated.give(Offer("_0_0_1", 4, 5, 1, "go"))

    assert [effect for effect in effects if isinstance(effect, Unsubscribe)] == [Unsubscribe("_0_0_0", 3)]
    assert sorted(migrated.copy.branches) == ["", "_0_0_1"]


def test_the_end_of_a_called_instance_finds_its_call() -> None:
    migrated = both('<call id="k" process="sub"/>')

    migrated.give(Ended("_0_0_1", 4, 5))

    assert sorted(migrated.copy.branches) == ["", "_0_0_1"]


def test_a_loop_that_was_cut_finds_its_continuation() -> None:
    loop = '<while id="l"><condition>True</condition></while>'
    kept = Migrated(f'<all id="y"><delay id="d" duration="1h"/>{loop}</all>')
    kept.go(of(f'<all id="y">{loop}<delay id="d" duration="1h"/></all>'))
    (frame,) = kept.frames("_0_0_0")
    before = frame.turn

    kept.give(Continue("_0_0_1", 4, frame.activation))

    assert (before, frame.turn, frame.state) == (500, 1000, State.PAUSED)


def test_what_is_sent_again_and_what_cannot_be_sent_find_their_attempt() -> None:
    migrated = both()

    left = migrated.give(Unsent("_0_0_0", 1), 500.0)
    again = migrated.give(Redispatch("_0_0_0", 1))
    stuck = migrated.give(Stuck("_0_0_0", 3, "unroutable", "nobody", 1))

    assert [(one.branch, one.activity, one.attempt) for one in again if isinstance(one, Dispatch)] == [("_0_0_1", 4, 1)]
    assert left == []
    assert [one.branch for one in stuck if isinstance(one, OpenIncident)] == ["_0_0_1"]


def test_what_has_ended_meanwhile_is_late_and_is_of_no_activity() -> None:
    migrated = both()
    migrated.give(Answer("_0_0_0", 3, 1))
    before = rows(migrated.copy)

    for late in (Answer("_0_0_0", 3, 1), Offer("_0_0_1", 9, 77, 1, "go"), Redispatch("_0_0_0", 1), Redispatch("_9", 9)):
        assert migrated.give(late) == []

    (record,) = [one for one in migrated.effects if isinstance(one, Record) and one.what == "late"]
    assert (record.activity, record.address, record.detail) == (None, "I", {"message": "Answer", "number": 1})
    assert rows(migrated.copy) == before


def test_whoever_does_not_find_it_asks_for_all_branches() -> None:
    migrated = both()
    del migrated.copy.branches["_0_0_0"]

    with pytest.raises(NeedBranches):
        migrated.give(Answer("_0_0_0", 3, 1))


def test_what_finds_its_place_asks_for_nothing() -> None:
    migrated = both()
    del migrated.copy.branches["_0_0_0"]

    migrated.give(Redispatch("_0_0_1", 1))
    migrated.give(Answer("_0_0_1", 4, 1))

    assert migrated.details("completed")[0]["tries"] == 1


def test_an_answer_without_a_token_is_for_the_definition_that_it_was_addressed_in() -> None:
    migrated = both()
    old = "f00d"

    stale = migrated.give(Answer("_0_0_1", 4, None, {}, old))
    fresh = migrated.give(Answer("_0_0_1", 4, None, {}, migrated.definition.hash))

    assert (stale, fresh) == ([], [])
    assert [one.what for one in migrated.effects if isinstance(one, Record)][-2:] == ["answered", "completed"]
    assert migrated.details("late") == [{"message": "Answer", "number": None}]


def test_what_is_kept_back_has_a_number_by_which_it_is_found() -> None:
    other = '<action id="a" participant="w" timeout="1h"/><sequence id="q"><delay id="d" duration="2h"/></sequence>'
    loop = '<delay id="e" duration="3h"/>'
    migrated = Migrated(f'<all id="y">{other}{loop}</all>')
    old = migrated.definition.hash
    migrated.give(Suspend())
    for message in (
        Answer("_0_0_0", 3, None, {"x": 1}, old),
        Answer("_0_0_1", 5, None),
        Answer("_9", 3, None),
        Answer("_0_0_0", 3, None, {}, "f00d"),
        TimerFired("_0_0_1", 100.0 + 7200.0),
    ):
        migrated.give(message, 7400.0)
    held = [hold.message for hold in migrated.of(Hold)]
    migrated.go(of(f'<all id="y">{loop}{other}</all>'))

    migrated.give(Resume())
    for message in held:
        migrated.effects += step(migrated.definition, migrated.copy, message, 7500.0, released=True)

    assert held == [
        Answer("_0_0_0", 3, 1, {"x": 1}, old),
        Answer("_0_0_1", 5, None),
        Answer("_9", 3, None),
        Answer("_0_0_0", 3, None, {}, "f00d"),
        TimerFired("_0_0_1", 7300.0, activation=6),
    ]
    assert list(migrated.copy.branches) == ["", "_0_0_0"]
    assert migrated.copy.instance.held == 0


def test_a_timer_that_was_kept_back_for_what_is_over_is_for_its_branch() -> None:
    migrated = both('<delay id="d" duration="1h"/>')

    migrated.give(TimerFired("_0_0_0", 3700.0, activation=77), 3800.0)

    assert sorted(migrated.copy.branches) == ["", "_0_0_1"]


def test_a_command_for_a_place_of_another_definition_is_refused() -> None:
    migrated = both()

    answers = [
        migrated.give(Retry("_0_0_1", 4, definition="f00d")),
        migrated.give(Skip("_0_0_1", 4, definition="f00d")),
        migrated.give(Move("_0_0_1", 4, 3, definition="f00d")),
        migrated.give(Alarm("_0_0_1", 4, 400.0, "f00d")),
    ]

    assert answers == [[Refuse("the instance runs another definition now; look again")]] * 4
    assert migrated.give(Skip("_0_0_1", 4, definition=migrated.definition.hash)) == [Void("_0_0_1", 1)]


def test_an_incident_is_closed_where_it_is() -> None:
    migrated = Migrated('<fault id="f" code="A"/>')
    migrated.go(of('<delay duration="1"/><fault id="f" code="A"/>'))

    effects = migrated.give(Skip("", 3))

    assert effects[0] == CloseIncident(1, "skipped")
