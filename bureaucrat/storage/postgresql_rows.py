"""How rows go into PostgreSQL and come out again.

Rules: statements name their parameters (``:name``), the server numbers them (``$1``); a list of tuples goes as one
array for each of their places (``:name_1``, ``:name_2``); rows that are written go as one array for each column. JSON
is text in the database and bytes here.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from ..ports import BranchRow, EventRow, Loaded, ValueRow
from .shapes import Row, Shape, flattener, shape_of

_COMMENT = re.compile(r"--.*$", re.MULTILINE)
_PARAMETER = re.compile(r"(?<![:\w]):(\w+)")
_STAR = re.compile(r"SELECT (\w+\.)?\*(?! FROM unnest)")


@cache
def numbered(sql: str, columns: tuple[tuple[str, str], ...]) -> tuple[str, tuple[str, ...]]:
    """A statement as the server takes it, and the names of its parameters in their order.

    :param columns: what a star stands for, if there is more than one.
    """
    names: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return f"${names.setdefault(found[1], len(names) + 1)}"

    def listed(found: re.Match[str]) -> str:
        return "SELECT " + ", ".join(f"{found[1] or ''}{name}" for name, _ in columns)

    text = _PARAMETER.sub(number, _COMMENT.sub("", sql))
    return _STAR.sub(listed, text) if len(columns) > 1 else text, tuple(names)


def arguments(names: Iterable[str], given: Mapping[str, Any]) -> list[Any]:
    """The parameters of those names."""
    whole = dict(given)
    for name, value in given.items():
        if isinstance(value, list) and value and isinstance(value[0], tuple):
            whole.update((f"{name}_{place}", list(column)) for place, column in enumerate(zip(*value, strict=True), 1))
    return [whole[name] for name in names]


def rows_of(shape: Shape[Row], records: Sequence[Sequence[Any]]) -> list[Row]:
    """What a statement has selected, as rows."""
    converters = _converters(shape)
    if not converters:
        return [shape.make(*record) for record in records]
    columns: list[Iterable[Any]] = list(zip(*records, strict=True))
    for place in converters if columns else ():
        columns[place] = map(str.encode, columns[place])
    return list(map(shape.make, *columns)) if columns else []


@cache
def _converters(shape: Shape[Any]) -> tuple[int, ...]:
    """Which columns are JSON."""
    return tuple(place for place, (_, kind) in enumerate(shape.columns) if kind == "bytes")


def loaded_of(records: Sequence[Sequence[Any]]) -> Loaded:
    """What ``loaded_…`` has selected: branches, and values, which have a scope."""
    loaded = Loaded()
    for instance, branch, due, attempt, text, name, scope in records:
        if scope is None:
            loaded.branches.append(BranchRow(instance, branch, due, attempt, text.encode(), name))
        else:
            loaded.values.append(ValueRow(instance, branch, scope, name, text.encode()))
    return loaded


def is_storable(text: str) -> bool:
    """Whether there can be such a text in the database."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def columns_of(rows: Sequence[Any]) -> list[Sequence[Any]]:
    """Rows (tuples, numbers, or all of one row class) as one sequence for each column."""
    kind: Any = type(rows[0])
    if issubclass(kind, int):
        return [rows]
    if issubclass(kind, tuple):
        return list(zip(*rows, strict=True))
    columns: list[Sequence[Any]] = list(zip(*map(flattener(kind), rows), strict=True))
    for place in _json_of(kind):
        columns[place] = list(map(bytes.decode, columns[place]))
    return columns


@cache
def _json_of(kind: Hashable) -> tuple[int, ...]:
    """Which fields of a row class are JSON."""
    return _converters(shape_of(kind, blob="" if kind is EventRow else "body"))  # type: ignore[arg-type]
