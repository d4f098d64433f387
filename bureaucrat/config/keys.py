"""The one table of settings: its rows are the fields of the sections below.

Reading the file, ``bureaucrat config``, ``examples/config.ini`` and ``docs/configuration.rst`` all follow from it. To
add a setting, add a field here, and a line in the two files, which tests compare.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from . import kinds
from .kinds import Address, Hosts, Kind, Routing

_KEY = "key"


@dataclass(frozen=True, slots=True)
class Key:
    """One setting.

    :param default: as it would be written in the file.
    :param meaning: one sentence, without its full stop.
    :param is_secret: its value is never shown.
    :param aliases: other names it has in the file.
    """

    section: str
    name: str
    kind: Kind
    default: str
    meaning: str
    is_secret: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        """Its name in the environment; empty: it has none."""
        return "" if ":" in self.section else f"BUREAUCRAT_{self.section}_{self.name}".upper()

    def shown(self, text: str) -> str:
        """The value as it may be shown."""
        if self.is_secret:
            return "***"
        return kinds.without_password(text) if self.kind.is_url else text


@dataclass(frozen=True, slots=True)
class _Row:
    kind: Kind
    default: str
    meaning: str
    is_secret: bool
    aliases: tuple[str, ...]


def _key(kind: Kind, default: str, meaning: str, *, secret: bool = False, aliases: tuple[str, ...] = ()) -> Any:
    row = _Row(kind, default, meaning, secret, aliases)
    return field(default=kind.read(default), repr=not (secret or kind.is_url), metadata={_KEY: row})


@dataclass(frozen=True, slots=True)
class Amqp:
    """``[amqp]``: `url` is complete however the file says it."""

    url: str = _key(
        kinds.amqp_url(), "amqp://guest:guest@localhost:5672/%2F", "where RabbitMQ is; instead of the next five"
    )
    host: str = _key(kinds.host(), "localhost", "where RabbitMQ is")
    port: int = _key(kinds.number(1, 65_535), "5672", "its port")
    user: str = _key(kinds.text(), "guest", "who logs in there")
    passwd: str = _key(
        kinds.text_or_nothing(), "guest", "that user's password, also of a url without one", secret=True,
        aliases=("password",),
    )  # fmt: skip
    vhost: str = _key(kinds.text(), "/", "the virtual host")
    auth: str = _key(kinds.choice("password", "external"), "password", "external: who logs in is who ssl_cert says")
    ssl_ca: Path | None = _key(kinds.path_or_nothing(), "", "a file of the authorities trusted instead of the system's")
    ssl_cert: Path | None = _key(kinds.path_or_nothing(), "", "a certificate of ours, in PEM, with those it needs")
    ssl_key: Path | None = _key(kinds.path_or_nothing(), "", "its key, in PEM, if it is not in the same file")
    ssl_verify: bool = _key(kinds.yes_no(), "yes", "whether the broker's certificate and name are checked")
    ssl_hostname: str = _key(kinds.text_or_nothing(), "", "the name in its certificate, if it is not the host of url")
    heartbeat: int = _key(kinds.number(1, 3_600), "15", "seconds after which a silent connection counts as lost")
    connect_timeout: float = _key(kinds.duration("100ms"), "5s", "how long one try to connect may take")
    topology: str = _key(
        kinds.choice("declare", "verify", "assume"), "declare", "queues: create the missing, check them, or touch none"
    )
    prefetch: int = _key(kinds.number(1, 2_000), "1000", "messages held at once from one queue")
    confirm_window: int = _key(kinds.number(1, 10_000), "500", "messages published and not yet confirmed")


@dataclass(frozen=True, slots=True)
class Bureaucrat:
    """``[bureaucrat]``: times are seconds."""

    launch_queue: str = _key(kinds.queue(), "bureaucrat", "where definitions and launches are published to")
    message_queue: str = _key(kinds.queue(), "bureaucrat_msgs", "where participants answer, and commands arrive")
    event_queue: str = _key(kinds.queue(), "bureaucrat_events", "where events are published to")
    schedule_queue: str = _key(kinds.queue(), "bureaucrat_schedule", "where existing clients publish timers")
    dead_queue: str = _key(kinds.queue(), "bureaucrat_dead", "where messages are put that cannot be used")
    exchange: str = _key(kinds.text_or_nothing(), "", "topic exchange that clients publish to; empty: the queues")
    taskqueue_type: str = _key(
        kinds.choice("taskqueue", "celery"), "taskqueue", "who serves a participant whose name has no prefix"
    )
    message_format: str = _key(
        kinds.choice("workitem", "message"), "workitem", "how an action is written: with a header, or the old way"
    )
    accept_untokened: bool = _key(kinds.yes_no(), "yes", "whether an answer without a token is taken")
    stalled_after: float = _key(kinds.duration("1s"), "30s", "when an attempt that nobody takes counts as stalled")
    answer_timeout: float = _key(kinds.duration("1s"), "24h", "how long an attempt waits without a timeout of its own")
    history: str = _key(kinds.choice("none", "activity", "full"), "activity", "how much is kept of what happened")
    history_retention: float = _key(kinds.duration("1m"), "90d", "how long history is kept")
    instance_retention: float = _key(kinds.duration("1m"), "30d", "how long an instance is kept after its end")
    event_retention: float = _key(kinds.duration("1s"), "7d", "how long an event waits for somebody to await it")
    dedup_window: float = _key(kinds.duration("1m"), "7d", "how long the ids of messages are remembered")
    dead_retention: float = _key(kinds.duration("1m"), "90d", "how long a message is kept that no instance took")
    batch: int = _key(kinds.number(1, 10_000), "500", "messages in one transaction")
    stop_grace: float = _key(kinds.duration("0s"), "5s", "how long a stop may take")
    storage_dir: Path | None = _key(
        kinds.path_or_nothing(), "", "old name of [storage] url: a directory for bureaucrat.db"
    )


@dataclass(frozen=True, slots=True)
class Security:
    """``[security]``."""

    signing_key: tuple[str, ...] = _key(
        kinds.signing_keys(), "", "signs tokens; more keys after it, or the word database, are accepted", secret=True
    )
    strict: bool = _key(kinds.yes_no(), "no", "whether every answer must say who sends it (user_id)")


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """``[limits]``: sizes are bytes."""

    document: int = _key(kinds.size("1KiB", "16MiB"), "4MiB", "how large a definition may be")
    activities: int = _key(kinds.number(1, 1_000_000), "100000", "how many activities it may have")
    field: int = _key(kinds.size("1KiB", "16MiB"), "1MiB", "how large one field of an instance may be, as JSON")
    fields: int = _key(kinds.size("1KiB", "64MiB"), "8MiB", "how large all its fields together may be")
    message: int = _key(kinds.size("1KiB", "16MiB"), "16MiB", "how large a message may be that is taken in")
    turns: int = _key(kinds.number(1, 100_000), "500", "turns of loops, or starts of items, in one message")
    transitions: int = _key(
        kinds.number(1_000, 100_000_000), "1000000", "activities since a branch last waited; more are RunawayLoop"
    )


@dataclass(frozen=True, slots=True)
class Celery:
    """``[celery]``: where Celery's workers find attempts."""

    app: str = _key(kinds.app(), "", "your Celery app: then its routes count, not the next three")
    queue: str = _key(kinds.queue(), "celery", "the queue of Celery tasks that no pattern fits")
    exchange: str = _key(kinds.text_or_nothing(), "", "published to under the queue's name; empty: to the queue")
    routing: Routing = _key(kinds.routing(), "", "queues by patterns of names; first-part: up to the first dot")


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """``[services]``: HTTP services that are participants."""

    allow: Hosts = _key(kinds.hosts(), "", "hosts that a URL may name, and networks that are not public")
    connections: int = _key(kinds.number(1, 1_000), "100", "requests at a time")
    per_host: int = _key(kinds.number(1, 1_000), "20", "requests at a time to one host")
    timeout: float = _key(kinds.duration("100ms"), "30s", "how long one request may take")
    response: int = _key(kinds.size("1KiB", "16MiB"), "1MiB", "how large a response may be")
    ssl_ca: Path | None = _key(kinds.path_or_nothing(), "", "a file of authorities trusted beside the system's")
    signing_key: str = _key(kinds.text_or_nothing(), "", "signs every request; who is asked knows it", secret=True)


