"""Logs: by the file's sections of ``logging.config``, or one line for each record.

``2026-11-25T14:03:07.118Z INFO bureaucrat.engine a batch was rolled back instance=3f9c… reason="database is locked"``

Rules: what a record has besides its message (``extra=``) follows as ``key=value``; control characters, ends of lines
and marks that reorder text are escaped, so that no value can imitate another line or key. A value is cut at 4 KiB.
"""

from __future__ import annotations

import configparser
import json
import logging
import logging.config
import logging.handlers
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ..config import Config
from ..errors import ConfigurationError

SYSLOG = Path("/dev/log")

_LONGEST = 4_096
_PLAIN = frozenset(vars(logging.LogRecord("", 0, "", 0, "", None, None))) | {"message", "asctime", "taskName"}
_QUOTED = frozenset(' "=')


class Line(logging.Formatter):
    """A record as one line; a traceback follows on lines of its own, indented.

    :param has_time: whether the line begins with the time; a syslog has one already.
    """

    def __init__(self, has_time: bool = True) -> None:
        super().__init__()
        self._has_time = has_time

    def format(self, record: logging.LogRecord) -> str:
        stamp = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        parts = [stamp] if self._has_time else []
        parts += [record.levelname, record.name, _escaped(record.getMessage())]
        parts += [f"{name}={_value(found)}" for name, found in vars(record).items() if name not in _PLAIN]
        line = " ".join(parts)
        if record.exc_info:
            trace = self.formatException(record.exc_info)
            line = "\n    ".join([line, *(_escaped(one) for one in trace.splitlines())])
        return line


def _value(found: object) -> str:
    text = str(found)
    if not text or not text.isprintable() or _QUOTED & set(text):
        return _escaped(json.dumps(text[:_LONGEST], ensure_ascii=False))
    return text[:_LONGEST]


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def start(config: Config, *, foreground: bool) -> None:
    """Set logging up.

    :raises ConfigurationError: it cannot be done as the settings say.
    """
    if config.logging:
        _by_sections(config)
        return
    handler = _handler(config, foreground)
    handler.setFormatter(Line(has_time=not isinstance(handler, logging.handlers.SysLogHandler)))
    logging.basicConfig(level=config.log.level, handlers=[handler], force=True)
    is_debug = config.log.level == "DEBUG"  # pika tells of every step of a connection, and of each failure at length
    logging.getLogger("pika").setLevel(logging.NOTSET if is_debug else logging.CRITICAL)


def _by_sections(config: Config) -> None:
    parser = configparser.RawConfigParser()
    parser.read_dict(config.logging)
    try:
        logging.config.fileConfig(parser, disable_existing_loggers=False)
    except Exception as error:  # the sections name any class with any arguments; what they raise is anything
        text = " ".join(str(error).split())
        raise ConfigurationError(
            f"the sections of logging.config cannot be used ({type(error).__name__}: {text}); "
            "see logging.config.fileConfig in Python's documentation, or remove them"
        ) from error


def _handler(config: Config, foreground: bool) -> logging.Handler:
    if foreground:
        return logging.StreamHandler(sys.stderr)
    if config.log.file is None and SYSLOG.exists():
        facility = logging.handlers.SysLogHandler.LOG_DAEMON
        found = logging.handlers.SysLogHandler(str(SYSLOG), facility)
        found.ident = "bureaucrat: "
        return found
    path = config.log.file or config.state / "bureaucrat.log"
    try:
        if config.log.file is None:
            config.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        return logging.handlers.WatchedFileHandler(path, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"the log {path} cannot be written ({error.strerror}); choose another file") from error


def descriptors() -> list[int]:
    """What the log writes to: to be kept open when the daemon detaches."""
    found = set()
    for handler in _handlers():
        for holder in (getattr(handler, "stream", None), getattr(handler, "socket", None)):
            try:
                found.add(holder.fileno())  # type: ignore[union-attr]  # whatever has none is passed over
            except (AttributeError, OSError, ValueError):
                continue
    return sorted(found)


def _handlers() -> Iterator[logging.Handler]:
    yield from logging.getLogger().handlers
    for logger in logging.Logger.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            yield from logger.handlers
