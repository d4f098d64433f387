"""Where a launcher finds the broker and the queues: the original's dict, or the daemon's own file (B-105)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final
from urllib.parse import quote

from ..amqp.settings import AmqpSettings
from ..config import load
from ..definition.limits import ReadLimits, limits_of
from ..errors import ConfigurationError

Config = Mapping[str, object] | str | os.PathLike[str] | None

#: key of the dict -> name of the setting
_NAMES: Final = {
    "launcher_exchange": "launch_exchange",
    "launcher_routing_key": "launch_key",
    "message_queue": "message_queue",
    "event_queue": "event_queue",
}
_KEYS: Final = ("url", "host", "port", "user", "passwd", "vhost", *_NAMES)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a launcher has to know."""

    amqp: AmqpSettings
    launch_exchange: str = ""
    launch_key: str = "bureaucrat"
    message_queue: str = "bureaucrat_msgs"
    event_queue: str = "bureaucrat_events"
    limits: ReadLimits = ReadLimits()


def settings_of(config: Config) -> Settings:
    """The settings that a dict or a file gives; None is the file that the daemon would find, or defaults.

    :raises ConfigurationError: a key is not known or a value cannot be used; the file cannot be read.
    """
    settings = _of_keys(config) if isinstance(config, Mapping) else _of_file(config)
    settings.amqp.parameters("")  # says what is wrong with the URL
    return settings


def _of_file(path: str | os.PathLike[str] | None) -> Settings:
    config = load(None if path is None else Path(path), os.environ)
    names = config.bureaucrat
    amqp = AmqpSettings(config.amqp.url, heartbeat=config.amqp.heartbeat, connect_timeout=config.amqp.connect_timeout)
    limits = limits_of(config.limits.document, config.limits.activities)
    return Settings(amqp, "", names.launch_queue, names.message_queue, names.event_queue, limits)


def _of_keys(config: Mapping[str, object]) -> Settings:
    for key in config:
        if key not in _KEYS:
            near = get_close_matches(key, _KEYS, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(_KEYS)}"
            raise ConfigurationError(f"the launcher has no setting {key!r}; {hint}")
    given = {key: str(value) for key, value in config.items() if value is not None}
    names = {name: given[key] for key, name in _NAMES.items() if key in given}
    return Settings(AmqpSettings(given.get("url") or _url(given)), **names)  # type: ignore[arg-type]  # the names of texts


def _url(given: Mapping[str, str]) -> str:
    host = given.get("host", "localhost")
    user, passwd = (quote(given.get(key, "guest"), safe="") for key in ("user", "passwd"))
    place = f"[{host}]" if ":" in host else host
    return f"amqp://{user}:{passwd}@{place}:{given.get('port', '5672')}/{quote(given.get('vhost', '/'), safe='')}"
