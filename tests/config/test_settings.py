"""Settings: a file, the environment, defaults; what is wrong with them; where each value comes from."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from bureaucrat.config import (
    KEYS,
    SECTIONS,
    Address,
    Amqp,
    Bureaucrat,
    Config,
    Health,
    LimitSettings,
    Log,
    Participant,
    Routing,
    Storage,
    load,
)
from bureaucrat.config.kinds import seconds, size, without_password
from bureaucrat.errors import BureaucratError, ConfigurationError

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """A file config.ini in the working directory with the given text; its relative path."""
    monkeypatch.chdir(tmp_path)

    def written(text: str) -> Path:
        Path("config.ini").write_text(text, encoding="utf-8")
        return Path("config.ini")

    return written


def read(path: Path | None, **environ: str) -> Config:
    return load(path, environ, search=(), is_root=True)


def problems(path: Path | None, **environ: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read(path, **environ)
    return list(caught.value.problems)


def source(config: Config, section: str, name: str) -> str:
    return next(one.source for one in config.settings if (one.key.section, one.key.name) == (section, name))


def in_force(config: Config, section: str) -> dict[str, str]:
    return {one.key.name: one.shown for one in config.settings if one.key.section == section and one.is_in_force}


# -- defaults


def test_without_a_file_there_are_sensible_defaults() -> None:
    """B-012, B-015 to B-024: those of the original where it had them."""
    config = read(None)

    assert config.file is None
    assert config.amqp == Amqp(
        url="amqp://guest:guest@localhost:5672/%2F", host="localhost", port=5672, user="guest", passwd="guest",
        vhost="/", heartbeat=15, connect_timeout=5.0, topology="declare", prefetch=1000, confirm_window=500,
    )  # fmt: skip
    assert config.bureaucrat == Bureaucrat(
        launch_queue="bureaucrat", message_queue="bureaucrat_msgs", event_queue="bureaucrat_events",
        schedule_queue="bureaucrat_schedule", dead_queue="bureaucrat_dead", taskqueue_type="taskqueue",
        message_format="workitem", accept_untokened=True, stalled_after=30.0, answer_timeout=86_400.0,
        history="activity", history_retention=7_776_000.0, instance_retention=2_592_000.0, event_retention=604_800.0,
        dedup_window=604_800.0, dead_retention=7_776_000.0, batch=500, stop_grace=5.0, storage_dir=None,
    )  # fmt: skip
    assert config.storage == Storage(url="sqlite:////var/lib/bureaucrat/bureaucrat.db")
    assert config.storage.path == Path("/var/lib/bureaucrat/bureaucrat.db")
    assert config.health == Health(listen=Address("127.0.0.1", 9464))
    assert config.log == Log(level="INFO", file=None)
    assert {one.source for one in config.settings} == {"default"}


def test_an_empty_section_changes_nothing(write: Write) -> None:
    """B-019, B-023: a section may be missing, or be there without keys."""
    config = read(write("[amqp]\n[bureaucrat]\n"))

    assert (config.amqp, config.bureaucrat) == (read(None).amqp, read(None).bureaucrat)


@pytest.mark.parametrize(
    ("environ", "is_root", "expected"),
    [
        ({}, True, "/var/lib/bureaucrat"),
        ({"STATE_DIRECTORY": "/var/lib/two:/other"}, False, "/var/lib/two"),
        ({"STATE_DIRECTORY": "/var/lib/two"}, True, "/var/lib/two"),
        ({"XDG_STATE_HOME": "/home/a/state"}, False, "/home/a/state/bureaucrat"),
        ({"HOME": "/home/a"}, False, "/home/a/.local/state/bureaucrat"),
    ],
)
def test_the_database_stands_in_a_state_directory(environ: dict[str, str], is_root: bool, expected: str) -> None:
    """B-020: never in a directory that everybody can write to."""
    config = load(None, environ, search=(), is_root=is_root)

    assert config.state == Path(expected)
    assert config.storage.path == Path(expected) / "bureaucrat.db"


def test_without_home_the_users_database_is_asked_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service may have no HOME in its environment."""
    monkeypatch.setenv("HOME", "/home/b")

    assert load(None, {}, search=(), is_root=False).state == Path("/home/b/.local/state/bureaucrat")


