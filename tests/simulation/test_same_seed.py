"""The same seed gives the same: in one process, in another, whatever Python's hashes are."""

from __future__ import annotations

import pytest

from .command import run
from .schedules import run_one

SEEDS = range(40)


def test_a_seed_gives_the_same_trace_again() -> None:
    first = {seed: run_one(seed)[0].digest for seed in SEEDS}
    second = {seed: run_one(seed)[0].digest for seed in reversed(SEEDS)}

    assert first == second
    assert len(set(first.values())) == len(SEEDS)


@pytest.mark.parametrize("hashes", ["1", "4711"])
def test_a_seed_gives_the_same_story_whatever_the_hashes_are(hashes: str) -> None:
    outcome, world = run_one(7, keeps_story=True)

    done = run("--show", "7", PYTHONHASHSEED=hashes)

    assert done.stdout.splitlines()[:-1] == world.story
    assert f"trace {outcome.digest}" in done.stdout
