"""The other half of the schedules."""

from __future__ import annotations

from .command import run
from .test_schedules import HALF


def test_no_schedule_of_the_other_half_violates_an_invariant() -> None:
    done = run("--schedules", str(HALF), "--seed", str(HALF), "--jobs", "1")

    print(done.stdout)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