def test_the_system_is_asked_who_we_are() -> None:
    """If the caller does not say."""
    assert load(None, {"HOME": "/h"}, search=()) == load(None, {"HOME": "/h"}, search=(), is_root=os.geteuid() == 0)


def test_a_file_is_looked_for_where_it_usually_stands(tmp_path: Path) -> None:
    """B-004: the first that exists; a folder that is none, or is missing, holds no file."""
    (tmp_path / "file").write_text("[log]\nlevel = ERROR\n")
    (tmp_path / "later").write_text("[log]\nlevel = DEBUG\n")
    places = [tmp_path / "none", tmp_path / "file" / "below", tmp_path / "file", tmp_path / "later"]

    config = load(None, {}, search=places)

    assert (config.file, config.log.level) == (tmp_path / "file", "ERROR")


def test_a_file_that_may_be_there_is_not_passed_over(tmp_path: Path) -> None:
    """A path that cannot be looked at is a problem, not a reason for defaults."""
    too_long = tmp_path / ("x" * 300)

    with pytest.raises(ConfigurationError) as caught:
        load(None, {}, search=[too_long])

    assert str(caught.value) == f"{too_long} cannot be read (File name too long); check the path and its rights"


# -- one value


def test_the_file_of_the_original_is_read_as_it_stands(write: Write) -> None:
    """B-015 to B-022: its sections, its keys; those of taskqueue and of logging.config are no problem (B-011)."""
    config = read(
        write("""
[DEFAULT]
instances = 1
[amqp]
host = mq1
user = shop
passwd = 50%% or %(half)s # all of it
vhost = /prod
[bureaucrat]
storage_dir = /srv/processes
taskqueue_type = celery
message_queue = msgs
event_queue = events
[taskqueue]
workers = participant1, participant2
[worker_participant1]
user = nobody
[formatters]
keys = simple
[formatter_simple]
format = %(asctime)s # %(message)s
[handlers]
keys = console
[handler_console]
class = StreamHandler
args = (
   sys.stderr,)
[loggers]
keys = root
[logger_root]
handlers: console
""")
    )

    assert config.amqp.url == "amqp://shop:50%25%25%20or%20%25%28half%29s%20%23%20all%20of%20it@mq1:5672/%2Fprod"
    assert config.place("amqp", "url") == "config.ini:5  [amqp] host"
    assert config.storage.path == Path("/srv/processes/bureaucrat.db")
    assert config.place("storage", "url") == "config.ini:10  [bureaucrat] storage_dir"
    assert source(config, "storage", "url") == "config.ini:10"
    assert config.bureaucrat.taskqueue_type == "celery"
    assert (config.bureaucrat.message_queue, config.bureaucrat.event_queue) == ("msgs", "events")
    assert config.logging == {
        "formatters": {"keys": "simple"},
        "formatter_simple": {"format": "%(asctime)s # %(message)s"},
        "handlers": {"keys": "console"},
        "handler_console": {"class": "StreamHandler", "args": "(\nsys.stderr,)"},
        "loggers": {"keys": "root"},
        "logger_root": {"handlers": "console"},
    }


def test_the_environment_wins_over_the_file(write: Write) -> None:
    """Each key has one name there; an empty variable counts as not set. Each value knows its source."""
    path = write("[amqp]\nheartbeat = 20\nprefetch = 7\n[log]\nlevel = error\n")

    config = read(path, BUREAUCRAT_AMQP_HEARTBEAT="30", BUREAUCRAT_LOG_LEVEL="", BUREAUCRAT_OTHER="x")

    assert (config.amqp.heartbeat, config.amqp.prefetch, config.log.level) == (30, 7, "ERROR")
    assert [source(config, "amqp", name) for name in ("heartbeat", "prefetch", "topology")] == [
        "BUREAUCRAT_AMQP_HEARTBEAT",
        "config.ini:3",
        "default",
    ]
    assert config.place("amqp", "heartbeat") == "BUREAUCRAT_AMQP_HEARTBEAT  [amqp] heartbeat"


def test_a_comment_may_follow_a_value(write: Write) -> None:
    """After white space; not after a password, which may hold anything."""
    config = read(write("[amqp]\nhost = mq1   # the first\nvhost=a#b\npassword = x # y\n; a comment\n"))

    assert (config.amqp.host, config.amqp.vhost, config.amqp.passwd) == ("mq1", "a#b", "x # y")


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    """Some editors write one."""
    (tmp_path / "a.ini").write_text("[log]\nlevel = DEBUG\n", encoding="utf-8-sig")

    assert read(tmp_path / "a.ini").log.level == "DEBUG"


