"""The kinds of settings: how each is written, and what it becomes.

Rules: a kind reads text and raises ``ValueError`` whose message completes "must be …"; it knows no file and no other
setting. Lengths of time have a reader of their own here, smaller than that of definitions: this package is a leaf, so
that adapters and clients can read their settings without the core.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

_UNITS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "": 1_000}
_DURATION: Final = re.compile(r"(\d{1,12}(?:\.\d{1,6})?) ?(ms|[smhdw]|)", re.ASCII)
_RATE: Final = re.compile(r"([1-9]\d{0,5}) ?/ ?([smh])", re.ASCII)
_SIZE: Final = re.compile(r"(\d{1,9}) ?(|KiB|MiB)", re.ASCII)
_SIZES: Final = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20}
_LONGEST: Final = 3_653 * 86_400  #: 10 years, as in definitions
_PATTERN: Final = re.compile(r"\*|(\*\.)?[\w-]+(\.[\w-]+)*", re.ASCII)
_HEADER: Final = re.compile(r"([!#$%&'*+.^_`|~\w-]+): *(\S.*)", re.ASCII)
_OWN_HEADERS: Final = ("host", "content-", "transfer-encoding", "connection", "idempotency-key", "bureaucrat-")
_STAND_INS: Final = ("database", "lost")  #: for the key in the database; for keys that nobody has any more
_YES: Final = frozenset({"yes", "true", "on", "1"})
_NO: Final = frozenset({"no", "false", "off", "0"})
_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True, slots=True)
class Address:
    """Where something listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Routing:
    """Which queue a Celery task is sent to, by its name."""

    table: tuple[tuple[str, str], ...] = ()  #: pattern and queue; the first that fits counts
    is_by_first_part: bool = False  #: exchange, routing key and queue are the name up to its first dot


