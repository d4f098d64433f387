"""What is tried before detaching: each failure with its place and its remedy, exit code 3."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from postgres import Postgres
from prometheus_client import CollectorRegistry

from bureaucrat import daemon
from bureaucrat.commands.failure import Exit, Failure
from bureaucrat.config import Config, load
from bureaucrat.daemon import checks, pidfile, root, service
from bureaucrat.daemon.announcer import Announcer
from bureaucrat.daemon.health import Status
from bureaucrat.daemon.notify import Notifier
from bureaucrat.errors import BrokerUnavailable
from bureaucrat.storage.sqlite_file import Claim


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Config]:
    """The settings of a file config.ini with the given text, in the folder of the test."""
    monkeypatch.chdir(tmp_path)

    def made(text: str) -> Config:
        Path("config.ini").write_text(text, encoding="utf-8")
        return load(Path("config.ini"), {"STATE_DIRECTORY": str(tmp_path / "state")})

    return made


Read = Callable[[str], Config]


def failure(check: Callable[[], object]) -> list[str]:
    with pytest.raises(Failure) as caught:
        check()
    assert caught.value.code == Exit.NOT_STARTED
    return list(caught.value.lines)


def test_celery_must_be_there_where_it_is_asked_for(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """B-021: the default kind, or an app that is to be imported; without either nobody minds."""
    monkeypatch.setitem(sys.modules, "celery", None)
    default = read("[bureaucrat]\ntaskqueue_type = celery\n")
    app = read("[celery]\napp = no_such_module:app\n")
    missing = "not started: Celery is not installed beside the daemon: pip install 'bureaucrat-engine[celery]'"

    assert failure(lambda: checks.celery(default)) == [
        missing,
        "from     config.ini:2  [bureaucrat] taskqueue_type",
        f"check    {sys.executable} -c 'import celery'",
    ]
    assert failure(lambda: checks.celery(app)) == [
        missing,
        "from     config.ini:2  [celery] app",
        f"check    {sys.executable} -c 'import no_such_module'",
    ]
    checks.celery(read(""))


def test_the_http_client_must_be_there_where_services_may_be_asked(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registered service, or hosts that are allowed; without either nobody minds."""
    allowed = read("[services]\nallow = *.example.com\n")
    registered = read("[service:charge]\nurl = https://example.com/\n")
    checks.services(allowed)
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    missing = (
        "not started: HTTP services need aiohttp, which is not installed: pip install 'bureaucrat-engine[http]'",
        f"check    {sys.executable} -c 'import aiohttp'",
    )

    for config, place in (
        (allowed, "from     config.ini:2  [services] allow"),
        (registered, "from     config.ini:1  [service:charge]"),
    ):
        assert failure(lambda config=config: checks.services(config)) == [missing[0], place, missing[1]]
    checks.services(read(""))


def test_authorities_that_cannot_be_read_stop_the_start(read: Read) -> None:
    """Where services may be asked at all."""
    config = read("[services]\nallow = *.example.com\nssl_ca = /no/such/ca.pem\n")

    assert failure(lambda: checks.services(config)) == [
        "not started: [services] ssl_ca: /no/such/ca.pem cannot be used: No such file or directory",
        "from     config.ini:3  [services] ssl_ca",
        "check    openssl x509 -noout -subject -in /no/such/ca.pem",
    ]


def test_an_app_that_cannot_be_imported_stops_the_start(read: Read) -> None:
    """While there is a terminal; a default without an app needs nothing but Celery."""
    app = read("[celery]\napp = no_such_module:app\n")

    assert failure(lambda: checks.celery(app))[0] == (
        "not started: the Celery app 'no_such_module:app' cannot be imported: "
        "ModuleNotFoundError: No module named 'no_such_module'"
    )
    checks.celery(read("[bureaucrat]\ntaskqueue_type = celery\n"))


def test_a_pid_file_that_cannot_be_written_is_told(read: Read, tmp_path: Path) -> None:
    """With one that can."""
    config = read("")

    assert failure(lambda: checks.lock(tmp_path / "none" / "b.pid", config)) == [
        f"not started: the pid file {tmp_path}/none/b.pid cannot be written (No such file or directory)",
        "from     --pid-file",
        f"change   bureaucrat --pid-file {tmp_path}/state/bureaucrat.pid",
    ]


def test_a_pid_file_without_a_number_is_told_without_commands(read: Read, tmp_path: Path) -> None:
    """There is no process to name."""
    held = checks.lock(tmp_path / "b.pid", read(""))
    (tmp_path / "b.pid").write_text("")

    assert failure(lambda: checks.lock(tmp_path / "b.pid", read(""))) == [
        f"not started: Already running according to {tmp_path}/b.pid",
        "from     --pid-file",
        "or       another file with --pid-file",
    ]
    held.remove()