@pytest.mark.parametrize(
    ("line", "section", "name", "expected"),
    [
        ("accept_untokened = No", "bureaucrat", "accept_untokened", False),
        ("accept_untokened = on", "bureaucrat", "accept_untokened", True),
        ("history = FULL", "bureaucrat", "history", "full"),
        ("stalled_after = 1500ms", "bureaucrat", "stalled_after", 1.5),
        ("stop_grace = 0.1 s", "bureaucrat", "stop_grace", 0.1),
        ("event_retention = 2w", "bureaucrat", "event_retention", 1_209_600.0),
        ("listen = off", "health", "listen", None),
        ("listen = [::1]:0", "health", "listen", Address("::1", 0)),
        ("listen = 0.0.0.0:80", "health", "listen", Address("0.0.0.0", 80)),
        ("url = amqps://a:b@mq:5671/x?heartbeat=5", "amqp", "url", "amqps://a:b@mq:5671/x?heartbeat=5"),
        ("url = sqlite:////var/lib/a%20b c.db", "storage", "url", "sqlite:////var/lib/a b c.db"),
        ("file =", "log", "file", None),
        ("passwd =", "amqp", "passwd", ""),
    ],
)
def test_each_kind_of_value_is_read(write: Write, line: str, section: str, name: str, expected: object) -> None:
    """As people write it."""
    config = read(write(f"[{section}]\n{line}\n"))

    assert getattr(getattr(config, section), name) == expected


def test_paths_are_relative_to_where_the_command_is_started(write: Write, tmp_path: Path) -> None:
    """They are made absolute at once, because a daemon leaves that directory; a percent sign in one survives."""
    config = read(write("[storage]\nurl = sqlite:///50%25.db\n[log]\nfile = a.log\n"))

    assert (config.storage.path, config.log.file) == (tmp_path / "50%.db", tmp_path / "a.log")
    assert config.storage.url == f"sqlite:///{tmp_path}/50%25.db"


# -- two ways to say the same


def test_an_url_stands_for_the_separate_keys(write: Write) -> None:
    """What is not in force is not shown."""
    by_url = read(write("[amqp]\nurl = amqp://a:b@mq/v\n"))
    by_parts = read(write("[amqp]\nuser = a b\nhost = ::1\nport = 1\n"))

    assert in_force(by_url, "amqp")["url"] == "amqp://a:***@mq/v"
    assert set(in_force(by_url, "amqp")) & {"host", "port", "user", "passwd", "vhost"} == set()
    assert by_parts.amqp.url == "amqp://a%20b:guest@[::1]:1/%2F"
    assert "url" not in in_force(by_parts, "amqp")
    assert in_force(by_parts, "amqp")["passwd"] == "***"
    assert by_parts.place("amqp", "url") == "config.ini:3  [amqp] host"


@pytest.mark.parametrize(
    ("lines", "environ", "expected"),
    [
        ("url = amqp://a@mq/v\npasswd = p:w", {}, "amqp://a:p%3Aw@mq/v"),
        ("url = amqp://mq/v\npasswd = p", {}, "amqp://guest:p@mq/v"),
        ("url = amqp://a@mq:5671/v", {"BUREAUCRAT_AMQP_PASSWD": "p"}, "amqp://a:p@mq:5671/v"),
        ("url = amqp://a:old@mq/v", {"BUREAUCRAT_AMQP_PASSWD": "new"}, "amqp://a:new@mq/v"),
        ("passwd = old", {"BUREAUCRAT_AMQP_URL": "amqp://a:b@mq/v"}, "amqp://a:b@mq/v"),
        ("host = old\nport = 1", {"BUREAUCRAT_AMQP_URL": "amqp://a:b@mq/v"}, "amqp://a:b@mq/v"),
    ],
)
def test_the_password_may_stand_beside_the_url(
    write: Write, lines: str, environ: dict[str, str], expected: str
) -> None:
    """And the environment wins over the file."""
    assert read(write(f"[amqp]\n{lines}\n"), **environ).amqp.url == expected


