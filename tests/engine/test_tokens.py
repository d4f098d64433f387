"""Tokens name an attempt, and cannot be made by others."""

from __future__ import annotations

import pytest

from bureaucrat.engine.tokens import Named, Tokens

OURS = Tokens(b"k" * 32)


@pytest.mark.parametrize(
    "named",
    [
        Named("a", 1, 0, ""),
        Named("0199" + "f" * 28, 2**40, 99_999, "_0.1234_5_0.1"),
        Named("with:colons:in:it", 7, 3, "_1"),
        Named("ä", 1, 1, ""),
    ],
)
def test_a_token_is_read_back(named: Named) -> None:
    token = OURS.of(named.instance, named.attempt, named.activity, named.branch)

    assert OURS.read(token) == named


def test_a_token_is_the_same_each_time_and_short_enough_for_the_wire() -> None:
    token = OURS.of("0" * 32, 10**6, 1_000, "_0.9999_0_0.9999_1")

    assert token == OURS.of("0" * 32, 10**6, 1_000, "_0.9999_0_0.9999_1")
    assert len(token) <= 200


@pytest.mark.parametrize("token", ["", ":", "a:1:0:", "a:1:0::", "nonsense", "\ud800:1:0::x", "a:1:0::é", ":" * 300])
def test_what_was_not_made_here_names_nothing(token: str) -> None:
    assert OURS.read(token) is None


def test_a_token_of_another_key_names_nothing() -> None:
    assert OURS.read(Tokens(b"other").of("a", 1, 0, "")) is None


@pytest.mark.parametrize("place", range(5))
def test_a_token_of_which_a_character_was_changed_names_nothing(place: int) -> None:
    parts = OURS.of("a", 1, 0, "_0").split(":")
    parts[place] += "1"

    assert OURS.read(":".join(parts)) is None
