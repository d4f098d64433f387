"""Many schedules: run, counted, and told of in a table.

Rules: what failed before is run first (:data:`REGRESS`); a seed that fails is written there at once; nothing is run a
second time in the hope of something better. A run that did too little fails, too.
"""

from __future__ import annotations

import gc
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from .invariants import violations
from .trouble import KINDS
from .world import World

REGRESS = Path(__file__).parent / "regress.txt"
_CHUNK = 100  # schedules that a process runs at a time
_GC = 50_000  # allocations; a world is garbage as a whole

#: what each thousand schedules must have done at least
FLOORS = {"instances": 2_000, "attempts": 3_000, "faults": 5_000}
#: of each thousand schedules, how often each kind of fault must have struck
FLOOR_OF_A_KIND = 3
#: elements of the language, and messages, that must have met in each thousand schedules
FLOOR_OF_A_PAIR = 1
ELEMENTS = """
    action all any assign await block call case compensate compensation delay exit fault foreach process sequence signal
    switch while
"""
MESSAGES = """
    Answer Cancel Continue Ended Offer Redispatch Resume Retry Start Suspend TimerFired Unsent
"""
WORDS = """
    answered canceled caught compensating completed dispatched ended failed incident late launched remembered reminded
    resolved resumed started suspended
"""
PAIRS = """
    action/Answer action/TimerFired action/Ended action/Offer action/Redispatch action/Retry action/Start action/Cancel
    await/Offer await/TimerFired await/Start await/Cancel call/Ended call/Start delay/TimerFired delay/Answer
    all/Answer any/TimerFired any/Answer compensate/TimerFired compensation/Answer exit/TimerFired fault/TimerFired
    foreach/Answer process/Offer process/Ended signal/Answer switch/Answer while/Answer while/Continue
"""


