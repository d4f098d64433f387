"""The command: ``python tests/simulation/run.py --schedules 100000 --seed 0``.

Prints a table, and what failed. Ends with 1 if an invariant was violated, if too little was done, or if a mechanism
that was taken out was missed by nobody.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from simulation.mutants import MUTANTS, Mutant
from simulation.schedules import Sum, added, failed_before, remember, run_many, run_one


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description="simulate faults")
    parser.add_argument("--schedules", type=int, default=1_000, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes to run them in")
    parser.add_argument("--mutants", action="store_true", help="take mechanisms out instead, one by one")
    parser.add_argument("--most", type=int, default=2_000, help="schedules that a mutant may survive")
    parser.add_argument("--show", type=int, metavar="SEED", help="tell one schedule's story")
    given = parser.parse_args()
    if given.show is not None:
        return _show(given.show)
    if given.mutants:
        return _mutants(given.most)
    return _schedules(given.schedules, given.seed, given.jobs)


def _show(seed: int) -> int:
    outcome, world = run_one(seed, keeps_story=True)
    print("\n".join(world.story or []))
    print(f"seed {seed}, trace {outcome.digest}: {'; '.join(outcome.violations) or 'nothing was violated'}")
    return bool(outcome.violations)


def _schedules(number: int, first: int, jobs: int) -> int:
    began = time.monotonic()
    before = failed_before()
    result = added(_told(run_many(before), "replayed"))
    result = added([result, *_told(run_many(range(first, first + number), jobs), "run")])
    remember(result.failed)
    print(result.table())
    seconds = time.monotonic() - began
    print(f"\n{result.schedules:,} schedules ({len(before)} replayed), {seconds:.0f} s, {jobs} processes")
    for seed, found in result.failed.items():
        print(f"\nseed {seed} violates:")
        print("\n".join(f"  {one}" for one in found[:5]))
    idle = result.idle() if number >= 1_000 else []
    for what in idle:
        print(f"too little was done: {what}")
    return bool(result.failed or idle)


def _told(sums: object, what: str) -> list[Sum]:
    """The same, with a word now and then on how it goes."""
    found: list[Sum] = []
    for one in sums:  # type: ignore[attr-defined]
        found.append(one)
        if len(found) % 50 == 0:
            failed = sum(len(one.failed) for one in found)
            print(f"{sum(one.schedules for one in found):,} {what}, {failed} failed", flush=True)
    return found


def _mutants(most: int) -> int:
    missed = 0
    for mutant in MUTANTS:
        seed, found = _caught(mutant, most)
        if seed is not None:
            print(f"{mutant.name}: noticed by schedule {seed}: {found.splitlines()[0][:100]}", flush=True)
        elif mutant.why_not:
            print(f"{mutant.name}: not noticed: {mutant.why_not}", flush=True)
        else:
            print(f"{mutant.name}: NOBODY HAS NOTICED in {most} schedules", flush=True)
            missed += 1
    return bool(missed)


def _caught(mutant: Mutant, most: int) -> tuple[int | None, str]:
    """The first schedule that violates something without the mechanism, and what."""
    with mutant.in_force():
        for seed in range(most):
            outcome, _ = run_one(seed)
            if outcome.violations:
                return seed, outcome.violations[0]
    return None, ""


if __name__ == "__main__":
    sys.exit(main())
