"""Many values through one agent: replies as they come (map), and in the order of the values (join)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable

from bureaucrat import streams as faust
from bureaucrat.streams import StreamT

app = faust.App("squares-example")


@app.agent(concurrency=4)
async def squares(stream: StreamT[int]) -> AsyncIterable[int]:
    async for value in stream:
        yield value**2


async def main() -> None:
    async with app:
        print(await squares.join([1, 2, 3, 4, 5, 6, 7, 8]))
        print(sorted([reply async for reply in squares.map(range(4))]))
        print(sum([reply async for reply in squares.kvmap([("even", 2), ("odd", 3)])]))


if __name__ == "__main__":
    asyncio.run(main())
