"""What an instance did by an earlier definition, in the words of the one that it runs now.

Rules: each migration has left in the history which activity became which; what became none has no activity in the view,
and stays in the list of records under its address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..core.table import Definition, numbers_in
from ..engine.codec import decode
from ..ports import HistoryRow


def as_of_now(history: Sequence[HistoryRow], definition: Definition) -> list[HistoryRow]:
    """Records as if they had been of this definition, which the instance runs now."""
    rows: list[HistoryRow] = []
    places: list[int] | None = None  #: old index -> present one, -1 for none; None: the definition is this one
    for row in reversed(history):
        rows.append(row if places is None or row.activity is None else _moved(row, places[row.activity], definition))
        if row.what == "migrated":
            became: list[int] = decode(row.detail)["places"]
            places = became if places is None else [-1 if place < 0 else places[place] for place in became]
    return rows[::-1]


def _moved(row: HistoryRow, index: int, definition: Definition) -> HistoryRow:
    if index < 0:
        return replace(row, activity=None)
    return replace(row, activity=index, address=address_in(definition, row.address, index))


def address_in(definition: Definition, address: str, index: int) -> str:
    """Where an activity is by this definition, in the items of an address by another."""
    instance, _, path = address.partition("_")
    return instance + definition.address_in(index, numbers_in(path))