def test_two_ways_in_one_place_are_a_problem(write: Write) -> None:
    """Nobody could say which is meant."""
    path = write(
        "[amqp]\nurl = amqp://a:b@mq\nvhost = v\npasswd = p\n"
        "[bureaucrat]\nstorage_dir = /a\n[storage]\nurl = sqlite:////b\n"
    )

    assert problems(path, BUREAUCRAT_AMQP_HOST="mq2") == [
        "BUREAUCRAT_AMQP_HOST  [amqp] host: [amqp] url is given, too (config.ini:2); remove one of both",
        "config.ini:3  [amqp] vhost: [amqp] url is given, too (config.ini:2); remove one of both",
        "config.ini:4  [amqp] passwd: [amqp] url has a password, too (config.ini:2); remove one of both",
        "config.ini:6  [bureaucrat] storage_dir: [storage] url is given, too (config.ini:8); remove one of both",
    ]


def test_the_database_of_the_environment_wins_over_the_old_name(write: Write) -> None:
    """And the other way round."""
    path = write("[bureaucrat]\nstorage_dir = /a\n")

    assert read(path, BUREAUCRAT_STORAGE_URL="sqlite:////b.db").storage.path == Path("/b.db")
    assert read(write("[storage]\nurl = sqlite:////c.db\n"), BUREAUCRAT_BUREAUCRAT_STORAGE_DIR="/d").storage.path == (
        Path("/d/bureaucrat.db")
    )


# -- values that stand elsewhere


def test_a_value_may_stand_in_a_file(write: Write, tmp_path: Path) -> None:
    """``file:/path``, or ``credential:name`` of systemd; the end of its line does not count."""
    secret = tmp_path / "secret"
    secret.write_text("s3c#et\n")
    secret.chmod(0o600)
    path = write(f"[amqp]\nuser = file:{secret}\npasswd = credential:secret\n")

    config = read(path, CREDENTIALS_DIRECTORY=str(tmp_path))

    assert config.amqp.url == "amqp://s3c%23et:s3c%23et@localhost:5672/%2F"
    assert source(config, "amqp", "passwd") == f"config.ini:3, {secret}"


def test_a_secret_that_everybody_can_read_is_refused(write: Write, tmp_path: Path) -> None:
    """F2: its mode is named. What is no secret may stand in any file."""
    secret = tmp_path / "secret"
    secret.write_text("s")
    secret.chmod(0o644)
    path = write(f"[amqp]\nuser = file:{secret}\npasswd = file:{secret}\n")

    assert problems(path) == [
        f"config.ini:3  [amqp] passwd: {secret} can be read by everybody (mode 0644): chmod 600 {secret}"
    ]


def test_a_value_that_cannot_be_fetched_says_why(write: Write, tmp_path: Path) -> None:
    """Missing, too large, no text, no credentials, no name of one."""
    (tmp_path / "large").write_bytes(b"x" * 65_537)
    (tmp_path / "bytes").write_bytes(b"\xff")
    path = write(
        f"[amqp]\nhost = file:{tmp_path}/none\nuser = file:{tmp_path}/large\nvhost = file:{tmp_path}/bytes\n"
        "passwd = credential:amqp\n"
    )

    assert problems(path) == [
        f"config.ini:2  [amqp] host: {tmp_path}/none cannot be read (No such file or directory); "
        "check the path and its rights",
        f"config.ini:3  [amqp] user: {tmp_path}/large is larger than 65,536 bytes; it must hold the value only",
        f"config.ini:4  [amqp] vhost: {tmp_path}/bytes is not UTF-8 text; it must hold the value only",
        "config.ini:5  [amqp] passwd: credential:amqp needs $CREDENTIALS_DIRECTORY, which is not set: start it by "
        "systemd with LoadCredential=amqp:/path, or write file:/path",
    ]
    assert problems(write("[amqp]\npasswd = credential:../etc/shadow\n"), CREDENTIALS_DIRECTORY="/c") == [
        "config.ini:2  [amqp] passwd: credential:../etc/shadow is no name of a credential: write for example "
        "credential:amqp-password"
    ]


# -- problems


