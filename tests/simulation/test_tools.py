"""The tools of the simulation: its loop, its runner, and what they do when something is wrong."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from . import schedules
from .loop import Actor, Loop
from .schedules import Outcome, Sum, added, failed_before, remember, run_many, run_one
from .trouble import KINDS, Trouble
from .world import World


async def _ticks(loop: Loop, told: list[float]) -> None:
    for _ in range(3):
        await loop.sleep(1.0)
        told.append(loop.time())


def _begin(loop: Loop, actor: Actor, told: list[float]) -> None:
    loop.call_soon(lambda: loop.create_task(_ticks(loop, told)), context=actor.context)


def test_time_jumps_from_one_timer_to_the_next() -> None:
    loop, told = Loop(Random(1)), []
    _begin(loop, Actor("one"), told)

    loop.run(2.5)

    assert (told, loop.time()) == ([1.0, 2.0], 2.5)


def test_who_is_frozen_does_late_what_was_due() -> None:
    loop, actor, told = Loop(Random(1)), Actor("one"), []
    _begin(loop, actor, told)
    loop.call_later(0.5, loop.freeze, actor, context=loop.world.context)
    loop.call_later(5.0, loop.thaw, actor, context=loop.world.context)

    loop.run(10.0)

    assert told == [5.0, 6.0, 7.0]


def test_who_is_killed_does_nothing_more() -> None:
    loop, actor, told = Loop(Random(1)), Actor("one"), []
    _begin(loop, actor, told)
    loop.call_later(1.5, loop.kill, actor, context=loop.world.context)

    loop.run(10.0)

    assert (told, actor.tasks, loop.problems) == ([1.0], [], [])


def test_a_task_that_cannot_be_ended_is_told_of() -> None:
    is_released = False

    async def stubborn() -> None:
        while not is_released:
            with contextlib.suppress(asyncio.CancelledError):
                await loop.create_future()

    loop, actor = Loop(Random(1)), Actor("one")
    loop.call_soon(lambda: loop.create_task(stubborn()), context=actor.context)
    loop.call_later(1.0, loop.kill, actor, context=loop.world.context)
    loop.run(2.0)
    told, is_released, actor.is_dead = list(loop.problems), True, False
    actor.tasks[0].cancel()
    loop.run(3.0)

    assert "one has tasks that cannot be ended" in told[0]
    assert actor.tasks[0].done()


def test_what_goes_round_in_a_circle_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop(Random(1))
    monkeypatch.setattr("simulation.loop._MOST_AT_ONCE", 1_000)

    def again() -> None:
        loop.call_soon(again)

    loop.call_soon(again)

    with pytest.raises(AssertionError, match="time does not go on"):
        loop.run(1.0)


def test_what_is_on_strikes_until_it_is_healed() -> None:
    trouble = Trouble(Random(3))
    trouble.rates = {"daemon killed": 1.0}

    struck = trouble.strikes("daemon killed"), trouble.strikes("daemon frozen"), trouble.of(("daemon killed",))
    trouble.heal()

    assert struck == (True, False, "daemon killed")
    assert (trouble.strikes("daemon killed"), trouble.of(("daemon killed",))) == (False, "")
    assert trouble.counts == {"daemon killed": 2}


def _outcome(seed: int, *violations: str) -> Outcome:
    return Outcome(seed, list(violations), Counter({"daemon killed": 2}), Counter(), 3, 4, 1.5, "")


def test_a_run_that_does_too_little_fails() -> None:
    result = Sum()
    for seed in range(1_000):
        result.take(_outcome(seed))

    idle = result.idle()

    assert "call hangs: only 0 times" in idle
    assert "while: met 0 times" in idle
    assert not any("daemon killed" in one for one in idle)
    assert "daemon killed" in result.table()
    assert all(kind in result.table() for kind in KINDS)


def test_what_is_violated_is_counted_by_what_it_is() -> None:
    result = added([Sum(), Sum()])
    result.take(_outcome(7, "I2 it is stuck", "I1 it is lost", "I3 it is doubled"))

    row = result.rows["daemon killed"]

    assert (row.stuck, row.lost, row.doubled, row.times) == (1, 1, 1, 2)
    assert list(result.failed) == [7]


def test_a_seed_that_fails_is_remembered_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "REGRESS", tmp_path / "regress.txt")

    assert failed_before() == []
    remember({5: ["I1 it is lost\nmore"]})
    remember({5: ["I2 it is stuck"], 9: ["I2 it is stuck"]})

    assert failed_before() == [5, 9]


def test_schedules_give_the_same_in_one_process_and_in_two() -> None:
    seeds = range(120)

    one, two = added(run_many(seeds)), added(run_many(seeds, jobs=2))

    assert (one.schedules, one.seen, one.rows) == (two.schedules, two.seen, two.rows)
    assert one.total.instances > 200


def test_an_error_that_is_logged_is_a_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    run = World.run

    def complains(self: World) -> None:
        logging.getLogger("bureaucrat.engine").error("something is wrong")
        run(self)

    monkeypatch.setattr(World, "run", complains)

    assert "I14 logged: something is wrong" in run_one(0)[0].violations[0]
