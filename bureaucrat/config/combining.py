"""Settings that say the same in two ways: an URL, or the keys of the original.

Rules: the environment wins over the file; two ways from the same origin are a problem that names both places. What
does not count is marked as not in force.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlsplit

from . import kinds
from .settings import Origin, Setting

Settings = MutableMapping[tuple[str, str], Setting]
Places = MutableMapping[tuple[str, str], str]

_URL = ("amqp", "url")
_PASSWD = ("amqp", "passwd")
_PARTS = tuple(("amqp", name) for name in ("host", "port", "user", "vhost"))
_ENCRYPTED = tuple(("amqp", name) for name in ("ssl_ca", "ssl_cert", "ssl_key", "ssl_verify", "ssl_hostname"))
_PORTS = {"amqp": 5672, "amqps": 5671}
_STORAGE = ("storage", "url")
_PASSWORD = ("storage", "password")
_FOLDER = ("bureaucrat", "storage_dir")


def amqp_url(settings: Settings, places: Places) -> list[str]:
    """Complete ``[amqp] url``; the problems of doing so."""
    url = settings[_URL]
    if url.origin is Origin.DEFAULT:
        return _made_of_parts(settings, places) + _unencrypted(settings)
    problems = _unencrypted(settings)
    for name in _PARTS:
        part = settings[name]
        if part.origin >= url.origin:
            problems.append(f"{part.place}: [amqp] url is given, too ({url.source}); remove one of both")
        settings[name] = replace(part, is_in_force=False)
    return problems + _with_password(settings)


def _made_of_parts(settings: Settings, places: Places) -> list[str]:
    is_encrypted = bool(_tls(settings))
    wanted = (*_PARTS, _PASSWD, *(name for name in _ENCRYPTED if is_encrypted))
    given = [name for name in wanted if settings[name].origin is not Origin.DEFAULT]
    if not given:
        for name in (*_PARTS, _PASSWD):
            settings[name] = replace(settings[name], is_in_force=False)
        return []
    host, port, user, vhost = (settings[name].value for name in _PARTS)
    login = f"{quote(user, safe='')}:{quote(settings[_PASSWD].value, safe='')}"
    scheme = "amqps" if is_encrypted else "amqp"
    if settings["amqp", "port"].origin is Origin.DEFAULT:
        port = _PORTS[scheme]
    place = kinds.Address(host, port)
    text = f"{scheme}://{login}@{place}/{quote(vhost, safe='')}"
    settings[_URL] = replace(settings[_URL], value=text, text=text, is_in_force=False)
    places[_URL] = settings[given[0]].place
    return []


def _tls(settings: Settings) -> list[Setting]:
    """What is set that means an encrypted connection."""
    wanted = [settings[name] for name in (*_ENCRYPTED, ("amqp", "auth"))]
    return [one for one in wanted if one.value != one.key.kind.read(one.key.default)]


def _unencrypted(settings: Settings) -> list[str]:
    """What is set about TLS without TLS, or half."""
    url = settings[_URL]
    problems = []
    if url.value.startswith("amqp:"):
        problems = [
            f"{one.place} is for TLS, and [amqp] url is not ({url.source}); write amqps://" for one in _tls(settings)
        ]
    if settings["amqp", "ssl_cert"].value is None:
        for one in _tls(settings):
            if one.key.name in ("ssl_key", "auth"):
                problems.append(f"{one.place} needs a certificate; add [amqp] ssl_cert")
    return problems


def _with_password(settings: Settings) -> list[str]:
    url, passwd = settings[_URL], settings[_PASSWD]
    parts = urlsplit(url.value)
    has_one = parts.password is not None
    if passwd.origin is Origin.DEFAULT or (has_one and passwd.origin < url.origin):
        settings[_PASSWD] = replace(passwd, is_in_force=False)
        return []
    if has_one and passwd.origin == url.origin:
        return [f"{passwd.place}: [amqp] url has a password, too ({url.source}); remove one of both"]
    _, _, place = parts.netloc.rpartition("@")
    user = parts.username or quote(settings["amqp", "user"].value, safe="")
    text = parts._replace(netloc=f"{user}:{quote(passwd.value, safe='')}@{place}").geturl()
    settings[_URL] = replace(url, value=text, text=text)
    return []


def untokened(settings: Settings) -> None:
    """Who has a key of tokens for itself wants tokens: unless it is said, answers without one are not taken."""
    key, taken = settings["security", "signing_key"], settings["bureaucrat", "accept_untokened"]
    if key.value and taken.origin is Origin.DEFAULT:
        settings["bureaucrat", "accept_untokened"] = replace(taken, value=False, text="no", source=key.source)


def storage_password(settings: Settings) -> list[str]:
    """Put ``[storage] password`` into the URL; the problems of doing so."""
    url, password = settings[_STORAGE], settings[_PASSWORD]
    is_given = bool(password.value)
    if not is_given or url.value.startswith("sqlite:"):
        settings[_PASSWORD] = replace(password, is_in_force=False)
        return [f"{password.place}: [storage] url names a SQLite file, which has none; remove one of both"] * is_given
    parts = urlsplit(url.value)
    if parts.password is not None:
        return [f"{password.place}: [storage] url has a password, too ({url.source}); remove one of both"]
    user, at, place = parts.netloc.rpartition("@")
    if not at or not user:
        return [f"{password.place}: [storage] url names no user; write postgresql://user@…"]
    text = parts._replace(netloc=f"{user}:{quote(password.value, safe='')}@{place}").geturl()
    settings[_STORAGE] = replace(url, value=text, text=text)
    return []


def storage_url(settings: Settings, places: Places, state: Path) -> list[str]:
    """Complete ``[storage] url``; the problems of doing so."""
    url, folder = settings[_STORAGE], settings[_FOLDER]
    if folder.value is not None and Origin.DEFAULT < folder.origin >= url.origin:
        if folder.origin == url.origin:
            return [f"{folder.place}: [storage] url is given, too ({url.source}); remove one of both"]
        text = kinds.sqlite_url(folder.value / "bureaucrat.db")
        settings[_STORAGE] = replace(url, value=text, text=text, source=folder.source, origin=folder.origin)
        places[_STORAGE] = folder.place
        return []
    settings[_FOLDER] = replace(folder, is_in_force=False)
    text = kinds.sqlite_url(state / "bureaucrat.db") if url.origin is Origin.DEFAULT else url.value
    settings[_STORAGE] = replace(url, value=text, text=text)
    return []
