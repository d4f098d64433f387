"""``bureaucrat doctor`` beside a database: what is late, what is kept back, histories, and how it speaks."""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from damaged import populate, run_sql
from fake_terminal import Terminal
from operated import NOON, Office, Said
from operated_processes import ORDER, PAGES, PAUSE, SHIPPING

from bureaucrat.engine.settings import Settings
from bureaucrat.ports import DeadRow, DestinationRow, EventRow, MailRow, OutboxRow, PauseRow


def texts(said: Said) -> list[tuple[str, str, str | None]]:
    return [(one["check"], one["text"], one["instance"]) for one in said.json["findings"]]


async def test_what_is_due_and_not_done_is_told(office: Office) -> None:
    engine = await office.open()
    nightly = '<process name="nightly"><start cron="0 3 * * *"/></process>'
    await engine.registry.register({"nightly.xml": engine.definitions.read(nightly)}, "bea")
    await office.start(PAUSE, "p1")
    await office.later(86_400)
    mail = [MailRow(7, "p1", b'["Resume",{}]', NOON), MailRow(8, "", b'["Resume",{}]', NOON)]
    await office.write(mail=mail, events=[EventRow(3, "m3", "paid", b"{}", NOON)])

    said = await office.says("doctor", "--json")

    assert said.code == 5
    assert texts(said) == [
        ("undone", "its branch at the root was to be woken 57,600 s ago, and was not", "p1"),
        ("undone", "a message waits for it since 86,401 s, and is not taken", "p1"),
        ("undone", "a message waits for the engine since 86,401 s, and is not taken", None),
        ("undone", "the event paid (m3) was accepted 86,401 s ago, and not offered to all", None),
        ("undone", "schedule 0 of nightly was to tick 32,401 s ago, and has not", None),
    ]


async def test_without_a_daemon_what_waits_is_told_once(office: Office) -> None:
    await office.open()
    await office.start(PAUSE, "p1")
    await office.later(86_400)
    await office.close()

    said = await office.says("doctor", "--json")
    await office.open()

    assert texts(said) == [("daemon", "no daemon works on b.db: 1 unfinished instances stand still", None)]


async def test_messages_that_cannot_leave_are_told_by_their_queue(office: Office) -> None:
    await office.open()
    rows = [OutboxRow(n, "worker_ship" if n < 3 else "", b"x", NOON + n) for n in (1, 2, 3)]
    kept = OutboxRow(4, "worker_ship", b"x", NOON, participant="ship")
    await office.write(outbox=[*rows, kept])
    await office.later(100)

    said = await office.says("doctor", "--json")

    assert texts(said) == [
        ("outbox", "2 messages for worker_ship wait to be published, the first for 99 s", None),
        ("outbox", "1 messages for an exchange wait to be published, the first for 97 s", None),
    ]


async def test_attempts_that_nobody_can_have_are_told_and_sent_again(office: Office) -> None:
    await office.open()
    await office.start(SHIPPING, "s1")
    await office.write(destinations=[DestinationRow("worker_ship", 0, 0, NOON, NOON)])
    await office.later(100)

    said = await office.says("doctor", "--json")
    office.run()
    again = await office.says("doctor", "--repair", "--who", "bea@desk")

    assert texts(said) == [
        ("attempts", "its attempt 1 for ship is in no queue, and nobody is there who could have it", "s1")
    ]
    assert "s1: mended: attempt 1 is sent again; attempt 2 is sent again" in again.out
    assert again.code == 5  # whoever is to do it is not there yet


async def test_attempts_that_are_only_kept_back_are_not_lost(office: Office) -> None:
    await office.open()
    await office.start(SHIPPING, "s1")
    silent = DestinationRow("celery", 0, 0, NOON, NOON, "ship")
    row = OutboxRow(4, "celery", b"x", NOON, "s1", 1, branch="_0_0", participant="ship")
    await office.write(destinations=[silent], outbox=[row])
    await office.later(100)

    assert (await office.says("doctor")).code == 0


