"""An ini file as a list of lines with a place: the grammar of ``configparser``, but nothing is interpolated.

Rules: ``[section]``, ``name = value`` or ``name: value``, lines of ``#`` and ``;`` are comments, an indented line goes
on with the value above it. What does not fit is a problem with its line; reading goes on after it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_SECTION = re.compile(r"\[([^]]+)\]\s*(?:[#;].*)?")
_ENTRY = re.compile(r"([^=:\s][^=:]*?)\s*[=:]\s*(.*)")
_COMMENT = re.compile(r"(?:^|\s+)#\s.*$")


@dataclass(slots=True)
class Entry:
    """One ``name = value``."""

    section: str
    name: str
    text: str
    line: int

    @property
    def value(self) -> str:
        """The text without a comment that follows it: white space, ``#`` and white space begin one."""
        return _COMMENT.sub("", self.text).strip()


@dataclass(slots=True)
class Ini:
    """What a file says."""

    entries: list[Entry] = field(default_factory=list)
    sections: dict[str, int] = field(default_factory=dict)  #: and the line where each begins
    problems: list[tuple[int, str]] = field(default_factory=list)


def read(text: str) -> Ini:
    """Read a whole file."""
    found = Ini()
    section: str | None = None
    current: Entry | None = None
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare or bare[0] in "#;":
            continue
        if line[0].isspace() and current is not None:
            current.text += f"\n{bare}"
            continue
        current = None
        heading = _SECTION.fullmatch(bare)
        if heading:
            section = heading[1].strip()
            _begin(found, section, number)
        elif section is None:
            found.problems.append((number, "there is no [section] above this line; begin with one, for example [amqp]"))
        else:
            current = _entry(found, section, bare, number)
    return found


def _begin(found: Ini, section: str, line: int) -> None:
    if section in found.sections:
        first = found.sections[section]
        found.problems.append((line, f"[{section}] begins a second time, first in line {first}; make one of both"))
    else:
        found.sections[section] = line


def _entry(found: Ini, section: str, bare: str, line: int) -> Entry | None:
    match = _ENTRY.fullmatch(bare)
    if not match:
        found.problems.append((line, f"[{section}] this is neither name = value nor [section]; correct or remove it"))
        return None
    entry = Entry(section, match[1].lower(), match[2], line)
    found.entries.append(entry)
    return entry
