"""The recipes of docs/howto/once.rst with programs that are killed: each function is really called a second time.

The page's functions are wrapped by ``KILLED``, which writes each call down, and kills the program at a place.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from test_docs import blocks
from test_docs_examples import ROOT, write_files

from bureaucrat import Once

PAGE = "docs/howto/once.rst"
KILLED = """
import os, signal
import accounts, gateway, letters
from bureaucrat import participant
from bureaucrat.functions import Function

def die(place):
    if os.environ["KILL"] == place:
        os.kill(os.getpid(), signal.SIGKILL)

def deliver(letter, deliver=letters.deliver):
    die("before")
    deliver(letter)

letters.deliver = deliver

@participant("charge", once=accounts.once)
def charged(connection, account, amount):
    answer = accounts.charge(connection, account, amount)
    die("before")
    return answer

def watched(function, *names):
    def call(workitem):
        with open("calls", "a") as calls:
            calls.write(f"{workitem.key}\\n")
        answer = function(workitem, **{name: workitem.fields[name] for name in names})
        die("after")
        return answer
    return call

charge = participant("charge")(watched(Function.of(charged).answer))
pay = participant("pay")(watched(gateway.pay, "amount"))
post = participant("post")(watched(letters.post, "letter"))
del charged
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A folder with the page's files, and the module that kills."""
    write_files(PAGE, tmp_path)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        database.executescript((tmp_path / "tables.sql").read_text())
    (tmp_path / "killed.py").write_text(KILLED)
    return tmp_path


class Gateway(BaseHTTPRequestHandler):
    """Books once for each key, and answers the same again."""

    booked: dict[str, str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        id = self.booked.setdefault(self.headers["Idempotency-Key"], f"P-{len(self.booked) + 1}")
        body = json.dumps({"id": id}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def gateway(booked: dict[str, str]) -> Iterator[str]:
    """Its address, while it runs."""
    handler = type("Booking", (Gateway,), {"booked": booked})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/payments"
        finally:
            server.shutdown()
            thread.join()


def run(folder: Path, process: str, kill: str, *fields: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """``bureaucrat run``; on the database of one that was killed it goes on with what is there."""
    command = [sys.executable, "-m", "bureaucrat", "run", process, "-p", "killed.py", "--db", "run.db", "--json"]
    return subprocess.run(
        [*command, *(part for field in fields for part in ("-f", field))],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "KILL": kill, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def killed_and_continued(folder: Path, process: str, place: str, *fields: str, **environment: str) -> dict[str, Any]:
    """Run it, have it killed at a place, and run it to its rest; how the instance is then."""
    first = run(folder, process, place, *fields, **environment)
    assert first.returncode == -signal.SIGKILL, first.stderr
    second = run(folder, process, "", *fields, **environment)
    found: dict[str, Any] = json.loads(second.stdout.splitlines()[0])
    return found


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_charge_is_made_once_wherever_its_program_was_killed(page: Path, place: str) -> None:
    """Before the commit nothing was done; after it the second call gives the first one's answer."""
    told = killed_and_continued(page, "charged.xml", place, "account=ann", "amount:int=30")

    first, second = calls(page)
    assert first == second
    assert (told["status"], told["fields"]["left"]) == ("completed", 70)
    with closing(sqlite3.connect(page / "shop.db")) as database:
        assert database.execute("SELECT balance FROM accounts").fetchall() == [(70,)]
        assert database.execute("SELECT id, answer FROM bureaucrat_once").fetchall() == [(first, '{"left": 70}')]


def test_the_tables_that_the_page_shows_are_those_of_once() -> None:
    """For each database, and the literal name."""
    shown = "\n".join(block.text for block in blocks() if block.page == PAGE and block.language == "sql")

    assert [name for name in ("sqlite", "postgresql", "mysql") if Once(sqlite3.connect).ddl(name) not in shown] == []


def test_a_payment_that_was_booked_before_the_kill_is_not_booked_again(page: Path) -> None:
    """The gateway knows the key."""
    booked: dict[str, str] = {}
    with gateway(booked) as address:
        told = killed_and_continued(page, "paid.xml", "after", "amount:int=30", GATEWAY=address)

    first, second = calls(page)
    assert first == second
    assert booked == {first: "P-1"}
    assert (told["status"], told["fields"]["payment"]) == ("completed", "P-1")


@pytest.mark.parametrize(("place", "delivered"), [("before", ""), ("after", "dear ann\n")])
def test_a_letter_is_posted_at_most_once_and_a_person_is_asked(page: Path, place: str, delivered: str) -> None:
    """Killed before or after the effect: the second call does nothing, because it cannot know."""
    (page / "delivered.txt").touch()

    told = killed_and_continued(page, "posted.xml", place, "letter=dear ann")

    first, second = calls(page)
    assert first == second
    assert told["status"] == "faulted"
    assert [incident["code"] for incident in told["incidents"]] == ["Unsure"]
    assert (page / "delivered.txt").read_text() == delivered