def test_the_default_pid_file_brings_its_directory(read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of who may not write to /var/run."""
    monkeypatch.setattr(pidfile, "DEFAULT", tmp_path / "none" / "bureaucrat.pid")

    file = checks.lock(None, read(""))

    assert (tmp_path / "state" / "bureaucrat.pid").read_text() == f"{os.getpid()}\n"
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    file.remove()


def test_a_log_that_cannot_be_written_is_told_with_its_place(read: Read, tmp_path: Path) -> None:
    """The setting, or the sections of logging.config."""
    of_file = read("[log]\nfile = none/a.log\n")
    of_sections = read("[formatters]\nkeys = plain\n[handlers]\nkeys=\n[loggers]\nkeys=root\n")

    assert failure(lambda: checks.log(of_file, foreground=False)) == [
        f"not started: the log {tmp_path}/none/a.log cannot be written (No such file or directory); "
        "choose another file",
        "from     config.ini:2  [log] file",
    ]
    assert failure(lambda: checks.log(of_sections, foreground=False)) == [
        "not started: the sections of logging.config cannot be used (KeyError: 'formatter_plain'); "
        "see logging.config.fileConfig in Python's documentation, or remove them",
        "from     config.ini  [formatters] …",
    ]


def test_the_state_directory_is_made_for_the_database(read: Read, tmp_path: Path) -> None:
    """For its owner only."""
    checks.database(read(""))

    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert list((tmp_path / "state").iterdir()) == []


def test_no_other_directory_is_made(read: Read, tmp_path: Path) -> None:
    """A typing error should not become a folder."""
    config = read("[storage]\nurl = sqlite:///none/b.db\n")

    assert failure(lambda: checks.database(config)) == [
        f"not started: the database {tmp_path}/none/b.db cannot be used (No such file or directory)",
        "from     config.ini:2  [storage] url",
        f"make     mkdir -p {tmp_path}/none",
    ]
    assert not (tmp_path / "none").exists()


def test_a_database_that_cannot_be_opened_is_told(read: Read, tmp_path: Path) -> None:
    """F8: here it is a directory."""
    (tmp_path / "b.db").mkdir()
    config = read("[bureaucrat]\nstorage_dir = .\n[storage]\n")
    config = replace(config, storage=replace(config.storage, url=f"sqlite:///{tmp_path}/b.db"))

    assert failure(lambda: checks.database(config)) == [
        f"not started: the database {tmp_path}/b.db cannot be used (Is a directory)",
        "from     config.ini:2  [bureaucrat] storage_dir",
        f"check    ls -ld {tmp_path}/b.db",
    ]


def test_a_place_that_may_not_be_looked_at_is_told(read: Read) -> None:
    """A directory of others, for example; root meets only names that are too long."""
    folder = "/" + "x" * 300
    config = read(f"[storage]\nurl = sqlite:///{folder}/b.db\n")

    assert failure(lambda: checks.database(config)) == [
        f"not started: the database {folder}/b.db cannot be used (File name too long)",
        "from     config.ini:2  [storage] url",
        f"check    ls -ld {folder}",
    ]


def test_a_database_that_is_there_is_left_alone(read: Read, tmp_path: Path) -> None:
    """It is opened, and not written to."""
    (tmp_path / "b.db").write_bytes(b"content")

    checks.database(read("[storage]\nurl = sqlite:///b.db\n"))

    assert (tmp_path / "b.db").read_bytes() == b"content"


def test_a_file_that_is_no_database_is_told(read: Read, tmp_path: Path) -> None:
    """Before detaching: afterwards only the log would know."""
    (tmp_path / "b.db").write_bytes(b"nothing that SQLite has written" * 100)
    config = read("[storage]\nurl = sqlite:///b.db\n")

    assert failure(lambda: checks.storage(config)) == [
        f"not started: database {tmp_path}/b.db: it is no SQLite database; check [storage] url "
        "(file is not a database)",
        "from     config.ini:2  [storage] url",
        f"check    ls -l {tmp_path}/b.db*",
    ]


def test_a_database_that_another_daemon_has_is_told(read: Read, tmp_path: Path) -> None:
    """With its process; and one that is free or not there yet is given back."""
    config = read("[storage]\nurl = sqlite:///b.db\n")
    checks.storage(config)
    assert list(tmp_path.glob("b.db*")) == []
    claim = Claim(tmp_path / "b.db")
    claim.take()
    (tmp_path / "b.db").touch()

    assert failure(lambda: checks.storage(config)) == [
        f"not started: database {tmp_path}/b.db is used by another daemon (process {os.getpid()}); "
        "stop it, or give this one a database of its own: [storage] url",
        "from     config.ini:2  [storage] url",
        f"check    ls -l {tmp_path}/b.db*",
    ]
    claim.give_back()
    checks.storage(config)
    claim.take()
    claim.give_back()


def test_a_state_directory_that_cannot_be_made_is_told(read: Read, tmp_path: Path) -> None:
    """A file is in its place."""
    (tmp_path / "state").write_text("")

    assert failure(lambda: checks.database(read(""))) == [
        f"not started: the directory {tmp_path}/state cannot be made (File exists)",
        "from     default  [storage] url",
        f"check    ls -ld {tmp_path}",
    ]


def test_an_address_in_use_is_told_with_its_place(read: Read) -> None:
    """And the remedy; without an address there is no server."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        config = read(f"[health]\nlisten = 127.0.0.1:{port}\n")

        assert failure(lambda: checks.health(config, lambda: Status(True, True), CollectorRegistry())) == [
            f"not started: nothing can listen on 127.0.0.1:{port} (Address already in use); "
            "choose another address for [health] listen, or switch it off: listen = off",
            "from     config.ini:2  [health] listen",
            f"check    ss -ltnp 'sport = :{port}'",
        ]
    off = read("[health]\nlisten = off\n")
    assert checks.health(off, lambda: Status(True, True), CollectorRegistry()) is None


def test_a_broker_that_is_away_is_told_without_a_file(read: Read) -> None:
    """The defaults have no place in a file; an error without words still names the broker."""
    config = load(None, {}, search=())

    def away(config: Config) -> None:
        raise BrokerUnavailable("")

    lines = failure(lambda: checks.broker(config, away))

    assert lines[:2] == [
        "not started: no RabbitMQ at amqp://guest:***@localhost:5672/%2F",
        "from     default  [amqp] url",
    ]
    assert lines[2].endswith(" config")


class Heard(Announcer):
    """What it publishes can be waited for."""

    def __init__(self, notifier: Notifier) -> None:
        self.heard: asyncio.Queue[Status] = asyncio.Queue()
        super().__init__(notifier)

    def publish(self, status: Status) -> None:
        super().publish(status)
        self.heard.put_nowait(status)


YOUNG = "queues were just declared; a moment until they are safe"


def test_the_broker_is_reached_where_the_url_says(read: Read, vhost_url: str) -> None:
    """It logs in; a wrong virtual host is an error with the reason, and how often it was tried."""
    root.reach(read(f"[amqp]\nurl = {vhost_url}\n"))

    with pytest.raises(BrokerUnavailable) as caught:
        root.reach(read(f"[amqp]\nurl = {vhost_url}x\n"))
    assert "the virtual host is unknown, or the user may not use it (tried 3 times)" in str(caught.value)
    assert "guest:guest" not in str(caught.value)


async def test_the_root_serves_until_it_is_stopped(read: Read, vhost_url: str, tmp_path: Path) -> None:
    """It says when it is ready, which is not before its new queues are safe."""
    announcer = Heard(Notifier({}, 1))
    config = read(f"[amqp]\nurl = {vhost_url}\n[storage]\nurl = sqlite:///{tmp_path}/b.db\n")
    serving = asyncio.create_task(root.serve(config, announcer))

    async with asyncio.timeout(30):
        first = await announcer.heard.get()
        while not (last := await announcer.heard.get()).is_ready:
            assert last.reasons == [YOUNG]
    announcer.stop.set()
    await asyncio.wait_for(serving, 30)

    assert first.reasons == [YOUNG]
    assert last.details == {
        "unconfirmed": 0,
        "outbox": 0,
        "queues_missing": [],
        "last_loss": None,
    }


def test_the_daemon_is_the_frame_around_the_root(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the environment of the process."""
    given: dict[str, object] = {}

    def run(config: Config, **arguments: object) -> int:
        given.update(arguments)
        return 7

    monkeypatch.setattr(service, "run", run)

    assert daemon.main(read(""), foreground=True, pid_file=Path("b.pid")) == 7
    assert given == {
        "foreground": True,
        "pid_file": Path("b.pid"),
        "environ": os.environ,
        "serve": root.serve,
        "reach": root.reach,
    }


def test_a_database_of_postgresql_is_tried_as_well(read: Read, postgres: Postgres) -> None:
    """No file is looked for; what is wrong is told without the password."""
    good = read(f"[storage]\nurl = {postgres.url(postgres.emptied_database())}\n")
    checks.database(good)
    checks.storage(good)
    bad = read(f"[storage]\nurl = {postgres.url('none').replace('@', ':s3cret@')}\n")

    lines = failure(lambda: checks.storage(bad))

    assert lines[1:] == ["from     config.ini:2  [storage] url", f"check    psql {postgres.url('none')}"]
    assert lines[0].startswith(f"not started: database {postgres.url('none')}: there is no such database")
