"""A participant is given no more attempts at a time than it may have, and nobody else waits for that."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from courier import MemoryCourier, Office, Sent
from world import World

from bureaucrat.core.messages import Answer, Redispatch
from bureaucrat.engine.bounds import Bound, Bounds, Rate
from bureaucrat.engine.settings import Settings
from bureaucrat.errors import StorageUnavailable
from bureaucrat.testing import Simulation

ACTION = '<process name="p"><action participant="work"/></process>'
OTHER = '<process name="p"><action participant="other"/></process>'
TIMED = '<process name="p"><action participant="work" timeout="10"/></process>'
ITEMS = (
    '<process name="p"><foreach select="= range({n})" parallel="yes"><action participant="work"/></foreach></process>'
)
TWO = Bounds((("work", Bound(2)),), "worker:")


def bounded(office: Office, *sections: tuple[str, Bound]) -> None:
    bounds = Bounds(sections, "worker:") if sections else TWO
    office.settings = replace(office.settings, bounds=bounds)


def gate(office: Office) -> Any:
    return office.engine._exchange.outbox.gate


def of(sent: list[Sent]) -> list[str]:
    """Which instances these attempts are of."""
    return [one.body["header"]["target"].partition("_")[0] for one in sent]


async def status(office: Office, id: str = "a") -> str:
    return (await office.storage.instance(id)).status


async def quiet(office: Office) -> None:
    """Let the engine do all that is to be done now."""
    for _ in range(10):
        await office.swept()
        await asyncio.sleep(0)


async def launched(office: Office, *ids: str, text: str = ACTION) -> None:
    for id in ids:
        await office.settled(office.courier.launch(text, id))
    await quiet(office)


async def test_no_more_attempts_leave_than_the_participant_may_have(office: Office) -> None:
    bounded(office)
    await office.run()

    await launched(office, "a", "b", "c", "d")

    assert of(office.courier.attempts()) == ["a", "b"]
    assert await office.storage.attempt_counts(["work"]) == {"work": (4, 2)}
    assert (office.engine.figures.kept, office.engine.figures.in_flight) == ({"work": 2}, {"work": 2})


async def test_an_answer_lets_the_next_one_leave(office: Office) -> None:
    bounded(office)
    await office.run()
    await launched(office, "a", "b", "c", "d")

    await office.settled(office.courier.answer(office.courier.attempts()[1]))
    await office.sent(3)
    await quiet(office)

    assert of(office.courier.attempts()) == ["a", "b", "c"]
    assert await office.storage.attempt_counts(["work"]) == {"work": (3, 1)}


async def test_all_are_done_in_the_end_and_never_more_at_a_time(office: Office) -> None:
    bounded(office)
    await office.run()
    office.courier.launch(ITEMS.format(n=60), "a")
    most = 0

    for number in range(60):
        sent = await office.sent(number + 1)
        most = max(most, len(sent) - number)
        await office.settled(office.courier.answer(sent[number]))
        most = max(most, len(office.courier.attempts()) - number - 1)

    await office.until_true(lambda: office.engine.figures.in_flight == {"work": 0})
    assert (most, await status(office)) == (2, "completed")
    assert len({sent.token for sent in office.courier.attempts()}) == len(office.courier.attempts()) == 60
    await office.emptied("outbox")


async def test_other_participants_do_not_wait(office: Office) -> None:
    """Nor does what is taken in, however much is kept back."""
    bounded(office)
    office.settings = replace(office.settings, outbox_limit=5)
    await office.run()
    office.courier.launch(ITEMS.format(n=50), "a")
    await office.sent(2)

    await launched(office, "b", text=OTHER)
    (sent,) = await office.sent(1, "other")
    await office.settled(office.courier.answer(sent))

    assert await status(office, "b") == "completed"
    assert len(office.courier.attempts()) == 2


async def test_who_is_more_urgent_leaves_first_then_who_has_waited_longer(office: Office) -> None:
    bounded(office, ("work", Bound(1)))
    await office.run()
    for id, priority in (("a", 0), ("b", 1), ("c", 9), ("d", 9), ("e", 5)):
        text = f'<process name="p"><action participant="work" priority="{priority}"/></process>'
        await launched(office, id, text=text)

    for number in range(5):
        sent = await office.sent(number + 1)
        await office.settled(office.courier.answer(sent[number]))

    assert of(office.courier.attempts()) == ["a", "c", "d", "e", "b"]


async def test_time_begins_when_it_leaves(office: Office) -> None:
    """Waiting for a place is not waiting for the participant."""
    bounded(office, ("work", Bound(1)))
    await office.run()
    await launched(office, "a", "b", text=TIMED)
    office.clock.advance_to(1_009.0)

    await office.settled(office.courier.answer(office.courier.attempts()[0]))
    await office.sent(2)
    due = (await office.storage.branches("b")).branches[0].due

    assert due == pytest.approx(1_019.0, abs=0.01)


async def test_a_timeout_that_runs_out_before_it_leaves_begins_anew(office: Office) -> None:
    bounded(office, ("work", Bound(1)))
    await office.run()
    await launched(office, "a", text=ACTION)
    await launched(office, "b", text=TIMED)

    office.clock.advance_to(1_011.0)
    office.engine._pipeline.wake.set()
    await office.until_true(lambda: (office.engine._agenda.next() or 0.0) > 1_020.0)

    assert of(office.courier.attempts()) == ["a"]
    assert await status(office, "b") == "running"


@pytest.mark.parametrize("how", ["done", "error", "critical", "odd", "timeout", "cancel", "untokened"])
async def test_whatever_ends_an_attempt_frees_its_place(office: Office, how: str) -> None:
    bounded(office, ("work", Bound(1)))
    await office.run()
    await launched(office, "a", text=TIMED)
    await launched(office, "b")
    (sent,) = office.courier.attempts()

    match how:
        case "cancel":
            office.courier.cancel("a")
        case "timeout":
            office.clock.advance_to(1_011.0)
            office.engine._pipeline.wake.set()
        case "untokened":
            office.courier.untokened("a_0")
        case _:
            office.courier.answer(sent, status=how)

    assert of(await office.sent(2)) == ["a", "b"]
    assert office.engine.figures.in_flight == {"work": 1}


async def test_an_attempt_that_is_canceled_while_it_waits_never_leaves(office: Office) -> None:
    bounded(office, ("work", Bound(1)))
    await office.run()
    await launched(office, "a", "b", "c")

    await office.settled(office.courier.cancel("b"))
    is_unsent = office.engine._exchange.outbox.is_unsent("b", 1)
    await office.settled(office.courier.answer(office.courier.attempts()[0]))

    assert of(await office.sent(2)) == ["a", "c"]
    assert (is_unsent, office.engine.figures.kept, len(gate(office))) == (False, {"work": 0}, 0)
    await office.emptied("outbox")


async def test_an_attempt_that_was_answered_while_it_waited_never_leaves(office: Office) -> None:
    """An answer without a token needs no attempt that left."""
    bounded(office, ("work", Bound(1)))
    await office.run()
    await launched(office, "a", "b", "c")

    await office.settled(office.courier.untokened("b_0"))
    await office.settled(office.courier.answer(office.courier.attempts()[0]))

    assert of(await office.sent(2)) == ["a", "c"]
    assert office.engine.figures.in_flight == {"work": 1}
    await office.emptied("outbox")


async def test_the_next_action_of_an_instance_takes_its_turn(office: Office) -> None:
    bounded(office, ("work", Bound(1)))
    await office.run()
    text = '<process name="p"><action participant="work"/><action participant="work"/></process>'
    await launched(office, "a", "b", text=text)

    for number in range(4):
        sent = await office.sent(number + 1)
        await office.settled(office.courier.answer(sent[number]))

    assert of(office.courier.attempts()) == ["a", "b", "a", "b"]
    await office.until_true(lambda: office.engine.figures.in_flight == {"work": 0})


async def test_a_new_attempt_of_a_participant_takes_its_turn(office: Office) -> None:
    bounded(office, ("work", Bound(1)))
    await office.run()
    text = '<process name="p"><action participant="work" retries="1" delay="5"/></process>'
    await launched(office, "a", "b", text=text)

    await office.settled(office.courier.answer(office.courier.attempts()[0], status="error"))
    second = await office.sent(2)
    office.clock.advance_to(1_006.0)
    office.engine._pipeline.wake.set()
    await office.until_true(lambda: office.engine.figures.kept == {"work": 1})
    await office.settled(office.courier.answer(second[1]))

    assert of(await office.sent(3)) == ["a", "b", "a"]


async def test_after_a_restart_those_in_flight_count(office: Office) -> None:
    bounded(office)
    await office.run()
    await launched(office, "a", "b", "c", "d")
    while len(await office.storage.outbox(9)) > 2:
        await quiet(office)
    before = list(office.courier.attempts())

    await office.restart()
    await quiet(office)
    counts = dict(office.engine.figures.in_flight), dict(office.engine.figures.kept)
    await office.settled(office.courier.answer(before[0]))

    assert counts == ({"work": 2}, {"work": 2})
    assert of(await office.sent(3)) == ["a", "b", "c"]


@pytest.mark.parametrize("pattern", ["work", "*"])
async def test_after_a_restart_what_had_left_leaves_again_before_all_others(office: Office, pattern: str) -> None:
    """The broker has not confirmed it, so nobody knows; but it has its place, and a more urgent one waits."""
    bounded(office, (pattern, Bound(2)))
    office.courier.confirms = False
    await office.run()
    await launched(office, "a", "b")
    await launched(office, "c", text='<process name="p"><action participant="work" priority="9"/></process>')
    first = list(office.courier.attempts())

    await office.die()
    office.courier = MemoryCourier()
    office.courier.sent, office.courier.confirms = list(first), False
    await office.run()
    await quiet(office)

    assert of(first) == ["a", "b"]
    assert office.courier.attempts()[2:] == first
    assert await office.storage.attempt_counts(["work"]) == {"work": (3, 1)}


async def test_loading_keeps_nothing_back_twice(office: Office) -> None:
    bounded(office)
    await office.run()
    await launched(office, "a", "b", "c", "d")

    found = await office.engine._exchange.outbox.load()

    assert (found, office.engine.figures.kept) == (0, {"work": 2})


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_leave_whose_commit_fails_is_given_again(office: Office, when: str) -> None:
    bounded(office, ("work", Bound(1)))
    await office.run()
    await launched(office, "a", "b")
    answer = office.courier.answer(office.courier.attempts()[0])
    office.storage.failures = [None, (when, StorageUnavailable("gone"))]
    await office.settled(answer)

    await office.sent(2)
    await quiet(office)

    assert of(office.courier.attempts()) == ["a", "b"]
    assert office.engine.figures.in_flight == {"work": 1}


async def test_what_cannot_be_read_to_leave_leaves_later(office: Office) -> None:
    bounded(office, ("work", Bound(1)))
    await office.run()
    office.storage.unreadable.add("outbox_rows")

    await launched(office, "a")

    assert of(await office.sent(1)) == ["a"]
    assert office.storage.unreadable == set()


async def test_a_queue_that_was_lost_gets_its_own_again_and_no_more(office: Office) -> None:
    bounded(office)
    await office.run()
    await launched(office, "a", "b", "c")
    before = list(office.courier.attempts())

    office.courier.lose("worker_work")
    await quiet(office)

    tokens = [sent.token for sent in before]
    assert [sent.token for sent in office.courier.attempts()] == [*tokens, *tokens]


async def test_a_participant_is_one_however_it_is_written(office: Office) -> None:
    bounded(office)
    await office.run()

    for id, name in (("a", "work"), ("b", "worker:work"), ("c", "worker:work"), ("d", "work")):
        await launched(office, id, text=f'<process name="p"><action participant="{name}"/></process>')

    names = ("work", "worker:work")
    assert [of(office.courier.attempts(name)) for name in names] == [["a"], ["b"]]
    assert office.engine.figures.kept == {"work": 2}


async def test_each_participant_that_fits_a_pattern_is_counted_for_itself(office: Office) -> None:
    bounded(office, ("wor?", Bound(1)), ("*", Bound(2)))
    await office.run()

    await launched(office, "a", "b", "c")
    await launched(office, "d", "e", "f", text=OTHER)

    assert of(office.courier.attempts()) == ["a"]
    assert of(office.courier.attempts("other")) == ["d", "e"]
    assert office.engine.figures.kept == {"work": 2, "other": 1}


def test_the_section_of_its_own_name_counts_before_all_patterns() -> None:
    one, two, three = Bound(1), Bound(2), Bound(3)
    bounds = Bounds((("m*", one), ("mail_?", two), ("mail_x", three)), "worker:")

    names = ("mail_x", "worker:mail_x", "mail_y", "work", "M")
    assert [bounds.of(name) for name in names] == [three, three, one, None, None]
    assert (bool(bounds), bool(Bounds())) == (True, False)


async def test_a_bound_that_is_gone_holds_nobody_back_any_longer(office: Office) -> None:
    bounded(office, ("work", Bound(1)))
    await office.run()
    await launched(office, "a", "b", "c")

    office.settings = replace(office.settings, bounds=Bounds())
    await office.restart()

    assert sorted(set(of(await office.sent(3)))) == ["a", "b", "c"]


async def test_no_more_leave_in_a_second_than_the_rate_lets(office: Office) -> None:
    bounded(office, ("work", Bound(rate=Rate(2, 1.0))))
    await office.run()
    await launched(office, "a", "b", "c", "d", "e")
    seen = [len(office.courier.attempts())]

    for now in (1_000.9, 1_001.1, 1_001.9, 1_002.2):
        office.clock.advance_to(now)
        await quiet(office)
        seen.append(len(office.courier.attempts()))

    assert seen == [2, 2, 4, 4, 5]


async def test_a_rate_and_a_bound_hold_together(office: Office) -> None:
    bounded(office, ("work", Bound(1, Rate(1, 60.0))))
    await office.run()
    await launched(office, "a", "b")
    office.clock.advance_to(1_070.0)
    await quiet(office)
    at_first = list(of(office.courier.attempts()))

    await office.settled(office.courier.answer(office.courier.attempts()[0]))

    assert at_first == ["a"]
    assert of(await office.sent(2)) == ["a", "b"]


async def test_a_clock_that_is_set_back_holds_nobody_back_for_long(office: Office) -> None:
    bounded(office, ("work", Bound(rate=Rate(1, 1.0))))
    await office.run()
    office.clock.advance_to(5_000.0)
    await launched(office, "a", "b")

    office.clock._now = 1_000.0
    waits_until = gate(office).next_at()

    assert waits_until == pytest.approx(1_001.0, abs=0.01)


@pytest.mark.parametrize(
    ("rate", "text"), [(Rate(5, 1.0), "5/s"), (Rate(1_000, 60.0), "1,000/m"), (Rate(1, 3600.0), "1/h")]
)
def test_a_rate_is_written_as_in_the_settings(rate: Rate, text: str) -> None:
    assert str(rate) == text


# -- in one process


async def test_functions_of_this_process_are_not_called_more_at_a_time_either(world: World) -> None:
    at_work, most, done = 0, 0, asyncio.Event()

    async def work() -> None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        done.set()
        await asyncio.sleep(0)
        at_work -= 1

    world.functions = {"work": work}
    world.settings = Settings(sweep=0.0, bounds=TWO)
    engine = await world.start()
    running = asyncio.create_task(engine.run())
    definition = await asyncio.to_thread(world.read, ITEMS.format(n=20))
    await engine.launch(definition, {}, "a")

    await world.until("ended")
    engine.stop()
    await running

    assert most == 2


def test_a_simulation_keeps_back_what_a_participant_may_not_have_yet() -> None:
    simulation = Simulation(ITEMS.format(n=5), settings=Settings(bounds=TWO))
    simulation.launch()
    seen = [len(simulation.sent)]

    for _ in range(5):
        simulation.answer("work")
        seen.append(len(simulation.sent))

    assert seen == [2, 3, 4, 5, 5, 5]
    simulation.assert_ended()


def test_a_simulation_goes_on_with_what_was_kept_back_after_a_restart() -> None:
    simulation = Simulation(ITEMS.format(n=3), settings=Settings(bounds=TWO))
    simulation.launch()

    simulation.restart()
    open = [one.dispatch.attempt for one in simulation.open]
    for _ in range(3):
        simulation.answer("work")

    assert open == [1, 2]
    simulation.assert_ended()


def test_what_is_canceled_while_it_is_kept_back_is_not_sent() -> None:
    text = (
        '<process name="p"><any><foreach select="= range(3)" parallel="yes"><action participant="work"/></foreach>'
        '<delay duration="1"/></any><action participant="work"/></process>'
    )
    simulation = Simulation(text, settings=Settings(bounds=TWO))
    simulation.launch()

    simulation.advance(2)

    assert [one.dispatch.attempt for one in simulation.sent] == [1, 2, 4]
    assert [one.dispatch.attempt for one in simulation.open] == [4]


def test_an_attempt_that_is_kept_back_runs_out_of_no_time() -> None:
    simulation = Simulation(TIMED, settings=Settings(bounds=Bounds((("work", Bound(1)),))))
    simulation.launch(instance="a")
    simulation.launch(instance="b")

    simulation.advance(9)
    simulation.answer("work")
    simulation.advance(9)

    assert simulation.record("b").status == "running"
    assert len(simulation.open) == 1


def test_what_is_asked_for_again_while_it_is_kept_back_is_sent_once_as_it_is_then() -> None:
    text = '<process name="p"><context><property name="x" type="int"/></context><action participant="work"/></process>'
    simulation = Simulation(text, settings=Settings(bounds=TWO))
    for id in ("a", "b", "c"):
        simulation.launch({"x": 1}, instance=id)

    simulation.set(x=2)
    simulation.tell(Redispatch(""))
    for _ in range(3):
        simulation.answer("work")

    assert [(one.instance, one.fields["x"]) for one in simulation.sent] == [("a", 1), ("b", 1), ("c", 2)]
    assert simulation._engine.figures.in_flight == {"work": 0}


def test_the_place_of_what_nobody_waits_for_any_longer_goes_to_the_next() -> None:
    simulation = Simulation(ACTION, settings=Settings(bounds=Bounds((("work", Bound(1)),))))
    for id in ("a", "b", "c"):
        simulation.launch(instance=id)

    simulation.tell(Answer("", 1, None, {}), "b")
    simulation.answer("work")

    assert [one.instance for one in simulation.sent] == ["a", "c"]
