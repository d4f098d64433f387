"""Methods that are called by the clock (M-026…M-029)."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from back_ends import until

from bureaucrat.agents import MicroAgent, cron, periodic
from bureaucrat.agents.timer import CRON, CRONTask, cron_parser, next_moment


async def test_calls_come_again_whatever_they_raise_and_may_overlap(caplog: pytest.LogCaptureFixture) -> None:
    """M-026, M-028."""
    calls, never = [], asyncio.Event()

    class Agent(MicroAgent):
        @periodic(0.005, timeout=0.02)
        async def work(self) -> None:
            calls.append(len(calls))
            if len(calls) == 2:
                raise ZeroDivisionError("by nothing")
            if len(calls) > 2:
                await never.wait()

    agent = Agent()
    await agent.start()
    await until(lambda: len(calls) >= 5 and "took more" in caplog.text)
    await agent.stop()
    stopped = len(calls)

    texts = {record.getMessage() for record in caplog.records if record.levelno == logging.ERROR}
    assert texts == {"work: its call failed", "work: its call took more than 0.02 s"}
    assert len(calls) == stopped


async def test_the_first_call_comes_after_the_time_that_was_said() -> None:
    """M-001."""
    loop, calls = asyncio.get_running_loop(), []

    class Agent(MicroAgent):
        @periodic(60, start_after=0.05)
        async def work(self) -> None:
            calls.append(loop.time())

    agent, begun = Agent(), loop.time()
    await agent.start()
    await until(lambda: calls)
    await agent.stop()

    assert calls[0] - begun >= 0.05


async def test_calls_can_be_switched_off() -> None:
    """M-018."""

    class Agent(MicroAgent):
        @periodic(0.002)
        async def work(self) -> None:
            raise AssertionError("it is switched off")

    agent = Agent()
    await agent.start(enable_periodic_tasks=False)

    assert agent.periodic_tasks[0]._next is None


async def test_a_schedule_calls_at_its_moments_and_never_twice_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """M-002, M-027: the loop's clock may be ahead of the wall's, and wake too early."""
    calls: list[str] = []

    class Agent(MicroAgent):
        @cron("* * * * *")
        async def work(self) -> None:
            calls.append("called")

    agent = Agent()
    timed = agent.cron_tasks[0]
    arranged: list[float] = []
    walls = iter([datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 59, 990000, tzinfo=UTC)])

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return next(walls)

    monkeypatch.setattr("bureaucrat.agents.timer.datetime", Clock)
    monkeypatch.setattr(CRONTask, "_arrange", lambda self, seconds, *_: arranged.append(seconds))
    timed.start()
    timed._fire(1.0, timed._seconds)
    await until(lambda: calls)

    assert arranged == [30.0, pytest.approx(60.01)]


def test_the_time_to_the_next_moment_is_given() -> None:
    """M-027."""

    class Agent(MicroAgent):
        @cron("* * * * *")
        async def work(self) -> None:
            """Nothing."""

    timed = Agent().cron_tasks[0]

    assert 0 < timed.period <= 60
    assert 0 < timed.start_after <= 60


def test_an_expression_is_taken_apart() -> None:
    """M-029."""
    assert cron_parser("*/20 8-12/2 1,15 JAN,3 mon-fri") == CRON(
        "*/20 8-12/2 1,15 JAN,3 mon-fri",
        frozenset({0, 20, 40}),
        frozenset({8, 10, 12}),
        frozenset({1, 15}),
        frozenset({1, 3}),
        frozenset({1, 2, 3, 4, 5}),
    )
    assert cron_parser("@daily").hours == {0}
    assert cron_parser("* * * * *").weekdays == set(range(7))


@pytest.mark.parametrize(
    ("spec", "now", "moment"),
    [
        ("* * * * *", (2026, 1, 1, 0, 0, 30), (2026, 1, 1, 0, 1)),
        ("0 */4 * * *", (2026, 1, 1, 4, 0), (2026, 1, 1, 8, 0)),
        ("0 0 * * 0", (2026, 11, 26), (2026, 11, 29)),  # a Sunday: the original took 0 for Monday
        ("0 0 * * 7", (2026, 11, 26), (2026, 11, 29)),  # it refused 7
        ("0 0 13 * fri", (2026, 11, 26), (2026, 11, 27)),  # it and-ed the two days
        ("5-20/3 * * * *", (2026, 1, 1, 0, 6), (2026, 1, 1, 0, 8)),  # its steps began at 0
        ("10-20,40 * * * *", (2026, 1, 1, 0, 20), (2026, 1, 1, 0, 40)),  # it refused lists with ranges
        ("@hourly", (2026, 1, 1, 0, 20), (2026, 1, 1, 1, 0)),
    ],
)
def test_the_next_moment_is_that_of_crontab_in_utc(spec: str, now: tuple[int, ...], moment: tuple[int, ...]) -> None:
    """M-029 and the defects of the original's cron."""
    cron = cron_parser(spec)

    assert next_moment(cron, datetime(*now, tzinfo=UTC)) == datetime(*moment, tzinfo=UTC)  # type: ignore[misc]
    assert next_moment(cron, datetime(*now)) == datetime(*moment)  # type: ignore[misc]


def test_an_expression_that_is_none_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"'\* \* \*' has 3 fields; a cron expression has five: minute, hour"):
        cron_parser("* * *")
