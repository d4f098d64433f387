"""Which storage a URL names, and where attempts go: for whoever looks at a database that an engine works on.

Rules: this file chooses adapters and decides nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote

from .config import Bureaucrat, Config, LimitSettings, without_password
from .core.limits import Limits
from .engine.bounds import Bound, Bounds, Rate
from .engine.users import Users
from .errors import ConfigurationError
from .participants.celery import PREFIX as CELERY
from .participants.service import PREFIX as SERVICE
from .participants.service import PREFIXES as SERVICES
from .participants.taskqueue import PREFIX, queue_of
from .ports import DestinationRow, Storage
from .storage.sqlite import SqliteStorage

_SQLITE = "sqlite:///"
_POSTGRESQL = ("postgresql://", "postgres://")


def url_of(database: str) -> str:
    """The URL that a person names: a URL of PostgreSQL, or the path of a SQLite file."""
    return database if database.startswith(_POSTGRESQL) else sqlite_url(database)


def file_of(url: str) -> Path | None:
    """The file of a database that is one."""
    return sqlite_path(url) if url.startswith(_SQLITE) else None


def sqlite_url(path: str | Path) -> str:
    """The URL of a file: what stands after ``sqlite:///`` is its path, so an absolute one gives four slashes."""
    return f"{_SQLITE}{quote(str(path))}"


def sqlite_path(url: str) -> Path:
    """The file that such a URL names."""
    return Path(unquote(url.removeprefix(_SQLITE)))


def open_storage(url: str, read_only: bool) -> Storage:
    """The storage at a URL, still to be opened.

    :param read_only: for other processes than the daemon: nothing but mail is written.
    :raises ConfigurationError: there is no storage of that kind, or what it needs is not installed.
    """
    if url.startswith(_POSTGRESQL):
        return _postgresql(url, read_only)
    if not url.startswith(_SQLITE) or url == _SQLITE:
        raise ConfigurationError(
            f"{without_password(url)!r} names no storage: write {_SQLITE}FILE, for example {_SQLITE}bureaucrat.db, "
            "or postgresql://user@host:port/database"
        )
    return SqliteStorage(sqlite_path(url), read_only=read_only)


def _postgresql(url: str, read_only: bool) -> Storage:
    try:
        from .storage.postgresql import PostgresqlStorage  # here: who has SQLite needs no asyncpg
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "PostgreSQL needs asyncpg, which is not installed: pip install 'bureaucrat-engine[postgresql]'"
        ) from error
    return PostgresqlStorage(url, read_only=read_only)


def bounds_of(config: Config) -> Bounds:
    """How much each participant is given at a time."""
    sections = []
    for one in config.participants:
        if one.max_in_flight is None and one.rate is None:
            continue
        rate = None if one.rate is None else Rate(*one.rate)
        sections.append((one.pattern, Bound(one.max_in_flight, rate, one.place)))
    return Bounds(tuple(sections), f"{PREFIX}:")


def users_of(config: Config) -> Users:
    """Who answers for each participant."""
    sections = tuple((one.pattern, one.user) for one in config.participants if one.user)
    return Users(sections, f"{PREFIX}:", config.security.strict)


def step_limits(given: Bureaucrat, bounds: LimitSettings) -> Limits:
    """What one step of an instance may do."""
    return Limits(
        field_bytes=bounds.field,
        total_bytes=bounds.fields,
        turns=bounds.turns,
        max_transitions=bounds.transitions,
        answer_timeout=given.answer_timeout,
    )


#: where no settings are known
NO_BOUNDS = Bounds((), f"{PREFIX}:")


def kind_of(participant: str, queues: Mapping[str, DestinationRow]) -> str:
    """The kind of a participant: ``celery``, ``service`` or ``worker``."""
    prefix, _, name = participant.partition(":")
    if name and prefix in (CELERY, *SERVICES):
        return CELERY if prefix == CELERY else SERVICE
    queue = destination_of(participant, queues)
    return CELERY if queue is not None and queue.participants else PREFIX


def queue_of_kind(kind: str, participant: str, queues: Mapping[str, DestinationRow]) -> str | None:
    """The queue of a participant; None if only those know it that send there."""
    queue = destination_of(participant, queues)
    if queue is not None:
        return queue.name
    return queue_of(participant) if kind == PREFIX else None


def destination_of(participant: str, queues: Mapping[str, DestinationRow]) -> DestinationRow | None:
    """The queue that a participant's attempts are sent to, of those that are known."""
    for queue in queues.values():
        if participant in queue.participants.split():
            return queue
    return queues.get(queue_of(participant))
