"""Stream agents on every back end: cast, ask, send, and many at once (F-019 to F-033)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any

import pytest
from waiting import until

from bureaucrat import streams as faust
from bureaucrat.streams import App


class Add(faust.Record):
    a: int
    b: int


def adder(app: App, **options: Any) -> faust.Agent:
    @app.agent(app.topic("adding", value_type=Add), name="adding", **options)
    async def adding(stream: faust.StreamT[Add]) -> AsyncIterable[int]:
        async for value in stream:
            yield value.a + value.b

    return adding


def watcher(app: App, topic: str, **shape: Any) -> tuple[faust.Agent, list[faust.Event]]:
    """An agent, and the events that it has seen."""
    seen: list[faust.Event] = []

    @app.agent(app.topic(topic, **shape), name=f"watches {topic}")
    async def watches(stream: faust.StreamT[Any]) -> None:
        async for event in stream.events():
            seen.append(event)

    return watches, seen


async def test_cast_carries_key_partition_timestamp_and_headers(app: App) -> None:
    """F-019: and says where the message went."""
    agent, seen = watcher(app, "cast", key_type=str, value_type=Add)

    async with app:
        sent = await agent.cast(Add(1, 2), key="k", partition=1, timestamp=1795261231.0, headers={"trace": b"x"})
        await until(lambda: bool(seen), "it is there")

    (event,) = seen
    assert (event.key, event.value, event.headers) == ("k", Add(1, 2), {"trace": b"x"})
    assert (event.message.partition, event.message.timestamp) == (1, 1795261231.0)
    assert sent == faust.RecordMetadata("cast", 1, 1795261231.0)


async def test_ask_waits_for_the_reply(app: App) -> None:
    """F-020: with a key, or an id of one's own."""
    adding = adder(app)

    async with app:
        assert await adding.ask(Add(a=2, b=2)) == 4
        assert await adding.ask(Add(a=2, b=3), key="k", partition=0, correlation_id="mine", headers={"h": b"x"}) == 5


async def test_a_program_asks_without_being_a_worker(new_app: Callable[..., App]) -> None:
    """F-020: as the guide's second program does."""
    worker, program = new_app(), new_app()
    adder(worker)

    async with worker:
        assert await adder(program).ask(Add(4, 4)) == 8
        await program.stop()


async def test_ask_nowait_returns_a_future(app: App) -> None:
    """F-021, F-028: the id is a UUID where none is given."""
    adding = adder(app)

    async with app:
        promise = await adding.ask_nowait(Add(1, 1), force=True)
        assert await promise == 2

    assert isinstance(promise, asyncio.Future)
    assert promise.reply_to == app.conf.reply_to
    assert len(promise.correlation_id) == 36


async def test_a_reply_comes_by_a_topic_that_is_named(app: App) -> None:
    """F-020: `reply_to` of one ask."""
    adding = adder(app)

    async with app:
        promise = await adding.ask_nowait(Add(1, 2), reply_to="replies-of-mine")
        assert await promise == 3

    assert promise.reply_to == "replies-of-mine"


async def test_send_has_the_reply_go_to_another_agent(app: App) -> None:
    """F-022, F-023: an agent, a topic, or the name of one; it gets the value."""
    adding = adder(app)
    other, seen = watcher(app, "sums", value_type=int)
    told: list[Any] = []

    async with app:
        await adding.send(value=Add(1, 1), reply_to=other, callback=told.append)
        await adding.send("key", Add(1, 2), 0, reply_to=app.topics["sums"], correlation_id="x", force=True)
        await adding.send(
            value={"a": 2, "b": 2}, value_serializer="json", key=b"k", key_serializer="raw", reply_to="sums"
        )
        await until(lambda: len(seen) == 3, "all replies are there")

    assert sorted(event.value for event in seen) == [2, 3, 4]
    assert [sent.topic for sent in told] == ["adding"]


def test_the_reply_topic_is_of_this_process() -> None:
    """F-024: its prefix and a UUID, or what is set."""
    app = App("shop", broker="memory://")
    named = App("shop", broker="memory://", reply_to="mine", reply_to_prefix="unused-")

    assert app.conf.reply_to.startswith("f-reply-")
    assert len(app.conf.reply_to) == len("f-reply-") + 36
    assert (app.conf.reply_create_topic, app.conf.reply_expires) == (False, 86400.0)
    assert named.conf.reply_to == "mine"


async def test_the_return_address_is_in_headers(app: App) -> None:
    """F-025: in bytes, under the names that Faust gives them."""
    agent, seen = watcher(app, "asked")

    async with app:
        promise = await agent.ask_nowait(1, correlation_id="c1")
        with pytest.raises(faust.AgentError):
            await promise

    assert {name: seen[0].headers[name] for name in ("Faust-Ag-ReplyTo", "Faust-Ag-CorrelationId")} == {
        "Faust-Ag-ReplyTo": app.conf.reply_to.encode(),
        "Faust-Ag-CorrelationId": b"c1",
    }


