"""A run that migrates on its way does what it would have done without (L112).

Two engines have the same definition and the same inputs. One of them goes now and then to a version in which activities
stand that do nothing, and sequences are put around others; or back. What both do is compared after every input, without
what only one of them has.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from random import Random
from typing import Any

import pytest
from lxml import etree

from bureaucrat.core.activity import Activity
from bureaucrat.core.migration import match
from bureaucrat.core.table import Definition
from bureaucrat.definition.reader import read
from bureaucrat.engine.writes import Progress
from bureaucrat.errors import Refused
from bureaucrat.testing import Simulation
from bureaucrat.testing.simulation import _drive

from . import generator
from .profiles import migrations

pytestmark = pytest.mark.unmeasured
_SIMPLE = ("action", "assign", "delay", "await", "signal", "fault", "exit", "call")
_HOLDING = ("sequence", "all", "any", "switch", "while", "foreach")
_IN_LINE = ("process", "sequence", "while", "foreach", "case", "default", "reminder")
_COUNTERS = ("migrations", "recorded", "activations")
_DETAIL = ("code", "attempt", "number", "of", "kind", "how", "status", "outcome", "times", "names", "changed", "error")


def named(text: str) -> Any:
    """The document, in which every activity has an id."""
    root = etree.fromstring(text)
    for number, element in enumerate(root.iter(*_SIMPLE, *_HOLDING, "case", "default")):
        if "id" not in element.attrib:
            element.set("id", f"o{number}")
    return root


def padded(text: str, random: Random) -> str:
    """The same process with activities that do nothing."""
    root = etree.fromstring(text)
    for element in list(root.iter(*_SIMPLE, *_HOLDING)):
        if random.randrange(100) < 15 and element.getparent().tag != "any":  # which names its winner
            around = etree.Element("sequence", id=f"n-{element.get('id')}")
            element.getparent().replace(element, around)
            around.append(element)
    for element in list(root.iter(*_IN_LINE, "all")):
        children = [one for one in element if one.tag in (*_SIMPLE, *_HOLDING)]
        for child in children:
            if random.randrange(100) < 25:
                child.addprevious(etree.Element("sequence"))
        if children and random.randrange(100) < 25:
            element.append(etree.Element("sequence"))
    return etree.tostring(root).decode()


class Both:
    """The run as it is, and the one that migrates."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.plain, self.other = Simulation(text), Simulation(text)
        self.reminders = _reminders(self.plain.definition)
        self.told: tuple[list[Any], list[Any]] = ([], [])
        self.seen = [0, 0]

    def do(self, action: Callable[[Simulation], Any]) -> None:
        answers = []
        for simulation in (self.plain, self.other):
            try:
                action(simulation)
                answers.append("done")
            except Refused as refused:
                answers.append(str(refused))
        assert answers[0] == answers[1]
        self.compare()

    def migrate(self, text: str) -> None:
        """The second goes on by this; it is never refused."""
        definition = read(text)
        if self.other.record().has_ended or definition.hash == self.other.definition.hash:
            return
        self._collect(1)
        self.other.migrate(definition, self._plan(definition))
        self.seen[1] = len(self.other.trace)
        self.compare()

    def _plan(self, definition: Definition) -> dict[str, str]:
        """Reminders have no ids: they are told apart by whose they are."""
        here, there = _reminders(self.other.definition), _reminders(definition)
        return {path: there[name] for name, path in here.items()}

    def there_and_back(self, text: str) -> None:
        """To another version and back: nothing else has changed."""
        self.migrate(self.text)
        before = dump(self.other)
        self.migrate(text)
        self.migrate(self.text)
        assert dump(self.other) == before

    def compare(self) -> None:
        for number in (0, 1):
            self._collect(number)
        assert self.told[1] == self.told[0]
        assert view(self.other) == view(self.plain)

    def _collect(self, number: int) -> None:
        simulation = (self.plain, self.other)[number]
        new = simulation.trace[self.seen[number] :]
        self.seen[number] = len(simulation.trace)
        self.told[number].extend(one for one in (_entry(simulation, entry) for entry in new) if one is not None)


def _reminders(definition: Definition) -> dict[str, str]:
    """The bodies of reminders: whose they are, and where."""
    owners = {reminder.body: one for one in definition.activities for reminder in one.reminders}
    return {
        f"{owner.id} {definition.activities[body].slot}": definition.activities[body].path
        for body, owner in owners.items()
    }


def _name(definition: Definition, activity: Activity) -> str | None:
    """What an activity is called in every version; None of what does nothing."""
    if activity.is_reminder:
        return f"{definition.activities[activity.parent].id} {activity.slot}"
    return activity.id if activity.id is None or not activity.id.startswith("n-") else None