@dataclass(frozen=True, slots=True)
class SignalSettings:
    """``[signals]``: the agents' bus."""

    bus: str = _key(kinds.bus(), "amqp", "the agents' bus: amqp, or the URL of a Redis beside it")
    prefix: str = _key(kinds.bus_prefix(), "PUBSUB", "the prefix of the agents' signals on Redis")


@dataclass(frozen=True, slots=True)
class Storage:
    """``[storage]``."""

    url: str = _key(
        kinds.storage_url(), "sqlite:////var/lib/bureaucrat/bureaucrat.db", "the database; this is the default of root"
    )
    password: str = _key(kinds.text_or_nothing(), "", "password of PostgreSQL, of a url without one", secret=True)

    @property
    def path(self) -> Path | None:
        """The SQLite file, if it is one."""
        return kinds.sqlite_path(self.url) if self.url.startswith("sqlite:") else None

    @property
    def shown(self) -> str:
        """The file, or the URL without its password."""
        return kinds.without_password(self.url) if self.path is None else str(self.path)


@dataclass(frozen=True, slots=True)
class Health:
    """``[health]``."""

    listen: Address | None = _key(
        kinds.address_or_off(), "127.0.0.1:9464", "serves /health /ready /metrics; off: nothing listens"
    )


@dataclass(frozen=True, slots=True)
class Log:
    """``[log]``: used when the file has no sections of ``logging.config``."""

    level: str = _key(kinds.level(), "INFO", "DEBUG, INFO, WARNING, ERROR or CRITICAL")
    file: Path | None = _key(kinds.path_or_nothing(), "", "where a detached daemon logs; empty: syslog")


