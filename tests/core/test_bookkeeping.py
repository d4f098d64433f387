"""What an instance keeps of itself from step to step: counters, timers, ids, and what its incidents do to them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any
from zlib import crc32

import pytest
from kept import Kept

from bureaucrat.core import messages
from bureaucrat.core.activities.await_ import scalar
from bureaucrat.core.activity import Value
from bureaucrat.core.context import digest_of
from bureaucrat.core.effects import (
    Dispatch,
    Emit,
    Launch,
    Record,
    Refuse,
    Subscribe,
    Tell,
)
from bureaucrat.core.faults import Fault, Thrown
from bureaucrat.core.instance import Attempt, Caller, Copy, Instance, NeedBranches, Scope
from bureaucrat.core.limits import Limits
from bureaucrat.core.messages import Answer, Continue, Ended, Start, TimerFired
from bureaucrat.core.retries import RetryPolicy
from bureaucrat.core.step import step
from bureaucrat.core.values import digest

# -- counters


def test_every_message_and_every_record_has_a_number_of_its_own() -> None:
    """A message takes one too: the engine writes it if the history is to be full."""
    kept = Kept('<action participant="w"/>')
    kept.give(Answer("_9", 1, 7, {}))
    kept.give(messages.Suspend("wait"))
    kept.give(messages.Resume("go"))

    numbers = [record.number for record in kept.of(Record)]

    assert numbers == [2, 3, 4, 5, 7, 9, 11]
    assert kept.copy.instance.recorded == 11
    assert (kept.details("suspended"), kept.details("resumed")) == ([{"reason": "wait"}], [{"reason": "go"}])


def test_a_while_counts_its_turns() -> None:
    kept = Kept('<while><condition>True</condition><action participant="w"/></while>')
    turns = []
    for attempt in (1, 2, 3):
        turns.append(kept.frames()[1].turn)
        kept.give(Answer("", 2, attempt, {}))

    assert turns == [1, 2, 3]


def test_an_attempt_keeps_what_it_was_sent_only_if_that_is_new() -> None:
    kept = Kept(
        '<action participant="w" retries="3" delay="0" jitter="no"><input><field name="y">x</field></input></action>',
        x=1,
    )
    for number, x in enumerate((1, 2, 2), 1):
        kept.give(messages.Set({"x": x}))
        kept.give(Answer("", 1, None, {"status": "error", "error": "no"}), 200.0 + number)
        kept.give(TimerFired("", 200.0 + number), 200.0 + number)

    attempts = kept.frames()[1].attempts

    assert attempts == [Attempt(1, {"y": "1"}), Attempt(2, None), Attempt(3, {"y": "2"}), Attempt(4, None)]


def test_a_dispatch_says_how_the_participant_is_called() -> None:
    kept = Kept('<action participant="=x" arguments="kwargs" result="r" priority="=x"><input/></action>', x=3)

    assert kept.of(Dispatch) == [
        Dispatch("", 1, "I_0", "3", 1, 1, "I/2", {}, priority=3, arguments="kwargs", result="r")
    ]


def test_only_the_activation_that_was_cut_goes_on() -> None:
    kept = Kept('<while><condition>x &lt; 3</condition><assign property="x">x + 1</assign></while>', x=3)
    copy = Copy(Instance("I", "p", kept.definition.hash, 50.0))
    step(kept.definition, copy, Start({"x": 0}), 100.0, limits=Limits(turns=1))

    stale = step(kept.definition, copy, Continue("", 1, 99), 101.0)
    paused = copy.branches[""].frames[1].state
    step(kept.definition, copy, Continue("", 1, 2), 102.0)
    waits = Kept('<while><condition>True</condition><action participant="w"/></while>')

    assert (stale, paused, copy.instance.status) == ([], "paused", "completed")
    assert waits.give(Continue("", 1, 2)) == []


def test_an_answer_to_what_asked_for_none_is_late() -> None:
    kept = Kept('<delay duration="5"/>')

    kept.give(Answer("", 1, 1, {}))

    assert kept.details("late") == [{"message": "Answer", "number": 1}]


def test_signals_of_one_step_are_a_tick_apart() -> None:
    kept = Kept('<signal event="a"/><signal event="b"/><signal event="c"/>')

    assert [emit.accepted for emit in kept.of(Emit)] == [100.0 + number * 1e-6 for number in (1, 2, 3)]


# -- calls


def test_a_called_instance_has_an_id_that_begins_with_the_milliseconds() -> None:
    kept = Kept('<call process="$t"><input all="yes"/></call>', t="<process/>", x=1)

    (launch,) = kept.of(Launch)

    assert int(launch.instance[:12], 16) == 100_000
    assert launch.fields == {"t": "<process/>", "x": 1, "inst:id": "I", "inst:name": "p"}


def test_a_process_may_be_called_by_its_name() -> None:
    """The reader refuses it so far; the core is ready."""
    kept = Kept('<switch><case><condition>x</condition><call process="$t"/></case></switch>', x=False)
    call = kept.definition.activities[3]
    named = replace(call, variable=None, process=Value("other@2"))  # type: ignore[call-arg]
    definition = replace(kept.definition, activities=(*kept.definition.activities[:3], named))
    copy = Copy(Instance("I", "p", definition.hash, 50.0))

    (launch,) = [one for one in step(definition, copy, Start({"x": True}), 100.0) if isinstance(one, Launch)]

    assert launch == Launch(launch.instance, "other@2", None, {}, Caller("I", "", 3, 4), 1)


def test_a_call_that_has_ended_is_not_ended_again_by_its_own_handler() -> None:
    kept = Kept('<call process="$t"><faults><default/></faults></call>', t="<process/>")

    kept.give(Ended("", 1, 2, {}, Fault("Bad", "text", "X")))

    assert kept.of(Tell) == []
    assert kept.copy.instance.status == "completed"


# -- time


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The clock on the wall is nine hours ahead."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("tokyo")
@pytest.mark.parametrize(
    ("until", "instant"),
    [
        ("2026-11-21 10:00Z", 1_795_255_200.0),
        ("2026-11-21T11:00+01:00", 1_795_255_200.0),
        (1_795_255_200, 1_795_255_200.0),
    ],
)
def test_an_instant_is_the_same_wherever_it_is_read(until: Any, instant: float) -> None:
    kept = Kept('<delay until="=when"/>', when=until)

    assert kept.copy.branches[""].due == instant


@pytest.mark.usefixtures("tokyo")
def test_an_instant_without_zone_is_that_of_the_timezone_beside_it() -> None:
    kept = Kept('<delay until="=when" timezone="Europe/Berlin"/>', when="2026-11-21T11:00")

    assert kept.copy.branches[""].due == 1_795_255_200.0


@pytest.mark.parametrize(("every", "wait"), [("0.5", 0.5), ("=0", 0.001)])
def test_a_reminder_comes_again_after_its_time_and_never_at_once(every: str, wait: float) -> None:
    kept = Kept(f'<action participant="human:w"><reminder after="10" every="{every}"/></action>')

    kept.give(TimerFired("", 110.0), 110.0)

    assert kept.frames()[1].timers == {"reminder 0": 110.0 + wait}
    assert kept.frames()[1].reminded == {"0": 1}


def test_the_waits_of_many_attempts_grow_a_thousand_times_at_most() -> None:
    policy = RetryPolicy(delay=1.0, backoff=1.001, max_delay=1e9, jitter=False)

    assert policy.wait(1_000, "") < policy.wait(1_001, "") == policy.wait(1_002, "") == policy.wait(9_999, "")


def test_jitter_is_drawn_from_the_salt_to_the_last_bit() -> None:
    drawn = crc32(b"I/7") / 0xFFFFFFFF

    assert RetryPolicy(delay=10.0).wait(1, "I/7") == 10.0 * (0.8 + 0.4 * drawn)


def test_jitter_shortens_the_longest_wait_too() -> None:
    """What has reached the bound exactly grows no more."""
    policy = RetryPolicy(delay=1.0, backoff=2.0, max_delay=4.0)

    waits = [policy.wait(3, str(salt)) for salt in range(50)]

    assert min(waits) < 3.5
    assert waits == [policy.wait(9, str(salt)) for salt in range(50)]


# -- branches and scopes


def test_a_process_that_is_tried_again_keeps_its_fields() -> None:
    kept = Kept('<action participant="w"/>', ' timeout="5"', x=1)
    kept.give(TimerFired("", 105.0), 105.0)
    kept.give(messages.Set({"x": 2}))

    kept.give(messages.Retry("", 0))

    assert kept.copy.branches[""].scopes[0].values == {"x": 2}
    assert [dispatch.fields["x"] for dispatch in kept.of(Dispatch)] == [1, 2]


def test_branches_alive_are_counted() -> None:
    kept = Kept("<all><action participant='w'/><action participant='w'/><action participant='w'/></all>")
    alive = [kept.copy.instance.branches]
    for number in range(3):
        kept.give(Answer(f"_0_{number}", 2 + number, 1 + number, {}))
        alive.append(kept.copy.instance.branches)

    assert alive == [4, 3, 2, 1]


def test_a_person_sets_fields_of_the_process_itself() -> None:
    """Whatever has the same name inside it."""
    context = "<context><property name='x' type='int'>1</property></context>"
    kept = Kept(f"<sequence>{context}<action participant='w'/></sequence>")

    kept.give(messages.Set({"x": 2}))

    scopes = kept.copy.branches[""].scopes
    assert (scopes[0].values, scopes[1].values) == ({"x": 2}, {"x": 1})


def test_the_digest_of_a_value_is_reckoned_once() -> None:
    """A scope that was loaded has none yet."""
    scope = Scope({"x": [1]})

    first = digest_of(scope, "x")

    assert first == scope.digests["x"] == digest([1])
    assert digest_of(Scope({"x": [1]}, {"x": ("known", 5)}), "x") == ("known", 5)


def test_a_timer_that_was_kept_back_does_not_hide_the_next() -> None:
    kept = Kept("<delay duration='5'/>")
    kept.give(messages.Suspend())
    kept.give(TimerFired("", 105.0), 105.0)
    held = kept.copy.branches[""].passed, kept.copy.branches[""].due
    kept.give(messages.Resume())

    step(kept.definition, kept.copy, TimerFired("", 105.0), 300.0, released=True)

    assert held == (105.0, None)
    assert kept.copy.branches[""].passed == 0.0
    assert kept.copy.instance.held == 0


def test_no_step_is_before_a_wait_or_a_signal_of_the_instance() -> None:
    """Another engine, whose clock is behind, takes the next message."""
    signals = "<action participant='w'/><signal event='e'/><signal event='e'/>"
    kept = Kept(f"<all><await event='e'/><sequence>{signals}</sequence></all>")
    (wait,) = kept.of(Subscribe)

    effects = kept.give(Answer("_0_1", 4, 1, {}), 90.0)

    accepted = [effect.accepted for effect in effects if isinstance(effect, Emit)]
    assert wait.since == kept.copy.branches["_0_0"].frames[-1].since == 100.0
    assert 100.0 < accepted[0] < accepted[1] == kept.copy.instance.latest < 100.001


@pytest.mark.parametrize("branch", ["", "_9"])
def test_a_timer_that_has_become_stale_is_not_kept_back(branch: str) -> None:
    """It was armed anew for later, or its branch has ended."""
    kept = Kept("<delay duration='5'/>")
    kept.give(messages.Suspend())

    assert kept.give(TimerFired(branch, 101.0), 101.0) == []
    assert (kept.copy.instance.held, kept.copy.branches[""].due) == (0, 105.0)


# -- sizes


def test_a_scope_counts_while_it_is_open() -> None:
    context = "<context><property name='y' type='str'>ab</property></context>"
    kept = Kept(f"<sequence>{context}<action participant='w'/></sequence><action participant='w'/>", x="abcd")
    inside = kept.copy.instance.size

    kept.give(Answer("", 2, 1, {}))

    assert (inside, kept.copy.instance.size) == (6 + 4, 6)


def test_a_branch_that_waits_counts_its_transitions_from_nothing() -> None:
    kept = Kept("<sequence><action participant='w'/></sequence>")

    assert kept.copy.branches[""].spun == 0


def test_all_fields_together_may_have_so_many_bytes_and_no_more() -> None:
    """Text counts with its quotes."""
    kept = Kept('<action participant="w"/>', x="abcd")
    limits = Limits(total_bytes=10)

    fits = step(kept.definition, kept.copy, messages.Set({"y": 1234}), 200.0, limits=limits)
    full = step(kept.definition, kept.copy, messages.Set({"z": 1}), 200.0, limits=limits)

    assert [effect for effect in fits if isinstance(effect, Refuse)] == []
    assert full == [Refuse("with 'z' all fields have 11 bytes; they may have 10")]
    assert kept.copy.instance.size == 10


def test_a_value_of_the_same_size_may_be_written_whatever_the_limit() -> None:
    kept = Kept('<action participant="w"/>', x="abcd")

    step(kept.definition, kept.copy, Answer("", 1, 1, {"x": "efgh"}), 200.0, limits=Limits(total_bytes=5))

    assert kept.copy.branches[""].scopes[0].values == {"x": "efgh"}


# -- texts


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (1, "1"), (1.0, "1"), (1.5, "1.5"), ("x", "x"), (None, None), ([1], None)],
)
def test_events_are_compared_by_scalars(value: Any, text: str | None) -> None:
    assert scalar(value) == text


def test_an_error_of_the_core_says_what_it_is() -> None:
    assert repr(Thrown("Code", "text")) == "Thrown('Code', 'text')"
    assert repr(NeedBranches("_0")) == "NeedBranches('_0')"