async def test_paused_participants_and_old_letters_are_advice(office: Office) -> None:
    await office.open()
    await office.start(SHIPPING, "s1")
    row = OutboxRow(4, "celery", b"x", NOON, "s1", 1, branch="_0_0", participant="ship")
    letter = DeadRow(7, NOON, "bureaucrat_msgs", "no instance has this id", "m7", b"x", sha256(b"x").hexdigest())
    pauses = [PauseRow("ship", NOON, "bea@desk", "the carrier moves"), PauseRow("nobody", NOON, "bea@desk")]
    await office.write(outbox=[row], dead=[letter], pauses=pauses)
    await office.later(8 * 86_400)
    run_sql(
        office,
        "UPDATE branches SET due = NULL",
        "UPDATE branches SET state = json_set(state, '$[4][0].timers', json('{}'))",
    )

    said = await office.says("doctor")

    assert said.code == 0
    assert "1 attempts wait for ship, which bea@desk has paused: the carrier moves" in said.out
    assert "bureaucrat participants resume ship --db b.db   has them leave" in said.out
    assert (
        "1 messages that no instance took are older than 7 days; the last of them: no instance has this id" in said.out
    )
    assert said.out.splitlines()[-1].endswith("2 advice")


async def test_rows_of_an_event_that_is_gone_are_advice(office: Office) -> None:
    await office.open()
    await office.write(consumed=[(5, "x", "", 1)])

    said = await office.says("doctor", "--json")

    assert (said.code, texts(said)) == (
        0,
        [("strays", "there are rows in consumed of the event 5, which is not kept: they do nothing", None)],
    )


# histories


@pytest.fixture
def full(office: Office) -> Office:
    """An engine that keeps all of every history."""
    office.settings = Settings(sweep=0.02, history="full")
    return office


async def test_full_histories_are_applied_again_and_give_the_state_that_is_stored(full: Office) -> None:
    await populate(full)
    await full.start(PAGES, "g1")
    for _ in range(3):
        await full.answer("g1")

    said = await full.says("doctor", "--json")

    assert (said.code, said.json["findings"]) == (0, [])
    assert said.json["replayed"] == said.json["instances"] == 12


async def test_a_state_that_its_history_does_not_give_is_told(full: Office) -> None:
    await populate(full)
    run_sql(
        full,
        "UPDATE \"values\" SET value = json_set(value, '$.order_id', '9999') WHERE instance = 'o1' AND name = ''",
        "UPDATE instances SET state = json_set(state, '$.started', 7.5), started = 7.5 WHERE id = 'w1'",
    )

    said = await full.says("doctor", "--json")

    assert texts(said) == [
        ("replay", "its history, applied again, gives another state: values in the first branch differ", "o1")
    ]


async def test_a_history_with_gaps_is_told_and_one_that_cannot_be_applied(full: Office) -> None:
    await populate(full)
    run_sql(
        full,
        "DELETE FROM history WHERE instance = 's1' AND number = 4",
        "UPDATE history SET detail = '[\"Nothing\",{}]' WHERE instance = 'o1' AND number = 1",
    )

    found = texts(await full.says("doctor", "--json"))

    assert [(check, instance) for check, _, instance in found] == [("history", "s1"), ("replay", "o1")]
    assert found[0][1].startswith(
        "1 of the 8 entries of its history are missing, unless [bureaucrat] history was changed"
    )
    assert found[1][1] == "its history cannot be applied again: KeyError: 'Nothing'"


async def test_a_history_that_goes_on_after_a_mend_gives_the_same_state(full: Office) -> None:
    await populate(full)
    await full.close()
    run_sql(full, "UPDATE branches SET due = NULL WHERE instance = 'o1'")
    await full.open()
    full.run()

    mended = await full.says("doctor", "--repair", "--who", "bea@desk", "--reason", "after the crash")
    await full.says("suspend", "o1", "--who", "bea@desk")
    said = await full.says("doctor", "--json")
    shown = await full.says("show", "o1", "--history")
    audit = await full.says("audit", "o1", "--json")

    assert (mended.code, said.code) == (0, 0), mended.out + said.out
    assert said.json["replayed"] == 11
    assert "mended" in shown.out
    assert ("mend", "after the crash") in [(one["command"], one["reason"]) for one in audit.json["orders"]]


