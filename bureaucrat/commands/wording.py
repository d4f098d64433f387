"""How times, values and commands are written for people.

Rules: local time; a value is cut, never wrapped; what is printed to be pasted is quoted for the shell of this system.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_SHOWN = 40  #: characters of a field's value
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def seconds(duration: float) -> str:
    """A length of time: ``0.52 s``, ``12.3 s``, ``12 m 05 s``, ``1 h 02 m``, ``3 d 4 h``."""
    duration = max(duration, 0.0)
    if duration < 9.995:
        return f"{duration:.2f} s"
    if duration < _MINUTE:
        return f"{duration:.1f} s"
    whole = round(duration)
    if whole < _HOUR:
        return _two(whole // _MINUTE, "m", whole % _MINUTE, "s")
    if whole < _DAY:
        return _two(whole // _HOUR, "h", whole % _HOUR // _MINUTE, "m")
    return _two(whole // _DAY, "d", whole % _DAY // _HOUR, "h")


def _two(large: int, unit: str, small: int, part: str) -> str:
    return f"{large} {unit} {small:02} {part}" if small else f"{large} {unit}"


def rough(duration: float) -> str:
    """A length of time that need not be exact: ``0.2 s``, ``3.2 s``, ``12 m 05 s``."""
    return seconds(duration) if duration >= 9.995 else f"{max(duration, 0.0):.1f} s"


def clock(instant: float) -> str:
    """Local time with milliseconds."""
    return datetime.fromtimestamp(instant).strftime("%H:%M:%S.%f")[:-3]


class Times:
    """Instants as people read them: local, or with a Z in UTC.

    :param now: what "ago" is counted from, and whose day needs no date.
    """

    def __init__(self, now: float, is_utc: bool = False) -> None:
        self.now = now
        self._zone = UTC if is_utc else None
        self._mark = "Z" if is_utc else ""

    def at(self, instant: float) -> str:
        """``13:05:07``; of another day ``2026-11-24 13:05:07``."""
        found, today = (datetime.fromtimestamp(one, self._zone) for one in (instant, self.now))
        form = "%H:%M:%S" if found.date() == today.date() else "%Y-%m-%d %H:%M:%S"
        return found.strftime(form) + self._mark

    def ago(self, instant: float) -> str:
        """``13:05:07 (4 m ago)``, ``13:30:00 (in 20 m)``"""
        away = instant - self.now
        distance = f"in {rough(away)}" if away > 0 else f"{rough(-away)} ago"
        return f"{self.at(instant)} ({distance})"


def iso(instant: float | None) -> str | None:
    """An instant for programs: ``2026-11-24T13:05:07.123Z``."""
    if instant is None:
        return None
    return datetime.fromtimestamp(instant, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def size(octets: int) -> str:
    """``812 B``, ``1.2 KiB``, ``16.0 MiB``"""
    if octets < 1024:
        return f"{octets} B"
    return f"{octets / 1024:.1f} KiB" if octets < 1024 * 1024 else f"{octets / 1024 / 1024:.1f} MiB"


def count(number: int, one: str, many: str = "") -> str:
    """``1 retry``, ``2 retries``, ``1,204 actions``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def ordinal(number: int) -> str:
    """``1st``, ``2nd``, ``11th``."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def one_line(text: str, longest: int = 200) -> str:
    """A text on one line, cut if it is long."""
    words = " ".join(text.split())
    return words if len(words) <= longest else words[: longest - 3] + "..."


def value(found: Any) -> str:
    """A field's value, at most 40 characters: a single word as it is, everything else as JSON."""
    if isinstance(found, str) and found and found.isprintable() and not set(found) & set(" \"'{}[],="):
        return one_line(found, _SHOWN)
    return one_line(json.dumps(found, ensure_ascii=False), _SHOWN)


def pairs(fields: dict[str, Any]) -> str:
    """``stock_id=S-88  parcel=DHL-4711``"""
    return "  ".join(f"{name}={value(found)}" for name, found in fields.items())


def quoted(text: str) -> str:
    """An error's text in double quotes, on one line."""
    return f'"{one_line(text)}"'


def command(arguments: Sequence[str]) -> str:
    """This program with these arguments, ready to paste."""
    words = [*_program(), *arguments]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _program() -> list[str]:
    started = Path(sys.argv[0])
    if started.stem in ("__main__", "cli", "-c", ""):
        python = Path(sys.executable)
        found = shutil.which(python.name)
        return [python.name if found and Path(found) == python else str(python), "-m", "bureaucrat"]
    found = shutil.which(started.name)
    return [started.name if found and Path(found).absolute() == started.absolute() else str(started)]
