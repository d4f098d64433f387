"""Where a launcher finds the broker and the queues: the original's dict, or the daemon's own file (B-105)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final, cast
from urllib.parse import quote

from ..amqp.settings import AmqpSettings, Auth
from ..amqp.tls import Tls
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
_TLS: Final = ("auth", "ssl_ca", "ssl_cert", "ssl_key", "ssl_verify", "ssl_hostname")
_KEYS: Final = ("url", "host", "port", "user", "passwd", "vhost", "exchange", *_TLS, *_NAMES)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a launcher has to know."""

    amqp: AmqpSettings
    launch_exchange: str = ""
    launch_key: str = "bureaucrat"
    message_queue: str = "bureaucrat_msgs"
    event_queue: str = "bureaucrat_events"
    limits: ReadLimits = ReadLimits()
    exchange: str = ""  #: for questions, events and answers


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
    amqp = AmqpSettings.of(config)
    limits = limits_of(config.limits.document, config.limits.activities)
    queues = (names.launch_queue, names.message_queue, names.event_queue)
    return Settings(amqp, names.exchange, *queues, limits, names.exchange)


def _of_keys(config: Mapping[str, object]) -> Settings:
    for key in config:
        if key not in _KEYS:
            near = get_close_matches(key, _KEYS, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(_KEYS)}"
            raise ConfigurationError(f"the launcher has no setting {key!r}; {hint}")
    given = {key: str(value) for key, value in config.items() if value is not None}
    names = {name: given[key] for key, name in _NAMES.items() if key in given}
    exchange = given.get("exchange", "")
    names.setdefault("launch_exchange", exchange)
    is_encrypted = any(key in given for key in _TLS)
    auth = given.get("auth", "password")
    if auth not in ("password", "external"):
        raise ConfigurationError(f"the launcher's auth is {auth!r}; it must be 'password' or 'external'")
    url = given.get("url") or _url(given, is_encrypted)
    amqp = AmqpSettings(url, tls=_tls_of(given), auth=cast(Auth, auth))
    return Settings(amqp, **names, exchange=exchange)  # type: ignore[arg-type]  # the names of texts


def _tls_of(given: Mapping[str, str]) -> Tls:
    ca, cert, key = (Path(given[name]) if given.get(name) else None for name in ("ssl_ca", "ssl_cert", "ssl_key"))
    is_verified = given.get("ssl_verify", "yes").lower() not in ("no", "false", "off", "0")
    return Tls(ca, cert, key, is_verified, given.get("ssl_hostname", ""))


def _url(given: Mapping[str, str], is_encrypted: bool) -> str:
    host = given.get("host", "localhost")
    user, passwd = (quote(given.get(key, "guest"), safe="") for key in ("user", "passwd"))
    place = f"[{host}]" if ":" in host else host
    scheme, port = ("amqps", "5671") if is_encrypted else ("amqp", "5672")
    return f"{scheme}://{user}:{passwd}@{place}:{given.get('port', port)}/{quote(given.get('vhost', '/'), safe='')}"
