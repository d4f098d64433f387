"""SQL that stands in files: statements by name, and migrations by number.

Rules: a statement begins after a line ``-- name: <name>``; the comment below that line says what it is for. A migration
is a file ``0001_first.sql``; they are applied in order, forward only, and never changed once they were released.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_COMMENT = re.compile(r"^--.*\n", re.MULTILINE)
_MIGRATION = re.compile(r"(\d{4})_\w+\.sql")


def _folder(technology: str) -> Traversable:
    return files("bureaucrat.storage") / "sql" / technology


@cache
def statements(technology: str, file: str) -> dict[str, str]:
    """The statements of one file, by name, without the comments above them and the last semicolon."""
    text = (_folder(technology) / file).read_text(encoding="utf-8")
    _, *parts = _NAME.split(text)
    return {name: _COMMENT.sub("", sql).strip().removesuffix(";") for name, sql in zip(*[iter(parts)] * 2, strict=True)}


@cache
def migrations(technology: str) -> dict[int, str]:
    """All migrations, by number, in order."""
    found = {}
    for file in _folder(technology).iterdir():
        if match := _MIGRATION.fullmatch(file.name):
            found[int(match[1])] = file.read_text(encoding="utf-8")
    return dict(sorted(found.items()))
