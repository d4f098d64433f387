"""A participant that is paused is given nothing until a person resumes it; nobody else waits for that."""

from __future__ import annotations

from typing import Any

import pytest
from courier import Office
from test_desk import audit, ordered
from test_gate import ACTION, OTHER, TIMED, bounded, gate, launched, of, quiet, status

from bureaucrat.engine.bounds import Bound
from bureaucrat.engine.orders import Deploy, Pausing
from bureaucrat.ports import PauseRow, Writes
from bureaucrat.testing import Simulation
from bureaucrat.testing.simulation import _drive

PAUSE = Pausing("bea", "pause", "work", "the bank is down")


async def asked(office: Office, what: str, name: str = "work", at: int = 900) -> Any:
    row = await ordered(office, Pausing("bea", what, name, "it is time"), number=at)
    await quiet(office)
    return row.outcome, row.answer


async def deployed(office: Office, text: str = ACTION) -> None:
    await office.run()
    row = await ordered(office, Deploy("bea", {"p.xml": text}), number=800)
    assert row.outcome == "done", row.answer


async def test_attempts_of_a_paused_participant_wait_in_the_outbox_and_no_others(office: Office) -> None:
    await deployed(office)
    await launched(office, "a")

    row = await ordered(office, PAUSE)
    await launched(office, "b", "c")
    await launched(office, "d", text=OTHER)

    assert row == audit(PAUSE, "", "done", "work paused", "participants pause")
    (pause,) = await office.storage.pauses()
    assert pause == PauseRow("work", pytest.approx(1_000, abs=1), "bea", "the bank is down")
    assert of(office.courier.attempts()) == ["a"]
    assert of(office.courier.attempts("other")) == ["d"]
    assert await office.storage.attempt_counts(["work"]) == {"work": (3, 2)}
    assert (office.engine.figures.kept, office.engine.figures.in_flight) == ({"work": 2}, {})


async def test_what_is_in_flight_is_answered_as_ever(office: Office) -> None:
    await deployed(office)
    await launched(office, "a")
    await asked(office, "pause")

    await office.settled(office.courier.answer(office.courier.attempts()[0]))

    assert await status(office) == "completed"


async def test_resumed_all_leave_in_order_and_what_comes_then_does_not_wait(office: Office) -> None:
    await deployed(office)
    await asked(office, "pause")
    await launched(office, "a", "b")

    resumed = await asked(office, "resume", at=901)
    await launched(office, "c")

    assert resumed == ("done", "work resumed")
    assert await office.storage.pauses() == []
    assert of(office.courier.attempts()) == ["a", "b", "c"]
    assert office.engine.figures.kept == {"work": 0}
    assert not gate(office).holds_back("work", "d", "", 1)
    await office.emptied("outbox")


async def test_a_pause_outlives_the_process(office: Office) -> None:
    await deployed(office)
    await asked(office, "pause")
    await launched(office, "a")

    await office.restart()
    await launched(office, "b")
    before = list(office.courier.attempts())
    await asked(office, "resume", at=901)

    assert before == []
    assert of(office.courier.attempts()) == ["a", "b"]


async def test_the_time_of_an_attempt_begins_when_it_leaves(office: Office) -> None:
    await deployed(office, TIMED)
    await asked(office, "pause")
    await launched(office, "a", text=TIMED)
    for now in (1_011.0, 1_022.0):
        office.clock.advance_to(now)
        await quiet(office)

    await asked(office, "resume", at=901)

    (sent,) = office.courier.attempts()
    (due,) = await office.storage.due(2_000.0, 9)
    assert (sent.body["header"]["target"], due.at) == ("a_0", pytest.approx(1_032, abs=0.1))


async def test_a_bound_holds_again_once_the_participant_is_resumed(office: Office) -> None:
    bounded(office, ("w*", Bound(1)))
    office.courier.destination = lambda name: f"worker_{name.removeprefix('worker:')}"  # type: ignore[method-assign]
    await deployed(office)
    await launched(office, "a")
    await asked(office, "pause", "worker:work")
    await launched(office, "b", "c", text=ACTION.replace("work", "worker:work"))
    await office.settled(office.courier.answer(office.courier.attempts()[0]))
    await quiet(office)
    paused = office.courier.attempts()[1:]

    await asked(office, "resume", at=901)

    assert paused == []
    assert office.engine.figures.in_flight == {"work": 1}
    assert office.engine.figures.kept == {"work": 1}


