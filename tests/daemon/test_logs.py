"""Logs: where they go, how a record looks, and that no value imitates a record."""

from __future__ import annotations

import io
import logging
import logging.handlers
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bureaucrat.config import Config, load
from bureaucrat.daemon import logs
from bureaucrat.errors import ConfigurationError


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """The root logger has its handlers and levels back after each test."""
    root, pika = logging.getLogger(), logging.getLogger("pika")
    handlers, level, of_pika = list(root.handlers), root.level, pika.level
    yield
    for handler in [*root.handlers, *logging.getLogger("of.test").handlers]:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    logging.getLogger("of.test").handlers.clear()
    root.setLevel(level)
    pika.setLevel(of_pika)


def settings(tmp_path: Path, text: str = "") -> Config:
    file = tmp_path / "config.ini"
    file.write_text(text, encoding="utf-8")
    return load(file, {"STATE_DIRECTORY": str(tmp_path)})


def line(message: object, *arguments: object, **extra: object) -> str:
    """A record as it is written, without its time."""
    record = logging.getLogger("of.test").makeRecord(
        "of.test", logging.INFO, "file", 1, message, arguments, None, extra=extra
    )
    return logs.Line(has_time=False).format(record)


def test_a_record_is_a_line_with_fields() -> None:
    """Time in UTC, level, logger, message, and what else is known, quoted where it must be."""
    record = logging.LogRecord("bureaucrat.engine", logging.WARNING, "f", 1, "%d rolled back", (2,), None)
    record.created = 1_764_000_000.25
    record.instance = "3f9c"
    record.reason = 'the "database" is locked'
    record.key = ""
    record.count = 7
    record.pair = "a=b"

    assert logs.Line().format(record) == (
        "2025-11-24T16:00:00.250Z WARNING bureaucrat.engine 2 rolled back "
        'instance=3f9c reason="the \\"database\\" is locked" key="" count=7 pair="a=b"'
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\nERROR root forged", '"a\\nERROR root forged"'),
        ("\x1b[31mred", '"\\u001b[31mred"'),
        ("a\u2028b", '"a\\u2028b"'),
        ("\u202eevil", '"\\u202eevil"'),
        ("\x85", '"\\x85"'),
        ("grün", "grün"),
        ("x" * 5_000, "x" * 4_096),
        ("é " * 5_000, '"' + "é " * 2_048 + '"'),
    ],
)
def test_no_value_imitates_a_line_or_a_field(value: str, shown: str) -> None:
    """Control characters, ends of lines and marks that reorder text are escaped, in the message as well."""
    assert line("hello", value=value) == f"INFO of.test hello value={shown}"


def test_a_message_is_one_line() -> None:
    """Whatever was put into it."""
    assert line("got %s", "a\r\nb\x1b") == "INFO of.test got a\\r\\nb\\x1b"


def test_a_traceback_is_indented() -> None:
    """Below its record."""
    try:
        raise ValueError("one\x1b\ntwo")
    except ValueError:
        record = logging.LogRecord("a", logging.ERROR, "f", 1, "failed", (), sys.exc_info())

    first, *trace = logs.Line(has_time=False).format(record).split("\n")

    assert first == "ERROR a failed"
    assert all(one.startswith("    ") for one in trace)
    assert trace[-2:] == ["    ValueError: one\\x1b", "    two"]


def test_in_the_foreground_it_goes_to_standard_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the level of the settings on; pika's own talk begins at WARNING."""
    monkeypatch.setattr(sys, "stderr", io.StringIO())

    logs.start(settings(tmp_path, "[log]\nfile = x.log"), foreground=True)
    logging.getLogger("of.test").debug("no")
    logging.getLogger("of.test").info("yes")
    logging.getLogger("pika").info("no")

    assert [one.split(" ", 1)[1] for one in sys.stderr.getvalue().splitlines()] == ["INFO of.test yes"]


def test_at_debug_pika_is_heard_as_well(tmp_path: Path) -> None:
    """Who asks for everything gets it."""
    logs.start(settings(tmp_path, "[log]\nlevel = debug"), foreground=True)

    assert logging.getLogger("pika").isEnabledFor(logging.DEBUG)


