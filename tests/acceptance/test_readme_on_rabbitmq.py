"""README.rst, "On RabbitMQ": its three terminals, its program, and its plain AMQP client."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from rabbit import Rabbit
from reader import Day, reader
from service import until
from test_docs_examples import commands

PAGE = "README.rst"


@pytest.fixture
def day(tmp_path: Path, rabbit: Rabbit, vhost_url: str) -> Iterator[Day]:
    replaced = {
        "amqp://guest:guest@localhost:5672/%2F": vhost_url,
        "bureaucrat -f": "bureaucrat -p bureaucrat.pid -f",  # so that it meets no daemon of the machine
    }
    with reader(PAGE, tmp_path, rabbit, replaced) as made:
        made.environment["BUREAUCRAT_HEALTH_LISTEN"] = "off"
        yield made


def statuses(day: Day) -> dict[str, str]:
    with closing(sqlite3.connect(day.folder / "bureaucrat.db", timeout=30)) as database:
        return dict(database.execute("SELECT id, status FROM instances"))


def test_the_readme_does_what_it_says(day: Day) -> None:
    """B-031, B-041, B-096, B-106: a launch from the command line, from a program, and with a plain client."""
    daemon, worker, launch = [command for command, _ in commands(PAGE)]
    day.begin(daemon)
    day.begin(worker)
    until(lambda: (day.folder / "bureaucrat.db").exists(), "the daemon has a database")

    def launched() -> str:
        printed, code = day.bash(launch)
        return printed if code == 0 else ""  # the daemon may not have made its queues yet

    assert "completed in" in until(launched, "it is launched and completes")
    assert day.bash("python start.py") == ("completed\n", 0)
    instance, code = day.bash("python plain.py")
    assert code == 0
    until(lambda: statuses(day).get(instance.strip()) == "canceled", "it is canceled")
