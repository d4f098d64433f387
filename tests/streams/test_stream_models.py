"""What needs no broker: records, codecs, the hash of a key, timers, the test kit (F-005, F-009, F-010, F-039)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from waiting import until

from bureaucrat import streams as faust
from bureaucrat.streams import codecs, records
from bureaucrat.streams.clocks import Beside, every, ticking
from bureaucrat.streams.hashing import murmur2, partition_of


class Author(faust.Record):
    name: str


class Article(faust.Record, isodates=True, namespace="news.Article"):
    url: str
    date_published: datetime
    author: Author | None = None


class Bare(faust.Record, include_metadata=False):
    number: int = 3


ARTICLE = Article("http://x", datetime(2026, 11, 27, tzinfo=UTC), Author("ann"))


def test_a_record_has_its_annotations_as_fields() -> None:
    """F-009: by position or name; defaults, comparison, copies."""
    assert Article(url="u", date_published=ARTICLE.date_published).author is None
    assert Bare() == Bare(number=3)
    assert Bare().derive(number=4) == Bare(4)
    assert ARTICLE.asdict() == {"url": "http://x", "date_published": ARTICLE.date_published, "author": Author("ann")}


def test_a_record_comes_back_from_json_as_it_was() -> None:
    """F-009: dates, and records in it."""
    written = ARTICLE.dumps()

    assert json.loads(written) == {
        "url": "http://x",
        "date_published": "2026-11-27T00:00:00Z",
        "author": {"name": "ann"},
        "__faust": {"ns": "news.Article"},
    }
    assert Article.loads(written) == ARTICLE
    assert Article.from_data(json.loads(written)) == ARTICLE
    assert Bare().dumps() == b'{"number":3}'


def test_what_is_no_record_is_refused() -> None:
    """F-009: with the place."""
    for wrong in (b'{"name": 5}', b"{", b"\xff"):
        with pytest.raises(faust.Malformed, match="it is no Author"):
            Author.loads(wrong)
    with pytest.raises(faust.Malformed, match=r"Object missing required field `url`"):
        Article.from_data({})


def test_models_are_known_by_their_namespace() -> None:
    """F-036: for `models` and `model`."""
    assert {Article, Author} <= set(records.models())
    assert records.options_of(Article).namespace == "news.Article"
    assert records.blessed({"name": "x", "__faust": {"ns": "no such"}}) == {"name": "x", "__faust": {"ns": "no such"}}
    assert records.is_record(Article)
    assert not records.is_record(int)


@pytest.mark.parametrize(
    ("serializer", "value", "written"),
    [
        ("json", {"a": [1, None]}, b'{"a":[1,null]}'),
        ("raw", b"\x00", b"\x00"),
        ("text", "ä", "ä".encode()),
        ("binary", b"\x00\xff", b"AP8="),
    ],
)
def test_a_serializer_writes_and_reads(serializer: str, value: Any, written: bytes) -> None:
    """F-010."""
    codec = codecs.codec_of(serializer)

    assert codec.dumps(value) == written
    assert codec.loads(written) == value


def test_codecs_are_put_one_after_the_other() -> None:
    """F-010: and known by a name."""
    both = codecs.codec_of("json") | codecs.codec_of("binary")
    codecs.register("both", both)

    assert codecs.Shape.of("both", None, "raw").dumps({"a": 1}) == b"eyJhIjoxfQ=="
    assert codecs.Shape.of(both, None, "raw").loads(b"eyJhIjoxfQ==") == {"a": 1}
    with pytest.raises(faust.Malformed, match="it cannot be read"):
        both.loads(b"?")


def test_what_cannot_be_written_is_refused() -> None:
    with pytest.raises(TypeError, match="object cannot be written as JSON"):
        codecs.codec_of("json").dumps(object())


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_a_key_has_the_hash_that_clients_of_kafka_give_it(key: bytes, expected: int) -> None:
    """F-005: the examples of Kafka's own tests."""
    assert murmur2(key) == expected % 2**32
    assert partition_of(key, 7) == (expected & 0x7FFFFFFF) % 7


# -- timers


class Stop(Exception):
    """Ends what would go on for ever."""