async def test_the_return_address_is_around_the_value(app: App) -> None:
    """F-026: without reply headers."""
    adding = adder(app, use_reply_headers=False)
    _, seen = watcher(app, "adding", value_serializer="raw")

    async with app:
        assert await adding.ask(Add(1, 2), correlation_id="c1") == 3
        await until(lambda: bool(seen), "the other has it, too")

    assert json.loads(seen[0].message.value or b"") == {
        "value": {"a": 1, "b": 2, "__faust": {"ns": f"{__name__}.Add"}},
        "reply_to": app.conf.reply_to,
        "correlation_id": "c1",
        "__faust": {"ns": "@ReqRepRequest"},
    }


async def test_a_reply_has_key_value_and_id(app: App) -> None:
    """F-027: as it is on the wire."""
    adding = adder(app)
    _, seen = watcher(app, "sums")

    async with app:
        await adding.send("k", Add(1, 2), reply_to="sums", correlation_id="c1")
        await until(lambda: bool(seen), "the reply is there")

    assert json.loads(seen[0].message.value or b"") == {
        "key": "k",
        "value": 3,
        "correlation_id": "c1",
        "__faust": {"ns": "@ReqRepResponse"},
    }


async def test_map_gives_replies_as_they_come(app: App) -> None:
    """F-029: of an iterable, or an async one."""
    adding = adder(app)

    async def given() -> AsyncIterator[Add]:
        for number in range(5):
            yield Add(number, number)

    async with app:
        listed = [reply async for reply in adding.map([Add(number, 1) for number in range(5)])]
        iterated = [reply async for reply in adding.map(given(), key="k")]

    assert sorted(listed) == [1, 2, 3, 4, 5]
    assert iterated == [0, 2, 4, 6, 8], "one key, one order"


async def test_map_begins_before_all_is_sent_and_need_not_end(app: App) -> None:
    """F-029: infinite input."""
    adding = adder(app)
    sent = 0

    async def endless() -> AsyncIterator[Add]:
        nonlocal sent
        while True:
            sent += 1
            yield Add(sent, 0)

    async with app:
        replies = adding.map(endless())
        found = [await anext(replies) for _ in range(3)]
        await replies.aclose()  # type: ignore[attr-defined]  # it is an async generator

    assert len(found) == 3
    assert sent < 1200, "no more is sent than may be under way"


async def test_kvmap_and_kvjoin_take_pairs(app: App) -> None:
    """F-030, F-032."""
    adding = adder(app)
    pairs = [(str(number), Add(number, 0)) for number in range(5)]

    async with app:
        assert sorted([reply async for reply in adding.kvmap(pairs)]) == [0, 1, 2, 3, 4]
        assert await adding.kvjoin(pairs) == [0, 1, 2, 3, 4]


async def test_join_keeps_the_order(app: App) -> None:
    """F-031."""
    gates = [asyncio.Event() for _ in range(8)]

    @app.agent(concurrency=8)
    async def pow2(stream: faust.StreamT[int]) -> AsyncIterable[int]:
        async for value in stream:
            if value < 8:
                await gates[value - 1].wait()  # each one waits for the next
            if value > 1:
                gates[value - 2].set()
            yield value**2

    async with app:
        assert await pow2.join([1, 2, 3, 4, 5, 6, 7, 8]) == [1, 4, 9, 16, 25, 36, 49, 64]


async def test_many_calls_get_the_error_of_one(app: App) -> None:
    """Instead of waiting for it, be it the agent's or that of what is to be sent."""

    @app.agent()
    async def inverse(stream: faust.StreamT[int]) -> AsyncIterable[float]:
        async for value in stream:
            yield 1 / value

    def broken() -> Any:
        yield 1
        raise LookupError("no more")

    async with app:
        with pytest.raises(faust.AgentError, match="ZeroDivisionError: division by zero"):
            await inverse.join([1, 0])
        with pytest.raises(LookupError, match="no more"):
            await inverse.join(broken())


async def test_a_barrier_counts_what_it_waits_for() -> None:
    """F-033."""
    barrier = faust.BarrierState("replies")
    for name in ("one", "two"):
        barrier.add(name)
    barrier.fulfill("two", 2)
    barrier.fulfill("two", 2)
    assert (barrier.size, barrier.fulfilled, barrier.done()) == (2, 1, False)

    assert barrier.get_nowait() == ("two", 2)
    barrier.finalize()
    barrier.fulfill("one", 1)

    assert [found async for found in barrier.iterate()] == [("one", 1)]
    assert barrier.done()


async def test_a_reply_that_is_a_record_comes_back_as_one(app: App) -> None:
    """F-027: its namespace is with it."""

    @app.agent(app.topic("swapping", value_type=Add))
    async def swapping(stream: faust.StreamT[Add]) -> AsyncIterable[Add]:
        async for value in stream:
            yield value.derive(a=value.b, b=value.a)

    async with app:
        assert await swapping.ask(Add(1, 2)) == Add(2, 1)


async def test_ask_ends_when_nobody_serves_the_agent(app: App) -> None:
    """F-020: Faust waits for ever."""
    adding = adder(app)

    with pytest.raises(faust.NoReply, match=r"agent adding has not answered in 0.05 s; is a worker serving it\?"):
        await adding.ask(Add(1, 2), timeout=0.05)
    await app.stop()
