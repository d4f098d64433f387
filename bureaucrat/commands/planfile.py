"""The file of a plan: `OLD = NEW` a line, an id or an address each; NEW may be `drop`; `#` begins a comment."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .failure import Exit, Failure


def plan_of(file: str | None, words: Iterable[str]) -> dict[str, str]:
    """What a file and the words ``OLD=NEW`` say; the words count more.

    :raises Failure: a line or a word is no pair, or says again what another says.
    """
    said = {} if file is None else _read(file)
    return said | _pairs((f"--map {word}", word) for word in words)


def _read(file: str) -> dict[str, str]:
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(Exit.INVALID, f"the plan {file} cannot be read: {error}") from error
    lines = ((number, line.partition("#")[0].strip()) for number, line in enumerate(text.splitlines(), 1))
    return _pairs((f"{file}:{number}", line) for number, line in lines if line)


def _pairs(lines: Iterable[tuple[str, str]]) -> dict[str, str]:
    said: dict[str, str] = {}
    for place, line in lines:
        old, equals, new = (part.strip() for part in line.partition("="))
        if not (old and equals and new):
            raise Failure(Exit.INVALID, f"{place}: write OLD = NEW, an id or an address each, or OLD = drop")
        if old in said:
            raise Failure(Exit.INVALID, f"{place}: {old} has a place already: {said[old]}")
        said[old] = new
    return said