@pytest.mark.parametrize(
    ("what", "name", "answer"),
    [
        ("pause", "wrok", "no definition names a participant 'wrok'; did you mean work?"),
        ("pause", "other", "other is paused already"),
        ("resume", "work", "work is not paused"),
        ("resume", "othr", "othr is not paused; did you mean other?"),
    ],
)
async def test_what_changes_nothing_is_refused(office: Office, what: str, name: str, answer: str) -> None:
    await deployed(office)
    await launched(office, "a", text=OTHER)
    await asked(office, "pause", "other")

    outcome = await asked(office, what, name, at=901)

    assert outcome == ("refused", answer)
    assert [row.participant for row in await office.storage.pauses()] == ["other"]


async def test_one_that_an_expression_has_named_can_be_paused(office: Office) -> None:
    await office.run()
    await launched(office, "a", text=ACTION.replace('"work"', "\"= 'wo' + 'rk'\""))

    assert await asked(office, "pause") == ("done", "work paused")


async def test_a_definition_that_cannot_be_read_names_nobody(office: Office) -> None:
    await deployed(office)
    await deployed_broken(office)

    assert await asked(office, "pause") == ("done", "work paused")


async def deployed_broken(office: Office) -> None:
    (row,) = await office.storage.versions()
    stored = await office.storage.definition(row.definition)
    broken = type(stored)("broken", "q", "<process", 1.0)
    version = type(row)("q", 1, "broken", 1.0, "bea")
    await office.storage.batch().commit(Writes(definitions=[broken], versions=[version]))


async def test_a_pause_whose_commit_nobody_was_told_of_holds(office: Office) -> None:
    """The order is gone with it; the gate looks for itself."""
    await deployed(office)
    await office.storage.batch().commit(Writes(pauses=[PauseRow("work", 1.0, "bea")]))

    await office.engine._sweeper.recount()
    await launched(office, "a")
    paused = office.courier.attempts()
    await office.storage.batch().commit(Writes(pauses_gone=[("work",)]))
    await office.engine._sweeper.recount()
    assert len(gate(office)) == 0
    await quiet(office)

    assert (paused, of(office.courier.attempts())) == ([], ["a"])


async def test_a_crash_right_after_it_was_resumed_does_not_cost_an_attempt_its_time(office: Office) -> None:
    """The row is marked still: only the transaction that lets it go begins its time."""
    await deployed(office, TIMED)
    await asked(office, "pause")
    await launched(office, "a", text=TIMED)
    await office.die()
    await office.storage.batch().commit(Writes(pauses_gone=[("work",)]))
    office.clock.advance_to(1_009.0)

    await office.restart()
    await office.sent(1)
    await quiet(office)

    (due,) = await office.storage.due(2_000.0, 9)
    assert due.at == pytest.approx(1_019, abs=0.1)
    assert of(office.courier.attempts()) == ["a"]
    assert (await office.storage.attempt_counts(["work"])) == {"work": (1, 0)}


async def test_who_looks_while_one_is_paused_looks_again(office: Office) -> None:
    await deployed(office)
    seen: list[int] = []

    class Slow:
        async def pauses(self) -> list[PauseRow]:
            seen.append(1)
            if len(seen) == 1:
                gate(office).committed(Writes(pauses=[PauseRow("work", 1.0, "bea")]))
                return []
            return [PauseRow("work", 1.0, "bea")]

    await gate(office).look(Slow())

    assert (len(seen), gate(office).holds_back("work", "a", "", 1)) == (2, True)


def test_an_attempt_of_this_process_waits_too() -> None:
    simulation = Simulation(ACTION)
    _drive(simulation.storage.batch().commit(Writes(pauses=[PauseRow("work", 1.0, "bea")])))
    simulation.restart()
    simulation.launch()
    simulation.advance(5)
    before = list(simulation.open)

    collector = simulation._engine._shell.collector()
    collector.writes.pauses_gone.append(("work",))
    _drive(simulation._engine._shell.commit(collector))
    simulation._settle()

    assert (before, [one.dispatch.attempt for one in simulation.open]) == ([], [1])