# how it speaks


async def test_of_one_instance_only_that_is_told(office: Office) -> None:
    await populate(office)
    run_sql(office, "UPDATE branches SET due = NULL WHERE instance IN ('o1', 't1')")

    said = await office.says("doctor", "--instance", "1017")
    strange = await office.says("doctor", "--instance", "9999")

    assert said.code == 5
    assert "o1: its branch at the root is woken never" in said.out
    assert "t1" not in said.out
    assert (strange.code, strange.out) == (4, "")


async def test_nothing_is_mended_while_nobody_takes_orders(office: Office) -> None:
    await populate(office)
    run_sql(office, "UPDATE branches SET due = NULL WHERE instance = 'o1'")

    said = await office.says("doctor", "--repair", "--timeout", "0.1s")
    hasty = await office.says("doctor", "--repair", "--no-wait")

    assert (said.code, hasty.code) == (5, 5)
    assert "nobody took it in 0.1 s" in said.out
    assert hasty.out.splitlines()[-1] == "see what comes of it   bureaucrat audit --db b.db"


async def test_what_can_no_longer_be_mended_is_refused(office: Office) -> None:
    await populate(office)
    run_sql(office, "UPDATE branches SET due = NULL WHERE instance = 'o1'")
    await office.says("doctor", "--repair", "--no-wait")
    await office.says("doctor", "--repair", "--no-wait")

    office.run()
    await office.taken()

    audits = await office.storage.audits("o1")
    assert [(row.outcome, row.answer) for row in audits] == [
        ("refused", "nothing is wrong with it that can be derived from the rest"),
        ("done", "its branch at the root is woken never, and its timers say at 1795609802.000"),
    ]


async def test_of_very_many_findings_the_first_are_shown(office: Office) -> None:
    await office.open()
    for number in range(25):
        await office.start(PAUSE, f"p{number:02}")
    run_sql(office, "UPDATE branches SET due = NULL")

    said = await office.says("doctor")

    assert said.out.count("is woken never") == 20
    assert "    5 more   bureaucrat doctor --json --db b.db" in said.out


async def test_a_terminal_sees_how_far_it_is(
    office: Office, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await populate(office)
    monkeypatch.setattr(sys, "stdout", terminal)

    said = await office.says("doctor")

    assert said.code == 0
    assert "11 instances" in terminal.text


async def test_a_database_that_cannot_be_read_to_its_end_is_told(office: Office) -> None:
    await populate(office)
    await office.close()
    overwrite(office.path, "branches")

    said = await office.says("doctor", "--json")
    office.path.unlink()
    await office.open()

    assert said.code == 5
    assert {one["check"] for one in said.json["findings"]} == {"database", "daemon"}
    assert any("the round ended after 0 instances" in one["text"] for one in said.json["findings"])


def overwrite(path: Path, table: str) -> None:
    """Write over the first page of a table."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        ((page,),) = connection.execute(query, (table,)).fetchall()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 1_000)


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503)
        self.end_headers()
        self.wfile.write(json.dumps({"status": "not ready", "reasons": ["the broker is away"]}).encode())

    def log_message(self, format: str, *args: object) -> None:
        return None


@pytest.fixture
def unready() -> Iterator[int]:
    """The port of something that is not ready."""
    with HTTPServer(("127.0.0.1", 0), _Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


async def test_the_daemon_of_the_settings_is_asked_how_it_is(office: Office, tmp_path: Path, unready: int) -> None:
    await office.open()
    await office.start(ORDER, "o1", order_id="1")
    config = f"[storage]\nurl = sqlite:///{office.path}\n[health]\nlisten = 127.0.0.1:{{}}\n"
    (tmp_path / "a.ini").write_text(config.format(unready))
    (tmp_path / "b.ini").write_text(config.format(1))

    unwell = await office.command("doctor", "-c", "a.ini", "--json")
    absent = await office.command("doctor", "-c", "b.ini", "--json")

    assert ("daemon", "the daemon is not ready: the broker is away", None) in texts(unwell)
    assert ("daemon", f"a daemon works on {office.path}, and nothing answers at 127.0.0.1:1", None) in texts(absent)
