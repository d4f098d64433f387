"""The engine and a naive second interpreter, given the same definition and the same inputs, agree.

Compared after every input: what waits and where, the process's own fields, status and outcome, open incidents, and
every dispatch in order with its participant and fields.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, note
from lxml import etree

from bureaucrat.errors import Refused
from bureaucrat.testing import Simulation

from . import generator, oracle
from .oracle_instance import Instance
from .oracle_runs import Sent
from .profiles import agreement, randoms

pytestmark = pytest.mark.unmeasured
_SHAPE = generator.Shape(reminders=False)
_ENGINES = ("inst:id", "inst:name", "inst:selection")


class Both:
    """One definition in both interpreters."""

    def __init__(self, text: str) -> None:
        self.engine = Simulation(text)
        self.oracle = oracle.World(text)

    def do(self, engine: Callable[[Simulation], Any], second: Callable[[oracle.World], Any]) -> None:
        """Do the same in both; they agree on whether it is refused."""
        answers = []
        for action, who in ((engine, self.engine), (second, self.oracle)):
            try:
                action(who)  # type: ignore[arg-type]
                answers.append("done")
            except (Refused, oracle.Refused):
                answers.append("refused")
        assert answers[0] == answers[1], answers

    def compare(self) -> None:
        engine, second = self.engine_view(), self.oracle_view()
        if len(self.oracle.instances) > 1 and engine["sent"] != second["sent"]:
            shown = [Counter(map(generator.show, one["sent"])) for one in (engine, second)]
            if shown[0] == shown[1]:
                raise oracle.Tie  # what two instances do at a time has no order
            if not shown[0] - shown[1] and shown[1] - shown[0] <= self.given_up():
                raise oracle.Tie  # a called instance was canceled in the transaction that started it, or later
        differ = {name: (engine[name], second[name]) for name in engine if engine[name] != second[name]}
        assert not differ, "engine, oracle: " + "; ".join(f"{name}: {one} {two}" for name, (one, two) in differ.items())

    def given_up(self) -> Counter[str]:
        """What called instances sent and do not wait for any more."""
        sent = [one for one in self.oracle.sent if one.instance is not self.oracle.first and not one.is_waited_for]
        return Counter(generator.show((one.participant, _shown(one.fields))) for one in sent)

    def engine_view(self) -> dict[str, Any]:
        engine, activities = self.engine, self.engine.definition.activities
        record = engine.record()
        return {
            "status": record.status.value,
            "outcome": record.outcome if record.status == "completed" else None,
            "fields": engine.fields,
            "waiting": sorted(
                (activities[frame.activity].path, frame.state.value)
                for branch in engine.copy().branches.values()
                for frame in branch.frames
                if frame.state.value in ("waiting", "retrying", "incident")
            ),
            "incidents": [(activities[one.activity].path, one.kind, one.code) for one in engine.incidents()],
            "sent": [(one.participant, _shown(one.fields)) for one in engine.sent],
        }

    def oracle_view(self) -> dict[str, Any]:
        first = self.oracle.first
        return {
            "status": first.shown_status(),
            "outcome": first.outcome if first.status == "completed" else None,
            "fields": first.root.scope,
            "waiting": first.waiting(),
            "incidents": first.incidents(),
            "sent": [(one.participant, _shown(one.fields)) for one in self.oracle.sent],
        }


def _shown(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields as both tell them: of a fault the code, nothing of the instance."""
    shown = {name: value for name, value in fields.items() if name not in _ENGINES}
    if "inst:fault" in shown:
        shown["inst:fault"] = shown["inst:fault"]["code"]
    return shown


def play(both: Both, random: Random, length: int) -> None:
    """A random script; nothing is compared once two timers are too close to have an order."""
    chosen = {"a": random.randrange(3)} if random.randrange(3) == 0 else {}
    note(f"launch {chosen}")
    try:
        both.do(lambda one: one.launch(chosen), lambda one: one.launch(chosen))
        both.compare()
        for number in range(length):
            act(both, random, number)
            both.compare()
    except oracle.Tie:
        note("two things happen at a time: their order is nobody's promise")