def test_detached_it_goes_to_the_file(tmp_path: Path) -> None:
    """Its descriptor is one to keep."""
    logs.start(settings(tmp_path, f"[log]\nfile = {tmp_path}/a.log"), foreground=False)

    logging.getLogger("of.test").info("yes", extra={"instance": "3f9c"})

    assert (tmp_path / "a.log").read_text().endswith("Z INFO of.test yes instance=3f9c\n")
    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logging.handlers.WatchedFileHandler)
    assert handler.stream.fileno() in logs.descriptors()


def test_detached_without_a_file_it_goes_to_syslog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a time, for syslog has its own."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        syslog.bind(str(tmp_path / "log"))
        syslog.settimeout(30)
        monkeypatch.setattr(logs, "SYSLOG", tmp_path / "log")

        logs.start(settings(tmp_path), foreground=False)
        logging.getLogger("of.test").info("yes")

        assert syslog.recv(1_000) == b"<30>bureaucrat: INFO of.test yes\0"
    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logging.handlers.SysLogHandler)
    assert handler.socket.fileno() in logs.descriptors()


def test_detached_without_a_file_and_a_syslog_it_goes_to_the_state_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a container, for instance. The directory is made, as for the database."""
    monkeypatch.setattr(logs, "SYSLOG", tmp_path / "none")

    logs.start(replace(settings(tmp_path), state=tmp_path / "state"), foreground=False)
    logging.getLogger("of.test").info("yes")

    assert (tmp_path / "state" / "bureaucrat.log").read_text().endswith("Z INFO of.test yes\n")


def test_a_log_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Before the daemon detaches."""
    config = settings(tmp_path, f"[log]\nfile = {tmp_path}/none/a.log")

    with pytest.raises(ConfigurationError) as caught:
        logs.start(config, foreground=False)

    assert str(caught.value) == (
        f"the log {tmp_path}/none/a.log cannot be written (No such file or directory); choose another file"
    )


SECTIONS = {
    "formatters": {"keys": "plain"},
    "formatter_plain": {"format": "%(levelname)s %(message)s"},
    "handlers": {"keys": "kept"},
    "handler_kept": {"class": "FileHandler", "formatter": "plain", "args": "('{path}',)"},
    "loggers": {"keys": "root, own"},
    "logger_root": {"level": "INFO", "handlers": ""},
    "logger_own": {"level": "INFO", "handlers": "kept", "qualname": "of.test"},
}


def test_sections_of_logging_config_decide(tmp_path: Path) -> None:
    """B-011: loggers that are there already stay enabled; a handler of any logger is kept open."""
    there = logging.getLogger("of.test.before")
    sections = SECTIONS | {"handler_kept": SECTIONS["handler_kept"] | {"args": f"('{tmp_path}/own.log',)"}}
    config = replace(settings(tmp_path, "[log]\nlevel = ERROR"), logging=sections)

    logs.start(config, foreground=False)
    there.info("50%% of %s", "it")

    assert (tmp_path / "own.log").read_text() == "INFO 50% of it\n"
    (handler,) = logging.getLogger("of.test").handlers
    assert isinstance(handler, logging.FileHandler)
    assert handler.stream.fileno() in logs.descriptors()


def test_sections_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    """With what Python said about them."""
    config = replace(settings(tmp_path), logging={"formatters": {"keys": "plain"}})

    with pytest.raises(ConfigurationError) as caught:
        logs.start(config, foreground=False)

    assert str(caught.value) == (
        "the sections of logging.config cannot be used (KeyError: 'formatter_plain'); "
        "see logging.config.fileConfig in Python's documentation, or remove them"
    )


def test_a_handler_that_is_closed_has_no_descriptor(tmp_path: Path) -> None:
    """Nor one that never had any."""
    closed = logging.StreamHandler(io.StringIO())
    logging.getLogger().addHandler(closed)
    before = logs.descriptors()
    closed.stream.close()

    assert logs.descriptors() == before
