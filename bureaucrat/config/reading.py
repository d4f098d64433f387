"""From a file and the environment to a :class:`Config`, or to all that is wrong with them in one answer."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from ..errors import ConfigurationError
from . import ini, secrets
from .combining import amqp_url, storage_password, storage_url, untokened
from .keys import (
    KEYS,
    PARTICIPANT,
    SECTIONS,
    SERVICE,
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
    participant_keys,
    service_keys,
)
from .settings import Config, Origin, Setting, state_directory

#: Where a file is looked for if none is given; the second is the one that taskqueue has, too.
SEARCH = (Path("/etc/bureaucrat/config.ini"), Path("/etc/taskqueue/config.ini"))

#: of keys without a default
_EXAMPLES = {
    "max_in_flight": "20",
    "rate": "5/s",
    "routing": "shop.* = shop",
    "app": "shop.tasks:app",
    "allow": "api.example.com",
    "url": "https://api.example.com/charge",
    "headers": "file:/etc/bureaucrat/charge.headers",
    "timeout": "10s",
    "user": "charge",
    "signing_key": "file:/etc/bureaucrat/signing-key",
}
_LARGEST = 1_048_576
_LAST = 1 << 30  #: stands for a line: after all those of the file
#: Left to logging.config.
_LOGGING = ("formatters", "handlers", "loggers")
_LOGGING_PREFIXES = ("formatter_", "handler_", "logger_")
#: What taskqueue keeps in the file that it may share with us.
_FOREIGN = ("DEFAULT", "taskqueue")
_FOREIGN_PREFIX = "worker"
_KIND = "worker:"  #: of participants whose names need no prefix


def load(
    path: Path | None, environ: Mapping[str, str], *, search: Sequence[Path] = SEARCH, is_root: bool | None = None
) -> Config:
    """Read the settings.

    :param path: the file; None looks at `search`, and does without one if none of those exists.
    :param environ: the environment; a variable wins over the file, an empty one counts as not set.
    :param is_root: whether the defaults are root's; None asks the system.
    :raises ConfigurationError: with every problem of the file and the environment.
    """
    file = path or next((one for one in search if _is_there(one)), None)
    found = ini.read(_text(file)) if file else ini.Ini()
    about = {name: line for name, line in found.sections.items() if name.startswith(PARTICIPANT)}
    services = {name: line for name, line in found.sections.items() if name.startswith(SERVICE)}
    keys = [*KEYS, *(key for section in about for key in participant_keys(section))]
    keys += [key for section in services for key in service_keys(section)]
    reading = _Reading(str(file), environ, keys)
    settings = {(one.key.section, one.key.name): one for one in reading.settings(found.entries)}
    places = {name: one.place for name, one in settings.items()}
    state = state_directory(environ, _is_root() if is_root is None else is_root)
    problems = [(line, f"{file}:{line}  {text}") for line, text in (*found.problems, *_unknown_sections(found))]
    problems += [(about[section], f"{file}:{about[section]}  {text}") for section, text in _unclear(about, found)]
    problems += [(line, f"{file}:{line}  {text}") for line, text in _unnamed(services, found)]
    problems += reading.problems + [(_LAST, text) for text in _unknown_variables(environ)]
    if not problems:
        combined = amqp_url(settings, places) + (storage_url(settings, places, state) or storage_password(settings))
        untokened(settings)
        problems = [(_LAST, text) for text in combined]
    if problems:
        raise ConfigurationError(*(text for _, text in sorted(problems, key=lambda one: one[0])))
    config = _config(settings, file, state, _logging(found), places)
    return replace(
        config,
        participants=tuple(_participant(one, f"{file}:{about[one]}", settings) for one in about),
        registered=tuple(_service(one, f"{file}:{line}", settings) for one, line in services.items()),
    )


def _config(
    settings: Mapping[tuple[str, str], Setting],
    file: Path | None,
    state: Path,
    logging: Mapping[str, Mapping[str, str]],
    places: Mapping[tuple[str, str], str],
) -> Config:
    values = {
        section: {key.name: settings[section, key.name].value for key in KEYS if key.section == section}
        for section in SECTIONS
    }
    return Config(
        Amqp(**values["amqp"]),
        Bureaucrat(**values["bureaucrat"]),
        LimitSettings(**values["limits"]),
        Storage(**values["storage"]),
        Health(**values["health"]),
        Log(**values["log"]),
        Celery(**values["celery"]),
        ServiceSettings(**values["services"]),
        SignalSettings(**values["signals"]),
        Security(**values["security"]),
        file=file,
        state=state,
        logging=logging,
        settings=tuple(settings.values()),
        places=places,
    )


def _participant(section: str, place: str, settings: Mapping[tuple[str, str], Setting]) -> Participant:
    given = {key.name: settings[section, key.name].value for key in participant_keys(section)}
    return Participant(section.removeprefix(PARTICIPANT).strip(), f"{place}  [{section}]", **given)


def _service(section: str, place: str, settings: Mapping[tuple[str, str], Setting]) -> Service:
    given = {key.name: settings[section, key.name].value for key in service_keys(section)}
    return Service(section.removeprefix(SERVICE), f"{place}  [{section}]", **given)


def _unnamed(services: Mapping[str, int], found: ini.Ini) -> Iterator[tuple[int, str]]:
    """What is wrong with sections about services as a whole."""
    for section, line in services.items():
        name = section.removeprefix(SERVICE)
        if not name or name != name.strip():
            yield line, f"[{section}] names no service; write its name right after the colon: [{SERVICE}charge]"
        if not any((entry.section, entry.name) == (section, "url") for entry in found.entries):
            yield line, f"[{section}] has no url; add url = {_EXAMPLES['url']}"


def _unclear(about: Mapping[str, int], found: ini.Ini) -> Iterator[tuple[str, str]]:
    """What is wrong with sections about participants as a whole: the section, and what."""
    names = [key.name for key in participant_keys("")]
    for section in about:
        pattern = section.removeprefix(PARTICIPANT).strip()
        if not pattern:
            yield section, f"[{section}] names nobody; write a participant's name after the colon, or * for each"
        if pattern.startswith(_KIND):
            bare = pattern.removeprefix(_KIND)
            yield section, f"[{section}] with {_KIND} and without it is one participant; write [{PARTICIPANT}{bare}]"
        if not any(entry.section == section for entry in found.entries):
            yield section, f"[{section}] says nothing; give it {' or '.join(names)}, or remove it"


def _is_there(file: Path) -> bool:
    """Whether it exists, or may: one in a folder that we may not enter is for `_text` to complain about."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST + 1)
    except FileNotFoundError as error:
        raise ConfigurationError(f"there is no file {file}; check the path given by --config") from error
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read ({error.strerror}); check the path and its rights") from error
    if len(content) > _LARGEST:
        raise ConfigurationError(f"{file} is larger than {_LARGEST:,} bytes; this cannot be a file of settings")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{file}:{line}  this line is not UTF-8; save the file as UTF-8") from error


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


