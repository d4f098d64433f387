"""The definitions that instances run: read once, kept in memory, stored with their hash."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from ..clock import Clock
from ..core.table import Definition
from ..errors import UnknownDefinition
from ..ports import DefinitionRow, Storage, Writes

Reader = Callable[[str], Definition]


class Definitions:
    """Finds definitions by hash."""

    def __init__(self, storage: Storage, read: Reader, clock: Clock, size: int = 1_000) -> None:
        self._storage = storage
        self._read = read
        self._clock = clock
        self._size = size
        self._known: OrderedDict[str, Definition] = OrderedDict()
        self._texts: OrderedDict[str, Definition] = OrderedDict()
        self._stored: set[str] = set()
        self.learned: Callable[[Definition], None] = lambda definition: None  #: told of each that was not in memory

    def read(self, text: str) -> Definition:
        """Read a definition's text.

        :raises bureaucrat.definition.problems.InvalidDefinition: with every problem of the document.
        """
        known = self._texts.get(text)
        return self._learn(text, self._read(text) if known is None else known)

    async def read_beside(self, text: str) -> Definition:
        """As :meth:`read`; other messages are worked on meanwhile."""
        known = self._texts.get(text)
        return self._learn(text, await asyncio.to_thread(self._read, text) if known is None else known)

    def _learn(self, text: str, definition: Definition) -> Definition:
        """Know from now on what a text says."""
        self._texts[text] = definition
        if len(self._texts) > self._size:
            self._texts.popitem(last=False)
        self._remember(definition)
        return definition

    async def get(self, hash: str) -> Definition:
        """The definition an instance runs."""
        known = self._known.get(hash)
        if known is not None:
            self._known.move_to_end(hash)
            return known
        row = await self._storage.definition(hash)
        if row is None:
            raise UnknownDefinition(f"the definition {hash} is not in the database; was a backup restored in part?")
        self._stored.add(hash)
        return self.read(row.source)

    def store(self, definition: Definition, writes: Writes) -> None:
        """Have a definition written with the first instance that runs it."""
        self._remember(definition)
        if definition.hash not in self._stored:
            row = DefinitionRow(definition.hash, definition.name, definition.source, self._clock.now())
            writes.definitions.append(row)

    def committed(self, writes: Writes) -> None:
        """What a committed batch wrote need not be written again."""
        self._stored.update(row.hash for row in writes.definitions)

    def _remember(self, definition: Definition) -> None:
        if definition.hash not in self._known:
            self.learned(definition)
        self._known[definition.hash] = definition
        self._known.move_to_end(definition.hash)
        while len(self._known) > self._size:
            self._known.popitem(last=False)
