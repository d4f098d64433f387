"""Clocks."""

from __future__ import annotations

import pytest

from bureaucrat import clock
from bureaucrat.clock import CorrectedClock, ManualClock, SystemClock


def test_a_systems_clock_never_gives_an_instant_twice() -> None:
    watch = SystemClock()

    instants = [watch.now() for _ in range(10_000)]

    assert instants == sorted(set(instants))


def test_a_clock_that_was_set_back_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    told = iter([1_000.0, 87_400.0, 1_001.0, 1_000.5, 1_002.0])
    monkeypatch.setattr(clock.time, "time", lambda: next(told))
    watch = SystemClock()

    instants = [watch.now() for _ in range(5)]

    assert instants == [1_000.0, 87_400.0, 1_001.0, pytest.approx(1_001.000001), 1_002.0]


def test_a_manual_clock_moves_when_it_is_told_and_never_back() -> None:
    watch = ManualClock(10.0)

    watch.advance_to(20.0)
    watch.advance_to(5.0)

    assert watch.now() == pytest.approx(20.000001)


def test_a_corrected_clock_shows_what_it_was_corrected_to() -> None:
    inner = ManualClock(1_000.0)
    watch = CorrectedClock(inner)
    asked = watch.uncorrected()
    inner.advance_to(1_000.2)

    watch.correct(5_000.1, asked, watch.uncorrected())

    assert watch.now() == pytest.approx(5_000.2, abs=1e-3)
    assert watch.offset == pytest.approx(4_000.0, abs=1e-3)


def test_a_clock_that_is_corrected_a_little_back_stands_until_then() -> None:
    inner = ManualClock(1_000.0)
    watch = CorrectedClock(inner)
    before = watch.now()

    watch.correct(inner.now() - 0.5, inner.now(), inner.now())
    shown = [watch.now() for _ in range(3)]
    inner.advance_to(1_001.0)

    assert before < shown[0] < shown[1] < shown[2] < before + 0.001
    assert watch.now() == pytest.approx(1_000.5, abs=0.001)


def test_a_clock_that_was_far_ahead_follows_its_correction() -> None:
    inner = ManualClock(90_000.0)
    watch = CorrectedClock(inner)
    watch.now()

    watch.correct(1_000.0, inner.now(), inner.now())

    assert watch.now() == pytest.approx(1_000.0, abs=0.001)
