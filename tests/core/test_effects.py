"""What a step wants done in the world: whole effects, compared to the letter."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from bureaucrat.core import messages
from bureaucrat.core.effects import (
    CloseIncident,
    Consumed,
    Dispatch,
    Effect,
    Emit,
    Finish,
    Launch,
    OpenIncident,
    Record,
    Refuse,
    Subscribe,
    Tell,
    Unsubscribe,
    Void,
)
from bureaucrat.core.faults import Fault
from bureaucrat.core.instance import Caller, Copy, Instance
from bureaucrat.core.messages import (
    Alarm,
    Answer,
    Cancel,
    Ended,
    Offer,
    Retry,
    Set,
    Skip,
    Start,
    Stuck,
    TimerFired,
    Unsent,
)
from bureaucrat.core.step import step
from bureaucrat.definition.reader import read

CALLER = Caller("C", "_1", 7, 9)
SENT = {"inst:id": "I", "inst:name": "p"}


class Told:
    """An instance, and what its steps give."""

    def __init__(self, body: str, caller: Caller | None = None, **fields: Any) -> None:
        self.definition = read(f'<process name="p">{body}</process>')
        self.copy = Copy(Instance("I", "p", self.definition.hash, 50.0, caller=caller))
        self.first = self.give(Start(fields), 100.0)

    def give(self, message: messages.Message, now: float = 200.0) -> list[Effect]:
        """All effects, records of ``started`` left out."""
        effects = step(self.definition, self.copy, message, now)
        return [effect for effect in effects if not (isinstance(effect, Record) and effect.what == "started")]


def world(effects: list[Effect]) -> list[Effect]:
    """The effects without the history."""
    return [effect for effect in effects if not isinstance(effect, Record)]


def history(effects: list[Effect]) -> list[tuple[str, int | None, str, dict[str, Any]]]:
    return [(one.what, one.activity, one.address, one.detail) for one in effects if isinstance(one, Record)]


def dispatch(number: int, tries: int = 1, **fields: Any) -> Dispatch:
    return Dispatch("", 1, "I_0", "w", number, tries, "I/2", SENT | fields)


def test_a_start_is_told_with_what_it_dispatches() -> None:
    told = Told('<action participant="w" priority="7" result="r"/>', x=1, status="no")

    expected = dispatch(1, x=1)
    expected.priority, expected.result = 7, "r"
    assert world(told.first) == [expected]
    assert history(told.first) == [
        ("launched", None, "I", {"process": "p"}),
        ("warning", None, "I", {"message": "the start sets 'status', which is reserved; it was dropped"}),
        ("dispatched", 1, "I_0", {"participant": "w", "attempt": 1, "number": 1}),
    ]


def test_an_answer_is_told_with_what_it_changed() -> None:
    told = Told('<action participant="w"/>', x=1)

    effects = told.give(Answer("", 1, 1, {"x": 2}))

    assert world(effects) == [Finish("completed", "completed")]
    assert history(effects) == [
        ("answered", 1, "I_0", {"attempt": 1, "changed": {"x": 2}}),
        ("completed", 1, "I_0", {"since": 100.0, "tries": 1, "wrote": ["x"]}),
        ("completed", 0, "I", {"since": 100.0, "tries": 0}),
        ("ended", None, "I", {"status": "completed", "outcome": "completed"}),
    ]


def test_words_that_nobody_records_are_counted_and_the_rest_keeps_its_numbers() -> None:
    definition = read('<process name="p"><action participant="w"/></process>')
    unrecorded = frozenset({"started", "dispatched", "answered"})
    told, silent = (Copy(Instance("I", "p", definition.hash, 50.0)) for _ in range(2))

    for message in (Start({}), Answer("", 1, 1, {"x": 2})):
        effects = step(definition, told, message, 100.0)
        rest = [one for one in effects if not (isinstance(one, Record) and one.what in unrecorded)]
        assert step(definition, silent, message, 100.0, unrecorded=unrecorded) == rest
        assert len(rest) < len(effects)

    assert asdict(silent) == asdict(told)


def test_an_answer_without_a_token_is_taken_if_the_action_waits_for_one() -> None:
    told = Told('<action participant="w" retries="1" delay="1" jitter="no"/>')
    told.give(Answer("", 1, 1, {"status": "error", "error": "no"}))
    waiting = told.give(Answer("", 1, None, {}), 201.0)
    told.give(TimerFired("", 201.0), 201.0)

    effects = told.give(Answer("", 1, None, {}), 202.0)

    assert history(waiting) == [("late", 1, "I_0", {"number": None})]
    assert world(effects) == [Finish("completed", "completed")]


def test_a_late_error_says_its_number_and_status() -> None:
    told = Told('<action participant="w" retries="1" timeout="10s" delay="1" jitter="no"/>')

    timeout = told.give(TimerFired("", 110.0), 110.0)
    effects = told.give(Answer("", 1, 1, {"status": "error", "error": "no"}))
    stray = told.give(Answer("", 1, 9, {}))

    assert world(timeout) == [Void("", 1)]
    assert (world(timeout)[0].activity, world(timeout)[0].participant) == (1, "w")
    assert told.copy.branches[""].frames[-1].text == "w had no answer in time"
    assert history(effects) == [("late", 1, "I_0", {"number": 1, "status": "error"})]
    assert history(stray) == [("late", 1, "I_0", {"number": 9})]


def test_an_earlier_attempt_that_is_faster_voids_the_present_one() -> None:
    told = Told('<action participant="w" retries="1" timeout="10s" delay="0"/>')
    again = told.give(TimerFired("", 110.0), 110.0)

    effects = told.give(Answer("", 1, 1, {}), 111.0)

    assert world(again) == [Void("", 1), dispatch(2, 2)]
    assert world(effects) == [Void("", 2), Finish("completed", "completed")]


def test_the_end_of_an_action_in_a_race_voids_its_attempt() -> None:
    told = Told('<any winner="who"><action participant="w"/><delay id="d" duration="5"/></any>')

    effects = told.give(TimerFired("_0_1", 105.0), 105.0)

    assert world(effects) == [Void("_0_0", 1), Finish("completed", "completed")]
    assert told.copy.branches[""].scopes[0].values == {"who": "d"}


def test_an_await_subscribes_and_tells_what_woke_it() -> None:
    condition = '<condition>event["n"] &gt; 1</condition>'
    told = Told(f'<await event="e" key="k" since="start" property="got">{condition}</await>', k=5)

    unmatched = told.give(Offer("", 1, 2, 7, "e", {"k": 5}))
    effects = told.give(Offer("", 1, 2, 8, "e", {"k": 5, "n": 2}))

    assert world(told.first) == [Subscribe("", 1, 2, "e", "k", "5", 50.0)]
    ((what, _, _, detail),) = history(unmatched)
    assert (what, detail["code"], detail["event"]) == ("condition", "UndefinedProperty", 7)
    assert 'there is no "n"' in detail["message"]
    assert world(effects) == [Consumed(8, "", 1), Unsubscribe("", 1), Finish("completed", "completed")]


def test_a_call_launches_and_tells_its_end_from_another_activations() -> None:
    told = Told('<call process="$t"><input><field name="a">1</field></input></call>', t="<process/>")
    (launch,) = world(told.first)

    late = told.give(Ended("", 1, 99))
    failed = told.give(Ended("", 1, 2, {}, Fault("Bad", "text", "X_0")))

    assert launch == Launch(launch.instance, None, "<process/>", {"a": 1}, Caller("I", "", 1, 2), 1)
    assert len(launch.instance) == 32
    assert history(late) == [("late", 1, "I_0", {"message": "Ended"})]
    assert world(failed) == [OpenIncident(1, "", 1, "I_0", "fault", "Bad", "text", True)]
    assert told.copy.instance.status == "faulted"


@pytest.mark.parametrize(("process", "name"), [("part", "part"), ("part@2", "part@2"), ("='part@' + str(n)", "part@3")])
def test_a_call_by_name_leaves_it_to_the_engine_what_the_name_means(process: str, name: str) -> None:
    told = Told(f'<call process="{process}"/>', n=3)

    (launch,) = world(told.first)

    assert launch == Launch(launch.instance, name, None, {}, Caller("I", "", 1, 2), 1)


def test_a_cancel_ends_the_called_instance_too() -> None:
    told = Told('<call process="$t"/>', caller=CALLER, t="<process/>")
    (launch,) = world(told.first)

    effects = told.give(Cancel("enough"))

    canceled = Fault("Canceled", "the called process was canceled", "I")
    assert world(effects) == [
        Tell(launch.instance, Cancel("its caller has ended the call")),
        Finish("canceled", None),
        Tell("C", Ended("_1", 7, 9, {"t": "<process/>"}, canceled)),
    ]
    assert history(effects)[0] == ("canceled", None, "I", {"reason": "enough"})
    assert told.copy.instance.ended == 200.0


def test_an_end_is_told_to_the_caller_with_the_values_or_the_fault() -> None:
    completed = Told('<exit outcome="fine"/>', caller=CALLER, x=1)
    failed = Told('<fault code="Bad" message="text"/>', caller=CALLER)

    fault = Fault("Bad", "text", "I_0")
    assert world(completed.first) == [Finish("completed", "fine"), Tell("C", Ended("_1", 7, 9, {"x": 1}))]
    assert world(failed.first) == [Finish("failed", None, fault), Tell("C", Ended("_1", 7, 9, {}, fault))]
    assert failed.copy.instance.fault == fault


def test_a_signal_is_later_than_what_came_before_it() -> None:
    told = Told('<signal event="a"><field name="x">1</field></signal><signal event="b"/>')

    assert world(told.first) == [
        Emit("a", {"x": 1}, pytest.approx(100.000001)),
        Emit("b", {}, pytest.approx(100.000002)),
        Finish("completed", "completed"),
    ]


def test_an_incident_is_opened_retried_and_closed() -> None:
    told = Told('<action participant="w"/>')

    opened = told.give(Answer("", 1, 1, {"status": "error", "error": "x" * 20_000}))
    retried = told.give(Retry("", 1))
    unknown = told.give(Answer("", 1, 2, {"status": 5}))

    assert world(opened) == [OpenIncident(1, "", 1, "I_0", "error", "ActionError", "x" * 10_000)]
    assert history(opened)[0][3]["number"] == 1
    assert world(retried) == [CloseIncident(1, "retried"), dispatch(2)]
    text = "the participant answered the status 5; the engine knows done, error and critical"
    assert world(unknown) == [OpenIncident(2, "", 1, "I_0", "error", "BadAnswer", text)]


def test_what_an_operator_cannot_do_is_refused_with_the_reason() -> None:
    told = Told('<action participant="w"/>')

    reasons = [
        told.give(message)[-1]
        for message in (
            Retry("", 1),
            Retry("_9", 1),
            Skip("", 5),
            Set({"status": 1, "inst:x": 2}),
            messages.Resume(),
        )
    ]
    told.give(messages.Suspend("wait"))
    reasons += [told.give(message)[-1] for message in (messages.Suspend(), Skip("", 1))]

    assert reasons == [
        Refuse("w is no incident; it is waiting"),
        Refuse("the activity is not active any more"),
        Refuse("the activity is not active any more"),
        Refuse("status, inst:x cannot be set: the names are reserved"),
        Refuse("the instance is not suspended"),
        Refuse("the instance is already suspended"),
        Refuse("the instance is suspended; resume it first"),
    ]


def test_what_the_engine_cannot_do_is_an_incident_where_it_belongs() -> None:
    told = Told('<all><action participant="w"/><delay duration="5"/></all>')

    gone = told.give(Stuck("_0_0", 2, "unroutable", "nobody", 99))
    stuck = told.give(Stuck("_0_0", 2, "unroutable", "nobody", 1))
    again = told.give(Stuck("_0_0", 2, "unroutable", "nobody"))
    engine = told.give(Stuck("_9", 77, "engine", "a defect"))

    assert (gone, again) == ([], [])
    assert world(stuck) == [OpenIncident(1, "_0_0", 2, "I_0_0", "unroutable", "Unroutable", "nobody")]
    assert world(engine) == [OpenIncident(2, "", 1, "I_0", "engine", "Engine", "a defect", True)]
    assert (told.copy.instance.incidents, told.copy.instance.blocking) == (2, 1)


def test_late_inputs_say_what_they_were_and_where() -> None:
    told = Told("<sequence/>")

    answer = told.give(Answer("_4", 1, 3, {}))
    ended = told.give(Ended("", 1, 2))

    assert history(answer) == [("late", 1, "I_4_0", {"message": "Answer", "number": 3})]
    assert history(ended) == [("late", 1, "I_0", {"message": "Ended"})]
    assert told.give(Offer("", 1, 2, 3, "e", {})) == []
    assert told.give(TimerFired("", 300.0), 300.0) == []


def test_only_an_attempt_that_waits_is_dispatched_again() -> None:
    told = Told('<action participant="w" retries="1" delay="1" jitter="no"/>')

    again = told.give(messages.Redispatch(""))
    told.give(Answer("", 1, 1, {"status": "error", "error": "no"}))
    between = told.give(messages.Redispatch(""))

    expected = dispatch(1)
    expected.again = True
    assert world(again) == [expected]
    assert between == []


def test_a_wait_with_an_engine_incident_begins_anew_when_it_is_tried_again() -> None:
    told = Told('<await event="e"/>')
    told.give(Stuck("", 1, "engine", "a defect"))

    effects = told.give(Retry("", 1), 300.0)

    assert world(effects) == [
        CloseIncident(1, "retried"),
        Unsubscribe("", 1),
        Subscribe("", 1, 3, "e", "", "", 300.0),
    ]
    assert told.copy.instance.status == "running"


def test_an_attempt_that_has_not_left_gets_its_whole_time_again() -> None:
    told = Told('<action participant="w" timeout="10"/>')

    unsent = told.give(Unsent("", 1), 109.0)
    others = [told.give(Unsent("", 7), 109.0), told.give(Unsent("_9", 1), 109.0)]
    early = told.give(TimerFired("", 118.0), 118.0)
    timers = dict(told.copy.branches[""].frames[-1].timers)
    late = told.give(TimerFired("", 119.0), 119.0)

    refused = [[Refuse(f"attempt {number} is waited for no longer")] for number in (7, 1)]
    assert (unsent, others, early, timers) == ([], refused, [], {"timeout": 119.0})
    assert world(late)[0] == Void("", 1)


@pytest.mark.parametrize(
    ("body", "timers"),
    [
        ('<action participant="w"/>', {"timeout": 200.0 + 86_400.0}),
        ('<action participant="human:ann"/>', {}),
        ("<action participant=\"='human:' + 'ann'\"/>", {}),
    ],
)
def test_the_time_of_an_attempt_that_has_not_left_is_what_it_was_at_first(body: str, timers: dict[str, float]) -> None:
    told = Told(body)

    told.give(Unsent("", 1), 200.0)

    assert told.copy.branches[""].frames[-1].timers == timers


def test_an_old_timer_ends_a_delay_and_lets_anything_else_time_out() -> None:
    told = Told('<all><delay duration="1000"/><action participant="w"/></all>')

    set = [told.give(Alarm("_0_0", 2, 150.0), 120.0), told.give(Alarm("_0_1", 3, -5.0), 121.0)]
    due = {id: branch.due for id, branch in told.copy.branches.items()}
    timeout = told.give(TimerFired("_0_1", 121.0), 121.0)
    delay = told.give(TimerFired("_0_0", 150.0), 150.0)

    assert set == [[], []]
    assert due == {"": None, "_0_0": 150.0, "_0_1": 121.0}
    assert world(timeout)[1].code == "Timeout"
    assert world(delay)[0].message == TimerFired("_0_0", 150.0, activation=3)


@pytest.mark.parametrize(
    ("alarm", "reason"),
    [
        (Alarm("_9", 1, 300.0), "the activity is not active any more"),
        (Alarm("", 7, 300.0), "the activity is not active any more"),
        (Alarm("", 1, 300.0), "the activity is retrying; no timer of it can run out now"),
    ],
)
def test_an_old_timer_for_what_cannot_time_out_is_refused(alarm: Alarm, reason: str) -> None:
    told = Told('<action participant="w" retries="1" delay="10"/>')
    told.give(Answer("", 1, 1, {"status": "error"}))

    assert told.give(alarm) == [Refuse(reason)]
