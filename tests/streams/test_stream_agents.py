"""Stream agents on every back end: what is declared, read, yielded and handed on (F-001 to F-018, F-038, F-040)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable
from typing import Any

import pytest
from waiting import until

from bureaucrat import streams as faust
from bureaucrat.streams import App


class Add(faust.Record):
    a: int
    b: int


class Transfer(faust.Record):
    account: str
    amount: float


async def test_an_agent_gets_what_is_cast_to_it(app: App) -> None:
    """F-001, F-012: with nothing but the decorator; the topic has the name of the function."""
    seen: list[Any] = []

    @app.agent()
    async def collector(stream: Any) -> None:
        async for value in stream:
            seen.append(value)

    async with app:
        for number in range(3):
            await collector.cast({"number": number}, key="same")
        await until(lambda: len(seen) == 3, "all values are there")

    assert seen == [{"number": 0}, {"number": 1}, {"number": 2}]
    assert collector.get_topic_names() == [f"{__name__}.collector"]


async def test_all_options_of_the_decorator_can_be_told_again(app: App) -> None:
    """F-002, F-038: `info` has them, `clone` changes some; `actor` is another word for `agent`."""

    def told(agent: Any, error: BaseException) -> None:
        raise AssertionError(error)

    def sink(value: Any) -> None:
        raise AssertionError(value)

    topic = app.topic("numbers")

    @app.actor(
        topic,
        name="doubled",
        concurrency=2,
        supervisor_strategy=faust.OneForAllSupervisor,
        sink=[sink],
        use_reply_headers=False,
        on_error=told,
        help="Doubles.",
    )
    async def doubler(stream: Any) -> AsyncIterable[int]:
        async for value in stream:
            yield value * 2

    assert doubler.info() == {
        "app": app,
        "fun": doubler.fun,
        "name": "doubled",
        "channel": topic,
        "concurrency": 2,
        "help": "Doubles.",
        "sink": [sink],
        "on_error": told,
        "supervisor_strategy": faust.OneForAllSupervisor,
        "isolated_partitions": False,
        "use_reply_headers": False,
        "error_policy": "ack",
    }
    assert doubler.clone(concurrency=5).info() == {**doubler.info(), "concurrency": 5}
    assert app.agents == {"doubled": doubler}


async def test_one_key_is_always_at_one_worker(new_app: Callable[..., App]) -> None:
    """F-004, F-005: two workers share the partitions; after that each key stays where it is."""
    places: list[tuple[str, str]] = []
    apps = [new_app(topic_partitions=4) for _ in range(2)]

    def declare(app: App, place: str) -> faust.Agent:
        @app.agent(app.topic("scores", key_type=str, value_type=int), name="scores")
        async def scores(stream: faust.StreamT[int]) -> None:
            async for key, _ in stream.items():
                places.append((key, place))

        return scores

    one, _ = (declare(app, str(number)) for number, app in enumerate(apps))
    async with apps[0], apps[1]:
        await until(lambda: all(len(app.members) == 2 for app in apps), "they know of each other")
        await until(lambda: all(app.is_settled for app in apps), "each has its partitions")
        for turn in range(3):
            for key in range(20):
                await one.cast(turn, key=f"key{key}")
        await until(lambda: len(places) == 60, "all are there")

    assert len(set(places)) == 20, "one place for each key"
    assert {place for _, place in places} == {"0", "1"}


async def test_without_a_key_partitions_take_turns(app: App) -> None:
    """F-006."""
    partitions: list[int] = []

    @app.agent(app.topic("turns"))
    async def turns(stream: faust.StreamT[Any]) -> None:
        async for event in stream.events():
            partitions.append(event.message.partition)

    async with app:
        for number in range(6):
            await turns.cast(number)
        await until(lambda: len(partitions) == 6, "all are there")

    assert sorted(partitions) == [0, 0, 0, 1, 1, 1]


async def test_a_stream_is_sent_on_by_another_key(app: App) -> None:
    """F-007: by a field of the model; who asked gets the reply."""
    keys: list[tuple[Any, str]] = []

    @app.agent(app.topic("transfers", value_type=Transfer))
    async def transfers(stream: faust.StreamT[Transfer]) -> AsyncIterable[float]:
        async for event in stream.group_by(Transfer.account).events():
            keys.append((event.key, event.value.account))
            yield event.value.amount

    async with app:
        replies = [await transfers.ask(Transfer(account, 5.0)) for account in ("ann", "bob", "ann")]

    assert replies == [5.0, 5.0, 5.0]
    assert keys == [(b"ann", "ann"), (b"bob", "bob"), (b"ann", "ann")]


async def test_a_stream_goes_through_a_topic_and_is_filtered(app: App) -> None:
    """F-014: methods of streams that an async iterable has not."""
    seen: list[int] = []
    halfway = app.topic("halfway", value_type=int)

    @app.agent(app.topic("begin", value_type=int))
    async def begin(stream: faust.StreamT[int]) -> None:
        async for value in stream.through(halfway).filter(lambda value: value % 2 == 0):
            seen.append(value)

    async with app:
        for number in range(5):
            await begin.cast(number, key="k")
        await until(lambda: len(seen) == 3, "all even numbers are there")

    assert seen == [0, 2, 4]


async def test_an_agent_reads_several_topics_and_is_sent_to_by_the_first(app: App) -> None:
    """F-010."""
    seen: list[int] = []
    both = app.topic("first", "second", value_type=int)
    second = app.topic("second", value_type=int)

    @app.agent(both)
    async def reads(stream: faust.StreamT[int]) -> None:
        async for value in stream:
            seen.append(value)

    async with app:
        sent = await reads.cast(1)
        await second.send(value=2)
        await until(lambda: len(seen) == 2, "both are there")

    assert sorted(seen) == [1, 2]
    assert sent.topic == "first"


async def test_an_agent_reads_a_channel(app: App) -> None:
    """F-011: in memory; each subscriber gets every event."""
    channel = app.channel()
    seen: list[int] = []

    @app.agent(channel)
    async def reads(stream: faust.StreamT[int]) -> AsyncIterable[int]:
        async for value in stream:
            seen.append(value)
            yield value

    async with app:
        await channel.put(1)
        await channel.send(value=2)
        assert await reads.ask(3) == 3

    assert seen == [1, 2, 3]


async def test_copies_run_side_by_side(app: App) -> None:
    """F-015: ten of them are in their functions at once."""
    together = asyncio.Barrier(10)

    @app.agent(concurrency=10)
    async def meets(stream: faust.StreamT[int]) -> AsyncIterable[int]:
        async for value in stream:
            await together.wait()
            yield value

    async with app:
        assert await meets.join(range(10)) == list(range(10))
        assert len(meets.actors) == 10
        assert all("meets" in text for text in meets.actor_tracebacks())


async def test_sinks_of_all_kinds_get_what_is_yielded(app: App) -> None:
    """F-013, F-016: functions, sync and async, topics, channels and agents; one more with `add_sink`."""
    seen: list[tuple[str, int]] = []
    log_topic = app.topic("agent_log", value_type=int)
    channel = app.channel()

    async def async_sink(value: int) -> None:
        seen.append(("async", value))

    def reading(name: str, read: Any) -> faust.Agent:
        @app.agent(read, name=name)
        async def reads(stream: faust.StreamT[int]) -> None:
            async for value in stream:
                seen.append((name, value))

        return reads

    reading("topic", log_topic)
    reading("channel", channel)
    other = reading("agent", None)

    @app.agent(sink=[lambda value: seen.append(("function", value)), async_sink, log_topic, channel])
    async def source(stream: faust.StreamT[int]) -> AsyncIterable[int]:
        async for value in stream:
            yield value + 1

    source.add_sink(other)

    async with app:
        await source.cast(1)
        await until(lambda: len(seen) == 5, "all sinks have it")

    assert seen[:2] == [("function", 2), ("async", 2)]
    assert sorted(seen[2:]) == [("agent", 2), ("channel", 2), ("topic", 2)]


async def test_an_agent_with_sinks_has_to_yield(app: App) -> None:
    """F-017."""

    @app.agent(sink=[print])
    async def silent(stream: faust.StreamT[int]) -> None:
        async for _ in stream:
            pass

    with pytest.raises(faust.ImproperlyConfigured) as raised:
        await app.start()
    await app.stop()

    assert str(raised.value) == f"agent {silent.name} has sinks, and its function never yields"


async def test_the_function_knows_its_agent_and_its_event(app: App) -> None:
    """F-040."""
    known: list[Any] = []

    @app.agent()
    async def knows(stream: faust.StreamT[int]) -> AsyncIterable[int]:
        async for value in stream:
            event = faust.current_event()
            known.append((faust.current_agent(), event and event.value))
            yield value

    async with app:
        await knows.ask(7)

    assert known == [(knows, 7)]
    assert (faust.current_agent(), faust.current_event()) == (None, None)


async def test_a_message_that_is_not_of_the_type_is_set_aside(app: App) -> None:
    """It holds up nothing, and its reason is with it."""
    dead: list[tuple[Any, bytes]] = []
    raw = app.topic("adding", value_serializer="raw")

    @app.agent(app.topic("adding", value_type=Add))
    async def adding(stream: faust.StreamT[Add]) -> AsyncIterable[int]:
        async for value in stream:
            yield value.a + value.b

    @app.agent(app.topic("adding.dead", partitions=1))
    async def looks(stream: faust.StreamT[Any]) -> None:
        async for event in stream.events():
            dead.append((event.value, event.headers["Bureaucrat-Reason"]))

    async with app:
        await raw.send(value=b'{"a": "one"}', key="k")
        assert await adding.ask(Add(1, 2), key="k") == 3
        await until(lambda: bool(dead), "it is set aside")

    assert dead == [({"a": "one"}, b"it is no Add: Expected `int`, got `str` - at `$.a`")]


async def test_partitions_that_are_isolated_have_an_actor_each(app: App) -> None:
    """F-002: `isolated_partitions`; one that waits does not hold up the other."""
    gate = asyncio.Event()

    @app.agent(app.topic("isolated", value_type=str), isolated_partitions=True)
    async def isolated(stream: faust.StreamT[str]) -> AsyncIterable[str]:
        async for value in stream:
            if value == "waits":
                await gate.wait()
            yield value

    async with app:
        waiting = await isolated.ask_nowait("waits", partition=0)
        assert await isolated.ask("quick", partition=1) == "quick"
        gate.set()
        assert await waiting == "waits"


async def test_two_agents_of_one_topic_both_get_each_value(app: App) -> None:
    """And the message is done when both have done with it."""
    seen: list[tuple[str, int]] = []

    def reading(name: str) -> faust.Agent:
        @app.agent(app.topic("shared", value_type=int), name=name)
        async def reads(stream: faust.StreamT[int]) -> None:
            async for value in stream:
                seen.append((name, value))

        return reads

    first, _ = reading("first"), reading("second")
    async with app:
        await first.cast(1)
        await until(lambda: len(seen) == 2, "both have it")

    assert sorted(seen) == [("first", 1), ("second", 1)]


def test_what_cannot_be_is_refused_when_it_is_declared() -> None:
    """With what to write instead."""
    app = App("shop", broker="memory://")

    @app.agent(name="one")
    async def one(stream: Any) -> None: ...

    for wrong, told in (
        (lambda: App("x", brokers=""), "app x: there is no setting brokers"),
        (lambda: app.agent(name="one")(one.fun), "there are two agents one"),
        (lambda: app.agent(concurrency=2, isolated_partitions=True)(one.fun), "leave concurrency"),
        (lambda: app.agent(name="two", error_policy="ignore")(one.fun), "write ack, retry, dead_letter or crash"),
        (lambda: app.topic("x", value_serializer="pickle"), "there is no serializer 'pickle'"),
        (lambda: app.crontab("every day"), "has 2 fields"),
        (lambda: app.crontab("0 9 * * *", timezone="Mars"), "there is no time zone 'Mars'"),
    ):
        with pytest.raises(faust.ImproperlyConfigured, match=told):
            wrong()


async def test_a_broker_of_an_unknown_kind_is_refused_when_it_is_used() -> None:
    """F-003: `kafka://` is not served yet."""
    with pytest.raises(faust.ImproperlyConfigured, match="there is no broker kafka://; write amqp://"):
        await App("example", broker="kafka://localhost:9092").start()


async def test_a_trace_goes_on_with_what_an_agent_sends(app: App) -> None:
    """F-042: the trace context in the headers of an event, to sinks and to other agents."""
    traces: list[dict[str, bytes]] = []
    trace = {"traceparent": b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}

    @app.agent(name="second")
    async def second(stream: faust.StreamT[int]) -> None:
        async for event in stream.events():
            traces.append(event.headers)

    @app.agent(name="first", sink=[second])
    async def first(stream: faust.StreamT[int]) -> AsyncIterable[int]:
        async for value in stream:
            yield value

    async with app:
        await first.cast(1, headers=trace)
        await until(lambda: bool(traces), "the second has it")

    assert traces == [trace]
