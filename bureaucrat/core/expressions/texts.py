"""What an expression may do with text: write values as text, and the methods of a text (language, L21, L23).

Rules:

- A collection's text is never Python's own: ``str()`` of a set shows its hash order, and parts that are shared may be
  exponentially many.
- How long a result will be is known, and paid for, before it is built.
"""

from __future__ import annotations

from typing import Any

from .guards import MAX_SIZE, SCALARS, Budget, elements, name_of, search_cost


class _Text:
    """A collection's text while it is put together, as Python writes it but with sets in order."""

    __slots__ = ("_budget", "_pieces", "_size")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._pieces: list[str] = []
        self._size = 0

    def of(self, value: Any) -> str:
        """The text of a list, tuple, set or dict."""
        self._write(value)
        return "".join(self._pieces)

    def _write(self, value: Any) -> None:
        match value:
            case list():
                self._write_all("[", value, "]")
            case tuple():
                self._write_all("(", value, ",)" if len(value) == 1 else ")")
            case set():
                self._write_all("{" if value else "set(", elements(self._budget, value), "}" if value else ")")
            case dict():
                self._put("{")
                for place, (name, part) in enumerate(value.items()):
                    self._put(f"{', ' if place else ''}{name!r}: ")
                    self._write(part)
                self._put("}")
            case _:
                self._put(repr(value))

    def _write_all(self, opening: str, values: Any, closing: str) -> None:
        self._put(opening)
        for place, part in enumerate(values):
            if place:
                self._put(", ")
            self._write(part)
        self._put(closing)

    def _put(self, piece: str) -> None:
        self._size += len(piece)
        self._budget.build(str, self._size if self._size > MAX_SIZE else len(piece))
        self._pieces.append(piece)


def represent(budget: Budget, value: Any) -> str:
    """The value's text as it stands in a collection, ``!r`` of an f-string."""
    if type(value) in SCALARS:
        text = repr(value)
        budget.build(str, len(text))
        return text
    return _Text(budget).of(value)


def to_text(budget: Budget, value: Any = "") -> str:
    """``str(x)``."""
    return value if type(value) is str else represent(budget, value)


def written(budget: Budget, *parts: Any) -> str:
    """An f-string: its parts, one after the other."""
    texts = [to_text(budget, part) for part in parts]
    budget.build(str, sum(map(len, texts)))
    return "".join(texts)


def text_for(value: Any, use: str) -> str:
    """The value, if it is a text."""
    if type(value) is not str:
        raise TypeError(f"{use} takes a text, not {name_of(type(value))}")
    return value


def _fitting(budget: Budget, text: str) -> str:
    budget.build(str, len(text))
    return text


def upper(budget: Budget, receiver: Any) -> str:
    """``text.upper()``; longer than the text where one letter becomes two."""
    budget.build(str, len(text_for(receiver, "upper()")))
    return _fitting(budget, receiver.upper())


def lower(budget: Budget, receiver: Any) -> str:
    """``text.lower()``."""
    budget.build(str, len(text_for(receiver, "lower()")))
    return _fitting(budget, receiver.lower())


def strip(budget: Budget, receiver: Any, characters: Any = None) -> str:
    """``text.strip(characters)``."""
    text = text_for(receiver, "strip()")
    set_of = " " if characters is None else text_for(characters, "strip()")
    budget.charge(1 + (len(text) >> 4) * (1 + (len(set_of) >> 4)))
    return text.strip(characters)


def split(budget: Budget, receiver: Any, separator: Any = None, most: Any = -1) -> list[str]:
    """``text.split(separator, most)``."""
    text = text_for(receiver, "split()")
    budget.charge(search_cost(text, " " if separator is None else text_for(separator, "split()")))
    found = text.split(separator, most)
    budget.build(list, len(found))
    budget.build(str, len(text))
    return found


def join(budget: Budget, receiver: Any, values: Any) -> str:
    """``text.join(values)``."""
    between = text_for(receiver, "join()")
    found = elements(budget, values)
    budget.charge(len(found))
    size = sum(len(text_for(part, "join()")) for part in found)
    budget.build(str, size + len(between) * len(found))
    return between.join(found)


def _affix(budget: Budget, value: Any, method: str) -> tuple[str, ...]:
    """What startswith and endswith look for: a text, or any of several."""
    found = tuple(value) if type(value) in (list, tuple) else (value,)
    budget.charge(len(found))
    budget.charge(sum(len(text_for(part, method)) for part in found) >> 6)
    return found


def startswith(budget: Budget, receiver: Any, prefix: Any) -> bool:
    """``text.startswith(prefix)``."""
    return text_for(receiver, "startswith()").startswith(_affix(budget, prefix, "startswith()"))


def endswith(budget: Budget, receiver: Any, suffix: Any) -> bool:
    """``text.endswith(suffix)``."""
    return text_for(receiver, "endswith()").endswith(_affix(budget, suffix, "endswith()"))


def replace(budget: Budget, receiver: Any, old: Any, new: Any, most: Any = -1) -> str:
    """``text.replace(old, new, most)``."""
    text, old, new = text_for(receiver, "replace()"), text_for(old, "replace()"), text_for(new, "replace()")
    budget.charge(search_cost(text, old))
    found = text.count(old)
    if type(most) is int and 0 <= most < found:
        found = most
    budget.build(str, len(text) + found * (len(new) - len(old)))
    return text.replace(old, new, most)
