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

_MOST = 1_000  #: definitions in memory
_LONGEST = 32 << 20  #: characters of all their texts together


class Recent:
    """The definitions that were used last, by some key: so many, and with so much text together.

    The last one stays, however long it is.
    """

    def __init__(self, most: int = _MOST, longest: int = _LONGEST) -> None:
        self._most = most
        self._longest = longest
        self._kept: OrderedDict[str, Definition] = OrderedDict()
        self._length = 0

    def get(self, key: str) -> Definition | None:
        """What was kept under a key; it is the last that was used then."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: str, definition: Definition) -> None:
        """Keep it; what was not used for the longest time is forgotten for it."""
        before = self._kept.pop(key, None)
        self._kept[key] = definition
        self._length += len(definition.source) - (0 if before is None else len(before.source))
        while len(self._kept) > 1 and (len(self._kept) > self._most or self._length > self._longest):
            _, forgotten = self._kept.popitem(last=False)
            self._length -= len(forgotten.source)


class Definitions:
    """Finds definitions by hash."""

    def __init__(self, storage: Storage, read: Reader, clock: Clock) -> None:
        self._storage = storage
        self._read = read
        self.read_stored = read  #: of what was accepted before, perhaps under other limits
        self._clock = clock
        self._known = Recent()  #: by hash
        self._texts = Recent()  #: by text
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
        self._texts.put(text, definition)
        self._remember(definition)
        return definition

    async def get(self, hash: str) -> Definition:
        """The definition an instance runs."""
        known = self._known.get(hash)
        if known is not None:
            return known
        row = await self._storage.definition(hash)
        if row is None:
            raise UnknownDefinition(f"the definition {hash} is not in the database; was a backup restored in part?")
        self._stored.add(hash)
        known = self._texts.get(row.source)
        return self._learn(row.source, self.read_stored(row.source) if known is None else known)

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
        if self._known.get(definition.hash) is None:
            self.learned(definition)
        self._known.put(definition.hash, definition)
