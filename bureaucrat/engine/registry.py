"""The processes that are registered by name (L82): which version a name means, and how a new one comes to be.

Rules: what is decided here is decided again by the transaction that writes it: a version is inserted, never replaced,
so of two daemons that give one number away the second one finds out and decides anew. Versions are never deleted; one
that is retired starts nothing any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..clock import Clock
from ..core.table import Definition
from ..definition.problems import InvalidDefinition, did_you_mean
from ..errors import Refused, UnknownProcess
from ..ports import DefinitionRow, Storage, VersionRow, Writes
from .definitions import Definitions
from .orders import Deploy, Undeploy
from .triggers import switch

_NAMED = re.compile(r"(?P<name>[^@]+)@(?P<version>[1-9][0-9]{0,8})")
_NAME = re.compile(r"[^\s@$=\x00-\x1f\x7f-\x9f][^\s@\x00-\x1f\x7f-\x9f]*")
_MOST = 200  # characters of a name
MOST_VERSION = 999_999_999


def named(word: str) -> tuple[str, int | None]:
    """``name@version`` as both; a word that is none is a name."""
    found = _NAMED.fullmatch(word)
    return (word, None) if found is None else (found["name"], int(found["version"]))


def unregistrable(definitions: Mapping[str, Definition]) -> list[str]:
    """Why these definitions cannot be registered together, by the names of their files."""
    found: dict[str, str] = {}
    problems = []
    for file, definition in definitions.items():
        problem = _unregistrable(definition)
        if problem is None and definition.name in found:
            problem = f"the process {definition.name!r} is in {found[definition.name]}, too; a name is given once"
        if problem is not None:
            problems.append(f"{file}: {problem}")
        found.setdefault(definition.name, file)
    return problems


def _unregistrable(definition: Definition) -> str | None:
    name = definition.activities[0].name
    if not name:
        return '<process> has no name to be found by: write <process name="…">'
    if len(name) > _MOST:
        return f"the name of the process has {len(name):,} characters; {_MOST} are allowed"
    if not _NAME.fullmatch(name):
        reason = "contains white space, a control character or @, or begins with $ or ="
        return f"the name {name!r} of the process {reason}: nobody could call it; choose another"
    return None


class Registry:
    """Finds definitions by name, and registers them."""

    def __init__(self, storage: Storage, definitions: Definitions, clock: Clock) -> None:
        self._storage = storage
        self._definitions = definitions
        self._clock = clock
        self.stored: Callable[[Writes], None] = lambda writes: None  #: told what was registered without an order

    async def find(self, name: str, version: int | None = None) -> Definition:
        """What a start of the process runs.

        :param name: its name, or ``name@version``.
        :param version: one of its versions; None: the highest that is not retired.
        :raises UnknownProcess: nothing is registered so, or it is retired.
        """
        if version is None:
            name, version = named(name)
        row = await self._storage.registered(name, version)
        if row is None or row.retired:
            raise UnknownProcess(await self._missing(name, version))
        return await self._definitions.get(row.definition)

    async def _missing(self, name: str, version: int | None) -> str:
        """Why there is no such process or version, and what there is."""
        rows = await self._storage.versions(name)
        if not rows:
            close = did_you_mean(name, {row.name for row in await self._storage.versions()})
            advice = close or "; deploy it"
            return f"no process named {name[:_MOST]!r} is registered{advice}"
        left = ", ".join(str(row.version) for row in rows if not row.retired)
        if version is None:
            return f"every version of the process {name!r} was undeployed; deploy it again"
        what = f"version {version} of the process {name!r}"
        known = f"; it has {left or 'none'}"
        if any(row.version == version for row in rows):
            return f"{what} was undeployed{known}"
        return f"there is no {what}{known}"

    # -- orders

    async def deploy(self, order: Deploy, writes: Writes) -> list[str]:
        """Register definitions, all or none; returns for each its ``name@version`` and what came of it.

        :raises Refused: one of them cannot be; says every reason.
        """
        read: dict[str, Definition] = {}
        problems: list[str] = []
        for file, text in order.files.items():
            try:
                read[file] = await self._definitions.read_beside(text)
            except InvalidDefinition as invalid:
                problems += [f"{file}:{problem.line}: {problem.message}" for problem in invalid.problems]
        if problems:
            raise Refused("\n".join(problems))
        return await self._register_all(read, order.who, order.version, writes)

    async def undeploy(self, order: Undeploy, writes: Writes) -> list[str]:
        """Have nothing started any more by a version, or by any of a process.

        :raises UnknownProcess: there is none.
        """
        return await self._retire(order.name, order.version, writes)

    # -- the same at once, without an order

    async def register(self, definitions: Mapping[str, Definition], who: str, version: int | None = None) -> list[str]:
        """Register definitions that were read, by the names of their files, and wait until it is stored.

        :raises Refused: one of them cannot be; says every reason.
        :raises StaleVersion: another engine was first with a version.
        """
        writes = Writes()
        told = await self._register_all(definitions, who, version, writes)
        await self._commit(writes)
        return told

    async def retire(self, name: str, version: int | None = None) -> list[str]:
        """Have nothing started any more by a version, or by any of a process, and wait until it is stored.

        :raises UnknownProcess: there is none.
        """
        writes = Writes()
        told = await self._retire(name, version, writes)
        await self._commit(writes)
        return told

    async def _commit(self, writes: Writes) -> None:
        if not writes.is_empty:
            async with self._storage.batch() as batch:
                await batch.commit(writes)
            self.stored(writes)

    # -- what is decided

    async def _register_all(
        self, definitions: Mapping[str, Definition], who: str, version: int | None, writes: Writes
    ) -> list[str]:
        if version is not None and not 1 <= version <= MOST_VERSION:
            raise Refused(f"a version is a whole number from 1 to {MOST_VERSION:,}, not {version}")
        problems = unregistrable(definitions)
        told = []
        for file, definition in () if problems else definitions.items():
            try:
                told.append(await self._register(definition, who, version, writes))
            except Refused as refused:
                problems.append(f"{file}: {refused}")
        if problems:
            raise Refused("\n".join(problems))
        return told

    async def _register(self, definition: Definition, who: str, version: int | None, writes: Writes) -> str:
        name = definition.name
        rows = await self._storage.versions(name)
        same = _same(rows, version)
        if same is not None and same.definition == definition.hash:
            if not same.retired:
                return f"{name}@{same.version} is the same already"
            writes.retired.append((name, same.version, False))
            await self._switch(name, [*rows, replace(same, retired=False)], definition, writes)
            return f"{name}@{same.version} deployed again"
        if same is not None and version is not None:
            raise Refused(f"version {version} of the process {name!r} has other content; give another number")
        number = version or (rows[-1].version if rows else 0) + 1
        if number > MOST_VERSION:
            raise Refused(f"the process {name!r} has the highest version there can be")
        now = self._clock.now()
        writes.definitions.append(DefinitionRow(definition.hash, name, definition.source, now, number))
        writes.versions.append(VersionRow(name, number, definition.hash, now, who))
        await self._switch(name, [*rows, *writes.versions[-1:]], definition, writes)
        return f"{name}@{number} deployed"

    async def _retire(self, name: str, version: int | None, writes: Writes) -> list[str]:
        rows = await self._storage.versions(name)
        wanted = [row for row in rows if version in (None, row.version)]
        if not wanted:
            raise UnknownProcess(await self._missing(name, version))
        writes.retired += [(row.name, row.version, True) for row in wanted if not row.retired]
        await self._switch(name, [row for row in rows if row not in wanted], None, writes)
        return [
            f"{row.name}@{row.version} {'was undeployed before' if row.retired else 'undeployed'}" for row in wanted
        ]

    async def _switch(self, name: str, rows: Sequence[VersionRow], known: Definition | None, writes: Writes) -> None:
        """Have the triggers act of the newest of these versions.

        :param known: a definition that was read already.
        """
        newest = max((row for row in rows if not row.retired), key=lambda row: row.version, default=None)
        if newest is None:
            found = None
        elif known is not None and known.hash == newest.definition:
            found = newest.version, known
        else:
            found = newest.version, await self._definitions.get(newest.definition)
        switch(name, await self._storage.schedules(name), found, self._clock.now(), writes)


def _same(rows: Sequence[VersionRow], version: int | None) -> VersionRow | None:
    """The version that a definition is compared with: the one of that number, or the newest."""
    if version is None:
        return rows[-1] if rows else None
    return next((row for row in rows if row.version == version), None)
