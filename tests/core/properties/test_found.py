"""What the properties of this folder have found: one plain example of each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bureaucrat.core.activities import Delay
from bureaucrat.core.activity import Place, Run
from bureaucrat.core.messages import Stuck, TimerFired
from bureaucrat.engine.settings import Settings
from bureaucrat.testing import Simulation

from . import checks

FULL = Settings(history="full", limits=checks.LIMITS)
UNCACHED = Settings(history="full", limits=checks.LIMITS, cached=0)


def started(body: str, settings: Settings = FULL, **fields: object) -> Simulation:
    simulation = Simulation(f'<process name="p">{body}</process>', settings=settings)
    simulation.launch(fields)
    return simulation


def assert_sound(simulation: Simulation) -> None:
    """Every invariant of the state machine."""
    for row in checks.instances(simulation):
        checks.states_are_legal(simulation, row.id)
        checks.counters_are_right(simulation, row.id)
        checks.something_wakes_it(simulation, row.id)
        checks.history_replays(simulation, row.id, checks.LIMITS)
    checks.nothing_is_left_over(simulation)
    assert not checks.stored(simulation.storage.dead_letters())


def test_a_late_answer_whose_output_cannot_be_evaluated_turns_the_incident_into_a_fault() -> None:
    """L34, L91: the second incident takes the place of the first; it was an illegal transition."""
    simulation = started('<action id="a" participant="x"><output><field name="u">answer["b"]</field></output></action>')
    simulation.fail("a")

    simulation.answer_attempt(simulation.sent[0], {"c": 1})

    assert [(one.number, one.kind, one.code) for one in simulation.incidents()] == [(2, "fault", "UndefinedProperty")]
    assert simulation.status == "faulted"
    assert_sound(simulation)


@pytest.mark.parametrize("retries", [0, 2])
def test_an_incident_of_a_reminder_does_not_time_out(retries: int) -> None:
    """L7, L33: it rests; its attempt's timer went on and raised."""
    simulation = started(
        f"""<sequence><reminder after="1">
              <action id="r" participant="x" timeout="5" retries="{retries}"/>
            </reminder><action id="a" participant="human:y"/></sequence>"""
    )
    simulation.advance(2)
    simulation.throw("r", "boom")

    simulation.advance(10)

    assert [(one.kind, one.code) for one in simulation.incidents()] == [("fault", "boom")]
    assert simulation.status == "running"
    assert_sound(simulation)


def test_an_action_that_nobody_serves_does_not_time_out() -> None:
    simulation = started('<action id="a" participant="x" timeout="5" retries="2"/>')
    attempt = simulation.attempt("a").dispatch
    simulation.tell(Stuck(attempt.branch, attempt.activity, "unroutable", "nobody serves x"))

    simulation.advance(10)

    assert [one.kind for one in simulation.incidents()] == ["unroutable"]
    assert_sound(simulation)


def test_an_action_stuck_between_two_attempts_is_not_dispatched_twice() -> None:
    simulation = started('<action id="a" participant="x" retries="2" delay="5" jitter="no"/>')
    simulation.fail("a")
    simulation.tell(Stuck("", 1, "engine", "a defect of ours"))
    simulation.retry()

    simulation.advance(6)

    assert [one.dispatch.attempt for one in simulation.sent] == [1, 2]
    assert_sound(simulation)


def test_children_of_an_all_that_timed_out_can_still_complete_it() -> None:
    """L91: nothing ends when a fault is unhandled; a sequence went on and an all did not."""
    simulation = started('<all id="all" timeout="5"><action id="a" participant="x"/></all>')
    simulation.advance(6)

    simulation.skip("a")

    assert simulation.status == "completed"
    assert_sound(simulation)


def test_an_item_that_was_handled_is_over_though_its_loop_has_timed_out_meanwhile() -> None:
    """L41, L91: the rest of the item ran after its handler."""
    simulation = started(
        """<foreach select="=[1, 2]" timeout="5">
             <faults><case code="boom"><action id="h" participant="x"/></case></faults>
             <action id="a" participant="x"/><action id="b" participant="x"/></foreach>"""
    )
    simulation.throw("a", "boom")
    simulation.advance(6)

    simulation.skip("h")

    assert [one.fields["inst:current"] for one in simulation.sent] == [1, 1, 2]
    simulation.assert_waiting("a")
    assert_sound(simulation)


def test_a_signal_reaches_an_await_that_began_before_it_in_the_same_step() -> None:
    """L62: accepted after the wait started."""
    signal = '<signal event="e"><field name="k">1</field></signal>'
    simulation = started(f'<all><await event="e" property="u"/>{signal}</all>')

    assert simulation.fields == {"u": {"k": 1}}
    simulation.assert_ended()


def test_a_signal_does_not_reach_an_await_that_begins_after_it_in_the_same_step() -> None:
    simulation = started('<signal event="e"/><await id="w" event="e"/>')

    simulation.assert_waiting("w")


@pytest.mark.parametrize("since", ["turn", "start"])
def test_a_signal_reaches_a_later_await_of_its_turn_in_the_same_step(since: str) -> None:
    simulation = started(f'<foreach select="=[1]"><signal event="e"/><await event="e" since="{since}"/></foreach>')

    simulation.assert_ended()