@dataclass(frozen=True, slots=True)
class Participant:
    """``[participant:NAME]``: there may be many.

    :param pattern: NAME: a participant, or a pattern with ``*`` and ``?``.
    :param place: where it stands.
    """

    pattern: str
    place: str
    max_in_flight: int | None = _key(
        kinds.number_or_nothing(1, 1_000_000), "", "attempts it has at most that are not answered"
    )
    rate: tuple[int, float] | None = _key(
        kinds.rate_or_nothing(), "", "attempts that leave at most in a second, minute or hour"
    )
    user: str = _key(kinds.text_or_nothing(), "", "the user of RabbitMQ who alone answers for it")


@dataclass(frozen=True, slots=True)
class Service:
    """``[service:NAME]``: there may be many.

    :param name: NAME, as definitions have it after ``service:``.
    :param place: where it stands.
    """

    name: str
    place: str
    url: str = _key(kinds.http_url_or_nothing(), "", "where it is asked")
    headers: tuple[tuple[str, str], ...] = _key(
        kinds.headers(), "", "headers of each request, a line for each", secret=True
    )
    timeout: float | None = _key(
        kinds.duration_or_nothing("100ms"), "", "how long one request may take, if not as in [services]"
    )


#: The sections, by name and in the order in which they are shown.
SECTIONS: dict[str, type[Any]] = {
    "amqp": Amqp,
    "bureaucrat": Bureaucrat,
    "security": Security,
    "limits": LimitSettings,
    "celery": Celery,
    "services": ServiceSettings,
    "signals": SignalSettings,
    "storage": Storage,
    "health": Health,
    "log": Log,
}


#: What the name of a section begins with that is about participants.
PARTICIPANT = "participant:"
#: ... and about registered services.
SERVICE = "service:"


def _table() -> tuple[Key, ...]:
    return tuple(key for section, rows in SECTIONS.items() for key in _keys(section, rows))


def _keys(section: str, rows: type[Any]) -> list[Key]:
    found = []
    for one in fields(rows):
        row: _Row | None = one.metadata.get(_KEY)
        if row is not None:
            found.append(Key(section, one.name, row.kind, row.default, row.meaning, row.is_secret, row.aliases))
    return found


KEYS: tuple[Key, ...] = _table()


def participant_keys(section: str) -> list[Key]:
    """The keys of one section about participants."""
    return _keys(section, Participant)


def service_keys(section: str) -> list[Key]:
    """The keys of one section about a registered service."""
    return _keys(section, Service)