def _entry(simulation: Simulation, entry: Progress) -> Any:
    detail = {name: entry.detail[name] for name in _DETAIL if name in entry.detail}
    if entry.what == "late":  # what it was for is not known any more after a migration
        return entry.what, entry.instance == simulation.instance, entry.detail.get("number")
    if entry.activity is None or entry.instance != simulation.instance:
        return entry.what, entry.instance == simulation.instance, detail
    activity = simulation.definition.activities[entry.activity]
    name = _name(simulation.definition, activity)
    if name is None and entry.activity != 0:
        return None
    return entry.what, name, re.findall(r"\.(\d+)", entry.address), detail


def view(simulation: Simulation) -> dict[str, Any]:
    """How it stands."""
    definition, record = simulation.definition, simulation.record()
    frames = [
        (_name(definition, definition.activities[frame.activity]), frame.state.value, sorted(frame.timers))
        for branch in simulation.copy().branches.values()
        for frame in branch.frames
    ]
    return {
        "status": record.status.value,
        "outcome": record.outcome,
        "held": record.held,
        "size": record.size,
        "fields": simulation.fields,
        "frames": sorted(frame for frame in frames if frame[0] is not None),
        "incidents": [
            (_name(definition, definition.activities[one.activity]), one.kind, one.code)
            for one in simulation.incidents()
        ],
        "sent": [{**one.fields, "inst:id": "", "inst:fault": ""} for one in simulation.sent],
        "open": [one.dispatch.attempt for one in simulation.open],
    }


def dump(simulation: Simulation) -> dict[str, Any]:
    """All that is stored of it, without the counters that only grow."""
    copy = simulation.copy()
    guard = {name: value for name, value in asdict(copy.instance).items() if name not in _COUNTERS}
    branches = {id: asdict(branch) for id, branch in sorted(copy.branches.items())}
    whole = {"guard": guard, "branches": branches, "waits": simulation.waits(), "incidents": simulation.incidents()}
    return {**whole, "remembered": _drive(simulation.storage.remembered(simulation.instance, 1_000))}


def act(both: Both, random: Random, number: int, note: Callable[[str], None]) -> None:
    """One random input."""
    draw = random.randrange(100)
    sent = both.plain.sent
    if draw < 45 and sent:
        index = len(sent) - 1 - min(random.randrange(len(sent)), random.randrange(len(sent)))
        fields = generator.answer(random)
        note(f"answer {index} {fields}")
        both.do(lambda one: one.answer_attempt(one.sent[index], fields))
    elif draw < 60:
        name, body = generator.EVENTS[random.randrange(2)], generator.fields(random)
        note(f"event {name} {body}")
        both.do(lambda one: one.event(name, **body))
    elif draw < 78:
        seconds = random.randrange(1, 60) + number * 0.1 + 0.005
        note(f"advance {seconds}")
        both.do(lambda one: one.advance(seconds))
    elif draw < 82:
        note("suspend")
        both.do(lambda one: one.suspend())
    elif draw < 90:
        note("resume")
        both.do(lambda one: one.resume())
    elif draw < 93:
        note("restart")
        both.do(lambda one: one.restart())
    elif both.plain.incidents():
        fields = generator.fields(random)
        note(f"repair {draw} {fields}")
        both.do(lambda one: one.skip(**fields) if draw < 97 else one.retry(**fields))


@pytest.mark.parametrize("part", range(5))
def test_a_run_that_migrates_does_what_it_would_have_done_without(part: int) -> None:
    for seed in range(part, migrations, 5):
        note: list[str] = [f"seed {seed}"]
        try:
            play(Random(seed), note.append)
        except BaseException as error:
            error.add_note("\n".join(note))
            raise


def play(random: Random, note: Callable[[str], None]) -> None:
    """One random run, of which everything is noted."""
    text = etree.tostring(named(generator.definition(random))).decode()
    note(generator.pretty(text))
    both, chosen = Both(text), generator.fields(random)
    both.do(lambda one: one.launch(chosen, instance="I"))
    for number in range(14):
        draw = random.randrange(10)
        if draw < 4:
            other = text if draw == 0 else padded(text, random)
            note(f"{'there and back' if draw == 1 else 'migrate'} {generator.pretty(other)}")
            (both.there_and_back if draw == 1 else both.migrate)(other)
        act(both, random, number, note)


def test_versions_differ_and_are_versions_of_one_process() -> None:
    differ = 0
    for seed in range(50):
        text = etree.tostring(named(generator.definition(Random(seed)))).decode()
        old, new = read(text), read(padded(text, Random(seed)))
        found = match(old, new, {}, "new")
        differ += old.hash != new.hash
        assert {one.tag for one in found.removed} <= {"block", "signal", "assign", "action", "await", "delay"}
    assert differ > 40