def test_all_problems_are_told_in_one_answer(write: Write) -> None:
    """Those of the file in the order of its lines, then those of the environment."""
    path = write(
        """url = x
[amqp]
hots = a
passwd = x
password = y
url = amqps//mq
no sign
[bureaucrat]
mesage_queue = x
listen = 1
zzz = 1
history = al\x01l
stalled_after = 30 min
event_queue = amq.x
batch = 0
[amqp]
[strage]
[zzz]
[log]
level =
  two lines
[health]
listen = nowhere
[storage]
url = mysql://u:secret@db/x
"""
    )

    found = problems(path, BUREAUCRAT_AMQP_PORT="70000", BUREAUCRAT_LOG_LVEL="x", BUREAUCRAT_STORAGE_Q="x")

    assert found == [
        "config.ini:1  there is no [section] above this line; begin with one, for example [amqp]",
        "config.ini:3  [amqp] hots is unknown; did you mean host?",
        "config.ini:5  [amqp] password was given in line 4 already; remove one of both",
        "config.ini:6  [amqp] url = amqps//mq: must be amqp://user:password@host:port/vhost, or amqps:// with TLS; "
        "for example: url = amqp://guest:guest@localhost:5672/%2F",
        "config.ini:7  [amqp] this is neither name = value nor [section]; correct or remove it",
        "config.ini:9  [bureaucrat] mesage_queue is unknown; did you mean message_queue?",
        "config.ini:10  [bureaucrat] listen is unknown; did you mean [health] listen?",
        "config.ini:11  [bureaucrat] zzz is unknown; remove it; the keys of [bureaucrat] are launch_queue, "
        "message_queue, event_queue, schedule_queue, dead_queue, exchange, taskqueue_type, message_format, "
        "accept_untokened, stalled_after, answer_timeout, history, history_retention, instance_retention, "
        "event_retention, dedup_window, dead_retention, batch, stop_grace, storage_dir",
        "config.ini:12  [bureaucrat] history = al?l: must be none, activity or full; for example: history = activity",
        "config.ini:13  [bureaucrat] stalled_after = 30 min: must be a length of time from 1s to 10 years: a number "
        "and ms, s, m, h, d or w; for example: stalled_after = 30s",
        "config.ini:14  [bureaucrat] event_queue = amq.x: must be a queue's name: 1 to 255 bytes, not beginning with "
        "amq.; for example: event_queue = bureaucrat_events",
        "config.ini:15  [bureaucrat] batch = 0: must be a whole number from 1 to 10000; for example: batch = 500",
        "config.ini:16  [amqp] begins a second time, first in line 2; make one of both",
        "config.ini:17  [strage] is unknown; did you mean [storage]?",
        "config.ini:18  [zzz] is unknown; remove it; the sections are amqp, bureaucrat, security, limits, celery, "
        "services, signals, storage, health, log, participant:NAME, service:NAME",
        "config.ini:20  [log] level = two lines: must be DEBUG, INFO, WARNING, ERROR or CRITICAL; for example: "
        "level = INFO",
        "config.ini:23  [health] listen = nowhere: must be host:port, [IPv6 address]:port or off; for example: "
        "listen = 127.0.0.1:9464",
        "config.ini:25  [storage] url = mysql://u:***@db/x: must be sqlite:///FILE (relative), "
        "sqlite:////FILE (absolute) or postgresql://user@host:port/database; for example: "
        "url = sqlite:////var/lib/bureaucrat/bureaucrat.db",
        "BUREAUCRAT_AMQP_PORT  [amqp] port = 70000: must be a whole number from 1 to 65535; for example: port = 5672",
        "the environment variable BUREAUCRAT_LOG_LVEL is unknown; did you mean BUREAUCRAT_LOG_LEVEL?",
        "the environment variable BUREAUCRAT_STORAGE_Q is unknown; did you mean BUREAUCRAT_STORAGE_URL?",
    ]


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ("amqp", "url = amqp://a:b@mq:0/"),
        ("amqp", "url = amqp://a:b@mq:99999/"),
        ("amqp", "url = http://mq/"),
        ("amqp", "url = amqp:///v"),
        ("amqp", "url = amqp://m q/v"),
        ("amqp", "host = a/b"),
        ("amqp", "user ="),
        ("amqp", "heartbeat = ٣"),
        ("amqp", "connect_timeout = 1ms"),
        ("bureaucrat", "accept_untokened = perhaps"),
        ("bureaucrat", "event_retention = 11000d"),
        ("bureaucrat", "event_retention = 99999999999999d"),
        ("bureaucrat", f"dead_queue = {'ä' * 128}"),
        ("health", "listen = 9464"),
        ("health", "listen = ::1:80"),
        ("health", "listen = [localhost]:80"),
        ("health", "listen = localhost:65536"),
        ("health", "listen = localhost:http"),
        ("health", "listen = :80"),
        ("storage", "url = sqlite://"),
        ("storage", "url = sqlite:///"),
        ("storage", "url = sqlite:///:memory:"),
        ("storage", "url = postgresql://"),
        ("storage", "url = postgresql://u@db"),
        ("storage", "url = postgresql://u@db:0/x"),
        ("storage", "url = postgresql://u@db:port/x"),
        ("storage", "url = postgresql://u@d b/x"),
    ],
)
def test_values_that_mean_nothing_are_refused(write: Write, section: str, line: str) -> None:
    """Each with its place, what is allowed, and an example."""
    (found,) = problems(write(f"[{section}]\n{line}\n"))

    name = line.split()[0]
    assert found.startswith(f"config.ini:2  [{section}] {name} =")
    assert ": must be " in found
    assert f"; for example: {name} = " in found


