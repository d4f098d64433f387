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
_STORAGE = ("storage", "url")
_FOLDER = ("bureaucrat", "storage_dir")


def amqp_url(settings: Settings, places: Places) -> list[str]:
    """Complete ``[amqp] url``; the problems of doing so."""
    url = settings[_URL]
    if url.origin is Origin.DEFAULT:
        return _made_of_parts(settings, places)
    problems = []
    for name in _PARTS:
        part = settings[name]
        if part.origin >= url.origin:
            problems.append(f"{part.place}: [amqp] url is given, too ({url.source}); remove one of both")
        settings[name] = replace(part, is_in_force=False)
    return problems + _with_password(settings)


def _made_of_parts(settings: Settings, places: Places) -> list[str]:
    given = [name for name in (*_PARTS, _PASSWD) if settings[name].origin is not Origin.DEFAULT]
    if not given:
        for name in (*_PARTS, _PASSWD):
            settings[name] = replace(settings[name], is_in_force=False)
        return []
    host, port, user, vhost = (settings[name].value for name in _PARTS)
    login = f"{quote(user, safe='')}:{quote(settings[_PASSWD].value, safe='')}"
    place = kinds.Address(host, port)
    text = f"amqp://{login}@{place}/{quote(vhost, safe='')}"
    settings[_URL] = replace(settings[_URL], value=text, text=text, is_in_force=False)
    places[_URL] = settings[given[0]].place
    return []


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
