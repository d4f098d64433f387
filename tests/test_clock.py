"""Clocks."""

from __future__ import annotations

import pytest

from bureaucrat.clock import CorrectedClock, ManualClock, SteadyClock, SystemClock


def test_a_systems_clock_never_gives_an_instant_twice() -> None:
    watch = SystemClock()

    instants = [watch.now() for _ in range(10_000)]

    assert instants == sorted(set(instants))


def test_a_clock_that_was_set_far_back_is_followed() -> None:
    told = iter([1_000.0, 87_400.0, 1_001.0, 1_000.5, 1_002.0])
    watch = SystemClock(lambda: next(told), lambda: 0.0)

    instants = [watch.now() for _ in range(5)]

    assert instants == [1_000.0, 87_400.0, 1_001.0, pytest.approx(1_001.000001), 1_002.0]


def test_a_clock_that_was_set_back_a_little_is_waited_for_at_half_the_speed() -> None:
    steady = 0.0
    watch = SystemClock(lambda: steady + (1_000.0 if steady < 10.0 else 970.0), lambda: steady)
    instants = []
    for second in range(0, 120, 10):
        steady = float(second)
        instants.append(watch.now())

    ahead = [instant - steady - 970.0 for instant, steady in zip(instants, range(0, 120, 10), strict=True)]
    assert instants == sorted(set(instants))
    assert ahead == pytest.approx([30, 20, 15, 10, 5, 0, 0, 0, 0, 0, 0, 0], abs=0.001)


def test_a_clock_that_was_set_back_before_the_start_goes_on_from_where_it_was() -> None:
    watch = SystemClock(lambda: 970.0, lambda: 0.0)

    watch.begin(1_000.0)

    assert watch.now() == pytest.approx(1_000.0, abs=0.001)
    watch.begin(500.0)
    assert watch.now() == pytest.approx(1_000.0, abs=0.001)


def test_a_steady_clock_goes_on_whatever_the_machine_shows() -> None:
    shown = iter([5_000.0, 9_000.0])
    passed = iter([10.0, 11.0, 12.5])
    watch = SteadyClock(lambda: next(shown), lambda: next(passed))

    assert [watch.now(), watch.now()] == [5_001.0, 5_002.5]


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


def test_of_two_corrections_the_more_exact_counts() -> None:
    """An answer that was long in coming says little, unless the other clock was set meanwhile."""
    watch = CorrectedClock(ManualClock(1_000.0))

    doubts = [
        watch.correct(5_005.0, 1_000.0, 1_010.0),  # 4,000 and 5 more or less
        watch.correct(5_011.1, 1_011.0, 1_011.2),  # 4,000
        watch.correct(5_012.9, 1_012.0, 1_014.0),  # 3,999.9, but by a second more or less
    ]
    exact = watch.offset
    watch.correct(5_017.0, 1_014.0, 1_016.0)  # 4,002 by a second more or less
    was_set = watch.offset

    assert doubts == [5.0, pytest.approx(0.1), pytest.approx(0.1, abs=0.001)]
    assert (exact, was_set) == (pytest.approx(4_000.0), pytest.approx(4_002.0))
