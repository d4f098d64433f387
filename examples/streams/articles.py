"""Articles, ten at once, and what is made of what the agent yields: concurrency and sinks of all four kinds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from datetime import UTC, datetime

from bureaucrat import streams as faust
from bureaucrat.streams import StreamT


class Article(faust.Record, isodates=True):
    url: str
    published: datetime


app = faust.App("articles-example")
articles = app.topic("articles", value_type=Article)
fetched = app.topic("fetched", value_type=str)
seen: list[str] = []
all_seen = asyncio.Event()


def note(what: str) -> None:
    """Keep what a sink was told; twelve are expected."""
    seen.append(what)
    if len(seen) == 12:
        all_seen.set()


def shown(url: str) -> None:
    """A sink that is a function."""
    note(f"shown {url}")


async def filed(url: str) -> None:
    """A sink that is an async function: the agent goes on when it has ended."""
    await asyncio.sleep(0)
    note(f"filed {url}")


@app.agent()
async def counted(stream: StreamT[str]) -> None:
    """A sink that is an agent."""
    async for url in stream:
        note(f"counted {url}")


@app.agent(fetched)
async def indexed(stream: StreamT[str]) -> None:
    """Reads the topic that is a sink."""
    async for url in stream:
        note(f"indexed {url}")


@app.agent(articles, concurrency=10, sink=[shown, filed, counted, fetched])
async def fetches(stream: StreamT[Article]) -> AsyncIterable[str]:
    """Would fetch each article here; ten copies do so side by side."""
    async for article in stream:
        yield article.url


async def main() -> None:
    async with app:
        await fetches.join([Article(f"/{number}", datetime(2026, 11, 27, tzinfo=UTC)) for number in range(3)])
        await all_seen.wait()
    print(*sorted(seen), sep="\n")


if __name__ == "__main__":
    asyncio.run(main())