@dataclass(frozen=True, slots=True)
class Hosts:
    """Which hosts may be asked."""

    patterns: tuple[str, ...] = ()  #: names, ``*.name`` or ``*``
    networks: tuple[IPv4Network | IPv6Network, ...] = ()  #: also of addresses that are not public


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of setting is read.

    :param allowed: completes "must be …".
    :param is_url: a password in it is not shown.
    """

    read: Callable[[str], Any]
    allowed: str
    is_url: bool = False


def _checked(text: str) -> str:
    if not text.isprintable():
        raise ValueError
    return text


def text_or_nothing() -> Kind:
    return Kind(_checked, "text without control characters")


def text() -> Kind:
    return Kind(_name, "text without control characters, not empty")


def host() -> Kind:
    return Kind(_host, "a name or an address of a host, without a port")


def queue() -> Kind:
    return Kind(_queue, "a queue's name: 1 to 255 bytes, not beginning with amq.")


def choice(*words: str) -> Kind:
    allowed = " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))

    def read(given: str) -> str:
        if given.lower() not in words:
            raise ValueError
        return given.lower()

    return Kind(read, allowed)


def number(least: int, most: int) -> Kind:
    def read(given: str) -> int:
        if not re.fullmatch(r"\d{1,9}", given, re.ASCII) or not least <= int(given) <= most:
            raise ValueError
        return int(given)

    return Kind(read, f"a whole number from {least} to {most}")


def number_or_nothing(least: int, most: int) -> Kind:
    one = number(least, most)
    return Kind(lambda given: one.read(given) if given else None, one.allowed)


def rate_or_nothing() -> Kind:
    return Kind(_rate, "a whole number from 1 to 999999 and /s, /m or /h")


def size(least: str, most: str) -> Kind:
    smallest, largest = _bytes(least), _bytes(most)

    def read(given: str) -> int:
        found = _bytes(given)
        if not smallest <= found <= largest:
            raise ValueError
        return found

    return Kind(read, f"a size from {least} to {most}: a whole number of bytes, or with KiB or MiB")


def yes_no() -> Kind:
    return Kind(_yes_no, "yes or no")


def duration(least: str = "0s") -> Kind:
    shortest = seconds(least)

    def read(given: str) -> float:
        found = seconds(given)
        if found < shortest:
            raise ValueError
        return found

    return Kind(read, f"a length of time from {least} to 10 years: a number and ms, s, m, h, d or w")


def routing() -> Kind:
    return Kind(_routing, "first-part, or PATTERN = QUEUE with commas between: shop.* = shop, *.mail = mail")


def app() -> Kind:
    return Kind(_app, "module:name of a Celery app, such as proj.celery:app, or nothing")


def hosts() -> Kind:
    return Kind(_hosts, "names of hosts, *.DOMAIN, * or networks: api.example.com, *.example.org, 10.1.0.0/16")


def http_url_or_nothing() -> Kind:
    return Kind(_http_url, "http://HOST/PATH or https://HOST/PATH, without a user and password", is_url=True)


def headers() -> Kind:
    return Kind(_headers, "a line NAME: VALUE for each header; Host, Content-… and those of the engine are its own")


def signing_keys() -> Kind:
    return Kind(_signing_keys, "keys of 32 to 1,000 characters with white space between, or nothing")


def duration_or_nothing(least: str) -> Kind:
    one = duration(least)
    return Kind(lambda given: one.read(given) if given else None, one.allowed)


def level() -> Kind:
    def read(given: str) -> str:
        if given.upper() not in _LEVELS:
            raise ValueError
        return given.upper()

    return Kind(read, f"{', '.join(_LEVELS[:-1])} or {_LEVELS[-1]}")


def address_or_off() -> Kind:
    return Kind(_address, "host:port, [IPv6 address]:port or off")


def path_or_nothing() -> Kind:
    return Kind(lambda given: Path(_checked(given)).absolute() if given else None, "a path")


def amqp_url() -> Kind:
    return Kind(_amqp_url, "amqp://user:password@host:port/vhost, or amqps:// with TLS", is_url=True)


def bus() -> Kind:
    return Kind(_bus, "amqp, or redis://user:password@host:port/number, or rediss:// with TLS", is_url=True)


def bus_prefix() -> Kind:
    return Kind(_bus_prefix, "1 to 100 letters, digits, _ and -")


def storage_url() -> Kind:
    allowed = "sqlite:///FILE (relative), sqlite:////FILE (absolute) or postgresql://user@host:port/database"
    return Kind(_storage_url, allowed, is_url=True)


def seconds(given: str) -> float:
    """The seconds that ``30s``, ``24h``, ``500ms`` or ``90`` stand for."""
    found = _DURATION.fullmatch(given)
    if not found:
        raise ValueError
    exact = Fraction(found[1]) * _UNITS[found[2]] / 1_000
    if exact > _LONGEST:
        raise ValueError
    return float(exact)


def _bytes(given: str) -> int:
    found = _SIZE.fullmatch(given)
    if not found:
        raise ValueError
    return int(found[1]) * _SIZES[found[2]]


def sqlite_url(path: Path) -> str:
    """The URL of an SQLite file."""
    return f"sqlite:///{quote(path.as_posix(), safe='/: ')}"


def sqlite_path(url: str) -> Path:
    """The file that an SQLite URL names."""
    return Path(unquote(url.removeprefix("sqlite:///")))


def without_password(url: str) -> str:
    """A URL that may be shown: ``***`` stands for the password."""
    scheme, mark, rest = url.partition("://")
    authority, slash, tail = rest.partition("/")
    if "@" in tail and "@" not in authority:  # a password with a slash that should be written %2F
        authority, slash, tail = rest, "", ""
    user, at, place = authority.rpartition("@")
    name, colon, _ = user.partition(":")
    return f"{scheme}{mark}{name}{colon}{'***' if colon else ''}{at}{place}{slash}{tail}"


def _name(given: str) -> str:
    if not given:
        raise ValueError
    return _checked(given)


def _host(given: str) -> str:
    if not re.fullmatch(r"[\w.:%-]+", given):
        raise ValueError
    return given


def _rate(given: str) -> tuple[int, float] | None:
    """How many, and in how many seconds."""
    if not given:
        return None
    found = _RATE.fullmatch(given)
    if not found:
        raise ValueError
    return int(found[1]), _UNITS[found[2]] / 1_000


def _queue(given: str) -> str:
    if not 1 <= len(given.encode()) <= 255 or given.startswith("amq."):
        raise ValueError
    return _checked(given)


def _routing(given: str) -> Routing:
    if given == "first-part":
        return Routing(is_by_first_part=True)
    pairs = [pair.partition("=") for pair in given.split(",") if pair.strip()]
    if not all(pattern.strip() and equals and queue.strip() for pattern, equals, queue in pairs):
        raise ValueError
    return Routing(tuple((pattern.strip(), _queue(queue.strip())) for pattern, _, queue in pairs))


def _app(given: str) -> str:
    if given and not re.fullmatch(r"[\w.]+(:[\w.]+)?", given):
        raise ValueError
    return given


def _hosts(given: str) -> Hosts:
    patterns: list[str] = []
    networks: list[IPv4Network | IPv6Network] = []
    for one in re.split(r"[,\s]+", given.strip()):
        try:
            networks.append(ip_network(one))
        except ValueError:
            if one and (not _PATTERN.fullmatch(one) or re.fullmatch(r"[\d.]+", one)):
                raise
            patterns += [one.lower()] if one else []
    return Hosts(tuple(patterns), tuple(networks))


def _http_url(given: str) -> str:
    if not given:
        return given
    parts = urlsplit(given)
    is_text = given.isprintable() and " " not in given and parts.port != 0
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or not is_text:
        raise ValueError
    return given


def _headers(given: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for line in filter(None, map(str.strip, given.splitlines())):
        found = _HEADER.fullmatch(_checked(line))
        if found is None or found[1].lower().startswith(_OWN_HEADERS):
            raise ValueError
        pairs.append((found[1], found[2]))
    return tuple(pairs)


def _signing_keys(given: str) -> tuple[str, ...]:
    words = tuple(given.split())
    is_key = [32 <= len(word) <= 1_000 and word.isprintable() for word in words]
    if words and (
        not all(one or word in _STAND_INS for one, word in zip(is_key, words, strict=True)) or words == ("lost",)
    ):
        raise ValueError
    return words


def _yes_no(given: str) -> bool:
    word = given.lower()
    if word not in _YES | _NO:
        raise ValueError
    return word in _YES


def _address(given: str) -> Address | None:
    if given.lower() == "off":
        return None
    host, colon, port = given.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not colon or (":" in _host(bare)) != (bare != host):
        raise ValueError
    if not re.fullmatch(r"\d{1,5}", port, re.ASCII) or int(port) > 65_535:
        raise ValueError
    return Address(bare, int(port))


def _amqp_url(given: str) -> str:
    parts = urlsplit(given)
    is_text = given.isprintable() and not re.search(r"\s", given)
    if parts.scheme not in ("amqp", "amqps") or not parts.hostname or not is_text or parts.port == 0:
        raise ValueError
    return given


def _bus(given: str) -> str:
    if given == "amqp":
        return given
    parts = urlsplit(given)
    is_text = given.isprintable() and not re.search(r"\s", given)
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or not is_text or parts.port == 0:
        raise ValueError
    return given


def _bus_prefix(given: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", given):
        raise ValueError
    return given


def _postgresql_url(given: str) -> str:
    parts = urlsplit(given)
    is_text = given.isprintable() and not re.search(r"\s", given)
    if not (parts.netloc or parts.query) or not parts.path.strip("/") or not is_text or parts.port == 0:
        raise ValueError
    return given


def _storage_url(given: str) -> str:
    if given.startswith(("postgresql://", "postgres://")):
        return _postgresql_url(given)
    if not given.startswith("sqlite:///") or not _checked(given) or sqlite_path(given).name in ("", "..", ":memory:"):
        raise ValueError
    return sqlite_url(sqlite_path(given).absolute())
