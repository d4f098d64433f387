"""Stream agents on every back end: what is done when an agent fails (F-008, F-018, F-041)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable
from typing import Any

import pytest
from waiting import until

from bureaucrat import streams as faust
from bureaucrat.streams import App


def failing(app: App, *, name: str = "failing", times: int = 1000, **options: Any) -> tuple[faust.Agent, list[Any]]:
    """An agent that fails so often at every value "bad", and what it has seen."""
    seen: list[Any] = []

    @app.agent(app.topic(name, partitions=1), name=name, **options)
    async def fails(stream: faust.StreamT[Any]) -> AsyncIterable[Any]:
        async for value in stream:
            seen.append(value)
            if value == "bad" and seen.count("bad") <= times:
                raise ValueError("it is bad")
            yield value

    return fails, seen


async def test_by_default_an_event_is_done_and_the_actor_begins_again(app: App) -> None:
    """F-018, F-041: as Faust does; who has asked gets the error."""
    agent, seen = failing(app)

    async with app:
        with pytest.raises(faust.AgentError) as raised:
            await agent.ask("bad")
        assert await agent.ask("good") == "good"

    assert (raised.value.agent, raised.value.kind, raised.value.message) == ("failing", "ValueError", "it is bad")
    assert seen == ["bad", "good"]
    assert agent.failures == 1


async def test_a_retry_holds_the_order(app: App) -> None:
    """F-018: what comes after waits."""
    agent, seen = failing(app, times=2, error_policy=faust.Retry(times=3, backoff=0.01))

    async with app:
        bad = await agent.ask_nowait("bad")
        assert await agent.ask("good") == "good"
        assert await bad == "bad"

    assert seen == ["bad", "bad", "bad", "good"]


async def test_after_the_last_retry_it_is_a_dead_letter(app: App) -> None:
    """F-018: with the reason; who has asked gets the error."""
    agent, seen = failing(app, error_policy=faust.Retry(times=1, backoff=0.01))
    dead: list[tuple[Any, bytes]] = []

    @app.agent(app.topic("failing.dead", partitions=1))
    async def looks(stream: faust.StreamT[Any]) -> None:
        async for event in stream.events():
            dead.append((event.value, event.headers["Bureaucrat-Reason"]))

    async with app:
        with pytest.raises(faust.AgentError, match="it is bad"):
            await agent.ask("bad")
        await until(lambda: bool(dead), "it is set aside")

    assert seen == ["bad", "bad"]
    assert dead == [("bad", b"ValueError: it is bad")]


async def test_a_crash_ends_the_worker_and_loses_nothing(new_app: Callable[..., App]) -> None:
    """F-018, F-008: another worker gets what was not done."""
    first, second = new_app(), new_app()
    agent, seen = failing(first, error_policy="crash")

    await first.start()
    with pytest.raises(faust.AgentError):
        await agent.ask("bad")
    with pytest.raises(ValueError, match="it is bad"):
        await first.wait()
    await first.stop()
    _, again = failing(second, times=0)
    async with second:
        await until(lambda: again == ["bad"], "the other has it")

    assert seen == ["bad"]


async def test_an_agent_that_does_not_yield_answers_with_an_error(app: App) -> None:
    """Instead of silence."""

    @app.agent()
    async def silent(stream: faust.StreamT[Any]) -> None:
        async for _ in stream:
            pass

    async with app:
        with pytest.raises(faust.AgentError, match="NoReply: it has ended the event without a yield"):
            await silent.ask(1)


async def test_a_handler_is_told_of_each_error(app: App) -> None:
    """F-002: `on_error`, sync or async."""
    told: list[tuple[str, str]] = []

    async def handler(agent: faust.Agent, error: BaseException) -> None:
        told.append((agent.name, str(error)))

    agent, _ = failing(app, on_error=handler)
    async with app:
        with pytest.raises(faust.AgentError):
            await agent.ask("bad")

    assert told == [("failing", "it is bad")]


@pytest.mark.parametrize(
    ("strategy", "left"),
    [
        (faust.OneForOneSupervisor, 3),
        (faust.OneForAllSupervisor, 3),
        (faust.ForfeitOneForOneSupervisor, 2),
        (faust.ForfeitOneForAllSupervisor, 0),
    ],
)
async def test_a_supervisor_decides_about_the_actors(strategy: Any, left: int) -> None:
    """F-041."""
    app = App("shop", broker="memory://", agent_supervisor=strategy)
    agent, _ = failing(app, concurrency=3)

    async with app:
        with pytest.raises(faust.AgentError):
            await agent.ask("bad")
        await until(lambda: len(agent.actors) == left, "the supervisor has decided")
        if left:
            assert await agent.ask("good") == "good"


async def test_actors_that_begin_again_go_on_with_what_they_were_at() -> None:
    """F-041: one for all; no event is lost."""
    app = App("shop", broker="memory://")
    is_open, entered = asyncio.Event(), asyncio.Event()

    @app.agent(concurrency=2, supervisor_strategy=faust.OneForAllSupervisor)
    async def works(stream: faust.StreamT[str]) -> AsyncIterable[str]:
        async for value in stream:
            if value == "bad":
                raise ValueError(value)
            entered.set()
            await is_open.wait()
            yield value

    async with app:
        slow = await works.ask_nowait("slow")
        await entered.wait()
        with pytest.raises(faust.AgentError):
            await works.ask("bad")
        is_open.set()
        assert await slow == "slow"


async def test_a_crashing_supervisor_ends_the_worker() -> None:
    """F-041."""
    app = App("shop", broker="memory://")
    agent, _ = failing(app, supervisor_strategy=faust.CrashingSupervisor)

    async with app:
        await agent.cast("bad")
        with pytest.raises(ValueError, match="it is bad"):
            await app.wait()


async def test_too_many_restarts_end_the_worker() -> None:
    """F-041: a restart does not help then."""
    app = App("shop", broker="memory://")

    class Impatient(faust.OneForOneSupervisor):
        max_restarts = 3
        over = 3600.0

    agent, seen = failing(app, supervisor_strategy=Impatient)

    async with app:
        for _ in range(4):
            await agent.cast("bad")
        with pytest.raises(ValueError, match="it is bad"):
            await app.wait()

    assert seen == ["bad"] * 4


async def test_a_worker_that_goes_hands_its_partitions_on(new_app: Callable[..., App]) -> None:
    """F-008: to the one that stood by."""
    first, second = new_app(), new_app()
    agent, seen = failing(first)
    _, others = failing(second)

    await first.start()
    async with second:
        assert await agent.ask("one") == "one"
        await first.stop()
        await second.agents["failing"].ask("two")

    assert (seen + others) == ["one", "two"]
