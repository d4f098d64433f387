"""An event that 10,000 instances wait for wakes each once, over a ``kill -9`` in the middle, and the others go on.

``FULL=1``: 50,000.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from crowd import fill
from rabbit import Rabbit
from service import Client, Service, until

from bureaucrat.definition.reader import read

WAITING = 50_000 if os.environ.get("FULL") else 10_000
TICKERS = 5
#: Whoever were woken twice would come to the end.
PROCESS = """
<process name="crowd">
  <context><property name="key" type="str"/><property name="woken" type="int">0</property></context>
  <await id="first" event="doors" since="start"/>
  <assign property="woken">woken + 1</assign>
  <await id="second" event="doors" since="start"/>
  <assign property="woken">woken + 1</assign>
</process>
"""
TICKER = """
<process name="ticker">
  <context><property name="turns" type="int">0</property></context>
  <while><condition>True</condition><delay duration="20ms"/><assign property="turns">turns + 1</assign></while>
</process>
"""
ASK = '<process name="p"><action participant="desk"/></process>'
#: What the crowd has done, and how much the others did between its first and its last step beyond a row.
WOKEN = "SELECT count(*) FROM consumed"
LAST_ROW = "SELECT coalesce(max(rowid), 0) FROM history"
#: turns of tickers, and others that have ended, between the first and the last wake beyond a row of the history; rows
#: stand in the order in which they were committed
MEANWHILE = """
WITH woken (first, last) AS (
    SELECT min(rowid), max(rowid) FROM history
    WHERE rowid > ?1 AND rowid <= ?2 AND instance LIKE 'crowd-%' AND what = 'completed'
)
SELECT count(*), count(DISTINCT instance) FROM history, woken
WHERE rowid > first AND rowid < last AND what = 'completed' AND instance LIKE ?3
"""


def test_an_event_wakes_all_that_wait_once_each_over_a_kill_and_the_others_go_on(
    tmp_path: Path, rabbit: Rabbit
) -> None:
    service = Service(tmp_path, rabbit.vhost_url(rabbit.fresh_vhost()))
    asyncio.run(filled(service.database, [f"crowd-{number:06}" for number in range(WAITING)]))
    try:
        service.start()
        with Client(service.url) as client:
            for number in range(TICKERS):
                client.launch(TICKER, f"ticker-{number}")
            until(lambda: service.statuses() == {"running": WAITING + TICKERS}, "the tickers run")
            client.event("doors", {}, message_id="doors")
            until(lambda: service.rows(WOKEN)[0][0] > WAITING // 5, "some are woken")
            served(client, "ask-1")
            service.kill()
            at_kill, row_at_kill = service.rows(WOKEN)[0][0], service.rows(LAST_ROW)[0][0]
            service.begin()
            until(lambda: service.rows(WOKEN)[0][0] > at_kill, "more are woken")
            served(client, "ask-2")
            client.ended("ask-2")
            until(lambda: service.rows("SELECT 1 FROM events WHERE cursor IS NULL"), "all are woken")
            client.ended("ask-1")
        end = service.rows(LAST_ROW)[0][0]
    finally:
        service.kill()

    assert 0 < at_kill < WAITING
    consumed = "SELECT count(*), count(DISTINCT instance), count(DISTINCT event) FROM consumed"
    assert service.rows(consumed) == [(WAITING, WAITING, 1)]
    waits = "SELECT count(*), count(DISTINCT instance) FROM waits WHERE instance LIKE 'crowd-%'"
    assert service.rows(waits) == [(WAITING, WAITING)]
    values = """SELECT value, count(*) FROM "values" WHERE instance LIKE 'crowd-%' AND name = 'woken' GROUP BY value"""
    assert service.rows(values) == [("1", WAITING)]
    done = "SELECT count(*), count(DISTINCT instance) FROM history WHERE instance LIKE 'crowd-%' AND what = 'completed'"
    assert service.rows(done)[0] == (2 * WAITING, WAITING)
    for first, last in ((0, row_at_kill), (row_at_kill, end)):
        turns, tickers = service.rows(MEANWHILE, first, last, "ticker-%")[0]
        assert (tickers, turns > 2 * TICKERS) == (TICKERS, True)
    assert service.rows(MEANWHILE, row_at_kill, end, "ask-2")[0][1] == 1


def served(client: Client, instance: str) -> None:
    """Launch an instance, and answer its attempt; and others that come twice, for the daemon was killed."""
    client.launch(ASK, instance)
    target = ""
    while target != f"{instance}_0":
        attempt = client.attempt("desk")
        target = attempt.header["target"]
        attempt.answer()


async def filled(database: Path, names: list[str]) -> None:
    storage = await fill(database, read(PROCESS), "key", names)
    await storage.close()
