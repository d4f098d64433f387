"""Durations in their three spellings, and what people are told who write another (language, L2)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureaucrat.core.durations import MAX_DURATION, parse_duration

SECONDS = [
    ("120", 120.0),
    ("0.5", 0.5),
    ("0", 0.0),
    (" 90s ", 90.0),
    ("1h30m", 5_400.0),
    ("1.5h", 5_400.0),
    ("2d", 172_800.0),
    ("1w", 604_800.0),
    ("500ms", 0.5),
    ("0.1s", 0.1),
    ("1m500ms", 60.5),
    ("1w1d1h1m1s1ms", 694_861.001),
    ("PT1H30M", 5_400.0),
    ("P2D", 172_800.0),
    ("P1W", 604_800.0),
    ("P1W2DT0.25H", 778_500.0),
    ("PT0S", 0.0),
    ("3653d", MAX_DURATION),
]

ADVICE = [
    ("30 min", "write 30m, PT30M or 1800"),
    ("30M", "write 30m, PT30M or 1800"),
    ("30m1h", "write 1h30m, PT1H30M or 5400"),
    ("30m 20s", "write 30m20s, PT30M20S or 1820"),
    ("1 hour and 30 minutes", "write 1h30m, PT1H30M or 5400"),
    ("2 days, 3 hours", "write 2d3h, P2DT3H or 183600"),
    ("2 Days", "write 2d, P2D or 172800"),
    ("1.5h3m", "write 1h33m, PT1H33M or 5580"),
    ("0.5 sec", "write 0.5s, PT0.5S or 0.5"),
    ("0 seconds", "write 0s, PT0S or 0"),
    ("pt30m", "write 30m, PT30M or 1800"),
    ("P1DT", "write 1d, P1D or 86400"),
    ("P1Y", "years and months differ in length, write days, for example 365d or P365D"),
    ("P1Y2M3D", "years and months differ in length, write days, for example 425d or P425D"),
    ("1 year", "years and months differ in length, write days, for example 365d or P365D"),
    ("3 months", "years and months differ in length, write days, for example 90d or P90D"),
    ("11y", "years and months differ in length, write days, for example 3653d or P3653D"),
    ("-5", "it is negative, write 0 or more"),
    ("abc", "write for example 30m, PT30M or 1800"),
    ("", "write for example 30m, PT30M or 1800"),
    ("P", "write for example 30m, PT30M or 1800"),
    ("PT", "write for example 30m, PT30M or 1800"),
    ("1:30", "write for example 30m, PT30M or 1800"),
    ("1e400", "write for example 30m, PT30M or 1800"),
    ("5 parsecs", "write for example 30m, PT30M or 1800"),
    ("100000 weeks", "write for example 30m, PT30M or 1800"),
    ("１２", "write for example 30m, PT30M or 1800"),
    ("nan", "write for example 30m, PT30M or 1800"),
    ("3653 days", "write 3653d, P3653D or 315619200"),
    ("X5M", "write for example 30m, PT30M or 1800"),
]


@pytest.mark.parametrize(("text", "seconds"), SECONDS)
def test_a_duration_is_read_as_seconds(text: str, seconds: float) -> None:
    """Plain seconds, the short spelling and ISO 8601."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(("text", "advice"), ADVICE)
def test_another_spelling_is_refused_with_what_to_write(text: str, advice: str) -> None:
    """The message quotes the text and ends with the advice."""
    with pytest.raises(ValueError, match=re.escape(advice)) as refusal:
        parse_duration(text)

    assert str(refusal.value) == f'"{text}" is no duration: {advice}'


@pytest.mark.parametrize("text", ["3654d", "315619201", "9" * 60])
def test_a_duration_beyond_ten_years_is_refused(text: str) -> None:
    """Ten years are 3,653 days."""
    with pytest.raises(ValueError, match="is longer than 10 years"):
        parse_duration(text)


def test_a_very_long_text_is_refused_unread() -> None:
    """What is quoted of it is short."""
    with pytest.raises(ValueError, match="is no duration") as refusal:
        parse_duration("9" * 100_000)

    assert str(refusal.value) == f'"{"9" * 20}…" is no duration: write for example 30m, PT30M or 1800'


def test_a_duration_may_have_sixty_four_characters() -> None:
    """Nobody needs them."""
    assert parse_duration("0" * 63 + "1") == 1.0


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused_and_nothing_else_happens(text: str) -> None:
    """Seconds between 0 and 10 years, or a ValueError."""
    try:
        seconds = parse_duration(text)
    except ValueError:
        return

    assert 0.0 <= seconds <= MAX_DURATION


@given(
    st.lists(st.tuples(st.integers(0, 99), st.sampled_from(["weeks", "d", "hr", "minute", "secs", "msec"])), min_size=1)
)
def test_what_the_advice_proposes_is_a_duration_and_always_the_same(parts: list[tuple[int, str]]) -> None:
    """All three proposals mean what the author probably meant."""
    text = ", ".join(f"{number} {unit}" for number, unit in parts)[:60].rstrip(", 0123456789")

    try:
        parse_duration(text)
    except ValueError as refusal:
        proposals = re.findall(r"write (\S+), (\S+) or (\S+)$", str(refusal))
        assert all(len({parse_duration(one) for one in three}) == 1 for three in proposals)