class _Reading:
    """Finds the value of each key, and the problems on the way."""

    def __init__(self, file: str, environ: Mapping[str, str], keys: Sequence[Key]) -> None:
        self._file = file
        self._environ = environ
        self._keys = keys
        self.problems: list[tuple[int, str]] = []

    def settings(self, entries: Iterable[ini.Entry]) -> list[Setting]:
        """One for each key of the table."""
        given = self._known(entries)
        return [self._setting(key, given.get((key.section, key.name))) for key in self._keys]

    def _known(self, entries: Iterable[ini.Entry]) -> dict[tuple[str, str], ini.Entry]:
        names = {(key.section, name): key.name for key in self._keys for name in (key.name, *key.aliases)}
        sections = {key.section for key in self._keys}
        given: dict[tuple[str, str], ini.Entry] = {}
        for entry in entries:
            if entry.section not in sections:
                continue
            place = f"{self._file}:{entry.line}  [{entry.section}] {entry.name}"
            name = names.get((entry.section, entry.name))
            if name is None:
                self.problems.append((entry.line, f"{place} is unknown; {_advice(entry, self._keys)}"))
            elif (entry.section, name) in given:
                first = given[entry.section, name].line
                self.problems.append((entry.line, f"{place} was given in line {first} already; remove one of both"))
            else:
                given[entry.section, name] = entry
        return given

    def _setting(self, key: Key, entry: ini.Entry | None) -> Setting:
        from_environment = self._environ.get(key.variable) if key.variable else None
        if from_environment:
            return self._read(key, from_environment, key.variable, Origin.ENVIRONMENT, _LAST)
        if entry is not None:
            text = entry.text.strip() if key.is_secret else entry.value
            return self._read(key, text, f"{self._file}:{entry.line}", Origin.FILE, entry.line)
        is_in_force = not key.section.startswith((PARTICIPANT, SERVICE))
        return Setting(key, key.kind.read(key.default), key.default, "default", Origin.DEFAULT, is_in_force)

    def _read(self, key: Key, text: str, source: str, origin: Origin, line: int) -> Setting:
        place = f"{source}  [{key.section}] {key.name}"
        path = None
        try:
            path = secrets.path_of(text, self._environ)
            if path is not None:
                source = f"{source}, {path}"
                text = secrets.read(path, key.is_secret or key.kind.is_url)
        except ValueError as error:
            self.problems.append((line, f"{place}: {error}"))
            return Setting(key, None, "", source, origin)
        try:
            return Setting(key, key.kind.read(text), text, source, origin)
        except ValueError:
            shown = "" if key.is_secret or path else f" = {_cut(key.shown(text))}"
            example = f"for example: {key.name} = {key.default or _EXAMPLES[key.name]}"
            self.problems.append((line, f"{place}{shown}: must be {key.kind.allowed}; {example}"))
            return Setting(key, None, "", source, origin)


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    printable = "".join(one if one.isprintable() else "?" for one in flat)
    return printable if len(printable) <= 60 else printable[:57] + "..."


