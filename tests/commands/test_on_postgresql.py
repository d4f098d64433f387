"""Commands on a database of PostgreSQL, as programs of their own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from command_shell import Shell
from operated import Office
from operated_processes import ORDER
from postgres import Postgres

from bureaucrat.errors import ConfigurationError
from bureaucrat.storage.postgresql import PostgresqlStorage
from bureaucrat.stores import file_of, open_storage, url_of

A = "0199aaaa0000aaaa0000000000000000"


async def test_instances_are_listed_and_commands_are_left(office: Office, shell: Shell, postgres: Postgres) -> None:
    """By programs beside the engine."""
    url = postgres.url(postgres.emptied_database())
    office.storage = PostgresqlStorage(url)
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")

    listed = shell.run("ps", "--db", url, "--json")
    by_settings = shell.run("ps", "--json", BUREAUCRAT_STORAGE_URL=url)
    asked = shell.run("suspend", A[:8], "--db", url, "--no-wait")
    await office.sweep()
    then = shell.run("show", A, "--db", url)

    assert [row["key"] for row in json.loads(listed.stdout)["instances"]] == ["1017"]
    assert [row["key"] for row in json.loads(by_settings.stdout)["instances"]] == ["1017"]
    assert "suspended" in then.stdout, asked.stdout + asked.stderr
    assert f"--db {url}" in then.stdout


def test_run_keeps_to_its_file(shell: Shell) -> None:
    (shell.folder / "p.xml").write_text('<process name="p"/>')

    done = shell.run("run", "p.xml", "--db", "postgresql://u:s3cret@db/x")

    assert (done.returncode, "s3cret" in done.stdout + done.stderr) == (3, False)
    assert "run keeps its state in a SQLite file" in done.stderr


def test_a_password_is_not_shown(shell: Shell, postgres: Postgres) -> None:
    url = postgres.url("none").replace("bureaucrat@", "bureaucrat:s3cret@")

    done = shell.run("ps", "--db", url)
    shown = shell.run("config", BUREAUCRAT_STORAGE_URL=url)

    assert (done.returncode, "s3cret" in done.stdout + done.stderr) == (3, False)
    assert "there is no such database" in done.stderr
    assert "bureaucrat:***@127.0.0.1" in shown.stdout
    assert "s3cret" not in shown.stdout


def test_without_asyncpg_a_database_of_postgresql_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("bureaucrat.storage.postgresql")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "asyncpg", None)

    with pytest.raises(ConfigurationError, match=r"pip install 'bureaucrat-engine\[postgresql\]'"):
        open_storage("postgresql://u@db/x", read_only=True)


def test_a_database_is_named_by_a_file_or_a_url() -> None:
    assert url_of("a b.db") == "sqlite:///a%20b.db"
    assert url_of("postgresql://u@db/x") == "postgresql://u@db/x"
    assert (file_of("sqlite:////srv/a%20b.db"), file_of("postgresql://u@db/x")) == (Path("/srv/a b.db"), None)
    with pytest.raises(ConfigurationError, match=r"'mysql://u:\*\*\*@db/x' names no storage"):
        open_storage("mysql://u:p@db/x", read_only=True)
