"""A document's text with its positions, and the problems found in it so far.

Rules: places are offsets into the text until they are told, then lines and columns; who reports does not raise, unless
there is nothing left to read.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NoReturn

from .problems import InvalidDefinition, Problem

_ATTRIBUTE: Final = r"""\s({name})\s*=\s*["']"""
#: What stands before the first character of an element's own text.
_LEAD: Final = re.compile(r"(?:[ \t\n]|<!\[CDATA\[|<!--.*?-->)*+", re.DOTALL)
#: One character of text as it is written.
_WRITTEN: Final = re.compile(r"(?:<!\[CDATA\[|\]\]>|<!--.*?-->)*+(?:&#?\w+;|.)", re.DOTALL)
_LONGEST: Final = 600  # characters of a message


class Source:
    """A document as text: decoded, every line ended by a line feed.

    `grown` says after which offsets the text is longer than its author wrote it, and by how much: columns are the
    author's.
    """

    def __init__(self, file: str, text: str, grown: Sequence[tuple[int, int]] = ()) -> None:
        self.file = file
        self.text = text
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]
        self._offsets = [offset for offset, _ in grown]
        self._added = [0, *accumulate(more for _, more in grown)]

    def line(self, offset: int) -> int:
        """The line of an offset, from 1."""
        return bisect_right(self._lines, offset)

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1."""
        line = self.line(offset)
        start = self._lines[line - 1]
        added = self._added[bisect_left(self._offsets, offset)] - self._added[bisect_left(self._offsets, start)]
        return line, offset - start - added + 1

    def attribute(self, tag: int, name: str) -> tuple[int, int]:
        """Offsets of an attribute's name and of its value, in the start tag that begins at `tag`."""
        found = re.compile(_ATTRIBUTE.format(name=re.escape(name))).search(self.text, tag)
        assert found is not None, "the parser saw it there"
        return found.start(1), found.end()

    def first(self, offset: int) -> int:
        """Offset of the first character that is not white, of the text that begins at `offset`."""
        found = _LEAD.match(self.text, offset)
        assert found is not None, "it matches nothing, too"
        return found.end()

    def inside(self, offset: int, count: int) -> int:
        """Offset of character number `count` of the text that begins at `offset`; ``&lt;`` is one character."""
        for _ in range(count):
            found = _WRITTEN.match(self.text, offset)
            assert found is not None, "the text is that long"
            offset = found.end()
        return offset


class Report:
    """The problems of one document."""

    def __init__(self, source: Source, most: int) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self._most = most

    def add(self, offset: int, code: str, message: str) -> None:
        """Tell a problem at an offset of the source."""
        self.add_at(self.source.place(offset), code, message)

    def add_at(self, place: tuple[int, int], code: str, message: str) -> None:
        """Tell a problem at a line and column."""
        text = " ".join(message.splitlines())
        text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
        self.problems.append(Problem(self.source.file, *place, code, text))
        if len(self.problems) >= self._most:
            more = f"reading stopped after {self._most:,} problems; there may be more"
            self.problems.append(Problem(self.source.file, *place, "BX108", more))
            self.stop()

    def refuse(self, offset: int, code: str, message: str) -> NoReturn:
        """Tell a problem after which there is nothing left to read."""
        self.add(offset, code, message)
        self.stop()

    def check(self) -> None:
        """Stop if there is any problem."""
        if self.problems:
            self.stop()

    def stop(self) -> NoReturn:
        """Raise what was found, in the order of the document."""
        raise InvalidDefinition(sorted(self.problems, key=lambda one: (one.line, one.column)))
