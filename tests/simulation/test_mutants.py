"""Mechanisms that are taken out are missed."""

from __future__ import annotations

from .command import run
from .mutants import MUTANTS


def test_a_mechanism_that_is_taken_out_is_missed() -> None:
    done = run("--mutants", "--most", "2000")

    print(done.stdout)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.count("noticed by schedule") >= 14


def test_what_is_missed_by_nobody_says_why_and_a_patch_ends_with_its_mutant() -> None:
    quiet = [mutant for mutant in MUTANTS if mutant.why_not]

    for mutant in MUTANTS:
        before = [getattr(owner, name) for owner, name, _ in mutant.patches()]
        with mutant.in_force():
            during = [getattr(owner, name) for owner, name, _ in mutant.patches()]
        assert [getattr(owner, name) for owner, name, _ in mutant.patches()] == before
        assert all(one is not other for one, other in zip(before, during, strict=True))
    assert all(len(mutant.why_not) > 20 for mutant in quiet)
    assert len(MUTANTS) - len(quiet) >= 14
