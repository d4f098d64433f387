"""The first half of what every run of the tests does: see :data:`HALF`."""

from __future__ import annotations

from .command import run

HALF = 1_000  #: schedules; the other half is in ``test_schedules_too.py``, for another process of the tests


def test_no_schedule_violates_an_invariant() -> None:
    done = run("--schedules", str(HALF), "--seed", "0", "--jobs", "1")

    print(done.stdout)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