def test_a_password_is_never_told() -> None:
    """Not in a problem, not in the text of an object."""
    found = problems(None, BUREAUCRAT_AMQP_PASSWD="s3cret\x01")
    config = read(None, BUREAUCRAT_AMQP_URL="amqp://a:s3cret@mq")

    assert found == [
        "BUREAUCRAT_AMQP_PASSWD  [amqp] passwd: must be text without control characters; for example: passwd = guest"
    ]
    assert "s3cret" not in repr(config)
    assert "s3cret" not in repr(config.settings)


def test_a_long_value_is_cut_where_it_is_told(write: Write) -> None:
    """A line stays a line."""
    (found,) = problems(write(f"[bureaucrat]\nhistory = {'x' * 100}\n"))

    assert found.startswith(f"config.ini:2  [bureaucrat] history = {'x' * 57}...: must be")


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    """Missing, a folder, too large, not UTF-8. It is an error of ours."""
    (tmp_path / "large").write_bytes(b"#" * 1_048_577)
    (tmp_path / "bytes").write_bytes(b"[log]\nlevel = \xff\n")

    assert problems(tmp_path / "none") == [f"there is no file {tmp_path}/none; check the path given by --config"]
    assert problems(tmp_path) == [f"{tmp_path} cannot be read (Is a directory); check the path and its rights"]
    assert problems(tmp_path / "large") == [
        f"{tmp_path}/large is larger than 1,048,576 bytes; this cannot be a file of settings"
    ]
    assert problems(tmp_path / "bytes") == [f"{tmp_path}/bytes:2  this line is not UTF-8; save the file as UTF-8"]
    assert issubclass(ConfigurationError, BureaucratError)
    assert str(ConfigurationError("one", "two")) == "one\ntwo"


# -- the table


def test_every_setting_is_a_field_and_every_field_a_setting() -> None:
    """One table: the fields of the sections."""
    assert [(key.section, key.name) for key in KEYS] == [
        (section, field.name) for section, rows in SECTIONS.items() for field in fields(rows)
    ]
    assert len({key.variable for key in KEYS}) == len(KEYS)


def test_a_setting_without_a_place_is_a_default() -> None:
    """A configuration that a test makes by hand has no sources."""
    config = Config(Amqp(), Bureaucrat(), LimitSettings(), Storage(), Health(), Log())

    assert config.place("amqp", "url") == "default  [amqp] url"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("amqp://a:b@mq/v", "amqp://a:***@mq/v"),
        ("amqp://a:b:c@d@mq:1/v@w", "amqp://a:***@mq:1/v@w"),
        ("amqp://a:b/c@mq/v", "amqp://a:***@mq/v"),
        ("amqp://a@mq", "amqp://a@mq"),
        ("amqp://mq:5672/", "amqp://mq:5672/"),
    ],
)
def test_an_url_is_shown_without_its_password(url: str, shown: str) -> None:
    """Whatever stands in it."""
    assert without_password(url) == shown


def test_lengths_of_time_are_exact() -> None:
    """0.1s is the number that 0.1 is."""
    assert [seconds(one) for one in ("0.1s", "1ms", "90", "1.5h", "3653d")] == [0.1, 0.001, 90.0, 5400.0, 315_619_200.0]


