"""What is wrong with a definition, and how it is told.

Rules:

- A problem says where it is, what is wrong and what to write instead, in one line.
- Its code never changes its meaning; :func:`explain` has a page for each.
- All problems of a document come in one :class:`InvalidDefinition`, in the order of its lines (L121).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from textwrap import fill
from types import MappingProxyType
from typing import Final

from bureaucrat.errors import BureaucratError

from . import codes_structure, codes_values, codes_warnings, codes_xml
from .explanation import Explanation

#: Every code there is.
CODES: Final[Mapping[str, Explanation]] = MappingProxyType(
    codes_xml.CODES | codes_values.CODES | codes_structure.CODES | codes_warnings.CODES
)

_WIDTH: Final = 100
_SHOWN: Final = 48  # characters of a value in a message
_LONGEST_NAME: Final = 40  # no name of ours comes near; nothing longer is looked for among them


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to change in a definition. Lines and columns count from 1, columns in characters."""

    file: str
    line: int
    column: int
    code: str
    message: str
    severity: str = "error"

    @property
    def location(self) -> str:
        """``file:line:column``"""
        return f"{self.file}:{self.line}:{self.column}"

    def row(self, width: int = 0) -> str:
        """A line of ``bureaucrat lint``; `width` is that of the widest location in the list."""
        return f"{self.location:<{width}}  {self.severity:<7} {self.code}  {self.message}"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class InvalidDefinition(BureaucratError):
    """The definition cannot be used. Its author changes what each of `problems` names."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


def explain(code: str) -> str:
    """The page on a code (``BX204``): what it means, wrong and right. ``ValueError`` if there is no such code."""
    found = CODES.get(code.strip().upper())
    if found is None:
        raise ValueError(f"there is no code {quoted(code)}{did_you_mean(code.upper(), CODES)}")
    parts = [f"{code.strip().upper()}  {found.title}", fill(found.text, _WIDTH)]
    parts += [_example(word, text) for word, text in (("wrong", found.wrong), ("right", found.right)) if text]
    return "\n\n".join(parts)


def _example(word: str, text: str) -> str:
    first, *rest = text.splitlines()
    return "\n".join([f"{word}   {first}", *("        " + line for line in rest)])


def quoted(text: str) -> str:
    """A value as it stands in a message: in double quotes, on one line, not too long."""
    short = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return '"' + "".join(char if char.isprintable() else ascii(char)[1:-1] for char in short) + '"'


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``; did you mean x?``, or nothing if no known name is close."""
    close = closest(name, known)
    return f"; did you mean {close}?" if close else ""


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant."""
    if len(name) > _LONGEST_NAME:
        return None
    return next(iter(get_close_matches(name, list(known))), None)
