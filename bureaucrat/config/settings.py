"""A whole configuration: typed sections for the code, and for people where each value comes from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any

from .keys import (
    Amqp,
    Bureaucrat,
    Celery,
    Health,
    Key,
    LimitSettings,
    Log,
    Participant,
    Security,
    Service,
    ServiceSettings,
    SignalSettings,
    Storage,
)


class Origin(IntEnum):
    """Who said a value; the higher one wins."""

    DEFAULT = 0
    FILE = 1
    ENVIRONMENT = 2


@dataclass(frozen=True, slots=True)
class Setting:
    """One value and where it comes from.

    :param text: as it was written; ``file:`` and ``credential:`` are resolved.
    :param source: ``default``, ``config.ini:9`` or the name of an environment variable.
    :param is_in_force: false where another key says the same and wins.
    """

    key: Key
    value: Any = field(repr=False)
    text: str = field(repr=False)
    source: str
    origin: Origin
    is_in_force: bool = True

    @property
    def shown(self) -> str:
        """The value as it may be shown."""
        return self.key.shown(self.text)

    @property
    def place(self) -> str:
        """Where to change it: ``config.ini:3  [amqp] host``."""
        return f"{self.source}  [{self.key.section}] {self.key.name}"


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that can be set.

    :param file: the file that was read, if any.
    :param state: the directory for what the daemon keeps, where nothing else is said.
    :param logging: the sections of ``logging.config``, by name.
    :param settings: every value with its source, in the order of the table.
    :param participants: those that something is set about, in the order of the file.
    :param registered: services that have a name of their own.
    """

    amqp: Amqp
    bureaucrat: Bureaucrat
    limits: LimitSettings
    storage: Storage
    health: Health
    log: Log
    celery: Celery = Celery()
    services: ServiceSettings = ServiceSettings()
    signals: SignalSettings = SignalSettings()
    security: Security = Security()
    file: Path | None = None
    state: Path = Path()
    logging: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    settings: tuple[Setting, ...] = field(default=(), repr=False)
    places: Mapping[tuple[str, str], str] = field(default_factory=dict, repr=False)
    participants: tuple[Participant, ...] = ()
    registered: tuple[Service, ...] = ()

    def place(self, section: str, name: str) -> str:
        """Where to change a value; for one that follows from others, the place of those."""
        return self.places.get((section, name), f"default  [{section}] {name}")


def state_directory(environ: Mapping[str, str], is_root: bool) -> Path:
    """Where the daemon keeps what it must not lose; never a directory that everybody can write to."""
    given = environ.get("STATE_DIRECTORY", "").split(os.pathsep)[0]
    if given:
        return Path(given)
    if is_root:
        return Path("/var/lib/bureaucrat")
    base = environ.get("XDG_STATE_HOME") or str(_home(environ) / ".local" / "state")
    return Path(base).absolute() / "bureaucrat"


def _home(environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME")
    return Path(home) if home else Path.home()