class _Errors(logging.Handler):
    """What the program calls an error is one: nothing here may be logged as such."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.found.append(f"I14 logged: {record.getMessage()}: {error!r}")


@dataclass
class Outcome:
    """What came of one schedule."""

    seed: int
    violations: list[str]
    faults: Counter[str]
    seen: Counter[tuple[str, str]]
    instances: int
    attempts: int
    recovery: float  #: virtual seconds after the faults
    digest: str


@dataclass
class Row:
    """One kind of fault in the table."""

    times: int = 0
    schedules: int = 0
    instances: int = 0
    attempts: int = 0
    lost: int = 0
    doubled: int = 0
    stuck: int = 0
    recovery: float = 0.0

    def take(self, outcome: Outcome, times: int) -> None:
        self.times += times
        self.schedules += 1
        self.instances += outcome.instances
        self.attempts += outcome.attempts
        for one in outcome.violations:
            number = one.split()[0]
            self.stuck += number == "I2"
            self.lost += number in ("I1", "I8", "I10", "I13")
            self.doubled += number in ("I3", "I4", "I5")
        self.recovery = max(self.recovery, outcome.recovery)


@dataclass
class Sum:
    """What came of all of them."""

    schedules: int = 0
    rows: dict[str, Row] = field(default_factory=dict)
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    total: Row = field(default_factory=Row)
    failed: dict[int, list[str]] = field(default_factory=dict)

    def take(self, outcome: Outcome) -> None:
        self.schedules += 1
        for kind, times in outcome.faults.items():
            self.rows.setdefault(kind, Row()).take(outcome, times)
        self.total.take(outcome, sum(outcome.faults.values()))
        self.seen += outcome.seen
        if outcome.violations:
            self.failed[outcome.seed] = outcome.violations

    def idle(self) -> list[str]:
        """What was not done, or too seldom."""
        share, total = self.schedules / 1_000, self.total
        done = {"instances": total.instances, "attempts": total.attempts, "faults": total.times}
        found = [f"only {done[what]} {what}" for what, least in FLOORS.items() if done[what] < least * share]
        for kind in KINDS:
            if (times := self.rows.get(kind, Row()).times) < int(FLOOR_OF_A_KIND * share):
                found.append(f"{kind}: only {times} times")
        elements = Counter[str]()
        for (tag, _), times in self.seen.items():
            elements[tag] += times
        wanted = {tag: elements[tag] for tag in ELEMENTS.split()}
        wanted |= {name: self.seen["", name] for name in MESSAGES.split()}
        wanted |= {word: self.seen["it", word] for word in WORDS.split()}
        wanted |= {pair: self.seen[tuple(pair.split("/"))] for pair in PAIRS.split()}  # type: ignore[index]
        found += [
            f"{what}: met {times} times" for what, times in wanted.items() if times < int(FLOOR_OF_A_PAIR * share)
        ]
        return found

    def table(self) -> str:
        """For people: fault, times injected, and what came of the schedules that had it."""
        head = ("fault", "times", "schedules", "instances", "attempts", "lost", "doubled", "stuck", "longest recovery")
        lines = [head]
        for kind, row in [*((kind, self.rows.get(kind, Row())) for kind in KINDS), ("all", self.total)]:
            figures = (row.times, row.schedules, row.instances, row.attempts, row.lost, row.doubled, row.stuck)
            lines.append((kind, *(f"{figure:,}" for figure in figures), f"{row.recovery:.1f} s"))
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            f"{line[0]:<{widths[0]}}  "
            + "  ".join(f"{one:>{width}}" for one, width in zip(line[1:], widths[1:], strict=True))
            for line in lines
        )


def run_one(seed: int, *, keeps_story: bool = False) -> tuple[Outcome, World]:
    """One schedule, from its seed."""
    errors, log = _Errors(), logging.getLogger("bureaucrat")
    level, propagates = log.level, log.propagate
    log.addHandler(errors)
    log.setLevel(logging.ERROR)
    log.propagate = False
    try:
        world = World(seed, keeps_story=keeps_story)
        world.run()
    finally:
        log.removeHandler(errors)
        log.setLevel(level)
        log.propagate = propagates
    found = violations(world) + errors.found
    tables, calls = world.database.tables, sum(world.ledger.calls.values())
    counts = world.trouble.counts
    return Outcome(seed, found, counts, world.seen, len(tables.instances), calls, world.recovery, world.digest), world


def _run_some(seeds: list[int]) -> Sum:
    gc.set_threshold(_GC)
    result = Sum()
    for seed in seeds:
        result.take(run_one(seed)[0])
    return result


def _chunks(seeds: list[int]) -> Iterator[list[int]]:
    for at in range(0, len(seeds), _CHUNK):
        yield seeds[at : at + _CHUNK]


def run_many(seeds: Iterable[int], jobs: int = 1) -> Iterator[Sum]:
    """Schedules by the hundred, in this process or in several; each sum is told when it is there."""
    chunks = list(_chunks(list(seeds)))
    if jobs <= 1:
        yield from map(_run_some, chunks)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(_run_some, chunks)


def added(sums: Iterable[Sum]) -> Sum:
    """All of them as one."""
    result = Sum()
    for one in sums:
        result.schedules += one.schedules
        result.seen += one.seen
        result.failed |= one.failed
        for kind, row in [*one.rows.items(), ("", one.total)]:
            into = result.rows.setdefault(kind, Row()) if kind else result.total
            for name in ("times", "schedules", "instances", "attempts", "lost", "doubled", "stuck"):
                setattr(into, name, getattr(into, name) + getattr(row, name))
            into.recovery = max(into.recovery, row.recovery)
    return result


# -- what failed before


def failed_before() -> list[int]:
    """The seeds that have failed once."""
    lines = REGRESS.read_text(encoding="utf-8").splitlines() if REGRESS.exists() else []
    return [int(line.split()[0]) for line in lines if line.strip() and not line.startswith("#")]


def remember(failed: dict[int, list[str]]) -> None:
    """Write down what has failed; every later run begins with it."""
    known = set(failed_before())
    with REGRESS.open("a", encoding="utf-8") as file:
        for seed, found in failed.items():
            if seed not in known:
                file.write(f"{seed}  {found[0].splitlines()[0][:150]}\n")
