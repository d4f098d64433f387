"""Processes that events and schedules start, on the daemon as it runs (L80, L81)."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import uuid
from contextlib import closing
from typing import Any

from service import Client, Service, until

PLACED = """
<process name="placed" key="order_id" unique="yes">
  <start event="order_placed"><condition>event["amount"] &gt; 100</condition></start>
  <context><property name="order_id" type="str" required="yes"/></context>
  <action participant="check"/>
  <await event="order_placed" since="start" key="order_id" property="again"/>
  <action participant="close"/>
</process>
"""
YEARLY = """
<process name="yearly">
  <start cron="0 0 1 1 *" timezone="Europe/Berlin"/>
  <assign property="tick">context["inst:tick"]</assign>
</process>
"""


def run(service: Service, *arguments: str) -> str:
    command = [sys.executable, "-m", "bureaucrat", *arguments, "-c", str(service.config)]
    ended = subprocess.run(command, cwd=service.folder, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def deploy(service: Service, name: str, text: str) -> None:
    (service.folder / f"{name}.xml").write_text(text)
    assert f"{name}@1 " in run(service, "deploy", f"{name}.xml")


def started_by(event: str, process: str = "placed") -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{event}/{process}").hex


def of(service: Service, process: str) -> list[Any]:
    return [id for (id,) in service.rows("SELECT id FROM instances WHERE process = ? ORDER BY started", process)]


def test_an_event_starts_an_instance_once_which_does_not_consume_it(service: Service, client: Client) -> None:
    deploy(service, "placed", PLACED)
    body = {"order_id": "1017", "amount": 120}

    client.event("order_placed", {"order_id": "1016", "amount": 99}, message_id="small")
    for _ in range(3):
        client.event("order_placed", body, message_id="event-1")
    attempt = client.attempt("check")
    attempt.answer()
    until(lambda: service.rows("SELECT 1 FROM waits WHERE fresh = 0"), "it waits for the next event")
    client.event("order_placed", {**body, "amount": 130}, message_id="event-2")
    client.attempt("close").answer()

    ended = client.ended(started_by("event-1"))
    assert ended["fields"]["again"] == {"order_id": "1017", "amount": 130}
    assert (attempt.fields["amount"], attempt.fields["order_id"]) == (120, "1017")
    assert of(service, "placed") == [started_by("event-1")]
    reason = f"placed 1017 is unfinished already, and its key is unique: instance {started_by('event-1')}"
    assert service.rows("SELECT message_id, reason FROM dead_letters") == [(started_by("event-2"), reason)]


def test_a_signal_on_the_bus_starts_too(service: Service, client: Client) -> None:
    deploy(service, "placed", PLACED)
    body = json.dumps({"order_id": "1018", "amount": 120}).encode()

    client.channel.basic_publish("bureaucrat.signals", "order_placed", body, mandatory=True)

    client.attempt("check").answer()
    assert len(until(lambda: service.rows("SELECT id FROM instances WHERE business_key = '1018'"), "it is there")) == 1


def test_a_daemon_that_is_killed_between_event_and_start_starts_one(service: Service, client: Client) -> None:
    deploy(service, "placed", PLACED)
    before = of(service, "placed")

    for number in range(20):
        body = {"order_id": f"k{number}", "amount": 120}
        client.event("order_placed", body, message_id=f"killed-{number}")
        if number % 5 == 0:
            service.kill()
            service.start()
    client.event("order_placed", {"order_id": "last", "amount": 120}, message_id="last")
    until(lambda: service.status(started_by("last")), "the last one is there")

    expected = {started_by(f"killed-{number}") for number in range(20)} | {started_by("last")}
    until(lambda: set(of(service, "placed")) >= expected, "they are all there")
    assert sorted(of(service, "placed")) == sorted([*before, *expected])


def test_a_tick_that_passed_while_the_daemon_was_down_is_started_once(service: Service, client: Client) -> None:
    deploy(service, "yearly", YEARLY)
    service.kill()
    with closing(sqlite3.connect(service.database)) as connection, connection:
        connection.execute("UPDATE schedules SET due = due - 366 * 86400 WHERE process = 'yearly'")
    ((due,),) = service.rows("SELECT due FROM schedules WHERE process = 'yearly'")

    service.start()
    ((id,),) = until(lambda: service.rows("SELECT id FROM instances WHERE process = 'yearly'"), "it is started")
    service.kill()
    service.start()

    assert client.ended(id)["fields"]["tick"] >= due
    assert of(service, "yearly") == [id]


def test_one_is_started_when_a_person_asks_for_it_and_none_while_it_is_paused(service: Service, client: Client) -> None:
    deploy(service, "yearly", YEARLY)
    before = of(service, "yearly")

    paused = run(service, "schedules", "pause", "yearly")
    answer = run(service, "schedules", "run", "yearly", "--json")
    id = json.loads(answer)["answer"].rpartition(" ")[2]

    client.ended(id)
    (row,) = json.loads(run(service, "schedules", "list", "yearly", "--json"))["schedules"]
    assert paused.startswith("yearly paused\n")
    assert (row["instance"], row["status"], row["next"], row["paused"]) == (id, "completed", None, True)
    assert of(service, "yearly") == [*before, id]