async def test_a_timer_and_a_cron_expression_call_a_function() -> None:
    """`timer`, `crontab`, `task`; on the leader only, if that is asked for."""
    called: list[Any] = []
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) > 2:
            raise Stop

    async def takes_app(app: str) -> None:
        called.append(app)

    for beside, is_leader in (
        (Beside(takes_app, every(2.0)), False),
        (Beside(lambda: called.append("cron"), ticking("0 9 * * *", "Europe/Berlin")), False),
        (Beside(lambda: called.append("leader"), every(1.0), on_leader=True), False),
        (Beside(lambda: called.append("leader"), every(1.0), on_leader=True), True),
    ):
        slept.clear()
        with pytest.raises(Stop):
            await beside.run("app", lambda led=is_leader: led, lambda: 1795161600.0, sleep)

    assert called == ["app", "app", "cron", "cron", "leader", "leader"]
    assert ticking("0 9 * * *", "UTC")(1795161600.0) == 3600.0  # at eight


async def test_a_worker_runs_what_is_beside_its_agents() -> None:
    """A `task` once, a `timer` again and again; the only worker is the leader."""
    app = faust.App("shop", broker="memory://")
    ran: list[str] = []
    twice = asyncio.Event()

    @app.task
    async def once(app: faust.App) -> None:
        ran.append(app.id)

    @app.task(on_leader=False)
    def plainly() -> None:
        ran.append("plainly")

    @app.timer(timedelta(milliseconds=5), on_leader=True)
    async def ticks() -> None:
        ran.append("tick")
        if ran.count("tick") == 2:
            twice.set()

    @app.crontab("0 0 1 1 *")
    async def yearly() -> None:
        ran.append("a year later")

    async with app:
        await twice.wait()

    assert [ran.count(name) for name in ("shop", "plainly", "a year later")] == [1, 1, 0]
    assert app.is_leader


async def test_what_fails_beside_the_agents_ends_the_worker() -> None:
    app = faust.App("shop", broker="memory://")

    @app.task
    async def fails() -> None:
        raise LookupError("no such")

    async with app:
        with pytest.raises(LookupError, match="no such"):
            await app.wait()


async def test_a_worker_ends_when_it_is_told() -> None:
    app = faust.App("shop", broker="memory://")

    async with app:
        app.end()
        await app.wait()

    assert app.members == [app.name]


# -- the test kit


def order_agent() -> faust.Agent:
    app = faust.App("shop", broker="memory://")

    @app.agent()
    async def order(stream: faust.StreamT[int]) -> AsyncIterable[float]:
        async for value in stream:
            yield 1 / value

    return order


async def test_the_test_kit_gives_what_was_yielded() -> None:
    """F-039: by the offset of the event."""
    async with order_agent().test_context() as agent:
        first = await agent.put(2)
        second = await agent.put(4, key="k", wait=False)
        third = await agent.put(5)

        assert {event.message.offset: event.value for event in (first, second, third)} == {0: 2, 1: 4, 2: 5}
        assert agent.results == {0: 0.5, 1: 0.25, 2: 0.2}
        assert (agent.sent_offset, agent.processed_offset) == (2, 2)


async def test_the_test_kit_raises_what_the_agent_raises() -> None:
    """F-039: where the value is put in, and from then on."""
    async with order_agent().test_context() as agent:
        with pytest.raises(ZeroDivisionError):
            await agent.put(0)
        with pytest.raises(ZeroDivisionError):
            await agent.put(1)


async def test_the_test_kit_throws_into_the_agent() -> None:
    """F-039."""
    async with order_agent().test_context() as agent:
        await agent.put(1)
        await agent.throw(KeyError("thrown"))
        with pytest.raises(KeyError, match="thrown"):
            await agent.put(1)


async def test_the_test_kit_has_replies_go_where_they_should() -> None:
    """F-039: `reply_to` and `correlation_id`."""
    app = faust.App("shop", broker="memory://")
    seen: list[tuple[int, bytes]] = []

    @app.agent(app.topic("replies", value_type=int))
    async def replies(stream: faust.StreamT[int]) -> None:
        async for event in stream.events():
            seen.append((event.value, event.message.value or b""))

    @app.agent()
    async def doubled(stream: faust.StreamT[int]) -> AsyncIterable[int]:
        async for value in stream:
            yield value * 2

    async with app, doubled.test_context() as agent:
        await agent.put(2, reply_to=replies, correlation_id="c")
        await until(lambda: bool(seen), "the reply is there")

    ((value, written),) = seen
    assert (value, json.loads(written)["correlation_id"]) == (4, "c")