def test_sizes_are_bytes_and_may_have_a_unit() -> None:
    """From the least to the most, both included."""
    kind = size("1KiB", "16MiB")

    assert [kind.read(text) for text in ("1024", "1KiB", "4 MiB", "16MiB", "16777216")] == [
        1024, 1024, 4 << 20, 16 << 20, 16 << 20
    ]  # fmt: skip
    assert kind.allowed == "a size from 1KiB to 16MiB: a whole number of bytes, or with KiB or MiB"
    for text in ("1023", "0KiB", "16777217", "17MiB", "4MB", "4mib", "1.5MiB", "-1KiB", "", "MiB", "4  MiB"):
        with pytest.raises(ValueError, match=r"^$"):
            kind.read(text)


# -- participants


def test_sections_about_participants_are_read_in_order(write: Write) -> None:
    """A name may be a pattern; what is not given is not bounded."""
    config = read(
        write(
            "[participant:charge]\nmax_in_flight = 20\nrate = 5/s\n[participant: Mail_*]\nrate = 100 / h # slow\n"
            "[participant:celery:shop.*]\nmax_in_flight = 1\nrate =\n"
        )
    )

    assert config.participants == (
        Participant("charge", "config.ini:1  [participant:charge]", 20, (5, 1.0)),
        Participant("Mail_*", "config.ini:4  [participant: Mail_*]", None, (100, 3_600.0)),
        Participant("celery:shop.*", "config.ini:6  [participant:celery:shop.*]", 1, None),
    )
    assert source(config, "participant:charge", "rate") == "config.ini:3"
    assert in_force(config, "participant: Mail_*") == {"rate": "100 / h"}
    assert read(None).participants == ()


def test_the_environment_says_nothing_about_participants(write: Write) -> None:
    path = write("[participant:a]\nrate = 2/m\n")

    config = read(path, **{"BUREAUCRAT_PARTICIPANT:A_RATE": "9/s", "": "9/s"})

    assert config.participants == (Participant("a", "config.ini:1  [participant:a]", None, (2, 60.0)),)


def test_whatever_is_wrong_with_a_section_about_participants_is_told_with_its_line(write: Write) -> None:
    path = write(
        """[participant:a]
max_inflight = 3
max_in_flight = 0
rate = 5/d
[participant]
rate = 1/s
[participant:b]
[participant:]
rate = 0/s
[participant:worker:c]
rate = 1/m
"""
    )

    assert problems(path) == [
        "config.ini:2  [participant:a] max_inflight is unknown; did you mean max_in_flight?",
        "config.ini:3  [participant:a] max_in_flight = 0: must be a whole number from 1 to 1000000; for example: "
        "max_in_flight = 20",
        "config.ini:4  [participant:a] rate = 5/d: must be a whole number from 1 to 999999 and /s, /m or /h; for "
        "example: rate = 5/s",
        "config.ini:5  [participant] is unknown; did you mean [participant:NAME]?",
        "config.ini:7  [participant:b] says nothing; give it max_in_flight or rate or user, or remove it",
        "config.ini:8  [participant:] names nobody; write a participant's name after the colon, or * for each",
        "config.ini:9  [participant:] rate = 0/s: must be a whole number from 1 to 999999 and /s, /m or /h; for "
        "example: rate = 5/s",
        "config.ini:10  [participant:worker:c] with worker: and without it is one participant; write [participant:c]",
    ]


@pytest.mark.parametrize(
    ("text", "routing"),
    [
        ("", Routing()),
        ("first-part", Routing(is_by_first_part=True)),
        ("shop.* = tills, *.mail=mails,", Routing((("shop.*", "tills"), ("*.mail", "mails")))),
    ],
)
def test_queues_of_celery_are_given_by_patterns(write: Write, text: str, routing: Routing) -> None:
    """B-048: or by the first part of the name."""
    assert read(write(f"[celery]\nrouting = {text}\n")).celery.routing == routing


@pytest.mark.parametrize(
    "line", ["routing = shop.*", "routing = = x", "routing = x =", "routing = x = amq.y", "app = a-b"]
)
def test_what_names_no_queue_or_app_of_celery_is_refused(write: Write, line: str) -> None:
    with pytest.raises(ConfigurationError, match=r"config.ini:2  \[celery\] (routing|app) = .*: must be "):
        read(write(f"[celery]\n{line}\n"))
