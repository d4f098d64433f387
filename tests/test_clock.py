"""Clocks."""

from __future__ import annotations

import pytest

from bureaucrat import clock
from bureaucrat.clock import ManualClock, SystemClock


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
