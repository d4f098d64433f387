"""``keyed_worker.py URL FILE``: a worker that writes a line for each event: key, number and process."""

from __future__ import annotations

import asyncio
import os
import sys

from bureaucrat import streams as faust

PARTITIONS = 6


def declared(url: str) -> tuple[faust.App, faust.Topic]:
    """The app and its topic, for workers and for who sends."""
    app = faust.App("keyed", broker=url, topic_partitions=PARTITIONS, member_interval=0.2)
    return app, app.topic("keyed", key_type=str, value_type=int)


async def main(url: str, file: str) -> None:
    app, topic = declared(url)
    out = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    @app.agent(topic, name="keyed")
    async def keyed(stream: faust.StreamT[int]) -> None:
        async for key, number in stream.items():
            os.write(out, f"{key} {number} {os.getpid()}\n".encode())

    async with app:
        await app.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