def act(both: Both, random: Random, number: int) -> None:
    """One random input."""
    draw = random.randrange(100)
    sent = both.oracle.sent
    first = both.oracle.first
    if first.suspended:
        draw += 6
    if draw < 50 and sent:
        index = len(sent) - 1 - min(random.randrange(len(sent)), random.randrange(len(sent)))
        fields = generator.answer(random)
        if random.randrange(3) == 0:
            fields = {**sent[index].fields, **fields}
            fields.pop("inst:fault", None)
        note(f"answer {index} {fields}")
        if any(_look_alike(one, sent[index]) for one in sent):
            raise oracle.Tie  # which of the two was sent first has no order
        both.do(lambda one: one.answer_attempt(one.sent[index], fields), lambda one: one.answer(index, fields))
    elif draw < 65:
        name, body = generator.EVENTS[random.randrange(2)], generator.fields(random)
        note(f"event {name} {body}")
        both.do(lambda one: one.event(name, **body), lambda one: one.event(name, body))
    elif draw < 82:
        seconds = random.randrange(1, 60) + number * 0.1 + 0.005
        if random.randrange(20) == 0:
            seconds += 86_400
        note(f"advance {seconds}")
        ahead(both, seconds)
    elif draw < 83:
        undo = random.randrange(3) > 0
        note(f"cancel {undo}")
        both.do(lambda one: one.cancel(compensate=undo), lambda one: one.command(lambda: first.cancel(undo)))
    elif draw < 85:
        note("suspend")
        both.do(lambda one: one.suspend(), lambda one: one.command(first.suspend))
    elif draw < 92:
        note("resume")
        both.do(lambda one: one.resume(), lambda one: one.command(first.resume_all))
    elif draw < 94:
        fields = generator.fields(random)
        note(f"set {fields}")
        both.do(lambda one: one.set(**fields), lambda one: one.command(lambda: first.set(fields)))
    else:
        repair(both, random, skips=draw < 97)


def _look_alike(one: Sent, other: Sent) -> bool:
    """Whether two instances have sent the same, so that nobody can tell whose attempt is meant."""
    same = (one.participant, _shown(one.fields)) == (other.participant, _shown(other.fields))
    return one.instance is not other.instance and same


def ahead(both: Both, seconds: float) -> None:
    """Time passes in the oracle first: it knows of ties."""
    both.oracle.advance(seconds)
    both.engine.advance(seconds)


def repair(both: Both, random: Random, *, skips: bool) -> None:
    """A person retries or skips the oldest incident."""
    first = both.oracle.first
    found = sorted((run for run in first.live if run.incident), key=lambda run: run.incident or ())
    if not found:
        return
    fields = generator.fields(random)
    note(f"{'skip' if skips else 'retry'} {found[0].path} {fields}")
    if skips:
        both.do(lambda one: one.skip(**fields), lambda one: one.command(lambda: first.skip(found[0], fields)))
    else:
        both.do(lambda one: one.retry(**fields), lambda one: one.command(lambda: first.retry(found[0], fields)))


@agreement
@given(randoms)
def test_the_engine_does_what_the_oracle_does(random: Random) -> None:
    text = generator.definition(random, _SHAPE)
    note(generator.pretty(text))
    play(Both(text), random, 14)


def test_the_oracle_knows_every_tag_that_is_drawn() -> None:
    tags = set()
    for seed in range(300):
        tags |= {element.tag for element in etree.fromstring(generator.definition(Random(seed), _SHAPE)).iter()}
    known = {name.removeprefix("do_") for name in dir(Instance) if name.startswith("do_")}
    parts = {"process", "context", "property", "faults", "case", "default", "condition", "input", "output", "field"}
    parts.add("compensation")
    assert tags - parts == known