def _advice(entry: ini.Entry, keys: Iterable[Key]) -> str:
    names = [key.name for key in keys if key.section == entry.section]
    close = get_close_matches(entry.name, names, 1)
    if close:
        return f"did you mean {close[0]}?"
    elsewhere = [key.section for key in KEYS if key.name == entry.name]
    if elsewhere:
        return f"did you mean [{elsewhere[0]}] {entry.name}?"
    return f"remove it; the keys of [{entry.section}] are {', '.join(names)}"


def _is_foreign(section: str) -> bool:
    return section in _FOREIGN or section.startswith(_FOREIGN_PREFIX)


def _is_logging(section: str) -> bool:
    return section in _LOGGING or section.startswith(_LOGGING_PREFIXES)


def _unknown_sections(found: ini.Ini) -> list[tuple[int, str]]:
    problems = []
    for section, line in found.sections.items():
        is_known = section in SECTIONS or section.startswith((PARTICIPANT, SERVICE))
        if is_known or _is_foreign(section) or _is_logging(section):
            continue
        names = [*SECTIONS, f"{PARTICIPANT}NAME", f"{SERVICE}NAME"]
        close = get_close_matches(section.lower(), names, 1)
        advice = f"did you mean [{close[0]}]?" if close else f"remove it; the sections are {', '.join(names)}"
        problems.append((line, f"[{section}] is unknown; {advice}"))
    return problems


def _unknown_variables(environ: Mapping[str, str]) -> list[str]:
    known = [key.variable for key in KEYS]
    prefixes = tuple(f"BUREAUCRAT_{section}_".upper() for section in SECTIONS)
    problems = []
    for name in sorted(environ):
        if name.startswith(prefixes) and name not in known:
            close = get_close_matches(name, known, 1)
            advice = f"did you mean {close[0]}?" if close else "unset it; bureaucrat config shows the names"
            problems.append(f"the environment variable {name} is unknown; {advice}")
    return problems


def _logging(found: ini.Ini) -> dict[str, dict[str, str]]:
    sections = {name: dict[str, str]() for name in found.sections if _is_logging(name)}
    for entry in found.entries:
        if entry.section in sections:
            sections[entry.section][entry.name] = entry.text
    return sections
