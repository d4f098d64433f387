"""The floor under the engine on RabbitMQ: what any engine must at least do for a durable action, and nothing else.

For each action: publish a persistent message of 500 bytes to a quorum queue with a confirm (windows of 500), have an
echo in another process send it back the same way, write one row (SQLite, ``synchronous=FULL``, or PostgreSQL; as many
rows a commit as have come meanwhile), acknowledge after the commit. It knows no definition, no state and no retry.
Plain pika. DATABASE is a file, or a URL of PostgreSQL; ``loop`` prints the seconds it took.

    python tests/benchmarks/floor_loop.py echo URL
    python tests/benchmarks/floor_loop.py loop URL DATABASE INSTANCES ACTIONS
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pika
import psycopg
from pika.adapters.asyncio_connection import AsyncioConnection

OUT, BACK = "floor_out", "floor_back"
BODY = 500  #: bytes
WINDOW = 500
PREFETCH = 1000
PERSISTENT = pika.BasicProperties(delivery_mode=2)


async def connected(url: str) -> Any:
    """A channel on a connection of its own."""
    loop = asyncio.get_running_loop()
    opened: asyncio.Future[Any] = loop.create_future()
    connection = AsyncioConnection(
        pika.URLParameters(url),
        on_open_callback=lambda connection: connection.channel(on_open_callback=opened.set_result),
        on_open_error_callback=lambda connection, error: opened.set_exception(error),
    )
    channel = await opened
    channel.connection_kept = connection
    return channel


async def asked(call: Callable[..., Any], **arguments: Any) -> None:
    """Wait for a method's answer."""
    done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    call(callback=done.set_result, **arguments)
    await done


class Publisher:
    """Publishes with confirms, a window at a time; tells how far the broker has confirmed."""

    def __init__(self, channel: Any, queue: str) -> None:
        self._channel = channel
        self._queue = queue
        self._waiting: deque[tuple[bytes, int]] = deque()
        self._under_way: dict[int, int] = {}
        self._tag = 0
        self.confirmed: Callable[[list[int]], None] = lambda marks: None

    async def start(self) -> None:
        await asked(self._channel.confirm_delivery, ack_nack_callback=self._acked)

    def publish(self, body: bytes, mark: int) -> None:
        self._waiting.append((body, mark))

    def go_on(self) -> None:
        while self._waiting and len(self._under_way) < WINDOW:
            body, mark = self._waiting.popleft()
            self._tag += 1
            self._under_way[self._tag] = mark
            self._channel.basic_publish("", self._queue, body, PERSISTENT)

    def _acked(self, frame: Any) -> None:
        tag = frame.method.delivery_tag
        tags = [one for one in self._under_way if one <= tag] if frame.method.multiple else [tag]
        self.confirmed([self._under_way.pop(one) for one in tags])
        self.go_on()


async def echo(url: str) -> None:
    """Send back what comes, and acknowledge it after the confirm."""
    incoming, outgoing = await connected(url), await connected(url)
    publisher = Publisher(outgoing, BACK)
    await publisher.start()
    publisher.confirmed = lambda tags: [incoming.basic_ack(tag) for tag in tags] and None
    await asked(incoming.basic_qos, prefetch_count=PREFETCH)

    def take(channel: Any, method: Any, properties: Any, body: bytes) -> None:
        publisher.publish(body, method.delivery_tag)
        publisher.go_on()

    incoming.basic_consume(OUT, take)
    await asyncio.Event().wait()


async def loop(url: str, database: str, instances: int, actions: int) -> float:
    """Every instance goes round `actions` times; returns the seconds from the first message to the last commit."""
    incoming, outgoing = await connected(url), await connected(url)
    for queue in (OUT, BACK):
        await asked(incoming.queue_declare, queue=queue, durable=True, arguments={"x-queue-type": "quorum"})
    publisher = Publisher(outgoing, OUT)
    await publisher.start()
    await asked(incoming.basic_qos, prefetch_count=PREFETCH)
    buffer: list[tuple[int, bytes]] = []
    news = asyncio.Event()

    def take(channel: Any, method: Any, properties: Any, body: bytes) -> None:
        buffer.append((method.delivery_tag, body))
        news.set()

    incoming.basic_consume(BACK, take)
    thread = ThreadPoolExecutor(1)
    run = asyncio.get_running_loop().run_in_executor
    connection = await run(thread, opened, database)
    began, left = time.perf_counter(), instances * actions
    for number in range(instances):
        publisher.publish(message(number, 0), 0)
    publisher.go_on()
    while left:
        await news.wait()
        news.clear()
        taken, buffer[:] = list(buffer), []
        rows = [(int(body[:10]), int(body[10:20]), body) for _, body in taken]
        await run(thread, written, connection, rows)
        incoming.basic_ack(taken[-1][0], multiple=True)
        left -= len(rows)
        for number, turn, _ in rows:
            if turn + 1 < actions:
                publisher.publish(message(number, turn + 1), 0)
        publisher.go_on()
    return time.perf_counter() - began


def message(number: int, turn: int) -> bytes:
    return b"%010d%010d" % (number, turn) + b"x" * (BODY - 20)


def opened(database: str) -> Any:
    table = "CREATE TABLE steps (instance INTEGER, turn INTEGER, body {}, PRIMARY KEY (instance, turn))"
    if database.startswith("postgresql:"):
        server = psycopg.connect(database, autocommit=True)
        server.execute(table.format("BYTEA"))
        return server
    connection = sqlite3.connect(database, isolation_level=None)
    pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    connection.executescript(f"{pragmas}{table.format('BLOB')} WITHOUT ROWID")
    return connection


def written(connection: Any, rows: list[tuple[int, int, bytes]]) -> None:
    if isinstance(connection, psycopg.Connection):
        columns = ([row[column] for row in rows] for column in range(3))
        connection.execute("INSERT INTO steps SELECT * FROM unnest(%s::int[], %s::int[], %s::bytea[])", tuple(columns))
        return
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO steps VALUES (?, ?, ?)", rows)
    connection.execute("COMMIT")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["echo", url]:
            asyncio.run(echo(url))
        case ["loop", url, database, instances, actions]:
            print(asyncio.run(loop(url, database, int(instances), int(actions))))
        case _:
            sys.exit(__doc__)
