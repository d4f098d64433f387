"""How rows go into SQLite and come out again: each with as few calls as there can be.

Purpose: the interpreter lock is given back in every call of ``sqlite3`` and for every row that is fetched. While other
threads compute, each time costs up to 5 ms (``sys.getswitchinterval``) until it is had again. Measured on 2 cores,
1,000 rows: fetched one by one beside a busy thread 1,300 ms and more, as one JSON text 15 ms.

Rules:

- what is read comes as one JSON text, made by SQLite around the plain ``SELECT`` (:class:`Shape`);
- a time is read as two whole numbers, seconds and 2**-52 of a second: SQLite prints a REAL with 15 digits only;
- what is written goes with its table's other rows into one statement (:func:`repeated`): the line that begins with
  ``VALUES`` is one row, and is repeated.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any, Generic, TypeVar

import msgspec

Row = TypeVar("Row")

#: How many rows a statement is prepared for. What is missing to the next size is filled up with the last row again.
SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)

_VALUES = re.compile(r"^VALUES (.*?)(;?)$", re.MULTILINE)
_PARAMETER = re.compile(r":(\w+)")
_TIME = "json_array(CAST({0} AS INTEGER), CAST(({0} - CAST({0} AS INTEGER)) * (1 << 52) AS INTEGER))"


def _time(parts: list[int]) -> float | None:
    return None if parts[0] is None else parts[0] + parts[1] * 2.0**-52


#: how a column of a type is put into JSON, and what makes a value of the row of it
_COLUMNS: dict[str, tuple[str, Callable[[Any], Any] | None]] = {
    "str": ("{0}", None),
    "int": ("{0}", None),
    "bool": ("{0}", bool),
    "float": (_TIME, _time),
    "bytes": ("{0}", str.encode),
    "blob": ("hex({0})", bytes.fromhex),
}


@dataclass(frozen=True, slots=True)
class Shape(Generic[Row]):
    """What the rows of a ``SELECT`` become."""

    make: Callable[..., Row]
    columns: tuple[tuple[str, str], ...]  #: name, type

    def packed(self, sql: str) -> str:
        """A statement whose one row and column is all that `sql` selects."""
        columns = ", ".join(_COLUMNS[kind][0].format(name) for name, kind in self.columns)
        return f"SELECT json_group_array(json_array({columns})) FROM ({sql})"

    def rows(self, text: bytes) -> list[Row]:
        """The rows again."""
        rows = msgspec.json.decode(text)
        made: list[Iterable[Any]] = []
        for (_, kind), column in zip(self.columns, zip(*rows, strict=True), strict=False):
            convert = _COLUMNS[kind][1]
            made.append(column if convert is None else map(convert, column))
        return list(map(self.make, *made)) if rows else []


def shape_of(kind: type[Row], *, blob: str = "") -> Shape[Row]:
    """The shape of a row class. `blob` names a field that need not be JSON."""
    columns = []
    for field in fields(kind):  # type: ignore[arg-type]  # every row is a dataclass
        name = str(field.type).removesuffix(" | None")
        columns.append((field.name, "blob" if field.name == blob else name))
    return Shape(kind, tuple(columns))


def single(column: str) -> Shape[Any]:
    """The shape of a list of one column."""
    return Shape(lambda value: value, ((column, "str"),))


@cache
def flattener(kind: Hashable) -> Callable[[Any], tuple[Any, ...]]:
    """What makes a tuple of a row, in the order of its fields."""
    return attrgetter(*(field.name for field in fields(kind)))  # type: ignore[arg-type]  # a row class


def only_given(sql: str, given: Mapping[str, object]) -> str:
    """The statement without the lines that name a parameter that is not given."""
    return "\n".join(line for line in sql.splitlines() if set(_PARAMETER.findall(line)) <= given.keys())


@cache
def repeated(sql: str, size: int) -> str:
    """The statement for so many rows."""
    return _VALUES.sub(lambda found: "VALUES " + ", ".join([found[1]] * size) + found[2], sql)


def parts(rows: Sequence[Any]) -> Iterable[tuple[int, list[Any]]]:
    """Rows (tuples, numbers, or all of one row class) as sizes of statements and their parameters."""
    if isinstance(rows[0], int):
        rows = [(row,) for row in rows]
    kind: Any = type(rows[0])
    flat = rows if issubclass(kind, tuple) else list(map(flattener(kind), rows))
    for start in range(0, len(flat), SIZES[-1]):
        part = list(flat[start : start + SIZES[-1]])
        size = SIZES[bisect_left(SIZES, len(part))]
        part += [part[-1]] * (size - len(part))
        yield size, list(chain.from_iterable(part))


def as_json(value: object) -> str:
    """A parameter that SQLite takes apart with ``json_each``."""
    return msgspec.json.encode(value).decode()
