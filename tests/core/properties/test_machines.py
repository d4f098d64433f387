"""Whatever comes, in whatever order, twice, late or never: an instance stays in a legal state.

A state machine starts an instance of a random definition and sends it legal and stray messages. After every message the
invariants are looked at; before it, the same message is tried on copies (decoded again, loaded in part); at the end
the history is replayed, a doctor looks for what is wrong, and the whole story is told again to a second engine.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from examination import alarms, examined
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bureaucrat.core.messages import (
    Alarm,
    Answer,
    Cancel,
    Continue,
    Ended,
    Message,
    Offer,
    Redispatch,
    Resume,
    Retry,
    Set,
    Skip,
    Stuck,
    Suspend,
    TimerFired,
    Unsent,
)
from bureaucrat.engine.settings import Settings
from bureaucrat.errors import Refused
from bureaucrat.testing import Simulation

from . import checks, generator
from .profiles import machine, randoms

pytestmark = pytest.mark.unmeasured
numbers = st.integers(0, 1_000)
_SHAPE = generator.Shape(depth=3, size=14)


def settings(cached: int, load_whole: int) -> Settings:
    """Loops are cut after three turns, so that they go on through the mailbox."""
    return Settings(history="full", limits=checks.LIMITS, cached=cached, load_whole=load_whole)


class AnyOrder(RuleBasedStateMachine):
    """One definition, its instances, and everything that may happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Callable[[Simulation], None]] = []

    @initialize(random=randoms, cached=st.sampled_from((0, 100)), load_whole=st.sampled_from((0, 64)))
    def begin(self, random: Random, cached: int, load_whole: int) -> None:
        self.text = generator.definition(random, _SHAPE)
        self.settings = settings(cached, load_whole)
        note(generator.pretty(self.text))
        self.simulation = Simulation(self.text, settings=self.settings)
        fields = generator.fields(random)
        self.do(lambda one: one.launch(fields) and None)

    def do(self, what: Callable[[Simulation], None]) -> None:
        """Do it, and remember it for the second telling."""
        self.told.append(what)
        try:
            what(self.simulation)
        except Refused as refused:
            note(f"refused: {refused}")

    def tell(self, message: Message, instance: str = "") -> None:
        """Give a message to an instance, after it was tried on copies."""
        instance = instance or self.simulation.instance
        now = self.now()
        checks.decoded_copies_step_alike(self.simulation, instance, message, now)
        checks.parts_step_like_the_whole(self.simulation, instance, message, now)
        self.do(lambda one: one.tell(message, instance))

    def now(self) -> float:
        """The time; to look at the clock moves it, so that is told again, too."""
        self.told.append(lambda one: one.clock.now() and None)
        return self.simulation.clock.now()

    # -- where

    def instances(self) -> list[str]:
        return [row.id for row in checks.instances(self.simulation)]

    def place(self, number: int, tags: tuple[str, ...] = ()) -> tuple[str, str, int]:
        """An instance, branch and activity: of something active most of the time, else of anything."""
        found = [
            (instance, branch.id, frame.activity)
            for instance in self.instances()
            for branch in self.simulation.copy(instance).branches.values()
            for frame in branch.frames
            if not tags or checks.definition(self.simulation, instance).activities[frame.activity].tag in tags
        ]
        if found and number % 8:
            return found[number % len(found)]
        instance = self.instances()[number % len(self.instances())]
        activities = checks.definition(self.simulation, instance).activities
        index = [one.index for one in activities if not tags or one.tag in tags]
        branches = ["", "_0_0", "_1", *(found[number % len(found)][1:2] if found else ())]
        return instance, branches[number % len(branches)], index[number % len(index)] if index else 0

    def activation(self, instance: str, branch: str, activity: int, number: int) -> int:
        known = self.simulation.copy(instance).branches.get(branch)
        frame = known and known.frame_of(activity)
        return frame.activation if frame and number % 4 else number % 50

    # -- what happens as it should

    @precondition(lambda self: self.simulation.sent)
    @rule(number=numbers, random=randoms)
    def answer(self, number: int, random: Random) -> None:
        """Of any attempt there ever was; the latest ones more often."""
        sent = self.simulation.sent
        attempt = sent[-1 - min(number % len(sent), number // 7 % len(sent))]
        dispatch, fields = attempt.dispatch, generator.answer(random)
        note(f"answer {dispatch.address} {dispatch.attempt} {fields}")
        self.tell(Answer(dispatch.branch, dispatch.activity, dispatch.attempt, fields), attempt.instance)

    @rule(random=randoms)
    def event(self, random: Random) -> None:
        name, body = generator.EVENTS[random.randrange(2)], generator.fields(random)
        note(f"event {name} {body}")
        self.do(lambda one: one.event(name, **body))

    @rule(seconds=st.one_of(st.floats(0.001, 100.0), st.just(86_400.0)))
    def advance(self, seconds: float) -> None:
        self.do(lambda one: one.advance(seconds))

    @precondition(lambda self: checks.next_due(self.simulation) is not None)
    @rule(share=st.sampled_from((0.5, 1.0)))
    def advance_to_the_next_timer(self, share: float) -> None:
        due = checks.next_due(self.simulation)
        assert due is not None
        seconds = max(due - self.now(), 0.0) * share
        self.do(lambda one: one.advance(seconds))

    @rule()
    def restart(self) -> None:
        self.do(lambda one: one.restart())

    # -- what a person does

    @rule(number=numbers, random=randoms)
    def set(self, number: int, random: Random) -> None:
        self.tell(Set(generator.fields(random)), self.place(number)[0])

    @rule(number=numbers)
    def suspend(self, number: int) -> None:
        self.tell(Suspend(), self.place(number)[0])

    @rule(number=numbers)
    def resume(self, number: int) -> None:
        self.tell(Resume(), self.place(number)[0])

    @rule(random=randoms)
    def resume_and_repair_everything(self, random: Random) -> None:
        """So that a story does not stop at its first incident."""
        for instance in self.instances():
            if self.simulation.record(instance).suspended:
                self.tell(Resume(), instance)
            for incident in checks.incidents(self.simulation, instance):
                command = (Retry, Skip, Skip)[random.randrange(3)]
                self.tell(command(incident.branch, incident.activity), instance)

    @rule(number=numbers, fields=randoms)
    def skip(self, number: int, fields: Random) -> None:
        instance, branch, activity = self.place(number)
        self.tell(Skip(branch, activity, generator.fields(fields)), instance)

    @rule(number=numbers, fields=randoms)
    def retry(self, number: int, fields: Random) -> None:
        instance, branch, activity = self.place(number)
        self.tell(Retry(branch, activity, generator.fields(fields)), instance)

    @precondition(lambda self: len(self.told) > 12)
    @rule(number=numbers)
    def cancel(self, number: int) -> None:
        self.tell(Cancel(), self.place(number)[0])

    # -- what is stray

    @rule(number=numbers, attempt=st.one_of(st.none(), st.integers(0, 9)), random=randoms)
    def stray_answer(self, number: int, attempt: int | None, random: Random) -> None:
        instance, branch, activity = self.place(number)
        self.tell(Answer(branch, activity, attempt, generator.answer(random)), instance)

    @rule(number=numbers, random=randoms)
    def stray_offer(self, number: int, random: Random) -> None:
        instance, branch, activity = self.place(number, ("await",))
        activation = self.activation(instance, branch, activity, number)
        if self.is_a(instance, activity, "await"):
            body = generator.fields(random)
            self.tell(Offer(branch, activity, activation, 1_000_000 + len(self.told), "e1", body), instance)

    @rule(number=numbers, back=st.floats(0.0, 50.0))
    def stray_timer(self, number: int, back: float) -> None:
        """Too late, or of a timer that was armed anew; never early, which the engine promises."""
        instance, branch, _ = self.place(number)
        self.tell(TimerFired(branch, self.now() - back), instance)

    @rule(number=numbers, random=randoms)
    def stray_end(self, number: int, random: Random) -> None:
        instance, branch, activity = self.place(number, ("call",))
        activation = self.activation(instance, branch, activity, number)
        if self.is_a(instance, activity, "call"):
            self.tell(Ended(branch, activity, activation + 1 + number % 3, generator.fields(random)), instance)

    @rule(number=numbers)
    def stray_continue(self, number: int) -> None:
        instance, branch, activity = self.place(number, ("while", "foreach"))
        if self.is_a(instance, activity, "while", "foreach"):
            self.tell(Continue(branch, activity, self.activation(instance, branch, activity, number)), instance)

    @rule(number=numbers)
    def redispatch(self, number: int) -> None:
        instance, branch, _ = self.place(number)
        self.tell(Redispatch(branch), instance)

    @rule(number=numbers)
    def unsent(self, number: int) -> None:
        """Of an attempt that waits, or of none."""
        instance, branch, _ = self.place(number, ("action",))
        known = self.simulation.copy(instance).branches.get(branch)
        attempt = known.attempt if known is not None and number % 4 else None
        self.tell(Unsent(branch, number % 9 if attempt is None else attempt), instance)

    @rule(number=numbers, seconds=st.floats(-10.0, 100.0))
    def alarm(self, number: int, seconds: float) -> None:
        """Of an existing client, for anything."""
        instance, branch, activity = self.place(number)
        self.tell(Alarm(branch, activity, self.now() + seconds), instance)

    @rule(number=numbers, kind=st.sampled_from(("engine", "unroutable")))
    def stuck(self, number: int, kind: str) -> None:
        instance, branch, activity = self.place(number)
        if kind == "engine" or self.is_a(instance, activity, "action"):
            self.tell(Stuck(branch, activity, kind, "it does not go on"), instance)

    def is_a(self, instance: str, activity: int, *tags: str) -> bool:
        return checks.definition(self.simulation, instance).activities[activity].tag in tags

    # -- what is always so

    @invariant()
    def the_books_are_right(self) -> None:
        for instance in self.instances():
            checks.states_are_legal(self.simulation, instance)
            checks.counters_are_right(self.simulation, instance)

    @invariant()
    def something_can_wake_whatever_is_active(self) -> None:
        for instance in self.instances():
            checks.something_wakes_it(self.simulation, instance)
        checks.nothing_is_left_over(self.simulation)

    @invariant()
    def no_step_has_raised(self) -> None:
        assert not [(row.reason, row.body) for row in checks.stored(self.simulation.storage.dead_letters())]

    def teardown(self) -> None:
        if not self.told:
            return
        for instance in self.instances():
            checks.history_replays(self.simulation, instance, self.settings.limits)
        assert alarms(examined(self.simulation, self.settings.limits)) == []
        second = Simulation(self.text, settings=self.settings)
        for what in self.told:
            try:
                what(second)
            except Refused:
                continue
        assert second.trace == self.simulation.trace
        assert checks.dump(second) == checks.dump(self.simulation)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = machine


def test_a_story_is_the_same_in_processes_that_hash_differently() -> None:
    """Sets and hashes leave no trace (L23)."""
    script = Path(__file__).with_name("story_digest.py")
    digests = Counter(
        subprocess.run(
            [sys.executable, str(script)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    )
    assert list(digests.values()) == [2]
