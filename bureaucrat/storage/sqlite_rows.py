"""How rows go into SQLite and come out again: each with as few calls as there can be.

Purpose: the interpreter lock is given back in every call of ``sqlite3`` and for every row that is fetched. While other
threads compute, each time costs up to 5 ms (``sys.getswitchinterval``) until it is had again. Measured on 2 cores,
1,000 rows: fetched one by one beside a busy thread 1,300 ms and more, as one JSON text 15 ms.

Rules:

- what is read comes as one JSON text, made by SQLite around the plain ``SELECT`` (:func:`packed`);
- a time is read as two whole numbers, seconds and 2**-52 of a second: SQLite prints a REAL with 15 digits only;
- what is written goes with its table's other rows into one statement (:func:`repeated`): the line that begins with
  ``VALUES`` is one row, and is repeated.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Any

import msgspec

from .shapes import Row, Shape, flattener

#: How many rows a statement is prepared for. What is missing to the next size is filled up with the last row again.
SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)

_VALUES = re.compile(r"^VALUES (.*?)(;?)$", re.MULTILINE)
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


def packed(shape: Shape[Any], sql: str) -> str:
    """A statement whose one row and column is all that `sql` selects."""
    columns = ", ".join(_COLUMNS[kind][0].format(name) for name, kind in shape.columns)
    return f"SELECT json_group_array(json_array({columns})) FROM ({sql})"


def unpacked(shape: Shape[Row], text: bytes) -> list[Row]:
    """The rows again."""
    rows = msgspec.json.decode(text)
    made: list[Iterable[Any]] = []
    for (_, kind), column in zip(shape.columns, zip(*rows, strict=True), strict=False):
        convert = _COLUMNS[kind][1]
        made.append(column if convert is None else map(convert, column))
    return list(map(shape.make, *made)) if rows else []


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
