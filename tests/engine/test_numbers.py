"""Numbers that are never given twice."""

from __future__ import annotations

from bureaucrat.clock import ManualClock
from bureaucrat.engine.numbers import MAKERS, maker_of, numbers_of

NOON = 1_795_608_000.0


def test_the_numbers_of_one_maker_grow_also_when_its_clock_stands() -> None:
    clock = ManualClock(NOON)
    number = numbers_of(clock)

    given = [number() for _ in range(10_000)]
    clock.advance_to(NOON + 0.001)  # numbers of it were given already
    given += [number() for _ in range(10)]
    clock.advance_to(NOON + 10.0)
    given.append(number())

    assert given == sorted(set(given))
    assert all(one < 2**63 for one in given)


def test_a_number_tells_who_made_it() -> None:
    clock = ManualClock(NOON)

    assert [maker_of(numbers_of(clock, maker)()) for maker in (0, 1, MAKERS - 1)] == [0, 1, MAKERS - 1]


def test_runs_in_one_millisecond_give_different_numbers_though_their_makers_are_alike() -> None:
    clock = ManualClock(NOON)

    firsts = {numbers_of(clock, 7)() for _ in range(20)}

    assert len(firsts) > 15  # of 2,048 places; alike they would be one
