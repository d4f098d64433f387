"""How long a lost connection is waited with."""

from __future__ import annotations

from bureaucrat.amqp.line import Pauses


def test_pauses_grow_while_attempts_fail_and_stay_below_four_seconds() -> None:
    pauses = Pauses()

    waited = [pauses.after(0.01) for _ in range(8)]

    bounds = [(0.1, 0.2), (0.2, 0.4), (0.4, 0.8), (0.8, 1.6), (1.6, 3.2), (2.0, 4.0), (2.0, 4.0), (2.0, 4.0)]
    assert [low <= pause <= high for pause, (low, high) in zip(waited, bounds, strict=True)] == [True] * 8


def test_what_has_lasted_more_than_a_second_is_tried_again_at_once() -> None:
    pauses = Pauses()
    for _ in range(8):
        pauses.after(0.01)

    pause = pauses.after(1.5)

    assert 0.1 <= pause <= 0.2