def test_what_was_sent_again_is_what_an_answer_is_compared_with() -> None:
    """L14: the branch was not written when its attempt was sent again with other fields."""
    simulation = started('<action id="a" participant="human:x"/>', UNCACHED, k=1)
    simulation.set(k=2)
    simulation.restart()
    again = simulation.sent[-1]
    simulation.set(k=3)

    simulation.answer_attempt(again, again.fields)

    assert simulation.fields == {"k": 3}
    assert_sound(simulation)


@pytest.mark.parametrize("settings", [FULL, UNCACHED])
def test_names_come_in_one_order_whether_read_from_storage_or_not(settings: Settings) -> None:
    """L23: the order of writing is not kept."""
    simulation = started(
        """<assign property="z">1</assign><action id="a" participant="x"/><assign property="b">2</assign>
           <action id="c" participant="x"/><assign property="r">context.keys()</assign>""",
        settings,
    )
    simulation.answer("a", y=1, c=2)
    simulation.answer("c")

    assert simulation.fields["r"] == ["b", "c", "inst:id", "inst:name", "y", "z"]
    assert list(simulation.sent[-1].fields) == ["b", "c", "inst:id", "inst:name", "y", "z"]


def test_a_timer_that_was_kept_back_and_fires_nothing_is_forgotten_in_storage_too() -> None:
    simulation = started('<action id="a" participant="x" timeout="5"/><action id="b" participant="x"/>')
    simulation.suspend()
    simulation.answer("a")
    simulation.advance(10)
    simulation.resume()

    assert simulation.copy().branches[""].passed == 0.0
    assert_sound(simulation)


def test_a_timer_that_fires_late_or_early_is_not_kept_back() -> None:
    """It would not fire either when the instance goes on: its branch is gone, or it was armed anew."""
    simulation = started('<action id="a" participant="x" timeout="5"/>')
    due = simulation.copy().branches[""].due
    assert due is not None
    simulation.suspend()

    simulation.tell(TimerFired("gone", due))
    simulation.tell(TimerFired("", due - 1.0))

    assert (simulation.record().held, simulation.copy().branches[""].passed) == (0, 0.0)
    simulation.tell(TimerFired("", due))
    assert (simulation.record().held, simulation.copy().branches[""].passed) == (1, due)


def test_a_history_tells_what_was_kept_back_from_what_came_again() -> None:
    """Replay needs to know whether an input was released."""
    simulation = started('<action id="a" participant="x"/>')
    simulation.suspend()
    simulation.answer("a", k=1)
    simulation.answer_attempt(simulation.sent[0], {"k": 2})
    simulation.resume()

    inputs = [row["what"] for row in simulation.events_of() if row["what"] in ("input", "released")]

    assert inputs == ["input"] * 4 + ["input"] + ["released"] * 2
    assert simulation.fields == {"k": 1}
    assert_sound(simulation)


def test_a_kept_input_that_raised_is_applied_once() -> None:
    """It stood on the queue twice: once put off, once taken from the mailbox again."""
    simulation = Simulation('<process name="p"><delay duration="5"/><action id="a" participant="x"/></process>')
    delay = simulation.definition.activities[1]
    assert isinstance(delay, Delay)
    broken = Fragile(index=1, path=delay.path, tail=delay.tail, parent=0, duration=delay.duration, failures=[1, 2])
    activities = (simulation.definition.activities[0], broken, *simulation.definition.activities[2:])
    simulation = Simulation(replace(simulation.definition, activities=activities))
    simulation.launch()
    simulation.suspend()
    simulation.advance(10)

    simulation.resume()

    assert simulation.record().held == 0
    assert [one.participant for one in simulation.sent] == ["x"]


def test_a_simulation_tells_the_story_of_what_was_called_too() -> None:
    simulation = started(
        '<call process="$sub"/>', sub='<process name="q"><delay duration="1"/><delay duration="1"/></process>'
    )
    simulation.advance(3)

    assert "completed" in simulation.story()


class Fragile(Delay):
    """A delay with a defect that shows as often as it has failures left."""

    __slots__ = ("failures",)
    failures: list[int]

    def __init__(self, *, failures: list[int], **more: object) -> None:
        super().__init__(**more)  # type: ignore[arg-type]
        object.__setattr__(self, "failures", failures)

    def on_timer(self, run: Run, at: Place, kind: str) -> None:
        if self.failures:
            self.failures.pop()
            raise RuntimeError("a defect")
        run.complete(at)


def test_the_items_of_a_foreach_that_is_itself_a_branch_are_found_without_a_cache() -> None:
    """L41: the branch of the item was loaded, and not the branch that ends before the item's number."""
    loop = '<foreach select="=[1, 2]" parallel="yes" collect="got" value="r"><action id="w" participant="x"/></foreach>'
    parts = Settings(history="full", limits=checks.LIMITS, cached=0, load_whole=0)
    simulation = started(f'<all>{loop}<action id="z" participant="x"/></all>', parts)

    simulation.answer("w", r=1)
    simulation.restart()
    simulation.answer("w", r=2)
    simulation.answer("z")

    assert simulation.fields == {"got": [1, 2]}
    assert_sound(simulation)
