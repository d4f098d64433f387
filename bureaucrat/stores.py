"""Which storage a URL names, and where attempts go: for whoever looks at a database that an engine works on.

Rules: this file chooses adapters and decides nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote

from .config import Config
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


def sqlite_url(path: str | Path) -> str:
    """The URL of a file: what stands after ``sqlite:///`` is its path, so an absolute one gives four slashes."""
    return f"{_SQLITE}{quote(str(path))}"


def sqlite_path(url: str) -> Path:
    """The file that such a URL names."""
    return Path(unquote(url.removeprefix(_SQLITE)))


def open_storage(url: str, read_only: bool) -> Storage:
    """The storage at a URL, still to be opened.

    :param read_only: for other processes than the daemon: nothing but mail is written.
    :raises ConfigurationError: there is no storage of that kind.
    """
    if not url.startswith(_SQLITE) or url == _SQLITE:
        raise ConfigurationError(f"{url!r} names no storage: write {_SQLITE}FILE, for example {_SQLITE}bureaucrat.db")
    return SqliteStorage(sqlite_path(url), read_only=read_only)


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
